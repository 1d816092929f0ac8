// SPDX-License-Identifier: Apache-2.0
// Whether a code is asked for.
import assert from 'node:assert/strict';
import { enableTotp } from './lib/authenticator.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('totp_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const get = async (client) => (await client.get('/v1/users/me/totp', { expect: 200 })).json;

  await it('says off, then on with the number of recovery codes left', async () => {
    assert.deepEqual(await get(ann), { enabled: false, recovery_codes: 0 });
    const { recovery_codes } = await enableTotp(ann);
    const on = await get(ann);
    assert.equal(on.enabled, true);
    assert.equal(on.recovery_codes, 10);
    assert.ok(Math.abs(Date.parse(on.created_at) - Date.now()) < 60e3);
    const json = { username: 'ann', password: ann.password, code: recovery_codes[0] };
    await gw.client().post('/v1/sessions', { json, expect: 201 });
    assert.equal((await get(ann)).recovery_codes, 9);
    assert.deepEqual(await get(admin), { enabled: false, recovery_codes: 0 });
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/users/me/totp'));

  await it('survives a restart', async () => {
    await gw.restart();
    assert.equal((await get(gw.client({ token: ann.token }))).enabled, true);
  });
});
