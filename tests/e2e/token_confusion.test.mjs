// SPDX-License-Identifier: Apache-2.0
// Every kind of token in every place that is not its own, and claims that no token of ours has.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createSign, randomBytes } from 'node:crypto';
import { SignJWT, decodeJwt, decodeProtectedHeader } from 'jose';
import { privateKeys } from './lib/keyfiles.mjs';
import { decided } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const json64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

suite('token_confusion', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const anyone = gw.client();
  const header = decodeProtectedHeader(ann.token);
  const claims = decodeJwt(ann.token);
  const { keys } = (await anyone.get('/.well-known/jwks.json', { expect: 200 })).json;
  const jwk = keys.find(({ kid }) => kid === header.kid);
  const own = createPrivateKey(privateKeys(gw.data).find(({ jwk: key }) => key.n === jwk.n).pem);
  const now = Math.floor(Date.now() / 1000);
  const sign = (changes, head = header) =>
    new SignJWT({ ...claims, iat: now, exp: now + 300, jti: randomBytes(16).toString('hex'), ...changes })
      .setProtectedHeader(head)
      .sign(own);
  // Signs a payload to the letter.
  const signText = (text, head = header) => {
    const input = `${json64(head)}.${json64(text)}`;
    return `${input}.${createSign('sha256').update(input).sign(own).toString('base64url')}`;
  };
  const me = async (token, expect, headers) => {
    const answer = await decided(() => anyone.get('/v1/users/me', { token, headers }));
    anyone.compare(expect, answer, 'GET /v1/users/me', 'GET');
    return answer;
  };
  const script = (await ann.post('/v1/tokens', {
    json: { name: 'script', scopes: ['files:read'], spaces: ['~me'], expires_in: 3600 },
    expect: 201,
  })).json;

  await it('access tokens are at+jwt with the claims of RFC 9068', () => {
    assert.equal(header.typ, 'at+jwt');
    for (const name of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']) assert.ok(claims[name] !== undefined, name);
    assert.equal(claims.cnf, undefined);
    assert.equal(claims.act, undefined);
  });

  await it('a refresh token is no access token, nor the other way round, nor is a script\u2019s', async () => {
    await me(ann.session.refresh_token, [401, 'token-invalid']);
    for (const refresh_token of [ann.token, script.token, `sgr_${script.token.slice(4)}`]) {
      const form = { grant_type: 'refresh_token', refresh_token };
      await anyone.post('/v1/oauth/token', { form, invalid: true, expect: [400, 'invalid_grant'] });
    }
    await me(`sgp_${ann.session.refresh_token.slice(4)}`, [401, 'token-invalid']);
    await me(script.token, 200);
  });

  await it('a type of another purpose is refused under a good signature', async () => {
    for (const typ of ['id+jwt', 'dpop+jwt', 'logout+jwt', 'AT+JWT', 'at+jwt ', 'application/at+jwt', 'jwt', ''])
      await me(await sign({}, { ...header, typ }), [401, 'token-invalid']);
    await me(await sign({}, { ...header, typ: 'JWT' }), 200);
    const { typ, ...bare } = header;
    assert.ok(typ);
    await me(await sign({}, bare), [401, 'token-invalid']);
  });

  await it('kid names a key and nothing else', async () => {
    for (const kid of [
      '../../../etc/passwd', '/dev/null', "' OR 1=1 --", `${header.kid}\u0000`, `${header.kid} `, header.kid.toUpperCase() + 'x',
      `${header.kid}/../${header.kid}`, 'https://example.org/jwks.json', '', 'x'.repeat(200), '\ud83d\ude00',
    ])
      await me(await sign({}, { ...header, kid }), [401, 'token-invalid']);
    await me(await sign({}, { ...header, jku: 'https://example.org/jwks.json' }), [401, 'token-invalid']);
    await me(await sign({}, { ...header, x5u: 'https://example.org/x' }), [401, 'token-invalid']);
  });

  await it('a confirmation that is not understood is refused, never ignored', async () => {
    const thumb = createHash('sha256').update('some key').digest('base64url');
    for (const cnf of [
      {}, { jkt: '' }, { jkt: 'x' }, { jkt: `${thumb}=` }, { jkt: thumb, 'x5t#S256': thumb }, { jwk: {} }, { kid: 'a' }, { jkt: 5 },
      { 'x5t#S256': thumb.slice(0, -1) }, { JKT: thumb }, thumb, [], 7, { jkt: { jkt: thumb } },
    ])
      await me(await sign({ cnf }), [401, 'token-invalid']);
    await me(await sign({ cnf: { jkt: thumb } }), [401, 'token-mismatch']);
    await me(await sign({ cnf: { 'x5t#S256': thumb } }), [401, 'token-mismatch']);
    await anyone.get('/v1/users/me', {
      headers: { authorization: `DPoP ${ann.token}` },
      expect: [401, 'dpop-invalid'],
    });
  });

  await it('an actor that is not understood is refused', async () => {
    const deep = (n) => (n === 0 ? { sub: 'x' } : { sub: 'x', act: deep(n - 1) });
    for (const act of [{}, { sub: 5 }, 'x', { sub: 'x', more: 'y' }, { act: { sub: 'x' } }, deep(4), deep(20), { sub: 'x'.repeat(70) }])
      await me(await sign({ act }), [401, 'token-invalid']);
    await me(await sign({ act: deep(3), jti: `x${randomBytes(12).toString('hex')}` }), 200);
  });

  await it('an exchanged token is no login', async () => {
    const token = await sign({ jti: `x${randomBytes(12).toString('hex')}` });
    await me(token, 200);
    // A part of twelve characters for each of five exchanges, and nothing else, so that none can hide.
    await me(await sign({ jti: `x${'a'.repeat(60)}` }), 200);
    for (const parts of ['', 'a', 'a'.repeat(11), 'a'.repeat(13), 'a'.repeat(31), 'a'.repeat(61), 'a'.repeat(72)])
      await me(await sign({ jti: `x${parts}` }), [401, 'token-invalid']);
    for (const path of ['/v1/sessions', '/v1/tokens', '/v1/certificates', '/v1/passkeys', '/v1/users/me/totp'])
      await anyone.get(path, { token, expect: [403, 'login-needed'] });
    await anyone.delete('/v1/sessions/current', { token, expect: [403, 'login-needed'] });
  });

  await it('a login with fewer scopes than its user is none for what makes logins', async () => {
    const token = await sign({ scope: 'files:read' });
    await me(token, 200);
    for (const path of ['/v1/tokens', '/v1/certificates', '/v1/passkeys'])
      await anyone.get(path, { token, expect: [403, 'login-needed'] });
    await anyone.get('/v1/sessions/current', { token, expect: 200 });
    const other = await gw.login('ann', ann.password);
    await anyone.delete(`/v1/sessions/${other.session.session_id}`, { token, expect: [403, 'login-needed'] });
  });

  await it('a token exchanged for a script\u2019s keeps its limits, and ends with it', async () => {
    const scope = 'files:read files:write chat:read';
    const jti = () => `t${randomBytes(12).toString('hex')}`;
    const made = (await ann.post('/v1/tokens', {
      json: { name: 'to exchange', scopes: ['files:read'], spaces: ['~me'], expires_in: 3600 },
      expect: 201,
    })).json;
    const sid = `${made.id}${'0'.repeat(16)}`;
    const token = await sign({ jti: jti(), sid, scope });
    await me(token, 200);
    await anyone.get('/v1/files/~me/', { token, expect: 200 });
    await anyone.get('/v1/files/common/', { token, expect: [404, 'not-found'] });
    await anyone.put('/v1/files/~me/x', { token, body: 'x', expect: [403, 'forbidden'] });
    await anyone.get('/v1/tokens', { token, expect: [403, 'login-needed'] });
    await me(await sign({ jti: jti(), sid, sub: 'bob', scope }), [401, 'token-invalid']);
    await me(await sign({ sid, scope }), [401, 'session-ended']);
    await me(await sign({ jti: jti(), sid: `${made.id}${'0'.repeat(15)}1`, scope }), [401, 'token-invalid']);
    await ann.delete(`/v1/tokens/${made.id}`, { expect: 204 });
    await me(token, [401, 'token-invalid']);
  });

  await it('members twice, white space, escapes and nested surprises are refused', async () => {
    const good = JSON.stringify({ ...claims, iat: now, exp: now + 300 });
    await me(signText(good), 200);
    for (const text of [
      good.replace('{', '{"sub":"root-admin",'),
      good.replace('}', ',"sub":"root-admin"}'),
      good.replace('"sub":"ann"', '"sub":"\\u0061nn"'),
      ` ${good}`, `${good} `, `${good}\n`, good.replace(':', ': '),
      good.replace('}', ',"x":{"y":1}}'),
      good.replace('}', ',"x":[1]}'),
      good.replace('}', ',"x":true}'),
      good.replace('}', ',"x":null}'),
      good.replace(`"exp":${now + 300}`, `"exp":${now + 300}.5`),
      good.replace(`"exp":${now + 300}`, `"exp":1e12`),
      good.replace('"aud":"secgate"', '"aud":["secgate"]'),
      `${good}{}`, '', '{}', '[]', 'null',
    ])
      await me(signText(text), [401, 'token-invalid']);
  });

  await it('the token of another user does nothing in a session of mine', async () => {
    await anyone.get(`/v1/sessions/${ann.session.session_id}`, { token: bob.token, expect: [404, 'not-found'] });
    await anyone.delete(`/v1/sessions/${ann.session.session_id}`, { token: bob.token, expect: [404, 'not-found'] });
    await me(await sign({ sub: 'bob' }), [401, 'token-invalid']);
    await me(ann.token, 200);
  });
});
