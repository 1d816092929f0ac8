// SPDX-License-Identifier: Apache-2.0
// Second factors as somebody has them who signs in: an authenticator app, an authenticator for
// passkeys that Chromium emulates, and a QR symbol read from the page.
import { createHmac } from 'node:crypto';

const STEP_S = 30;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function fromBase32(text) {
  const bits = Array.from(text, (letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

// The code of RFC 6238 for a time step.
function codeAt(secret, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1e6).padStart(6, '0');
}

// An app that never shows a code twice: each is good once.
export class App {
  constructor(secret) {
    this.secret = secret.replaceAll(' ', '');
    this.last = 0;
  }

  // The next code that the gateway takes now; it allows for one step of skew.
  async code() {
    for (;;) {
      const now = Math.floor(Date.now() / 1000 / STEP_S);
      const step = Math.max(now, this.last + 1);
      if (step <= now + 1) {
        this.last = step;
        return codeAt(this.secret, step);
      }
      await new Promise((done) => setTimeout(done, 500));
    }
  }
}

// Chromium's own authenticator for passkeys: there, and with its user in front of it.
export async function authenticator(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true
    }
  });
  return {
    credentials: async () =>
      (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    verifies: (isUserVerified) =>
      devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })
  };
}

// The modules of a QR symbol as they are drawn, without the quiet zone, and how wide that is.
export function readQr(page) {
  return page.locator('svg.qr').evaluate((svg) => {
    const side = svg.viewBox.baseVal.width;
    const rows = Array.from({ length: side }, () => Array(side).fill('0'));
    for (const [, x, y, width] of svg.querySelector('path').getAttribute('d').matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
      rows[y].fill('1', Number(x), Number(x) + Number(width));
    }
    const quiet = rows.findIndex((row) => row.includes('1'));
    return { quiet, rows: rows.slice(quiet, side - quiet).map((row) => row.slice(quiet, side - quiet).join('')) };
  });
}
