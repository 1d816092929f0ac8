// SPDX-License-Identifier: Apache-2.0
// Versions, resumption, and new certificates without a dropped connection.
import assert from 'node:assert/strict';
import { X509Certificate, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { Gateway, eventually, temporaryDirectory } from './lib/gateway.mjs';
import { issueCertificate, replaceFile, selfSigned, servedCertificateFile } from './lib/keyfiles.mjs';
import { sha256 } from './lib/content.mjs';
import { answer, connect, text } from './lib/raw.mjs';
import { suite } from './lib/suite.mjs';

// The first message of a TLS client, as it goes over the wire.
async function clientHello() {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect({ port: server.address().port, host: '127.0.0.1', rejectUnauthorized: false });
  client.on('error', () => {});
  const [socket] = await once(server, 'connection');
  const [bytes] = await once(socket, 'data');
  socket.on('error', () => {});
  socket.destroy();
  client.destroy();
  server.close();
  return bytes;
}

// Processor time of a process so far (proc(5): fields 14 and 15, in hundredths).
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const fingerprint = (socket) => new X509Certificate(socket.getPeerCertificate().raw).fingerprint256;

suite('tls', async ({ gw, it }) => {
  const admin = await gw.admin();

  const leaf = async () => {
    const socket = await connect(gw);
    const found = fingerprint(socket);
    socket.destroy();
    return found;
  };

  await it('speaks 1.2 and 1.3', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const socket = await connect(gw, { minVersion: version, maxVersion: version });
      assert.equal(socket.getProtocol(), version);
      assert.equal(socket.authorized, true);
      socket.destroy();
    }
  });

  await it('does not speak 1.0 and 1.1', async () => {
    for (const version of ['TLSv1', 'TLSv1.1']) {
      await assert.rejects(connect(gw, { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' }));
    }
  });

  await it('does not speak weak ciphers', async () => {
    for (const ciphers of ['DES-CBC3-SHA', 'RC4-SHA', 'NULL-SHA256', 'AES128-SHA', 'ADH-AES128-SHA']) {
      await assert.rejects(connect(gw, { maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` }), ciphers);
    }
  });

  await it('is trusted through ca.pem by name and by address', async () => {
    for (const servername of ['localhost', undefined]) {
      const socket = await connect(gw, servername ? { servername } : {});
      assert.equal(socket.authorized, true);
      socket.destroy();
    }
    await assert.rejects(connect(gw, { servername: 'elsewhere.test' }));
    await assert.rejects(connect(gw, { ca: undefined }));
  });

  await it('resumes sessions, in both versions', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const options = { minVersion: version, maxVersion: version };
      const first = await connect(gw, options);
      const ticket = once(first, 'session');
      first.write(text('GET', '/v1/tls'));
      assert.equal((await answer(first)).json.resumed, false);
      const session = version === 'TLSv1.2' ? first.getSession() : (await ticket)[0];
      first.destroy();
      const second = await connect(gw, { ...options, session });
      assert.equal(second.isSessionReused(), true, version);
      second.write(text('GET', '/v1/tls'));
      const { json } = await answer(second);
      assert.equal(json.resumed, true);
      assert.equal(json.version, version.replace('v', ''));
      second.destroy();
    }
  });

  await it('a handshake that stalls costs nothing', async () => {
    const hello = await clientHello();
    const stalled = Array.from({ length: 4 }, () => {
      const socket = net.connect(gw.port, gw.host);
      socket.on('error', () => {});
      socket.resume();
      socket.write(hello);
      return socket;
    });
    await sleep(300);
    const before = cpuSeconds(gw.roles().worker);
    await sleep(2000);
    const used = cpuSeconds(gw.roles().worker) - before;
    stalled.forEach((socket) => socket.destroy());
    assert.ok(used < 0.5, `${used} s of processor time in 2 s`);
  });

  // A new certificate comes in while a connection is kept and a download is under way.
  const reload = async (announce) => {
    const content = randomBytes(12 << 20);
    await admin.put('/v1/files/common/reload.bin', { body: content });
    const before = await leaf();
    const kept = await connect(gw);
    kept.write(text('GET', '/healthz'));
    await answer(kept);
    const slow = await admin.get('/v1/files/common/reload.bin', { stream: true, highWaterMark: 16384 });
    const file = servedCertificateFile(gw.data, before);
    replaceFile(file, issueCertificate(gw.data, file, 'reloaded'));
    announce();
    await eventually(async () => (await leaf()) !== before, 'the new certificate', 30000);
    kept.write(text('GET', '/healthz'));
    assert.equal((await answer(kept)).status, 200);
    kept.destroy();
    assert.equal(sha256(Buffer.from(await slow.body.arrayBuffer())), sha256(content));
    return before;
  };

  await it('takes a new certificate on SIGHUP', async () => {
    await reload(() => process.kill(gw.pid, 'SIGHUP'));
  });

  await it('takes a new certificate when its file changes', async () => {
    await reload(() => {});
  });

  await it('makes a good one anew if its own file is spoilt', async () => {
    const file = servedCertificateFile(gw.data, await leaf());
    for (const text of ['this is no certificate\n', '']) {
      replaceFile(file, text);
      process.kill(gw.pid, 'SIGHUP');
      await eventually(() => readFileSync(file, 'latin1').includes('BEGIN CERTIFICATE'), 'a new certificate');
      const socket = await connect(gw);
      assert.equal(socket.authorized, true);
      socket.destroy();
    }
  });

  await it('many reloads under load drop nothing', async () => {
    let running = true;
    const clients = Array.from({ length: 4 }, () => gw.client({ connections: 2 }));
    const loops = clients.map(async (client) => {
      let count = 0;
      while (running) {
        await client.get('/v1/daytime', { expect: 200 });
        count += 1;
      }
      return count;
    });
    for (let i = 0; i < 20; i += 1) {
      process.kill(gw.pid, 'SIGHUP');
      await gw.client().get('/healthz', { expect: 200 });
    }
    running = false;
    for (const count of await Promise.all(loops)) assert.ok(count > 0);
  });
});

test('tls: a certificate of the operator', async (t) => {
  const own = selfSigned(temporaryDirectory(), 'first');
  const gw = await Gateway.start({ config: { tls: { certificate: own.certificate, key: own.key } } });
  gw.ca = readFileSync(own.certificate, 'latin1');
  const served = async () => {
    const socket = await connect(gw);
    assert.equal(socket.authorized, true);
    const found = fingerprint(socket);
    socket.destroy();
    return found;
  };
  const of = (pem) => new X509Certificate(pem).fingerprint256;
  try {
    await t.test('is served', async () => assert.equal(await served(), of(gw.ca)));

    await t.test('stays if the new one is no certificate, or one of another key', async () => {
      const good = readFileSync(own.certificate, 'latin1');
      const other = selfSigned(temporaryDirectory(), 'other');
      for (const text of ['this is no certificate\n', '', readFileSync(other.certificate, 'latin1')]) {
        const lines = gw.logLines().length;
        replaceFile(own.certificate, text);
        process.kill(gw.pid, 'SIGHUP');
        await eventually(() => gw.logLines().slice(lines).some(({ level }) => /warn|error/.test(level)), 'a warning');
        assert.equal(await served(), of(good));
      }
      replaceFile(own.certificate, good);
    });

    await t.test('is replaced together with its key', async () => {
      const next = selfSigned(temporaryDirectory(), 'second');
      const pem = readFileSync(next.certificate, 'latin1');
      replaceFile(own.key, readFileSync(next.key, 'latin1'));
      replaceFile(own.certificate, pem);
      process.kill(gw.pid, 'SIGHUP');
      gw.ca += pem;
      await eventually(async () => (await served()) === of(pem), 'the new certificate');
      process.kill(gw.pid, 'SIGHUP');
      assert.equal(await served(), of(pem));
    });
  } finally {
    await gw.stop();
  }
});
