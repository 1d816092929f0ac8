// SPDX-License-Identifier: Apache-2.0
// Removal of shared spaces, with all that is in them.
import assert from 'node:assert/strict';
import { EventStream, here, poll, say, waiting } from './lib/events.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('spaces_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const make = async (name) => {
    await ann.post('/v1/spaces', { json: { name }, expect: 201 });
    await ann.put(`/v1/spaces/${name}/members/bob`, { json: { role: 'writer' }, expect: 201 });
  };

  await it('goes with files, messages and members, and its name is free again', async () => {
    await make('lab');
    await ann.put('/v1/files/lab/a.txt', { body: 'x', expect: 201 });
    const event = await say(bob, 'lab', 'hi');
    await ann.delete('/v1/spaces/lab', { expect: 204 });
    for (const client of [ann, bob]) {
      await client.get('/v1/spaces/lab', { expect: [404, 'not-found'] });
      await client.get('/v1/files/lab/a.txt', { expect: [404, 'not-found'] });
      await client.get('/v1/chat/lab/messages', { expect: [404, 'not-found'] });
      await client.get(`/v1/chat/lab/messages/${event.seq}`, { expect: [404, 'not-found'] });
      const { spaces } = (await client.get('/v1/spaces', { expect: 200 })).json;
      assert.ok(!spaces.some(({ name }) => name === 'lab'));
    }
    await ann.delete('/v1/spaces/lab', { expect: [404, 'not-found'] });
    await bob.post('/v1/spaces', { json: { name: 'lab' }, expect: 201 });
    assert.deepEqual((await bob.get('/v1/files/lab/', { expect: 200 })).json.entries, []);
    await bob.get(`/v1/chat/lab/messages/${event.seq}`, { expect: 404 });
    await ann.get('/v1/spaces/lab', { expect: [404, 'not-found'] });
  });

  await it('ends what waits there at once, and nothing of a later space of that name leaks', async () => {
    await make('ended');
    const waits = poll(bob, 'ended', { after: await here(bob, 'ended') });
    const stream = await EventStream.open(bob, { query: { space: 'ended' } });
    await waiting(gw, 2);
    await ann.delete('/v1/spaces/ended', { expect: 204 });
    await ann.post('/v1/spaces', { json: { name: 'ended' }, expect: 201 });
    await say(ann, 'ended', 'not for bob');
    const answer = await waits.answer;
    assert.deepEqual([answer.status, answer.code], [404, 'not-found']);
    assert.ok(answer.ms < 5000);
    const last = await stream.nextOf('error');
    assert.equal(last.json.code, 'not-found');
    await stream.end();
    assert.ok(!JSON.stringify(stream.frames).includes('not for bob'));
  });

  await it('only by an owner', async () => {
    await make('kept');
    await bob.delete('/v1/spaces/kept', { expect: [403, 'forbidden'] });
    await admin.delete('/v1/spaces/kept', { expect: [404, 'not-found'] });
    await ann.put('/v1/spaces/kept/members/bob', { json: { role: 'owner' }, expect: 200 });
    await bob.delete('/v1/spaces/kept', { expect: 204 });
  });

  await it('other kinds of spaces stay', async () => {
    await say(ann, '@bob', 'hi');
    await admin.delete('/v1/spaces/common', { expect: [409, 'members-fixed'] });
    await ann.delete('/v1/spaces/~me', { expect: [409, 'members-fixed'] });
    await ann.delete('/v1/spaces/@bob', { expect: [409, 'members-fixed'] });
    await ann.get('/v1/spaces/common', { expect: 200 });
  });

  await it('needs a token', () => needsToken(gw.client(), 'DELETE', '/v1/spaces/lab'));
});
