// SPDX-License-Identifier: Apache-2.0
// After all other files: every operation of the document has been called, and has succeeded.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { operations } from './lib/contract.mjs';

const directory = process.env.SECGATE_E2E_REPORT;

test('every operation was exercised', { skip: directory ? false : 'run by e2e/run.mjs' }, () => {
  const seen = new Map(operations.map((operation) => [operation.id, new Set()]));
  for (const file of readdirSync(directory)) {
    const hits = JSON.parse(readFileSync(join(directory, file), 'utf8'));
    for (const [id, answers] of Object.entries(hits)) answers.forEach((answer) => seen.get(id).add(answer));
  }
  const never = [...seen].filter(([, answers]) => ![...answers].some((answer) => /^2/.test(answer)));
  assert.deepEqual(never.map(([id]) => id), []);
});
