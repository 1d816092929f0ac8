// SPDX-License-Identifier: Apache-2.0
// Adding members and changing their roles.
import assert from 'node:assert/strict';
import { EventStream, allAfter, here, poll, say, waiting } from './lib/events.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('members_set', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const set = (client, path, role, expect) => client.put(`/v1/spaces/${path}`, { json: { role }, expect });
  const make = (name) => ann.post('/v1/spaces', { json: { name }, expect: 201 });
  await make('lab');

  await it('adds, changes, and says which; each is an event', async () => {
    const before = await here(ann, 'lab');
    const added = await set(ann, 'lab/members/bob', 'reader', 201);
    assert.deepEqual([added.json.username, added.json.role], ['bob', 'reader']);
    assert.equal(added.headers.location, '/v1/spaces/lab/members/bob');
    const changed = await set(ann, 'lab/members/bob', 'writer', 200);
    assert.equal(changed.json.role, 'writer');
    assert.equal(changed.json.added_at, added.json.added_at);
    await set(ann, 'lab/members/bob', 'writer', 200);
    const { events } = await allAfter(ann, 'lab', before);
    const told = events.map(({ type, sender, member, role }) => [type, sender, member, role]);
    assert.deepEqual(told, [['member.added', 'ann', 'bob', 'reader'], ['member.updated', 'ann', 'bob', 'writer']]);
  });

  await it('a role gives what it says, at once', async () => {
    await make('roles');
    const file = (expect) => bob.put('/v1/files/roles/x', { body: 'x', expect });
    const speak = (expect) => bob.post('/v1/chat/roles/messages', { json: { text: 'x' }, expect });
    await file([404, 'not-found']);
    await set(ann, 'roles/members/bob', 'reader', 201);
    await bob.get('/v1/files/roles/', { expect: 200 });
    await bob.get('/v1/chat/roles/messages', { expect: 200 });
    await file([403, 'forbidden']);
    await speak([403, 'forbidden']);
    await set(ann, 'roles/members/bob', 'writer', 200);
    await file(201);
    await speak(201);
    await set(bob, 'roles/members/ann', 'reader', [403, 'forbidden']);
    await set(ann, 'roles/members/bob', 'owner', 200);
    await set(bob, 'roles/members/ann', 'reader', 200);
    await set(ann, 'roles/members/bob', 'reader', [403, 'forbidden']);
    await ann.post('/v1/chat/roles/messages', { json: { text: 'x' }, expect: [403, 'forbidden'] });
  });

  await it('who is added hears of it, and of all that follows, on what listens already', async () => {
    await make('joined');
    const stream = await EventStream.open(bob);
    const waits = poll(bob, undefined, { after: await here(bob), types: 'member,message' });
    await waiting(gw, 2);
    await set(ann, 'joined/members/bob', 'reader', 201);
    const added = await stream.nextOf('member.added');
    assert.deepEqual([added.json.space, added.json.member], ['joined', 'bob']);
    const answer = await waits.answer;
    assert.equal(answer.json.events[0].type, 'member.added');
    await say(ann, 'joined', 'welcome');
    assert.equal((await stream.nextOf('message')).json.text, 'welcome');
    await stream.close();
  });

  await it('the last owner stays one', async () => {
    await make('owned');
    await set(ann, 'owned/members/ann', 'writer', [409, 'last-owner']);
    await set(ann, 'owned/members/me', 'reader', [409, 'last-owner']);
    await set(ann, 'owned/members/ann', 'owner', 200);
    await set(ann, 'owned/members/bob', 'owner', 201);
    await set(ann, 'owned/members/me', 'writer', 200);
    await set(bob, 'owned/members/bob', 'writer', [409, 'last-owner']);
  });

  await it('members of other spaces follow from rules', async () => {
    await set(admin, 'common/members/ann', 'owner', [409, 'members-fixed']);
    await set(ann, '~me/members/bob', 'reader', [409, 'members-fixed']);
    await say(ann, '@bob', 'hi');
    await set(ann, '@bob/members/root-admin', 'reader', [409, 'members-fixed']);
  });

  await it('only who exists, and only by an owner', async () => {
    await set(ann, 'lab/members/nobody', 'reader', [404, 'not-found']);
    await set(admin, 'lab/members/root-admin', 'owner', [404, 'not-found']);
    await set(bob, 'lab/members/root-admin', 'reader', [403, 'forbidden']);
    for (const role of ['admin', 'member', '', 'Owner']) {
      await ann.put('/v1/spaces/lab/members/bob', { json: { role }, invalid: true, expect: [400, 'parameter-invalid'] });
    }
  });

  await it('needs JSON as it is described', () => needsJson(ann, 'PUT', '/v1/spaces/lab/members/bob', { role: 'writer' }));
  await it('needs a token', () => needsToken(gw.client(), 'PUT', '/v1/spaces/lab/members/bob', { json: { role: 'reader' } }));
});
