// SPDX-License-Identifier: Apache-2.0
// testssl.sh finds nothing above LOW, and offers exactly TLS 1.2 and 1.3.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../e2e/lib/gateway.mjs';
import { suite } from '../e2e/lib/suite.mjs';

const run = promisify(execFile);
const ABOVE_LOW = ['MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'];

// Every finding about the gateway as a client sees it that trusts its CA.
async function judge(gw) {
  const file = join(temporaryDirectory(), 'testssl.json');
  await run(
    'testssl',
    ['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'min', '--ip', '127.0.0.1', '--add-ca', join(gw.data, 'ca.pem'),
      '-p', '-s', '-f', '-S', '-h', '-U', '-E', '--jsonfile', file, `https://localhost:${gw.port}/`],
    { maxBuffer: 64 << 20, timeout: 540000 }
  ).catch((error) => {
    // Its exit status counts findings; the file is what is judged.
    if (typeof error.code !== 'number' || error.code >= 242) throw error;
  });
  return JSON.parse(readFileSync(file, 'utf8'));
}

suite('testssl.sh', { listen: 'localhost:0', limit: 600000 }, async ({ gw, it }) => {
  const findings = await judge(gw);
  const finding = (id) => findings.find((one) => one.id === id)?.finding ?? '';

  await it('finds nothing above LOW', async () => {
    assert.ok(findings.length > 80, `only ${findings.length} findings: it did not look`);
    assert.deepEqual(findings.filter((one) => ABOVE_LOW.includes(one.severity)), []);
  });

  await it('finds TLS 1.2 and 1.3, and nothing older', async () => {
    assert.match(finding('TLS1_2'), /^offered/);
    assert.match(finding('TLS1_3'), /^offered/);
    for (const old of ['SSLv2', 'SSLv3', 'TLS1', 'TLS1_1']) assert.match(finding(old), /^not offered/, old);
  });

  await it('finds the chain and the place of the revocation list', async () => {
    assert.match(finding('cert_chain_of_trust'), /^passed/);
    assert.equal(finding('cert_crlDistributionPoints'), `https://localhost:${gw.port}/v1/ca/crl`);
  });
});
