// SPDX-License-Identifier: Apache-2.0
// One member of a space.
import assert from 'node:assert/strict';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('members_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const see = async (client, path, expect = 200) => (await client.get(`/v1/spaces/${path}`, { expect })).json;
  await ann.post('/v1/spaces', { json: { name: 'lab' }, expect: 201 });
  await ann.put('/v1/spaces/lab/members/bob', { json: { role: 'reader' }, expect: 201 });

  await it('others and myself, in shared spaces and by rule', async () => {
    assert.equal((await see(ann, 'lab/members/bob')).role, 'reader');
    assert.deepEqual(await see(bob, 'lab/members/me'), await see(ann, 'lab/members/bob'));
    assert.equal((await see(bob, 'lab/members/ann')).role, 'owner');
    assert.equal((await see(bob, 'common/members/root-admin')).role, 'owner');
    assert.equal((await see(bob, '~me/members/me')).role, 'owner');
    assert.equal((await see(bob, '@ann/members/ann')).role, 'writer');
  });

  await it('who is none is not found, and a space that is not mine has none', async () => {
    await see(ann, 'lab/members/root-admin', [404, 'not-found']);
    await see(ann, 'lab/members/nobody', [404, 'not-found']);
    await see(ann, 'lab/members/%00', [404, 'not-found']);
    await see(ann, 'common/members/nobody', [404, 'not-found']);
    await see(bob, '~me/members/ann', [404, 'not-found']);
    await see(admin, 'lab/members/ann', [404, 'not-found']);
    await see(admin, '@ann/members/bob', [404, 'not-found']);
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/spaces/common/members/me'));
});
