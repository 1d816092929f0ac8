// SPDX-License-Identifier: Apache-2.0
// Proofs of possession (RFC 9449): a token that is bound to a key is worth nothing without it, and a proof is worth
// one request.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { decodeJwt } from 'jose';
import { exchangeForm, issuerOf, learnNonce, Prover } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_dpop', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  let anyone = gw.client();
  const issuer = issuerOf(ann.token);
  const tokenUri = `${issuer}/v1/oauth/token`;
  const meUri = `${issuer}/v1/users/me`;
  const login = async (prover) => {
    const json = { username: 'ann', password: ann.password };
    return (await anyone.post('/v1/sessions', { json, headers: { dpop: prover.proof('POST', `${issuer}/v1/sessions`) }, expect: 201 })).json;
  };
  const me = (token, dpop, expect, scheme = 'DPoP') =>
    anyone.get('/v1/users/me', { headers: { authorization: `${scheme} ${token}`, ...(dpop ? { dpop } : {}) }, expect });

  await it('just after the start a proof needs a nonce, and is told which', async () => {
    const prover = new Prover();
    const claims = { nonce: undefined };
    const json = { username: 'ann', password: ann.password };
    const uri = `${issuer}/v1/sessions`;
    const post = (dpop, expect) => anyone.post('/v1/sessions', { json, headers: { dpop }, expect });
    const { headers } = await post(prover.proof('POST', uri, { claims }), [401, 'dpop-nonce']);
    assert.match(headers['www-authenticate'], /^DPoP .*error="use_dpop_nonce"/);
    const nonce = headers['dpop-nonce'];
    assert.match(nonce, /^[A-Za-z0-9_-]{32}$/);
    await post(prover.proof('POST', uri, { claims: { nonce: 'x' } }), [401, 'dpop-nonce']);
    await post(prover.proof('POST', uri, { claims: { nonce: `${nonce}A` } }), [401, 'dpop-nonce']);
    await post(prover.proof('GET', uri, { claims }), [401, 'dpop-invalid']); // what is wrong else comes first
    const { token } = (await post(prover.proof('POST', uri, { claims: { nonce } }), 201)).json;
    const proof = (more) => prover.proof('GET', meUri, { token, claims: more });
    const needs = await me(token, proof(claims), [401, 'dpop-nonce']);
    assert.match(needs.headers['www-authenticate'], /^DPoP .*error="use_dpop_nonce"/);
    assert.equal(needs.headers['access-control-expose-headers'], undefined);
    await me(token, proof({ nonce: needs.headers['dpop-nonce'] }), 200);
    await me(token, proof({ nonce }), 200);
    // A login that only lacked a nonce has not failed.
    const { json: log } = await admin.get('/v1/audit', { query: { type: 'login.failed' }, expect: 200 });
    assert.ok(log.entries.every(({ result }) => result !== 'dpop-nonce'));
  });

  await it('what was used before a restart is not taken after it', async () => {
    await learnNonce(anyone, issuer);
    const prover = new Prover();
    const { token } = await login(prover);
    const iat = Math.floor(Date.now() / 1000);
    const proofs = [-30, 0, 30].map((s) => prover.proof('GET', meUri, { token, claims: { iat: iat + s } }));
    for (const proof of proofs) await me(token, proof, 200);
    await gw.restart();
    anyone = gw.client();
    for (const proof of proofs) await me(token, proof, [401, 'dpop-nonce']);
    await learnNonce(anyone, issuer);
    await me(token, prover.proof('GET', meUri, { token }), 200);
  });

  for (const alg of ['ES256', 'EdDSA', 'RS256']) {
    await it(`a login with a proof is bound to its key: ${alg}`, async () => {
      const prover = new Prover(alg);
      const session = await login(prover);
      assert.equal(session.token_type, 'DPoP');
      assert.deepEqual(decodeJwt(session.token).cnf, { jkt: prover.thumbprint });
      for (let i = 0; i < 3; i += 1) await me(session.token, prover.proof('GET', meUri, { token: session.token }), 200);
    });
  }

  const prover = new Prover();
  const session = await login(prover);
  const { token } = session;
  const proof = (more) => prover.proof('GET', meUri, { token, ...more });

  await it('the token without the proof is refused', async () => {
    await me(token, null, [401, 'token-mismatch'], 'Bearer');
    await me(token, proof(), [401, 'token-mismatch'], 'Bearer');
    const answer = await me(token, null, [401, 'dpop-invalid']);
    assert.match(answer.headers['www-authenticate'], /DPoP .*algs="ES256 EdDSA RS256"/);
    await me(ann.token, prover.proof('GET', meUri, { token: ann.token }), [401, 'token-mismatch']);
  });

  await it("with another's proof, too", async () => {
    const other = new Prover();
    await me(token, other.proof('GET', meUri, { token }), [401, 'token-mismatch']);
    await me(token, other.proof('GET', meUri, { token, header: { jwk: prover.jwk } }), [401, 'dpop-invalid']);
  });

  await it('a proof is good once', async () => {
    const once = proof();
    await me(token, once, 200);
    await me(token, once, [401, 'dpop-invalid']);
    const many = proof();
    const answers = await Promise.all(Array.from({ length: 20 }, () => me(token, many)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    // Of another key the same jti is another proof.
    const other = new Prover();
    const theirs = await login(other);
    const claims = { jti: 'the-same' };
    await me(token, proof({ claims }), 200);
    await me(theirs.token, other.proof('GET', meUri, { token: theirs.token, claims }), 200);
    await me(token, proof({ claims }), [401, 'dpop-invalid']);
  });

  await it('for this method, address, time and token only', async () => {
    const now = Math.floor(Date.now() / 1000);
    const bad = (more, what) => me(token, proof(more)).then(({ status, code }) => assert.deepEqual([status, code], [401, 'dpop-invalid'], what));
    for (const htm of ['POST', 'get', 'HEAD', '', undefined]) await bad({ claims: { htm } }, `htm ${htm}`);
    for (const htu of [`${issuer}/v1/users`, `${meUri}/`, 'https://evil.example/v1/users/me', '/v1/users/me', meUri.replace('https', 'http'), '', undefined]) {
      await bad({ claims: { htu } }, `htu ${htu}`);
    }
    for (const iat of [now - 90, now + 90, 0, -now, `${now}`, undefined, null, 1e30]) await bad({ claims: { iat } }, `iat ${iat}`);
    for (const ath of ['', 'x', undefined, null]) await bad({ claims: { ath } }, `ath ${ath}`);
    for (const nonce of ['', 5, null, 'x'.repeat(300)]) await bad({ claims: { nonce } }, `nonce ${nonce}`);
    for (const jti of ['', undefined, 5, 'x'.repeat(300)]) await bad({ claims: { jti } }, `jti ${jti}`);
    await bad({ token: ann.token }, 'ath of another token');
    await me(token, proof({ claims: { htu: `${meUri}?x=1#y` } }), 200);
    await me(token, proof({ claims: { htu: meUri.replace('https://localhost', 'HTTPS://LOCALHOST') } }), 200);
    await me(token, proof({ claims: { iat: now - 30, more: 'x', nbf: 1 } }), 200);
  });

  await it('of the right form only', async () => {
    const bad = (text, what) => me(token, text).then(({ status, code }) => assert.deepEqual([status, code], [401, 'dpop-invalid'], what));
    for (const typ of ['JWT', 'at+jwt', 'dpop', undefined]) await bad(proof({ header: { typ } }), `typ ${typ}`);
    for (const alg of ['none', 'HS256', 'ES384', 'RS256', 'EdDSA', 'es256', undefined]) await bad(proof({ header: { alg } }), `alg ${alg}`);
    await bad(proof({ header: { crit: ['x'], x: 1 } }), 'crit');
    await bad(proof({ header: { crit: 'x' } }), 'crit as text');
    for (const jwk of [undefined, null, {}, 'x', [], { ...prover.jwk, d: 'AAAA' }, { ...prover.jwk, crv: 'P-384' }, { ...prover.jwk, kty: 'OKP' }, { ...prover.jwk, x: `${prover.jwk.x}=` }, { ...prover.jwk, x: prover.jwk.y }, { kty: 'oct', k: 'AAAA' }]) {
      await bad(proof({ header: { jwk } }), `jwk ${JSON.stringify(jwk)}`);
    }
    const good = proof();
    const [head, body, signature] = good.split('.');
    for (const text of ['x', '..', `${head}.${body}`, `${good}.`, `${good}=`, `${head}.${body}.`, `${head} .${body}.${signature}`, 'x'.repeat(3500)]) await bad(text, text.slice(0, 30));
    for (let at = 0; at < 64; at += 7) {
      const raw = Buffer.from(signature, 'base64url');
      raw[at] ^= 1;
      await bad(`${head}.${body}.${raw.toString('base64url')}`, `bit of byte ${at}`);
    }
    await bad(`${head}.${body}.${Buffer.alloc(64).toString('base64url')}`, 'zeroes');
    const secret = Buffer.from(prover.jwk.x, 'base64url');
    const forged = `${Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'HS256', jwk: prover.jwk })).toString('base64url')}.${body}`;
    await bad(`${forged}.${createHmac('sha256', secret).update(forged).digest('base64url')}`, 'HS256 with the public key');
    await me(token, good, 200);
  });

  await it('a short RSA key is refused', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const short = new Prover('RS256', generateKeyPairSync('rsa', { modulusLength: 1024 }));
    const answer = await anyone.post('/v1/oauth/token', { form: exchangeForm(ann.token), headers: { dpop: short.proof('POST', tokenUri) } });
    assert.deepEqual([answer.status, answer.code], [400, 'invalid_dpop_proof']);
  });

  await it('refresh needs the key, and a stolen refresh token ends nothing', async () => {
    const form = { grant_type: 'refresh_token', refresh_token: session.refresh_token };
    const refresh = (headers, expect) => anyone.post('/v1/oauth/token', { form, headers, expect });
    await refresh({}, [400, 'invalid_grant']);
    await refresh({ dpop: new Prover().proof('POST', tokenUri) }, [400, 'invalid_grant']);
    await refresh({ dpop: prover.proof('GET', tokenUri) }, [400, 'invalid_dpop_proof']);
    await refresh({ dpop: 'x' }, [400, 'invalid_dpop_proof']);
    const { json } = await refresh({ dpop: prover.proof('POST', tokenUri) }, 200);
    assert.equal(json.token_type, 'DPoP');
    await me(json.access_token, prover.proof('GET', meUri, { token: json.access_token }), 200);
  });

  await it('exchange keeps the key, and needs it', async () => {
    const ask = (subject, headers, expect) => anyone.post('/v1/oauth/token', { form: exchangeForm(subject, { scope: 'files:read' }), headers, expect });
    await ask(token, {}, [400, 'invalid_request']);
    await ask(token, { dpop: new Prover().proof('POST', tokenUri) }, [400, 'invalid_request']);
    const { json } = await ask(token, { dpop: prover.proof('POST', tokenUri) }, 200);
    assert.equal(json.token_type, 'DPoP');
    assert.equal(decodeJwt(json.access_token).cnf.jkt, prover.thumbprint);
    // A free token may be bound to a key, once and for all.
    const bound = (await ask(ann.token, { dpop: prover.proof('POST', tokenUri) }, 200)).json;
    assert.equal(decodeJwt(bound.access_token).cnf.jkt, prover.thumbprint);
    await me(bound.access_token, null, [401, 'token-mismatch'], 'Bearer');
    await ask(bound.access_token, {}, [400, 'invalid_request']);
    await me(bound.access_token, prover.proof('GET', meUri, { token: bound.access_token }), 200);
  });

  await it('an admin may introspect with a bound token', async () => {
    const json = { username: admin.username, password: admin.password };
    const mine = (await anyone.post('/v1/sessions', { json, headers: { dpop: prover.proof('POST', `${issuer}/v1/sessions`) }, expect: 201 })).json;
    const uri = `${issuer}/v1/oauth/introspect`;
    const ask = (dpop, expect) => anyone.post('/v1/oauth/introspect', { form: { token }, headers: { authorization: `DPoP ${mine.token}`, dpop }, expect });
    const found = (await ask(prover.proof('POST', uri, { token: mine.token }), 200)).json;
    assert.deepEqual([found.token_type, found.cnf], ['DPoP', { jkt: prover.thumbprint }]);
    await ask(prover.proof('POST', uri, { token }), [401, 'invalid_client']);
    const { headers } = await ask(prover.proof('POST', uri, { token: mine.token, claims: { nonce: 'x' } }), [400, 'use_dpop_nonce']);
    assert.ok(headers['dpop-nonce']);
  });
});
