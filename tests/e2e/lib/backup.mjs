// SPDX-License-Identifier: Apache-2.0
// The operator's backup of the keys, made and read: keys by their names, with what of them must be found nowhere else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { buildDirectory } from './gateway.mjs';
import { needles } from './keyfiles.mjs';

export const PASSPHRASE = 'a passphrase for the backup';

// Runs secgated-keyring; { status, stdout, stderr }.
export function keyring(args, { input = '', env = {} } = {}) {
  const { status, stdout, stderr } = spawnSync(join(buildDirectory, 'secgated-keyring'), args, {
    input,
    env: { ...process.env, ...env },
    maxBuffer: 64 << 20,
  });
  return { status, stdout: stdout.toString('latin1'), stderr: stderr.toString() };
}

// The text of a backup. `lines` are what is asked before: the passphrase of the keys.
export function exportKeys(data, args = [], { lines = [], env } = {}) {
  const done = keyring(['export', '--data', data, ...args], { input: [...lines, PASSPHRASE, ''].join('\n'), env });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout;
}

// [{ name, version, keyid, jwk, needles }] of a backup, as openssl sees it.
export function keysOf(backup, passphrase = PASSPHRASE) {
  const blocks = backup.matchAll(/((?:^[a-z]+: .*\n)+)(-----BEGIN ENCRYPTED PRIVATE KEY-----[^-]+-----END ENCRYPTED PRIVATE KEY-----)/gm);
  return [...blocks].map(([, head, block]) => {
    const fields = Object.fromEntries([...head.matchAll(/^(\w+): (.*)$/gm)].map(([, name, value]) => [name, value]));
    const key = createPrivateKey({ key: block, passphrase });
    const jwk = key.export({ format: 'jwk' });
    const name = fields.key ?? fields.keyring;
    const version = fields.version && Number(fields.version);
    const pem = key.export({ type: 'pkcs8', format: 'pem' });
    return { name, version, keyid: fields.keyid, key, jwk, needles: needles({ file: `${name} ${version ?? ''}`, pem, jwk }) };
  });
}
