// SPDX-License-Identifier: Apache-2.0
// Two thousand clients at once.
import assert from 'node:assert/strict';
import { answer, connect, text } from './lib/raw.mjs';
import * as keys from './lib/keys.mjs';
import { suite } from './lib/suite.mjs';

const CLIENTS = 2000;
const HANDSHAKES_AT_ONCE = 100;

// Time enough to connect all of them on a slow machine.
const patient = keys.limits({ 'header-seconds': 110, 'idle-seconds': 110 });

suite('load', { config: patient }, async ({ gw, it }) => {
  await it(`${CLIENTS} clients are connected at once, and each is told the time`, async () => {
    const sockets = [];
    try {
      let next = 0;
      const lane = async () => {
        while (next < CLIENTS) {
          const number = next;
          next += 1;
          sockets.push(await connect(gw, { localAddress: `127.0.1.${1 + (number % 10)}` }));
        }
      };
      await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, lane));
      assert.equal(sockets.length, CLIENTS);
      for (let round = 0; round < 2; round += 1) {
        sockets.forEach((socket) => socket.write(text('GET', '/v1/daytime')));
        const answers = await Promise.all(sockets.map((socket) => answer(socket)));
        assert.equal(answers.filter((got) => got?.status === 200).length, CLIENTS);
        assert.equal(new Set(answers.map(({ headers }) => headers['x-request-id'])).size, CLIENTS);
      }
    } finally {
      sockets.forEach((socket) => socket.destroy());
    }
    await gw.client().get('/v1/daytime', { expect: 200 });
  });
});
