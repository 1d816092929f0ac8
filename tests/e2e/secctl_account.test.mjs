// SPDX-License-Identifier: Apache-2.0
// Accounts, sessions and everything that is asked about them.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { suite } from './lib/suite.mjs';
import { Secctl } from './lib/secctl.mjs';

suite('secctl_account', async ({ gw, it }) => {
  const ctl = new Secctl(gw);
  const password = 'the first password';

  await it('signs up in a terminal, without echo', async () => {
    const terminal = ctl.terminal(['signup', gw.origin, '--code', gw.setupCode()]);
    await terminal.expect(/fingerprint\]\)\?/);
    terminal.type('yes\r');
    await terminal.expect(/User name \[somebody\]:/);
    terminal.type('boss\r');
    await terminal.expect(/New password:/);
    terminal.type(`${password}\r`);
    await terminal.expect(/Once more:/);
    terminal.type(`${password}\r`);
    await terminal.expect(/Logged in to .* as boss \(admin\)/);
    assert.equal(await terminal.end(), 0);
    assert.ok(!terminal.output.includes(password), 'the password is not shown');
  });

  await it('says who is logged in', async () => {
    assert.equal((await ctl.run(['whoami'])).stdout, 'boss (admin)\n');
    const me = await ctl.json(['whoami']);
    assert.equal(me.username, 'boss');
    assert.equal(me.role, 'admin');
  });

  await it('shows the state at a glance', async () => {
    const { stdout } = await ctl.run(['status']);
    assert.match(stdout, /^gateway {2}https:\/\/\S+, reachable/m);
    assert.match(stdout, /^user {5}boss \(admin\)/m);
    assert.match(stdout, /^tls {6}TLS1\.[23], /m);
    const state = await ctl.json(['status']);
    assert.equal(state.reachable, true);
    assert.equal(state.user.username, 'boss');
    assert.ok(state.token_expires_in > 0 && state.session_expires_in > 24 * 3600);
    assert.match((await ctl.run(['tls'])).stdout, /^gateway +CN=/m);
    assert.match((await ctl.json(['tls'])).version, /^TLS1\.[23]$/);
    assert.match((await ctl.run(['daytime', '--tz', 'Asia/Tokyo'])).stdout, /-\S+\n$/);
    assert.equal((await ctl.json(['daytime', '--tz', 'Asia/Tokyo'])).timezone, 'Asia/Tokyo');
    const bad = await ctl.run(['daytime', '--tz', 'No/Where'], { expect: 2 });
    assert.match(bad.stderr, /IANA name/);
  });

  const member = new Secctl(gw);
  await it('invites, and the invitation works once', async () => {
    const { stdout, stderr } = await ctl.run(['invite', '--role', 'guest', '--expires', '2h']);
    const code = stdout.trim();
    assert.ok(stderr.includes(`--code ${code}`));
    await member.signup('ann', 'password of ann', code);
    assert.equal((await member.run(['whoami'])).stdout, 'ann (guest)\n');
    const again = ['signup', gw.origin, '--code', code, '-u', 'bob', '--fingerprint', ctl.fingerprint, '--password-file', '-'];
    const refused = await new Secctl(gw).run(again, { input: 'password of bob\n', expect: 2 });
    assert.match(refused.stderr, /next: ask an admin for a new code/);
    await ctl.run(['invite', '--expires', 'soon'], { expect: 1 });
    assert.equal((await ctl.json(['invite', '--role', 'member'])).role, 'member');
  });

  await it('manages users', async () => {
    const list = await ctl.run(['users']);
    assert.match(list.stdout, /guest +active .* ann$/m);
    assert.deepEqual((await ctl.json(['users', 'list'])).users.map((u) => u.username), ['ann', 'boss']);
    assert.match((await ctl.run(['users', 'set', 'ann', '--role', 'member'])).stdout, /ann is member, active/);
    await ctl.run(['users', 'set', 'ann'], { expect: 1 });
    await ctl.run(['users', 'set', '--role', 'member'], { expect: 1 });
    await ctl.run(['users', 'frob', 'ann'], { expect: 1 });
    const last = await ctl.run(['users', 'disable', 'boss'], { expect: 2 });
    assert.match(last.stderr, /last-admin/);
    const denied = await member.run(['users'], { expect: 2 });
    assert.match(denied.stderr, /secctl whoami/);
    await ctl.run(['users', 'disable', 'ann']);
    const out = await member.run(['whoami'], { expect: 2 });
    assert.match(out.stderr, /secctl login/);
    await ctl.run(['users', 'enable', 'ann']);
    await member.login('ann', 'password of ann');
  });

  await it('lists and ends sessions', async () => {
    const other = new Secctl(gw);
    await other.login('ann', 'password of ann');
    const { sessions } = await member.json(['sessions']);
    assert.equal(sessions.filter((s) => s.current).length, 1);
    assert.match((await member.run(['sessions', 'list'])).stdout, /^\* +[0-9a-f]{32} /m);
    await member.run(['sessions', 'end', other.session().session_id]);
    await other.run(['whoami'], { expect: 2 });
    await other.login('ann', 'password of ann');
    await member.run(['sessions', 'end', '--others']);
    await other.run(['whoami'], { expect: 2 });
    await member.run(['sessions', 'end', '0'.repeat(32)], { expect: 2 });
    await member.run(['sessions', 'end'], { expect: 1 });
    await member.run(['whoami']);
    await member.run(['sessions', 'end', 'current']);
    assert.ok(!existsSync(member.profile('session.json')));
  });

  await it('changes a password, from a file and on a terminal', async () => {
    await member.login('ann', 'password of ann');
    const files = ['--old-password-file', '-', '--password-file', '-'];
    const wrong = await member.run(['passwd', ...files], { input: 'not this one\nanother password\n', expect: 2 });
    assert.match(wrong.stderr, /credentials-invalid/);
    await member.run(['passwd', ...files], { input: 'password of ann\nanother password\n' });
    const terminal = member.terminal(['passwd']);
    await terminal.expect(/Old password:/);
    terminal.type('another password\r');
    await terminal.expect(/New password:/);
    terminal.type('password of ann\r');
    await terminal.expect(/Once more:/);
    terminal.type('password of ann\r');
    assert.equal(await terminal.end(), 0, terminal.output);
    await member.login('ann', 'password of ann');
  });

  await it('takes the name of the last login and refuses a wrong password', async () => {
    const former = member.session().token;
    const result = await member.run(['login', '--password-file', '-'], { input: 'password of ann\n' });
    assert.match(result.stdout, / as ann \(/);
    await gw.client({ token: former }).get('/v1/users/me', { expect: 401 });
    const wrong = await member.run(['login', '--password-file', '-'], { input: 'password of eve\n', expect: 2 });
    assert.match(wrong.stderr, /check name and password/);
    assert.equal((await member.run(['whoami'])).stdout, 'ann (member)\n', 'the former session is untouched');
    await member.run(['login'], { expect: 1 });
    await member.run(['login', '--password-file', member.file('empty', '')], { expect: 1 });
    const said = await member.json(['login', '--password-file', member.file('pw', 'password of ann\r\nmore')]);
    assert.equal(said.user.username, 'ann');
    assert.ok(!('token' in said) && !('refresh_token' in said));
  });

  await it('asks before a user is deleted', async () => {
    await ctl.run(['users', 'rm', 'ann'], { expect: 1 });
    const terminal = ctl.terminal(['users', 'rm', 'ann']);
    await terminal.expect(/yes\/no/);
    terminal.type('no\r');
    assert.equal(await terminal.end(), 1);
    await ctl.run(['users', 'rm', 'ann', '--yes']);
    await ctl.run(['users', 'rm', 'ann', '--yes'], { expect: 2 });
    await member.run(['whoami'], { expect: 2 });
  });

  await it('logs out, here and there', async () => {
    const session = ctl.session();
    assert.match((await ctl.run(['logout'])).stdout, /Logged out/);
    assert.ok(!existsSync(ctl.profile('session.json')));
    await gw.client({ token: session.token }).get('/v1/users/me', { expect: 401 });
    const result = await ctl.run(['whoami'], { expect: 2 });
    assert.match(result.stderr, /next: run: secctl login/);
    const asJson = await ctl.run(['whoami', '--json'], { expect: 2 });
    assert.equal(JSON.parse(asJson.stderr).error.exit, 2);
  });

  await it('explains itself and refuses what it does not know', async () => {
    const { stdout } = await ctl.run(['--help']);
    const commands = 'signup login logout whoami passwd ls put get cat rm mv chat say tail watch who spaces members leave daytime tls sessions session enroll certificates tokens totp passkeys audit users invite status version help';
    for (const name of commands.split(' ')) {
      assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
      const help = await ctl.run([name, '--help']);
      assert.match(help.stdout, new RegExp(`^Usage: secctl ${name}`, 'm'));
      assert.match(help.stdout, /Exit codes/);
      assert.equal((await ctl.run(['help', name])).stdout, help.stdout);
    }
    assert.match((await ctl.run(['version'])).stdout, /^secctl [0-9.]+ \(libcurl/);
    assert.ok((await ctl.json(['version'])).curl);
    for (const args of [[], ['frob'], ['ls', '--frob'], ['ls', '-Z'], ['get'], ['whoami', 'x'], ['put', '-j', '0', 'x'], ['--profile']]) {
      const result = await ctl.run(args, { expect: 1 });
      assert.match(result.stderr, /^secctl: .+\n {2}next: /, args.join(' '));
    }
  });

  await it('refuses options that would do nothing, before it asks the gateway', async () => {
    const stranger = new Secctl(gw);
    for (const line of [
      'audit verify -n 3', 'audit --forget', 'certificates revoke x --all', 'keys list --type x', 'keys rotate k --type x',
      'keys show k --format pem', 'log --from 3', 'log list --forget', 'session close --count 3', 'session open --interval 3s',
      'sessions --others', 'spaces create x --keep 3', 'spaces rm x --keep 3', 'tokens --scopes x', 'totp --code-file -',
      'users --role guest', 'users set x --role guest -y', 'members common --role reader', 'members list common --role reader',
      'chat verify common -n 3', 'chat common --chain 00', 'login --scopes verify', 'enroll --user x',
    ]) {
      const { stderr, stdout } = await stranger.run(line.split(' '), { expect: 1 });
      assert.match(stderr, /takes no --|belongs? to|does not belong to/, line);
      assert.match(stderr, /\n {2}next: /, line);
      assert.equal(stdout, '', line);
    }
  });
});
