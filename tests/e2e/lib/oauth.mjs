// SPDX-License-Identifier: Apache-2.0
// Forms of OAuth, and proofs of possession (RFC 9449) made by hand with node:crypto, so that each part can be wrong.
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { decodeJwt } from 'jose';

export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

export const basic = (id, secret) =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;

// The form of a token exchange.
export const exchangeForm = (subject, more = {}) => ({
  grant_type: EXCHANGE,
  subject_token: subject,
  subject_token_type: ACCESS_TOKEN,
  ...more,
});

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
export const sha256 = (text) => createHash('sha256').update(text).digest('base64url');

const kinds = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

// A key that makes proofs. Those of a gateway that has just started need its nonce: learnNonce.
export class Prover {
  static nonce;

  constructor(alg = 'ES256', pair = kinds[alg]()) {
    this.alg = alg;
    this.privateKey = pair.privateKey;
    this.jwk = pair.publicKey.export({ format: 'jwk' });
    const { crv, e, kty, n, x, y } = this.jwk;
    const required = { EC: { crv, kty, x, y }, OKP: { crv, kty, x }, RSA: { e, kty, n } }[kty];
    this.thumbprint = sha256(JSON.stringify(required));
  }

  // What is given replaces what would be there; undefined leaves it out.
  proof(method, uri, { token, header = {}, claims = {}, signature } = {}) {
    const head = { typ: 'dpop+jwt', alg: this.alg, jwk: this.jwk, ...header };
    const body = {
      jti: randomUUID(),
      htm: method,
      htu: uri,
      iat: Math.floor(Date.now() / 1000),
      nonce: Prover.nonce,
      ...(token ? { ath: sha256(token) } : {}),
      ...claims,
    };
    const input = `${encode(head)}.${encode(body)}`;
    const key = this.alg === 'ES256' ? { key: this.privateKey, dsaEncoding: 'ieee-p1363' } : this.privateKey;
    const made = sign(this.alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), key).toString('base64url');
    return `${input}.${signature ?? made}`;
  }
}

// Asks for a nonce as clients do, by a proof that needs another one, and uses it from here on.
export async function learnNonce(client, issuer) {
  const dpop = new Prover().proof('POST', `${issuer}/v1/oauth/token`, { claims: { nonce: 'of-another-process' } });
  const form = exchangeForm('x');
  const { headers } = await client.post('/v1/oauth/token', { form, headers: { dpop }, expect: [400, 'use_dpop_nonce'] });
  return (Prover.nonce = headers['dpop-nonce']);
}

export const issuerOf = (token) => decodeJwt(token).iss;
