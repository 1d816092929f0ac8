// SPDX-License-Identifier: Apache-2.0
// Certificates for keys of users: what is taken from a request, what is refused, who may ask.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, enroll, makeKey, makeRequest, openssl } from './lib/certs.mjs';
import { temporaryDirectory } from './lib/gateway.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const work = temporaryDirectory();
const DAY_MS = 86400000;

suite('certificates_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');

  await it('the subject is the user, whatever the request says', async () => {
    const before = Date.now();
    const { json } = await enroll(ann, { name: 'laptop', days: 2 });
    assert.equal(json.user, 'ann');
    assert.equal(json.name, 'laptop');
    const text = describe(json.certificate);
    assert.match(text, /^subject=CN=ann$/m);
    assert.match(text, /^issuer=CN=secgate CA /m);
    assert.match(text, /URI:urn:secgate:user:ann\b/);
    assert.match(text, /TLS Web Client Authentication\n/);
    assert.doesNotMatch(text, /Server Authentication|root-admin|somebody else/);
    assert.match(text, /CA:FALSE/);
    assert.match(text, new RegExp(`URI:https://localhost:${gw.port}/v1/ca/crl`));
    const life = Date.parse(json.expires_at) - before;
    assert.ok(life > 2 * DAY_MS - 5000 && life < 2 * DAY_MS + 60000, `${life}`);
    assert.ok(Date.parse(json.not_before) < before);
    const read = new X509Certificate(json.certificate);
    assert.equal(read.fingerprint256.replaceAll(':', '').toLowerCase(), json.sha256);
    assert.equal(read.serialNumber.toLowerCase(), json.id);
  });

  await it('openssl builds its chain to the CA, for clients only', async () => {
    const { json } = await enroll(ann);
    const [leaf, ca] = [join(work, 'leaf.pem'), join(work, 'ca.pem')];
    writeFileSync(leaf, json.certificate);
    writeFileSync(ca, json.ca);
    const verify = (purpose) => openssl('verify', '-x509_strict', '-purpose', purpose, '-CAfile', ca, leaf);
    assert.match(verify('sslclient'), /: OK/);
    assert.throws(() => verify('sslserver'));
    assert.throws(() => verify('smimesign'));
  });

  await it('takes the kinds of keys that are strong enough', async () => {
    for (const kind of ['p384', 'ed25519', 'rsa2048']) {
      const { cert, key } = await enroll(ann, { kind });
      assert.equal(new X509Certificate(cert).checkPrivateKey(await import('node:crypto').then((m) => m.createPrivateKey(key))), true);
    }
    for (const kind of ['rsa1024', 'p521']) {
      const json = { csr: makeRequest(makeKey(kind)) };
      const { json: problem } = await ann.post('/v1/certificates', { json, expect: [400, 'csr-invalid'] });
      assert.match(problem.detail, /bits|P-256/);
    }
  });

  await it('a request whose signature is not by its key is refused, and what is no request', async () => {
    const csr = makeRequest(makeKey());
    const der = Buffer.from(csr.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const pem = (bytes, label = 'CERTIFICATE REQUEST') =>
      `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
    const refused = (text) => ann.post('/v1/certificates', { json: { csr: text }, expect: [400, 'csr-invalid'] });
    for (const at of [der.length - 1, der.length - 20, 30]) {
      const bent = Buffer.from(der);
      bent[at] ^= 1;
      await refused(pem(bent));
    }
    await refused(pem(der.subarray(0, der.length - 1)));
    await refused(csr + csr);
    await refused('nothing');
    await refused(pem(der, 'CERTIFICATE'));
    await refused(openssl('x509', '-in', join(gw.data, 'ca.pem')));
    await refused(makeKey());
    await ann.post('/v1/certificates', { json: { csr: pem(der) }, expect: 201 });
  });

  await it('lives 90 days at most', async () => {
    const csr = makeRequest(makeKey());
    const { json } = await ann.post('/v1/certificates', { json: { csr }, expect: 201 });
    const life = Date.parse(json.expires_at) - Date.now();
    assert.ok(life > 89.9 * DAY_MS && life < 90.1 * DAY_MS);
    await ann.post('/v1/certificates', { json: { csr, days: 91 }, invalid: true, expect: [400, 'parameter-invalid'] });
  });

  await it('admins make them for others, and nobody else does', async () => {
    const csr = makeRequest(makeKey());
    const { json } = await admin.post('/v1/certificates', { json: { csr, user: 'ann' }, expect: 201 });
    assert.equal(json.user, 'ann');
    assert.match(describe(json.certificate), /subject=CN=ann$/m);
    await admin.post('/v1/certificates', { json: { csr, user: 'nobody' }, expect: [404, 'not-found'] });
    await ann.post('/v1/certificates', { json: { csr, user: 'root-admin' }, expect: [403, 'forbidden'] });
    const bob = await gw.user(admin, 'bob');
    await admin.patch('/v1/users/bob', { json: { disabled: true }, expect: 200 });
    await admin.post('/v1/certificates', { json: { csr, user: 'bob' }, expect: [403, 'user-disabled'] });
    await bob.post('/v1/certificates', { json: { csr }, expect: 401 });
  });

  await it('a user may have 50', async () => {
    const carl = await gw.user(admin, 'carl');
    const csr = makeRequest(makeKey());
    const made = [];
    for (let i = 0; i < 50; i++) made.push((await carl.post('/v1/certificates', { json: { csr }, expect: 201 })).json.id);
    await carl.post('/v1/certificates', { json: { csr }, expect: [409, 'limit-reached'] });
    await carl.delete(`/v1/certificates/${made[7]}`, { expect: 204 });
    await carl.post('/v1/certificates', { json: { csr }, expect: 201 });
  });

  await it('is noted', async () => {
    const { id } = await enroll(ann);
    const { json } = await admin.get('/v1/audit', { query: { type: 'certificate.issued' }, expect: 200 });
    const last = json.entries.at(-1);
    assert.equal(last.actor, 'ann');
    assert.equal(last.details.id, id);
  });

  await it('needs a login and a body', async () => {
    await needsToken(gw.client(), 'POST', '/v1/certificates', { json: { csr: makeRequest(makeKey()) } });
    await needsJson(ann, 'POST', '/v1/certificates', { csr: makeRequest(makeKey()) });
  });
});
