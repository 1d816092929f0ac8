// SPDX-License-Identifier: Apache-2.0
// Two thousand clients at once.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
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

// libmicrohttpd takes this many events at a time, and would wait for more before it handles exactly so many.
const EVENTS = 128;

suite('a full batch of events', { config: keys.limits({ 'event-threads': 1 }) }, async ({ gw, it }) => {
  await it(`${EVENTS} requests that arrive at the same moment are all answered at once`, async () => {
    const sockets = await Promise.all(Array.from({ length: EVENTS }, () => connect(gw)));
    try {
      sockets.forEach((socket) => socket.write(text('GET', '/v1/daytime')));
      await Promise.all(sockets.map((socket) => answer(socket)));
      const { worker } = gw.roles();
      process.kill(worker, 'SIGSTOP');
      try {
        sockets.forEach((socket) => socket.write(text('GET', '/v1/daytime')));
        await sleep(300); // the bytes have reached the worker's sockets by then
      } finally {
        process.kill(worker, 'SIGCONT');
      }
      const answers = await Promise.race([Promise.all(sockets.map((socket) => answer(socket))), sleep(5000)]);
      assert.equal(answers?.filter((got) => got?.status === 200).length, EVENTS);
    } finally {
      sockets.forEach((socket) => socket.destroy());
    }
  });
});
