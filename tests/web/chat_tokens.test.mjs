// SPDX-License-Identifier: Apache-2.0
// Live events over the ends of access tokens: the cookie is renewed in time and nothing is lost.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../e2e/lib/gateway.mjs';
import { assertQuiet } from './lib/browser.mjs';
import { enter, message, PASSWORD, shown, streams } from './lib/chat.mjs';
import { suite } from './lib/suite.mjs';

const TOKEN_S = 40; // the page renews 25 seconds before

suite('web chat tokens', { config: { accounts: { 'access-token-seconds': TOKEN_S } } }, async ({ gw, browser, it }) => {
  const admin = await gw.admin('ann', PASSWORD);
  const page = await browser.page();
  const made = streams(page);

  await it('renews the cookie with the token, and nobody notices', async () => {
    await enter(page, gw, 'ann');
    await page.evaluate(() => {
      const node = document.querySelector('.live');
      window.states = [];
      new MutationObserver(() => window.states.push(node.dataset.state)).observe(node, { attributes: true });
    });
    const texts = [];
    await eventually(
      async () => {
        texts.push(`number ${texts.length}`);
        await admin.post('/v1/chat/common/messages', { json: { text: texts.at(-1) }, expect: 201 });
        await sleep(100);
        return made.length > 1;
      },
      'another stream',
      TOKEN_S * 1000
    );
    await admin.post('/v1/chat/common/messages', { json: { text: 'with the new token' }, expect: 201 });
    await message(page, 'with the new token').waitFor();
    assert.deepEqual(
      (await shown(page)).map(({ text }) => text),
      [...texts, 'with the new token']
    );
    assert.notEqual(made[0].cookie, made[1].cookie);
    assert.ok(!(await page.evaluate(() => window.states)).includes('reconnecting'));
    assertQuiet(page);
  });
});
