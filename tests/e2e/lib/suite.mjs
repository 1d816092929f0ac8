// SPDX-License-Identifier: Apache-2.0
// One test file = one suite on one gateway, which must end with status 0.
import test from 'node:test';
import './webcrypto.mjs';
import { Gateway } from './gateway.mjs';

const LIMIT_MS = 120000;

// fn({ gw, it }): gw is started (or undefined with options.gateway === false), it(name, fn) runs a sub-test.
// options.limit: milliseconds for all of it; the others are the gateway's. Whatever fails, or takes too long, the
// gateway is ended.
export function suite(name, ...rest) {
  const fn = rest.pop();
  const { gateway: wanted = true, limit = LIMIT_MS, ...options } = rest.pop() ?? {};
  test(name, { timeout: limit }, async (t) => {
    const gw = wanted ? await Gateway.start(options) : undefined;
    let failed = true;
    t.signal.addEventListener('abort', () => failed && gw?.kill());
    try {
      await fn({ t, gw, it: (title, ...args) => t.test(title, ...args) });
      failed = false;
    } finally {
      if (gw && failed) {
        await gw.closeClients();
        gw.kill();
        await gw.exited;
      }
    }
    if (gw) await gw.stop();
  });
}
