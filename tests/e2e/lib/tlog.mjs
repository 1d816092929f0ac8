// SPDX-License-Identifier: Apache-2.0
// Transparency logs, signed notes, proofs, DSSE and records, written from their specifications with node:crypto alone, so
// that what the gateway says is checked by something that shares no line with it.
import { createHash, createPublicKey, verify } from 'node:crypto';
import assert from 'node:assert/strict';

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

// -- RFC 6962 --------------------------------------------------------------------------------------------------------
export const leafHash = (data) => sha256(Buffer.from([0]), data);
export const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);

// Root of a list of leaf hashes, straight from the definition in section 2.1.
export function treeHash(leaves) {
  if (leaves.length === 0) return sha256(Buffer.alloc(0));
  if (leaves.length === 1) return leaves[0];
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

// Whether the leaf is at `index` of the tree with that root (RFC 9162, section 2.1.3.2).
export function includes(index, size, leaf, proof, root) {
  if (index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && hash.equals(root);
}

// Whether the tree of `from` leaves is the beginning of that of `to` leaves (RFC 9162, section 2.1.4.2).
export function extendsTree(from, to, proof, rootFrom, rootTo) {
  if (from === 0 || from > to) return false;
  if (from === to) return proof.length === 0 && rootFrom.equals(rootTo);
  const path = Number.isInteger(Math.log2(from)) ? [rootFrom, ...proof] : [...proof];
  if (path.length === 0) return false;
  let fn = from - 1;
  let sn = to - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  let first = path[0];
  let second = path[0];
  for (const hash of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      first = nodeHash(hash, first);
      second = nodeHash(hash, second);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      second = nodeHash(second, hash);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && first.equals(rootFrom) && second.equals(rootTo);
}

// -- signed notes, checkpoints, proofs (c2sp.org) -----------------------------------------------------------------------
export function parseVerifierKey(text) {
  const [, name, id, data] = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  const bytes = Buffer.from(data, 'base64');
  assert.equal(sha256(`${name}\n`, bytes).subarray(0, 4).toString('hex'), id, 'the id of a verifier key');
  assert.equal(bytes.length, 33);
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(1).toString('base64url') }, format: 'jwk',
  });
  return { name, id: Buffer.from(id, 'hex'), type: bytes[0], key };
}

// { body, signatures: [{ name, id, bytes }] }
export function parseNote(text) {
  const split = text.lastIndexOf('\n\n');
  assert.ok(split > 0, `no note: ${text}`);
  const signatures = text.slice(split + 2).split('\n').slice(0, -1).map((line) => {
    const [, name, data] = /^\u2014 ([^ +]+) ([A-Za-z0-9+/=]+)$/.exec(line);
    const bytes = Buffer.from(data, 'base64');
    return { name, id: bytes.subarray(0, 4), bytes: bytes.subarray(4) };
  });
  return { body: text.slice(0, split + 1), signatures };
}

// Whether the note carries a valid signature (or cosignature) of the verifier key.
export function noteIsSigned(text, vkey) {
  const key = typeof vkey === 'string' ? parseVerifierKey(vkey) : vkey;
  const { body, signatures } = parseNote(text);
  return signatures.some(({ name, id, bytes }) => {
    if (name !== key.name || !id.equals(key.id)) return false;
    if (key.type === 1) return verify(null, Buffer.from(body), key.key, bytes);
    const message = `cosignature/v1\ntime ${bytes.readBigUInt64BE(0)}\n${body}`;
    return verify(null, Buffer.from(message), key.key, bytes.subarray(8));
  });
}

// { origin, size, root } of a checkpoint note; throws unless it is signed with the log's key.
export function openCheckpoint(text, vkey) {
  assert.ok(noteIsSigned(text, vkey), 'the checkpoint is not signed with the key of the log');
  const [origin, size, root] = parseNote(text).body.split('\n');
  assert.equal(origin, parseVerifierKey(vkey).name);
  assert.match(size, /^(0|[1-9][0-9]*)$/);
  return { origin, size: Number(size), root: Buffer.from(root, 'base64') };
}

// { extra, index, proof, note } of a c2sp.org/tlog-proof@v1.
export function parseProof(text) {
  const lines = text.split('\n');
  assert.equal(lines.shift(), 'c2sp.org/tlog-proof@v1');
  let extra;
  if (lines[0].startsWith('extra ')) extra = Buffer.from(lines.shift().slice(6), 'base64');
  const [, index] = /^index (0|[1-9][0-9]*)$/.exec(lines.shift());
  const end = lines.indexOf('');
  const proof = lines.slice(0, end).map((line) => Buffer.from(line, 'base64'));
  for (const hash of proof) assert.equal(hash.length, 32);
  return { extra, index: Number(index), proof, note: lines.slice(end + 1).join('\n') };
}

// Whether `leaf` (the entry) is in the log, by the offline proof and the log's verifier key.
export function proofHolds(text, leaf, vkey) {
  const { index, proof, note } = parseProof(text);
  const { size, root } = openCheckpoint(note, vkey);
  return includes(index, size, leafHash(leaf), proof, root);
}

// Entries of a bundle of tlog-tiles.
export function bundleEntries(bytes) {
  const entries = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16BE(at);
    entries.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}

// Path of a tile: level is a number or 'entries'; width 256 for a full one.
export function tilePath(level, index, width = 256) {
  const groups = [];
  for (let rest = index, first = true; first || rest > 0; rest = Math.floor(rest / 1000), first = false)
    groups.unshift(`${first ? '' : 'x'}${String(rest % 1000).padStart(3, '0')}`);
  return `/log/tile/${level}/${groups.join('/')}${width === 256 ? '' : `.p/${width}`}`;
}

// Every entry of a log of `size` entries; get(path) gives bytes.
export async function allEntries(get, size, from = 0) {
  const entries = [];
  for (let index = Math.floor(from / 256); index * 256 < size; index++) {
    const width = Math.min(256, size - index * 256);
    const bundle = bundleEntries(await get(tilePath('entries', index, width)));
    assert.equal(bundle.length, width);
    entries.push(...bundle);
  }
  return entries.slice(from % 256);
}

// -- DSSE and records ------------------------------------------------------------------------------------------------
export const pae = (type, body) =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), Buffer.from(body)]);

// key: PEM text. Ed25519 signs the message, the others its SHA-256.
export function signatureHolds(key, message, signature) {
  const publicKey = createPublicKey(key);
  return verify(publicKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', message, publicKey, signature);
}

// The statement of a DSSE envelope (one line of .intoto.jsonl); throws unless its signature holds.
export function openEnvelope(line, key) {
  const envelope = JSON.parse(line);
  const payload = Buffer.from(envelope.payload, 'base64');
  assert.ok(
    envelope.signatures.some(({ sig }) => signatureHolds(key, pae(envelope.payloadType, payload), Buffer.from(sig, 'base64'))),
    'no signature of the envelope holds'
  );
  return { type: envelope.payloadType, statement: JSON.parse(payload.toString()), signatures: envelope.signatures };
}

// RFC 8785, for what records are made of: objects, strings, integers.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

// What a record's signature covers and the log holds: all of a record, or of a manifest's, that is not about it.
export function recordText(record) {
  const { signature, formats, log, manifest, directory, files, root, lines, ...rest } = record;
  return Buffer.from(canonical(rest));
}

export const recordHolds = (record, key) =>
  signatureHolds(key, pae('application/vnd.secgate.record+json', recordText(record)), Buffer.from(record.signature, 'base64'));
