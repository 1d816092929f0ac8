// SPDX-License-Identifier: Apache-2.0
// One event by its number.
import assert from 'node:assert/strict';
import { allAfter, roomOf, say } from './lib/events.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('messages_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const see = async (client, space, seq, expect = 200) => (await client.get(`${roomOf(space)}/${seq}`, { expect })).json;

  await it('every event of a space, as lists show it', async () => {
    await ann.post('/v1/spaces', { json: { name: 'lab' }, expect: 201 });
    await say(ann, 'lab', 'one');
    await ann.put('/v1/files/lab/f', { body: 'x', expect: 201 });
    const { oldest } = (await ann.get('/v1/spaces/lab', { expect: 200 })).json;
    const { events } = await allAfter(ann, 'lab', oldest);
    assert.equal(events.length, 3);
    for (const event of events) assert.deepEqual(await see(ann, 'lab', event.seq), event);
  });

  await it('under the name that each of the two gives a direct talk', async () => {
    const event = await say(ann, '@bob', 'psst');
    assert.deepEqual(await see(bob, '@ann', event.seq), { ...event, space: '@ann' });
    await see(admin, '@ann', event.seq, [404, 'not-found']);
  });

  await it('what is no event of this space is not found', async () => {
    const mine = await say(ann, '~me', 'mine');
    await see(ann, 'common', mine.seq, [404, 'not-found']);
    await see(bob, '~ann', mine.seq, [404, 'not-found']);
    await see(bob, 'lab', mine.seq, [404, 'not-found']);
    for (const seq of [9007199254740991, mine.seq + 1000]) await see(ann, '~me', seq, [404, 'not-found']);
    for (const seq of ['0', '-1', 'x', '01', '1.0', '9007199254740992', '99999999999999999999', '%00', `${mine.seq}x`]) {
      await ann.get(`${roomOf('~me')}/${seq}`, { invalid: true, expect: [404, 'not-found'] });
    }
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', `${roomOf('common')}/1`));
});
