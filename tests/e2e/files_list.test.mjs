// SPDX-License-Identifier: Apache-2.0
// Lists: pages, order, recursion, prefixes.
import assert from 'node:assert/strict';
import { badPaths } from './lib/content.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

suite('files_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const list = (dir, query, options = {}) => ann.get(`/v1/files/${dir}/`, { query, expect: 200, ...options });
  const names = async (dir, query) => (await list(dir, query)).json.entries.map((entry) => entry.name);

  // Every page of a list, as one.
  const walk = async (dir, query) => {
    const found = [];
    let cursor;
    do {
      const page = (await list(dir, cursor ? { ...query, cursor } : query)).json;
      assert.ok(page.entries.length <= query.limit);
      assert.ok(page.next_cursor === null || page.entries.length === query.limit);
      found.push(...page.entries);
      cursor = page.next_cursor;
    } while (cursor);
    return found;
  };

  const files = { 'b.txt': 30, 'a.txt': 20, 'c.txt': 10, 'B.txt': 20, '\u00e9.txt': 5, 'a-1': 20, 'a': 0 };
  for (const [name, size] of Object.entries(files)) {
    await ann.put(`/v1/files/common/l/${encodeURIComponent(name)}`, { body: 'x'.repeat(size), expect: 201 });
  }
  await ann.put('/v1/files/common/l/sub/deep/x.txt', { body: 'x', expect: 201 });
  await ann.put('/v1/files/common/l/sub/y.txt', { body: 'yy', expect: 201 });
  await ann.put('/v1/files/common/l/empty/', { expect: 201 });
  const inside = [...Object.keys(files), 'sub', 'empty'].sort(byBytes);

  await it('lists what is in a directory, in byte order', async () => {
    const { json } = await list('common/l');
    assert.equal(json.path, 'common/l');
    assert.equal(json.next_cursor, null);
    assert.deepEqual(json.entries.map((entry) => entry.name), inside);
    const entry = json.entries.find(({ name }) => name === 'b.txt');
    assert.equal(entry.path, 'common/l/b.txt');
    assert.equal(entry.size, 30);
    assert.equal(entry.type, 'file');
    assert.equal(entry.owner, 'ann');
    const sub = json.entries.find(({ name }) => name === 'sub');
    assert.equal(sub.type, 'directory');
    assert.equal(sub.sha256, null);
  });

  await it('lists a whole space, an empty one and "~me"', async () => {
    assert.ok((await names('common')).includes('l'));
    const { json } = await list('~me');
    assert.deepEqual(json, { path: '~ann', entries: [], next_cursor: null });
    assert.deepEqual((await list('common/l/empty')).json.entries, []);
  });

  await it('comes in pages of any size, nothing twice and nothing left out', async () => {
    for (const sort of ['name', '-name', 'size', '-size', 'modified', '-modified']) {
      const whole = await names('common/l', { sort });
      assert.deepEqual([...whole].sort(byBytes), inside, sort);
      for (const limit of [1, 2, 3, 4, inside.length, inside.length + 1]) {
        assert.deepEqual((await walk('common/l', { sort, limit })).map(({ name }) => name), whole, `${sort} by ${limit}`);
      }
    }
  });

  await it('sorts', async () => {
    assert.deepEqual(await names('common/l', { sort: '-name' }), [...inside].reverse());
    const sizes = (await list('common/l', { sort: 'size' })).json.entries.map(({ size }) => size);
    assert.deepEqual(sizes, [...sizes].sort((a, b) => a - b));
    const times = (await list('common/l', { sort: '-modified' })).json.entries.map(({ modified }) => modified);
    assert.deepEqual(times, [...times].sort().reverse());
  });

  const all = [...inside, 'sub/deep', 'sub/deep/x.txt', 'sub/y.txt'];

  await it('goes down', async () => {
    const entries = (await list('common/l', { recursive: 'true' })).json.entries;
    assert.deepEqual(entries.map(({ path }) => path).sort(byBytes), all.map((name) => `common/l/${name}`).sort(byBytes));
    assert.deepEqual(entries.map(({ name }) => name).sort(byBytes), [...all].sort(byBytes));
    for (const limit of [1, 3, 5]) {
      const paged = await walk('common/l', { recursive: 'true', limit });
      assert.deepEqual(paged.map(({ path }) => path), entries.map(({ path }) => path));
    }
    assert.deepEqual(await names('common/l', { recursive: 'false' }), inside);
  });

  await it('keeps to a prefix', async () => {
    assert.deepEqual(await names('common/l', { prefix: 'a' }), ['a', 'a-1', 'a.txt']);
    assert.deepEqual(await names('common/l', { prefix: 'zzz' }), []);
    assert.deepEqual(await names('common/l', { prefix: '%' }), []);
    assert.deepEqual(await names('common/l', { prefix: '_.txt' }), []);
    assert.deepEqual(await names('common/l', { prefix: '*' }), []);
    assert.deepEqual(await names('common/l', { prefix: '\u00e9' }), ['\u00e9.txt']);
    const below = await names('common/l', { prefix: 'sub/', recursive: 'true' });
    assert.deepEqual([...below].sort(byBytes), ['sub/deep', 'sub/deep/x.txt', 'sub/y.txt']);
    for (const limit of [1, 2]) {
      assert.deepEqual((await walk('common/l', { prefix: 'a', limit })).map(({ name }) => name), ['a', 'a-1', 'a.txt']);
    }
  });

  await it('a page goes on where it stopped, whatever comes and goes', async () => {
    for (let i = 0; i < 10; i += 1) await ann.put(`/v1/files/common/moving/${i}`, { body: 'x', expect: 201 });
    const first = (await list('common/moving', { limit: 5 })).json;
    await ann.delete('/v1/files/common/moving/4', { expect: 204 });
    await ann.delete('/v1/files/common/moving/6', { expect: 204 });
    await ann.put('/v1/files/common/moving/00', { body: 'x', expect: 201 });
    const rest = await names('common/moving', { limit: 5, cursor: first.next_cursor });
    assert.deepEqual(rest, ['5', '7', '8', '9']);
  });

  await it('a cursor is for its own list only', async () => {
    const { next_cursor: cursor } = (await list('common/l', { limit: 2 })).json;
    const refuse = (dir, query) => list(dir, query, { expect: [400, 'cursor-invalid'] });
    await refuse('common/l', { limit: 2, cursor, sort: 'size' });
    await refuse('common/l', { limit: 2, cursor, recursive: 'true' });
    await refuse('common/l', { limit: 2, cursor, prefix: 'a' });
    await refuse('common/l/sub', { limit: 2, cursor });
    await refuse('~me', { limit: 2, cursor });
    for (const bad of ['x', '!!', `${cursor}A`, cursor.slice(1), 'A'.repeat(5000)]) await refuse('common/l', { cursor: bad });
    await list('common/l', { limit: 3, cursor });
  });

  await it('refuses parameters that make no sense', async () => {
    const refuse = (query) => list('common/l', query, { invalid: true, expect: [400, 'parameter-invalid'] });
    for (const limit of ['0', '-1', '1001', 'x', '', '1e2', ' 1']) await refuse({ limit });
    await refuse({ sort: 'colour' });
    await refuse({ sort: '' });
    await refuse({ recursive: 'maybe' });
    await refuse('limit=1&limit=1');
    await list('common/l', { limit: 1000 });
  });

  await it('is not found, or is a file', async () => {
    for (const dir of ['common/nothing', 'nospace', '~nobody', '~root-admin']) {
      await list(dir, {}, { expect: [404, 'not-found'] });
    }
    await list('common/l/a.txt', {}, { expect: [409, 'not-a-directory'] });
  });

  await it('refuses bad paths', async () => {
    for (const path of badPaths) {
      await ann.get(`/v1/files/${path.replace(/\/$/, '')}/`, { invalid: true, expect: [400, 'path-invalid'] });
    }
  });

  await it('guests may look at common', async () => {
    const guest = await gw.user(admin, 'gus', { role: 'guest' });
    await guest.get('/v1/files/common/l/', { expect: 200 });
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/files/common/'));
});
