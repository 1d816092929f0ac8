// SPDX-License-Identifier: Apache-2.0
// One session.
import assert from 'node:assert/strict';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('sessions_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');

  await it('is found by its id and as "current"', async () => {
    const current = (await ann.get('/v1/sessions/current', { expect: 200 })).json;
    assert.equal(current.session_id, ann.session.session_id);
    assert.equal(current.current, true);
    assert.equal(current.expires_at, ann.session.expires_at);
    const byId = (await ann.get(`/v1/sessions/${current.session_id}`, { expect: 200 })).json;
    assert.equal(byId.session_id, current.session_id);
    const other = await gw.login('ann', ann.password);
    const seen = (await ann.get(`/v1/sessions/${other.session.session_id}`, { expect: 200 })).json;
    assert.equal(seen.current, false);
  });

  await it('is not found if it is not mine, not there or no id', async () => {
    for (const id of [admin.session.session_id, '0'.repeat(32), 'x', 'Current', 'A'.repeat(32), '0'.repeat(31), '%00']) {
      await ann.get(`/v1/sessions/${id}`, { expect: [404, 'not-found'] });
    }
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/sessions/current'));
});
