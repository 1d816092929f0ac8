// SPDX-License-Identifier: Apache-2.0
// An independent client of the sealed channel, written from docs/channel.md with WebCrypto only.
import './webcrypto.mjs';

const { subtle } = globalThis.crypto;
const utf8 = new TextEncoder();

export const bytes = (base64) => Uint8Array.from(Buffer.from(base64, 'base64'));
export const base64 = (data) => Buffer.from(data).toString('base64');
const unhex = (text) => Uint8Array.from(Buffer.from(text, 'hex'));

function join(...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

function u64(value) {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
}

const seconds = (text) => Date.parse(text) / 1000;
const zero = new Uint8Array(32);
const text0 = (text) => join(utf8.encode(text), Uint8Array.of(0));

// What the identity key signs and the keys are bound to.
export function signedText({ suite, session_id, clientPublic, serverPublic, salt, created, expires }) {
  return join(
    text0('secgate channel v1'),
    text0(suite),
    unhex(session_id),
    clientPublic ?? zero,
    serverPublic ?? zero,
    salt,
    u64(created),
    u64(expires)
  );
}

async function expand(secret, info, length) {
  const key = await subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await subtle.sign('HMAC', key, join(info, Uint8Array.of(1)))).slice(0, length);
}

export async function firstSecret(shared, salt, text) {
  const hash = new Uint8Array(await subtle.digest('SHA-256', text));
  const key = await subtle.importKey('raw', shared, 'HKDF', false, ['deriveBits']);
  const info = join(utf8.encode('secgate channel v1 start'), hash);
  return new Uint8Array(await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, 256));
}

export const nextSecret = (secret, number) =>
  expand(secret, join(utf8.encode('secgate channel v1 next'), u64(number)), 32);

export async function epochKeys(secret) {
  const keys = {};
  for (const direction of ['request', 'response']) {
    const label = utf8.encode(`secgate channel v1 ${direction} key`);
    const raw = await expand(secret, label, 32);
    keys[direction] = await subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
    keys[`${direction}Iv`] = await expand(secret, utf8.encode(`secgate channel v1 ${direction} iv`), 12);
  }
  return keys;
}

export function sequenceNonce(iv, sequence) {
  const nonce = join(new Uint8Array(4), u64(sequence));
  return nonce.map((b, i) => b ^ iv[i]);
}

export function additionalData({ session_id, response, epoch, sequence, nextEpoch = 0, requestTag }) {
  return join(
    unhex(session_id),
    Uint8Array.of(response ? 1 : 0),
    u64(epoch),
    u64(sequence),
    u64(nextEpoch),
    requestTag ?? new Uint8Array(16)
  );
}

// A key pair to open a channel with: { publicKey (base64, for the request), privateKey }.
export async function keyPair() {
  const pair = await subtle.generateKey({ name: 'X25519' }, false, ['deriveBits']);
  return { publicKey: base64(await subtle.exportKey('raw', pair.publicKey)), privateKey: pair.privateKey };
}

