// SPDX-License-Identifier: Apache-2.0
// A secret for an authenticator: who gets one, what it looks like, that it changes nothing before it is confirmed.
import assert from 'node:assert/strict';
import jsQR from 'jsqr';
import { enableTotp, oathtool } from './lib/authenticator.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

// What a camera sees: four pixels a module, a white margin of four modules.
function photograph(rows) {
  const side = (rows.length + 8) * 4;
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (rows[(y >> 2) - 4]?.[(x >> 2) - 4] === '1') pixels.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
    }
  }
  return jsQR.default ? jsQR.default(pixels, side, side) : jsQR(pixels, side, side);
}

suite('totp_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const create = (client, password, options) => client.post('/v1/users/me/totp', { json: { password }, ...options });

  await it('gives the same secret as text, as URI and as QR symbol', async () => {
    const { json, headers } = await create(ann, ann.password, { expect: 201 });
    assert.match(headers['cache-control'], /no-store/);
    const uri = new URL(json.uri);
    assert.equal(uri.searchParams.get('secret'), json.secret);
    assert.equal(uri.searchParams.get('digits'), '6');
    assert.equal(uri.searchParams.get('period'), '30');
    assert.ok(decodeURIComponent(uri.pathname).endsWith(':ann'), `${json.uri} names the user`);
    assert.ok(json.qr.every((row) => row.length === json.qr.length));
    assert.equal(photograph(json.qr).data, json.uri);
  });

  await it('a secret that is not confirmed asks nobody for a code', async () => {
    await create(ann, ann.password, { expect: 201 });
    await gw.login('ann', ann.password);
    assert.equal((await ann.get('/v1/users/me/totp', { expect: 200 })).json.enabled, false);
  });

  await it('only the last secret counts', async () => {
    const first = (await create(ann, ann.password, { expect: 201 })).json.secret;
    const second = (await create(ann, ann.password, { expect: 201 })).json.secret;
    assert.notEqual(first, second);
    const confirm = (code, expect) => ann.post('/v1/users/me/totp/confirm', { json: { code }, expect });
    await confirm(oathtool(first), [401, 'second-factor-invalid']);
    await confirm(oathtool(second), 200);
  });

  await it('is refused while one is on', async () => {
    const bob = await gw.user(admin, 'bob');
    await enableTotp(bob);
    await create(bob, bob.password, { expect: [409, 'conflict'] });
  });

  await it('needs the right password', () => create(admin, 'another password', { expect: [401, 'credentials-invalid'] }));

  await it('a token for scripts can change nothing here', async () => {
    const json = { name: 'all', scopes: ['files:read', 'files:write', 'chat:read', 'chat:write', 'admin'], expires_in: 3600 };
    const { token } = (await admin.post('/v1/tokens', { json, expect: 201 })).json;
    const script = gw.client({ token });
    const password = admin.password;
    const bodies = {
      'POST /v1/users/me/totp': { password },
      'POST /v1/users/me/totp/confirm': { code: '123456' },
      'POST /v1/users/me/totp/disable': { password, code: '123456' },
      'POST /v1/users/me/totp/recovery': { password, code: '123456' },
      'POST /v1/passkeys/options': { password },
      'POST /v1/passkeys': { name: 'x', id: 'AAAA', client_data: 'AAAA', attestation: 'AAAA' },
      'GET /v1/users/me/totp': undefined,
      'GET /v1/passkeys': undefined,
      'DELETE /v1/passkeys/AAAA': undefined,
    };
    for (const [where, body] of Object.entries(bodies)) {
      await script.request(...where.split(' '), { json: body, expect: [403, 'login-needed'] });
    }
    await script.get('/v1/users/me', { expect: 200 });
  });

  await it('needs a token', () =>
    needsToken(gw.client(), 'POST', '/v1/users/me/totp', { json: { password: 'correct horse battery' } }));

  await it('needs strict JSON', () => needsJson(admin, 'POST', '/v1/users/me/totp', { password: 'the first password' }));
});
