// SPDX-License-Identifier: Apache-2.0
// My sessions.
import assert from 'node:assert/strict';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('sessions_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');

  await it('lists mine, marks the current one, and shows where each comes from', async () => {
    const far = await gw.login('ann', ann.password, { localAddress: '127.0.0.2' });
    const { sessions } = (await ann.get('/v1/sessions', { expect: 200 })).json;
    assert.deepEqual(
      sessions.map((session) => session.session_id).sort(),
      [ann.session.session_id, far.session.session_id].sort()
    );
    assert.deepEqual(sessions.filter((session) => session.current).map((s) => s.session_id), [ann.session.session_id]);
    const addresses = Object.fromEntries(sessions.map((session) => [session.session_id, session.address]));
    assert.equal(addresses[ann.session.session_id], '127.0.0.1');
    assert.equal(addresses[far.session.session_id], '127.0.0.2');
    for (const session of sessions) {
      assert.equal(session.device, null);
      assert.ok(Date.parse(session.created_at) <= Date.parse(session.last_used_at));
      assert.ok(Date.parse(session.last_used_at) < Date.parse(session.expires_at));
    }
    await far.delete('/v1/sessions/current', { expect: 204 });
    assert.equal((await ann.get('/v1/sessions', { expect: 200 })).json.sessions.length, 1);
  });

  await it('shows no tokens', async () => {
    const text = (await ann.get('/v1/sessions', { expect: 200 })).bytes.toString();
    assert.ok(!text.includes(ann.session.refresh_token));
    assert.ok(!text.includes(ann.token));
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/sessions'));
});
