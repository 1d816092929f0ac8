// SPDX-License-Identifier: Apache-2.0
// The key and certificate files of a gateway, found by what is in them. For tests of where keys are and of reloads.
import { execFileSync } from 'node:child_process';
import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from './gateway.mjs';
import { identityOf, isSealed, kekOf, unseal } from './sealed.mjs';

const MAX_SIZE = 1 << 20;
const PART = 12;

function* filesBelow(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile() && statSync(path).size < MAX_SIZE) yield path;
  }
}

// The text of a file; of a sealed one what is in it, when its key-encryption key lies beside it.
function textOf(file) {
  const bytes = readFileSync(file);
  const identity = identityOf(file);
  if (!isSealed(bytes) || !identity) return bytes.toString('latin1');
  const keyring = identity[0].startsWith('named') ? dirname(dirname(file)) : dirname(file);
  return unseal(kekOf(keyring), bytes, ...identity).toString('latin1');
}

// Every private key in PEM below a directory, sealed or not: { file, pem, jwk }.
export function privateKeys(directory) {
  const found = [];
  for (const file of filesBelow(directory)) {
    const text = textOf(file);
    for (const [pem] of text.matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----\n?/g)) {
      found.push({ file, pem, jwk: createPrivateKey(pem).export({ format: 'jwk' }) });
    }
  }
  return found;
}

// What of a key must not be found elsewhere: { name, bytes }, in the byte orders of files and of big numbers.
export function needles({ file, pem, jwk }) {
  const all = [];
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi'].filter((name) => jwk[name])) {
    const bytes = Buffer.from(jwk[member], 'base64url');
    all.push({ name: `${file} ${member}`, bytes });
    all.push({ name: `${file} ${member} reversed`, bytes: Buffer.from(bytes).reverse() });
  }
  // Whole lines of the file that hold a good part of a secret, and not only public parts.
  const secrets = all.map(({ bytes }) => bytes);
  for (const line of pem.split('\n').filter((text) => text.length === 64)) {
    const bytes = Buffer.from(line, 'base64');
    const windows = Array.from({ length: bytes.length - PART + 1 }, (_, i) => bytes.subarray(i, i + PART));
    if (windows.some((part) => secrets.some((secret) => secret.includes(part)))) {
      all.push({ name: `${file} text`, bytes: Buffer.from(line) });
    }
  }
  return all;
}

const spki = (key) => key.export({ type: 'spki', format: 'der' }).toString('base64');
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/;

// The file whose first certificate has this fingerprint.
export function servedCertificateFile(directory, fingerprint256) {
  for (const file of filesBelow(directory)) {
    const pem = PEM_CERTIFICATE.exec(readFileSync(file, 'latin1'))?.[0];
    if (pem && new X509Certificate(pem).fingerprint256 === fingerprint256) return file;
  }
  throw new Error('the served certificate is not in the data directory');
}

function keyOf(directory, certificate) {
  const wanted = spki(certificate.publicKey);
  const key = privateKeys(directory).find(({ pem }) => spki(createPublicKey(pem)) === wanted);
  if (!key) throw new Error(`no key for ${certificate.subject}`);
  const plain = join(temporaryDirectory(), 'plain.key');
  writeFileSync(plain, key.pem, { mode: 0o600 });
  return plain;
}

// A new certificate from the gateway's CA for the same key and names, as PEM with the rest of the chain.
export function issueCertificate(directory, certificateFile, commonName) {
  const work = temporaryDirectory();
  const chain = readFileSync(certificateFile, 'latin1');
  const rest = chain.slice(PEM_CERTIFICATE.exec(chain)[0].length);
  const ca = join(directory, 'ca.pem');
  const request = join(work, 'request.pem');
  const extensions = join(work, 'extensions');
  const key = keyOf(directory, new X509Certificate(chain));
  const caKey = keyOf(directory, new X509Certificate(readFileSync(ca)));
  const run = (...args) => execFileSync('openssl', args, { encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'] });
  // Without the same distribution point the gateway would issue its own again.
  const [, crl] = /URI:(\S+)/.exec(run('x509', '-in', certificateFile, '-noout', '-ext', 'crlDistributionPoints'));
  const lines = ['subjectAltName=DNS:localhost,IP:127.0.0.1', 'extendedKeyUsage=serverAuth', `crlDistributionPoints=URI:${crl}`, ''];
  writeFileSync(extensions, lines.join('\n'));
  run('req', '-new', '-key', key, '-subj', `/CN=${commonName}`, '-out', request);
  const serial = `0x${[...Buffer.from(String(process.hrtime.bigint()))].map((b) => b.toString(16)).join('').slice(-16)}`;
  return run('x509', '-req', '-in', request, '-CA', ca, '-CAkey', caKey, '-set_serial', serial, '-days', '30', '-extfile', extensions) + rest;
}

// Replaces a file at once; gives what it held.
export function replaceFile(file, text) {
  const old = readFileSync(file, 'latin1');
  writeFileSync(`${file}.new`, text, { mode: statSync(file).mode & 0o777 });
  renameSync(`${file}.new`, file);
  return old;
}

// A key and a certificate for this machine that nobody else has signed: { key, certificate } are files.
export function selfSigned(directory, commonName) {
  const key = join(directory, 'own.key');
  const certificate = join(directory, 'own.pem');
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const args = ['req', '-x509', ...algorithm, '-keyout', key, '-out', certificate, '-days', '30', '-subj', `/CN=${commonName}`];
  execFileSync('openssl', [...args, '-addext', names], { stdio: 'ignore' });
  return { key, certificate };
}
