// SPDX-License-Identifier: Apache-2.0
// Registration of passkeys, right and wrong in every part, with an authenticator in software.
import assert from 'node:assert/strict';
import { Authenticator, FLAGS, Raw, addPasskey, cbor } from './lib/authenticator.mjs';
import { BAD_MEMBER, needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('passkeys_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const origin = `https://localhost:${gw.port}`;
  const options = async (client) =>
    (await client.post('/v1/passkeys/options', { json: { password: client.password }, expect: 200 })).json;
  const refused = [400, 'parameter-invalid'];

  for (const kind of ['es256', 'eddsa', 'rs256']) {
    await it(`takes ${kind}, without attestation and attested by itself`, async () => {
      const { json } = await addPasskey(ann, `${kind} none`, new Authenticator(origin, { kind }));
      assert.equal(json.name, `${kind} none`);
      await addPasskey(ann, `${kind} self`, new Authenticator(origin, { kind }), { self: true });
    });
  }

  const { UP, UV, AT, BS } = FLAGS;
  const wrongs = {
    'another type': { clientData: { type: 'webauthn.get' } },
    'another origin': { clientData: { origin: 'https://localhost' } },
    'another scheme': { clientData: { origin: origin.replace('https', 'http') } },
    'a page of another site around': { clientData: { crossOrigin: true } },
    'a top origin': { clientData: { topOrigin: 'https://evil.example' } },
    'no challenge': { clientData: { challenge: undefined } },
    'a challenge of its own': { clientData: { challenge: Buffer.alloc(64, 1).toString('base64url') } },
    'a short challenge': { clientData: { challenge: 'AAAA' } },
    'an origin with an escape': { clientDataText: (data) => JSON.stringify(data).replace('https:', 'https\\u003a') },
    'white space': { clientDataText: (data) => JSON.stringify(data, null, 1) },
    'a member twice': { clientDataText: (data) => JSON.stringify(data).replace('{', '{"type":"webauthn.create",') },
    'more after the end': { clientDataText: (data) => `${JSON.stringify(data)}x` },
    'another site': { rpId: 'evil.example' },
    'no user present': { flags: UV | AT },
    'no user verified': { flags: UP | AT },
    'a backup that may not be': { flags: UP | UV | AT | BS },
    'no key': { noKey: true },
    'no key and no flag': { noKey: true, flags: UP | UV },
    'another id': { id: Buffer.alloc(32, 9) },
    'a wrong signature of its own': { self: true, signature: true },
    'another algorithm in the statement': { self: true, statementAlg: -257 },
    'a statement for nothing': { statement: new Map([['alg', -7], ['sig', Buffer.alloc(70)]]) },
    'a certificate': { format: 'packed', statement: new Map([['alg', -7], ['sig', Buffer.alloc(70)], ['x5c', [Buffer.alloc(9)]]]) },
    'another format': { format: 'fido-u2f' },
    'an algorithm that was not offered': { cose: (key) => key.set(3, -35) },
    'a point that is not on the curve': { cose: (key) => key.set(-3, Buffer.alloc(32, 3)) },
    'more after the attestation': { attestation: (bytes) => Buffer.concat([bytes, Buffer.from([0])]) },
    'a cut attestation': { attestation: (bytes) => bytes.subarray(0, bytes.length - 1) },
    'an endless key': { cose: (key) => key.set(99, new Raw([0xba, 0x7f, 0xff, 0xff, 0xff])) },
    'no attestation at all': { attestation: () => cbor(new Map()) },
  };
  for (const [what, wrong] of Object.entries(wrongs)) {
    await it(`refuses ${what}`, () => addPasskey(bob, what, new Authenticator(origin), wrong, refused));
  }
  await it('nothing of that is registered', async () => {
    assert.deepEqual((await bob.get('/v1/passkeys', { expect: 200 })).json.passkeys, []);
  });

  await it('takes members of client data that it does not know', async () => {
    const clientData = { other_keys_can_be_added_here: 'do "not" compare \\ this', tokenBinding: { status: 'supported' }, n: 1, t: null };
    await addPasskey(bob, 'extended', new Authenticator(origin), { clientData });
  });

  await it('a challenge counts once and for its user only', async () => {
    const given = await options(bob);
    const json = { name: 'once', ...new Authenticator(origin).create(given) };
    await ann.post('/v1/passkeys', { json, expect: refused });
    await bob.post('/v1/passkeys', { json, expect: 201 });
    await bob.post('/v1/passkeys', { json: { name: 'twice', ...new Authenticator(origin).create(given) }, expect: refused });
    const get = (await bob.post('/v1/passkeys/challenge', { json: {}, expect: 200 })).json;
    const mixed = new Authenticator(origin).create({ ...given, challenge: get.challenge });
    await bob.post('/v1/passkeys', { json: { name: 'mixed', ...mixed }, expect: refused });
  });

  await it('a passkey and a name count once', async () => {
    const authenticator = new Authenticator(origin);
    await addPasskey(bob, 'mine', authenticator);
    await addPasskey(ann, 'stolen', authenticator, {}, [409, 'conflict']);
    const made = new Authenticator(origin).create(await options(bob));
    await bob.post('/v1/passkeys', { json: { name: 'mine', ...made }, expect: [409, 'name-taken'] });
    await bob.post('/v1/passkeys', { json: { name: 'mine too', ...made }, expect: 201 });
    await bob.post('/v1/passkeys', { json: { name: 'mine again', ...made }, expect: refused });
  });

  await it('a user has 32 at most', async () => {
    const carol = await gw.user(admin, 'carol');
    const given = [];
    for (let i = 0; i < 33; i++) given.push(await options(carol));
    for (let i = 0; i < 32; i++) {
      await carol.post('/v1/passkeys', { json: { name: `key ${i}`, ...new Authenticator(origin).create(given[i]) }, expect: 201 });
    }
    const one = { name: 'too many', ...new Authenticator(origin).create(given[32]) };
    await carol.post('/v1/passkeys', { json: one, expect: [409, 'limit-reached'] });
    await carol.post('/v1/passkeys/options', { json: { password: carol.password }, expect: [409, 'limit-reached'] });
  });

  await it('refuses what is not base64url', async () => {
    const good = { name: 'x', id: 'AAAA', client_data: 'AAAA', attestation: 'AAAA' };
    for (const member of ['id', 'client_data', 'attestation']) {
      for (const value of ['A', 'AA==', 'A+AA', 'AAAA\n', '']) {
        await bob.post('/v1/passkeys', { json: { ...good, [member]: value }, invalid: true, expect: [400, BAD_MEMBER] });
      }
    }
    await bob.post('/v1/passkeys', { json: { ...good, name: 'a\u0007b' }, expect: [400, BAD_MEMBER] });
  });

  await it('needs a token', () =>
    needsToken(gw.client(), 'POST', '/v1/passkeys', {
      json: { name: 'x', id: 'AAAA', client_data: 'AAAA', attestation: 'AAAA' },
    }));

  await it('needs strict JSON', () =>
    needsJson(admin, 'POST', '/v1/passkeys', { name: 'x', id: 'AAAA', client_data: 'AAAA', attestation: 'AAAA' }));

  await it('a challenge of a former process does not count', async () => {
    const given = await options(bob);
    await gw.restart();
    const json = { name: 'late', ...new Authenticator(origin).create(given) };
    await gw.client({ token: bob.token }).post('/v1/passkeys', { json, expect: refused });
  });
});
