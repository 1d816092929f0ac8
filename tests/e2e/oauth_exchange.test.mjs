// SPDX-License-Identifier: Apache-2.0
// Token exchange (RFC 8693): narrower, for somebody else, on somebody's behalf; never wider, never longer.
import assert from 'node:assert/strict';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { enroll, showing } from './lib/certs.mjs';
import { ACCESS_TOKEN, basic, exchangeForm } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_exchange', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const anyone = gw.client();
  const audience = 'https://billing.example';
  await admin.post('/v1/oauth/audiences', { json: { audience, name: 'Billing', scopes: ['files:read', 'sign'] }, expect: 201 });
  const ask = (subject, form, expect, more = {}) => anyone.post('/v1/oauth/token', { form: exchangeForm(subject, form), expect, ...more });
  const get = async (subject, form, more) => (await ask(subject, form, 200, more)).json;
  const acting = (token) => ({ actor_token: token, actor_token_type: ACCESS_TOKEN });

  await it('gives a token with fewer scopes, of the same session', async () => {
    const json = await get(ann.token, { scope: 'files:read chat:read' });
    assert.deepEqual([json.token_type, json.issued_token_type, json.scope, json.refresh_token], ['Bearer', ACCESS_TOKEN, 'files:read chat:read', undefined]);
    const [before, after] = [decodeJwt(ann.token), decodeJwt(json.access_token)];
    assert.equal(decodeProtectedHeader(json.access_token).typ, 'at+jwt');
    assert.equal(after.sid, before.sid);
    assert.equal(after.aud, 'secgate');
    assert.ok(after.exp <= before.exp);
    const token = json.access_token;
    await anyone.get('/v1/files/~me/', { token, expect: 200 });
    await anyone.put('/v1/files/~me/x', { token, body: 'x', type: 'text/plain', expect: [403, 'forbidden'] });
    await anyone.get('/v1/sessions', { token, expect: [403, 'login-needed'] });
  });

  await it('never wider', async () => {
    const { access_token: narrow } = await get(ann.token, { scope: 'files:read' });
    for (const scope of ['files:write', 'files:read files:write', 'admin', 'root', 'files:read root']) {
      await ask(narrow, { scope }, [400, 'invalid_scope']);
    }
    await ask(ann.token, { scope: 'admin' }, [400, 'invalid_scope']);
    assert.equal((await get(narrow, {})).scope, 'files:read');
    await ask(narrow, { audience, scope: 'sign' }, [400, 'invalid_scope']);
    await ask(ann.token, { audience, scope: 'chat:read' }, [400, 'invalid_scope']);
    const { access_token: chat } = await get(ann.token, { scope: 'chat:read' });
    await ask(chat, { audience }, [400, 'invalid_scope']);
  });

  await it('a token that was exchanged changes nothing about who may log in', async () => {
    const { access_token: token } = await get(ann.token, {});
    await anyone.get('/v1/users/me', { token, expect: 200 });
    const json = { name: 'ci', scopes: ['files:read'], expires_in: 3600 };
    await anyone.post('/v1/tokens', { token, json, expect: [403, 'login-needed'] });
    await anyone.get('/v1/tokens', { token, expect: [403, 'login-needed'] });
  });

  await it('never longer: not by one second, however often', async () => {
    let { token } = ann;
    const { exp } = decodeJwt(token);
    for (let i = 0; i < 5; i += 1) {
      const { access_token: next, expires_in } = await get(token, { scope: 'files:read' });
      const claims = decodeJwt(next);
      assert.ok(claims.exp <= decodeJwt(token).exp && claims.exp <= exp, `${claims.exp} ${exp}`);
      assert.equal(claims.exp - claims.iat, expires_in);
      token = next;
    }
    await ask(token, {}, [400, 'invalid_request']); // five in a row are enough
  });

  await it('for another service, which this gateway then refuses itself', async () => {
    const json = await get(ann.token, { audience });
    const claims = decodeJwt(json.access_token);
    assert.equal(claims.aud, audience);
    assert.equal(json.scope, 'files:read sign');
    await anyone.get('/v1/users/me', { token: json.access_token, expect: [401, 'token-invalid'] });
    assert.equal(decodeJwt((await get(ann.token, { resource: audience })).access_token).aud, audience);
    await ask(ann.token, { audience: 'https://nobody.example' }, [400, 'invalid_target']);
    await ask(ann.token, { audience, resource: 'https://other.example' }, [400, 'invalid_target']);
  });

  await it("a service's token does not lead back, and is nobody else's to exchange", async () => {
    await ask(ann.token, { audience: 'reports' }, [400, 'invalid_target']);
    await admin.post('/v1/oauth/audiences', { json: { audience: 'reports', name: 'Reports', scopes: ['files:read'] }, expect: 201 });
    const { secret } = (await admin.post('/v1/oauth/clients', { json: { id: 'reports', name: 'Reports' }, expect: 201 })).json;
    const other = (await admin.post('/v1/oauth/clients', { json: { id: 'other', name: 'Other' }, expect: 201 })).json;
    const headers = { authorization: basic('reports', secret) };
    const { access_token: theirs } = await get(ann.token, { audience: 'reports' });
    await ask(theirs, { audience: 'secgate' }, [400, 'invalid_request']);
    await ask(theirs, { audience }, [400, 'invalid_request']);
    await ask(theirs, { audience }, [400, 'invalid_request'], { headers: { authorization: basic('other', other.secret) } });
    await ask(theirs, { audience: 'secgate' }, [400, 'invalid_target'], { headers });
    const onward = await get(theirs, { audience, ...acting(bob.token) }, { headers });
    const claims = decodeJwt(onward.access_token);
    assert.deepEqual([claims.aud, claims.sub, claims.act.sub, claims.client_id, claims.scope], [audience, 'ann', 'bob', 'reports', 'files:read']);
  });

  await it('says who acts for whom, and for whom before', async () => {
    const cid = await gw.user(admin, 'cid');
    const first = await get(ann.token, { ...acting(bob.token), scope: 'files:read' });
    assert.deepEqual(decodeJwt(first.access_token).act, { sub: 'bob' });
    const second = await get(first.access_token, acting(cid.token));
    assert.deepEqual(decodeJwt(second.access_token).act, { sub: 'cid', act: { sub: 'bob' } });
    const kept = await get(second.access_token, {});
    assert.deepEqual(decodeJwt(kept.access_token).act, { sub: 'cid', act: { sub: 'bob' } });
    assert.equal((await anyone.get('/v1/users/me', { token: kept.access_token, expect: 200 })).json.username, 'ann');
    const third = await get(kept.access_token, acting(bob.token));
    const fourth = await get(third.access_token, acting(bob.token));
    await ask(fourth.access_token, acting(bob.token), [400, 'invalid_request']);
  });

  await it('no longer than the token of who acts', async () => {
    const brief = (await bob.post('/v1/tokens', { json: { name: 'brief', scopes: ['files:read'], expires_in: 60 }, expect: 201 })).json;
    const json = await get(ann.token, acting(brief.token));
    assert.ok(json.expires_in < 60);
  });

  await it('ends with the session, and with the right to it', async () => {
    const client = await gw.login('ann', ann.password);
    const { access_token: token } = await get(client.token, { scope: 'files:read' });
    await anyone.get('/v1/users/me', { token, expect: 200 });
    await client.delete('/v1/sessions/current', { expect: 204 });
    await anyone.get('/v1/users/me', { token, expect: [401, 'session-ended'] });
    await ask(client.token, {}, [400, 'invalid_request']);
  });

  await it("an admin's narrow token does not say that it is an admin's", async () => {
    const { access_token: token } = await get(admin.token, { scope: 'files:read' });
    assert.equal(decodeJwt(token).role, 'member');
    await anyone.get('/v1/users', { token, expect: [403, 'forbidden'] });
    const { access_token: wide } = await get(admin.token, { scope: 'admin' });
    await anyone.get('/v1/users', { token: wide, expect: 200 });
    await admin.post('/v1/oauth/clients', { json: { name: 'x' }, expect: 201 });
  });

  await it('of a token for scripts, limits and all', async () => {
    const json = { name: 'limited', scopes: ['files:read', 'files:write'], spaces: ['~me'], expires_in: 3600 };
    const { token } = (await ann.post('/v1/tokens', { json, expect: 201 })).json;
    const { access_token: narrow } = await get(token, { scope: 'files:read' });
    await anyone.get('/v1/files/~me/', { token: narrow, expect: 200 });
    await anyone.get('/v1/files/common/', { token: narrow, expect: [404, 'not-found'] });
    await ask(token, { audience }, [400, 'invalid_target']);
    await ask(narrow, { audience }, [400, 'invalid_target']);
  });

  await it('keeps the certificate that a token is bound to, and needs it', async () => {
    const own = gw.client(showing(await enroll(ann)));
    const { token } = (await own.post('/v1/sessions', { json: { method: 'certificate' }, expect: 201 })).json;
    const form = exchangeForm(token, { scope: 'files:read' });
    await anyone.post('/v1/oauth/token', { form, expect: [400, 'invalid_request'] });
    const narrow = (await own.post('/v1/oauth/token', { form, expect: 200 })).json.access_token;
    assert.deepEqual(decodeJwt(narrow).cnf, decodeJwt(token).cnf);
    assert.ok(decodeJwt(narrow).cnf['x5t#S256']);
    await anyone.get('/v1/users/me', { token: narrow, expect: [401, 'token-mismatch'] });
    await own.get('/v1/users/me', { token: narrow, expect: 200 });
  });

  await it('not from another address than the session is bound to, which then ends', async () => {
    const json = { username: 'ann', password: ann.password, channel: { bind: ['address'] } };
    const { token } = (await anyone.post('/v1/sessions', { json, expect: 201 })).json;
    await ask(token, { scope: 'files:read' }, 200);
    await ask(token, { audience }, [400, 'invalid_target']); // another service would not know
    const far = gw.client({ localAddress: '127.0.0.6' });
    await far.post('/v1/oauth/token', { form: exchangeForm(token), expect: [400, 'invalid_request'] });
    await ask(token, { scope: 'files:read' }, [400, 'invalid_request']);
    await anyone.get('/v1/users/me', { token, expect: [401, 'session-ended'] });
  });

  await it('takes no other tokens', async () => {
    const bad = (form, code = 'invalid_request') => anyone.post('/v1/oauth/token', { form: exchangeForm(ann.token, form), invalid: true, expect: [400, code] });
    for (const token of ['x', `${ann.token}x`, ann.session.refresh_token, '']) await bad({ subject_token: token });
    await bad({ subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' });
    await bad({ subject_token_type: '' });
    await bad({ actor_token: bob.token });
    await bad({ actor_token_type: ACCESS_TOKEN });
    await bad({ actor_token: 'x', actor_token_type: ACCESS_TOKEN });
    await bad({ requested_token_type: 'urn:ietf:params:oauth:token-type:saml2' });
  });

  await it('is noted', async () => {
    await get(ann.token, { audience, ...acting(bob.token) });
    const { entries } = (await admin.get('/v1/audit', { query: { type: 'token.exchanged', actor: 'ann', limit: 1000 }, expect: 200 })).json;
    const last = entries.at(-1);
    assert.equal(last.subject, audience);
    assert.deepEqual([last.details.acting, last.details.scope], ['bob', 'files:read sign']);
  });
});
