// SPDX-License-Identifier: Apache-2.0
// What is signed is checked by code that shares nothing with the gateway: records, DSSE, proofs, the log, manifests. And
// what must not hold does not: swapped metadata, another file's proof, altered bytes.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite } from './lib/suite.mjs';
import {
  allEntries, bundleEntries, canonical, extendsTree, leafHash, nodeHash, noteIsSigned, openCheckpoint, openEnvelope, parseProof,
  proofHolds, recordHolds, recordText, tilePath, treeHash,
} from './lib/tlog.mjs';

const TYPES = ['ed25519', 'ecdsa-p256', 'rsa-3072'];
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const digestItem = (name, content = name) => ({ name, size: content.length, digests: { sha256: sha256(content) } });

suite('signing_proofs', async ({ gw, it }) => {
  const admin = await gw.admin();
  const log = async () => (await admin.get('/v1/log', { expect: 200 })).json;
  const sign = async (key, items, formats, expect = 201) =>
    (await admin.post('/v1/signatures', { json: { key, items, ...(formats ? { formats } : {}) }, expect })).json;
  const pem = async (key, version) =>
    (await admin.get(`/v1/keys/${key}/public`, { query: { format: 'pem', ...(version ? { version } : {}) }, expect: 200 })).bytes.toString();
  const bytes = async (path) => (await admin.get(path, { expect: 200 })).bytes;
  for (const type of TYPES) await admin.post('/v1/keys', { json: { name: type, type }, expect: 201 });

  await it('signs records that hold by the public key and are in the log', async () => {
    for (const type of TYPES) {
      const { signatures } = await sign(type, [digestItem('a.bin'), digestItem('b.bin')]);
      const { key } = await log();
      assert.deepEqual(signatures.map(({ name }) => name), ['a.bin', 'b.bin']);
      for (const record of signatures) {
        assert.ok(recordHolds(record, await pem(type)), `${type}: ${canonical(record)}`);
        assert.ok(proofHolds(record.log.proof, recordText(record), key), 'the proof');
        const { extra, index } = parseProof(record.log.proof);
        assert.equal(index, record.log.index);
        assert.ok(extra.equals(recordText(record)), 'the proof carries the entry');
        assert.match(record.timestamp, /^20\d\d-.*T.*\.\d{3}Z$/);
        assert.equal(record.digest.sha256, sha256(record.name));
      }
    }
  });

  await it('does not hold with other metadata, for another file, or with another proof', async () => {
    const { signatures: [a, b] } = await sign('ed25519', [digestItem('first.bin'), digestItem('second.bin')]);
    const { key } = await log();
    const publicKey = await pem('ed25519');
    const verdict = async (json) => (await admin.post('/v1/signatures/verify', { json, expect: 200 })).json;
    assert.deepEqual((await verdict({ record: a })).reasons, []);
    assert.equal((await verdict({ record: a })).valid, true);
    for (const [change, record] of Object.entries({
      package: { ...a, package: 'other' }, vrmf: { ...a, vrmf: '9.9' }, name: { ...a, name: b.name }, digest: { ...a, digest: b.digest },
      timestamp: { ...a, timestamp: '2020-01-01T00:00:00.000Z' }, fileset: { ...a, fileset: 'x' }, size: { ...a, size: a.size + 1 },
    })) {
      assert.equal(recordHolds(record, publicKey), false, change);
      assert.equal(proofHolds(a.log.proof, recordText(record), key), false, change);
      const said = await verdict({ record });
      assert.equal(said.valid, false, change);
      assert.ok(said.reasons.some(({ code }) => code === 'signature-invalid'), `${change}: ${JSON.stringify(said)}`);
    }
    assert.equal(proofHolds(b.log.proof, recordText(a), key), false);
    const swapped = await verdict({ record: { ...a, log: b.log } });
    assert.equal(swapped.valid, false, JSON.stringify(swapped));
    assert.ok(swapped.reasons.some(({ code }) => code === 'proof-invalid'), JSON.stringify(swapped));
    const wrongContent = await verdict({ record: a, digest: sha256('something else') });
    assert.equal(wrongContent.valid, false);
    assert.ok(wrongContent.reasons.some(({ code }) => code === 'digest-mismatch'), JSON.stringify(wrongContent));
    assert.equal((await verdict({ record: a, digest: sha256('first.bin') })).valid, true);
    const forged = Buffer.from(a.signature, 'base64');
    forged[5] ^= 1;
    assert.equal((await verdict({ record: { ...a, signature: forged.toString('base64') } })).valid, false);
  });

  await it('is refused by verification once its key version is too old, and says that the key is disabled', async () => {
    await admin.post('/v1/keys', { json: { name: 'turning', type: 'ed25519' }, expect: 201 });
    const { signatures: [old] } = await sign('turning', [digestItem('old.bin')]);
    const { json: rotated } = await admin.post('/v1/keys/turning/rotate', { json: {}, expect: 201 });
    assert.equal(rotated.current_version, 2);
    const { signatures: [fresh] } = await sign('turning', [digestItem('new.bin')]);
    assert.deepEqual([old.key_version, fresh.key_version], [1, 2]);
    assert.notEqual(old.keyid, fresh.keyid);
    assert.ok(recordHolds(old, await pem('turning', 1)));
    const verdict = async (record) => (await admin.post('/v1/signatures/verify', { json: { record }, expect: 200 })).json;
    assert.equal((await verdict(old)).valid, true);
    await admin.patch('/v1/keys/turning', { json: { oldest_version: 2 }, expect: 200 });
    const said = await verdict(old);
    assert.equal(said.valid, false);
    assert.deepEqual(said.reasons.map(({ code }) => code), ['key-version-too-old']);
    assert.equal((await verdict(fresh)).valid, true);
    await admin.patch('/v1/keys/turning', { json: { disabled: true }, expect: 200 });
    await sign('turning', [digestItem('late.bin')], undefined, [409, 'key-disabled']);
    assert.ok((await verdict(fresh)).reasons.some(({ code }) => code === 'key-disabled'));
  });

  await it('signs in-toto statements that hold by DSSE', async () => {
    for (const type of TYPES) {
      const { signatures: [record] } = await sign(type, [digestItem('statement.bin')], ['dsse']);
      const { type: payloadType, statement, signatures } = openEnvelope(record.formats.dsse, await pem(type));
      assert.equal(payloadType, 'application/vnd.in-toto+json');
      assert.equal(statement._type, 'https://in-toto.io/Statement/v1');
      assert.deepEqual(statement.subject, [{ name: 'statement.bin', digest: { sha256: sha256('statement.bin') } }]);
      assert.equal(signatures[0].keyid, record.keyid);
      assert.ok(!record.formats.dsse.slice(0, -1).includes('\n'), 'one line');
      const altered = JSON.parse(record.formats.dsse);
      altered.payload = Buffer.from(Buffer.from(altered.payload, 'base64').toString().replace('statement.bin', 'statement.bim')).toString('base64');
      assert.throws(() => openEnvelope(JSON.stringify(altered), pem(type)));
    }
  });

  await it('signs a directory as a whole, with a proof for each file', async () => {
    const files = { 'a.txt': 'one', 'b/c.txt': 'two', 'b/d.txt': 'three', 'z.txt': 'four', 'zz.txt': 'five' };
    for (const [name, body] of Object.entries(files)) await admin.put(`/v1/files/common/release/${name}`, { body, type: 'text/plain', expect: 201 });
    const { signatures, manifests } = await sign('ed25519', [{ prefix: 'common/release' }], ['signify', 'dsse']);
    assert.deepEqual(signatures.map(({ name }) => name), Object.keys(files));
    assert.equal(manifests.length, 1);
    const [manifest] = manifests;
    const lines = Object.entries(files).map(([name, body]) => `SHA256 (${name}) = ${sha256(body)}\n`);
    assert.equal(manifest.lines, lines.join(''));
    assert.equal(manifest.digest.sha256, sha256(lines.join('')));
    assert.equal(manifest.ftype, 'manifest');
    assert.equal(manifest.files, lines.length);
    const root = treeHash(lines.map((line) => leafHash(Buffer.from(line))));
    assert.ok(root.equals(Buffer.from(manifest.root, 'base64')));
    assert.ok(recordHolds(manifest, await pem('ed25519')));
    assert.ok(manifest.formats.signify.endsWith(lines.join('')));
    const { statement } = openEnvelope(manifest.formats.dsse, await pem('ed25519'));
    assert.equal(statement.subject[0].digest.sha256, sha256(lines.join('')));
    assert.ok(JSON.stringify(statement.predicate).includes(root.toString('hex')), 'the statement names the root');
    for (const [i, record] of signatures.entries()) {
      assert.equal(record.manifest.index, i);
      assert.equal(record.manifest.size, lines.length);
      let hash = leafHash(Buffer.from(lines[i]));
      let [at, last] = [i, lines.length - 1];
      for (const sibling of record.manifest.proof.map((text) => Buffer.from(text, 'base64'))) {
        while (at % 2 === 0 && at === last) [at, last] = [at / 2, Math.floor(last / 2)];
        hash = at % 2 ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
        [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
      }
      assert.ok(hash.equals(root), record.name);
    }
  });

  await it('keeps a log that anybody can follow, tile by tile', async () => {
    const items = Array.from({ length: 300 }, (_, i) => digestItem(`many-${i}`));
    const before = await log();
    const { signatures } = await sign('ecdsa-p256', items);
    assert.deepEqual(signatures.map(({ log: { index } }) => index), items.map((_, i) => before.size + i));
    const after = await log();
    assert.equal(after.size, before.size + items.length);
    const checkpoint = openCheckpoint((await bytes('/log/checkpoint')).toString(), after.key);
    assert.equal(checkpoint.size, after.size);
    const entries = await allEntries(bytes, after.size);
    assert.ok(checkpoint.root.equals(treeHash(entries.map(leafHash))), 'the root is that of the entries');
    for (const record of signatures) assert.ok(entries[record.log.index].equals(recordText(record)));
    const full = await admin.get(tilePath(0, 0), { expect: 200 });
    assert.match(full.headers['cache-control'], /immutable/);
    assert.ok(full.bytes.equals(Buffer.concat(entries.slice(0, 256).map(leafHash))));
    const upper = await bytes(tilePath(1, 0, 1));
    assert.ok(upper.equals(treeHash(entries.slice(0, 256).map(leafHash))));
    const rest = await bytes(tilePath(0, 1, after.size - 256));
    assert.ok(rest.equals(Buffer.concat(entries.slice(256).map(leafHash))));
    assert.equal(bundleEntries(await bytes(tilePath('entries', 0))).length, 256);
    await admin.get(tilePath(0, 1, after.size - 255), { expect: 404 });
    await admin.get(tilePath(0, 1), { expect: 404 });
    const old = openCheckpoint(before.checkpoint, before.key);
    const { json } = await admin.get('/v1/log/consistency', { query: { from: before.size, to: after.size }, expect: 200 });
    const proof = json.proof.map((text) => Buffer.from(text, 'base64'));
    assert.ok(extendsTree(before.size, after.size, proof, old.root, checkpoint.root));
    assert.ok(!extendsTree(before.size - 1, after.size, proof, old.root, checkpoint.root));
    assert.equal(noteIsSigned(after.checkpoint.replace(/\n\d+\n/, '\n9\n'), after.key), false, 'an altered checkpoint');
  });

  await it('gives one number in the log to one signature, however many ask at once', async () => {
    const before = (await log()).size;
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => sign(TYPES[i % 2], [digestItem(`p${i}`), digestItem(`q${i}`)])));
    const { key, size } = await log();
    const records = answers.flatMap(({ signatures }) => signatures);
    const numbers = records.map((record) => record.log.index).sort((x, y) => x - y);
    assert.deepEqual(numbers, Array.from({ length: 80 }, (_, i) => before + i));
    assert.equal(size, before + 80);
    for (const record of records) assert.ok(proofHolds(record.log.proof, recordText(record), key));
  });
});
