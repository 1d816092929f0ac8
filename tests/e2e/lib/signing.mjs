// SPDX-License-Identifier: Apache-2.0
// What the tests of keys and signatures share: digests, items, tokens with fewer rights, checks of whole answers.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { SignJWT, decodeJwt, decodeProtectedHeader } from 'jose';
import { privateKeys } from './keyfiles.mjs';
import { includes, leafHash, openCheckpoint, parseProof, recordHolds, recordText } from './tlog.mjs';

const hex = (name, data) => createHash(name).update(data).digest('hex');

// All the digests of a content, as an item has them.
export const digestsOf = (data) => ({ sha256: hex('sha256', data), sha512: hex('sha512', data), 'blake2b-512': hex('blake2b512', data) });

// An item whose content stays here.
export const itemOf = (name, data = name, more = {}) => ({ name, size: Buffer.byteLength(data), digests: digestsOf(data), ...more });

// A token of the user's own session with these scopes only.
export async function narrowToken(gw, client, scope) {
  const header = decodeProtectedHeader(client.token);
  const claims = decodeJwt(client.token);
  const { keys } = (await client.get('/.well-known/jwks.json', { expect: 200 })).json;
  const { n } = keys.find(({ kid }) => kid === header.kid);
  const own = privateKeys(gw.data).find(({ jwk }) => jwk.n === n);
  const now = Math.floor(Date.now() / 1000);
  const claim = { ...claims, iat: now, exp: now + 300, jti: randomBytes(16).toString('hex'), scope };
  return new SignJWT(claim).setProtectedHeader(header).sign(createPrivateKey(own.pem));
}

// The scope that an operation needs is needed: a token with all others is refused.
export async function needsScope(gw, client, scope, method, path, options = {}) {
  const all = decodeJwt(client.token).scope.split(' ');
  assert.ok(all.includes(scope), scope);
  const token = await narrowToken(gw, client, all.filter((word) => word !== scope).join(' '));
  const { headers } = await client.request(method, path, { ...options, token, expect: [403, 'forbidden'] });
  assert.equal(headers['www-authenticate'], `Bearer realm="secgate", error="insufficient_scope", scope="${scope}"`);
}

// The public key of a version as PEM.
export async function publicPem(client, name, version) {
  const query = version === undefined ? {} : { version };
  return (await client.get(`/v1/keys/${name}/public`, { query, token: null, expect: 200 })).bytes.toString();
}

export const keyidOf = (pem) => hex('sha256', createPublicKey(pem).export({ type: 'spki', format: 'der' }));

// A record without what a manifest has besides.
const plain = ({ directory, files, root, lines, ...record }) => record;

// What an answered signature or manifest must be: signed with the key, in the log, under a checkpoint of the log's key.
export function checkSigned(signature, pem, vkey) {
  const record = plain(signature);
  assert.equal(record.keyid, keyidOf(pem));
  assert.ok(recordHolds(record, pem), 'the signature of the record');
  const { extra, index, proof, note } = parseProof(record.log.proof);
  const leaf = recordText(record);
  if (extra !== undefined) assert.deepEqual(extra, leaf);
  assert.equal(index, record.log.index);
  const { size, root } = openCheckpoint(note, vkey);
  assert.equal(size, record.log.size);
  assert.ok(includes(index, size, leafHash(leaf), proof, root), 'the proof');
}

// The place of a file in the manifest of its directory.
export function checkPlace(signature, manifest) {
  const { directory, index, size, proof } = signature.manifest;
  assert.equal(directory, manifest.directory);
  assert.equal(size, manifest.files);
  const line = `SHA256 (${signature.name}) = ${signature.digest.sha256}\n`;
  assert.equal(`${manifest.lines.split('\n')[index]}\n`, line);
  const hashes = proof.map((text) => Buffer.from(text, 'base64'));
  assert.ok(includes(index, size, leafHash(Buffer.from(line)), hashes, Buffer.from(manifest.root, 'base64')), 'the place in the manifest');
}
