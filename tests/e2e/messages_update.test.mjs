// SPDX-License-Identifier: Apache-2.0
// Other texts for messages.
import assert from 'node:assert/strict';
import { allAfter, checkChain, here, poll, roomOf, say, waiting } from './lib/events.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('messages_update', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const change = async (client, space, seq, text, expect = 200) =>
    (await client.patch(`${roomOf(space)}/${seq}`, { json: { text }, expect })).json;
  const see = async (client, space, seq) => (await client.get(`${roomOf(space)}/${seq}`, { expect: 200 })).json;
  await ann.post('/v1/spaces', { json: { name: 'lab' }, expect: 201 });
  await ann.put('/v1/spaces/lab/members/bob', { json: { role: 'writer' }, expect: 201 });

  await it('is an event; the message shows the new text and the old one is gone', async () => {
    const message = await say(bob, 'lab', 'a first version');
    const waits = poll(ann, 'lab', { after: await here(ann, 'lab') });
    await waiting(gw, 1);
    const event = await change(bob, 'lab', message.seq, 'a second version');
    assert.deepEqual([event.type, event.target, event.sender, event.text], ['message.updated', message.seq, 'bob', 'a second version']);
    assert.deepEqual((await waits.answer).json.events, [event]);
    const now = await see(ann, 'lab', message.seq);
    assert.equal(now.text, undefined);
    assert.equal(now.text_salt, undefined);
    assert.equal(now.text_digest, message.text_digest);
    assert.equal(now.chain, message.chain);
    assert.deepEqual(now.revision, { seq: event.seq, at: event.sent_at, by: 'bob', text: 'a second version' });
    const { oldest, newest_chain } = (await ann.get('/v1/spaces/lab', { expect: 200 })).json;
    const page = await ann.get(roomOf('lab'), { query: { after: oldest, limit: '500' }, expect: 200 });
    assert.ok(!page.bytes.toString().includes('a first version'));
    assert.equal(checkChain(page.json.events), newest_chain);
  });

  await it('a later change takes the place of an earlier one', async () => {
    const message = await say(bob, 'lab', 'v1');
    const second = await change(bob, 'lab', message.seq, 'the middle one');
    const third = await change(bob, 'lab', message.seq, 'v3');
    const middle = await see(bob, 'lab', second.seq);
    assert.deepEqual([middle.text, middle.text_salt, middle.text_digest], [undefined, undefined, second.text_digest]);
    assert.equal((await see(bob, 'lab', third.seq)).text, 'v3');
    assert.equal((await see(bob, 'lab', message.seq)).revision.text, 'v3');
    const { oldest, newest_chain } = (await ann.get('/v1/spaces/lab', { expect: 200 })).json;
    assert.equal(checkChain((await allAfter(ann, 'lab', oldest)).events), newest_chain);
  });

  await it('by its author, or an owner of the space', async () => {
    const mine = await say(ann, 'lab', 'mine');
    await change(bob, 'lab', mine.seq, 'not yours', [403, 'forbidden']);
    const theirs = await say(bob, 'lab', 'theirs');
    const event = await change(ann, 'lab', theirs.seq, 'moderated');
    assert.equal(event.sender, 'ann');
    const now = await see(bob, 'lab', theirs.seq);
    assert.deepEqual([now.sender, now.revision.by], ['bob', 'ann']);
    await change(admin, 'lab', theirs.seq, 'x', [404, 'not-found']);
    const common = await say(ann, 'common', 'x');
    await change(bob, 'common', common.seq, 'y', [403, 'forbidden']);
    await change(admin, 'common', common.seq, 'y');
  });

  await it('who lost the right to write changes nothing', async () => {
    const message = await say(bob, 'lab', 'before');
    await ann.put('/v1/spaces/lab/members/bob', { json: { role: 'reader' }, expect: 200 });
    await change(bob, 'lab', message.seq, 'after', [403, 'forbidden']);
    await ann.put('/v1/spaces/lab/members/bob', { json: { role: 'writer' }, expect: 200 });
  });

  await it('only messages, only of this space, only those that are left', async () => {
    const message = await say(bob, 'lab', 'x');
    const event = await change(bob, 'lab', message.seq, 'y');
    await change(bob, 'lab', event.seq, 'z', [404, 'not-found']);
    await change(bob, 'common', message.seq, 'z', [404, 'not-found']);
    await change(bob, 'lab', 9007199254740991, 'z', [404, 'not-found']);
    await ann.put('/v1/files/lab/f', { body: 'x', expect: 201 });
    const file = (await ann.get(roomOf('lab'), { query: { limit: '1' }, expect: 200 })).json.events[0];
    assert.equal(file.type, 'file.stored');
    await change(ann, 'lab', file.seq, 'z', [404, 'not-found']);
    await bob.delete(`${roomOf('lab')}/${message.seq}`, { expect: 200 });
    await change(bob, 'lab', message.seq, 'z', [410, 'gone']);
  });

  await it('a text has 1 to 16384 bytes', async () => {
    const { seq } = await say(bob, 'lab', 'x');
    const bad = (text, expect) => bob.patch(`${roomOf('lab')}/${seq}`, { json: { text }, invalid: true, expect });
    await bad('', [400, 'parameter-invalid']);
    await bad('x'.repeat(16385), [413, 'too-large']);
    await bad(5, [400, 'parameter-invalid']);
    assert.equal((await change(bob, 'lab', seq, 'x'.repeat(16384))).text.length, 16384);
  });

  await it('needs JSON as it is described', async () => {
    const { seq } = await say(bob, 'lab', 'x');
    await needsJson(bob, 'PATCH', `${roomOf('lab')}/${seq}`, { text: 'y' });
  });
  await it('needs a token', () => needsToken(gw.client(), 'PATCH', `${roomOf('common')}/1`, { json: { text: 'x' } }));
});
