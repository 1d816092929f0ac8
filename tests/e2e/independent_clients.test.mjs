// SPDX-License-Identifier: Apache-2.0
// Clients and services made by others (oauth4webapi, openid-client, jose) that are told one address, and find and
// check all else themselves.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Agent, fetch as undiciFetch } from 'undici';
import { ACCESS_TOKEN, issuerOf } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const audience = 'https://billing.example';

suite('independent_clients', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  await admin.post('/v1/oauth/audiences', { json: { audience, name: 'Billing', scopes: ['files:read'] }, expect: 201 });
  const { id, secret } = (await admin.post('/v1/oauth/clients', { json: { id: 'billing', name: 'Billing' }, expect: 201 })).json;

  // All that a service is told: this address, and the CA that its computer trusts.
  const issuer = new URL(issuerOf(ann.token));
  const dispatcher = new Agent({ connect: { ca: gw.ca } });
  const fetch = (url, options) => undiciFetch(url, { ...options, dispatcher });
  const trust = { [oauth.customFetch]: fetch };
  const discover = async () => oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...trust }));
  const as = await discover();
  const client = { client_id: id };
  const auth = oauth.ClientSecretBasic(secret);
  const exchange = async (subject, more = {}, options = {}) => {
    const form = new URLSearchParams({ subject_token: subject, subject_token_type: ACCESS_TOKEN, ...more });
    const answer = await oauth.genericTokenEndpointRequest(as, client, auth, EXCHANGE, form, { ...trust, ...options });
    return oauth.processGenericTokenEndpointResponse(as, client, answer);
  };
  const request = (token, headers = {}) => new Request(`${audience}/invoices`, { headers: { authorization: `Bearer ${token}`, ...headers } });

  await it('oauth4webapi: a service takes a token that was made for it, and no other', async () => {
    const { access_token: token, scope } = await exchange(ann.token, { audience });
    assert.equal(scope, 'files:read');
    const claims = await oauth.validateJwtAccessToken(as, request(token), audience, trust);
    assert.deepEqual([claims.sub, claims.aud, claims.iss, claims.scope, claims.client_id], ['ann', audience, as.issuer, 'files:read', 'billing']);
    await assert.rejects(oauth.validateJwtAccessToken(as, request(ann.token), audience, trust), /aud/);
    await assert.rejects(oauth.validateJwtAccessToken(as, request(token), 'https://other.example', trust), /aud/);
    const [head, body, signature] = token.split('.');
    const forged = `${head}.${Buffer.from(JSON.stringify({ ...claims, sub: 'bob' })).toString('base64url')}.${signature}`;
    await assert.rejects(oauth.validateJwtAccessToken(as, request(forged), audience, trust));
    assert.ok(body);
  });

  await it('oauth4webapi: tokens of a login are RFC 9068 access tokens', async () => {
    const claims = await oauth.validateJwtAccessToken(as, request(ann.token), 'secgate', trust);
    assert.equal(claims.sub, 'ann');
  });

  await it('oauth4webapi: who acts, introspection, revocation', async () => {
    const { access_token: token } = await exchange(ann.token, { audience, actor_token: bob.token, actor_token_type: ACCESS_TOKEN });
    const ask = async () => oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, trust));
    const found = await ask();
    assert.deepEqual([found.active, found.sub, found.act], [true, 'ann', { sub: 'bob' }]);
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, trust));
    assert.deepEqual(await ask(), { active: false });
  });

  await it('oauth4webapi: refresh as a public client, and errors by name', async () => {
    const login = await gw.login('ann', ann.password);
    const self = { client_id: 'secctl' };
    const answer = await oauth.refreshTokenGrantRequest(as, self, oauth.None(), login.session.refresh_token, trust);
    const tokens = await oauth.processRefreshTokenResponse(as, self, answer);
    assert.equal((await oauth.validateJwtAccessToken(as, request(tokens.access_token), 'secgate', trust)).sub, 'ann');
    const refused = await oauth.refreshTokenGrantRequest(as, self, oauth.None(), 'nonsense', trust);
    await assert.rejects(oauth.processRefreshTokenResponse(as, self, refused), (e) => e.error === 'invalid_grant' && e.status === 400);
    const wrong = await oauth.genericTokenEndpointRequest(as, client, oauth.ClientSecretPost('wrong'), EXCHANGE, new URLSearchParams(), trust);
    await assert.rejects(oauth.processGenericTokenEndpointResponse(as, client, wrong), (e) => e instanceof oauth.WWWAuthenticateChallengeError || e.error === 'invalid_client');
    await assert.rejects(exchange(ann.token, { audience, scope: 'admin' }), (e) => e.error === 'invalid_scope');
    await assert.rejects(exchange(ann.token, { audience: 'https://nobody.example' }), (e) => e.error === 'invalid_target');
  });

  await it('oauth4webapi: DPoP, from the token to the service', async () => {
    const pair = await oauth.generateKeyPair('ES256', { extractable: true });
    const DPoP = oauth.DPoP(client, pair);
    // The gateway has just started, so it asks for a nonce, which the library keeps.
    let asked = 0;
    const again = (act) =>
      act().catch((error) => {
        assert.ok(oauth.isDPoPNonceError(error), error);
        asked += 1;
        return act();
      });
    const { access_token: token, token_type } = await again(() => exchange(ann.token, { audience }, { DPoP }));
    assert.equal(asked, 1);
    assert.equal(token_type, 'dpop');
    // As the service that it is for ...
    let seen;
    const server = createServer((incoming, answer) => {
      seen = new Request(`http://127.0.0.1:${server.address().port}${incoming.url}`, { method: incoming.method, headers: incoming.headers });
      answer.end('{}');
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const at = new URL(`http://127.0.0.1:${server.address().port}/invoices`);
    await oauth.protectedResourceRequest(token, 'GET', at, new Headers(), null, { DPoP, [oauth.allowInsecureRequests]: true });
    server.close();
    const claims = await oauth.validateJwtAccessToken(as, seen, audience, trust);
    assert.ok(claims.cnf.jkt);
    seen.headers.delete('dpop');
    await assert.rejects(oauth.validateJwtAccessToken(as, seen, audience, trust));
    // ... and at the gateway itself.
    const { access_token: own } = await exchange(ann.token, { scope: 'files:read' }, { DPoP });
    const me = new URL(`${as.issuer}/v1/users/me`);
    const answer = await oauth.protectedResourceRequest(own, 'GET', me, new Headers(), null, { DPoP, ...trust });
    assert.equal((await answer.json()).username, 'ann');
    // One that knows no nonce yet is told by the gateway as a resource, too.
    const { access_token: theirs } = await exchange(ann.token, { scope: 'files:read' }, { DPoP });
    const fresh = oauth.DPoP(client, pair);
    const look = () => oauth.protectedResourceRequest(theirs, 'GET', me, new Headers(), null, { DPoP: fresh, ...trust });
    assert.equal((await (await again(look)).json()).username, 'ann');
    assert.equal(asked, 2);
    assert.equal((await fetch(me, { headers: { authorization: `Bearer ${own}` } })).status, 401);
  });

  await it('oauth4webapi: a device is let in', async () => {
    const self = { client_id: 'secctl' };
    const begun = await oauth.deviceAuthorizationRequest(as, self, oauth.None(), { scope: 'files:read' }, trust);
    const codes = await oauth.processDeviceAuthorizationResponse(as, self, begun);
    const poll = async () => oauth.processDeviceCodeResponse(as, self, await oauth.deviceCodeGrantRequest(as, self, oauth.None(), codes.device_code, trust));
    await assert.rejects(poll(), (e) => e.error === 'authorization_pending');
    await ann.post('/v1/oauth/device', { json: { user_code: codes.user_code, approve: true }, expect: 204 });
    const tokens = await poll();
    assert.equal(tokens.scope, 'files:read');
    assert.ok(tokens.refresh_token);
  });

  await it('openid-client: discovery, exchange, introspection, refresh, revocation', async () => {
    const options = { algorithm: 'oauth2', [openid.customFetch]: fetch };
    const config = await openid.discovery(issuer, id, undefined, openid.ClientSecretPost(secret), options);
    assert.equal(config.serverMetadata().issuer, as.issuer);
    const tokens = await openid.genericGrantRequest(config, EXCHANGE, { subject_token: ann.token, subject_token_type: ACCESS_TOKEN, audience });
    assert.equal((await openid.tokenIntrospection(config, tokens.access_token)).aud, audience);
    await openid.tokenRevocation(config, tokens.access_token);
    assert.equal((await openid.tokenIntrospection(config, tokens.access_token)).active, false);
    const self = await openid.discovery(issuer, 'secctl', undefined, openid.None(), options);
    const login = await gw.login('ann', ann.password);
    assert.ok((await openid.refreshTokenGrant(self, login.session.refresh_token)).access_token);
  });

  await it('openid-client: a device polls until it is let in', async () => {
    const options = { algorithm: 'oauth2', [openid.customFetch]: fetch };
    const config = await openid.discovery(issuer, 'secctl', undefined, openid.None(), options);
    const codes = await openid.initiateDeviceAuthorization(config, { scope: 'files:read' });
    await ann.post('/v1/oauth/device', { json: { user_code: codes.user_code, approve: true }, expect: 204 });
    const tokens = await openid.pollDeviceAuthorizationGrant(config, { ...codes, interval: 1 });
    assert.equal(tokens.scope, 'files:read');
  });

  await it('jose: a service with the metadata alone', async () => {
    const metadata = await (await fetch(`${issuer.origin}/.well-known/oauth-authorization-server`)).json();
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), { agent: new HttpsAgent({ ca: gw.ca }) });
    const verify = (token, options) => jwtVerify(token, keys, { issuer: metadata.issuer, typ: 'at+jwt', algorithms: ['RS256'], ...options });
    const { access_token: token } = await exchange(ann.token, { audience });
    const { payload } = await verify(token, { audience });
    assert.deepEqual([payload.sub, payload.scope], ['ann', 'files:read']);
    await assert.rejects(verify(ann.token, { audience }), /aud/);
    await assert.rejects(verify(`${token.slice(0, -6)}AAAAAA`, { audience }));
  });

  await dispatcher.close();
});
