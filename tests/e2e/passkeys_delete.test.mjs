// SPDX-License-Identifier: Apache-2.0
// A passkey that was removed is of no use.
import assert from 'node:assert/strict';
import { Authenticator, addPasskey, passkeyLogin } from './lib/authenticator.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('passkeys_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const phone = new Authenticator(`https://localhost:${gw.port}`);
  await addPasskey(ann, 'phone', phone);
  const path = `/v1/passkeys/${phone.id.toString('base64url')}`;

  await it('answers 404 for another\u2019s, for none and for nonsense', async () => {
    await admin.delete(path, { expect: [404, 'not-found'] });
    await ann.delete('/v1/passkeys/AAAA', { expect: [404, 'not-found'] });
    await ann.delete('/v1/passkeys/%20', { expect: [404, 'not-found'] });
    await ann.delete(`${path}=`, { expect: [404, 'not-found'] });
  });

  await it('needs a token', () => needsToken(gw.client(), 'DELETE', path));

  await it('ends the sessions that it opened, and no other', async () => {
    const tablet = new Authenticator(`https://localhost:${gw.port}`);
    await addPasskey(ann, 'tablet', tablet);
    const tabletPath = `/v1/passkeys/${tablet.id.toString('base64url')}`;
    const by = async (key) => (await passkeyLogin(gw.client(), key)).json;
    const [first, second, other] = [await by(tablet), await by(tablet), await by(phone)];
    await ann.get('/v1/users/me', { token: first.token, expect: 200 });
    await ann.delete(tabletPath, { token: second.token, expect: 204 });
    for (const { token, refresh_token } of [first, second]) {
      await ann.get('/v1/users/me', { token, expect: [401, 'session-ended'] });
      const form = { grant_type: 'refresh_token', refresh_token };
      assert.equal((await gw.client().post('/v1/oauth/token', { form, expect: 400 })).json.error, 'invalid_grant');
    }
    await ann.get('/v1/users/me', { token: other.token, expect: 200 });
    await ann.get('/v1/users/me', { expect: 200 });
  });

  await it('ends them also when an admin resets the second factor', async () => {
    const bob = await gw.user(admin, 'bob');
    const key = new Authenticator(`https://localhost:${gw.port}`);
    await addPasskey(bob, 'key', key);
    const { token } = (await passkeyLogin(gw.client(), key)).json;
    await admin.patch('/v1/users/bob', { json: { reset_second_factor: true }, expect: 200 });
    await bob.get('/v1/users/me', { token, expect: [401, 'session-ended'] });
    await bob.get('/v1/users/me', { expect: 200 });
  });

  await it('removes it; it logs nobody in, and can be registered again', async () => {
    await passkeyLogin(gw.client(), phone);
    await ann.delete(path, { expect: 204 });
    await ann.delete(path, { expect: [404, 'not-found'] });
    await passkeyLogin(gw.client(), phone, { expect: [401, 'second-factor-invalid'] });
    assert.deepEqual((await ann.get('/v1/passkeys', { expect: 200 })).json.passkeys, []);
    await addPasskey(ann, 'phone', phone);
    await passkeyLogin(gw.client(), phone);
    const { json } = await admin.get('/v1/audit', { query: { actor: 'ann' }, expect: 200 });
    const types = json.entries.map(({ type }) => type);
    assert.ok(types.includes('passkey.added') && types.includes('passkey.removed'));
  });
});
