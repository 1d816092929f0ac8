// SPDX-License-Identifier: Apache-2.0
// Sign-up: setup code, invitations, modes, names and passwords.
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Gateway } from './lib/gateway.mjs';
import * as keys from './lib/keys.mjs';
import { BAD_MEMBER, needsJson } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const PASSWORD = 'long enough a password';

suite('users_create', async ({ gw, it }) => {
  const anyone = gw.client();
  let admin;

  await it('the setup code stands in a file that only its owner can read', () => {
    assert.equal(statSync(join(gw.data, 'setup-code')).mode & 0o777, 0o600);
    assert.match(gw.setupCode(), /^[\x21-\x7e]{8,}$/);
  });

  await it('refuses sign-up without a code or with a wrong one', async () => {
    const ask = (code, expect) => anyone.post('/v1/users', { json: { username: 'eve', password: PASSWORD, code }, expect });
    const { json } = await ask(undefined, [403, 'signup-closed']);
    assert.match(json.detail, /\bcode\b/);
    await ask('AAAA-BBBB-CCCC', [403, 'code-invalid']);
  });

  await it('makes the first admin with the setup code, which then is gone', async () => {
    const code = gw.setupCode();
    const json = { username: 'root-admin', password: PASSWORD, code };
    const answer = await anyone.post('/v1/users', { json, expect: 201 });
    assert.equal(answer.headers.location, '/v1/users/me');
    assert.equal(answer.json.username, 'root-admin');
    assert.equal(answer.json.role, 'admin');
    assert.equal(answer.json.disabled, false);
    assert.ok(Math.abs(Date.parse(answer.json.created_at) - Date.now()) < 3600e3);
    assert.equal(existsSync(join(gw.data, 'setup-code')), false);
    const again = { username: 'second', password: PASSWORD, code };
    await anyone.post('/v1/users', { json: again, expect: [403, 'code-invalid'] });
    admin = await gw.login('root-admin', PASSWORD);
  });

  const invited = async (username, password = PASSWORD, options = {}) => {
    const { json } = await admin.post('/v1/invites', { json: {}, expect: 201 });
    return anyone.post('/v1/users', { json: { username, password, code: json.code }, ...options });
  };

  await it('makes a member with an invitation, once', async () => {
    const invite = (await admin.post('/v1/invites', { json: {}, expect: 201 })).json;
    const ask = (username, expect) => anyone.post('/v1/users', { json: { username, password: PASSWORD, code: invite.code }, expect });
    const answer = await ask('ann', 201);
    assert.equal(answer.json.role, 'member');
    await ask('bob', [403, 'code-invalid']);
  });

  await it('an invitation survives an attempt that fails', async () => {
    const invite = (await admin.post('/v1/invites', { json: {}, expect: 201 })).json;
    const ask = (username, expect) => anyone.post('/v1/users', { json: { username, password: PASSWORD, code: invite.code }, expect });
    await ask('ann', [409, 'name-taken']);
    await ask('carl', 201);
  });

  await it('one invitation makes one user, however many ask at once', async () => {
    const invite = (await admin.post('/v1/invites', { json: {}, expect: 201 })).json;
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, i) =>
        anyone.post('/v1/users', { json: { username: `racer${i}`, password: PASSWORD, code: invite.code } })
      )
    );
    assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
  });

  await it('one name belongs to one user, however many ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => invited('twin')));
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [201, 409, 409, 409]);
  });

  await it('takes every kind of name and password that is allowed', async () => {
    await invited('0', PASSWORD, { expect: 201 });
    await invited('a.b_c-d', PASSWORD, { expect: 201 });
    await invited('x'.repeat(32), PASSWORD, { expect: 201 });
    await invited('shortest', 'ten chars!', { expect: 201 });
    await invited('longest', 'p'.repeat(256), { expect: 201 });
    await invited('unicode', '\u{1F510}'.repeat(256), { expect: 201 });
    await gw.login('unicode', '\u{1F510}'.repeat(256));
  });

  await it('refuses names that break the rules', async () => {
    for (const username of ['', 'Ann', '.ann', '-ann', '_ann', 'x'.repeat(33), 'a b', 'a/b', '\u00e4nn', 'ann\u0000', 'ann\n', '~ann']) {
      await invited(username, PASSWORD, { invalid: true, expect: [400, BAD_MEMBER] });
    }
    await invited('me', PASSWORD, { expect: [400, 'parameter-invalid'] });
  });

  await it('refuses passwords that break the rules', async () => {
    for (const password of ['', 'nine char', '\u{1F510}'.repeat(9), 'p'.repeat(257), '\u{1F510}'.repeat(257)]) {
      await invited('dora', password, { invalid: true, expect: [400, BAD_MEMBER] });
    }
    await invited('ten.letters', 'ten.letters', { expect: [400, 'parameter-invalid'] });
  });

  await it('refuses members of the wrong type and missing ones', async () => {
    const ask = (json) => anyone.post('/v1/users', { json, invalid: true, expect: [400, BAD_MEMBER] });
    await ask({ username: 5, password: PASSWORD });
    await ask({ username: 'dora', password: null });
    await ask({ username: 'dora' });
    await ask({ password: PASSWORD });
    await ask({ username: 'dora', password: PASSWORD, code: 7 });
    await ask({ username: 'dora', password: PASSWORD, role: 'admin' });
  });

  await it('needs strict JSON', () => needsJson(anyone, 'POST', '/v1/users', { username: 'dora', password: PASSWORD }));

  await it('users are there after a restart, and no new setup code', async () => {
    await gw.restart();
    assert.equal(existsSync(join(gw.data, 'setup-code')), false);
    await gw.login('ann', PASSWORD);
  });
});

suite('users_create: open', { config: keys.signup('open') }, async ({ gw, it }) => {
  await it('lets anyone sign up as a member, and the setup code makes the admin', async () => {
    const anyone = gw.client();
    const answer = await anyone.post('/v1/users', { json: { username: 'ann', password: PASSWORD }, expect: 201 });
    assert.equal(answer.json.role, 'member');
    await anyone.post('/v1/users', { json: { username: 'ann', password: PASSWORD }, expect: [409, 'name-taken'] });
  });
});

test('users_create: closed', async () => {
  const gw = await Gateway.start({ config: keys.signup('closed') });
  try {
    const admin = await gw.admin();
    const invite = (await admin.post('/v1/invites', { json: {} })).json;
    const ask = (code, expect) =>
      gw.client().post('/v1/users', { json: { username: 'ann', password: PASSWORD, code }, expect });
    await ask(undefined, [403, 'signup-closed']);
    await ask(invite.code, [403, 'signup-closed']);
    await ask('AAAA-BBBB-CCCC', [403, /^(signup-closed|code-invalid)$/]);
  } finally {
    await gw.stop();
  }
});

suite('users_create: throttle', async ({ gw, it }) => {
  await it('guessing codes is throttled per address', async () => {
    const guesser = gw.client({ localAddress: '127.0.0.3' });
    let last;
    for (let i = 0; i < 200 && last?.status !== 429; i += 1) {
      const json = { username: 'eve', password: PASSWORD, code: `GUESS-${i}` };
      last = await guesser.post('/v1/users', { json });
    }
    assert.equal(last.code, 'throttled');
    assert.ok(Number(last.headers['retry-after']) >= 1);
    await gw.admin();
  });
});
