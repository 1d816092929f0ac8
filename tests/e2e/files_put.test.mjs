// SPDX-License-Identifier: Apache-2.0
// Upload: conditions, digests, directories, refusals.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { badPaths, sha256, reprDigest } from './lib/content.mjs';
import * as keys from './lib/keys.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('files_put', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const guest = await gw.user(admin, 'gus', { role: 'guest' });
  const put = (path, body, options = {}) => ann.put(`/v1/files/${path}`, { body, ...options });
  const read = async (path) => (await ann.get(`/v1/files/${path}`, { expect: 200 })).bytes.toString();

  await it('stores a new file and says what was stored', async () => {
    const { json, headers } = await put('common/docs/a.txt', 'hello world', { expect: 201 });
    const { modified, ...rest } = json;
    assert.deepEqual(rest, {
      name: 'a.txt',
      path: 'common/docs/a.txt',
      type: 'file',
      size: 11,
      sha256: sha256('hello world'),
      owner: 'ann',
      version: 1,
    });
    assert.ok(Math.abs(Date.parse(modified) - Date.now()) < 3600e3);
    assert.equal(headers.etag, `"${json.sha256}"`);
    assert.equal(headers['repr-digest'], reprDigest('hello world'));
    assert.equal(headers.location, '/v1/files/common/docs/a.txt');
    assert.equal(await read('common/docs/a.txt'), 'hello world');
  });

  await it('replaces it with 200 and the next version', async () => {
    const { json, headers } = await put('common/docs/a.txt', 'other', { expect: 200 });
    assert.equal(json.version, 2);
    assert.equal(headers.location, undefined);
    assert.equal(await read('common/docs/a.txt'), 'other');
  });

  await it('takes empty files and all bytes', async () => {
    assert.equal((await put('common/empty', '', { expect: 201 })).json.size, 0);
    assert.equal((await ann.get('/v1/files/common/empty', { expect: 200 })).bytes.length, 0);
    const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await put('common/bytes', every, { expect: 201 });
    assert.ok((await ann.get('/v1/files/common/bytes', { expect: 200 })).bytes.equals(every));
  });

  await it('takes 20 MB with a length and in chunks, whole', async () => {
    const big = randomBytes(20 << 20);
    const digest = sha256(big);
    assert.equal((await put('common/big1', big, { expect: 201 })).json.sha256, digest);
    const pieces = Array.from({ length: 320 }, (_, i) => big.subarray(i << 16, (i + 1) << 16));
    assert.equal((await put('common/big2', Readable.from(pieces), { expect: 201 })).json.sha256, digest);
    const { bytes } = await ann.get('/v1/files/common/big2', { expect: 200 });
    assert.equal(sha256(bytes), digest);
  });

  await it('"~me" is my own space, and answers name it', async () => {
    const { json, headers } = await put('~me/x/private.txt', 'mine', { expect: 201 });
    assert.equal(json.path, '~ann/x/private.txt');
    assert.match(decodeURIComponent(headers.location), /^\/v1\/files\/~ann\/x\/private\.txt$/);
    assert.equal(await read('~ann/x/private.txt'), 'mine');
  });

  await it('brings names to NFC', async () => {
    const decomposed = 'common/cafe\u0301.txt';
    const composed = 'common/caf\u00e9.txt';
    const { json, headers } = await put(encodeURI(decomposed), 'one', { expect: 201 });
    assert.equal(json.path, composed);
    assert.equal(decodeURIComponent(headers.location), `/v1/files/${composed}`);
    assert.equal(await read(encodeURI(composed)), 'one');
    assert.equal((await put(encodeURI(composed), 'two', { expect: 200 })).json.version, 2);
  });

  await it('decodes a path once', async () => {
    const { json } = await put('common/100%2525.txt', 'x', { expect: 201 });
    assert.equal(json.name, '100%25.txt');
    for (const name of ['a b', 'a+b', 'q?', 'h#', "quote'\"", '\u{1F600}', '-', '~', ' ', '...', 'a:b']) {
      const entry = (await put(`common/odd/${encodeURIComponent(name)}`, name, { expect: 201 })).json;
      assert.equal(entry.name, name);
      assert.equal(await read(`common/odd/${encodeURIComponent(name)}`), name);
    }
  });

  await it('takes segments of 255 bytes, 128 of them and paths of 4096, not more', async () => {
    const segment = 'x'.repeat(255);
    await put(`common/${segment}`, 'x', { expect: 201 });
    await put(`common/${'\u00e9'.repeat(127)}x`.replace(/\u00e9/g, '%C3%A9'), 'x', { expect: 201 });
    await put(`common/${'d/'.repeat(126)}f`, 'x', { expect: 201 });
    await put(`common/${'d/'.repeat(127)}f`, 'x', { expect: [400, 'path-invalid'] });
    await put(`common/${segment}x`, 'x', { expect: [400, 'path-invalid'] });
    await put(`common/${'%C3%A9'.repeat(128)}`, 'x', { expect: [400, 'path-invalid'] });
    const longest = `common/${`${'z'.repeat(255)}/`.repeat(15)}`;
    await put(longest + 'y'.repeat(4096 - longest.length), 'x', { expect: 201 });
    await put(longest + 'y'.repeat(4097 - longest.length), 'x', { expect: [400, 'path-invalid'] });
  });

  await it('refuses bad paths', async () => {
    for (const path of badPaths) await put(path, 'x', { invalid: true, expect: [400, 'path-invalid'] });
  });

  await it('only within spaces that exist', async () => {
    await put('nospace/x', 'x', { expect: [404, 'not-found'] });
    await put('~nobody/x', 'x', { expect: [404, 'not-found'] });
    await put('~root-admin/x', 'x', { expect: [404, 'not-found'] });
    await admin.put('/v1/files/~ann/x', { body: 'x', expect: [404, 'not-found'] });
  });

  await it('guests read common and write only their own', async () => {
    await guest.put('/v1/files/common/g.txt', { body: 'x', expect: [403, 'forbidden'] });
    await guest.put('/v1/files/~me/g.txt', { body: 'x', expect: 201 });
  });

  await it('needs a token', () => needsToken(gw.client(), 'PUT', '/v1/files/common/x', { body: 'x' }));

  await it('makes empty directories', async () => {
    const { json, headers } = await put('common/dir/sub/', undefined, { expect: 201 });
    assert.equal(json.type, 'directory');
    assert.equal(json.path, 'common/dir/sub');
    assert.equal(json.size, 0);
    assert.equal(json.sha256, null);
    assert.equal(headers.etag, undefined);
    await put('common/dir/sub/', undefined, { expect: 200 });
    await put('common/dir/sub/', 'with a body', { expect: [400, 'bad-request'] });
    await put('common/dir/new/', undefined, { headers: { 'if-none-match': '*' }, expect: 201 });
    await put('common/dir/new/', undefined, { headers: { 'if-none-match': '*' }, expect: [412, 'precondition-failed'] });
  });

  await it('files and directories do not mix', async () => {
    await put('common/mix/file', 'x', { expect: 201 });
    await put('common/mix', 'x', { expect: [409, 'is-directory'] });
    await put('common/mix/file/below', 'x', { expect: [409, 'not-a-directory'] });
    await put('common/mix/file/', undefined, { expect: [409, /^(not-a-directory|conflict)$/] });
    await put('common/mix/file/below/', undefined, { expect: [409, 'not-a-directory'] });
    await put('common', 'x', { expect: [409, /^(is-directory|conflict)$/] });
  });

  await it('If-None-Match: * creates only', async () => {
    const headers = { 'if-none-match': '*' };
    await put('common/cond', 'one', { headers, expect: 201 });
    await put('common/cond', 'two', { headers, expect: [412, 'precondition-failed'] });
    assert.equal(await read('common/cond'), 'one');
    const other = { 'if-none-match': '"x"' };
    await put('common/cond', 'two', { headers: other, expect: [400, 'parameter-invalid'] });
  });

  await it('encoded and partial content is refused', async () => {
    await put('common/enc', 'x', { headers: { 'content-encoding': 'gzip' }, expect: [400, 'bad-request'] });
    await put('common/enc', 'x', { headers: { 'content-range': 'bytes 0-0/2' }, expect: [400, 'bad-request'] });
    await ann.get('/v1/files/common/enc', { expect: [404, 'not-found'] });
  });

  await it('If-Match is compare-and-swap', async () => {
    const first = `"${sha256('one')}"`;
    const wrong = `"${sha256('wrong')}"`;
    const swap = (value, body, expect) => put('common/cond', body, { headers: { 'if-match': value }, expect });
    await swap(wrong, 'two', [412, 'precondition-failed']);
    await swap(`W/${first}`, 'two', [412, 'precondition-failed']);
    await swap(`${wrong}, ${first}`, 'two', 200);
    await swap(first, 'three', [412, 'precondition-failed']);
    await swap('*', 'three', 200);
    await put('common/none', 'x', { headers: { 'if-match': '*' }, expect: [412, 'precondition-failed'] });
    await put('common/none', 'x', { headers: { 'if-match': first }, expect: [412, 'precondition-failed'] });
    assert.equal(await read('common/cond'), 'three');
  });

  await it('of many swaps of one version at once, one wins', async () => {
    const { headers } = await put('common/race', 'start', { expect: 201 });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => put('common/race', `writer ${i}`, { headers: { 'if-match': headers.etag } }))
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ status }) => status === 412).length, 11);
    const winner = answers.findIndex(({ status }) => status === 200);
    assert.equal(await read('common/race'), `writer ${winner}`);
  });

  await it('of many creations at once, one wins', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => put('common/create', `writer ${i}`, { headers: { 'if-none-match': '*' } }))
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(11).fill(412)]);
  });

  await it('checks digests and stores nothing that fails', async () => {
    const good = reprDigest('checked');
    const bad = reprDigest('something else');
    const sha512 = `sha-512=:${createHash('sha512').update('checked').digest('base64')}:`;
    for (const name of ['repr-digest', 'content-digest']) {
      const ask = (value, path, expect) => put(path, 'checked', { headers: { [name]: value }, expect });
      await ask(good, `common/digest/${name}`, 201);
      await ask(bad, `common/digest/not-${name}`, [400, 'digest-mismatch']);
      await ask(`${sha512}, ${good}`, `common/digest/${name}`, 200);
      await ask(`${sha512}, ${bad}`, `common/digest/not-${name}`, [400, 'digest-mismatch']);
      await ask('unknown=:AAAA:', `common/digest/${name}`, 200);
      await ask('sha-256=:AAAA:', `common/digest/not-${name}`, [400, /^(digest-mismatch|parameter-invalid)$/]);
      await ask('sha-256=nonsense', `common/digest/not-${name}`, [400, /^(digest-mismatch|parameter-invalid)$/]);
      await ann.get(`/v1/files/common/digest/not-${name}`, { expect: [404, 'not-found'] });
    }
    await put('common/digest/kept', 'old', { expect: 201 });
    await put('common/digest/kept', 'new', { headers: { 'repr-digest': bad }, expect: [400, 'digest-mismatch'] });
    assert.equal(await read('common/digest/kept'), 'old');
  });

  await it('the same content in many places is one, and stays until the last is gone', async () => {
    const content = randomBytes(100000);
    await Promise.all(Array.from({ length: 8 }, (_, i) => put(`common/same/${i}`, content, { expect: 201 })));
    for (let i = 0; i < 7; i += 1) await ann.delete(`/v1/files/common/same/${i}`, { expect: 204 });
    assert.ok((await ann.get('/v1/files/common/same/7', { expect: 200 })).bytes.equals(content));
  });

  await it('a reader of the old version keeps it', async () => {
    const old = randomBytes(8 << 20);
    await put('common/replaced', old, { expect: 201 });
    const slow = await ann.get('/v1/files/common/replaced', { stream: true, highWaterMark: 16384 });
    await put('common/replaced', 'new', { expect: 200 });
    await put('common/replaced', 'newer', { expect: 200 });
    assert.equal(sha256(Buffer.from(await slow.body.arrayBuffer())), sha256(old));
    assert.equal(await read('common/replaced'), 'newer');
  });

  await it('publishes nothing for who lost the right while the content came in', async () => {
    const bob = await gw.user(admin, 'bob');
    const rounds = {
      'logged-out': [(client) => client.delete('/v1/sessions/current', { expect: 204 }), [401, 'session-ended']],
      demoted: [() => admin.patch('/v1/users/bob', { json: { role: 'guest' }, expect: 200 }), [403, 'forbidden']],
      disabled: [() => admin.patch('/v1/users/bob', { json: { disabled: true }, expect: 200 }), [401, 'session-ended']],
    };
    const path = (name) => `/v1/files/common/late-${name}`;
    for (const [name, [lose, expect]] of Object.entries(rounds)) {
      await admin.patch('/v1/users/bob', { json: { role: 'member', disabled: false }, expect: 200 });
      const client = await gw.login('bob', bob.password);
      const other = gw.client({ token: client.token });
      const body = Readable.from((async function* pieces() {
        yield Buffer.alloc(100000);
        await new Promise((resolve) => setTimeout(resolve, 200)); // the request has begun by now
        await lose(other);
        yield Buffer.alloc(100000);
      })());
      await client.put(path(name), { body, expect });
      await ann.get(path(name), { expect: [404, 'not-found'] });
    }
  });

  await it('files are there after a restart', async () => {
    await gw.restart();
    const later = await gw.login('ann', ann.password);
    const { bytes } = await later.get('/v1/files/common/cond', { expect: 200 });
    assert.equal(bytes.toString(), 'three');
  });
});

suite('files_put: size', { config: keys.maxFileBytes(1000000) }, async ({ gw, it }) => {
  const admin = await gw.admin();

  await it('takes what is just small enough', async () => {
    await admin.put('/v1/files/common/fits', { body: Buffer.alloc(1000000), expect: 201 });
  });

  await it('refuses more, whether announced or not, and stores nothing', async () => {
    await admin.put('/v1/files/common/big', { body: Buffer.alloc(1000001), expect: [413, 'too-large'] });
    const pieces = Array.from({ length: 40 }, () => Buffer.alloc(65536));
    const chunked = await admin
      .put('/v1/files/common/big', { body: Readable.from(pieces), expect: [413, 'too-large'] })
      .catch((error) => {
        if (!/UND_ERR|EPIPE|ECONNRESET/.test(error.code)) throw error;
      });
    if (chunked) assert.equal(chunked.code, 'too-large');
    await admin.get('/v1/files/common/big', { expect: [404, 'not-found'] });
  });
});
