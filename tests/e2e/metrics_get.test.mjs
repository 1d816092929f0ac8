// SPDX-License-Identifier: Apache-2.0
// Metrics in Prometheus' text format.
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';

suite('metrics_get', async ({ gw, it }) => {
  const anyone = gw.client();
  const read = async () => (await anyone.get('/metrics', { expect: 200 })).bytes.toString();

  await it('every line is a comment or a sample, and each family is typed once', async () => {
    await anyone.get('/v1/daytime', { expect: 200 });
    const text = await read();
    const sample = /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$/;
    const typed = new Set();
    const seen = new Set();
    assert.ok(text.endsWith('\n'));
    for (const line of text.trimEnd().split('\n')) {
      if (line.startsWith('# TYPE ')) {
        const name = line.split(' ')[2];
        assert.ok(!typed.has(name), `${name} is typed twice`);
        typed.add(name);
      } else if (!line.startsWith('#')) {
        assert.match(line, sample);
        const series = line.slice(0, line.lastIndexOf(' '));
        assert.ok(!seen.has(series), `${series} is there twice`);
        seen.add(series);
        const family = series.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '');
        assert.ok(typed.has(family) || typed.has(series.replace(/\{.*/, '')), `${series} has no type`);
      }
    }
    assert.ok(seen.size >= 5);
  });

  await it('counters count', async () => {
    const total = (text) =>
      text
        .split('\n')
        .filter((line) => /^secgate_\w*requests_total\b/.test(line))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    const before = total(await read());
    for (let i = 0; i < 10; i += 1) await anyone.get('/v1/daytime', { expect: 200 });
    const after = total(await read());
    assert.ok(after - before >= 10, `${before} to ${after}`);
  });

  await it('names of users and files are not in it', async () => {
    const admin = await gw.admin('very-visible-name');
    await admin.put('/v1/files/common/very-visible-file', { body: 'x', expect: 201 });
    assert.ok(!(await read()).includes('very-visible'));
  });
});
