// SPDX-License-Identifier: Apache-2.0
// Spaces with my role in each, what I have read and what is unread.
import assert from 'node:assert/strict';
import { say } from './lib/events.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('spaces_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const list = async (client) => (await client.get('/v1/spaces', { expect: 200 })).json.spaces;
  const roles = async (client) => Object.fromEntries((await list(client)).map(({ name, role }) => [name, role]));
  const find = async (client, wanted) => (await list(client)).find(({ name }) => name === wanted);
  const ann = await gw.user(admin, 'ann');

  await it('a member writes in common and owns ~name', async () => {
    assert.deepEqual(await roles(ann), { common: 'writer', '~ann': 'owner' });
  });

  await it('a guest reads common', async () => {
    assert.deepEqual(await roles(await gw.user(admin, 'gus', { role: 'guest' })), { common: 'reader', '~gus': 'owner' });
  });

  await it('an admin owns common', async () => {
    assert.deepEqual(await roles(admin), { common: 'owner', '~root-admin': 'owner' });
  });

  await it('shared spaces with my role there, and direct ones that were used; by name', async () => {
    const bob = await gw.user(admin, 'bob');
    await ann.post('/v1/spaces', { json: { name: 'lab', description: 'Where we measure' }, expect: 201 });
    await ann.put('/v1/spaces/lab/members/bob', { json: { role: 'reader' }, expect: 201 });
    await say(bob, '@ann', 'hi');
    assert.deepEqual(await roles(bob), { '@ann': 'writer', common: 'writer', lab: 'reader', '~bob': 'owner' });
    assert.deepEqual(await roles(ann), { '@bob': 'writer', common: 'writer', lab: 'owner', '~ann': 'owner' });
    const names = (await list(ann)).map(({ name }) => name);
    assert.deepEqual(names, [...names].sort());
    const kinds = Object.fromEntries((await list(ann)).map(({ name, kind }) => [name, kind]));
    assert.deepEqual(kinds, { '@bob': 'direct', common: 'common', lab: 'shared', '~ann': 'own' });
    assert.equal((await find(bob, 'lab')).description, 'Where we measure');
    assert.ok(!('lab' in (await roles(admin))));
  });

  await it('what others have said since I read is unread; edits, files and my own words are not', async () => {
    const cat = await gw.user(admin, 'cat');
    const dan = await gw.user(admin, 'dan');
    const before = await find(cat, 'common');
    const first = await say(dan, 'common', 'one');
    await say(dan, 'common', 'two');
    await dan.patch(`/v1/chat/common/messages/${first.seq}`, { json: { text: 'changed' }, expect: 200 });
    await dan.put('/v1/files/common/unread.txt', { body: 'x', expect: 201 });
    await say(cat, 'common', 'mine');
    const after = await find(cat, 'common');
    assert.equal(after.unread, before.unread + 2);
    await cat.put('/v1/chat/common/read', { json: { seq: first.seq }, expect: 200 });
    const read = await find(cat, 'common');
    assert.deepEqual([read.unread, read.last_read], [1, first.seq]);
    assert.equal((await say(dan, 'common', 'three')).id, (await find(cat, 'common')).newest);
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/spaces'));
});
