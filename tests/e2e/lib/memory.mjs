// SPDX-License-Identifier: Apache-2.0
// Looks for secrets in the memory of a process, as root may.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const STEP = 4 << 20;
const RESERVED = 2 ** 36; // more is the shadow of a sanitizer, which holds no data of the program
const PAGE = 4096;

// Whether the process has anything in memory or swap between two addresses. To read what it has only reserved would make it
// up, page after page: minutes, where a sanitizer's allocator reserves gigabytes.
function isUsed(pagemap, from, to) {
  const entries = Buffer.alloc(((to - from) / PAGE) * 8);
  const size = readSync(pagemap, entries, 0, entries.length, (from / PAGE) * 8);
  for (let i = 7; i < size; i += 8) if (entries[i] & 0xc0) return true;
  return false;
}

// Which of the needles are in the memory of a process.
export function findInMemory(pid, wanted) {
  const longest = Math.max(...wanted.map(({ bytes }) => bytes.length));
  const found = new Set();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  const buffer = Buffer.alloc(STEP + longest);
  let scanned = 0;
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) (r)/.exec(line);
      if (!range || /\[v(var|syscall|var_vclock)/.test(line)) continue;
      const start = parseInt(range[1], 16);
      const end = parseInt(range[2], 16);
      if (end - start > RESERVED) continue;
      for (let at = start; at < end; at += STEP) {
        let size;
        if (!isUsed(pagemap, at, Math.min(at + STEP, end))) continue;
        try {
          size = readSync(memory, buffer, 0, Math.min(STEP + longest, end - at), at);
        } catch {
          continue;
        }
        scanned += size;
        const part = buffer.subarray(0, size);
        for (const needle of wanted) if (part.includes(needle.bytes)) found.add(needle.name);
      }
    }
  } finally {
    closeSync(memory);
    closeSync(pagemap);
  }
  assert.ok(scanned > 1 << 20, `only ${scanned} bytes could be read`);
  return [...found];
}
