// SPDX-License-Identifier: Apache-2.0
// Reads and verifies the audit log by docs/audit.md alone.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

// RFC 8785 for what entries hold: strings, whole numbers, objects.
function canonical(value) {
  if (typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

// Verifies entries that begin where `mark` ends; the mark of their end.
export function verify(mark, entries) {
  let { seq, chain } = mark;
  for (const { chain: shown, ...entry } of entries) {
    const hash = createHash('sha256').update(Buffer.from(chain, 'hex')).update(canonical(entry));
    chain = hash.digest('hex');
    assert.equal(entry.seq, ++seq);
    assert.equal(shown, chain, `the chain breaks at ${seq}`);
  }
  return { seq, chain };
}

// The last page with all entries, page by page.
export async function readAll(admin, limit = 1000) {
  const all = [];
  let page;
  do {
    page = (await admin.get('/v1/audit', { query: { after: all.at(-1)?.seq ?? 0, limit }, expect: 200 })).json;
    all.push(...page.entries);
  } while (page.entries.length > 0);
  return { ...page, entries: all };
}
