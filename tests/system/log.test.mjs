// SPDX-License-Identifier: Apache-2.0
// kill -9 of the keyring (and now and then of the worker) 200 times while signatures are asked for over HTTPS: no
// signature without its leaf, no leaf number given twice, every old checkpoint goes on in the later ones. And an old data
// directory that was put back: nothing is signed, until the operator accepts the log.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Gateway, buildDirectory, eventually, temporaryDirectory } from '../e2e/lib/gateway.mjs';
import { checkSigned, itemOf, publicPem } from '../e2e/lib/signing.mjs';
import { suite } from '../e2e/lib/suite.mjs';
import { allEntries, extendsTree, leafHash, openCheckpoint, parseProof, recordText, treeHash } from '../e2e/lib/tlog.mjs';

const ROUNDS = Number(process.env.SECGATE_CRASH_ROUNDS ?? 200);
const SIGNERS = 6;
const LIMIT_MS = 15 * 60 * 1000;
const TYPES = ['ed25519', 'ecdsa-p256'];

const options = { limit: LIMIT_MS, config: { accounts: { 'access-token-seconds': 3600 } } };

const entriesOf = (client, size) => allEntries(async (path) => (await client.get(path, { expect: 200 })).bytes, size);

// Everything that was answered holds in the log as it is now.
async function checkLog(client, vkey, answered, notes) {
  const { checkpoint, size, root } = (await client.get('/v1/log', { expect: 200 })).json;
  const now = openCheckpoint(checkpoint, vkey);
  assert.equal(now.size, size);
  const entries = await entriesOf(client, size);
  assert.equal(entries.length, size);
  assert.equal(treeHash(entries.map(leafHash)).toString('base64'), root);
  for (const [index, signature] of answered) {
    assert.ok(index < size, `${index}: a signature beyond the log`);
    assert.deepEqual(entries[index], recordText(signature), `${index}: the leaf is of another signature`);
  }
  for (const [from, note] of notes) {
    const old = openCheckpoint(note, vkey);
    const { json } = await client.get('/v1/log/consistency', { query: { from, to: size }, expect: 200 });
    const proof = json.proof.map((hash) => Buffer.from(hash, 'base64'));
    assert.ok(extendsTree(from, size, proof, old.root, now.root), `the log of ${from} does not go on in that of ${size}`);
  }
  return size;
}

suite('the log survives kill -9 of the keyring', options, async ({ t, gw }) => {
  const admin = await gw.admin();
  const pems = {};
  for (const type of TYPES) {
    await admin.post('/v1/keys', { json: { name: type, type }, expect: 201 });
    pems[type] = await publicPem(admin, type);
  }
  const { key: vkey } = (await admin.get('/v1/log', { expect: 200 })).json;
  const answered = new Map(); // leaf number -> signature
  const notes = new Map(); // tree size -> checkpoint note
  let stop = false;
  let failures = 0;

  const take = (signature) => {
    const { index, size, proof } = signature.log;
    assert.ok(!answered.has(index), `leaf number ${index} was given twice`);
    answered.set(index, signature);
    const { note } = parseProof(proof);
    if (notes.has(size)) assert.equal(openCheckpoint(note, vkey).root.compare(openCheckpoint(notes.get(size), vkey).root), 0);
    notes.set(size, note);
  };

  const signer = async (number) => {
    const client = gw.client({ token: admin.token, connections: 2 });
    for (let i = 0; !stop; i++) {
      const items = Array.from({ length: 1 + ((number + i) % 5) }, (_, n) => itemOf(`${number}-${i}-${n}`));
      try {
        const answer = await client.post('/v1/signatures', { json: { key: TYPES[i % 2], items } });
        if (answer.status === 201) answer.json.signatures.forEach(take);
        else if (answer.status >= 500) failures++;
        else assert.fail(`unexpected ${answer.status}`);
      } catch (error) {
        if (error.code === 'ERR_ASSERTION') throw error;
        failures++;
        await sleep(5);
      }
    }
    await client.destroy();
  };

  t.signal.addEventListener('abort', () => (stop = true));
  const all = Promise.all(Array.from({ length: SIGNERS }, (_, n) => signer(n)));
  let early; // a signer that found something wrong ends the rounds
  all.catch((error) => (early = error));
  try {
    for (let round = 0; round < ROUNDS && !early; round++) {
      const role = round % 10 === 9 ? 'worker' : 'keyring';
      const pid = await eventually(() => gw.roles()[role], `a ${role}`);
      await sleep(10 + Math.floor(Math.random() * 120));
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        assert.equal(error.code, 'ESRCH');
      }
      await eventually(() => gw.roles()[role] !== pid && gw.roles()[role], `the next ${role}`);
    }
  } finally {
    stop = true;
  }
  await all;
  assert.ok(failures > 0, 'no request was ever cut off: the test did not test');
  assert.ok(answered.size >= ROUNDS, `only ${answered.size} signatures were answered`);

  const reader = gw.client({ token: admin.token });
  const ready = async () => (await reader.get('/readyz')).status === 200;
  await eventually(() => ready().catch(() => false), 'readiness after the last kill');
  for (const signature of [...answered.values()].slice(-200)) checkSigned(signature, pems[signature.key], vkey);
  const size = await checkLog(reader, vkey, answered, notes);
  assert.doesNotMatch(gw.log, /keyring\.log_closed/);

  // What is signed afterwards, and after an ordinary restart, follows.
  const sign = async (client) =>
    (await client.post('/v1/signatures', { json: { key: 'ed25519', items: [itemOf('later')] }, expect: 201 })).json.signatures[0];
  take(await sign(reader));
  await gw.restart();
  const after = gw.client({ token: admin.token });
  take(await sign(after));
  assert.ok((await checkLog(after, vkey, answered, notes)) >= size + 2);
});

