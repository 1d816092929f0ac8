// SPDX-License-Identifier: Apache-2.0
// Options for a new passkey.
import assert from 'node:assert/strict';
import { Authenticator, addPasskey, enableTotp, oathtool } from './lib/authenticator.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('passkeys_options', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const origin = `https://localhost:${gw.port}`;
  const ask = async (client) =>
    (await client.post('/v1/passkeys/options', { json: { password: client.password }, expect: 200 })).json;

  await it('says who, for which site, and that the user has to be verified', async () => {
    const options = await ask(ann);
    assert.deepEqual(options.rp, { id: 'localhost', name: 'localhost' });
    assert.equal(options.user.name, 'ann');
    assert.deepEqual(options.pubKeyCredParams.map(({ alg }) => alg), [-8, -7, -257]);
    assert.equal(options.timeout, 300000);
    assert.deepEqual(options.excludeCredentials, []);
    assert.ok(Buffer.from(options.challenge, 'base64url').length >= 16);
  });

  await it('a user is always the same, and no other one', async () => {
    const one = await ask(ann);
    const two = await ask(ann);
    assert.equal(one.user.id, two.user.id);
    assert.notEqual(one.challenge, two.challenge);
    assert.notEqual((await ask(admin)).user.id, one.user.id);
  });

  await it('excludes what is registered already', async () => {
    const authenticator = new Authenticator(origin);
    await addPasskey(ann, 'first', authenticator);
    const { excludeCredentials } = await ask(ann);
    assert.deepEqual(excludeCredentials, [{ type: 'public-key', id: authenticator.id.toString('base64url') }]);
  });

  await it('needs the right password', () =>
    ann.post('/v1/passkeys/options', { json: { password: 'a wrong one' }, expect: [401, 'credentials-invalid'] }));

  await it('needs a code, too, where logins need one: a passkey is a login without it', async () => {
    const bob = await gw.user(admin, 'bob');
    const { secret, recovery_codes } = await enableTotp(bob);
    const post = (code, expect) =>
      bob.post('/v1/passkeys/options', { json: { password: bob.password, code }, expect });
    await post(undefined, [401, 'second-factor-required']);
    await post('000000', [401, 'second-factor-invalid']);
    await post(oathtool(secret, 30), 200);
    await post(oathtool(secret, 30), [401, 'second-factor-invalid']);
    await post(recovery_codes[0], 200);
    const { json } = await admin.get('/v1/audit', { query: { actor: 'bob', type: 'recovery.used' }, expect: 200 });
    assert.equal(json.entries.length, 1);
    await ann.post('/v1/passkeys/options', { json: { password: ann.password, code: '000000' }, expect: 200 });
  });

  await it('needs a token', () =>
    needsToken(gw.client(), 'POST', '/v1/passkeys/options', { json: { password: 'correct horse' } }));

  await it('needs strict JSON', () => needsJson(admin, 'POST', '/v1/passkeys/options', { password: admin.password }));
});
