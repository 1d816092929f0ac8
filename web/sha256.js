// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) piece by piece, for files that are too large for WebCrypto, which wants all of a
// content at once. It holds 64 bytes of the content, whatever its size.

const BLOCK = 64;

// The first 32 bits of the fractions of the roots of the first primes, as the standard has them.
function primes(count) {
  const found = [];
  for (let n = 2; found.length < count; n += 1) {
    if (found.every((prime) => n % prime !== 0)) found.push(n);
  }
  return found;
}

const fraction = (value) => Math.floor((value - Math.floor(value)) * 2 ** 32) | 0;
const K = Int32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(primes(8), (prime) => fraction(Math.sqrt(prime)));

const turn = (value, bits) => (value >>> bits) | (value << (32 - bits));

export class Sha256 {
  constructor() {
    this.state = START.slice();
    this.words = new Int32Array(64);
    this.rest = new Uint8Array(BLOCK);
    this.held = 0; // bytes in `rest`
    this.length = 0; // bytes so far
  }

  /** @param {Uint8Array} octets */
  update(octets) {
    this.length += octets.length;
    let at = 0;
    if (this.held > 0) {
      at = Math.min(BLOCK - this.held, octets.length);
      this.rest.set(octets.subarray(0, at), this.held);
      this.held += at;
      if (this.held < BLOCK) return;
      this.block(this.rest, 0);
      this.held = 0;
    }
    for (; at + BLOCK <= octets.length; at += BLOCK) this.block(octets, at);
    this.rest.set(octets.subarray(at));
    this.held = octets.length - at;
  }

  block(octets, at) {
    const w = this.words;
    for (let i = 0, p = at; i < 16; i += 1, p += 4) {
      w[i] = (octets[p] << 24) | (octets[p + 1] << 16) | (octets[p + 2] << 8) | octets[p + 3];
    }
    for (let i = 16; i < 64; i += 1) {
      const one = w[i - 15];
      const two = w[i - 2];
      const s0 = turn(one, 7) ^ turn(one, 18) ^ (one >>> 3);
      const s1 = turn(two, 17) ^ turn(two, 19) ^ (two >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    const s = this.state;
    let a = s[0];
    let b = s[1];
    let c = s[2];
    let d = s[3];
    let e = s[4];
    let f = s[5];
    let g = s[6];
    let h = s[7];
    for (let i = 0; i < 64; i += 1) {
      const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
      const one = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    s[0] += a;
    s[1] += b;
    s[2] += c;
    s[3] += d;
    s[4] += e;
    s[5] += f;
    s[6] += g;
    s[7] += h;
  }

  /** The 32 bytes; nothing can be added after it. */
  digest() {
    const bits = this.length * 8;
    const end = new Uint8Array(this.held < BLOCK - 8 ? BLOCK - this.held : 2 * BLOCK - this.held);
    const tail = new DataView(end.buffer);
    end[0] = 0x80;
    tail.setUint32(end.length - 8, Math.floor(bits / 2 ** 32));
    tail.setUint32(end.length - 4, bits % 2 ** 32);
    this.update(end);
    const out = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, i) => out.setInt32(4 * i, word));
    return new Uint8Array(out.buffer);
  }
}
