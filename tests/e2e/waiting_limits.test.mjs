// SPDX-License-Identifier: Apache-2.0
// How many may wait, whose place is free again, and what becomes of those who wait when the gateway ends.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStream, here, metric, poll, say, waiting } from './lib/events.mjs';
import { Gateway, eventually } from './lib/gateway.mjs';
import { answer, connect, text } from './lib/raw.mjs';
import { suite } from './lib/suite.mjs';

const limits = { waiters: 12, waiters_per_user: 5, waiters_per_address: 8 };

suite('waiting_limits', { config: { limits } }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const cat = await gw.user(admin, 'cat');
  const from = (user, localAddress) => gw.client({ token: user.token, localAddress });
  const after = async () => here(ann, 'common');
  const refused = async (client, cursor) => {
    const result = await poll(client, 'common', { after: cursor }).answer;
    assert.deepEqual([result.status, result.code, result.headers['retry-after']], [503, 'too-many-waiters', '5']);
    const stream = await client.get('/v1/events', { headers: { accept: 'text/event-stream' }, expect: [503, 'too-many-waiters'] });
    assert.equal(stream.headers['retry-after'], '5');
  };

  await it('of one user, of one address, in all; whoever does not wait is served', async () => {
    const cursor = await after();
    const some = (client, n) => Array.from({ length: n }, () => poll(client, 'common', { after: cursor }));
    const waits = some(ann, 5);
    await waiting(gw, 5);
    await refused(ann, cursor);
    await refused(from(ann, '127.0.0.2'), cursor);
    waits.push(...some(bob, 3));
    await waiting(gw, 8);
    await refused(bob, cursor);
    waits.push(...some(from(bob, '127.0.0.2'), 2), ...some(from(cat, '127.0.0.2'), 2));
    await waiting(gw, 12);
    await refused(from(cat, '127.0.0.3'), cursor);
    for (const client of [ann, bob, from(cat, '127.0.0.3')]) {
      await client.get('/v1/chat/common/messages', { query: { after: cursor }, expect: 200 });
      await client.get('/v1/chat/common/messages', { query: { after: cursor, wait: '0' }, expect: 200 });
    }
    const event = await say(cat, 'common', 'to all who wait');
    for (const { answer: came } of waits) assert.deepEqual((await came).json.events, [event]);
    await waiting(gw, 0);
    const again = poll(ann, 'common', { after: await after(), wait: '1' });
    assert.equal((await again.answer).status, 200);
  });

  await it('a place is free within a second after its client has gone', async () => {
    const cursor = await after();
    for (let round = 0; round < 4; round++) {
      const polls = Array.from({ length: 3 }, () => poll(ann, 'common', { after: cursor }));
      const streams = [await EventStream.open(ann), await EventStream.open(ann)];
      await waiting(gw, 5);
      polls.forEach(({ stop }) => stop());
      await Promise.all(streams.map((stream) => stream.close()));
      await waiting(gw, 0, 1500);
    }
    await eventually(async () => (await metric(gw, 'secgate_event_streams')) === 0, 'no stream', 1500);
  });

  await it('also when it only closed its half of the connection, or sent more meanwhile', async () => {
    const request = text('GET', `/v1/chat/common/messages?after=${await after()}&wait=5`, [`Authorization: Bearer ${ann.token}`]);
    const gone = await connect(gw);
    gone.write(request);
    await waiting(gw, 1);
    gone.destroy();
    await waiting(gw, 0, 1500);
    const busy = await connect(gw);
    busy.write(Buffer.concat([request, text('GET', '/healthz')]));
    await waiting(gw, 1);
    await say(bob, 'common', 'for the busy one');
    assert.equal((await answer(busy)).json.events[0].text, 'for the busy one');
    assert.equal((await answer(busy)).json.status, 'ok');
    busy.destroy();
  });

  await it('posting and listing go on while all places are taken', async () => {
    const cursor = await after();
    const polls = Array.from({ length: 5 }, () => poll(ann, 'common', { after: cursor, types: 'space' }));
    await waiting(gw, 5);
    for (let i = 0; i < 20; i++) await say(ann, 'common', `m${i}`);
    polls.forEach(({ stop }) => stop());
    await waiting(gw, 0, 1500);
  });
});

suite('waiting_limits: no places', { config: { limits: { waiters: 0 } } }, async ({ gw, it }) => {
  await it('nobody may wait, everything else works', async () => {
    const admin = await gw.admin();
    const after = await here(admin, 'common');
    assert.equal((await poll(admin, 'common', { after }).answer).code, 'too-many-waiters');
    await say(admin, 'common', 'x');
    assert.equal((await poll(admin, 'common', { after }).answer).json.events.length, 1);
  });
});

suite('waiting_limits: drain', { gateway: false }, async ({ it }) => {
  await it('polls get an empty answer at once, streams end, the status is 0', async () => {
    const gw = await Gateway.start();
    const admin = await gw.admin();
    const cursor = await here(admin, 'common');
    const sockets = [];
    for (let i = 0; i < 3; i++) {
      const socket = await connect(gw);
      socket.write(text('GET', `/v1/chat/common/messages?after=${cursor}&wait=60`, [`Authorization: Bearer ${admin.token}`]));
      sockets.push(socket);
    }
    const stream = await connect(gw);
    stream.write(text('GET', '/v1/events', [`Authorization: Bearer ${admin.token}`, 'Accept: text/event-stream']));
    await waiting(gw, 4);
    await gw.closeClients();
    await sleep(100);
    const started = performance.now();
    process.kill(gw.pid, 'SIGTERM');
    for (const socket of sockets) {
      const result = await answer(socket);
      assert.equal(result.status, 200, result.text);
      assert.deepEqual(result.json.events, []);
      assert.equal(result.json.next, cursor);
      assert.match(result.headers.connection, /close/i);
    }
    const ended = await answer(stream);
    assert.equal(ended.status, 200);
    assert.match(ended.text, /^retry: 2000\n\nid: \S+\nevent: ready\ndata: \{\}\n\n/);
    assert.doesNotMatch(ended.text, /event: error/);
    assert.ok(performance.now() - started < 3000, 'at once');
    await gw.ended();
  });
});
