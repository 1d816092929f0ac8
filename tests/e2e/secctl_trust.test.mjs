// SPDX-License-Identifier: Apache-2.0
// First contact, profiles, and what happens when a gateway is not the one that was trusted.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from './lib/suite.mjs';
import { Relay, makeAuthority } from './lib/relay.mjs';
import { Secctl, plain } from './lib/secctl.mjs';

// As gateways print it.
const shown = (fingerprint) => fingerprint.toUpperCase().match(/../g).join(':');

suite('secctl_trust', async ({ gw, it }) => {
  await it('refuses an unknown gateway in a pipe and says what to do', async () => {
    const ctl = new Secctl(gw);
    const result = await ctl.run(['daytime', '--url', gw.origin], { expect: 3 });
    assert.equal(result.stdout, '');
    assert.match(result.stderr, /not known yet/);
    assert.match(result.stderr, /--fingerprint HEX/);
    assert.ok(result.stderr.includes(shown(ctl.fingerprint)));
    assert.ok(!existsSync(ctl.home), 'nothing is kept');
  });

  await it('asks on a terminal: yes', async () => {
    const ctl = new Secctl(gw);
    const terminal = ctl.terminal(['daytime', '--url', gw.origin]);
    await terminal.expect(/yes\/no\/\[fingerprint\]/);
    assert.ok(terminal.output.includes(shown(ctl.fingerprint)), 'the fingerprint is shown');
    terminal.type('perhaps\r');
    await terminal.expect(/Please type/);
    terminal.type('yes\r');
    await terminal.expect(/day, [A-Z]/);
    assert.equal(await terminal.end(), 0);
    const again = await ctl.run(['daytime']);
    assert.match(again.stdout, /^[A-Z][a-z]+day, /);
  });

  await it('asks on a terminal: no, the wrong and the right fingerprint', async () => {
    const ctl = new Secctl(gw);
    for (const [answer, status] of [['no', 3], ['0'.repeat(64), 3], [shown(ctl.fingerprint), 0]]) {
      const terminal = ctl.terminal(['daytime', '--url', gw.origin]);
      await terminal.expect(/fingerprint\]\)\?/);
      terminal.type(`${answer}\r`);
      assert.equal(await terminal.end(), status, plain(terminal.output));
      assert.equal(existsSync(ctl.profile('ca.pem')), status === 0);
    }
  });

  await it('shows the fingerprint as the gateway prints it', () => {
    assert.ok(gw.stdout.includes(shown(new Secctl(gw).fingerprint)), gw.stdout);
  });

  await it('takes --fingerprint and --ca', async () => {
    const ctl = new Secctl(gw);
    await ctl.run(['daytime', '--url', gw.origin, '--fingerprint', '00'], { expect: 1 });
    const wrong = await ctl.run(['daytime', '--url', gw.origin, '--fingerprint', 'ab'.repeat(32)], { expect: 3 });
    assert.ok(wrong.stderr.includes(shown(ctl.fingerprint)));
    await ctl.run(['daytime', '--url', gw.origin, '--ca', join(gw.data, 'setup-code')], { expect: 1 });
    await ctl.run(['daytime', '--url', gw.origin, '--ca', makeAuthority().caFile], { expect: 3 });
    assert.ok(!existsSync(ctl.home));
    await ctl.run(['daytime', '--url', gw.origin, '--ca', join(gw.data, 'ca.pem')]);
    await ctl.run(['daytime', '--fingerprint', ctl.fingerprint]);
    await ctl.run(['daytime', '--fingerprint', 'ab'.repeat(32)], { expect: 3 });
    const other = new Secctl(gw);
    await other.run(['daytime', '--url', gw.origin, '--fingerprint', `SHA256:${other.fingerprint}`]);
  });

  await it('keeps profiles apart, private and away from other addresses', async () => {
    const ctl = new Secctl(gw);
    await ctl.signup();
    assert.equal(ctl.mode(''), 0o700);
    for (const name of ['config.json', 'ca.pem', 'session.json']) assert.equal(ctl.mode(name), 0o600, name);
    assert.deepEqual(JSON.parse(readFileSync(ctl.profile('config.json'), 'utf8')), { url: gw.origin, username: 'root-admin' });
    await ctl.run(['daytime', '--url', 'https://localhost:1'], { expect: 1 });
    const second = ['--profile', 'second', '--url', gw.origin, '--fingerprint', ctl.fingerprint];
    await ctl.run(['whoami', ...second], { expect: 2 });
    await ctl.run(['daytime', '--profile', '../x'], { expect: 1 });
    await ctl.run(['whoami'], { env: { SECGATE_PROFILE: 'second' }, expect: 2 });
    const me = await ctl.run(['whoami'], { env: { SECGATE_PROFILE: 'default' } });
    assert.equal(me.stdout, 'root-admin (admin)\n');
    chmodSync(ctl.profile('session.json'), 0o644);
    assert.match((await ctl.run(['whoami'])).stderr, /readable for others/);
    assert.equal(statSync(ctl.profile('session.json')).mode & 0o777, 0o600);
  });

  await it('uses XDG_CONFIG_HOME and HOME', async () => {
    const ctl = new Secctl(gw);
    const args = ['daytime', '--url', gw.origin, '--fingerprint', ctl.fingerprint];
    await ctl.run(args, { env: { SECCTL_HOME: '', XDG_CONFIG_HOME: join(ctl.cwd, 'xdg') } });
    assert.ok(ctl.has('xdg/secgate/default/ca.pem'));
    await ctl.run(args, { env: { SECCTL_HOME: '', XDG_CONFIG_HOME: '', HOME: ctl.cwd } });
    assert.ok(ctl.has('.config/secgate/default/ca.pem'));
  });

  await it('refuses a changed CA loudly and sends nothing', async () => {
    const relay = await Relay.start({ gateway: gw });
    const ctl = new Secctl(relay);
    await ctl.login();
    await ctl.run(['whoami']);
    await relay.stop();
    const impostor = await Relay.start({ gateway: gw, port: relay.port, authority: makeAuthority('impostor') });
    const result = await ctl.run(['whoami'], { expect: 3 });
    assert.match(result.stderr, /WARNING: THE CERTIFICATE AUTHORITY HAS CHANGED/);
    assert.ok(result.stderr.includes(shown(impostor.authority.fingerprint)));
    assert.deepEqual(impostor.requests, [], 'no request, no token');
    // On purpose, with the new fingerprint: the old session is forgotten.
    await ctl.run(['login', '-u', 'root-admin', '--password-file', '-', '--fingerprint', impostor.authority.fingerprint], {
      input: 'wrong password\n',
      expect: 2,
    });
    assert.ok(!existsSync(ctl.profile('session.json')));
    await impostor.stop();
  });

  await it('checks the name, refuses plain HTTP and addresses with more than host and port', async () => {
    const ctl = new Secctl(gw);
    const wrongName = gw.origin.replace('127.0.0.1', '127.0.0.2').replace('localhost', '127.0.0.2');
    await ctl.run(['daytime', '--url', wrongName, '--fingerprint', ctl.fingerprint], { expect: 3 });
    for (const url of ['http://localhost:80', 'https://u@localhost', 'https://localhost/x', 'https://', 'https://localhost?x']) {
      await ctl.run(['daytime', '--url', url], { expect: 1 });
    }
    const bare = gw.origin.replace('https://', '');
    await ctl.run(['daytime', '--url', bare, '--fingerprint', ctl.fingerprint]);
  });

  await it('reaches this machine without the proxy', async () => {
    const ctl = new Secctl(gw);
    const env = { https_proxy: 'http://127.0.0.1:1', no_proxy: '' };
    await ctl.run(['daytime', '--url', gw.origin, '--fingerprint', ctl.fingerprint], { env });
    const away = await ctl.run(['daytime', '--url', 'https://gateway.invalid:1', '--profile', 'x'], { env, expect: 3 });
    assert.match(away.stderr, /127\.0\.0\.1 port 1/);
  });

  await it('says that nobody is there', async () => {
    const ctl = new Secctl(gw);
    const relay = await Relay.start({ gateway: gw });
    await relay.stop();
    const result = await ctl.run(['daytime', '--url', relay.origin], { expect: 3 });
    assert.match(result.stderr, /is the gateway running/);
  });
});
