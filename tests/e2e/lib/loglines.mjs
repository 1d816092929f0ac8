// SPDX-License-Identifier: Apache-2.0
// What the tests of the log share: a gateway with a key and so many signatures, and the whole log as read over HTTP.
import assert from 'node:assert/strict';
import { itemOf } from './signing.mjs';
import { allEntries, leafHash, openCheckpoint, treeHash } from './tlog.mjs';

// Signs `count` digests in batches of at most 100; the answers' signatures, in order.
export async function signMany(client, key, count, prefix = 'file') {
  const signatures = [];
  while (signatures.length < count) {
    const items = Array.from({ length: Math.min(100, count - signatures.length) }, (_, i) => itemOf(`${prefix}-${signatures.length + i}`));
    signatures.push(...(await client.post('/v1/signatures', { json: { key, items }, expect: 201 })).json.signatures);
  }
  return signatures;
}

// { key, note, size, root, leaves: hashes, entries } after a check that the tiles make the root.
export async function wholeLog(client) {
  const bytes = async (path) => (await client.get(path, { expect: 200 })).bytes;
  const { key } = (await client.get('/v1/log', { expect: 200 })).json;
  const note = (await bytes('/log/checkpoint')).toString();
  const { size, root } = openCheckpoint(note, key);
  const entries = await allEntries(bytes, size);
  const leaves = entries.map(leafHash);
  assert.deepEqual(treeHash(leaves), root);
  return { key, note, size, root, leaves, entries };
}
