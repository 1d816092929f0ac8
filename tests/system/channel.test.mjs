// SPDX-License-Identifier: Apache-2.0
// Sealed channels across kill -9 and restarts: what was enclosed runs at most once, what was answered is answered
// again with the same bytes, nothing can be replayed, and a state put back from a copy is void.
import assert from 'node:assert/strict';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openChannel } from '../e2e/lib/channel.mjs';
import { eventually } from '../e2e/lib/gateway.mjs';
import { suite } from '../e2e/lib/suite.mjs';

const KILLS = Number(process.env.SECGATE_CHANNEL_KILLS ?? 12);
const DATA = '/v1/sessions/current/data';

// Sends the same bytes until there is an answer: 200, or a refusal in the clear.
async function insist(client, request) {
  for (let i = 0; i < 400; i++) {
    try {
      const answer = await client.post(DATA, { json: request });
      if (answer.status < 500 && answer.code !== 'sequence-pending') return answer;
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
    }
    await sleep(25);
  }
  throw new Error('no answer within 10 s');
}

async function allMessages(client) {
  const texts = [];
  for (let before; ; ) {
    const query = { limit: 500, types: 'message', ...(before && { before }) };
    const { events } = (await client.get('/v1/chat/common/messages', { query, expect: 200 })).json;
    if (events.length === 0) return texts;
    texts.unshift(...events.map(({ text }) => text));
    before = events[0].id;
  }
}

suite('channels survive kill -9 of the worker', { limit: 240000 }, async ({ t, gw, it }) => {
  const admin = await gw.admin();
  const { client, channel } = await openChannel(gw, admin.username, admin.password);
  const fate = new Map(); // text -> 'done' | 'unknown'
  const used = [];
  let stop = false;
  t.signal.addEventListener('abort', () => (stop = true));

  await it('runs what is enclosed at most once', async () => {
    let kills = 0;
    const watcher = gw.client();
    const alive = () => watcher.get('/healthz').then(({ status }) => status === 200, () => false);
    const killer = (async () => {
      while (kills < KILLS && !stop) {
        await eventually(alive, 'a worker that answers', 60000);
        await sleep(30 + ((kills * 67) % 210));
        const { worker } = gw.roles();
        if (worker === undefined) continue;
        process.kill(worker, 'SIGKILL');
        kills++;
      }
    })();
    let finished = false;
    killer.finally(() => (finished = true)).catch(() => {});
    for (let i = 0; !finished; i++) {
      const text = `message ${i}`;
      const headers = { 'content-type': 'text/plain' };
      const request = await channel.request({ method: 'POST', path: '/v1/chat/common/messages', headers, body: text });
      const answer = await insist(client, request);
      used.push(request);
      if (answer.status === 200) {
        const inner = JSON.parse(await channel.open(request, answer.json));
        assert.equal(inner.status, 201, inner.body);
        fate.set(text, 'done');
        if (i % 4 === 0) assert.deepEqual((await insist(client, request)).bytes, answer.bytes);
      } else {
        assert.equal(answer.code, 'sequence-interrupted');
        fate.set(text, 'unknown');
      }
    }
    await killer;
    // The last kill may have interrupted a request; the answer before it would still be the last one, and be repeated.
    used.push(await channel.request({ method: 'GET', path: '/healthz' }));
    assert.equal((await insist(client, used.at(-1))).status, 200);
    const there = await allMessages(admin);
    const seen = new Map();
    for (const text of there) seen.set(text, (seen.get(text) ?? 0) + 1);
    for (const text of fate.keys()) {
      const times = seen.get(text) ?? 0;
      if (fate.get(text) === 'done') assert.equal(times, 1, text);
      else assert.ok(times <= 1, text);
    }
    assert.ok([...fate.values()].filter((how) => how === 'done').length > KILLS);
  });

  await it('takes none of them again, also after another kill and an orderly restart', async () => {
    const before = (await allMessages(admin)).length;
    const refused = async (by) => {
      for (const request of used.slice(-70, -1)) {
        const answer = await insist(by, request);
        assert.equal(answer.status, 409);
        assert.match(answer.code, /^(sequence-replayed|sequence-interrupted|epoch-unknown)$/);
      }
    };
    await refused(client);
    process.kill(gw.roles().worker, 'SIGKILL');
    await refused(client);
    await gw.restart();
    await refused(gw.client({ token: client.token }));
    assert.equal((await allMessages(gw.client({ token: admin.token }))).length, before);
  });

  await it('goes on afterwards, with the last answer at hand', async () => {
    const again = gw.client({ token: client.token });
    const request = await channel.request({ method: 'GET', path: '/openapi.yaml' });
    const first = await insist(again, request);
    assert.equal(first.status, 200);
    await gw.restart();
    const later = gw.client({ token: client.token });
    assert.deepEqual((await insist(later, request)).bytes, first.bytes);
    assert.equal(JSON.parse(await channel.open(request, first.json)).status, 200);
    assert.match((await channel.exchange(later)).text, /^[A-Z]{8}$/);
  });

  await it('is void when its state comes from a copy', async () => {
    const directory = join(gw.data, 'channels');
    const copy = join(gw.data, 'channels.copy');
    const address = `${gw.host}:${gw.port}`;
    await gw.stop();
    cpSync(directory, copy, { recursive: true, preserveTimestamps: true });
    gw.listen = address;
    await gw.start();
    const request = await channel.request('');
    assert.equal((await insist(gw.client({ token: client.token }), request)).status, 200);
    await gw.stop();
    rmSync(directory, { recursive: true });
    cpSync(copy, directory, { recursive: true, preserveTimestamps: true });
    rmSync(copy, { recursive: true });
    await gw.start();
    const answer = await insist(gw.client({ token: client.token }), request);
    assert.deepEqual([answer.status, answer.code], [409, 'channel-missing']);
    assert.ok(gw.log.includes('channels.void'));
    assert.deepEqual(readdirSync(join(directory, 'answers')), []);
    await gw.client({ token: client.token }).get('/v1/users/me', { expect: 200 });
  });
});
