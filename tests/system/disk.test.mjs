// SPDX-License-Identifier: Apache-2.0
// A full disk: 507, the old version stays, the service goes on, and after making room uploads work again.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Gateway, temporaryDirectory } from '../e2e/lib/gateway.mjs';
import { sha256 } from '../e2e/lib/content.mjs';

const SIZE_MB = 48;

// A small file system of its own; needs root, as CI has, or unprivileged user namespaces are of no use here.
function mountSmall() {
  const directory = temporaryDirectory('secgate-disk-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m,mode=0700`, 'tmpfs', directory]);
  return directory;
}

const body = (bytes) => randomBytes(bytes);
const octets = 'application/octet-stream';

async function fill(client, bytes, prefix) {
  for (let i = 0; i < 1000; i++) {
    const answer = await client.put(`/v1/files/common/${prefix}${i}`, { body: body(bytes), type: octets });
    if (answer.status === 507) {
      assert.equal(answer.code, 'insufficient-storage');
      return i;
    }
    assert.equal(answer.status, 201);
  }
  throw new Error('the disk never filled');
}

for (const reserve of ['4M', '0']) {
  test(`full disk with a reserve of ${reserve}`, { timeout: 180000 }, async () => {
    const directory = mountSmall();
    let gw;
    try {
      gw = await Gateway.start({ data: join(directory, 'data'), config: { limits: { 'reserve-bytes': reserve } } });
      const admin = await gw.admin();
      const old = body(1 << 20);
      await admin.put('/v1/files/common/kept', { body: old, type: octets, expect: 201 });

      const stored = await fill(admin, 2 << 20, 'big');
      assert.ok(stored >= 10, `only ${stored} files fitted`);
      // Replacing fails too, and the old version is intact.
      await admin.put('/v1/files/common/kept', { body: body(16 << 20), type: octets, expect: 507 });
      // Also when the length is not told in advance.
      const chunked = async function* () {
        for (let i = 0; i < 24; i++) yield body(1 << 20);
      };
      const answer = await admin
        .put('/v1/files/common/kept', { body: chunked(), type: octets })
        .catch((error) => ({ status: 507, cut: error.code }));
      assert.equal(answer.status, 507);
      const kept = await admin.get('/v1/files/common/kept', { expect: 200 });
      assert.equal(sha256(kept.bytes), sha256(old));
      assert.deepEqual(readdirSync(join(gw.data, 'tmp')), []);

      // The service goes on: reads, time, and making room.
      await admin.get('/v1/daytime', { expect: 200 });
      await admin.get('/v1/files/common/', { expect: 200 });
      for (let i = 0; i < stored; i++) await admin.delete(`/v1/files/common/big${i}`, { expect: 204 });
      await admin.put('/v1/files/common/again', { body: body(4 << 20), type: octets, expect: 201 });
      await gw.restart();
      const later = await gw.login('root-admin', 'the first password');
      assert.equal(sha256((await later.get('/v1/files/common/kept', { expect: 200 })).bytes), sha256(old));
      await gw.stop();
    } finally {
      gw?.kill();
      await gw?.exited;
      execFileSync('umount', [directory]);
    }
  });
}
