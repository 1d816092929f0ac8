// SPDX-License-Identifier: Apache-2.0
// Guessing of passwords: it is slow, it locks nobody out, and its time tells nothing.
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { suite } from './lib/suite.mjs';

const ADDRESSES = 250;
const FAILURES = 10000;

suite('login_guessing', { limit: 300000 }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  await gw.user(admin, 'bob');
  const attempt = (client, username, password, expect) =>
    client.post('/v1/sessions', { json: { username, password }, expect });

  await it(`${FAILURES} failures from ${ADDRESSES} addresses do not lock the owner out`, async () => {
    const counts = { 401: 0, 429: 0, 503: 0 };
    const guess = async (i) => {
      const client = gw.client({ connections: 1, localAddress: `127.1.${Math.floor(i / 200)}.${1 + (i % 200)}` });
      for (let n = 0; n < FAILURES / ADDRESSES; n += 1) {
        const { status } = await attempt(client, 'ann', `guess ${i} ${n} ....`);
        assert.ok(status in counts, `status ${status}`);
        counts[status] += 1;
      }
      await client.destroy();
    };
    const owner = gw.client();
    let done = false;
    const waits = [];
    const work = async () => {
      for (let next = 0; next < ADDRESSES; next += 25)
        await Promise.all(Array.from({ length: 25 }, (_, i) => guess(next + i)));
      done = true;
    };
    const guessing = work();
    while (!done) { // the owner goes in and out all the time
      const began = performance.now();
      await attempt(owner, 'ann', ann.password, 201);
      waits.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await guessing;
    await attempt(owner, 'ann', ann.password, 201);
    assert.equal(counts[401] + counts[429] + counts[503], FAILURES);
    assert.ok(counts[401] < 500, `${counts[401]} guesses were tried`);
    assert.ok(waits.length >= 3, 'the owner logged in meanwhile');
    await attempt(gw.client(), 'bob', 'password of bob', 201);
  });

  await it('unknown names and wrong passwords cost the same time', async () => {
    // The two of a pair come right after each other: what else the machine does falls on both.
    const ratios = [];
    for (let i = 0; i < 60; i += 1) {
      // Each pair from an address of its own, so that nothing of it is throttled.
      const client = gw.client({ connections: 1, localAddress: `127.2.0.${i + 1}` });
      await client.get('/healthz', { expect: 200 });
      const pair = [['known', `user${i % 6}`], ['unknown', `nobody${i % 6}`]];
      const took = {};
      if (i % 2) pair.reverse();
      if (i < 6) await gw.user(admin, `user${i}`);
      for (const [what, name] of pair) {
        const began = performance.now();
        await attempt(client, name, 'not the password', [401, 'credentials-invalid']);
        took[what] = performance.now() - began;
      }
      ratios.push(took.unknown / took.known);
      await client.destroy();
    }
    const ratio = ratios.sort((x, y) => x - y)[ratios.length / 2];
    const all = ratios.map((each) => each.toFixed(2)).join(' ');
    assert.ok(ratio > 0.75 && ratio < 1.33, `unknown to known: ${ratio}, of ${all}`);
  });

  await it('answers alike, to the letter', async () => {
    const client = gw.client({ localAddress: '127.3.0.1' });
    // Not ann: how often her name may still be tried from here depends on how long ago all the guesses were.
    const said = async (name) => {
      const { json, headers } = await attempt(client, name, 'not the password', [401, 'credentials-invalid']);
      const { request_id: id, ...rest } = json;
      return [rest, headers['www-authenticate'], headers['content-length'], id.length];
    };
    assert.deepEqual(await said('bob'), await said('nobody-here'));
    assert.deepEqual(await said('bob'), await said('Not A Name!'));
  });
});
