// SPDX-License-Identifier: Apache-2.0
// Fills a directory of the space `common` with many small files, over kept connections in parallel.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wrk } from './measure.mjs';

const ROUND_SECONDS = 10;

// Each thread of wrk names its files by its own number and count, and makes no new names beyond its share: what it
// sends after that replaces its last file.
const script = (prefix, token, share) => `
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init() count = 0 end
function request()
  if count < ${share} then count = count + 1 end
  return wrk.format("PUT", string.format("${prefix}%d-%07d.txt", number, count),
    { ["Authorization"] = "Bearer ${token}", ["Content-Type"] = "text/plain" }, "x")
end`;

async function count(client, path) {
  let files = 0;
  for (let cursor = ''; cursor !== null; ) {
    const query = cursor === '' ? { limit: 1000 } : { limit: 1000, cursor };
    const page = (await client.get(path, { query, expect: 200 })).json;
    files += page.entries.length;
    cursor = page.next_cursor;
  }
  return files;
}

// Stores `wanted` files within `seconds`, if it can; gives how many there are.
export async function fill(client, name, wanted, seconds, scratch) {
  const { origin } = client.gateway;
  const path = `/v1/files/common/${name}/`;
  const file = join(scratch, 'fill.lua');
  const end = performance.now() + seconds * 1000;
  let stored = 0;
  for (let round = 0; stored < wanted && performance.now() < end; round++) {
    const share = Math.ceil((wanted - stored) / 2);
    writeFileSync(file, script(`${path}${round}-`, client.token, share));
    await wrk(origin, { connections: 64, script: file, seconds: wanted > 1000 ? ROUND_SECONDS : 1 });
    stored = await count(client, path);
  }
  return stored;
}
