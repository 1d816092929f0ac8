// SPDX-License-Identifier: Apache-2.0
// The chain of the audit log (docs/audit.md), verified in the browser.

import { fromHex, toHex } from './digest.js';

/** RFC 8785 for what entries hold: texts, whole numbers, objects of them. */
function canonical(value) {
  if (typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(',')}}`;
}

/** The chain value after `entry`, given the one before it. */
async function next(chain, entry) {
  const { chain: shown, ...content } = entry;
  const text = new TextEncoder().encode(canonical(content));
  const both = new Uint8Array(32 + text.length);
  both.set(fromHex(chain));
  both.set(text, 32);
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', both)));
}

/**
 * Whether entries in rising order are one unbroken piece of the chain.
 * @param {object} mark `{seq, chain}` right before the first entry
 * @returns {Promise<number>} `seq` of the entry where it breaks; 0: nowhere
 */
export async function check(entries, mark) {
  let before = mark;
  for (const entry of entries) {
    if (entry.seq !== before.seq + 1) return entry.seq;
    if ((await next(before.chain, entry)) !== entry.chain) return entry.seq;
    before = entry;
  }
  return 0;
}
