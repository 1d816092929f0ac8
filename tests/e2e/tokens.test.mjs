// SPDX-License-Identifier: Apache-2.0
// Access tokens that must not be believed, and rights that end at once.
import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, createPublicKey } from 'node:crypto';
import { SignJWT, decodeJwt, decodeProtectedHeader } from 'jose';
import { privateKeys } from './lib/keyfiles.mjs';
import { exchange, text } from './lib/raw.mjs';
import { decided } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

suite('tokens', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();
  const me = (token, expect) => anyone.get('/v1/users/me', { token, expect });
  const refuse = async (token, what, codes = /^token-invalid$/) => {
    const answer = await decided(() => me(token, undefined));
    assert.equal(answer.status, 401, what);
    assert.match(answer.code, codes, what);
    assert.match(answer.headers['www-authenticate'], /error="invalid_token"/, what);
  };

  const [head, payload, signature] = ann.token.split('.');
  const header = decodeProtectedHeader(ann.token);
  const claims = decodeJwt(ann.token);
  const { keys } = (await anyone.get('/.well-known/jwks.json', { expect: 200 })).json;
  const jwk = keys.find(({ kid }) => kid === header.kid);
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });

  await it('the header says what it must and no more', () => {
    assert.equal(header.alg, 'RS256');
    assert.equal(header.kid, jwk.kid);
    for (const name of ['jku', 'jwk', 'x5u', 'x5c', 'crit']) assert.equal(header[name], undefined);
    assert.equal(claims.aud, 'secgate');
  });

  await it('refuses "none", in every spelling', async () => {
    for (const alg of ['none', 'None', 'NONE', '', 'nOnE']) {
      for (const tail of ['', signature, 'AA']) {
        await refuse(`${encode({ alg, typ: 'JWT', kid: header.kid })}.${payload}.${tail}`, `alg ${alg}`);
        await refuse(`${encode({ alg, typ: 'JWT' })}.${payload}.${tail}`, `alg ${alg}`);
      }
    }
  });

  await it('refuses HS256 keyed with the public key, in every form', async () => {
    const secrets = [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'pem' }).trimEnd(),
      publicKey.export({ type: 'pkcs1', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      Buffer.from(jwk.n, 'base64url'),
      JSON.stringify(jwk),
      '',
    ];
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      for (const secret of secrets) {
        const input = `${encode({ ...header, alg })}.${payload}`;
        const mac = createHmac(`sha${alg.slice(2)}`, secret).update(input).digest('base64url');
        await refuse(`${input}.${mac}`, alg);
      }
    }
  });

  await it('refuses a signature under any other header', async () => {
    for (const change of [{ alg: 'RS384' }, { alg: 'PS256' }, { alg: 'rs256' }, { alg: 'ES256' }, { alg: undefined }, { alg: ['RS256'] }, { kid: 'unknown' }, { kid: undefined }, { kid: 1 }, { kid: '../../x' }, { typ: 'other' }]) {
      await refuse(`${encode({ ...header, ...change })}.${payload}.${signature}`, JSON.stringify(change));
    }
  });

  await it('refuses changed contents and signatures', async () => {
    await refuse(`${head}.${encode({ ...claims, sub: 'root-admin' })}.${signature}`, 'other claims');
    await refuse(`${head}.${encode({ ...claims })} .${signature}`.replace(' ', 'A'), 'longer payload');
    const flipped = Buffer.from(signature, 'base64url');
    flipped[10] ^= 1;
    await refuse(`${head}.${payload}.${flipped.toString('base64url')}`, 'flipped bit');
    await refuse(`${head}.${payload}.${Buffer.alloc(flipped.length).toString('base64url')}`, 'zero signature');
    await refuse(`${head}.${payload}.`, 'no signature');
    await refuse(`${head}.${payload}`, 'two parts');
    await refuse(`${head}..${signature}`, 'no payload');
    await refuse(`.${payload}.${signature}`, 'no header');
    await refuse('..', 'nothing');
    await refuse(ann.token.split('.').reverse().join('.'), 'reversed');
  });

  await it('refuses every other spelling of a good token', async () => {
    for (const tail of ['A', 'AA', '=', '==', '.', '.x', '.AA', '%00', '!', '_-_-']) await refuse(ann.token + tail, `followed by ${tail}`);
    await refuse(`${head}=.${payload}.${signature}`, 'padding inside');
    await refuse(`${head}.${payload}==.${signature}`, 'padding inside');
    const bytes = Buffer.from(signature, 'base64url').length;
    if (bytes % 3 !== 0) {
      const last = ALPHABET.indexOf(signature.at(-1));
      const free = bytes % 3 === 1 ? 16 : 4;
      for (let i = 1; i < free; i += 1) {
        const other = ALPHABET[(last & ~(free - 1)) | ((last + i) % free)];
        assert.deepEqual(Buffer.from(signature.slice(0, -1) + other, 'base64url'), Buffer.from(signature, 'base64url'));
        await refuse(ann.token.slice(0, -1) + other, `last character ${other}`);
      }
    }
    const classic = signature.replaceAll('-', '+').replaceAll('_', '/');
    if (classic !== signature) await refuse(`${head}.${payload}.${classic}`, 'the other alphabet');
    await me(ann.token, 200);
  });

  await it('reads the header as RFC 9110 and 6750 say', async () => {
    const ask = async (...lines) => (await exchange(gw, text('GET', '/v1/users/me', lines))).status;
    assert.equal(await ask(`Authorization: Bearer ${ann.token}`), 200);
    assert.equal(await ask(`authorization: bearer ${ann.token}`), 200);
    assert.equal(await ask(`Authorization: Bearer`), 401);
    assert.equal(await ask(`Authorization: ${ann.token}`), 401);
    assert.equal(await ask(`Authorization: Token ${ann.token}`), 401);
    assert.equal(await ask(`Authorization: Bearer ${ann.token} x`), 401);
    assert.ok([400, 401].includes(await ask(`Authorization: Bearer ${ann.token}`, 'Authorization: Bearer x')));
    assert.ok([400, 401].includes(await ask(`Authorization: Bearer x`, `Authorization: Bearer ${ann.token}`)));
    await anyone.get('/v1/users/me', { query: { access_token: ann.token }, invalid: true, expect: 401 });
  });

  await it('claims are checked even under a good signature', async () => {
    const own = privateKeys(gw.data).find(({ jwk: key }) => key.n === jwk.n);
    assert.ok(own, 'the private token key is in the data directory');
    const key = createPrivateKey(own.pem);
    const now = Math.floor(Date.now() / 1000);
    const sign = (changes, protectedHeader = header) =>
      new SignJWT({ ...claims, iat: now, exp: now + 300, ...changes }).setProtectedHeader(protectedHeader).sign(key);
    await me(await sign({ jti: 'own-1' }), 200);
    await refuse(await sign({ jti: 'own-2', iat: now - 7200, exp: now - 3600 }), 'expired', /^token-expired$/);
    const bad = {
      'no exp': { exp: undefined },
      'exp is text': { exp: String(now + 300) },
      'other audience': { aud: 'other' },
      'no audience': { aud: undefined },
      'other issuer': { iss: 'https://elsewhere.test' },
      'no issuer': { iss: undefined },
      'no session': { sid: undefined },
      'session is no id': { sid: 'x' },
      'no name': { sub: undefined },
    };
    for (const [what, changes] of Object.entries(bad)) {
      await refuse(await sign({ jti: `own-${what.replaceAll(' ', '-')}`, ...changes }), what);
    }
    await refuse(await sign({ jti: 'own-sid', sid: '0'.repeat(32) }), 'unknown session', /^(session-ended|token-invalid)$/);
    await refuse(await sign({ jti: 'own-sub', sub: 'root-admin' }), 'other name', /^(session-ended|token-invalid)$/);
    await refuse(await sign({ jti: 'own-crit' }, { ...header, crit: ['b64'], b64: true }), 'crit');
    await refuse(await sign({ jti: 'own-jwk' }, { ...header, jwk }), 'jwk');
    await refuse(await sign({ jti: 'own-kid' }, { ...header, kid: 'other' }), 'kid');
  });

  await it('a token whose time has not come is refused', async () => {
    const own = privateKeys(gw.data).find(({ jwk: key }) => key.n === jwk.n);
    const now = Math.floor(Date.now() / 1000);
    const claim = { ...claims, iat: now, nbf: now + 3000, exp: now + 3300, jti: 'own-nbf' };
    await refuse(await new SignJWT(claim).setProtectedHeader(header).sign(createPrivateKey(own.pem)), 'not yet');
  });

  await it('scopes and role of the token do not go beyond those of the user', async () => {
    const own = privateKeys(gw.data).find(({ jwk: key }) => key.n === jwk.n);
    const now = Math.floor(Date.now() / 1000);
    const claim = { ...claims, iat: now, exp: now + 300, jti: 'raised', role: 'admin', scope: `${claims.scope} admin` };
    const raised = await new SignJWT(claim).setProtectedHeader(header).sign(createPrivateKey(own.pem));
    await anyone.get('/v1/users', { token: raised, expect: [403, 'forbidden'] });
    const narrow = { ...claims, iat: now, exp: now + 300, jti: 'narrow', scope: 'files:read' };
    const reader = await new SignJWT(narrow).setProtectedHeader(header).sign(createPrivateKey(own.pem));
    await anyone.get('/v1/files/common/', { token: reader, expect: 200 });
    await anyone.put('/v1/files/common/x', { token: reader, body: 'x', expect: [403, 'forbidden'] });
  });

  await it('a token that was good a moment ago ends with its session, on every connection', async () => {
    const bob = await gw.user(admin, 'bob');
    const others = Array.from({ length: 6 }, () => gw.client({ connections: 1, token: bob.token }));
    await Promise.all(others.map((client) => client.get('/v1/users/me', { expect: 200 })));
    await bob.delete('/v1/sessions/current', { expect: 204 });
    await Promise.all(others.map((client) => client.get('/v1/users/me', { expect: [401, 'session-ended'] })));
  });
});
