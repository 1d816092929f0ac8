// SPDX-License-Identifier: Apache-2.0
// Public keys, in the forms that the tools of others read.
import assert from 'node:assert/strict';
import { X509Certificate, createPublicKey } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './lib/gateway.mjs';
import { keyidOf } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const TYPES = ['ed25519', 'ecdsa-p256', 'rsa-3072'];
const MEDIA = {
  pem: 'application/x-pem-file', ssh: 'text/plain', minisign: 'text/plain', signify: 'text/plain', jwk: 'application/jwk+json', x509: 'application/x-pem-file',
};

suite('keys_public', async ({ gw, it }) => {
  const admin = await gw.admin();
  const anyone = gw.client();
  const get = (name, query = {}, expect = 200, options = {}) => anyone.get(`/v1/keys/${name}/public`, { query, expect, ...options });
  const text = async (name, query) => (await get(name, query)).bytes.toString();
  for (const type of TYPES) await admin.post('/v1/keys', { json: { name: `my.${type}`, type }, expect: 201 });
  const spki = async (name, query) => createPublicKey(await text(name, query)).export({ type: 'spki', format: 'der' });

  await it('has the right media type and a name for the file', async () => {
    for (const [format, media] of Object.entries(MEDIA)) {
      const { headers } = await get('my.ed25519', { format });
      assert.equal(headers['content-type'].split(';')[0], media, format);
      assert.match(headers['content-disposition'], /^attachment; filename="my\.ed25519[.-][a-z0-9.-]+"$/, format);
      assert.equal(headers['x-key-version'], '1');
    }
  });

  await it('PEM is the key of the keyid, and what is given when nothing is asked for', async () => {
    for (const type of TYPES) {
      const { versions } = (await admin.get(`/v1/keys/my.${type}`, { expect: 200 })).json;
      const pem = await text(`my.${type}`);
      assert.equal(keyidOf(pem), versions[0].keyid);
      assert.equal(await text(`my.${type}`, { format: 'pem' }), pem);
    }
  });

  await it('JWK is the same key', async () => {
    for (const type of TYPES) {
      const jwk = JSON.parse(await text(`my.${type}`, { format: 'jwk' }));
      for (const secret of ['d', 'p', 'q', 'k']) assert.equal(jwk[secret], undefined);
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      assert.deepEqual(key.export({ type: 'spki', format: 'der' }), await spki(`my.${type}`));
      assert.equal(jwk.kid, keyidOf(await text(`my.${type}`)));
    }
  });

  await it('ssh-keygen reads the line of OpenSSH', async () => {
    for (const type of TYPES) {
      const file = join(temporaryDirectory(), 'key.pub');
      writeFileSync(file, await text(`my.${type}`, { format: 'ssh' }));
      assert.match(execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' }), /SHA256:/);
      if (type === 'ed25519') {
        const { x } = JSON.parse(await text('my.ed25519', { format: 'jwk' }));
        const blob = Buffer.from((await text('my.ed25519', { format: 'ssh' })).split(' ')[1], 'base64');
        assert.equal(blob.subarray(-32).toString('base64url'), x);
        continue;
      }
      const pem = execFileSync('ssh-keygen', ['-e', '-m', 'PKCS8', '-f', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      assert.deepEqual(createPublicKey(pem).export({ type: 'spki', format: 'der' }), await spki(`my.${type}`));
    }
  });

  await it('minisign and signify are for Ed25519 alone', async () => {
    const { x } = JSON.parse(await text('my.ed25519', { format: 'jwk' }));
    const number = (await admin.get('/v1/keys/my.ed25519', { expect: 200 })).json.versions[0].keyid.slice(0, 16);
    for (const format of ['minisign', 'signify']) {
      const [comment, line] = (await text('my.ed25519', { format })).split('\n');
      assert.match(comment, /^untrusted comment: /);
      const bytes = Buffer.from(line, 'base64');
      assert.equal(bytes.subarray(0, 2).toString(), 'Ed');
      assert.equal(bytes.subarray(2, 10).toString('hex'), number);
      assert.equal(bytes.subarray(10).toString('base64url'), x);
      for (const type of TYPES.slice(1)) {
        const { json } = await get(`my.${type}`, { format }, [400, 'parameter-invalid']);
        assert.match(json.detail, /^format/);
      }
    }
  });

  await it('x509 is a certificate by the CA of the gateway', async () => {
    const ca = new X509Certificate((await anyone.get('/v1/ca', { expect: 200 })).bytes);
    for (const type of TYPES) {
      const certificate = new X509Certificate(await text(`my.${type}`, { format: 'x509' }));
      assert.ok(certificate.verify(ca.publicKey));
      assert.ok(certificate.checkIssued(ca));
      assert.deepEqual(certificate.publicKey.export({ type: 'spki', format: 'der' }), await spki(`my.${type}`));
      assert.match(certificate.subject, new RegExp(`CN=my\\.${type}`));
      assert.equal(certificate.ca, false);
    }
  });

  await it('old versions are shown as well, others not', async () => {
    const before = await text('my.ed25519');
    await admin.post('/v1/keys/my.ed25519/rotate', { json: {}, expect: 201 });
    assert.equal(await text('my.ed25519', { version: 1 }), before);
    const second = await get('my.ed25519');
    assert.notEqual(second.bytes.toString(), before);
    assert.equal(second.headers['x-key-version'], '2');
    await get('my.ed25519', { version: 3 }, [404, 'not-found']);
    for (const version of ['0', '-1', 'x', '129', '1.0', '']) await get('my.ed25519', { version }, [400, 'parameter-invalid'], { invalid: true });
    await get('my.ed25519', 'version=1&version=1', [400, 'parameter-invalid']);
  });

  await it('refuses other forms, and keys that are not there', async () => {
    for (const format of ['der', 'PEM', '', 'pgp']) await get('my.ed25519', { format }, [400, 'parameter-invalid'], { invalid: true });
    await get('none', {}, [404, 'not-found']);
    await anyone.get('/v1/keys/..%2fx/public', { outside: true, expect: [404, 'not-found'] });
  });

  await it('a token that is sent is not looked at', async () => {
    await get('my.ed25519', {}, 200, { token: 'nonsense' });
    await anyone.head('/v1/keys/my.ed25519/public', { expect: 200 });
  });
});
