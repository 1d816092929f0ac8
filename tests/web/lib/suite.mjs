// SPDX-License-Identifier: Apache-2.0
// One test file = one gateway and one Chromium.
import { suite as gatewaySuite } from '../../e2e/lib/suite.mjs';
import { Browser } from './browser.mjs';

// fn({ gw, browser, it }): both are started; it(name, fn) runs a sub-test.
export function suite(name, fn) {
  gatewaySuite(name, async ({ gw, it }) => {
    const browser = await Browser.start(gw);
    try {
      await fn({ gw, browser, it });
    } finally {
      await browser.stop();
    }
  });
}
