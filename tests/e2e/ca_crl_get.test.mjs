// SPDX-License-Identifier: Apache-2.0
// The revocation list, judged by openssl, at the place that the server's certificate names.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, temporaryDirectory } from './lib/gateway.mjs';
import { suite } from './lib/suite.mjs';

const work = temporaryDirectory();
const openssl = (...args) => execFileSync('openssl', args, { encoding: 'latin1', stdio: ['ignore', 'pipe', 'pipe'] });

suite('ca_crl_get', async ({ gw, it }) => {
  const anyone = gw.client();
  const ca = join(gw.data, 'ca.pem');
  const server = join(gw.data, 'tls/server.pem');
  const der = join(work, 'ca.crl');
  const pem = join(work, 'crl.pem');

  const fetchList = async () => {
    const { bytes, headers } = await anyone.get('/v1/ca/crl', { expect: 200 });
    assert.equal(headers['content-type'], 'application/pkix-crl');
    assert.match(headers['cache-control'], /max-age=[0-9]+/);
    writeFileSync(der, bytes);
    return bytes;
  };
  const numberOf = () => BigInt(/crlNumber=(\S+)/.exec(openssl('crl', '-inform', 'DER', '-in', der, '-noout', '-crlnumber'))[1]);

  await it('openssl finds the signature of the CA on it', async () => {
    await fetchList();
    // What it found is said on standard error; the exit status is 0 either way.
    const shown = spawnSync('openssl', ['crl', '-inform', 'DER', '-in', der, '-CAfile', ca, '-text', '-noout'], { encoding: 'latin1' });
    assert.match(shown.stderr, /^verify OK$/m);
    const text = shown.stdout;
    assert.match(text, /Version 2/);
    assert.match(text, /No Revoked Certificates/);
    assert.match(text, /Authority Key Identifier/);
    const [, last, next] = /Last Update: (.*)\n\s+Next Update: (.*)\n/.exec(text);
    assert.equal(Date.parse(next) - Date.parse(last), (7 * 86400 + 3600) * 1000);
    assert.ok(Date.parse(last) < Date.now() && Date.now() < Date.parse(next));
  });

  await it('has no list of revoked certificates, rather than an empty one', async () => {
    await fetchList();
    assert.doesNotMatch(openssl('asn1parse', '-inform', 'DER', '-in', der), /l= +0 cons: SEQUENCE/);
  });

  await it('the server certificate passes with it, and only with it', async () => {
    await fetchList();
    openssl('crl', '-inform', 'DER', '-in', der, '-out', pem);
    assert.match(openssl('verify', '-x509_strict', '-crl_check', '-CAfile', ca, '-CRLfile', pem, server), /: OK/);
    assert.throws(() => openssl('verify', '-crl_check', '-CAfile', ca, server), /unable to get certificate CRL/);
  });

  await it('is where the server certificate says', async () => {
    const [, uri] = /URI:(\S+)/.exec(openssl('x509', '-in', server, '-noout', '-ext', 'crlDistributionPoints'));
    assert.equal(uri, `https://localhost:${gw.port}/v1/ca/crl`);
  });

  await it('a damaged list is not that of the CA', async () => {
    const bytes = Buffer.from(await fetchList());
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(der, bytes);
    openssl('crl', '-inform', 'DER', '-in', der, '-out', pem);
    assert.throws(() => openssl('verify', '-crl_check', '-CAfile', ca, '-CRLfile', pem, server), /CRL signature failure/);
  });

  await it('stays the same over a restart', async () => {
    const before = await fetchList();
    await gw.restart();
    assert.deepEqual((await gw.client().get('/v1/ca/crl', { expect: 200 })).bytes, before);
  });

  await it('SIGHUP makes a lost one again, with a greater number', async () => {
    const client = gw.client();
    writeFileSync(der, (await client.get('/v1/ca/crl', { expect: 200 })).bytes);
    const before = numberOf();
    rmSync(join(gw.data, 'tls/ca.crl'));
    await client.get('/v1/ca/crl', { expect: [503, 'unavailable'] });
    process.kill(gw.pid, 'SIGHUP');
    const bytes = await eventually(async () => {
      const answer = await client.get('/v1/ca/crl');
      return answer.status === 200 && answer.bytes;
    }, 'the new list');
    writeFileSync(der, bytes);
    assert.ok(numberOf() > before);
  });

  await it('answers HEAD, and nothing but GET else', async () => {
    const client = gw.client();
    const { headers } = await client.head('/v1/ca/crl', { expect: 200 });
    assert.ok(Number(headers['content-length']) > 100);
    await client.delete('/v1/ca/crl', { outside: true, expect: [405, 'method-not-allowed'] });
  });
});
