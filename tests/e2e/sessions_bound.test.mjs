// SPDX-License-Identifier: Apache-2.0
// Sessions that are bound to an address or a key, sessions whose time is over, logins of other kinds.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { SignJWT, calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { eventually } from './lib/gateway.mjs';
import { learnNonce } from './lib/oauth.mjs';
import { BAD_MEMBER } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const ISSUER = 'https://gateway.example';
const config = { server: { issuer: ISSUER }, channel: { 'session-seconds': 10 } };

suite('sessions_bound', { config }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const here = gw.client({ localAddress: '127.0.0.1' });
  const there = gw.client({ localAddress: '127.0.0.2' });
  const login = (more, options) =>
    here.post('/v1/sessions', { json: { username: 'ann', password: ann.password, ...more }, expect: 201, ...options });
  const issuer = decodeJwt(ann.token).iss;

  await it('used from another address, a bound session ends', async () => {
    const { json } = await login({ channel: { bind: ['address'] } });
    await here.get('/v1/users/me', { token: json.token, expect: 200 });
    const { bound } = (await here.get('/v1/sessions/current', { token: json.token, expect: 200 })).json;
    assert.deepEqual(bound, ['address']);
    await there.get('/v1/users/me', { token: json.token, expect: [403, 'address-mismatch'] });
    await here.get('/v1/users/me', { token: json.token, expect: [401, 'session-ended'] });
    const form = { grant_type: 'refresh_token', refresh_token: json.refresh_token };
    await here.post('/v1/oauth/token', { form, expect: [400, 'invalid_grant'] });
    await eventually(async () => {
      const { entries } = (await admin.get('/v1/audit', { query: { type: 'session.ended' }, expect: 200 })).json;
      return entries.some((one) => one.session_id === json.session_id && one.address === '127.0.0.2' && one.subject === 'ann');
    }, 'the entry in the audit log');
    await ann.get('/v1/users/me', { expect: 200 });
  });

  await it('so it does when its refresh token is used from there', async () => {
    const { json } = await login({ channel: { bind: ['address'] } });
    const form = { grant_type: 'refresh_token', refresh_token: json.refresh_token };
    await there.post('/v1/oauth/token', { form, expect: [400, 'invalid_grant'] });
    await here.get('/v1/users/me', { token: json.token, expect: [401, 'session-ended'] });
  });

  await it('many at once from elsewhere end it once', async () => {
    const { json } = await login({ channel: { bind: ['address'] } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => there.get('/v1/users/me', { token: json.token })));
    assert.ok(answers.every(({ code }) => code === 'address-mismatch' || code === 'session-ended'));
    await here.get('/v1/users/me', { token: json.token, expect: [401, 'session-ended'] });
    const count = async () =>
      (await admin.get('/v1/audit', { query: { type: 'session.ended', limit: 1000 }, expect: 200 })).json.entries.filter(
        (one) => one.session_id === json.session_id
      ).length;
    await eventually(async () => (await count()) === 1, 'one entry');
  });

  await it('one that is not bound goes where its user goes', async () => {
    const { json } = await login({ channel: { bind: [] } });
    await there.get('/v1/users/me', { token: json.token, expect: 200 });
    const plain = (await login({})).json;
    await there.get('/v1/users/me', { token: plain.token, expect: 200 });
  });

  await it('after its time it says so, for an hour', async () => {
    const { json } = await login({ channel: {} });
    await here.get('/v1/users/me', { token: json.token, expect: 200 });
    await new Promise((resolve) => setTimeout(resolve, Date.parse(json.expires_at) - Date.now() + 1100));
    await here.get('/v1/users/me', { token: json.token, expect: [401, 'session-expired'] });
    await here.get('/v1/users/me', { token: json.token, expect: [401, 'session-expired'] });
    const form = { grant_type: 'refresh_token', refresh_token: json.refresh_token };
    await here.post('/v1/oauth/token', { form, expect: [400, 'invalid_grant'] });
  });

  // A proof of possession (RFC 9449) for one request. The gateway has just started.
  const nonce = await learnNonce(here, issuer);
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  const proof = (method, path, token, changes = {}) =>
    new SignJWT({
      jti: randomUUID(),
      htm: method,
      htu: issuer + path,
      iat: Math.floor(Date.now() / 1000),
      nonce,
      ...(token && { ath: createHash('sha256').update(token).digest('base64url') }),
      ...changes,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .sign(privateKey);

  await it('a login with a proof is bound to its key', async () => {
    const { json } = await login({}, { headers: { dpop: await proof('POST', '/v1/sessions') } });
    const { token } = json;
    assert.equal(json.token_type, 'DPoP');
    assert.equal(decodeJwt(token).cnf.jkt, await calculateJwkThumbprint(jwk));
    const ask = async (dpop, expect, scheme = 'DPoP') =>
      here.get('/v1/users/me', { headers: { authorization: `${scheme} ${token}`, ...(dpop && { dpop }) }, expect });
    await ask(await proof('GET', '/v1/users/me', token), 200);
    const again = await proof('GET', '/v1/users/me', token);
    await ask(again, 200);
    await ask(again, [401, 'dpop-invalid']);
    const bare = await ask(undefined, [401, 'dpop-invalid']);
    assert.match(bare.headers['www-authenticate'], /^DPoP .*error="invalid_dpop_proof"/);
    await ask(await proof('GET', '/v1/users/me', token), [401, 'token-mismatch'], 'Bearer');
    await ask(undefined, [401, 'token-mismatch'], 'Bearer');
    await ask(await proof('POST', '/v1/users/me', token), [401, 'dpop-invalid']);
    await ask(await proof('GET', '/v1/sessions', token), [401, 'dpop-invalid']);
    await ask(await proof('GET', '/v1/users/me', ann.token), [401, 'dpop-invalid']);
    await ask(await proof('GET', '/v1/users/me', undefined), [401, 'dpop-invalid']);
    const { bound } = (await here.get('/v1/sessions/current', {
      headers: { authorization: `DPoP ${token}`, dpop: await proof('GET', '/v1/sessions/current', token) },
      expect: 200,
    })).json;
    assert.deepEqual(bound, ['dpop']);
  });

  await it('another key does not do, and ends nothing', async () => {
    const { json } = await login({}, { headers: { dpop: await proof('POST', '/v1/sessions') } });
    const other = await generateKeyPair('ES256', { extractable: true });
    const foreign = await new SignJWT({
      jti: randomUUID(), htm: 'GET', htu: `${issuer}/v1/users/me`, iat: Math.floor(Date.now() / 1000), nonce,
      ath: createHash('sha256').update(json.token).digest('base64url'),
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(other.publicKey) })
      .sign(other.privateKey);
    await here.get('/v1/users/me', {
      headers: { authorization: `DPoP ${json.token}`, dpop: foreign },
      expect: [401, 'token-mismatch'],
    });
    const form = { grant_type: 'refresh_token', refresh_token: json.refresh_token };
    await here.post('/v1/oauth/token', { form, expect: [400, /^invalid_(grant|dpop_proof)$/] });
    await here.get('/v1/users/me', {
      headers: { authorization: `DPoP ${json.token}`, dpop: await proof('GET', '/v1/users/me', json.token) },
      expect: 200,
    });
  });

  await it('a token that is bound to no key is none for the scheme DPoP', async () => {
    await here.get('/v1/users/me', {
      headers: { authorization: `DPoP ${ann.token}`, dpop: await proof('GET', '/v1/users/me', ann.token) },
      expect: [401, 'token-mismatch'],
    });
    await here.get('/v1/users/me', { headers: { dpop: 'nonsense' }, token: ann.token, expect: 200 });
  });

  await it('a bad proof at the login is refused, and no session is made', async () => {
    const before = (await ann.get('/v1/sessions', { expect: 200 })).json.sessions.length;
    await login({}, { headers: { dpop: 'nonsense' }, expect: [401, 'dpop-invalid'] });
    await login({}, { headers: { dpop: await proof('GET', '/v1/sessions') }, expect: [401, 'dpop-invalid'] });
    assert.equal((await ann.get('/v1/sessions', { expect: 200 })).json.sessions.length, before);
  });

  await it('refuses what does not belong to the method', async () => {
    for (const [json, detail] of [
      [{ method: 'magic' }, /^method/],
      [{ method: 'device' }, /^method/],
      [{ method: 'certificate', password: ann.password }, /^password/],
      [{ method: 'certificate', code: '123456' }, /^code/],
      [{ method: 'passkey' }, /^passkey/],
      [{ username: 'ann' }, /^password/],
      [{ password: ann.password }, /^username/],
      [{ username: 'ann', password: ann.password, channel: { public_key: 'AAAA' } }, /^channel.public_key/],
      [{ username: 'ann', password: ann.password, channel: { public_key: Buffer.alloc(32).toString('base64') } }, /^channel.public_key/],
      [{ username: 'ann', password: ann.password, channel: { bind: ['device'] } }, /^channel.bind/],
    ]) {
      const answer = await here.post('/v1/sessions', { json, invalid: true, expect: [400, BAD_MEMBER] });
      assert.match(answer.json.detail, detail);
    }
    await here.post('/v1/sessions', { json: { method: 'certificate' }, expect: [403, 'certificate-required'] });
  });

  await it('notes logins, failures and logouts', async () => {
    const { json } = await login({});
    await here.delete('/v1/sessions/current', { token: json.token, expect: 204 });
    await login({ password: 'not the password' }, { expect: [401, 'credentials-invalid'] });
    await login({ username: 'A password, typed wrong' }, { expect: [401, 'credentials-invalid'] });
    await eventually(async () => {
      const entries = (await admin.get('/v1/audit', { query: { limit: 1000 }, expect: 200 })).json.entries;
      const of = (type) => entries.filter((one) => one.type === type);
      assert.ok(!JSON.stringify(entries).includes('typed wrong'));
      return (
        of('login').some((one) => one.session_id === json.session_id && one.actor === 'ann' && one.details.method === 'password') &&
        of('logout').some((one) => one.session_id === json.session_id && one.actor === 'ann') &&
        of('login.failed').some((one) => one.subject === 'ann' && one.result === 'credentials-invalid')
      );
    }, 'the entries');
  });
});
