// SPDX-License-Identifier: Apache-2.0
// Records of signatures: their canonical text, and whether their signature holds. Public keys come from
// whoever calls; nothing here asks the gateway.

import { fromBase64 } from './digest.js';
import { ed25519Holds } from './tlog.js';

const TYPE = 'application/vnd.secgate.record+json';
const ABOUT = ['signature', 'formats', 'log', 'manifest', 'directory', 'files', 'root', 'lines'];
const encoder = new TextEncoder();

/** RFC 8785 for what records hold: objects, text and whole numbers. */
function canonical(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

/** What the signature covers and the log holds: the record without what is about it. */
export function recordText(record) {
  const members = Object.entries(record).filter(([name]) => !ABOUT.includes(name));
  return canonical(Object.fromEntries(members));
}

/** Whether this is a record at all, from here or from a file. */
export function isRecord(value) {
  return (
    typeof value === 'object' &&
    typeof value?.algorithm === 'string' &&
    typeof value.name === 'string' &&
    typeof value.digest?.sha256 === 'string' &&
    typeof value.key === 'string'
  );
}

/* DSSE's encoding of what is signed. */
function encoded(text) {
  const body = encoder.encode(text);
  return new Uint8Array([...encoder.encode(`DSSEv1 ${TYPE.length} ${TYPE} ${body.length} `), ...body]);
}

/* ECDSA in DER -> the two numbers of 32 bytes that WebCrypto wants. */
function plainEcdsa(der) {
  const out = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    if (der[at] !== 2) return null;
    let octets = der.subarray(at + 2, at + 2 + der[at + 1]);
    at += 2 + der[at + 1];
    while (octets.length > 32 && octets[0] === 0) octets = octets.subarray(1);
    if (octets.length > 32) return null;
    out.set(octets, end - octets.length);
  }
  return at === der.length ? out : null;
}

/**
 * Whether the record's signature holds.
 * @param {object} jwk the public key
 * @returns {Promise<boolean|null>} null: this browser cannot tell
 */
export async function recordHolds(record, jwk) {
  const message = encoded(recordText(record));
  try {
    let signature = fromBase64(record.signature);
    if (record.algorithm === 'ed25519') {
      const key = fromBase64(jwk.x.replaceAll('-', '+').replaceAll('_', '/'));
      return await ed25519Holds(key, signature, message);
    }
    const way =
      record.algorithm === 'rsa-pkcs1-sha256'
        ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
        : { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' };
    if (way.name === 'ECDSA') signature = plainEcdsa(signature);
    if (!signature) return false;
    const { kty, n, e, crv, x, y } = jwk;
    const key = await crypto.subtle.importKey('jwk', { kty, n, e, crv, x, y }, way, false, ['verify']);
    return await crypto.subtle.verify(way, key, signature, message);
  } catch {
    return false;
  }
}
