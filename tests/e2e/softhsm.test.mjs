// SPDX-License-Identifier: Apache-2.0
// Keys in a PKCS#11 token: SoftHSM, made by its own tools, used by URI.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey, createVerify } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportKeys } from './lib/backup.mjs';
import { temporaryDirectory } from './lib/gateway.mjs';
import { checkSigned, itemOf, keyidOf, publicPem } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const MODULES = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so'];
const module = MODULES.find(existsSync);
const PIN = '491730';
const place = temporaryDirectory();
const tokens = join(place, 'tokens');
const configuration = join(place, 'softhsm2.conf');
const env = { SOFTHSM2_CONF: configuration };
mkdirSync(tokens, { mode: 0o700 });
writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
writeFileSync(join(place, 'pin'), `${PIN}\n`, { mode: 0o600 });

const run = (program, ...args) => execFileSync(program, args, { env: { ...process.env, ...env, GNUTLS_PIN: PIN }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
run('softhsm2-util', '--init-token', '--free', '--label', 'gate', '--so-pin', '12345678', '--pin', PIN);

function makeKey(label, ...kind) {
  run('p11tool', '--provider', module, '--login', '--generate-privkey', ...kind, '--label', label, 'pkcs11:token=gate');
  return `pkcs11:token=gate;object=${label};type=private`;
}

const p256 = makeKey('p256', 'ecdsa', '--curve=secp256r1');
const p256b = makeKey('p256b', 'ecdsa', '--curve=secp256r1');
const p384 = makeKey('p384', 'ecdsa', '--curve=secp384r1');
const rsa = makeKey('rsa', 'rsa', '--bits=3072');
const small = makeKey('small', 'rsa', '--bits=2048');

const config = { keyring: { 'pkcs11-module': module, 'pkcs11-pin-file': join(place, 'pin'), 'pkcs11-paths': tokens } };

suite('softhsm', { config, env }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const create = (json, expect) => admin.post('/v1/keys', { json, expect });
  const sign = async (client, key, ...formats) =>
    (await client.post('/v1/signatures', { json: { key, items: [itemOf('x'), itemOf('y')], formats }, expect: 201 })).json.signatures;

  await it('P-256 and RSA keys of a token sign like others', async () => {
    const { key: vkey } = (await admin.get('/v1/log', { expect: 200 })).json;
    for (const [name, type, uri] of [['token-ec', 'ecdsa-p256', p256], ['token-rsa', 'rsa-3072', rsa]]) {
      const { json } = await create({ name, type, uri }, 201);
      assert.equal(json.uri, uri);
      const pem = await publicPem(admin, name);
      assert.equal(json.versions[0].keyid, keyidOf(pem));
      for (const signature of await sign(admin, name, 'raw', 'cms', 'dsse', 'sshsig')) {
        checkSigned(signature, pem, vkey);
        const raw = Buffer.from(signature.formats.raw, 'base64');
        assert.ok(createVerify('sha256').update(signature.name).verify(createPublicKey(pem), raw));
      }
    }
  });

  await it('what the token knows is what we publish', async () => {
    const theirs = run('p11tool', '--provider', module, '--login', '--export-pubkey', p256);
    assert.equal(keyidOf(await publicPem(admin, 'token-ec')), keyidOf(theirs.slice(theirs.indexOf('-----BEGIN'))));
  });

  await it('rotation goes to another key of the token', async () => {
    const rotate = (json, expect) => admin.post('/v1/keys/token-ec/rotate', { json, expect });
    await rotate({ uri: p256 }, [409, 'conflict']);
    await rotate({}, [400, 'parameter-invalid']);
    const { json } = await rotate({ uri: p256b }, 201);
    assert.deepEqual([json.current_version, json.uri], [2, p256b]);
    assert.equal((await sign(admin, 'token-ec'))[0].key_version, 2);
  });

  await it('keys of another kind, and URIs that bring more than a name, are refused', async () => {
    const bad = [400, 'parameter-invalid'];
    for (const json of [
      { name: 'a', type: 'ecdsa-p256', uri: p384 },
      { name: 'a', type: 'ecdsa-p256', uri: rsa },
      { name: 'a', type: 'rsa-3072', uri: small },
      { name: 'a', type: 'ed25519', uri: p256 },
      { name: 'a', type: 'ecdsa-p256', uri: `${p256}?pin-value=${PIN}` },
      { name: 'a', type: 'ecdsa-p256', uri: `${p256}?pin-source=/etc/passwd` },
      { name: 'a', type: 'ecdsa-p256', uri: `${p256};module-path=/tmp/evil.so` },
      { name: 'a', type: 'ecdsa-p256', uri: `${p256}?module-path=/tmp/evil.so` },
    ]) await create(json, bad);
    await create({ name: 'a', type: 'ecdsa-p256', uri: 'pkcs11:token=gate;object=none;type=private' }, [503, 'unavailable']);
    assert.deepEqual((await admin.get('/v1/keys', { expect: 200 })).json.keys.map(({ name }) => name), ['token-ec', 'token-rsa']);
  });

  await it('after a restart they sign again; the backup says where they are', async () => {
    await gw.stop();
    await gw.start();
    const client = await gw.login('root-admin', 'the first password');
    assert.equal((await sign(client, 'token-ec'))[0].key_version, 2);
    await sign(client, 'token-rsa');
    const backup = exportKeys(gw.data);
    assert.ok(backup.includes(`key: token-ec\nversion: 2\ntype: ecdsa-p256\n`) && backup.includes(`token: ${p256b}\n`));
    assert.ok(!backup.includes(PIN) && !gw.log.includes(PIN));
  });

  await it('without the token the gateway runs, and says so when such a key is used', async () => {
    await gw.stop();
    renameSync(tokens, `${tokens}.away`);
    mkdirSync(tokens, { mode: 0o700 });
    await gw.start();
    const client = await gw.login('root-admin', 'the first password');
    await client.post('/v1/signatures', { json: { key: 'token-ec', items: [itemOf('x')] }, expect: [503, 'unavailable'] });
    assert.equal(keyidOf(await publicPem(client, 'token-ec', 1)).length, 64);
    await client.post('/v1/keys', { json: { name: 'own', type: 'ed25519' }, expect: 201 });
    await sign(client, 'own');
    assert.match(gw.log, /"event":"keyring.pkcs11_key"/);
  });

  await it('the PIN is where it belongs only', () => {
    for (const role of [gw.pid, gw.roles().worker, gw.roles().keyring]) {
      assert.ok(!readFileSync(`/proc/${role}/cmdline`).includes(PIN));
      assert.ok(!readFileSync(`/proc/${role}/environ`).includes(PIN));
    }
  });
});
