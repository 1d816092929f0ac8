// SPDX-License-Identifier: Apache-2.0
// Tokens for scripts from the command line.
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';
import { Secctl } from './lib/secctl.mjs';

suite('secctl_script_tokens', async ({ gw, it }) => {
  const ctl = new Secctl(gw);
  await ctl.signup();
  let token;

  await it('makes one, and shows it once', async () => {
    const { stdout, stderr } = await ctl.run(['tokens', 'create', 'nightly', '--scopes', 'files:read,files:write', '--spaces', 'common', '--expires', '1d']);
    assert.match(stdout, /^sgp_\S+\n$/);
    assert.match(stderr, /the only time that it is shown; it is good until \d{4}-/);
    token = stdout.trim();
    const list = await ctl.run(['tokens']);
    assert.match(list.stdout, /files:read,files:write +common +nightly$/m);
    assert.ok(!list.stdout.includes(token) && !JSON.stringify(await ctl.json(['tokens'])).includes(token));
    assert.ok(!gw.log.includes(token));
  });

  // A script has a home of its own, without a session: only the address and the CA.
  const script = new Secctl(gw);
  await script.login();
  await script.run(['logout']);
  const env = () => ({ SECGATE_TOKEN: token });

  await it('works in the environment and from a file, without a session', async () => {
    await script.run(['put', '-q', '-', 'common/out.txt'], { input: 'made at night', env: env() });
    assert.equal((await script.run(['cat', 'common/out.txt'], { env: env() })).stdout, 'made at night');
    const file = script.file('token', `${token}\n`);
    assert.equal((await script.run(['cat', 'common/out.txt', '--token-file', file])).stdout, 'made at night');
    assert.equal((await script.run(['--token-file', '-', 'cat', 'common/out.txt'], { input: `${token}\n` })).stdout, 'made at night');
    await script.run(['cat', 'common/out.txt'], { expect: 2 });
    const { tokens } = await ctl.json(['tokens', 'list']);
    assert.equal(tokens[0].last_address, '127.0.0.1');
    assert.ok(tokens[0].last_used_at);
  });

  await it('counts before a session, but does not touch it', async () => {
    const before = ctl.session();
    const refused = await ctl.run(['ls', '~root-admin/'], { env: env(), expect: 2 });
    assert.match(refused.stderr, /403|404/);
    await ctl.run(['ls', '~root-admin/']);
    assert.match((await ctl.run(['status'], { env: env() })).stdout, /^session {2}none, but a token for scripts$/m);
    assert.equal((await ctl.json(['status'], { env: env() })).script_token, true);
    for (const args of [['logout'], ['logout', '--local']]) await ctl.run(args, { env: env(), expect: 1 });
    assert.deepEqual(ctl.session(), before);
  });

  await it('may not do what only a login may, and says so', async () => {
    const refused = await script.run(['tokens', 'create', 'x', '--scopes', 'files:read'], { env: env(), expect: 2 });
    assert.match(refused.stderr, /login-needed|forbidden/);
    for (const args of [['--sealed', 'ls', 'common/'], ['session', 'open'], ['enroll']]) {
      assert.match((await script.run(args, { env: env(), expect: 1 })).stderr, /does not go with a script token/);
    }
  });

  await it('says when it is not taken any more', async () => {
    const bad = await script.run(['ls', 'common/'], { env: { SECGATE_TOKEN: `${token.slice(0, -4)}AAAA` }, expect: 2 });
    assert.match(bad.stderr, /next: make another one: secctl tokens create/);
    await script.run(['ls', 'common/'], { env: { SECGATE_TOKEN: 'not a token' }, expect: 1 });
    await script.run(['--token-file', script.file('empty', ''), 'ls', 'common/'], { expect: 1 });
    const { tokens } = await ctl.json(['tokens']);
    await ctl.run(['tokens', 'rm', tokens[0].id]);
    assert.deepEqual((await ctl.json(['tokens'])).tokens, []);
    for (const args of [['cat', 'common/out.txt'], ['put', '-q', '-', 'common/x'], ['tail', 'common'], ['say', 'common', 'x']]) {
      const gone = await script.run(args, { env: env(), input: 'x', expect: 2 });
      assert.match(gone.stderr, /token/);
    }
  });

  await it('refuses what cannot be', async () => {
    for (const args of [['create'], ['create', 'x'], ['create', 'x', '--scopes', 'files:read', '--expires', 'soon'], ['rm'], ['frob']]) {
      await ctl.run(['tokens', ...args], { expect: 1 });
    }
    for (const scopes of ['frob', ',']) {
      const refused = await ctl.run(['tokens', 'create', 'x', '--scopes', scopes], { expect: 2 });
      assert.match(refused.stderr, /400/);
    }
    await ctl.run(['tokens', 'rm', '0'.repeat(16)], { expect: 2 });
  });

  await it('says what to do next, for this command', async () => {
    const next = async (args, expect = 2, options = {}) => /next: (.*)/.exec((await ctl.run(args, { expect, ...options })).stderr)?.[1];
    assert.equal(await next(['tokens', 'rm', 'none']), 'see what there is with: secctl tokens');
    assert.equal(await next(['tokens', 'create', 'a', '--scopes', 'frob']), 'see: secctl tokens --help');
    await ctl.run(['tokens', 'create', 'twice', '--scopes', 'chat:read']);
    assert.equal(await next(['tokens', 'create', 'twice', '--scopes', 'chat:read']), 'choose another name; see: secctl tokens');
    const narrow = (await ctl.run(['tokens', 'create', 'narrow', '--scopes', 'chat:read', '-q'])).stdout.trim();
    assert.equal(await next(['say', 'common', 'not this'], 2, { env: { SECGATE_TOKEN: narrow } }), 'make another one: secctl tokens create NAME --scopes LIST');
    assert.equal(await next(['users', 'set', 'nobody', '--role', 'member']), 'see who there is with: secctl users');
    assert.equal(await next(['passkeys', 'rm', 'none']), 'see what there is with: secctl passkeys');
    assert.equal(await next(['totp', 'disable', '--password-file', '-', '--code-file', '-'], 2, { input: 'the first password\n123456\n' }), 'see how it is with: secctl totp');
    assert.equal(await next(['cat', 'common/none']), 'see what is there with: secctl ls -l, secctl spaces, or the list of the same command');
  });
});
