// SPDX-License-Identifier: Apache-2.0
// SIGTERM: what is under way is finished, nothing new begins, the exit status is 0.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import test from 'node:test';
import { Gateway, eventually } from './lib/gateway.mjs';
import { sha256 } from './lib/content.mjs';
import { answer, connect, text } from './lib/raw.mjs';

const accepts = (gw) =>
  new Promise((done) => {
    const socket = net.connect(gw.port, gw.host);
    socket.on('connect', () => socket.destroy());
    socket.on('error', () => done(false));
    socket.on('close', (failed) => done(!failed));
  });

test('drain', async (t) => {
  const gw = await Gateway.start();
  const admin = await gw.admin();
  const auth = `Authorization: Bearer ${admin.token}`;

  const settle = async () => {
    if (gw.child.exitCode === null && gw.child.signalCode === null) gw.kill();
    await gw.exited;
  };

  await t.test('uploads and downloads under way finish, idle connections end', async () => {
    const content = randomBytes(16 << 20);
    await admin.put('/v1/files/common/down.bin', { body: content, expect: 201 });
    await gw.closeClients();

    const idle = await connect(gw);
    idle.write(text('GET', '/healthz'));
    await answer(idle);

    const up = await connect(gw);
    up.write(text('PUT', '/v1/files/common/up.bin', [auth, `Content-Length: ${content.length}`, 'Expect: 100-continue']));
    assert.equal((await answer(up, { interim: true })).status, 100);
    up.write(content.subarray(0, content.length / 2));

    const down = await connect(gw);
    down.write(text('GET', '/v1/files/common/down.bin', [auth]));
    await eventually(() => down.received.length > 0, 'the first bytes');
    down.pause();

    process.kill(gw.pid, 'SIGTERM');
    await idle.closedBy;

    up.write(content.subarray(content.length / 2));
    const stored = await answer(up);
    assert.equal(stored.status, 201, stored.text);
    assert.equal(stored.json.sha256, sha256(content));
    assert.match(stored.headers.connection, /close/i);

    down.resume();
    const got = await answer(down);
    assert.equal(got.status, 200);
    assert.equal(sha256(got.body), sha256(content));
    await Promise.all([up.closedBy, down.closedBy]);
    await gw.ended();
  });

  await settle();
  await t.test('new connections are refused while an upload is finished', async () => {
    gw.listen = `${gw.host}:${gw.port}`;
    await gw.start();
    const later = await gw.login('root-admin', 'the first password');
    await gw.closeClients();
    const up = await connect(gw);
    const bearer = `Authorization: Bearer ${later.token}`;
    up.write(text('PUT', '/v1/files/common/late.txt', [bearer, 'Content-Length: 10', 'Expect: 100-continue']));
    assert.equal((await answer(up, { interim: true })).status, 100);
    up.write('12345');
    assert.equal(await accepts(gw), true);
    process.kill(gw.pid, 'SIGTERM');
    await eventually(async () => !(await accepts(gw)), 'the end of new connections', 5000).finally(() => up.write('67890'));
    assert.equal((await answer(up)).status, 201);
    await gw.ended();
  });

  await settle();
  await t.test('what was acknowledged is there after the next start', async () => {
    await gw.start();
    const later = await gw.login('root-admin', 'the first password');
    const up = await later.get('/v1/files/common/up.bin', { expect: 200 });
    const down = await later.get('/v1/files/common/down.bin', { expect: 200 });
    assert.ok(up.bytes.equals(down.bytes));
    await gw.stop();
  });

  await settle();
  await t.test('without any connection it ends at once, on SIGINT too', async () => {
    await gw.start();
    process.kill(gw.pid, 'SIGINT');
    await gw.ended();
  });
  await settle();
});