export class Channel {
  // session: the answer of sessions_create. pair: from keyPair, or undefined where the key is given.
  // identityKey: the pinned key (base64); without it, that of the answer is believed.
  static async open(session, pair, identityKey) {
    const offer = session.channel;
    const c = new Channel();
    c.id = session.session_id;
    c.sequence = session.sequence - 1;
    c.responsesPerEpoch = offer.responses_per_epoch;
    const serverPublic = pair && bytes(offer.server_public_key);
    const text = signedText({
      suite: offer.suite,
      session_id: c.id,
      clientPublic: pair && bytes(pair.publicKey),
      serverPublic,
      salt: bytes(offer.salt),
      created: seconds(offer.created_at),
      expires: seconds(offer.expires_at),
    });
    let shared;
    if (pair) {
      if (offer.suite !== 'X25519-HKDF-SHA256-AES256GCM') throw new Error(`unknown suite ${offer.suite}`);
      const raw = bytes(identityKey ?? offer.identity_key);
      const identity = await subtle.importKey('raw', raw, { name: 'Ed25519' }, false, ['verify']);
      if (!(await subtle.verify('Ed25519', identity, bytes(offer.signature), text))) {
        throw new Error('the signature of the gateway is not valid');
      }
      const other = await subtle.importKey('raw', serverPublic, { name: 'X25519' }, false, []);
      shared = new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: other }, pair.privateKey, 256));
    } else {
      if (offer.suite !== 'GIVEN-HKDF-SHA256-AES256GCM') throw new Error(`unknown suite ${offer.suite}`);
      shared = bytes(offer.key);
    }
    const secret = await firstSecret(shared, bytes(offer.salt), text);
    c.epochs = new Map([[0, { secret, keys: await epochKeys(secret) }]]);
    c.epoch = 0;
    return c;
  }

  // Goes forward to the epoch `number`; forgets all but that and the one before.
  async advance(number) {
    if (number < this.epoch || number > this.epoch + 1) throw new Error(`epoch ${number} after ${this.epoch}`);
    while (this.epoch < number) {
      const secret = await nextSecret(this.epochs.get(this.epoch).secret, this.epoch + 1);
      this.epoch += 1;
      this.epochs.set(this.epoch, { secret, keys: await epochKeys(secret) });
      this.epochs.delete(this.epoch - 2);
    }
  }

  // The body of a request. content: what to enclose (text, bytes, or an object to be written as
  // JSON); undefined: nothing. Options for tests: sequence, epoch, nonce (bytes).
  async request(content, { sequence, epoch = this.epoch, nonce } = {}) {
    if (sequence === undefined) sequence = this.sequence += 1;
    const body = { sequence, epoch };
    if (content === undefined) return body;
    const { keys } = this.epochs.get(epoch);
    const plain =
      content instanceof Uint8Array
        ? content
        : utf8.encode(typeof content === 'string' ? content : JSON.stringify(content));
    const sealed = await subtle.encrypt(
      {
        name: 'AES-GCM',
        iv: nonce ?? sequenceNonce(keys.requestIv, sequence),
        additionalData: additionalData({ session_id: this.id, epoch, sequence }),
      },
      keys.request,
      plain
    );
    if (nonce) body.nonce = base64(nonce);
    body.data = base64(new Uint8Array(sealed));
    return body;
  }

  // Opens the answer to a request, and goes on to the next epoch; the content as text.
  async open(request, answer) {
    const epoch = this.epochs.get(answer.epoch);
    if (answer.sequence !== request.sequence) throw new Error('the answer to another request');
    if (!epoch) throw new Error(`no keys of epoch ${answer.epoch}`);
    const plain = await subtle.decrypt(
      {
        name: 'AES-GCM',
        iv: bytes(answer.nonce),
        additionalData: additionalData({
          session_id: this.id,
          response: true,
          epoch: answer.epoch,
          sequence: answer.sequence,
          nextEpoch: answer.next_epoch,
          requestTag: request.data && bytes(request.data).slice(-16),
        }),
      },
      epoch.keys.response,
      bytes(answer.data)
    );
    if (answer.next_epoch > this.epoch) await this.advance(answer.next_epoch);
    return new TextDecoder('utf-8', { fatal: true }).decode(plain);
  }

  // One exchange through `client` (lib/client.mjs); the content as an object.
  async exchange(client, content, { path = 'current', expect = 200, ...options } = {}) {
    const request = await this.request(content, options);
    const answer = (await client.post(`/v1/sessions/${path}/data`, { json: request, expect })).json;
    return JSON.parse(await this.open(request, answer));
  }
}

// Logs in with a channel. Options: given (a secret from the gateway instead of an agreement), bind, localAddress.
export async function openChannel(gw, username, password, { given = false, bind, ...options } = {}) {
  const client = gw.client(options);
  const pair = given ? undefined : await keyPair();
  const identity = (await client.get('/v1/identity', { token: null, expect: 200 })).json.key;
  const json = { username, password, channel: { public_key: pair?.publicKey, bind } };
  const session = (await client.post('/v1/sessions', { json, token: null, expect: 201 })).json;
  Object.assign(client, { username, password, session, token: session.token });
  return { client, session, channel: await Channel.open(session, pair, identity) };
}
