// SPDX-License-Identifier: Apache-2.0
// What another service reads to trust this one (RFC 8414): every address in it is of this gateway, and answers.
import assert from 'node:assert/strict';
import { issuerOf } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_metadata', async ({ gw, it }) => {
  const admin = await gw.admin();
  const anyone = gw.client();
  const { json, headers } = await anyone.get('/.well-known/oauth-authorization-server', { expect: 200 });

  await it('names the issuer as tokens do', () => {
    assert.equal(json.issuer, issuerOf(admin.token));
    assert.match(headers['cache-control'], /max-age=/);
    assert.equal(headers['content-type'].split(';')[0], 'application/json');
  });

  await it('every endpoint is of the issuer, and is there', async () => {
    const endpoints = Object.entries(json).filter(([name]) => /_endpoint$|_uri$/.test(name));
    assert.deepEqual(
      endpoints.map(([name]) => name).sort(),
      ['device_authorization_endpoint', 'introspection_endpoint', 'jwks_uri', 'revocation_endpoint', 'token_endpoint']
    );
    for (const [name, uri] of endpoints) {
      assert.ok(uri.startsWith(`${json.issuer}/`), name);
      const path = uri.slice(json.issuer.length);
      if (name === 'jwks_uri') await anyone.get(path, { expect: 200 });
      else await anyone.post(path, { form: {}, invalid: true, expect: name.startsWith('introspection') || name.startsWith('device') ? 401 : 400 });
    }
  });

  await it('names what is supported, and no more', () => {
    assert.deepEqual(json.response_types_supported, []);
    assert.equal(json.authorization_endpoint, undefined);
    assert.deepEqual(json.grant_types_supported, [
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:ietf:params:oauth:grant-type:device_code',
    ]);
    assert.deepEqual(json.dpop_signing_alg_values_supported, ['ES256', 'EdDSA', 'RS256']);
    assert.ok(!json.introspection_endpoint_auth_methods_supported.includes('none'));
  });
});
