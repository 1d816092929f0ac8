// SPDX-License-Identifier: Apache-2.0
// Download: ranges, conditions, content types.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { badPaths, parseByteranges, reprDigest, sha256 } from './lib/content.mjs';
import { exchange, text } from './lib/raw.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const NAME = '/v1/files/common/data.bin';

suite('files_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const data = randomBytes(300000);
  const etag = `"${sha256(data)}"`;
  await ann.put(NAME, { body: data, expect: 201 });
  const get = (headers, options = {}) => ann.get(NAME, { headers, ...options });
  const { headers: first } = await get({}, { expect: 200 });
  const modified = first['last-modified'];

  await it('gives the content with its digest', async () => {
    const { bytes, headers } = await get({}, { expect: 200 });
    assert.ok(bytes.equals(data));
    assert.equal(headers.etag, etag);
    assert.equal(headers['repr-digest'], reprDigest(data));
    assert.equal(headers['content-length'], String(data.length));
    assert.ok(Math.abs(Date.parse(modified) - Date.now()) < 3600e3);
  });

  await it('HEAD says the same without the content', async () => {
    const { headers } = await ann.head(NAME, { expect: 200 });
    for (const name of ['etag', 'repr-digest', 'content-length', 'content-type', 'last-modified', 'accept-ranges', 'content-disposition']) {
      assert.equal(headers[name], first[name], name);
    }
  });

  await it('a single range', async () => {
    const cases = [
      ['bytes=0-0', 0, 1],
      ['bytes=0-1023', 0, 1024],
      ['bytes=1000-1999', 1000, 2000],
      ['bytes=299999-', 299999, 300000],
      ['bytes=0-', 0, 300000],
      ['bytes=-1', 299999, 300000],
      ['bytes=-1000', 299000, 300000],
      ['bytes=-999999', 0, 300000],
      ['bytes=299990-999999', 299990, 300000],
      ['bytes=5-9223372036854775807', 5, 300000],
      ['BYTES=7-8', 7, 9],
    ];
    for (const [range, from, to] of cases) {
      const { bytes, headers } = await get({ range }, { expect: 206 });
      assert.ok(bytes.equals(data.subarray(from, to)), range);
      assert.equal(headers['content-range'], `bytes ${from}-${to - 1}/300000`, range);
      assert.equal(headers['repr-digest'], reprDigest(data));
      assert.equal(headers['content-type'], first['content-type']);
    }
  });

  await it('several ranges', async () => {
    const { bytes, headers } = await get({ range: 'bytes=0-9, 100-199 ,-5' }, { expect: 206 });
    assert.equal(headers['content-range'], undefined);
    const parts = parseByteranges(bytes, headers['content-type']);
    assert.equal(headers['content-length'], String(bytes.length));
    const wanted = [[0, 10], [100, 200], [299995, 300000]];
    assert.equal(parts.length, wanted.length);
    parts.forEach((part, i) => {
      const [from, to] = wanted[i];
      assert.equal(part.headers['content-range'], `bytes ${from}-${to - 1}/300000`);
      assert.equal(part.headers['content-type'], first['content-type']);
      assert.ok(part.body.equals(data.subarray(from, to)));
    });
  });

  await it('what cannot be satisfied', async () => {
    for (const range of ['bytes=300000-', 'bytes=300000-300001', 'bytes=9223372036854775807-', 'bytes=-0']) {
      const { headers } = await get({ range }, { expect: [416, 'range-not-satisfiable'] });
      assert.equal(headers['content-range'], 'bytes */300000');
    }
    const { bytes } = await get({ range: 'bytes=400000-,1-2' }, { expect: 206 });
    assert.ok(bytes.includes(data.subarray(1, 3)));
  });

  await it('what is no range is ignored', async () => {
    for (const range of ['bytes', 'bytes=', 'bytes=a-b', 'bytes=2-1', 'bytes=--1', 'lines=1-2', 'bytes=1-2-3', 'bytes=0x1-2', 'bytes=99999999999999999999999-']) {
      const answer = await get({ range });
      assert.ok(answer.status === 200 || answer.status === 416, `${range}: ${answer.status}`);
      if (answer.status === 200) assert.ok(answer.bytes.equals(data), range);
    }
    await get({ range: 'lines=1-2' }, { expect: 200 });
    await get({ range: 'bytes=2-1' }, { expect: 200 });
  });

  await it('hundreds of ranges cost no more than the file', async () => {
    const range = `bytes=${Array.from({ length: 400 }, () => '0-').join(',')}`;
    const answer = await get({ range });
    assert.ok(answer.bytes.length < 2 * data.length, `${answer.status} with ${answer.bytes.length} bytes`);
  });

  await it('If-Range', async () => {
    const range = 'bytes=0-9';
    await get({ range, 'if-range': etag }, { expect: 206 });
    await get({ range, 'if-range': '"other"' }, { expect: 200 });
    await get({ range, 'if-range': `W/${etag}` }, { expect: 200 });
    await get({ range, 'if-range': 'Mon, 01 Jan 2001 00:00:00 GMT' }, { expect: 200 });
    await get({ range, 'if-range': 'nonsense' }, { expect: 200 });
    await get({ range: 'bytes=300000-', 'if-range': '"other"' }, { expect: 200 });
  });

  await it('304 announces no content: some clients would wait for it', async () => {
    const request = text('GET', NAME, [`Authorization: Bearer ${ann.token}`, `If-None-Match: ${etag}`]);
    const got = await exchange(gw, request);
    assert.equal(got.status, 304);
    // libmicrohttpd always states a length; the true one makes llhttp (Node) wait for content.
    assert.equal(got.headers['content-length'] ?? '0', '0');
    assert.equal(got.headers['transfer-encoding'], undefined);
  });

  await it('conditions on the ETag', async () => {
    const { headers } = await get({ 'if-none-match': etag }, { expect: 304 });
    assert.equal(headers.etag, etag);
    await get({ 'if-none-match': `"x", W/${etag}` }, { expect: 304 });
    await get({ 'if-none-match': '*' }, { expect: 304 });
    await get({ 'if-none-match': '"x"' }, { expect: 200 });
    await get({ 'if-match': etag }, { expect: 200 });
    await get({ 'if-match': '*' }, { expect: 200 });
    await get({ 'if-match': `"x", ${etag}` }, { expect: 200 });
    await get({ 'if-match': '"x"' }, { expect: [412, 'precondition-failed'] });
    await get({ 'if-match': `W/${etag}` }, { expect: [412, 'precondition-failed'] });
    await get({ 'if-none-match': etag, range: 'bytes=0-9' }, { expect: 304 });
  });

  await it('conditions on the date', async () => {
    const old = 'Mon, 01 Jan 2001 00:00:00 GMT';
    await get({ 'if-modified-since': modified }, { expect: 304 });
    await get({ 'if-modified-since': old }, { expect: 200 });
    await get({ 'if-modified-since': 'nonsense' }, { expect: 200 });
    await get({ 'if-unmodified-since': modified }, { expect: 200 });
    await get({ 'if-unmodified-since': old }, { expect: [412, 'precondition-failed'] });
    await get({ 'if-none-match': '"x"', 'if-modified-since': modified }, { expect: 200 });
    await get({ 'if-match': etag, 'if-unmodified-since': old }, { expect: 200 });
  });

  await it('ranges of an empty file', async () => {
    await ann.put('/v1/files/common/empty', { body: '', expect: 201 });
    const { headers } = await ann.get('/v1/files/common/empty', { headers: { range: 'bytes=0-' }, expect: [416, 'range-not-satisfiable'] });
    assert.equal(headers['content-range'], 'bytes */0');
    await ann.get('/v1/files/common/empty', { expect: 200 });
  });

  await it('types follow names, and nothing can run in the origin', async () => {
    const cases = [
      ['page.html', '<script>alert(1)</script>'],
      ['image.svg', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
      ['doc.xhtml', '<html xmlns="http://www.w3.org/1999/xhtml"/>'],
      ['data.xml', '<?xml version="1.0"?><x/>'],
      ['code.js', 'alert(1)'],
      ['plain.txt', '<html><script>alert(1)</script>'],
      ['paper.pdf', '%PDF-1.4'],
      ['unknown.zzz9', '<html>'],
      ['noextension', '<!doctype html>'],
    ];
    for (const [name, body] of cases) {
      await ann.put(`/v1/files/common/types/${name}`, { body, type: 'text/html', expect: 201 });
      const { headers } = await ann.get(`/v1/files/common/types/${name}`, { expect: 200 });
      assert.equal(headers['x-content-type-options'], 'nosniff', name);
      assert.match(headers['content-security-policy'], /sandbox/, name);
      assert.match(headers['content-security-policy'], /default-src 'none'/, name);
      assert.doesNotMatch(headers['content-security-policy'], /allow-scripts|allow-same-origin/, name);
      const runnable = /html|xml|javascript|svg/.test(headers['content-type']);
      if (runnable) assert.match(headers['content-disposition'], /^attachment/, name);
    }
    const typeOf = async (name) => (await ann.head(`/v1/files/common/types/${name}`, { expect: 200 })).headers['content-type'];
    assert.match(await typeOf('paper.pdf'), /^application\/pdf/);
    assert.match(await typeOf('plain.txt'), /^text\/plain/);
  });

  await it('Content-Disposition names the file as RFC 6266 says', async () => {
    const disposition = async (name) => {
      const path = `/v1/files/common/names/${encodeURIComponent(name)}`;
      await ann.put(path, { body: 'x', expect: 201 });
      return (await ann.get(path, { expect: 200 })).headers['content-disposition'];
    };
    assert.match(await disposition('plain.txt'), /filename="?plain\.txt"?/);
    for (const name of ['\u20ac rates.txt', 'caf\u00e9.txt', '\u{1F600}.txt']) {
      const value = await disposition(name);
      const extended = /filename\*=UTF-8''([^;\s]+)/i.exec(value);
      assert.ok(extended, value);
      assert.equal(decodeURIComponent(extended[1]), name);
    }
    for (const name of ['a"b.txt', 'a;b.txt', "a'b%.txt", 'a,b.txt', ' .txt']) {
      const value = await disposition(name);
      const extended = /filename\*=UTF-8''([^;\s]+)/i.exec(value);
      const quoted = /filename="((?:[^"\\]|\\.)*)"/.exec(value);
      const token = /filename=([^";\s]+)/.exec(value);
      const said = extended ? decodeURIComponent(extended[1]) : quoted ? quoted[1].replace(/\\(.)/g, '$1') : token?.[1];
      assert.equal(said, name, value);
    }
  });

  await it('a directory sends the reader to its list', async () => {
    await ann.put('/v1/files/common/dir/', { expect: 201 });
    const { json } = await ann.get('/v1/files/common/dir', { expect: [409, 'is-directory'] });
    assert.match(json.detail, /\//);
    await ann.get('/v1/files/common', { expect: [409, 'is-directory'] });
  });

  await it('is not found', async () => {
    for (const path of ['common/nothing', 'nospace/x', '~nobody/x', 'common/data.bin/below']) {
      await ann.get(`/v1/files/${path}`, { expect: [404, 'not-found'] });
    }
  });

  await it('somebody else\u2019s space does not exist for me, not even for an admin', async () => {
    await ann.put('/v1/files/~me/secret', { body: 'x', expect: 201 });
    const bob = await gw.user(admin, 'bob');
    const strip = ({ json }) => ({ ...json, request_id: '' });
    for (const client of [bob, admin]) {
      const there = strip(await client.get('/v1/files/~ann/secret', { expect: [404, 'not-found'] }));
      const missing = strip(await client.get('/v1/files/~ann/missing', { expect: [404, 'not-found'] }));
      const nobody = strip(await client.get('/v1/files/~nobody/secret', { expect: [404, 'not-found'] }));
      assert.deepEqual(there, missing);
      assert.deepEqual(there, nobody);
      await client.head('/v1/files/~ann/secret', { expect: 404 });
    }
  });

  await it('refuses bad paths', async () => {
    for (const path of badPaths) await ann.get(`/v1/files/${path}`, { invalid: true, expect: [400, 'path-invalid'] });
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', NAME));

  await it('of an earlier version what a message links, and no more', async () => {
    const put = (body) => ann.put('/v1/files/common/versions.txt', { body, type: 'text/plain' });
    const version = (n, expect, options = {}) =>
      ann.get('/v1/files/common/versions.txt', { query: { version: String(n) }, expect, ...options });
    await put('first');
    await version(1, 200);
    await ann.post('/v1/chat/common/messages', { json: { text: 'look', files: ['versions.txt'] }, expect: 201 });
    await put('second');
    await put('third');
    const old = await version(1, 200);
    assert.equal(old.bytes.toString(), 'first');
    assert.equal(old.headers.etag, `"${sha256('first')}"`);
    assert.equal((await version(3, 200)).bytes.toString(), 'third');
    await version(2, [404, 'not-found']);
    await version(4, [404, 'not-found']);
    assert.equal((await version(1, 206, { headers: { range: 'bytes=1-2' } })).bytes.toString(), 'ir');
    await version(1, 304, { headers: { 'if-none-match': old.headers.etag } });
    await ann.delete('/v1/files/common/versions.txt', { expect: 204 });
    assert.equal((await version(1, 200)).bytes.toString(), 'first');
    await ann.get('/v1/files/common/versions.txt', { expect: [404, 'not-found'] });
    for (const wrong of ['0', '-1', 'x', '1.5', '']) {
      await ann.get('/v1/files/common/versions.txt', { query: { version: wrong }, invalid: true, expect: [400, 'parameter-invalid'] });
    }
  });

  await it('many readers at once', async () => {
    const all = await Promise.all(Array.from({ length: 40 }, () => get({}, { expect: 200 })));
    all.forEach(({ bytes }) => assert.ok(bytes.equals(data)));
  });
});
