// SPDX-License-Identifier: Apache-2.0
// What the keys on disk are sealed with: a file, a file elsewhere, a credential, a passphrase; and that nothing else opens them.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { exportKeys, keyring, keysOf } from './lib/backup.mjs';
import { Gateway, eventually, temporaryDirectory } from './lib/gateway.mjs';
import { privateKeys } from './lib/keyfiles.mjs';
import { findInMemory } from './lib/memory.mjs';
import { isSealed } from './lib/sealed.mjs';
import { itemOf, keyidOf, publicPem } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const TYPES = ['ed25519', 'ecdsa-p256', 'rsa-3072'];

function* filesOf(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesOf(path);
    else if (entry.isFile()) yield path;
  }
}

// Names of the needles that are in a file below the directory.
function findOnDisk(directory, wanted) {
  const found = [];
  for (const file of filesOf(directory)) {
    const bytes = readFileSync(file);
    for (const needle of wanted) if (bytes.includes(needle.bytes)) found.push(`${needle.name} in ${file}`);
    if (bytes.includes('PRIVATE KEY-----')) found.push(`a private key in ${file}`);
  }
  return found;
}

const sign = async (client, key) => (await client.post('/v1/signatures', { json: { key, items: [itemOf('x')] }, expect: 201 })).json.signatures[0];

// A gateway that must not start; what it said.
async function refusal(options) {
  const gw = new Gateway(options);
  await assert.rejects(gw.start(), /ended at start/);
  assert.deepEqual(await gw.exited, { status: 1, signal: null });
  return gw.log;
}

// A gateway that goes away with its test, however that ends.
async function started(t, options) {
  const gw = new Gateway(options);
  t.after(() => gw.kill());
  await gw.start();
  return gw;
}

suite('kek', async ({ gw, it }) => {
  const admin = await gw.admin();
  for (const type of TYPES) {
    await admin.post('/v1/keys', { json: { name: type, type }, expect: 201 });
    await sign(admin, type);
    await admin.post(`/v1/keys/${type}/rotate`, { json: {}, expect: 201 });
    await sign(admin, type);
  }
  const backup = exportKeys(gw.data);
  const keys = keysOf(backup);
  const secrets = keys.flatMap(({ needles }) => needles);

  await it('the backup has every key and every version', async () => {
    const names = keys.map(({ name, version }) => `${name} ${version ?? ''}`.trim().replace(/^token-.*/, 'token'));
    const versions = TYPES.flatMap((type) => [`${type} 1`, `${type} 2`]);
    assert.deepEqual(names.sort(), [...versions, 'ca.key', 'identity.key', 'log.key', 'time.key', 'tls.key', 'token'].sort());
    assert.ok(secrets.length >= 2 * keys.length);
    for (const { name, version, keyid } of keys.filter(({ keyid }) => keyid)) assert.equal(keyidOf(await publicPem(admin, name, version)), keyid);
  });

  await it('no file of the data directory holds a private key', () => {
    assert.deepEqual(findOnDisk(gw.data, secrets), []);
    const own = privateKeys(gw.data); // which the test opens with the file beside them
    assert.ok(own.length >= keys.length);
    for (const { file } of own) assert.ok(isSealed(readFileSync(file)), file);
    assert.equal(statSync(join(gw.data, 'keyring/kek')).mode & 0o777, 0o600);
  });

  await it('no private key is in the memory of worker or parent', async () => {
    for (const type of TYPES) await sign(admin, type);
    assert.deepEqual(findInMemory(gw.roles().worker, secrets), []);
    assert.deepEqual(findInMemory(gw.pid, secrets), []);
    // The search would find them where they are.
    const found = findInMemory(gw.roles().keyring, secrets);
    for (const type of TYPES) assert.ok(found.some((name) => name.startsWith(`${type} 2`)), type);
  });

  await it('keys, versions and counts are there after a restart', async () => {
    const before = (await admin.get('/v1/keys', { expect: 200 })).json.keys;
    assert.deepEqual(before.map(({ versions }) => versions.map(({ uses }) => uses)), before.map(() => [1, 2]));
    await gw.stop();
    await gw.start();
    const again = await gw.login('root-admin', 'the first password');
    assert.deepEqual((await again.get('/v1/keys', { expect: 200 })).json.keys, before);
    for (const type of TYPES) assert.equal((await sign(again, type)).keyid, keys.find(({ name, version }) => name === type && version === 2).keyid);
  });

  await it('a keyring that was killed has counted at least what was used', async () => {
    const former = gw.roles().keyring;
    process.kill(former, 'SIGKILL');
    await eventually(() => gw.roles().keyring && gw.roles().keyring !== former, 'a new keyring');
    const client = await gw.login('root-admin', 'the first password');
    const { versions } = await eventually(async () => (await client.get('/v1/keys/ed25519')).json, 'an answer');
    assert.ok(versions[0].uses >= 1 && versions[1].uses >= 3);
    assert.ok(versions[1].uses <= 3 + 4096);
  });

  await it('without the file, or with another one, the gateway does not start and loses nothing', async () => {
    const copy = join(temporaryDirectory(), 'data');
    await gw.stop();
    cpSync(gw.data, copy, { recursive: true, filter: (from) => !from.endsWith('/log.state') });
    const kek = join(copy, 'keyring/kek');
    renameSync(kek, `${kek}.away`);
    assert.match(await refusal({ data: copy }), /"event":"keyring.kek_unusable".*is missing: put it back/);
    assert.ok(!existsSync(kek));
    writeFileSync(kek, `${'0'.repeat(64)}\n`, { mode: 0o600 });
    assert.match(await refusal({ data: copy }), /"event":"keyring.kek_wrong".*this is not the key that the keys are sealed with/);
    const other = await Gateway.start();
    await other.stop();
    cpSync(join(other.data, 'keyring/ca.key'), join(copy, 'keyring/ca.key'));
    renameSync(`${kek}.away`, kek);
    assert.match(await refusal({ data: copy }), /"event":"keyring.key_unreadable".*ca\.key/);
    assert.match(await refusal({ data: gw.data, config: { keyring: { kek: 'passphrase' } }, stdin: 'whatever\n' }), /"event":"keyring.kek_source".*"sealed_with":"file"/);
    await gw.start();
  });
});

