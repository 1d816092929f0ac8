// SPDX-License-Identifier: Apache-2.0
// Digests of files in the browser. WebCrypto hashes in one piece only, so it is never given a file
// larger than DIGEST_MAX; what is larger is read in pieces and hashed by sha256.js.

import { Sha256 } from './sha256.js';

export const DIGEST_MAX = 64 * 1024 * 1024; // bytes
const PIECE = 4 * 1024 * 1024; // read at once; the page stays alive in between

/** The 32 bytes of the digest, or null when the file is too large to hash here. */
export async function sha256(blob) {
  if (blob.size > DIGEST_MAX) return null;
  return new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
}

/**
 * Digests of a file that stays here, as the gateway takes them.
 * @param {object} options `onProgress(bytes)`, `signal`
 * @returns {Promise<{sha256: string, sha512?: string}>} hexadecimal; large files have no SHA-512
 */
export async function digestsOf(blob, { onProgress, signal } = {}) {
  signal?.throwIfAborted();
  if (blob.size <= DIGEST_MAX) {
    const content = await blob.arrayBuffer();
    signal?.throwIfAborted();
    const [short, long] = await Promise.all(
      ['SHA-256', 'SHA-512'].map((name) => crypto.subtle.digest(name, content)),
    );
    onProgress?.(blob.size);
    return { sha256: toHex(new Uint8Array(short)), sha512: toHex(new Uint8Array(long)) };
  }
  const hash = new Sha256();
  for (let at = 0; at < blob.size; at += PIECE) {
    const piece = await blob.slice(at, at + PIECE).arrayBuffer();
    signal?.throwIfAborted();
    hash.update(new Uint8Array(piece));
    onProgress?.(Math.min(at + PIECE, blob.size));
  }
  return { sha256: toHex(hash.digest()) };
}

export function toBase64(octets) {
  return btoa(String.fromCharCode(...octets));
}

/** The bytes of base64; throws when it is none. */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Hexadecimal digits as bytes. */
export const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

export function toHex(octets) {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
}
