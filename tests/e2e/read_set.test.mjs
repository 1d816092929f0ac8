// SPDX-License-Identifier: Apache-2.0
// Up to where I have read.
import assert from 'node:assert/strict';
import { roomOf, say } from './lib/events.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('read_set', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const set = async (client, space, seq, expect = 200, options = {}) =>
    (await client.put(`/v1/chat/${space}/read`, { json: { seq }, expect, ...options })).json;

  await it('moves forward, never back, and counts what follows', async () => {
    const said = [];
    for (let i = 0; i < 4; i++) said.push(await say(bob, 'common', `m${i}`));
    assert.deepEqual(await set(ann, 'common', said[1].seq), { seq: said[1].seq, unread: 2 });
    assert.deepEqual(await set(ann, 'common', said[0].seq), { seq: said[1].seq, unread: 2 });
    assert.deepEqual(await set(ann, 'common', said[3].seq), { seq: said[3].seq, unread: 0 });
    assert.deepEqual(await set(ann, 'common', 0), { seq: said[3].seq, unread: 0 });
    await say(ann, 'common', 'mine does not count');
    assert.equal((await set(ann, 'common', said[3].seq)).unread, 0);
  });

  await it('is each user\'s own, and kept', async () => {
    const event = await say(ann, 'common', 'x');
    await set(bob, 'common', event.seq);
    const read = async (client) => (await client.get('/v1/spaces/common', { expect: 200 })).json.last_read;
    assert.equal(await read(bob), event.seq);
    assert.ok((await read(ann)) < event.seq);
  });

  await it('a deleted message is still one that was not read, or is not counted; never less than nothing', async () => {
    const event = await say(bob, 'common', 'x');
    await bob.delete(`${roomOf('common')}/${event.seq}`, { expect: 200 });
    const { unread } = await set(ann, 'common', event.seq - 1);
    assert.ok(unread >= 0 && unread <= 1);
  });

  await it('also by who may only read, and in a direct talk', async () => {
    const guest = await gw.user(admin, 'gus', { role: 'guest' });
    const event = await say(ann, 'common', 'x');
    await set(guest, 'common', event.seq);
    const direct = await say(ann, '@bob', 'hi');
    assert.deepEqual(await set(bob, '@ann', direct.seq), { seq: direct.seq, unread: 0 });
  });

  await it('not beyond the newest event', async () => {
    await set(ann, 'common', 9007199254740991, [400, 'parameter-invalid']);
    for (const seq of [-1, 1.5, '1', null, 9007199254740992]) {
      await set(ann, 'common', seq, [400, /^(parameter-invalid|json-invalid)$/], { invalid: true });
    }
    await set(ann, '~bob', 0, [404, 'not-found']);
  });

  await it('needs JSON as it is described', () => needsJson(ann, 'PUT', '/v1/chat/common/read', { seq: 1 }));
  await it('needs a token', () => needsToken(gw.client(), 'PUT', '/v1/chat/common/read', { json: { seq: 1 } }));
});