suite('an old data directory that is put back', { limit: LIMIT_MS }, async ({ gw }) => {
  const admin = await gw.admin();
  await admin.post('/v1/keys', { json: { name: 'release', type: 'ed25519' }, expect: 201 });
  const sign = (client, name, expect) =>
    client.post('/v1/signatures', { json: { key: 'release', items: [itemOf(name)] }, expect });
  const { key: vkey } = (await admin.get('/v1/log', { expect: 200 })).json;
  for (let i = 0; i < 3; i++) await sign(admin, `before ${i}`, 201);
  await gw.stop();
  const backup = `${gw.data}.backup`;
  execFileSync('cp', ['-a', gw.data, backup]);
  gw.listen = `${gw.host}:${gw.port}`;
  await gw.start();
  let client = await gw.login('root-admin', 'the first password');
  const lost = [];
  for (let i = 0; i < 3; i++) lost.push((await sign(client, `lost ${i}`, 201)).json.signatures[0]);
  await gw.stop();

  // All of it is put back: the newer signatures are unknown to everything in it.
  renameSync(gw.data, `${gw.data}.newest`);
  renameSync(backup, gw.data);
  gw.log = '';
  await gw.start();
  client = await gw.login('root-admin', 'the first password');
  await sign(client, 'forked', [503, 'log-closed']);
  const line = gw.logLines().find(({ event }) => event === 'keyring.log_closed');
  assert.equal(line?.reason, 'state-copied');
  assert.match(line.remedy, /secgated-keyring accept-log --data/);
  await client.get('/v1/daytime', { expect: 200 }); // the rest of the gateway runs
  await client.get('/v1/keys/release', { expect: 200 });
  assert.equal((await client.get('/v1/log', { expect: 200 })).json.size, 3);
  const accept = () => spawnSync(join(buildDirectory, 'secgated-keyring'), ['accept-log', '--data', gw.data], { encoding: 'utf8' });
  const early = accept();
  assert.notEqual(early.status, 0);
  assert.match(early.stdout + early.stderr, /a gateway is running/);
  await gw.stop();

  const accepted = accept();
  assert.equal(accepted.status, 0, accepted.stdout + accepted.stderr);
  assert.match(accepted.stdout, /accepted: \S+ 3 entries/);
  await gw.start();
  client = await gw.login('root-admin', 'the first password');
  const { log } = (await sign(client, 'goes on', 201)).json.signatures[0];
  assert.equal(log.index, 3);
  // Whoever kept a lost checkpoint sees that history changed.
  const old = openCheckpoint(parseProof(lost[0].log.proof).note, vkey);
  const now = openCheckpoint(parseProof(log.proof).note, vkey);
  assert.equal(old.size, now.size);
  assert.notDeepEqual(old.root, now.root);
  await gw.stop();

  // Only the log's directory is put back: it is shorter than what the keyring remembers.
  execFileSync('cp', ['-a', join(gw.data, 'log'), join(gw.data, 'log.old')]);
  await gw.start();
  client = await gw.login('root-admin', 'the first password');
  await sign(client, 'one more', 201);
  await gw.stop();
  rmSync(join(gw.data, 'log'), { recursive: true });
  renameSync(join(gw.data, 'log.old'), join(gw.data, 'log'));
  gw.log = '';
  await gw.start();
  client = await gw.login('root-admin', 'the first password');
  await sign(client, 'forked', [503, 'log-closed']);
  assert.ok(gw.logLines().some(({ event, reason }) => event === 'keyring.log_closed' && reason === 'log-shorter'));
  assert.ok(existsSync(join(gw.data, 'log', 'entries')));
  assert.equal((await client.get('/v1/signatures/4', { expect: [500, 'corrupt'] })).status, 500); // not proved by this log
  await gw.stop();

  // Once that is accepted, the index forgets what the log has lost, and its number is given again.
  const shorter = accept();
  assert.equal(shorter.status, 0, shorter.stdout + shorter.stderr);
  assert.match(shorter.stdout, /1 entries are lost/);
  gw.log = '';
  await gw.start();
  const forgot = gw.logLines().find(({ event }) => event === 'signing.lost');
  assert.deepEqual([forgot?.count, forgot?.size], [1, 4]);
  client = await gw.login('root-admin', 'the first password');
  const again = (await sign(client, 'again', 201)).json.signatures[0];
  assert.equal(again.log.index, 4);
  assert.equal((await client.get('/v1/signatures/4', { expect: 200 })).json.name, again.name);
});

