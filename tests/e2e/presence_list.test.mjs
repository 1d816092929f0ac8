// SPDX-License-Identifier: Apache-2.0
// Who is listening, and who hears of it.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStream, here, poll, say, waiting } from './lib/events.mjs';
import { eventually } from './lib/gateway.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('presence_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const cat = await gw.user(admin, 'cat');
  const present = async (client, space, expect = 200) => (await client.get(`/v1/chat/${space}/presence`, { expect })).json;
  const names = async (client, space) => (await present(client, space)).present.map(({ username }) => username);

  await it('nobody at first', async () => {
    assert.deepEqual(await present(ann, 'common'), { present: [], count: 0 });
    assert.deepEqual(await present(ann, '@bob'), { present: [], count: 0 });
    assert.deepEqual(await present(ann, '~me'), { present: [], count: 0 });
  });

  await it('who polls a space is there, in that space', async () => {
    const started = new Date(Date.now() - 2000).toISOString();
    const waits = poll(ann, 'common', { after: await here(ann, 'common') });
    await waiting(gw, 1);
    const { present: list, count } = await present(bob, 'common');
    assert.deepEqual([list.length, count, list[0].username], [1, 1, 'ann']);
    assert.ok(list[0].since > started);
    assert.deepEqual(await names(ann, '~me'), []);
    waits.stop();
    await waiting(gw, 0);
  });

  await it('who listens to everything is in each of his spaces', async () => {
    await say(ann, '@bob', 'hi');
    const stream = await EventStream.open(ann);
    assert.deepEqual(await names(bob, 'common'), ['ann']);
    assert.deepEqual(await names(bob, '@ann'), ['ann']);
    assert.deepEqual(await names(ann, '~me'), ['ann']);
    await stream.close();
  });

  await it('others hear who comes and goes; who comes back soon never was away', async () => {
    const stream = await EventStream.open(bob, { query: { types: 'presence' } });
    const first = poll(cat, 'common', { after: await here(cat, 'common') });
    const joined = await stream.next(({ json }) => json.sender === 'cat');
    assert.deepEqual([joined.event, joined.json.space, joined.id], ['presence.joined', 'common', undefined]);
    first.stop();
    await sleep(1500);
    assert.deepEqual(await names(bob, 'common').then((all) => all.includes('cat')), true);
    const second = poll(cat, 'common', { after: await here(cat, 'common') });
    await sleep(500);
    second.stop();
    const left = await stream.next(({ json }) => json.sender === 'cat', 20000);
    assert.equal(left.event, 'presence.left');
    await eventually(async () => !(await names(bob, 'common')).includes('cat'), 'cat is away');
    await stream.close();
  });

  await it('a poll hears of it too, and its cursor goes on from there', async () => {
    const waits = poll(bob, undefined, { after: await here(bob), types: 'presence' });
    await waiting(gw, 1);
    const dan = await gw.user(admin, 'dan');
    const other = poll(dan, 'common', { after: await here(dan, 'common') });
    const { json } = await waits.answer;
    assert.deepEqual(json.events.map(({ type, sender, space }) => [type, sender, space]), [['presence.joined', 'dan', 'common']]);
    const again = await bob.get('/v1/events', { query: { after: json.next, types: 'presence' }, expect: 200 });
    assert.deepEqual(again.json.events, []);
    other.stop();
  });

  await it('not for those who may not read there', async () => {
    await present(cat, '~ann', [404, 'not-found']);
    await present(cat, 'nothing', [404, 'not-found']);
    await ann.post('/v1/spaces', { json: { name: 'lab' }, expect: 201 });
    await present(bob, 'lab', [404, 'not-found']);
    await present(admin, 'lab', [404, 'not-found']);
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/chat/common/presence'));
});
