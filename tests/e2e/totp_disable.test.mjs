// SPDX-License-Identifier: Apache-2.0
// Turning the second factor off takes the password and a code.
import assert from 'node:assert/strict';
import { enableTotp, oathtool } from './lib/authenticator.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('totp_disable', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const disable = (client, password, code, expect) =>
    client.post('/v1/users/me/totp/disable', { json: { password, code }, expect });

  await it('is refused when there is none', () => disable(ann, ann.password, '123456', [409, 'conflict']));

  await it('needs the password and a code that was not used', async () => {
    const { secret, code: used } = await enableTotp(ann);
    const code = oathtool(secret, 30);
    await disable(ann, 'a wrong password', code, [401, 'credentials-invalid']);
    await disable(ann, ann.password, used, [401, 'second-factor-invalid']);
    assert.equal((await ann.get('/v1/users/me/totp', { expect: 200 })).json.enabled, true);
    await disable(ann, ann.password, code, 204);
    assert.deepEqual((await ann.get('/v1/users/me/totp', { expect: 200 })).json, { enabled: false, recovery_codes: 0 });
    await gw.login('ann', ann.password);
  });

  await it('takes a recovery code', async () => {
    const bob = await gw.user(admin, 'bob');
    const { recovery_codes } = await enableTotp(bob);
    await disable(bob, bob.password, recovery_codes[9], 204);
    const again = await enableTotp(bob);
    await disable(bob, bob.password, recovery_codes[8], [401, 'second-factor-invalid']); // of the former secret
    assert.equal(again.recovery_codes.length, 10);
    const { json } = await admin.get('/v1/audit', { query: { actor: 'bob', type: 'recovery.used' }, expect: 200 });
    assert.deepEqual(json.entries.map(({ result, session_id: id }) => [result, typeof id]), [['ok', 'string']]);
  });

  await it('needs a token', () =>
    needsToken(gw.client(), 'POST', '/v1/users/me/totp/disable', { json: { password: 'p', code: 'c' } }));

  await it('needs strict JSON', () =>
    needsJson(admin, 'POST', '/v1/users/me/totp/disable', { password: admin.password, code: '123456' }));
});