// Fills a file system to its last block.
function fill(file) {
  const fd = openSync(file, 'w');
  for (let size = 1 << 20; size >= 1; size = size === 1 ? 0 : Math.floor(size / 4)) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size));
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
    }
  }
  closeSync(fd);
}

test('the log on a full disk', { timeout: LIMIT_MS }, async () => {
  const directory = temporaryDirectory('secgate-log-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=0700', 'tmpfs', directory]);
  let gw;
  try {
    gw = await Gateway.start({ data: join(directory, 'data'), config: { limits: { 'reserve-bytes': '0' } } });
    const admin = await gw.admin();
    await admin.post('/v1/keys', { json: { name: 'release', type: 'ed25519' }, expect: 201 });
    const { key: vkey } = (await admin.get('/v1/log', { expect: 200 })).json;
    const answered = new Map();
    const notes = new Map();
    const sign = (count, expect) =>
      admin.post('/v1/signatures', { json: { key: 'release', items: Array.from({ length: count }, (_, n) => itemOf(`f${n}`)) }, expect });
    const take = ({ json }) => {
      for (const signature of json.signatures) {
        assert.ok(!answered.has(signature.log.index));
        answered.set(signature.log.index, signature);
        notes.set(signature.log.size, parseProof(signature.log.proof).note);
      }
    };
    for (let i = 0; i < 5; i++) take(await sign(60, 201));

    const ballast = join(directory, 'ballast');
    fill(ballast);
    for (let i = 0; i < 3; i++) await sign(60, [507, 'insufficient-storage']);
    await checkLog(admin, vkey, answered, notes);
    rmSync(ballast);
    take(await sign(60, 201));
    await checkLog(admin, vkey, answered, notes);

    // Also when the keyring starts on it.
    fill(ballast);
    await sign(60, [507, 'insufficient-storage']);
    const { keyring } = gw.roles();
    process.kill(keyring, 'SIGKILL');
    await eventually(() => gw.roles().keyring !== keyring && gw.roles().keyring, 'the next keyring');
    await sign(60, [507, 'insufficient-storage']);
    rmSync(ballast);
    take(await sign(60, 201));
    assert.equal(await checkLog(admin, vkey, answered, notes) >= answered.size, true);
    assert.doesNotMatch(gw.log, /keyring\.log_closed/);
    await gw.stop();
  } finally {
    gw?.kill();
    await gw?.exited;
    execFileSync('umount', [directory]);
  }
});
