// SPDX-License-Identifier: Apache-2.0
// Texts that are taken back.
import assert from 'node:assert/strict';
import { EventStream, allAfter, checkChain, roomOf, say } from './lib/events.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('messages_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const remove = async (client, space, seq, expect = 200) => (await client.delete(`${roomOf(space)}/${seq}`, { expect })).json;
  await ann.post('/v1/spaces', { json: { name: 'lab' }, expect: 201 });
  await ann.put('/v1/spaces/lab/members/bob', { json: { role: 'writer' }, expect: 201 });

  await it('is an event; no answer has the texts any more, and the chain holds', async () => {
    const stream = await EventStream.open(ann, { query: { space: 'lab' } });
    const message = await say(bob, 'lab', 'an unkind word');
    await bob.patch(`${roomOf('lab')}/${message.seq}`, { json: { text: 'a kinder word' }, expect: 200 });
    const event = await remove(bob, 'lab', message.seq);
    assert.deepEqual([event.type, event.target, event.sender, event.text], ['message.deleted', message.seq, 'bob', undefined]);
    assert.deepEqual((await stream.nextOf('message.deleted')).json, event);
    await stream.close();
    const now = (await ann.get(`${roomOf('lab')}/${message.seq}`, { expect: 200 })).json;
    assert.deepEqual(now.revision, { seq: event.seq, at: event.sent_at, by: 'bob', deleted: true });
    assert.deepEqual([now.text, now.text_salt, now.text_digest], [undefined, undefined, message.text_digest]);
    const { oldest, newest_chain } = (await ann.get('/v1/spaces/lab', { expect: 200 })).json;
    const page = await ann.get(roomOf('lab'), { query: { after: oldest, limit: '500' }, expect: 200 });
    assert.doesNotMatch(page.bytes.toString(), /unkind|kinder/);
    assert.equal(checkChain(page.json.events), newest_chain);
  });

  await it('once', async () => {
    const { seq } = await say(bob, 'lab', 'x');
    await remove(bob, 'lab', seq);
    await remove(bob, 'lab', seq, [410, 'gone']);
    await remove(ann, 'lab', seq, [410, 'gone']);
  });

  await it('by its author, or an owner of the space', async () => {
    const mine = await say(ann, 'lab', 'mine');
    await remove(bob, 'lab', mine.seq, [403, 'forbidden']);
    await remove(admin, 'lab', mine.seq, [404, 'not-found']);
    const theirs = await say(bob, 'lab', 'theirs');
    assert.equal((await remove(ann, 'lab', theirs.seq)).sender, 'ann');
    const direct = await say(ann, '@bob', 'x');
    await remove(bob, '@ann', direct.seq, [403, 'forbidden']);
    await remove(ann, '@bob', direct.seq);
  });

  await it('only messages, only of this space', async () => {
    const message = await say(bob, 'lab', 'x');
    const event = await remove(bob, 'lab', message.seq);
    await remove(bob, 'lab', event.seq, [404, 'not-found']);
    await remove(bob, 'common', message.seq, [404, 'not-found']);
    await remove(bob, 'lab', 9007199254740991, [404, 'not-found']);
    await bob.delete(`${roomOf('lab')}/x`, { invalid: true, expect: [404, 'not-found'] });
  });

  await it('what it linked stays with the message', async () => {
    await bob.put('/v1/files/lab/f', { body: 'first', expect: 201 });
    const { seq } = await say(bob, 'lab', 'look', { files: ['f'] });
    await remove(bob, 'lab', seq);
    const now = (await bob.get(`${roomOf('lab')}/${seq}`, { expect: 200 })).json;
    assert.equal(now.files[0].path, 'f');
    const { oldest } = (await ann.get('/v1/spaces/lab', { expect: 200 })).json;
    checkChain((await allAfter(ann, 'lab', oldest)).events);
  });

  await it('needs a token', () => needsToken(gw.client(), 'DELETE', `${roomOf('common')}/1`));
});
