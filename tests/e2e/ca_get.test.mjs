// SPDX-License-Identifier: Apache-2.0
// The CA's certificate: the one of the data directory and of the chain, also where the operator brings another.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './lib/gateway.mjs';
import { selfSigned } from './lib/keyfiles.mjs';
import { connect } from './lib/raw.mjs';
import { suite } from './lib/suite.mjs';

suite('ca_get', async ({ gw, it }) => {
  const anyone = gw.client();

  await it('is the certificate that clients trust', async () => {
    const { bytes, headers } = await anyone.get('/v1/ca', { expect: 200 });
    assert.equal(headers['content-type'], 'application/pem-certificate-chain');
    assert.match(headers['cache-control'], /max-age=[0-9]+/);
    assert.equal(bytes.toString('latin1'), readFileSync(join(gw.data, 'ca.pem'), 'latin1'));
    const ca = new X509Certificate(bytes);
    assert.ok(ca.ca);
    const socket = await connect(gw);
    const leaf = new X509Certificate(socket.getPeerCertificate().raw);
    socket.destroy();
    assert.ok(leaf.checkIssued(ca));
    assert.ok(leaf.verify(ca.publicKey));
  });

  await it('answers HEAD alike', async () => {
    const { headers } = await anyone.head('/v1/ca', { expect: 200 });
    assert.equal(Number(headers['content-length']), readFileSync(join(gw.data, 'ca.pem')).length);
  });

  await it('takes nothing but GET', async () => {
    const { headers } = await anyone.post('/v1/ca', { outside: true, expect: [405, 'method-not-allowed'] });
    assert.equal(headers.allow, 'GET, HEAD, OPTIONS');
  });
});

const own = selfSigned(temporaryDirectory(), 'operator');

suite('ca_get with a certificate of the operator', { config: { tls: { certificate: own.certificate, key: own.key } } }, async ({ gw, it }) => {
  await it('is the CA of the gateway all the same', async () => {
    const client = gw.client({ tls: { ca: readFileSync(own.certificate) } });
    const { bytes } = await client.get('/v1/ca', { expect: 200 });
    assert.equal(bytes.toString('latin1'), readFileSync(join(gw.data, 'ca.pem'), 'latin1'));
    assert.notEqual(new X509Certificate(bytes).fingerprint256, new X509Certificate(readFileSync(own.certificate)).fingerprint256);
    await client.get('/v1/ca/crl', { expect: 200 });
  });
});
