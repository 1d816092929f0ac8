// SPDX-License-Identifier: Apache-2.0
// What the gateway says of the connection, against what Node's own TLS sees.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import os from 'node:os';
import { answer, connect, text } from './lib/raw.mjs';
import { suite } from './lib/suite.mjs';

suite('tls_get', { args: ['--name', 'gate.example.test'] }, async ({ gw, it }) => {
  const ask = async (options) => {
    const socket = await connect(gw, options);
    socket.write(text('GET', '/v1/tls', ['Connection: close']));
    const { json } = await answer(socket);
    const seen = {
      version: socket.getProtocol().replace('v', ''),
      cipher: socket.getCipher(),
      leaf: new X509Certificate(socket.getPeerCertificate().raw),
    };
    socket.destroy();
    return { json, seen };
  };

  await it('agrees with the other end', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const { json, seen } = await ask({ minVersion: version, maxVersion: version });
      assert.equal(json.version, seen.version);
      assert.equal(json.resumed, false);
      assert.equal(json.client_certificate, null);
      assert.equal(json.server_certificate.sha256, seen.leaf.fingerprint256.replaceAll(':', '').toLowerCase());
      assert.equal(Date.parse(json.server_certificate.not_after), Date.parse(seen.leaf.validTo));
      assert.equal(Date.parse(json.server_certificate.not_before), Date.parse(seen.leaf.validFrom));
      const strength = /AES.?256/.test(seen.cipher.name) ? '256' : /AES.?128/.test(seen.cipher.name) ? '128' : 'CHACHA';
      assert.ok(json.cipher.toUpperCase().includes(strength), `${json.cipher} ${seen.cipher.name}`);
    }
  });

  await it('names the group', async () => {
    for (const [curve, group] of [['X25519', /x25519/i], ['P-256', /256/], ['P-384', /384/]]) {
      const { json } = await ask({ ecdhCurve: curve, minVersion: 'TLSv1.3' });
      assert.match(json.group, group);
    }
  });

  await it('the certificate has all names of the machine and those asked for', async () => {
    const { json } = await ask({});
    const { names } = json.server_certificate;
    for (const name of ['localhost', '127.0.0.1', '::1', 'gate.example.test']) {
      assert.ok(names.includes(name), `${name} in ${names}`);
    }
    assert.ok(names.some((name) => name.toLowerCase().split('.')[0] === os.hostname().toLowerCase().split('.')[0]));
  });

  await it('is an operation like all others', async () => {
    const { json } = await gw.client().get('/v1/tls', { expect: 200 });
    assert.equal(json.version, 'TLS1.3');
  });
});