test('kek elsewhere', async (t) => {
  const kek = join(temporaryDirectory(), 'secret-place');
  const options = { data: join(temporaryDirectory(), 'data'), config: { keyring: { 'kek-file': kek } } };
  const gw = await started(t, options);
  const ca = gw.ca;
  assert.ok(!existsSync(join(gw.data, 'keyring/kek')));
  assert.equal(statSync(kek).mode & 0o777, 0o600);
  await gw.stop();
  await gw.start();
  assert.equal(gw.ca, ca);
  await gw.stop();
  // The data directory by itself is worth nothing.
  assert.match(await refusal({ data: gw.data }), /keyring.kek_unusable/);
  assert.equal(keyring(['export', '--data', gw.data], { input: 'a passphrase\n' }).status, 2);
  assert.ok(keysOf(exportKeys(gw.data, ['--kek-file', kek])).length >= 5);
});

test('kek from a credential', async (t) => {
  const directory = temporaryDirectory();
  const env = { CREDENTIALS_DIRECTORY: directory };
  const config = { keyring: { kek: 'credential', 'kek-credential': 'gate' } };
  const data = join(temporaryDirectory(), 'data');
  assert.match(await refusal({ data, config }), /CREDENTIALS_DIRECTORY is not set/);
  assert.match(await refusal({ data, config, env }), /there is no such credential/);
  writeFileSync(join(directory, 'gate'), 'c'.repeat(40), { mode: 0o400 });
  const gw = await started(t, { data, config, env });
  await gw.stop();
  await gw.start();
  await gw.stop();
  rmSync(join(directory, 'gate'));
  writeFileSync(join(directory, 'gate'), 'd'.repeat(40), { mode: 0o400 });
  assert.match(await refusal({ data, config, env }), /keyring.kek_wrong/);
});

test('kek from a passphrase', async (t) => {
  const data = join(temporaryDirectory(), 'data');
  const config = { keyring: { kek: 'passphrase' } };
  assert.match(await refusal({ data, config }), /a passphrase is wanted/);
  assert.match(await refusal({ data, config, stdin: 'short\n' }), /8 characters at least/);
  const gw = await started(t, { data, config, stdin: 'purple otter lantern\n' });
  const admin = await gw.admin();
  await admin.post('/v1/keys', { json: { name: 'k', type: 'ed25519' }, expect: 201 });
  // It is not asked for again when the keyring is started again.
  const former = gw.roles().keyring;
  process.kill(former, 'SIGKILL');
  await eventually(() => gw.roles().keyring && gw.roles().keyring !== former, 'a new keyring');
  await eventually(async () => (await admin.get('/v1/keys/k')).status === 200, 'its keys');
  const phrase = [{ name: 'passphrase', bytes: Buffer.from('purple otter lantern') }];
  assert.deepEqual(findInMemory(gw.roles().worker, phrase), []);
  for (const pid of [gw.pid, gw.roles().worker, gw.roles().keyring]) {
    assert.ok(!readFileSync(`/proc/${pid}/environ`).includes('purple otter'));
    assert.ok(!readFileSync(`/proc/${pid}/cmdline`).includes('purple otter'));
  }
  assert.ok(!gw.log.includes('purple otter'));
  await gw.stop();
  const log = await refusal({ data, config, stdin: 'purple otter lanterm\n' });
  assert.match(log, /this is not the passphrase that the keys are sealed with/);
  assert.ok(!log.includes('lanterm'));
  const wrong = keyring(['export', '--data', data, '--kek', 'passphrase'], { input: 'wrong passphrase\nx\n' });
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /kek_wrong/);
  const keys = keysOf(exportKeys(data, ['--kek', 'passphrase'], { lines: ['purple otter lantern'] }));
  assert.ok(keys.some(({ name }) => name === 'k'));
  assert.deepEqual(findOnDisk(data, [...phrase, ...keys.flatMap(({ needles }) => needles)]), []);
});

test('plain keys of before are sealed at the start', async (t) => {
  const source = await started(t);
  await source.stop();
  const data = join(temporaryDirectory(), 'data');
  mkdirSync(join(data, 'keyring'), { recursive: true, mode: 0o700 });
  const plain = privateKeys(source.data).filter(({ file }) => /\/(ca|tls|token-[^/]+)\.key$/.test(file));
  assert.equal(plain.length, 3);
  for (const { file, pem } of plain) writeFileSync(join(data, 'keyring', file.split('/').at(-1)), pem, { mode: 0o600 });
  cpSync(join(source.data, 'keyring/ca.pem'), join(data, 'keyring/ca.pem'));
  const gw = await started(t, { data });
  assert.equal(new X509Certificate(gw.ca).fingerprint256, new X509Certificate(source.ca).fingerprint256);
  assert.equal(gw.log.match(/"event":"keyring.key_sealed"/g).length, 3);
  await gw.stop();
  assert.deepEqual(findOnDisk(data, keysOf(exportKeys(data)).flatMap(({ needles }) => needles)), []);
  const after = privateKeys(data).map(({ pem }) => pem);
  for (const { pem } of plain) assert.ok(after.includes(pem));
});
