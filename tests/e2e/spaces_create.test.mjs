// SPDX-License-Identifier: Apache-2.0
// New shared spaces.
import assert from 'node:assert/strict';
import { allAfter, here } from './lib/events.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('spaces_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const create = (json, expect = 201, options = {}) => ann.post('/v1/spaces', { json, expect, ...options });

  await it('is mine, has its name and is found where Location says', async () => {
    const answer = await create({ name: 'lab', description: 'Where we measure' });
    const { name, kind, role, description, unread, last_read } = answer.json;
    assert.deepEqual({ name, kind, role, description }, { name: 'lab', kind: 'shared', role: 'owner', description: 'Where we measure' });
    assert.deepEqual({ unread, last_read }, { unread: 0, last_read: 0 });
    assert.deepEqual(answer.json.retention, { seconds: null, count: null });
    assert.equal(answer.headers.location, '/v1/spaces/lab');
    const found = (await ann.get(answer.headers.location, { expect: 200 })).json;
    assert.equal(found.description, 'Where we measure');
  });

  await it('has files and a room, for me alone', async () => {
    await create({ name: 'alone' });
    await ann.put('/v1/files/alone/a.txt', { body: 'x', expect: 201 });
    await ann.post('/v1/chat/alone/messages', { json: { text: 'hi' }, expect: 201 });
    for (const other of [bob, admin]) {
      await other.get('/v1/spaces/alone', { expect: [404, 'not-found'] });
      await other.get('/v1/files/alone/', { expect: [404, 'not-found'] });
      await other.get('/v1/files/alone/a.txt', { expect: [404, 'not-found'] });
      await other.put('/v1/files/alone/b.txt', { body: 'x', expect: [404, 'not-found'] });
      await other.get('/v1/chat/alone/messages', { expect: [404, 'not-found'] });
      await other.post('/v1/chat/alone/messages', { json: { text: 'hi' }, expect: [404, 'not-found'] });
    }
  });

  await it('is an event', async () => {
    const before = await here(ann);
    await create({ name: 'told' });
    const { events } = await allAfter(ann, undefined, before, { types: 'space,member' });
    const made = events.find(({ type }) => type === 'space.created');
    assert.equal(made.space, 'told');
    assert.equal(made.sender, 'ann');
  });

  await it('a name is taken once, also by somebody else', async () => {
    await create({ name: 'twice' });
    await create({ name: 'twice' }, [409, 'name-taken']);
    await bob.post('/v1/spaces', { json: { name: 'twice' }, expect: [409, 'name-taken'] });
  });

  await it('only one of many at the same moment gets a name', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? ann : bob).post('/v1/spaces', { json: { name: 'raced' } }))
    );
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, ...Array(19).fill(409)]);
  });

  await it('takes every name that it says, and no other', async () => {
    for (const name of ['a', '0', 'a'.repeat(32), 'a.b_c-d', 'ann', '9lives']) await create({ name });
    for (const name of ['', 'a'.repeat(33), 'A', '.a', '-a', '_a', 'a b', 'a/b', '~ann', '@bob', 'ä', 'common', 'me', 'a\n']) {
      await create({ name }, [400, 'parameter-invalid'], { invalid: true });
    }
  });

  await it('a description has 256 characters at most', async () => {
    const longest = 'ä€😀x'.repeat(64);
    assert.equal([...longest].length, 256);
    const { json } = await create({ name: 'described', description: longest });
    assert.equal(json.description, longest);
    await create({ name: 'too-much', description: `${longest}x` }, [400, 'parameter-invalid'], { invalid: true });
    await ann.get('/v1/spaces/too-much', { expect: [404, 'not-found'] });
  });

  await it('guests may not', async () => {
    const guest = await gw.user(admin, 'gus', { role: 'guest' });
    await guest.post('/v1/spaces', { json: { name: 'gusto' }, expect: [403, 'forbidden'] });
  });

  await it('limit-reached: a user is in 500 shared spaces at most, made or joined', async () => {
    const eve = await gw.user(admin, 'eve');
    for (let i = 0; i < 500; i += 20) {
      const some = Array.from({ length: 20 }, (_, n) => eve.post('/v1/spaces', { json: { name: `eve-${i + n}` }, expect: 201 }));
      await Promise.all(some);
    }
    await eve.post('/v1/spaces', { json: { name: 'eve-more' }, expect: [409, 'limit-reached'] });
    await ann.put('/v1/spaces/lab/members/eve', { json: { role: 'reader' }, expect: [409, 'limit-reached'] });
    assert.equal((await eve.get('/v1/spaces', { expect: 200 })).json.spaces.length, 502);
    await eve.delete('/v1/spaces/eve-7', { expect: 204 });
    await eve.post('/v1/spaces', { json: { name: 'eve-more' }, expect: 201 });
  });

  await it('needs JSON as it is described', () => needsJson(ann, 'POST', '/v1/spaces', { name: 'json' }));
  await it('needs a token', () => needsToken(gw.client(), 'POST', '/v1/spaces', { json: { name: 'nobody' } }));
});
