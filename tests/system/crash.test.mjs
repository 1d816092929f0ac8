// SPDX-License-Identifier: Apache-2.0
// kill -9 of the worker, 200 times during parallel uploads: every file whose upload was answered is there and
// whole, nothing half written is visible, no temporary file is left.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../e2e/lib/gateway.mjs';
import { sha256 } from '../e2e/lib/content.mjs';
import { suite } from '../e2e/lib/suite.mjs';

const ROUNDS = Number(process.env.SECGATE_CRASH_ROUNDS ?? 200);
const UPLOADERS = 6;
const LIMIT_MS = 15 * 60 * 1000;

const blobNames = (data) =>
  readdirSync(join(data, 'blobs')).flatMap((fan) => readdirSync(join(data, 'blobs', fan)));

// The login again after each crash is not needed: tokens are verified by their signature and the session in the store.
const options = { limit: LIMIT_MS, config: { accounts: { 'access-token-seconds': 3600 } } };
suite('acknowledged uploads survive kill -9 of the worker', options, async ({ t, gw }) => {
  const admin = await gw.admin();
  const acknowledged = new Map(); // path -> digest of the last acknowledged content
  const attempted = new Map(); // path -> digests that may be there as well: sent, not answered
  let stop = false;
  let failures = 0;

  const uploader = async (number) => {
    const client = gw.client({ token: admin.token, connections: 2 });
    for (let i = 0; !stop; i++) {
      const path = `common/crash/${number}/${i % 40}.bin`;
      const body = randomBytes(i % 7 === 0 ? 400_000 : 200 + (i * 997) % 60_000);
      const digest = sha256(body);
      if (!attempted.has(path)) attempted.set(path, new Set());
      attempted.get(path).add(digest);
      try {
        const answer = await client.put(`/v1/files/${path}`, { body, type: 'application/octet-stream' });
        if (answer.status === 200 || answer.status === 201) {
          acknowledged.set(path, digest);
          attempted.set(path, new Set());
        } else {
          assert.ok(answer.status >= 500, `unexpected ${answer.status}`);
        }
      } catch (error) {
        if (error.code === 'ERR_ASSERTION') throw error;
        failures++;
        await sleep(5);
      }
    }
    await client.destroy();
  };

  t.signal.addEventListener('abort', () => (stop = true));
  const uploaders = Array.from({ length: UPLOADERS }, (_, n) => uploader(n));
  const parent = gw.pid;
  const all = Promise.all(uploaders);
  all.catch(() => {}); // it is awaited below, after the rounds
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const worker = await eventually(() => gw.roles().worker, 'a worker');
      await sleep(20 + Math.floor(Math.random() * 160));
      try {
        process.kill(worker, 'SIGKILL');
      } catch (error) {
        assert.equal(error.code, 'ESRCH');
      }
      await eventually(() => gw.roles().worker !== worker && gw.roles().worker, 'the next worker');
    }
  } finally {
    stop = true;
  }
  await all;
  assert.ok(failures > 0, 'no upload was ever cut off: the test did not test');
  assert.ok(acknowledged.size >= UPLOADERS, 'hardly any upload was answered');
  assert.equal(gw.pid, parent);

  await eventually(async () => {
    try {
      return (await gw.client().get('/readyz')).status === 200;
    } catch {
      return false;
    }
  }, 'readiness after the last crash');

  const reader = gw.client({ token: admin.token });
  for (const [path, digest] of acknowledged) {
    const answer = await reader.get(`/v1/files/${path}`, { expect: 200 });
    const got = sha256(answer.bytes);
    assert.ok(got === digest || attempted.get(path).has(got), `${path}: neither the acknowledged nor a later content`);
    assert.equal(answer.headers.etag, `"${got}"`);
  }
  // What is listed can be read and is whole: nothing half written has a name.
  let cursor;
  let listed = 0;
  do {
    const query = { recursive: true, limit: 1000, ...(cursor ? { cursor } : {}) };
    const page = (await reader.get('/v1/files/common/', { query, expect: 200 })).json;
    for (const entry of page.entries.filter((one) => one.type === 'file')) {
      const answer = await reader.get(`/v1/files/${entry.path}`, { expect: 200 });
      assert.equal(answer.bytes.length, entry.size, entry.path);
      assert.equal(sha256(answer.bytes), entry.sha256, entry.path);
      listed++;
    }
    cursor = page.next_cursor;
  } while (cursor);
  assert.ok(listed >= acknowledged.size);
  await gw.restart();
  assert.deepEqual(readdirSync(join(gw.data, 'tmp')), [], 'temporary files after a start');
  // Blobs that no entry refers to are collected in the background.
  const after = gw.client({ token: admin.token });
  await eventually(
    async () => {
      const digests = new Set();
      let next;
      do {
        const query = { recursive: true, limit: 1000, ...(next ? { cursor: next } : {}) };
        const page = (await after.get('/v1/files/common/', { query, expect: 200 })).json;
        for (const entry of page.entries) if (entry.sha256) digests.add(entry.sha256);
        next = page.next_cursor;
      } while (next);
      return blobNames(gw.data).every((name) => digests.has(name));
    },
    'collection of unreferenced blobs',
    60000
  );
});
