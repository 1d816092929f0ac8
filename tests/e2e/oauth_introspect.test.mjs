// SPDX-License-Identifier: Apache-2.0
// What a token is worth now (RFC 7662): for clients with a secret and for admins, of every kind of token.
import assert from 'node:assert/strict';
import { decodeJwt } from 'jose';
import { openChannel } from './lib/channel.mjs';
import { basic, exchangeForm } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_introspect', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const anyone = gw.client();
  const audience = 'https://billing.example';
  const client = (await admin.post('/v1/oauth/clients', { json: { id: 'billing', name: 'Billing' }, expect: 201 })).json;
  const reports = (await admin.post('/v1/oauth/clients', { json: { id: 'reports', name: 'Reports' }, expect: 201 })).json;
  await admin.post('/v1/oauth/audiences', { json: { audience, name: 'Billing', scopes: ['files:read'], client: 'billing' }, expect: 201 });
  await admin.post('/v1/oauth/audiences', { json: { audience: 'reports', name: 'Reports', scopes: ['files:read'] }, expect: 201 });
  const headers = { authorization: basic(client.id, client.secret) };
  const askWith = async (token, more) => (await anyone.post('/v1/oauth/introspect', { form: { token }, ...more, expect: 200 })).json;
  const ask = (token) => askWith(token, { token: admin.token });
  const askAs = ({ id, secret }, token) => askWith(token, { headers: { authorization: basic(id, secret) } });

  await it('tells all of a token of a login', async () => {
    const claims = decodeJwt(ann.token);
    const found = await ask(ann.token);
    for (const name of ['scope', 'client_id', 'exp', 'iat', 'sub', 'aud', 'iss', 'jti', 'sid']) assert.equal(found[name], claims[name], name);
    assert.equal(found.active, true);
    assert.equal(found.username, 'ann');
    assert.equal(found.token_type, 'Bearer');
  });

  await it('of a token for another service, with who acts', async () => {
    const form = exchangeForm(ann.token, { audience, actor_token: bob.token, actor_token_type: exchangeForm('').subject_token_type });
    const { json } = await anyone.post('/v1/oauth/token', { form, expect: 200 });
    const found = await ask(json.access_token);
    assert.equal(found.aud, audience);
    assert.equal(found.scope, 'files:read');
    assert.deepEqual(found.act, { sub: 'bob' });
    assert.equal(found.sub, 'ann');
  });

  await it('a client of its own tokens, and of those for its service; of others not even that they are', async () => {
    const exchanged = async (more, as) =>
      (await anyone.post('/v1/oauth/token', { form: exchangeForm(ann.token, more), headers: as, expect: 200 })).json.access_token;
    const cases = [
      [await exchanged({ audience }), client],
      [await exchanged({ audience: 'reports' }), reports], // no client is named: the one of this id
      [await exchanged({}, headers), client], // given to it, for this gateway
      [await exchanged({}), undefined],
      [ann.token, undefined],
      [ann.session.refresh_token, undefined],
    ];
    for (const [token, who] of cases) {
      assert.equal((await ask(token)).active, true);
      for (const one of [client, reports]) {
        const found = await askAs(one, token);
        if (one === who) assert.equal(found.sub, 'ann');
        else assert.deepEqual(found, { active: false });
      }
    }
  });

  await it('of a refresh token and of a token for scripts', async () => {
    const refresh = await ask(ann.session.refresh_token);
    assert.equal(refresh.active, true);
    assert.equal(refresh.token_type, undefined);
    assert.equal(refresh.sid, ann.session.session_id);
    assert.ok(refresh.exp > Date.now() / 1000 + 86400);
    // Looking is not using.
    await anyone.post('/v1/oauth/token', { form: { grant_type: 'refresh_token', refresh_token: ann.session.refresh_token }, expect: 200 });
    const script = (await ann.post('/v1/tokens', { json: { name: 'ci', scopes: ['files:read'], expires_in: 3600 }, expect: 201 })).json;
    const found = await ask(script.token);
    assert.deepEqual([found.active, found.scope, found.username, found.sid], [true, 'files:read', 'ann', undefined]);
  });

  await it('nothing of what is not good', async () => {
    for (const token of ['x', `${ann.token}x`, ann.token.slice(0, -4), 'sgr_AAAA', `sgp_${'A'.repeat(49)}`, 'x'.repeat(4000)]) {
      assert.deepEqual(await ask(token), { active: false }, token.slice(0, 20));
    }
    const gone = await gw.login('bob', bob.password);
    await gone.delete('/v1/sessions/current', { expect: 204 });
    assert.deepEqual(await ask(gone.token), { active: false });
    assert.deepEqual(await ask(gone.session.refresh_token), { active: false });
  });

  await it('of somebody disabled, nothing is active', async () => {
    const cid = await gw.user(admin, 'cid');
    assert.equal((await ask(cid.token)).active, true);
    await admin.patch('/v1/users/cid', { json: { disabled: true }, expect: 200 });
    assert.deepEqual(await ask(cid.token), { active: false });
  });

  await it('for nobody but clients with a secret and admins', async () => {
    const form = { token: ann.token };
    const refuse = async (options) => {
      const answer = await anyone.post('/v1/oauth/introspect', { form, ...options, expect: [401, 'invalid_client'] });
      assert.match(answer.headers['www-authenticate'], /^Basic /);
    };
    await refuse({});
    await refuse({ token: ann.token });
    await refuse({ token: `${admin.token}x` });
    await refuse({ form: { ...form, client_id: 'secctl' } });
    await refuse({ form: { ...form, client_id: 'billing' } });
    await refuse({ form: { ...form, client_id: 'nobody', client_secret: client.secret } });
    await refuse({ headers: { authorization: basic('billing', 'wrong') } });
    await refuse({ headers: { authorization: 'Basic !!' } });
    await refuse({ headers: { authorization: `Basic ${Buffer.from('billing').toString('base64')}` } });
    await anyone.post('/v1/oauth/introspect', { form, token: admin.token, expect: 200 });
    await anyone.post('/v1/oauth/introspect', { form: { ...form, client_id: 'billing', client_secret: client.secret }, expect: 200 });
    const narrow = (await anyone.post('/v1/oauth/token', { form: exchangeForm(admin.token, { scope: 'files:read' }), expect: 200 })).json;
    await refuse({ token: narrow.access_token });
  });

  await it('through a sealed channel the one who asks is known already', async () => {
    const inner = { method: 'POST', path: '/v1/oauth/introspect', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: `token=${ann.token}` };
    const root = await openChannel(gw, admin.username, admin.password);
    const found = await root.channel.exchange(root.client, inner);
    assert.deepEqual([found.status, JSON.parse(found.body).username], [200, 'ann']);
    const other = await openChannel(gw, 'bob', bob.password);
    assert.equal((await other.channel.exchange(other.client, inner)).status, 401);
    const body = `${inner.body}&client_id=billing&client_secret=${client.secret}`;
    assert.equal((await other.channel.exchange(other.client, { ...inner, body })).status, 200);
  });

  await it('says what is wrong with the form', async () => {
    const bad = (form, code, more = headers) => anyone.post('/v1/oauth/introspect', { body: form, type: 'application/x-www-form-urlencoded', invalid: true, headers: more, expect: [400, code] });
    await bad('', 'invalid_request');
    await bad('token=', 'invalid_request');
    await bad('token=a&token=b', 'invalid_request');
    await bad('token=a&client_id=other', 'invalid_request');
    await bad(`token=a&client_id=billing&client_secret=${client.secret}`, 'invalid_request');
    await bad('token=a&client_secret=x', 'invalid_request', {});
  });
});
