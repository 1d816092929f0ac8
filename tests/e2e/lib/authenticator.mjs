// SPDX-License-Identifier: Apache-2.0
// An authenticator in software (WebAuthn level 2), and the browser's part before it: makes passkeys and signs with them,
// rightly or, where a test says so, wrongly. And what oathtool, an independent client, makes of a secret.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { execFileSync } from 'node:child_process';

const sha256 = (data) => createHash('sha256').update(data).digest();
const fromBase64url = (text) => Buffer.from(text, 'base64url');

// -- CBOR (RFC 8949), as much as authenticators write ------------------------------------------------------------
function head(major, value) {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 0x100) return Buffer.from([(major << 5) | 24, value]);
  const wide = Buffer.from([(major << 5) | 25, 0, 0]);
  wide.writeUInt16BE(value, 1);
  return wide;
}

// Bytes that stand for themselves.
export class Raw {
  constructor(bytes) {
    this.bytes = Buffer.from(bytes);
  }
}

export function cbor(value) {
  if (value instanceof Raw) return value.bytes;
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  const entries = [...value].flatMap(([name, item]) => [cbor(name), cbor(item)]);
  return Buffer.concat([head(5, value.size), ...entries]);
}

const KINDS = {
  es256: {
    alg: -7,
    make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    cose: (jwk) => new Map([[1, 2], [3, -7], [-1, 1], [-2, fromBase64url(jwk.x)], [-3, fromBase64url(jwk.y)]]),
    digest: 'sha256',
  },
  eddsa: {
    alg: -8,
    make: () => generateKeyPairSync('ed25519'),
    cose: (jwk) => new Map([[1, 1], [3, -8], [-1, 6], [-2, fromBase64url(jwk.x)]]),
    digest: null,
  },
  rs256: {
    alg: -257,
    make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    cose: (jwk) => new Map([[1, 3], [3, -257], [-1, fromBase64url(jwk.n)], [-2, fromBase64url(jwk.e)]]),
    digest: 'sha256',
  },
};

export const FLAGS = { UP: 0x01, UV: 0x04, BE: 0x08, BS: 0x10, AT: 0x40 };

export class Authenticator {
  // counts: whether its counter goes up; else it is always 0.
  constructor(origin, { kind = 'es256', counts = true } = {}) {
    this.origin = origin;
    this.kind = KINDS[kind];
    this.keys = this.kind.make();
    this.id = randomBytes(32);
    this.counts = counts;
    this.counter = 0;
  }

  // Text of clientDataJSON, as Chromium writes it; `wrong.clientData` changes or adds members.
  clientData(type, challenge, wrong) {
    const data = { type, challenge, origin: this.origin, crossOrigin: false, ...wrong.clientData };
    return wrong.clientDataText ? Buffer.from(wrong.clientDataText(data)) : Buffer.from(JSON.stringify(data));
  }

  authData(rpId, flags, wrong, more = []) {
    if (this.counts) this.counter += 1;
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(wrong.counter ?? this.counter);
    const bits = wrong.flags ?? flags;
    return Buffer.concat([sha256(wrong.rpId ?? rpId), Buffer.from([bits]), counter, ...more]);
  }

  sign(authData, clientData) {
    return sign(this.kind.digest, Buffer.concat([authData, sha256(clientData)]), this.keys.privateKey);
  }

  // navigator.credentials.create(): the body of passkeys_create but for the name. `wrong`: what to do wrong.
  create(options, wrong = {}) {
    this.handle = options.user.id;
    const clientData = this.clientData('webauthn.create', options.challenge, wrong);
    const cose = this.kind.cose(this.keys.publicKey.export({ format: 'jwk' }));
    wrong.cose?.(cose);
    const length = Buffer.from([this.id.length >> 8, this.id.length & 0xff]);
    const attested = [Buffer.alloc(16), length, this.id, cbor(cose)];
    const flags = FLAGS.UP | FLAGS.UV | FLAGS.AT;
    const authData = this.authData(options.rp.id, flags, wrong, wrong.noKey ? [] : attested);
    const signature = this.sign(authData, clientData);
    if (wrong.signature) signature[signature.length - 1] ^= 1;
    const statement = wrong.self
      ? new Map([['alg', wrong.statementAlg ?? this.kind.alg], ['sig', signature]])
      : (wrong.statement ?? new Map());
    const object = new Map([['fmt', wrong.format ?? (wrong.self ? 'packed' : 'none')], ['attStmt', statement], ['authData', authData]]);
    let attestation = cbor(object);
    if (wrong.attestation) attestation = wrong.attestation(attestation);
    return {
      id: (wrong.id ?? this.id).toString('base64url'),
      client_data: clientData.toString('base64url'),
      attestation: attestation.toString('base64url'),
    };
  }

  // navigator.credentials.get(): the member `passkey` of sessions_create.
  get(options, wrong = {}) {
    const clientData = this.clientData('webauthn.get', options.challenge, wrong);
    const authData = this.authData(options.rpId, FLAGS.UP | FLAGS.UV, wrong, wrong.more);
    const signature = this.sign(wrong.signedAuthData ?? authData, clientData);
    if (wrong.signature) signature[signature.length - 1] ^= 1;
    const passkey = {
      id: (wrong.id ?? this.id).toString('base64url'),
      client_data: clientData.toString('base64url'),
      authenticator_data: authData.toString('base64url'),
      signature: signature.toString('base64url'),
    };
    const handle = wrong.handle === undefined ? this.handle : wrong.handle;
    if (handle !== null) passkey.user_handle = handle;
    return passkey;
  }
}

// Registers a passkey of a logged-in client with that password.
export async function addPasskey(client, name, authenticator, wrong = {}, expect = 201) {
  const options = (await client.post('/v1/passkeys/options', { json: { password: client.password }, expect: 200 })).json;
  return client.post('/v1/passkeys', { json: { name, ...authenticator.create(options, wrong) }, expect });
}

// Logs in with a passkey. challenge: the body for passkeys_challenge.
export async function passkeyLogin(client, authenticator, { wrong = {}, challenge = {}, expect = 201, more = {} } = {}) {
  const options = (await client.post('/v1/passkeys/challenge', { json: challenge, expect: 200 })).json;
  const passkey = authenticator.get(options, wrong);
  return client.post('/v1/sessions', { json: { method: 'passkey', passkey, ...more }, token: null, expect });
}

// The code that oathtool makes of a base32 secret, `seconds` from now.
export function oathtool(secret, seconds = 0) {
  const at = new Date(Date.now() + seconds * 1000).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
  return execFileSync('oathtool', ['--totp', '--base32', '--now', at, secret], { encoding: 'utf8' }).trim();
}

// Turns TOTP on with the code of now, which is used up then; that of the next step (oathtool(secret, 30)) is good at once, too.
export async function enableTotp(client) {
  const { json } = await client.post('/v1/users/me/totp', { json: { password: client.password }, expect: 201 });
  const code = oathtool(json.secret);
  const confirmed = await client.post('/v1/users/me/totp/confirm', { json: { code }, expect: 200 });
  return { secret: json.secret, uri: json.uri, code, recovery_codes: confirmed.json.recovery_codes };
}
