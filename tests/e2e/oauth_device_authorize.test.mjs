// SPDX-License-Identifier: Apache-2.0
// A device without a browser asks to be let in (RFC 8628), and asks again until somebody has decided.
import assert from 'node:assert/strict';
import { decodeJwt } from 'jose';
import { basic, DEVICE, issuerOf, learnNonce, Prover } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_device_authorize', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();
  const begin = async (form = {}, more = {}) => (await anyone.post('/v1/oauth/device_authorization', { form: { client_id: 'secctl', ...form }, expect: 200, ...more })).json;
  const poll = (device_code, expect, { form = {}, headers } = {}) =>
    anyone.post('/v1/oauth/token', { form: { grant_type: DEVICE, device_code, client_id: 'secctl', ...form }, headers, expect });
  const decide = (who, user_code, approve, expect = 204) => who.post('/v1/oauth/device', { json: { user_code, approve }, expect });

  await it('gives the codes and says where to type them', async () => {
    const codes = await begin();
    const issuer = issuerOf(ann.token);
    assert.equal(codes.verification_uri, `${issuer}/#device`);
    assert.equal(codes.verification_uri_complete, `${issuer}/#device?code=${codes.user_code}`);
    assert.deepEqual([codes.expires_in, codes.interval], [600, 5]);
    assert.match(codes.device_code, /^sgd_[A-Za-z0-9_-]{43}$/);
  });

  await it('gives a session of its own once it was let in, and once only', async () => {
    const codes = await begin();
    await poll(codes.device_code, [400, 'authorization_pending']);
    await poll(codes.device_code, [400, 'slow_down']);
    await decide(ann, codes.user_code, true);
    const { json } = await poll(codes.device_code, 200);
    const claims = decodeJwt(json.access_token);
    assert.equal(claims.sub, 'ann');
    assert.equal(claims.client_id, 'secctl');
    assert.notEqual(claims.sid, ann.session.session_id);
    assert.equal(json.token_type, 'Bearer');
    const { sessions } = (await ann.get('/v1/sessions', { expect: 200 })).json;
    assert.ok(sessions.some(({ session_id: id }) => id === claims.sid));
    await poll(codes.device_code, [400, 'invalid_grant']);
    await anyone.get('/v1/users/me', { token: json.access_token, expect: 200 });
    const again = { grant_type: 'refresh_token', refresh_token: json.refresh_token };
    await anyone.post('/v1/oauth/token', { form: { ...again, client_id: 'web' }, expect: [400, 'invalid_grant'] });
    await anyone.post('/v1/oauth/token', { form: { ...again, client_id: 'secctl' }, expect: 200 });
  });

  await it('says when it was not let in', async () => {
    const codes = await begin();
    await decide(ann, codes.user_code, false);
    await poll(codes.device_code, [400, 'access_denied']);
    await poll(codes.device_code, [400, 'invalid_grant']);
  });

  await it('gives the scopes that were asked for, and no more', async () => {
    const codes = await begin({ scope: 'files:read admin' });
    await decide(ann, codes.user_code, true);
    const { json } = await poll(codes.device_code, 200);
    assert.equal(json.scope, 'files:read');
    const form = { grant_type: 'refresh_token', refresh_token: json.refresh_token, client_id: 'secctl' };
    assert.equal((await anyone.post('/v1/oauth/token', { form, expect: 200 })).json.scope, 'files:read');
    await anyone.post('/v1/spaces', { json: { name: 'x' }, token: json.access_token, expect: [403, 'forbidden'] });
  });

  await it('twenty at once with an approved code get one session', async () => {
    const codes = await begin();
    await decide(ann, codes.user_code, true);
    const answers = await Promise.all(Array.from({ length: 20 }, () => poll(codes.device_code)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    for (const { status, code } of answers) if (status !== 200) assert.deepEqual([status, code], [400, 'invalid_grant']);
  });

  await it('binds the session to the key of a proof', async () => {
    const codes = await begin();
    await decide(ann, codes.user_code, true);
    const prover = new Prover();
    await learnNonce(anyone, issuerOf(ann.token));
    const uri = `${issuerOf(ann.token)}/v1/oauth/token`;
    const { json } = await poll(codes.device_code, 200, { headers: { dpop: prover.proof('POST', uri) } });
    assert.equal(json.token_type, 'DPoP');
    assert.equal(decodeJwt(json.access_token).cnf.jkt, prover.thumbprint);
    const form = { grant_type: 'refresh_token', refresh_token: json.refresh_token, client_id: 'secctl' };
    await anyone.post('/v1/oauth/token', { form, expect: [400, 'invalid_grant'] });
    const other = { dpop: new Prover().proof('POST', uri) };
    await anyone.post('/v1/oauth/token', { form, headers: other, expect: [400, 'invalid_grant'] });
    await anyone.post('/v1/oauth/token', { form, headers: { dpop: prover.proof('POST', uri) }, expect: 200 });
  });

  await it('a code belongs to its client', async () => {
    const { id, secret } = (await admin.post('/v1/oauth/clients', { json: { id: 'tv', name: 'TV' }, expect: 201 })).json;
    const headers = { authorization: basic(id, secret) };
    const codes = (await anyone.post('/v1/oauth/device_authorization', { form: { client_id: 'tv' }, headers, expect: 200 })).json;
    await decide(ann, codes.user_code, true);
    await poll(codes.device_code, [400, 'invalid_grant']);
    await poll(codes.device_code, [401, 'invalid_client'], { form: { client_id: 'tv' } });
    await poll(codes.device_code, 200, { form: { client_id: 'tv' }, headers });
  });

  await it('nobody who was disabled since gets in', async () => {
    const cid = await gw.user(admin, 'cid');
    const codes = await begin();
    await decide(cid, codes.user_code, true);
    await admin.patch('/v1/users/cid', { json: { disabled: true }, expect: 200 });
    await poll(codes.device_code, [400, 'invalid_grant']);
  });

  await it('refuses unknown clients, grants and scopes', async () => {
    const bad = (form, expect, headers) => anyone.post('/v1/oauth/device_authorization', { form, headers, expect, invalid: true });
    await bad({}, [401, 'invalid_client']);
    await bad({ client_id: 'nobody' }, [401, 'invalid_client']);
    await bad({ client_id: 'secctl', client_secret: 'x' }, [401, 'invalid_client']);
    await bad({ client_id: 'secctl', scope: 'everything' }, [400, 'invalid_scope']);
    const only = (await admin.post('/v1/oauth/clients', { json: { name: 'Only', confidential: false, grants: ['refresh_token'] }, expect: 201 })).json;
    await bad({ client_id: only.id }, [400, 'unauthorized_client']);
    await anyone.post('/v1/oauth/token', { form: { grant_type: DEVICE, client_id: 'secctl' }, expect: [400, 'invalid_request'] });
    await anyone.post('/v1/oauth/token', { form: { grant_type: DEVICE, device_code: 'x' }, expect: [401, 'invalid_client'] });
    await poll('x', [400, 'invalid_grant']);
  });

  await it('so many may wait from one address, and not more', async () => {
    const far = gw.client({ localAddress: '127.0.0.9' });
    const ask = () => far.post('/v1/oauth/device_authorization', { form: { client_id: 'secctl' } });
    const answers = [];
    for (let i = 0; i < 51; i += 1) answers.push((await ask()).status);
    assert.deepEqual(answers, [...Array.from({ length: 50 }, () => 200), 429]);
    assert.ok(Number((await ask()).headers['retry-after']) > 0);
    await begin();
  });
});
