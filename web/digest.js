// SPDX-License-Identifier: Apache-2.0
// SHA-256 of files in the browser. WebCrypto hashes in one piece only, so it never reads a file
// that is larger than DIGEST_MAX; larger ones are hashed by the gateway alone.

export const DIGEST_MAX = 64 * 1024 * 1024; // bytes

/** The 32 bytes of the digest, or null when the file is too large to hash here. */
export async function sha256(blob) {
  if (blob.size > DIGEST_MAX) return null;
  return new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
}

export function toBase64(octets) {
  return btoa(String.fromCharCode(...octets));
}

export function toHex(octets) {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
}
