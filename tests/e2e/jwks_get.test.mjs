// SPDX-License-Identifier: Apache-2.0
// Public keys, and tokens verified with them by a library that nobody here wrote.
import assert from 'node:assert/strict';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { suite } from './lib/suite.mjs';

suite('jwks_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const anyone = gw.client();

  await it('holds public RSA keys only', async () => {
    const { json, headers } = await anyone.get('/.well-known/jwks.json', { expect: 200 });
    for (const key of json.keys) {
      assert.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
      assert.ok(Buffer.from(key.n, 'base64url').length >= 256);
    }
    assert.equal(new Set(json.keys.map((key) => key.kid)).size, json.keys.length);
    assert.match(headers['cache-control'], /max-age=[0-9]+|no-store|no-cache/);
  });

  await it('jose verifies tokens of login and refresh', async () => {
    const jwks = createLocalJWKSet((await anyone.get('/.well-known/jwks.json', { expect: 200 })).json);
    const refreshed = await gw.login(admin.username, admin.password);
    await refreshed.refresh();
    for (const token of [admin.token, refreshed.token]) {
      const { payload, protectedHeader } = await jwtVerify(token, jwks, { audience: 'secgate', algorithms: ['RS256'] });
      assert.ok(protectedHeader.kid);
      assert.equal(payload.sub, 'root-admin');
      assert.equal(payload.role, 'admin');
      assert.equal(payload.exp - payload.iat, 600);
      assert.match(payload.sid, /^[0-9a-f]{32}$/);
      assert.ok(payload.scope.split(' ').includes('admin'));
      for (const claim of ['iss', 'jti']) assert.equal(typeof payload[claim], 'string');
    }
  });

  await it('keys stay the same over a restart', async () => {
    const before = (await anyone.get('/.well-known/jwks.json', { expect: 200 })).json;
    await gw.restart();
    const after = (await gw.client().get('/.well-known/jwks.json', { expect: 200 })).json;
    assert.deepEqual(after, before);
    assert.ok(after.keys.some((key) => key.kid === decodeProtectedHeader(admin.token).kid));
    await gw.client().get('/v1/users/me', { token: admin.token, expect: 200 });
  });
});
