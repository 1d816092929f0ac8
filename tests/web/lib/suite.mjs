// SPDX-License-Identifier: Apache-2.0
// One test file = one gateway and one Chromium, and a story: steps after one that failed are skipped.
import { suite as gatewaySuite } from '../../e2e/lib/suite.mjs';
import { Browser } from './browser.mjs';

// fn({ gw, browser, it }): both are started; it(name, fn) runs a step. options: as for a suite of e2e.
export function suite(name, ...rest) {
  const fn = rest.pop();
  gatewaySuite(name, ...rest, async ({ gw, it }) => {
    const browser = await Browser.start(gw);
    let failed = false;
    const step = (title, work) =>
      it(title, async (t) => {
        if (failed) return t.skip('a step before failed');
        failed = true;
        await work(t);
        failed = false;
      });
    try {
      await fn({ gw, browser, it: step });
    } finally {
      await browser.stop();
    }
  });
}
