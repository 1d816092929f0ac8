// SPDX-License-Identifier: Apache-2.0
// Tiles: what they hold makes the signed root; partial ones; names that are none; bits that have changed on disk.
import assert from 'node:assert/strict';
import { openSync, closeSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { signMany, wholeLog } from './lib/loglines.mjs';
import { recordText, bundleEntries, leafHash, nodeHash, tilePath } from './lib/tlog.mjs';
import { suite } from './lib/suite.mjs';

const COUNT = 600; // two full tiles, and one that is not

function flip(file, offset) {
  const fd = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, offset);
  byte[0] ^= 1;
  writeSync(fd, byte, 0, 1, offset);
  closeSync(fd);
}

const split = (bytes) => Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * i + 32));
const subtree = (hashes) => (hashes.length === 1 ? hashes[0] : nodeHash(subtree(hashes.slice(0, hashes.length / 2)), subtree(hashes.slice(hashes.length / 2))));

suite('log_tile', async ({ gw, it }) => {
  const anyone = gw.client();
  const admin = await gw.admin();
  const get = (level, index, width, expect = 200) => anyone.get(tilePath(level, index, width), { expect });
  await admin.post('/v1/keys', { json: { name: 'k', type: 'ed25519' }, expect: 201 });
  await anyone.get('/log/tile/0/000.p/1', { expect: [404, 'not-found'] });
  const signatures = await signMany(admin, 'k', COUNT);
  const { leaves, entries, size } = await wholeLog(anyone);

  await it('of entries hold the records of the signatures, and nothing else', async () => {
    assert.equal(size, COUNT);
    for (const signature of signatures) assert.deepEqual(entries[signature.log.index], recordText(signature));
    for (const entry of entries) assert.deepEqual(Object.keys(JSON.parse(entry)).filter((name) => /signature|formats|log/.test(name)), []);
  });

  await it('of hashes hold those of the entries, and of the tiles below', async () => {
    for (const [index, width] of [[0, 256], [1, 256], [2, 88]]) {
      const { bytes, headers } = await get(0, index, width);
      assert.equal(headers['content-type'], 'application/octet-stream');
      assert.deepEqual(split(bytes), leaves.slice(256 * index, 256 * index + width));
    }
    const { bytes } = await get(1, 0, 2);
    assert.deepEqual(split(bytes), [subtree(leaves.slice(0, 256)), subtree(leaves.slice(256, 512))]);
  });

  await it('may be kept for ever when full', async () => {
    for (const level of [0, 'entries']) {
      assert.equal((await get(level, 1, 256)).headers['cache-control'], 'public, max-age=31536000, immutable');
      assert.doesNotMatch((await get(level, 2, 88)).headers['cache-control'], /immutable/);
    }
  });

  await it('of any width up to what is there', async () => {
    for (const [index, width] of [[0, 1], [0, 255], [1, 100], [2, 1], [2, 88]]) {
      assert.deepEqual(split((await get(0, index, width)).bytes), leaves.slice(256 * index, 256 * index + width));
      assert.deepEqual(bundleEntries((await get('entries', index, width)).bytes).map(leafHash), leaves.slice(256 * index, 256 * index + width));
    }
  });

  await it('that are not there are not found', async () => {
    for (const [level, index, width] of [[0, 2, 89], [0, 2, 256], [0, 3, 1], [1, 0, 3], [1, 1, 1], [2, 0, 1], [7, 0, 1], [0, 999999, 256], ['entries', 2, 89], ['entries', 3, 1]]) {
      await get(level, index, width, [404, 'not-found']);
    }
  });

  await it('are named in one way only', async () => {
    for (const name of [
      '0', '0/', '0/0', '0/00', '0/0000', '0/000/', '0/000.p', '0/000.p/', '0/000.p/0', '0/000.p/01', '0/000.p/256', '0/000.p/-1', '8/000', '00/000', '-1/000',
      '0/x000/000', '0/x000', '0/000/000', '0/x001', '0/001x', 'entries', 'entries/', 'entries/0', 'Entries/000', 'entries/x000/001', 'entries/000.p/1/',
      '0//000', '0/../0/000', '../checkpoint', '../../../../etc/passwd', '%2e%2e/checkpoint', '0%2F000.p/0', 'entries/000.P/1', '0/x999/x999/x999/x999/x999/x999/x999/999',
    ]) {
      await anyone.get(`/log/tile/${name}`, { outside: true, invalid: true, expect: [404, 'not-found'] });
    }
  });

  await it('with a changed bit are not given out', async () => {
    const file = (name) => join(gw.data, 'log', name);
    const cases = [
      ['hash.0', 32 * 300 + 5, [[0, 1, 256], ['entries', 0, 256, 200], [0, 0, 256, 200]]],
      ['hash.1', 7, [[1, 0, 2], [0, 1, 256]]],
      ['entries', 900, [['entries', 0, 256], [0, 0, 256, 200]]],
      ['entries', 0, [['entries', 0, 256], ['entries', 0, 1]]],
      ['bundles', 15, [['entries', 1, 256]]],
    ];
    for (const [name, offset, tiles] of cases) {
      flip(file(name), offset);
      for (const [level, index, width, status] of tiles) await get(level, index, width, status ?? [500, 'corrupt']);
      flip(file(name), offset);
    }
    for (const index of [0, 1]) {
      await get(0, index, 256);
      await get('entries', index, 256);
    }
  });
});
