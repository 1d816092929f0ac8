// SPDX-License-Identifier: Apache-2.0
// Who is writing: told to those who listen, stored nowhere.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStream, allAfter, here, say } from './lib/events.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('typing_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const type = (client, space, expect = 204) => client.post(`/v1/chat/${space}/typing`, { expect });

  await it('others who listen hear it, once in two seconds', async () => {
    const stream = await EventStream.open(bob, { query: { types: 'typing,message' } });
    for (let i = 0; i < 5; i++) await type(ann, 'common');
    const frame = await stream.nextOf('typing');
    assert.deepEqual([frame.json.sender, frame.json.space, frame.id], ['ann', 'common', undefined]);
    await say(ann, 'common', 'there');
    await stream.nextOf('message');
    assert.equal(stream.frames.filter(({ event }) => event === 'typing').length, 1);
    await sleep(2100);
    await type(ann, 'common');
    await stream.nextOf('typing');
    await stream.close();
  });

  await it('is no event of the log', async () => {
    const after = await here(ann, 'common');
    await type(ann, 'common');
    assert.deepEqual((await allAfter(ann, 'common', after)).events, []);
  });

  await it('also in a direct talk, and not for others', async () => {
    await type(ann, '@bob');
    await say(ann, '@bob', 'hi');
    const stream = await EventStream.open(bob);
    const third = await EventStream.open(admin);
    await type(ann, '@bob');
    assert.equal((await stream.nextOf('typing')).json.space, '@ann');
    assert.ok(!third.frames.some(({ event }) => event === 'typing'));
    await stream.close();
    await third.close();
  });

  await it('only for writers', async () => {
    const guest = await gw.user(admin, 'gus', { role: 'guest' });
    await type(guest, 'common', [403, 'forbidden']);
    await type(bob, '~ann', [404, 'not-found']);
    await type(bob, 'nothing', [404, 'not-found']);
    await ann.post('/v1/chat/common/typing', { json: {}, invalid: true, expect: [413, 'too-large'] });
  });

  await it('needs a token', () => needsToken(gw.client(), 'POST', '/v1/chat/common/typing'));
});
