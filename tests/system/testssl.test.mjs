// SPDX-License-Identifier: Apache-2.0
// testssl.sh finds nothing above LOW, and offers exactly TLS 1.2 and 1.3.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Gateway, temporaryDirectory } from '../e2e/lib/gateway.mjs';

const run = promisify(execFile);

// What testssl.sh grades on a gateway on loopback that says nothing about its TLS: each with the reason.
const notOurs = new Map([
  ['cert_chain_of_trust', 'the CA is the gateway\'s own, not in the public stores; it is given by --add-ca'],
  ['cert_revocation', 'a private CA; its CRL comes with client certificates'],
  ['OCSP_stapling', 'a private CA has no OCSP responder'],
  ['DNS_CAArecord', 'localhost has no DNS'],
]);

test('testssl.sh finds nothing above LOW', { timeout: 600000 }, async () => {
  const gw = await Gateway.start({ listen: 'localhost:0' });
  const file = join(temporaryDirectory(), 'testssl.json');
  await run(
    'testssl',
    ['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'min', '--ip', '127.0.0.1', '--add-ca', join(gw.data, 'ca.pem'),
      '-p', '-s', '-f', '-S', '-h', '-U', '-E', '--jsonfile', file, `https://localhost:${gw.port}/`],
    { maxBuffer: 64 << 20 }
  ).catch((error) => {
    // Its exit status counts findings; the file is what is judged.
    if (typeof error.code !== 'number' || error.code >= 242) throw error;
  });
  const findings = JSON.parse(readFileSync(file, 'utf8'));
  assert.ok(findings.length > 80, `only ${findings.length} findings: it did not look`);
  const above = findings.filter((one) => ['MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'].includes(one.severity));
  const bad = above.filter((one) => !notOurs.has(one.id.replace(/[ <].*/, '')));
  assert.deepEqual(bad, []);
  const offered = (id) => findings.find((one) => one.id === id)?.finding ?? '';
  assert.match(offered('TLS1_2'), /^offered/);
  assert.match(offered('TLS1_3'), /^offered/);
  for (const old of ['SSLv2', 'SSLv3', 'TLS1', 'TLS1_1']) assert.match(offered(old), /^not offered/, old);
  await gw.stop();
});
