// SPDX-License-Identifier: Apache-2.0
// Removing members, and leaving.
import assert from 'node:assert/strict';
import { allAfter, here, say } from './lib/events.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('members_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const cat = await gw.user(admin, 'cat');
  const make = async (name, members = { bob: 'writer', cat: 'reader' }) => {
    await ann.post('/v1/spaces', { json: { name }, expect: 201 });
    for (const [user, role] of Object.entries(members)) {
      await ann.put(`/v1/spaces/${name}/members/${user}`, { json: { role }, expect: 201 });
    }
  };
  const remove = (client, path, expect = 204) => client.delete(`/v1/spaces/${path}`, { expect });
  const names = async (client, space) =>
    (await client.get(`/v1/spaces/${space}/members`, { expect: 200 })).json.members.map(({ username }) => username);

  await it('an owner removes, and that is the end of it at once', async () => {
    await make('lab');
    const before = await here(ann, 'lab');
    await remove(ann, 'lab/members/bob');
    await bob.get('/v1/chat/lab/messages', { expect: [404, 'not-found'] });
    await bob.get('/v1/files/lab/', { expect: [404, 'not-found'] });
    await bob.post('/v1/chat/lab/messages', { json: { text: 'x' }, expect: [404, 'not-found'] });
    assert.deepEqual(await names(ann, 'lab'), ['ann', 'cat']);
    const { events } = await allAfter(ann, 'lab', before);
    assert.deepEqual(events.map(({ type, sender, member }) => [type, sender, member]), [['member.removed', 'ann', 'bob']]);
    await remove(ann, 'lab/members/bob', [404, 'not-found']);
  });

  await it('everybody may leave, by either name', async () => {
    await make('left');
    await remove(cat, 'left/members/me');
    await remove(bob, 'left/members/bob');
    assert.deepEqual(await names(ann, 'left'), ['ann']);
    await remove(bob, 'left/members/me', [404, 'not-found']);
  });

  await it('others cannot be removed by who is no owner', async () => {
    await make('kept');
    await remove(bob, 'kept/members/cat', [403, 'forbidden']);
    await remove(bob, 'kept/members/ann', [403, 'forbidden']);
    await remove(admin, 'kept/members/cat', [404, 'not-found']);
    await remove(ann, 'kept/members/nobody', [404, 'not-found']);
    await remove(ann, 'kept/members/root-admin', [404, 'not-found']);
  });

  await it('the last owner cannot leave', async () => {
    await make('owned');
    await remove(ann, 'owned/members/me', [409, 'last-owner']);
    await ann.put('/v1/spaces/owned/members/bob', { json: { role: 'owner' }, expect: 200 });
    await remove(ann, 'owned/members/me');
    await remove(bob, 'owned/members/bob', [409, 'last-owner']);
  });

  await it('when the last owner\'s account goes, the highest and longest member becomes one', async () => {
    const eve = await gw.user(admin, 'eve');
    await eve.post('/v1/spaces', { json: { name: 'heirs' }, expect: 201 });
    for (const [user, role] of [['cat', 'reader'], ['bob', 'writer'], ['ann', 'writer']]) {
      await eve.put(`/v1/spaces/heirs/members/${user}`, { json: { role }, expect: 201 });
    }
    await eve.post('/v1/spaces', { json: { name: 'heirless' }, expect: 201 });
    await admin.delete('/v1/users/eve', { expect: 204 });
    assert.equal((await ann.get('/v1/spaces/heirs/members/bob', { expect: 200 })).json.role, 'owner');
    assert.deepEqual(await names(bob, 'heirs'), ['ann', 'bob', 'cat']);
    await ann.post('/v1/spaces', { json: { name: 'heirless' }, expect: 201 });
  });

  await it('nobody leaves spaces whose members follow from rules', async () => {
    await say(ann, '@bob', 'hi');
    for (const path of ['common/members/me', '~me/members/me', '@bob/members/me', '@bob/members/bob']) {
      await remove(ann, path, [409, 'members-fixed']);
    }
  });

  await it('needs a token', () => needsToken(gw.client(), 'DELETE', '/v1/spaces/lab/members/bob'));
});
