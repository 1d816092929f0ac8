// SPDX-License-Identifier: Apache-2.0
// Opens what the keyring has sealed, from the published layout alone (keyring/sealed.h): for tests that need a key, or that nothing
// else can be opened.
import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const MAGIC = 'SGSEAL1\n';
const SALT = 32;
const HEAD = MAGIC.length + SALT + 12;

export const isSealed = (bytes) => bytes.subarray(0, MAGIC.length).toString('latin1') === MAGIC;

// kek.info: format u32, source u8, salt with its length, ...
export function kekInfo(keyring) {
  const bytes = readFileSync(join(keyring, 'kek.info'));
  const length = bytes.readUInt32BE(5);
  return { source: ['', 'file', 'credential', 'passphrase'][bytes[4]], salt: bytes.subarray(9, 9 + length) };
}

// The key-encryption key of DATA/keyring, from the file (or credential) with its material.
export function kekOf(keyring, file = join(keyring, 'kek')) {
  const material = readFileSync(file, 'latin1').replace(/[\r\n]+$/, '');
  return createHmac('sha256', kekInfo(keyring).salt).update(material, 'latin1').digest();
}

// The content; throws when it is not authentic.
export function unseal(kek, bytes, kind, name) {
  const key = Buffer.from(hkdfSync('sha256', kek, bytes.subarray(MAGIC.length, MAGIC.length + SALT), 'secgate sealed file v1', 32));
  const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(MAGIC.length + SALT, HEAD));
  cipher.setAAD(Buffer.concat([bytes.subarray(0, HEAD), Buffer.from(`${kind}\0${name}`)]));
  cipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([cipher.update(bytes.subarray(HEAD, -16)), cipher.final()]);
}

// What a file of DATA/keyring is, by its name: [kind, name], or nothing for files that are not sealed.
export function identityOf(file) {
  const named = /\/keys\/([^/]+)\.(key|uses)$/.exec(file);
  if (named) return [named[2] === 'key' ? 'named-key' : 'named-key-uses', named[1]];
  const token = /\/token-\d+-([\w-]{43})\.key$/.exec(file);
  if (token) return ['private-key', token[1]];
  const own = /\/([a-z]+)\.key$/.exec(file);
  return own ? ['private-key', own[1]] : undefined;
}
