// SPDX-License-Identifier: Apache-2.0
// Proves in this browser what a signature claims: its digest, its signature, its place in the log. The public
// keys come from the gateway, and who is signed in is told what it has against a key besides. Each check is
// `{state: 'good'|'bad'|'unknown', text}`.

import * as api from './api.js';
import { fromBase64 } from './digest.js';
import { isRecord, recordHolds, recordText } from './record.js';
import { user } from './session.js';
import {
  includes,
  leafHash,
  Malformed,
  noteHolds,
  parseCheckpoint,
  parseProof,
  parseVerifierKey,
  same,
} from './tlog.js';
import { recordOf } from './signing.js';

const good = (text) => ({ state: 'good', text });
const bad = (text) => ({ state: 'bad', text });
const unknown = (text) => ({ state: 'unknown', text });
const encoder = new TextEncoder();

const NO_ED25519 = 'this browser has no Ed25519; a newer one, or secctl, can check it';

/**
 * What a dropped file is.
 * @returns {Promise<object>} `{kind: 'content'}`, `{kind: 'proof', text}`, `{kind: 'record', record}` or
 *   `{kind: 'format', format, signature}`
 */
export async function classify(file) {
  const name = file.name.toLowerCase();
  if (file.size === 0 || file.size > 1 << 20) return { kind: 'content' };
  const octets = new Uint8Array(await file.arrayBuffer());
  if (name.endsWith('.p7s')) return { kind: 'format', format: 'cms', signature: base64(octets) };
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    return name.endsWith('.sig')
      ? { kind: 'format', format: 'raw', signature: base64(octets) }
      : { kind: 'content' };
  }
  if (text.startsWith('c2sp.org/tlog-proof@v1\n')) return { kind: 'proof', text };
  if (text.startsWith('-----BEGIN SSH SIGNATURE-----'))
    return { kind: 'format', format: 'sshsig', signature: text };
  if (text.startsWith('untrusted comment:') && /\.(sig|minisig)$/.test(name)) {
    const format = /^trusted comment:/m.test(text) ? 'minisign' : 'signify';
    return { kind: 'format', format, signature: text };
  }
  if (text.startsWith('{') && /json(l)?$/.test(name)) {
    try {
      const value = JSON.parse(text);
      if (isRecord(value)) return { kind: 'record', record: value };
      if (value.payloadType && value.signatures) return { kind: 'format', format: 'dsse', signature: text };
    } catch {
      // Some other file.
    }
  }
  if (name.endsWith('.sig')) return { kind: 'format', format: 'raw', signature: base64(octets) };
  return { kind: 'content' };
}

const base64 = (octets) => {
  let text = '';
  for (const octet of octets) text += String.fromCharCode(octet);
  return btoa(text);
};

/* The record that a proof carries. */
function provedRecord(text) {
  try {
    const { extra } = parseProof(text);
    return extra && recordOf(extra);
  } catch {
    return null;
  }
}

function statementOf(text) {
  try {
    return JSON.parse(new TextDecoder().decode(fromBase64(JSON.parse(text).payload)));
  } catch {
    return null;
  }
}

/**
 * Which contents a claim (as `classify` gives it) says it is about.
 * @returns {Array<{sha256: string, name: string}>} empty where it does not say
 */
export function subjectsOf(claim) {
  if (claim.kind === 'record' || claim.kind === 'proof') {
    const record = claim.record ?? provedRecord(claim.text);
    return record ? [{ sha256: record.digest.sha256, name: record.name }] : [];
  }
  if (claim.format === 'signify') {
    const lines = claim.signature.matchAll(/^SHA256 \((.+)\) = ([0-9a-f]{64})$/gm);
    return Array.from(lines, ([, name, sha256]) => ({ sha256, name }));
  }
  if (claim.format === 'dsse') {
    const { subject } = statementOf(claim.signature) ?? {};
    if (!Array.isArray(subject)) return [];
    return subject.map((one) => ({ sha256: one?.digest?.sha256, name: one?.name }));
  }
  return [];
}

/** The log's verifier key, as the gateway publishes it. */
export const logKey = async () => parseVerifierKey((await api.logGet()).key);

/** What is wrong with a text, as a check; other errors are not about the text. */
function damaged(error) {
  if (error instanceof Malformed) return bad(error.message);
  throw error;
}

/**
 * Holds a proof against an entry.
 * @param {Uint8Array|null} entry null: the one that the proof carries
 * @returns {Promise<{checks: Array, entry: Uint8Array|null}>}
 */
