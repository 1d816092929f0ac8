// SPDX-License-Identifier: Apache-2.0
// Checks what the transparency log says, with WebCrypto alone: hash trees (RFC 6962), signed notes,
// checkpoints, offline proofs and tiles (c2sp.org). It asks nobody and shows nothing.

import { fromBase64, toHex } from './digest.js';

const TILE = 256; // entries or hashes in a full tile
const PROOF_MAX = 64; // hashes in a proof
const encoder = new TextEncoder();

/** A text that is not what it says it is. */
export class Malformed extends Error {}

function must(condition, what) {
  if (!condition) throw new Malformed(what);
}

function decode(text, length = null) {
  try {
    const octets = fromBase64(text);
    if (length === null || octets.length === length) return octets;
  } catch {
    // Said below.
  }
  throw new Malformed('There is something else where base64 belongs.');
}

async function hash(...parts) {
  const all = await new Blob(parts).arrayBuffer();
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all));
}

export const same = (a, b) => a.length === b.length && a.every((octet, i) => octet === b[i]);
export const leafHash = (entry) => hash(Uint8Array.of(0), entry);
export const nodeHash = (left, right) => hash(Uint8Array.of(1), left, right);

/** Whether `leaf` (its hash) is at `index` of the tree with that size and root (RFC 9162, 2.1.3.2). */
export async function includes(index, size, leaf, proof, root) {
  if (index >= size) return false;
  let place = index;
  let last = size - 1;
  let node = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      node = await nodeHash(sibling, node);
      while (place % 2 === 0 && place !== 0) {
        place = Math.floor(place / 2);
        last = Math.floor(last / 2);
      }
    } else {
      node = await nodeHash(node, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && same(node, root);
}

function number(text) {
  must(/^(0|[1-9][0-9]{0,15})$/.test(text ?? ''), 'There is something else where a number belongs.');
  return Number(text);
}

/** `{name, id, type, key}` of a verifier key; throws Malformed. */
export async function parseVerifierKey(text) {
  const [, name, id, data] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  must(name, 'This is no verifier key.');
  const octets = decode(data, 33);
  const named = await hash(encoder.encode(`${name}\n`), octets);
  must(toHex(named.subarray(0, 4)) === id, 'The verifier key is damaged.');
  return { name, id, type: octets[0], key: octets.subarray(1) };
}

/** `{body, signatures: [{name, id, octets}]}` of a signed note. */
export function parseNote(text) {
  const split = text.lastIndexOf('\n\n');
  must(split > 0 && text.endsWith('\n'), 'This is no signed note.');
  const signatures = text
    .slice(split + 2, -1)
    .split('\n')
    .map((line) => {
      const [, name, data] = /^\u2014 ([^ +]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
      must(name, 'A signature line of the note is damaged.');
      const octets = decode(data);
      return { name, id: toHex(octets.subarray(0, 4)), octets: octets.subarray(4) };
    });
  return { body: text.slice(0, split + 1), signatures };
}

/** `{origin, size, root}` of a checkpoint note, whoever signed it. */
export function parseCheckpoint(text) {
  const [origin, size, root] = parseNote(text).body.split('\n');
  return { origin, size: number(size), root: decode(root ?? '', 32) };
}

/**
 * Whether an Ed25519 signature holds.
 * @returns {Promise<boolean|null>} null: this browser has no Ed25519
 */
export async function ed25519Holds(key, signature, message) {
  try {
    const imported = await crypto.subtle.importKey('raw', key, { name: 'Ed25519' }, false, ['verify']);
    return await crypto.subtle.verify({ name: 'Ed25519' }, imported, signature, message);
  } catch (error) {
    if (error.name === 'NotSupportedError') return null;
    return false;
  }
}

/** Whether the note is signed with the verifier key (as `parseVerifierKey` gives it); null: cannot tell. */
export async function noteHolds(text, key) {
  const { body, signatures } = parseNote(text);
  if (key.type !== 1) return false;
  let result = false;
  for (const { name, id, octets } of signatures) {
    if (name !== key.name || id !== key.id) continue;
    result = await ed25519Holds(key.key, octets, encoder.encode(body));
    if (result !== false) return result;
  }
  return result;
}

/** `{extra, index, hashes, note}` of an offline proof; `extra` null where there is none. */
export function parseProof(text) {
  const lines = text.split('\n');
  must(lines.shift() === 'c2sp.org/tlog-proof@v1', 'This is no proof of a transparency log.');
  const extra = lines[0]?.startsWith('extra ') ? decode(lines.shift().slice(6)) : null;
  const index = number(/^index (.*)$/.exec(lines.shift() ?? '')?.[1]);
  const end = lines.indexOf('');
  must(end >= 0 && end <= PROOF_MAX, 'The proof has no end.');
  const hashes = lines.slice(0, end).map((line) => decode(line, 32));
  return { extra, index, hashes, note: lines.slice(end + 1).join('\n') };
}

/** The path of a tile below /log/: `level` is a number or 'entries'; 256 wide is a full one. */
export function tilePath(level, index, width) {
  const groups = String(index)
    .padStart(Math.ceil(String(index).length / 3) * 3, '0')
    .match(/.../g);
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width < TILE ? `.p/${width}` : ''}`;
}

/** How wide tile `index` of a list of `count` is; 0: there is none. */
export const tileWidth = (index, count) => Math.max(0, Math.min(TILE, count - index * TILE));

/** The entries of a bundle. */
export function parseBundle(octets) {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const entries = [];
  for (let at = 0; at < octets.length;) {
    must(at + 2 <= octets.length, 'The entries are cut.');
    const length = view.getUint16(at);
    must(at + 2 + length <= octets.length, 'The entries are cut.');
    entries.push(octets.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}

/**
 * The proof of an entry, put together from the log's tiles.
 * @param {function(number, number, number): Promise<Uint8Array>} tile level, index, width -> hashes
 */
export async function proofFromTiles(index, size, tile) {
  const read = new Map();
  const hashAt = async (level, at) => {
    const count = Math.floor(size / TILE ** level);
    const name = Math.floor(at / TILE);
    const id = `${level}/${name}`;
    if (!read.has(id)) read.set(id, tile(level, name, tileWidth(name, count)));
    const start = (at % TILE) * 32;
    return (await read.get(id)).subarray(start, start + 32);
  };
  // The root of the leaves [from, to): complete subtrees come from tiles, the others from their halves.
  const root = async (from, to) => {
    const width = to - from;
    const height = Math.log2(width);
    if (!Number.isInteger(height)) {
      const half = 2 ** Math.floor(height);
      return nodeHash(await root(from, from + half), await root(from + half, to));
    }
    if (height % 8 === 0) return hashAt(height / 8, from / width);
    const half = width / 2;
    return nodeHash(await root(from, from + half), await root(from + half, to));
  };
  const proof = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const half = 2 ** Math.ceil(Math.log2(to - from) - 1);
    if (index < from + half) {
      proof.unshift(await root(from + half, to));
      to = from + half;
    } else {
      proof.unshift(await root(from, from + half));
      from += half;
    }
  }
  return proof;
}
