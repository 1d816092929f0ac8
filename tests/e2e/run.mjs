// SPDX-License-Identifier: Apache-2.0
// Runs every end-to-end test file in a process of its own, a few at a time, then the coverage test.
// The last line on standard output is "N passed, N failed".
//   node e2e/run.mjs [-j N] [NAME...]     NAME: a test's name without .test.mjs; default all
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE_LIMIT_MS = 180000;
const here = fileURLToPath(new URL('.', import.meta.url));
const last = 'coverage';

const names = process.argv.slice(2);
let jobs = Math.max(2, availableParallelism());
if (names[0] === '-j') jobs = Number(names.splice(0, 2)[1]);

// Files that load the machine on purpose run alone, at the end.
const alone = new Set(['load']);
const all = readdirSync(here)
  .filter((file) => file.endsWith('.test.mjs'))
  .map((file) => file.slice(0, -'.test.mjs'.length))
  .filter((name) => name !== last)
  .sort();
const chosen = names.length > 0 ? names.filter((name) => name !== last) : all;

const report = mkdtempSync(join(tmpdir(), 'secgate-e2e-report-'));
process.on('exit', () => rmSync(report, { recursive: true, force: true }));
const total = { passed: 0, failed: 0 };
const children = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of children) child.kill('SIGTERM');
    process.exitCode = 1;
  });
}

function count(output, word) {
  const found = new RegExp(`^# ${word} ([0-9]+)$`, 'm').exec(output);
  return found ? Number(found[1]) : 0;
}

function runFile(name) {
  return new Promise((done) => {
    const started = performance.now();
    const child = spawn(process.execPath, ['--test-reporter=tap', join(here, `${name}.test.mjs`)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SECGATE_E2E_REPORT: report },
    });
    children.add(child);
    let output = '';
    const collect = (text) => (output += text);
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    const timer = setTimeout(() => child.kill('SIGTERM'), FILE_LIMIT_MS);
    child.on('close', (status) => {
      clearTimeout(timer);
      children.delete(child);
      const passed = count(output, 'pass');
      const failed = count(output, 'fail') + count(output, 'cancelled');
      total.passed += passed;
      total.failed += status === 0 ? failed : Math.max(failed, 1);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const word = status === 0 && failed === 0 ? 'ok  ' : 'FAIL';
      console.log(`${word} ${name.padEnd(20)} ${String(passed).padStart(3)} passed ${seconds.padStart(6)} s`);
      if (word === 'FAIL') console.log(output.replace(/^/gm, '    '));
      done();
    });
  });
}

const queue = chosen.filter((name) => !alone.has(name));
async function lane() {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) await runFile(name);
}
await Promise.all(Array.from({ length: jobs }, lane));
for (const name of chosen.filter((name) => alone.has(name))) await runFile(name);
if (names.length === 0 || names.includes(last)) await runFile(last);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;