export async function checkProof(text, entry) {
  try {
    const proof = parseProof(text);
    const leaf = entry ?? proof.extra;
    if (!leaf)
      return { checks: [bad('The proof does not carry its entry: the record is needed too.')], entry: null };
    if (entry && proof.extra && !same(entry, proof.extra)) {
      return { checks: [bad('The proof is for another signature.')], entry: null };
    }
    return { checks: await checkPlace(leaf, proof.index, proof.hashes, proof.note), entry: leaf };
  } catch (error) {
    return { checks: [damaged(error)], entry: null };
  }
}

/** Whether the entry is at `index` of the tree that the checkpoint note is about, and who signed that. */
export async function checkPlace(leaf, index, hashes, note) {
  const key = await logKey();
  const { origin, size, root } = parseCheckpoint(note);
  const inside = await includes(index, size, await leafHash(leaf), hashes, root);
  const place = `entry ${index.toLocaleString()} of ${size.toLocaleString()}`;
  const checks = [
    inside
      ? good(`In the log: ${place}, proved in this browser`)
      : bad(`The proof does not lead to the log’s root (${place})`),
  ];
  if (origin !== key.name) return [...checks, bad(`The checkpoint is of another log, ${origin}`)];
  const signed = await noteHolds(note, key);
  if (signed) checks.push(good(`The checkpoint is signed by ${origin}`));
  else if (signed === null) checks.push(unknown(`The checkpoint says it is of ${origin}: ${NO_ED25519}`));
  else checks.push(bad(`The checkpoint is not signed by ${origin}`));
  return checks;
}

/** Whether the signature in the record is the key's. */
export async function checkSignature(record) {
  if (!record.signature) return unknown('The record comes without its signature');
  let jwk;
  try {
    jwk = await api.keysPublicJwk(record.key, record.key_version);
  } catch (error) {
    if (error.status !== 404 && error.status !== 400) throw error;
    return bad(`The gateway has no key ${record.key}, version ${record.key_version}`);
  }
  const holds = await recordHolds(record, jwk);
  const who = `${record.key}, version ${record.key_version}`;
  if (holds) return good(`Signed with ${who}, checked in this browser`);
  if (holds === null) return unknown(`It says it is signed with ${who}: ${NO_ED25519}`);
  return bad(`The signature is not one of ${who}`);
}

/** Whether a file is what the record is about; `digests` of the file, or null when there is none. */
export function checkDigest(record, digests) {
  if (!digests) return unknown('The file itself is not here: only its signature was checked');
  return record.digest.sha256 === digests.sha256
    ? good('The file is the one that was signed (SHA-256)')
    : bad('The file is another one, or was changed: its SHA-256 is not the one that was signed');
}

/* What only the gateway knows: whether the key is disabled, has expired, was retired. */
async function checkKey(record) {
  if (!user() || !record.signature) return [];
  try {
    const { reasons } = await api.signaturesVerify({ record });
    return reasons.filter(({ code }) => /^key-|^not-in-log$/.test(code)).map(({ detail }) => bad(detail));
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    const text = error.detail || error.title;
    return [
      error.status === 400
        ? bad(text)
        : unknown(`The gateway could not say whether the key is good: ${text}`),
    ];
  }
}

/** All checks of a record with what came with it. @returns {Promise<{record, checks}>} */
export async function checkRecord(record, digests) {
  const entry = encoder.encode(recordText(record));
  const proof = record.log?.proof
    ? (await checkProof(record.log.proof, entry)).checks
    : [unknown('No proof from the log')];
  const key = await checkKey(record);
  return { record, checks: [checkDigest(record, digests), await checkSignature(record), ...key, ...proof] };
}

/** All checks of a proof alone. It carries the record without its signature. */
export async function checkProofFile(text, digests) {
  const { checks, entry } = await checkProof(text, null);
  const record = entry && recordOf(entry);
  if (!entry) return { record: null, checks };
  if (!record) return { record: null, checks: [...checks, bad('The entry is no record of a signature')] };
  return { record, checks: [checkDigest(record, digests), ...checks] };
}

/** What the gateway says of a signature file. */
export async function checkFormat({ format, signature }, digests, name) {
  if (!digests) return { record: null, checks: [unknown('The file that it signs is needed too')] };
  const claim = { format, signature, digests, name };
  const { valid, reasons, record } = await api.signaturesVerify(claim);
  return {
    record: record ?? null,
    checks: valid
      ? [good(`A valid ${format} signature of this file, says the gateway`)]
      : reasons.map(({ detail }) => bad(detail)),
  };
}

/** 'bad' when one check is, 'good' when all are, else 'unknown'. */
export function verdict(checks) {
  if (checks.some(({ state }) => state === 'bad')) return 'bad';
  return checks.length > 0 && checks.every(({ state }) => state === 'good') ? 'good' : 'unknown';
}
