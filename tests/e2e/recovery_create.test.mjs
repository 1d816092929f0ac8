// SPDX-License-Identifier: Apache-2.0
// New recovery codes make the old ones void.
import assert from 'node:assert/strict';
import { enableTotp, oathtool } from './lib/authenticator.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('recovery_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const create = (client, password, code, expect) =>
    client.post('/v1/users/me/totp/recovery', { json: { password, code }, expect });

  await it('is refused without a second factor', () => create(ann, ann.password, '123456', [409, 'conflict']));

  await it('needs password and code, gives ten new ones', async () => {
    const old = await enableTotp(ann);
    await create(ann, 'a wrong password', oathtool(old.secret, 30), [401, 'credentials-invalid']);
    await create(ann, ann.password, '000000', [401, 'second-factor-invalid']);
    const { json } = await create(ann, ann.password, oathtool(old.secret, 30), 200);
    assert.equal(new Set([...json.recovery_codes, ...old.recovery_codes]).size, 20);
    const login = (code, expect) =>
      gw.client().post('/v1/sessions', { json: { username: 'ann', password: ann.password, code }, expect });
    await login(old.recovery_codes[0], [401, 'second-factor-invalid']);
    await login(json.recovery_codes[0], 201);
  });

  await it('needs a token', () =>
    needsToken(gw.client(), 'POST', '/v1/users/me/totp/recovery', { json: { password: 'p', code: 'c' } }));

  await it('needs strict JSON', () =>
    needsJson(admin, 'POST', '/v1/users/me/totp/recovery', { password: admin.password, code: '123456' }));
});
