// SPDX-License-Identifier: Apache-2.0
// Finding signatures: by content, package, key and time, in pages.
import assert from 'node:assert/strict';
import { needsToken } from './lib/refusals.mjs';
import { digestsOf, itemOf, needsScope } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

suite('signatures_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const guest = await gw.user(admin, 'gus', { role: 'guest' });
  for (const name of ['one', 'two']) await admin.post('/v1/keys', { json: { name, type: 'ed25519' }, expect: 201 });
  const sign = async (key, items) => (await admin.post('/v1/signatures', { json: { key, items, formats: ['sshsig'] }, expect: 201 })).json.signatures;
  const list = async (query = {}, client = ann) => (await client.get('/v1/signatures', { query, expect: 200 })).json;
  const names = async (query) => (await list(query)).signatures.map(({ name }) => name);
  const walk = async (query) => {
    const found = [];
    let cursor;
    do {
      const page = await list(cursor ? { ...query, cursor } : query);
      assert.ok(page.signatures.length <= query.limit);
      found.push(...page.signatures);
      cursor = page.next;
    } while (cursor);
    return found;
  };

  await it('there are none at first', async () => {
    assert.deepEqual(await list(), { signatures: [] });
  });

  const first = await sign('one', [itemOf('a'), itemOf('b', 'b', { package: 'pack' }), itemOf('c')]);
  await sleep(20);
  const second = await sign('two', [itemOf('a2', 'a'), itemOf('d', 'd', { package: 'pack' })]);
  await sleep(20);
  await sign('one', [itemOf('e')]);

  await it('shows all, newest first, without formats, to whoever may verify', async () => {
    const all = (await list()).signatures;
    assert.deepEqual(all.map(({ name }) => name), ['e', 'd', 'a2', 'c', 'b', 'a']);
    for (const one of all) {
      assert.equal(one.formats, undefined);
      assert.deepEqual(Object.keys(one.log), ['index']);
    }
    const { formats, log, ...record } = first[0];
    assert.deepEqual(all.at(-1), { ...record, log: { index: log.index } });
    assert.deepEqual((await list({}, guest)).signatures, all);
    assert.deepEqual((await list({}, admin)).signatures, all);
  });

  await it('finds by digest, in either case', async () => {
    const { sha256 } = digestsOf('a');
    assert.deepEqual(await names({ digest: sha256 }), ['a2', 'a']);
    assert.deepEqual(await names({ digest: sha256.toUpperCase() }), ['a2', 'a']);
    assert.deepEqual(await names({ digest: digestsOf('none').sha256 }), []);
    for (const digest of ['00', sha256.slice(1), `${sha256}0`, sha256.replace(/.$/, 'g'), '']) {
      await ann.get('/v1/signatures', { query: { digest }, invalid: true, expect: [400, 'parameter-invalid'] });
    }
  });

  await it('finds by package and by key, and by both', async () => {
    assert.deepEqual(await names({ package: 'pack' }), ['d', 'b']);
    assert.deepEqual(await names({ key: 'two' }), ['d', 'a2']);
    assert.deepEqual(await names({ key: 'two', package: 'pack' }), ['d']);
    assert.deepEqual(await names({ key: 'one', digest: digestsOf('a').sha256 }), ['a']);
    assert.deepEqual(await names({ key: 'three' }), []);
    assert.deepEqual(await names({ package: "x' OR 1=1 --" }), []);
  });

  await it('finds by time', async () => {
    const at = second[0].timestamp;
    assert.deepEqual(await names({ since: at }), ['e', 'd', 'a2']);
    assert.deepEqual(await names({ until: at }), ['c', 'b', 'a']);
    assert.deepEqual(await names({ since: '2000-01-01T00:00:00Z', until: at, key: 'one' }), ['c', 'b', 'a']);
    assert.deepEqual(await names({ since: '2200-01-01T00:00:00Z' }), []);
    for (const since of ['yesterday', '2026-11-21', '', '2026-13-01T00:00:00Z', '2026-11-21T12:00:00']) {
      await ann.get('/v1/signatures', { query: { since }, invalid: true, expect: [400, 'parameter-invalid'] });
      await ann.get('/v1/signatures', { query: { until: since }, invalid: true, expect: [400, 'parameter-invalid'] });
    }
  });

  await it('comes in pages, nothing twice and nothing left out', async () => {
    for (const query of [{}, { key: 'one' }, { package: 'pack' }, { digest: digestsOf('a').sha256 }]) {
      const whole = await names(query);
      for (const limit of [1, 2, 3, 1000]) assert.deepEqual((await walk({ ...query, limit })).map(({ name }) => name), whole);
    }
    await sign('two', Array.from({ length: 250 }, (_, i) => itemOf(`n${i}`)));
    assert.equal((await list()).signatures.length, 100);
    assert.equal((await walk({ limit: 77 })).length, 256);
  });

  await it('refuses cursors and limits that are none', async () => {
    for (const cursor of ['x', '..', 'AAAA', '%', 'A'.repeat(100)]) await ann.get('/v1/signatures', { query: { cursor }, expect: [400, 'cursor-invalid'] });
    for (const limit of ['0', '1001', 'x', '-1', '']) await ann.get('/v1/signatures', { query: { limit }, invalid: true, expect: [400, 'parameter-invalid'] });
    await ann.get('/v1/signatures', { query: 'key=one&key=two', expect: [400, 'parameter-invalid'] });
    for (const key of ['A', '', '../x']) await ann.get('/v1/signatures', { query: { key }, invalid: true, expect: [400, 'parameter-invalid'] });
  });

  await it('is the same after a restart', async () => {
    const before = await list({ limit: 300 });
    await gw.restart();
    const again = await gw.login('ann', ann.password);
    assert.deepEqual(await list({ limit: 300 }, again), before);
  });

  const late = await gw.login('ann', ann.password);
  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/signatures'));
  await it('needs the scope verify', () => needsScope(gw, late, 'verify', 'GET', '/v1/signatures'));
});
