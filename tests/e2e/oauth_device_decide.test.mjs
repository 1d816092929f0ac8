// SPDX-License-Identifier: Apache-2.0
// Letting devices in, or not: by a login, once, and noted.
import assert from 'node:assert/strict';
import { DEVICE } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_device_decide', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();
  const begin = async (form = {}) => (await anyone.post('/v1/oauth/device_authorization', { form: { client_id: 'secctl', ...form }, expect: 200 })).json;
  const decide = (user_code, approve, expect, more = {}) => ann.post('/v1/oauth/device', { json: { user_code, approve }, expect, ...more });

  await it('once, by whoever is first', async () => {
    const codes = await begin();
    await decide(codes.user_code, true, 204);
    await decide(codes.user_code, false, [404, 'not-found']);
    await admin.post('/v1/oauth/device', { json: { user_code: codes.user_code, approve: true }, expect: [404, 'not-found'] });
    const form = { grant_type: DEVICE, device_code: codes.device_code, client_id: 'secctl' };
    await anyone.post('/v1/oauth/token', { form, expect: 200 });
  });

  await it('two at once: one decides', async () => {
    const codes = await begin();
    const answers = await Promise.all([true, false, true, false].map((approve) => decide(codes.user_code, approve)));
    assert.equal(answers.filter(({ status }) => status === 204).length, 1);
  });

  await it('not with a token for scripts', async () => {
    const codes = await begin();
    const { token } = (await ann.post('/v1/tokens', { json: { name: 'ci', scopes: ['files:read'], expires_in: 3600 }, expect: 201 })).json;
    await decide(codes.user_code, true, [403, 'login-needed'], { token });
    await decide(codes.user_code, true, [401, 'unauthenticated'], { token: null });
  });

  await it('what was let in before a new password begins no session after it', async () => {
    const dan = await gw.user(admin, 'dan');
    const codes = await begin();
    await dan.post('/v1/oauth/device', { json: { user_code: codes.user_code, approve: true }, expect: 204 });
    const json = { old_password: dan.password, new_password: 'another long password' };
    await dan.patch('/v1/users/me', { json, expect: 200 });
    const form = { grant_type: DEVICE, device_code: codes.device_code, client_id: 'secctl' };
    await anyone.post('/v1/oauth/token', { form, expect: [400, 'invalid_grant'] });
  });

  await it('is noted with the address of the device', async () => {
    const far = gw.client({ localAddress: '127.0.0.5' });
    const codes = (await far.post('/v1/oauth/device_authorization', { form: { client_id: 'web' }, expect: 200 })).json;
    await decide(codes.user_code, false, 204);
    const { entries } = (await admin.get('/v1/audit', { query: { type: 'device.denied' }, expect: 200 })).json;
    const last = entries.at(-1);
    assert.deepEqual([last.actor, last.subject, last.details.device_address], ['ann', 'web', '127.0.0.5']);
  });

  await it('refuses what it does not understand', async () => {
    const bad = (json) => ann.post('/v1/oauth/device', { json, invalid: true, expect: [400, 'parameter-invalid'] });
    await bad({ user_code: 'BCDF-GHJK' });
    await bad({ approve: true });
    await bad({ user_code: 'BCDF-GHJK', approve: 'yes' });
    for (const code of ['x', 'AEIO-UAEI', 'BCDF-GHJKL', '----']) await decide(code, true, [404, 'not-found']);
  });
});
