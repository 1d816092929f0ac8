// SPDX-License-Identifier: Apache-2.0
// The page by keyboard: where the focus is, and how to get it elsewhere.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const STEPS_MAX = 60;

// What has the focus: its accessible name as far as tests need it, and whether one can see that.
export function focused(page) {
  return page.evaluate(() => {
    const node = document.activeElement;
    const style = getComputedStyle(node);
    const label = node.labels?.[0]?.textContent ?? node.getAttribute('aria-label') ?? node.textContent;
    return {
      tag: node.localName,
      name: label.trim(),
      seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0
    };
  });
}

// Waits until the focus is on `name`: the page moves it when what it belongs to is there.
export async function waitForFocus(page, name, ms = 10000) {
  const end = performance.now() + ms;
  for (;;) {
    const now = (await focused(page)).name;
    if (now === name) return;
    if (performance.now() > end) assert.equal(now, name);
    await sleep(20);
  }
}

// Presses `key` until the focus is on `name`; wherever it is on the way, it can be seen.
export async function tabTo(page, name, key = 'Tab') {
  const passed = [];
  for (let i = 0; i < STEPS_MAX; i += 1) {
    await page.keyboard.press(key);
    const now = await focused(page);
    assert.ok(now.seen || now.tag === 'body', `the focus on ${now.tag} ${now.name} cannot be seen`);
    if (now.name === name) return;
    passed.push(now.name);
  }
  assert.fail(`${name} is not reached by ${key}: ${passed.join(', ')}`);
}
