// SPDX-License-Identifier: Apache-2.0
// Login with a passkey, right and wrong in every part, with an authenticator in software.
import assert from 'node:assert/strict';
import { Authenticator, FLAGS, addPasskey, cbor, enableTotp, passkeyLogin } from './lib/authenticator.mjs';
import { suite } from './lib/suite.mjs';

suite('passkeys_challenge', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const origin = `https://localhost:${gw.port}`;
  const anyone = gw.client();
  const challenge = async (json = {}) => (await anyone.post('/v1/passkeys/challenge', { json, expect: 200 })).json;
  const refused = [401, 'second-factor-invalid'];
  const phone = new Authenticator(origin);
  await addPasskey(ann, 'phone', phone);

  let recovery;
  await it('tells nobody who exists or has a passkey', async () => {
    const shape = ({ challenge: text, ...rest }) => ({ ...rest, length: text.length });
    const named = shape(await challenge({ username: 'ann' }));
    assert.deepEqual(named.allowCredentials, []);
    assert.equal(named.rpId, 'localhost');
    assert.deepEqual(shape(await challenge({ username: 'nobody' })), named);
    assert.deepEqual(shape(await challenge({ username: 'No Body!' })), named);
    assert.deepEqual(shape(await challenge()), named);
  });

  for (const kind of ['es256', 'eddsa', 'rs256']) {
    await it(`logs in with ${kind}`, async () => {
      const authenticator = new Authenticator(origin, { kind });
      await addPasskey(bob, kind, authenticator);
      const { json } = await passkeyLogin(anyone, authenticator);
      assert.equal(json.method, 'passkey');
      assert.equal(json.user.username, 'bob');
      await anyone.get('/v1/users/me', { token: json.token, expect: 200 });
    });
  }

  await it('logs in by name, with or without the handle', async () => {
    await passkeyLogin(anyone, phone, { challenge: { username: 'ann' } });
    await passkeyLogin(anyone, phone, { challenge: { username: 'ann' }, wrong: { handle: null } });
    await passkeyLogin(anyone, phone, { challenge: { username: 'bob' }, expect: refused });
    await passkeyLogin(anyone, phone, { challenge: { username: 'nobody' }, expect: refused });
  });

  await it('counts as both factors', async () => {
    [recovery] = (await enableTotp(ann)).recovery_codes;
    await passkeyLogin(anyone, phone);
    const json = { username: 'ann', password: ann.password };
    const answer = await anyone.post('/v1/sessions', { json, expect: [401, 'second-factor-required'] });
    assert.deepEqual(answer.json.methods, ['totp', 'recovery', 'passkey']);
  });

  const { UP, UV, BS } = FLAGS;
  const bobs = new Authenticator(origin);
  await addPasskey(bob, 'bobs', bobs);
  const wrongs = {
    'another type': { clientData: { type: 'webauthn.create' } },
    'another origin': { clientData: { origin: 'https://localhost:1' } },
    'a page of another site around': { clientData: { crossOrigin: true } },
    'a challenge of its own': { clientData: { challenge: Buffer.alloc(64, 2).toString('base64url') } },
    'another site': { rpId: 'evil.example' },
    'no user present': { flags: UV },
    'no user verified': { flags: UP },
    'a backup that may not be': { flags: UP | UV | BS },
    'endless extensions': { flags: UP | UV | 0x80, more: [Buffer.from([0xba, 0x7f, 0xff, 0xff, 0xff])] },
    'a wrong signature': { signature: true },
    'a signature of other data': { signedAuthData: Buffer.alloc(37) },
    'another\u2019s id': { id: bobs.id },
    'an unknown id': { id: Buffer.alloc(32, 1) },
    'another\u2019s handle': { handle: bobs.handle },
    'a short handle': { handle: 'AAAA' },
    'no handle': { handle: null },
    'a counter that stands still': { counter: 1 },
    'a counter of zero': { counter: 0 },
  };
  for (const [what, wrong] of Object.entries(wrongs)) {
    await it(`refuses ${what}`, () => passkeyLogin(anyone, phone, { wrong, expect: refused }));
  }
  await it('takes the right one after all that', () => passkeyLogin(anyone, phone));

  await it('does not mind extensions that nobody asked for', () =>
    passkeyLogin(anyone, phone, { wrong: { flags: UP | UV | 0x80, more: [cbor(new Map([['uvm', [[2, 4, 2]]]]))] } }));

  await it('every bit of data and signature counts', async () => {
    const options = await challenge();
    const passkey = phone.get(options);
    for (const member of ['authenticator_data', 'signature', 'client_data', 'id', 'user_handle']) {
      const bytes = Buffer.from(passkey[member], 'base64url');
      for (let bit = 0; bit < bytes.length * 8; bit += 37) {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] ^= 1 << (bit & 7);
        const json = { method: 'passkey', passkey: { ...passkey, [member]: changed.toString('base64url') } };
        await anyone.post('/v1/sessions', { json, expect: refused });
      }
    }
    await anyone.post('/v1/sessions', { json: { method: 'passkey', passkey }, expect: 201 });
  });

  await it('a challenge counts once, also for parallel logins', async () => {
    const options = await challenge();
    const json = { method: 'passkey', passkey: phone.get(options) };
    const answers = await Promise.all(Array.from({ length: 10 }, () => anyone.post('/v1/sessions', { json })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(9).fill(401)]);
    const again = { method: 'passkey', passkey: phone.get(options) }; // signed anew, counter and all
    await anyone.post('/v1/sessions', { json: again, expect: refused });
  });

  await it('an authenticator that does not count stays at zero', async () => {
    const silent = new Authenticator(origin, { counts: false });
    await addPasskey(bob, 'silent', silent);
    await passkeyLogin(anyone, silent);
    await passkeyLogin(anyone, silent);
  });

  await it('however often somebody logs in, nobody is kept out', async () => {
    const carol = await gw.user(admin, 'carol');
    const busy = new Authenticator(origin, { kind: 'eddsa' });
    await addPasskey(carol, 'busy', busy);
    const options = (await anyone.post('/v1/passkeys/challenge', { json: {}, expect: 200 })).json;
    for (let i = 0; i < 100; i++) await passkeyLogin(anyone, busy);
    const json = { method: 'passkey', passkey: phone.get(options) }; // begun before all of these
    await anyone.post('/v1/sessions', { json, expect: 201 });
    await passkeyLogin(anyone, busy);
  });

  await it('a challenge to register is none to log in', async () => {
    const options = (await ann.post('/v1/passkeys/options', { json: { password: ann.password, code: recovery }, expect: 200 })).json;
    const passkey = phone.get({ challenge: options.challenge, rpId: options.rp.id });
    await anyone.post('/v1/sessions', { json: { method: 'passkey', passkey }, expect: refused });
  });

  await it('a disabled user does not get in', async () => {
    await admin.patch('/v1/users/bob', { json: { disabled: true }, expect: 200 });
    await passkeyLogin(anyone, bobs, { expect: [403, 'user-disabled'] });
  });

  await it('the audit log tells whose copied passkey it was, and who was disabled', async () => {
    const of = async () => {
      const { json } = await admin.get('/v1/audit', { query: { type: 'login.failed', limit: 1000 }, expect: 200 });
      return json.entries.filter(({ subject }) => subject).map(({ subject, result }) => `${subject} ${result}`);
    };
    let seen = await of();
    for (let i = 0; i < 50 && !seen.includes('bob user-disabled'); i++) { // strangers' failures are written soon, not at once
      await new Promise((resolve) => setTimeout(resolve, 100));
      seen = await of();
    }
    assert.ok(seen.includes('ann second-factor-invalid'), 'counters');
    assert.ok(seen.includes('bob user-disabled'));
  });

  await it('an admin can remove all passkeys of who has lost them', async () => {
    await admin.patch('/v1/users/ann', { json: { reset_second_factor: true }, expect: 200 });
    await passkeyLogin(gw.client(), phone, { expect: refused });
    await gw.login('ann', ann.password);
  });

  await it('a challenge of a former process does not count', async () => {
    await addPasskey(ann, 'once more', phone);
    const passkey = phone.get(await challenge());
    await gw.restart();
    await gw.client().post('/v1/sessions', { json: { method: 'passkey', passkey }, expect: refused });
    await passkeyLogin(gw.client(), phone);
  });
});
