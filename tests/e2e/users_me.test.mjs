// SPDX-License-Identifier: Apache-2.0
// Who am I.
import assert from 'node:assert/strict';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('users_me', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');

  await it('names the user of the token', async () => {
    const mine = (await ann.get('/v1/users/me', { expect: 200 })).json;
    assert.deepEqual(mine, ann.session.user);
    assert.equal(mine.username, 'ann');
    assert.equal(mine.role, 'member');
    assert.equal((await admin.get('/v1/users/me', { expect: 200 })).json.role, 'admin');
  });

  await it('follows a change of role at once, with the token made before', async () => {
    await admin.patch('/v1/users/ann', { json: { role: 'guest' }, expect: 200 });
    assert.equal((await ann.get('/v1/users/me', { expect: 200 })).json.role, 'guest');
    await admin.patch('/v1/users/ann', { json: { role: 'member' }, expect: 200 });
  });

  await it('ignores unknown parameters', async () => {
    await ann.get('/v1/users/me', { query: { no: 'such' }, invalid: true, expect: 200 });
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/users/me'));
});
