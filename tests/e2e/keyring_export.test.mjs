// SPDX-License-Identifier: Apache-2.0
// The operator's backup of the keys: made, read by openssl, put back into a new data directory.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PASSPHRASE, exportKeys, keyring, keysOf } from './lib/backup.mjs';
import { enroll, openssl, showing } from './lib/certs.mjs';
import { Gateway, buildDirectory, temporaryDirectory } from './lib/gateway.mjs';
import { Screen } from './lib/screen.mjs';
import { itemOf, keyidOf, publicPem } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const NAMES = { release: 'ed25519', builds: 'ecdsa-p256', old: 'rsa-3072' };

suite('keyring_export', async ({ t, gw, it }) => {
  const admin = await gw.admin();
  const sign = (client, key) => client.post('/v1/signatures', { json: { key, items: [itemOf('x')] }, expect: 201 });
  for (const [name, type] of Object.entries(NAMES)) {
    await admin.post('/v1/keys', { json: { name, type }, expect: 201 });
    await sign(admin, name);
  }
  await admin.post('/v1/keys/release/rotate', { json: {}, expect: 201 });
  await admin.patch('/v1/keys/old', { json: { disabled: true }, expect: 200 });
  const before = (await admin.get('/v1/keys', { expect: 200 })).json.keys;
  const revoked = await enroll(admin);
  await admin.delete(`/v1/certificates/${revoked.id}`, { expect: 204 });
  const { key: identity } = (await admin.get('/v1/identity', { expect: 200 })).json;
  const work = temporaryDirectory();
  const file = join(work, 'backup');

  await it('the backup is a file for its owner, made while the gateway runs', async () => {
    const done = keyring(['export', '--data', gw.data, '--file', file], { input: `${PASSPHRASE}\n` });
    assert.equal(done.status, 0, done.stderr);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await sign(admin, 'release');
  });

  await it('on a terminal the passphrase is asked for twice and never shown', async () => {
    const program = [join(buildDirectory, 'secgated-keyring'), 'export', '--data', gw.data, '--key', 'builds', '--file', join(work, 'typed')];
    const screen = new Screen(program, { env: { PATH: process.env.PATH }, cwd: work });
    try {
      await screen.expect(/^Passphrase of the backup:/);
      screen.type(PASSPHRASE);
      screen.keys('Enter');
      await screen.expect(/^Passphrase of the backup, again:/);
      screen.type(PASSPHRASE);
      screen.keys('Enter');
      await screen.expect(/\[status 0\]/);
      assert.ok(!screen.lines().join('\n').includes(PASSPHRASE));
    } finally {
      screen.end();
    }
    assert.equal(keysOf(readFileSync(join(work, 'typed'), 'latin1'))[0].name, 'builds');
  });

  await it('openssl reads every key, and each belongs to what is published', async () => {
    for (const { name, version, keyid } of keysOf(readFileSync(file, 'latin1')).filter(({ keyid }) => keyid)) {
      assert.equal(keyidOf(await publicPem(admin, name, version)), keyid);
      const block = new RegExp(`key: ${name}\nversion: ${version}\n[^]*?(-----BEGIN[^]*?-----END[^\n]*\n)`).exec(readFileSync(file, 'latin1'))[1];
      const pem = execFileSync('openssl', ['pkey', '-passin', `pass:${PASSPHRASE}`, '-pubout'], { input: block, encoding: 'utf8' });
      assert.equal(keyidOf(pem), keyid);
      const text = execFileSync('openssl', ['asn1parse'], { input: block, encoding: 'utf8' });
      for (const word of ['PBES2', 'PBKDF2', 'hmacWithSHA256', 'aes-256-cbc', '0927C0']) assert.ok(text.includes(word), word);
    }
  });

  await it('one key alone', () => {
    const keys = keysOf(exportKeys(gw.data, ['--key', 'release']));
    assert.deepEqual(keys.map(({ name, version }) => [name, version]), [['release', 1], ['release', 2]]);
    const none = keyring(['export', '--data', gw.data, '--key', 'none'], { input: `${PASSPHRASE}\n` });
    assert.equal(none.status, 2);
    assert.match(none.stderr, /no key of that name/);
  });

  await it('what is wrong is said, with status 2, and nothing is written', () => {
    const fail = (args, input, reason) => {
      const done = keyring(args, { input });
      assert.equal(done.status, 2, done.stderr);
      assert.match(done.stderr, reason);
      assert.equal(done.stdout, '');
    };
    const empty = join(work, 'empty');
    fail(['export', '--data', gw.data], 'short\n', /8 characters at least/);
    fail(['export', '--data', gw.data], '', /backup cannot be made/);
    fail(['export', '--data', empty], `${PASSPHRASE}\n`, /no sealed keys/);
    assert.ok(!existsSync(empty));
    fail(['import', '--data', gw.data, '--file', file], `${PASSPHRASE}\n`, /a gateway runs with this data directory/);
    const target = join(work, 'target');
    fail(['import', '--data', target, '--file', file], 'not the passphrase\n', /wrong passphrase, or the backup was altered/);
    const text = readFileSync(file, 'latin1');
    const at = text.indexOf('SECGATE KEYRING-----') + 1000;
    writeFileSync(join(work, 'altered'), `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`, 'latin1');
    fail(['import', '--data', target, '--file', join(work, 'altered')], `${PASSPHRASE}\n`, /wrong passphrase, or the backup was altered/);
    writeFileSync(join(work, 'cut'), text.slice(0, at), 'latin1');
    fail(['import', '--data', target, '--file', join(work, 'cut')], `${PASSPHRASE}\n`, /no backup of a keyring/);
    fail(['import', '--data', target, '--file', join(work, 'nowhere')], `${PASSPHRASE}\n`, /no backup of a keyring/);
    assert.ok(!existsSync(join(target, 'keyring/ca.key')));
    assert.equal(keyring(['import', '--data', target]).status, 1);
    assert.equal(keyring(['export', '--data', gw.data, 'more']).status, 1);
  });

  await it('a new gateway has the same keys, under another seal', async () => {
    const data = join(work, 'new');
    const args = ['import', '--data', data, '--file', file, '--kek', 'passphrase'];
    for (let i = 0; i < 2; i++) {
      const done = keyring(args, { input: `a new passphrase\n${PASSPHRASE}\n` });
      assert.equal(done.status, 0, done.stderr);
      assert.match(done.stderr, /a new log with a new key will begin/);
    }
    const other = new Gateway({ data, config: { keyring: { kek: 'passphrase' } }, stdin: 'a new passphrase\n' });
    t.after(() => other.kill());
    await other.start();
    assert.equal(other.ca, gw.ca);
    const client = await other.admin();
    const { keys } = (await client.get('/v1/keys', { expect: 200 })).json;
    const bare = (list) => list.map(({ signers, managers, versions, ...key }) => ({ ...key, versions: versions.map(({ uses, ...version }) => version) }));
    assert.deepEqual(bare(keys), bare(before));
    for (const { versions } of keys) for (const { uses } of versions) assert.equal(typeof uses, 'number');
    assert.equal(await publicPem(client, 'builds'), await publicPem(admin, 'builds'));
    await client.patch('/v1/keys/builds', { json: { signers: ['root-admin'] }, expect: 200 });
    await sign(client, 'builds');
    assert.equal((await client.get('/v1/identity', { expect: 200 })).json.key, identity);
    // What was revoked stays so, here without the database that knows of it.
    const { bytes } = await client.get('/v1/ca/crl', { expect: 200 });
    assert.match(openssl('crl', '-inform', 'DER', '-text', '-noout', { input: bytes }), new RegExp(revoked.id, 'i'));
    await other.client(showing(revoked)).get('/v1/tls', { expect: [403, 'certificate-unknown'] });
    // A second log under the key of the first would be a fork of it.
    const [log, theirs] = await Promise.all([client, admin].map(async (one) => (await one.get('/v1/log', { expect: 200 })).json));
    assert.notEqual(log.key, theirs.key);
    await other.closeClients();
    await other.stop();
    const done = keyring(args, { input: `a new passphrase\n${PASSPHRASE}\n` });
    assert.equal(done.status, 2);
    assert.match(done.stderr, /other keys are there already; nothing was changed/);
  });

  await it('the source of the key-encryption key is changed, and the log goes on', async () => {
    const { key: logKey } = (await admin.get('/v1/log', { expect: 200 })).json;
    await gw.closeClients();
    await gw.stop();
    const data = join(work, 'moved');
    cpSync(gw.data, data, { recursive: true });
    writeFileSync(file, exportKeys(data), 'latin1');
    rmSync(join(data, 'keyring'), { recursive: true });
    const done = keyring(['import', '--data', data, '--file', file, '--kek', 'passphrase'], { input: `a new passphrase\n${PASSPHRASE}\n` });
    assert.equal(done.status, 0, done.stderr);
    const accepted = keyring(['accept-log', '--data', data]);
    assert.equal(accepted.status, 0, accepted.stderr + accepted.stdout);
    const moved = new Gateway({ data, config: { keyring: { kek: 'passphrase' } }, stdin: 'a new passphrase\n' });
    t.after(() => moved.kill());
    await moved.start();
    const client = await moved.login('root-admin', 'the first password');
    const { size, key } = (await client.get('/v1/log', { expect: 200 })).json;
    assert.equal(key, logKey);
    const { signatures } = (await sign(client, 'release')).json;
    assert.equal(signatures[0].log.index, size);
    assert.ok(size >= 4);
    await moved.closeClients();
    await moved.stop();
    await gw.start();
  });

  await it('a backup that an interrupted import has begun is completed', () => {
    const data = join(work, 'half');
    const args = ['import', '--data', data, '--file', file];
    assert.equal(keyring(args, { input: `${PASSPHRASE}\n` }).status, 0);
    const listed = () => readdirSync(join(data, 'keyring'), { recursive: true }).sort();
    const all = listed();
    rmSync(join(data, 'keyring/tls.key'));
    rmSync(join(data, 'keyring/keys/old.key'));
    assert.equal(keyring(args, { input: `${PASSPHRASE}\n` }).status, 0);
    assert.deepEqual(listed(), all);
    cpSync(join(data, 'keyring/keys/old.key'), join(data, 'keyring/keys/builds.key'));
    assert.equal(keyring(args, { input: `${PASSPHRASE}\n` }).status, 2);
  });
});
