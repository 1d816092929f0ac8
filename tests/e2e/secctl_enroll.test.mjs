// SPDX-License-Identifier: Apache-2.0
// Client certificates from the command line: made, shown, used instead of a password, renewed, revoked.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync, chmodSync } from 'node:fs';
import { suite } from './lib/suite.mjs';
import { Gateway } from './lib/gateway.mjs';
import { makeKey, makeRequest, openssl, otherCa } from './lib/certs.mjs';
import { Secctl } from './lib/secctl.mjs';

const password = 'the first password';
const ca = otherCa();
// As openssl ca wants a time, so many seconds from now.
const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '');

suite('secctl_enroll', { args: ['--tls-client-ca', `${ca.file} cn`] }, async ({ gw, it }) => {
  const ctl = new Secctl(gw);
  await ctl.signup();
  const certificate = (who = ctl) => new X509Certificate(readFileSync(who.profile('client.pem'), 'utf8'));
  const expiry = (who) => Date.parse(certificate(who).validTo);

  await it('makes a key that stays here, and a certificate for who is logged in', async () => {
    const { stdout, stderr } = await ctl.run(['enroll', '--name', 'this machine']);
    assert.match(stdout, /^Certificate [0-9a-f]+ for root-admin, until \d{4}-\d\d-\d\d\.\n$/);
    assert.match(stderr, /log in by it with: secctl login/);
    assert.equal(ctl.mode('client.pem'), 0o600);
    const pem = readFileSync(ctl.profile('client.pem'), 'utf8');
    assert.match(pem, /BEGIN CERTIFICATE[^]*BEGIN PRIVATE KEY/);
    assert.match(certificate().subject, /CN=root-admin/);
    assert.ok(!gw.log.includes('PRIVATE KEY'));
    assert.match((await ctl.run(['certificates'])).stdout, /^\* +[0-9a-f]+ +root-admin .*this machine$/m);
    assert.match((await ctl.json(['tls'])).client_certificate.subject, /root-admin/);
  });

  await it('logs in by it, without a password', async () => {
    await ctl.run(['logout']);
    assert.match((await ctl.run(['login'])).stdout, /Logged in to \S+ as root-admin \(admin\)/);
    assert.equal((await ctl.run(['whoami'])).stdout, 'root-admin (admin)\n');
    // The tokens are of no use elsewhere.
    const { token } = ctl.session();
    await gw.client({ token }).get('/v1/users/me', { expect: [401, 'token-mismatch'] });
  });

  await it('logs in again by itself when the session was ended', async () => {
    const { session_id } = ctl.session();
    const other = new Secctl(gw);
    await other.login();
    await other.run(['sessions', 'end', session_id]);
    const result = await ctl.run(['whoami']);
    assert.equal(result.stdout, 'root-admin (admin)\n');
    assert.match(result.stderr, /logged in again by certificate/);
    assert.notEqual(ctl.session().session_id, session_id);
  });

  await it('opens a sealed channel without being asked', async () => {
    assert.equal((await ctl.run(['--sealed', 'whoami'])).stdout, 'root-admin (admin)\n');
    assert.ok(existsSync(ctl.profile('channel.json')));
    await ctl.run(['session', 'close']);
    await ctl.run(['session', 'open']);
    assert.match((await ctl.run(['session', 'data'])).stdout, /epoch 0/);
    await ctl.run(['session', 'close']);
  });

  await it('of many processes one opens the channel', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, () => ctl.json(['session', 'data'])));
    assert.deepEqual(results.map((answer) => answer.sequence).sort((a, b) => a - b), results.map((_, i) => i + 1));
    await ctl.run(['session', 'close']);
  });

  await it('renews it when less than a third of its life is left', async () => {
    const renewing = new Secctl(gw);
    await renewing.login();
    await renewing.run(['logout']);
    const { cert, key } = ca.issue('/CN=root-admin', { start: at(-3 * 3600), end: at(3600) });
    writeFileSync(renewing.profile('client.pem'), cert + key, { mode: 0o600 });
    await renewing.run(['login']);
    const before = expiry(renewing);
    const { stdout, stderr } = await renewing.run(['whoami']);
    assert.equal(stdout, 'root-admin (admin)\n');
    assert.match(stderr, /the certificate was renewed, until \d{4}-/);
    assert.ok(expiry(renewing) > before + 24 * 3600 * 1000);
    assert.equal(renewing.mode('client.pem'), 0o600);
    assert.ok(!/renewed/.test((await renewing.run(['whoami'])).stderr), 'once');
  });

  await it('makes it nobody else\'s certificate when somebody else is logged in', async () => {
    const shared = new Secctl(gw);
    await shared.login();
    await shared.run(['signup', '-u', 'guest', '--password-file', '-', '--code', (await shared.json(['invite'])).code], { input: 'password of guest\n' });
    const { cert, key } = ca.issue('/CN=root-admin', { start: at(-3 * 3600), end: at(3600) });
    writeFileSync(shared.profile('client.pem'), cert + key, { mode: 0o600 });
    const { stdout, stderr } = await shared.run(['whoami']);
    assert.equal(stdout, 'guest (member)\n');
    assert.ok(!/renewed/.test(stderr), stderr);
    assert.equal(readFileSync(shared.profile('client.pem'), 'utf8'), cert + key);
    // Nor does the certificate's user take the place of one whose session has ended.
    const session = JSON.parse(readFileSync(shared.profile('session.json'), 'utf8'));
    const before = (await ctl.json(['sessions'])).sessions.length;
    await gw.client({ token: session.token }).delete('/v1/sessions/current', { expect: 204 });
    assert.match((await shared.run(['whoami'], { expect: 2 })).stderr, /the session has ended/);
    assert.equal((await ctl.json(['sessions'])).sessions.length, before);
  });

  await it('twenty processes renew it once', async () => {
    const many = new Secctl(gw);
    await many.login();
    const { cert, key } = ca.issue('/CN=root-admin', { start: at(-3 * 3600), end: at(3600) });
    writeFileSync(many.profile('client.pem'), cert + key, { mode: 0o600 });
    const results = await Promise.all(Array.from({ length: 20 }, () => many.run(['whoami'])));
    assert.equal(results.filter((result) => /was renewed/.test(result.stderr)).length, 1);
    for (const { stdout } of results) assert.equal(stdout, 'root-admin (admin)\n');
  });

  await it('does not show one whose time is over, and says so', async () => {
    const late = new Secctl(gw);
    await late.login();
    const { cert, key } = ca.issue('/CN=root-admin', { start: at(-7200), end: at(-3600) });
    writeFileSync(late.profile('client.pem'), cert + key, { mode: 0o600 });
    const { stdout, stderr } = await late.run(['whoami']);
    assert.equal(stdout, 'root-admin (admin)\n');
    assert.match(stderr, /the certificate of this profile ended .* a new one: secctl enroll/);
    await late.run(['enroll', '-q']);
    assert.ok(expiry(late) > Date.now());
    assert.equal((await late.run(['whoami'])).stderr, '');
  });

  await it('says what is wrong with a stranger\'s, and gets rid of it', async () => {
    const stranger = new Secctl(gw);
    await stranger.login();
    const { cert, key } = otherCa('Nobody').issue('/CN=root-admin');
    writeFileSync(stranger.profile('client.pem'), cert + key, { mode: 0o600 });
    const refused = await stranger.run(['whoami'], { expect: 2 });
    assert.match(refused.stderr, /certificate-unknown[^]*next: .*secctl enroll --forget/);
    await stranger.run(['enroll', '--forget']);
    assert.ok(!existsSync(stranger.profile('client.pem')));
    await stranger.run(['whoami']);
    writeFileSync(stranger.profile('client.pem'), 'nonsense', { mode: 0o600 });
    assert.match((await stranger.run(['whoami'], { expect: 1 })).stderr, /client\.pem is damaged/);
    await stranger.run(['enroll', '--forget']);
  });

  await it('corrects a key that others could read', async () => {
    chmodSync(ctl.profile('client.pem'), 0o644);
    assert.match((await ctl.run(['whoami'])).stderr, /was readable for others; corrected/);
    assert.equal(ctl.mode('client.pem'), 0o600);
  });

  await it('issues for others, by their request', async () => {
    const code = (await ctl.run(['invite'])).stdout.trim();
    const ann = new Secctl(gw);
    await ann.signup('ann', 'password of ann', code);
    const key = makeKey();
    const csr = ctl.file('ann.csr', makeRequest(key));
    const { stdout } = await ctl.run(['enroll', '--csr', csr, '--user', 'ann', '--days', '3']);
    const issued = new X509Certificate(stdout);
    assert.match(issued.subject, /CN=ann/);
    assert.ok(Date.parse(issued.validTo) - Date.now() < 3.1 * 86400 * 1000);
    const said = await ctl.run(['enroll', '--csr', csr, '--user', 'ann', '--out', ctl.file('ann.pem')]);
    assert.match(said.stdout, /^Certificate \S+ for ann, until/);
    writeFileSync(ann.profile('client.pem'), ctl.read('ann.pem') + key, { mode: 0o600 });
    await ann.run(['login']);
    assert.equal((await ann.run(['whoami'])).stdout, 'ann (member)\n');
    const denied = await ann.run(['enroll', '--csr', csr, '--user', 'root-admin'], { expect: 2 });
    assert.match(denied.stderr, /403/);
    assert.match((await ctl.run(['enroll', '--csr', ctl.file('bad.csr', 'nothing')], { expect: 2 })).stderr, /csr-invalid/);
    for (const args of [['--user', 'ann'], ['--days', 'many'], ['x'], ['--csr', ctl.file('none')]]) {
      await ctl.run(['enroll', ...args], { expect: 1 });
    }
    assert.match((await ctl.run(['certificates', '--user', 'ann'])).stdout, / ann /);
    const nobody = await ctl.run(['certificates', '--user', 'nobody'], { expect: 2 });
    assert.match(nobody.stderr, /^secctl: nobody: Not found .*\n {2}next: .*secctl users$/m);
    assert.ok((await ctl.json(['certificates', '--all'])).certificates.length >= 3);
    openssl('x509', '-noout', '-in', ctl.file('ann.pem'));
  });

  await it('issues nothing that nobody would get', async () => {
    const { certificates } = await ctl.json(['certificates', '--all']);
    const csr = ctl.file('their.csr', makeRequest(makeKey()));
    assert.match((await ctl.run(['enroll', '--csr', csr, '--out', 'none/cert.pem'], { expect: 1 })).stderr, /cannot write none\/cert\.pem: No such file/);
    assert.match((await ctl.run(['enroll', '--csr', csr, '--out', '.'], { expect: 1 })).stderr, /\. is a directory/);
    assert.match((await ctl.run(['enroll', '--csr', csr, '--user', 'nobody'], { expect: 2 })).stderr, /nobody: Not found[^]*next: see who there is with: secctl users/);
    assert.match((await ctl.run(['enroll', '--forget', '--csr', csr], { expect: 1 })).stderr, /--forget goes without other options/);
    assert.equal((await ctl.json(['certificates', '--all'])).certificates.length, certificates.length);
    await ctl.run(['tls']);
  });

  await it('a revoked one is refused at once, with advice', async () => {
    const { certificates } = await ctl.json(['certificates']);
    const current = certificates.find((c) => c.current);
    const other = new Secctl(gw);
    await other.login();
    await other.run(['certificates', 'revoke', current.id]);
    const refused = await ctl.run(['whoami'], { expect: 2 });
    assert.match(refused.stderr, /certificate-revoked[^]*next: forget it and log in anew: secctl enroll --forget, secctl login/);
    assert.match((await other.run(['certificates'])).stdout, new RegExp(`${current.id} +root-admin .* \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d +\\d{4}-`));
    await ctl.run(['enroll', '--forget']);
    await ctl.login();
    await ctl.run(['whoami']);
    await other.run(['certificates', 'revoke', '00'.repeat(20)], { expect: 2 });
    await other.run(['certificates', 'revoke'], { expect: 1 });
    await other.run(['certificates', 'frob'], { expect: 1 });
  });

  await it('is the way into a gateway that demands one', async () => {
    await ctl.run(['enroll', '-q']);
    await gw.stop();
    const closed = new Gateway({ data: gw.data, args: ['--tls-client-certificates', 'required'], listen: `127.0.0.1:${gw.port}` });
    await closed.start();
    await ctl.run(['login']);
    assert.equal((await ctl.run(['whoami'])).stdout, 'root-admin (admin)\n');
    const nobody = new Secctl(closed);
    const refused = await nobody.run(
      ['login', closed.origin, '-u', 'root-admin', '--fingerprint', nobody.fingerprint, '--password-file', '-'],
      { input: `${password}\n`, expect: 2 }
    );
    assert.match(refused.stderr, /certificate-required[^]*next: get one from an admin/);
    await closed.stop();
    await gw.start();
  });
});
