// SPDX-License-Identifier: Apache-2.0
// Files and directories in other places.
import assert from 'node:assert/strict';
import { sha256 } from './lib/content.mjs';
import { allAfter, checkChain, here, say } from './lib/events.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('files_move', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const put = (path, body = path) => ann.put(`/v1/files/${path}`, { body });
  const get = async (path) => (await ann.get(`/v1/files/${path}`, { expect: 200 })).bytes.toString();
  const gone = (path) => ann.get(`/v1/files/${path}`, { expect: [404, 'not-found'] });
  const move = (from, path, expect = 200, more = {}, options = {}) =>
    ann.patch(`/v1/files/${from}`, { json: { path, ...more }, expect, ...options });

  await it('a file, to a new name, with its content and its ETag', async () => {
    await put('common/a.txt', 'content');
    const { json, headers } = await move('common/a.txt', 'common/done/ä b.txt');
    assert.deepEqual([json.path, json.name, json.type, json.sha256], ['common/done/ä b.txt', 'ä b.txt', 'file', sha256('content')]);
    assert.equal(headers.etag, `"${sha256('content')}"`);
    assert.equal(await get('common/done/%C3%A4%20b.txt'), 'content');
    await gone('common/a.txt');
  });

  await it('a directory, with all that is below', async () => {
    for (const path of ['common/dir/x', 'common/dir/sub/y', 'common/dir/sub/deep/z', 'common/dirt']) await put(path);
    const { json } = await move('common/dir', 'common/new/place');
    assert.deepEqual([json.path, json.type], ['common/new/place', 'directory']);
    for (const rest of ['x', 'sub/y', 'sub/deep/z']) assert.equal(await get(`common/new/place/${rest}`), `common/dir/${rest}`);
    await gone('common/dir/x');
    await gone('common/dir/');
    assert.equal(await get('common/dirt'), 'common/dirt');
    await move('common/new/place/', 'common/back/');
    assert.equal(await get('common/back/sub/y'), 'common/dir/sub/y');
  });

  await it('to another space, both ways; the right to write is needed in both', async () => {
    await ann.post('/v1/spaces', { json: { name: 'lab' }, expect: 201 });
    await put('common/shared.txt');
    assert.equal((await move('common/shared.txt', 'lab/in/shared.txt')).json.path, 'lab/in/shared.txt');
    await move('lab/in', '~me/out');
    assert.equal((await ann.get('/v1/files/~ann/out/', { expect: 200 })).json.entries[0].path, '~ann/out/shared.txt');
    await move('~me/out/shared.txt', '@bob/for-you.txt');
    assert.equal((await bob.get('/v1/files/@ann/for-you.txt', { expect: 200 })).bytes.toString(), 'common/shared.txt');
    await put('common/mine');
    await move('common/mine', '~bob/mine', [404, 'not-found']);
    await bob.patch('/v1/files/lab/x', { json: { path: 'common/x' }, expect: [404, 'not-found'] });
    await ann.put('/v1/spaces/lab/members/bob', { json: { role: 'reader' }, expect: 201 });
    await put('lab/read-only');
    await bob.patch('/v1/files/lab/read-only', { json: { path: 'common/x' }, expect: [403, 'forbidden'] });
    await bob.patch('/v1/files/common/mine', { json: { path: 'lab/x' }, expect: [403, 'forbidden'] });
    const guest = await gw.user(admin, 'gus', { role: 'guest' });
    await guest.patch('/v1/files/common/mine', { json: { path: '~me/x' }, expect: [403, 'forbidden'] });
    assert.equal(await get('common/mine'), 'common/mine');
  });

  await it('what is in the way stays, unless a file is to replace a file', async () => {
    await put('common/w/one', '1');
    await put('common/w/two', '2');
    await put('common/w/dir/x', 'x');
    await move('common/w/one', 'common/w/two', [409, 'conflict']);
    await move('common/w/one', 'common/w/two', [409, 'conflict'], { overwrite: false });
    await move('common/w/one', 'common/w/dir', [409, /^(conflict|is-directory)$/], { overwrite: true });
    await move('common/w/dir', 'common/w/two', [409, 'conflict'], { overwrite: true });
    await move('common/w/one', 'common/w/two/below', [409, /^(conflict|not-a-directory)$/]);
    assert.equal(await get('common/w/two'), '2');
    await move('common/w/one', 'common/w/two', 200, { overwrite: true });
    assert.equal(await get('common/w/two'), '1');
    await gone('common/w/one');
  });

  await it('nothing into itself, and no space', async () => {
    await put('common/self/x');
    for (const path of ['common/self/below', 'common/self/x/y', 'common/self']) {
      await move('common/self', path, [409, /^(conflict|not-a-directory)$/]);
    }
    for (const [from, to] of [['common', '~me/common'], ['common/', '~me/c/'], ['~me', 'common/x'], ['common/self/x', '~me'], ['common/self', 'common/']]) {
      await move(from, to, [409, /^(conflict|is-directory)$/]);
    }
    assert.equal(await get('common/self/x'), 'common/self/x');
  });

  await it('only if it is the version that I know', async () => {
    await put('common/v', 'now');
    await move('common/v', 'common/v2', [412, 'precondition-failed'], {}, { headers: { 'if-match': `"${sha256('before')}"` } });
    await move('common/v', 'common/v2', 200, {}, { headers: { 'if-match': `"${sha256('now')}"` } });
  });

  await it('each is one event where it happens', async () => {
    await put('common/e/one');
    await put('common/e/two');
    let after = await here(ann);
    const told = async () => {
      const { events, next } = await allAfter(ann, undefined, after, { types: 'file' });
      after = next;
      return events.map(({ space, type, path, from_path, directory }) => [space, type, path, from_path, directory]);
    };
    await move('common/e/one', 'common/e/three');
    assert.deepEqual(await told(), [['common', 'file.moved', 'e/three', 'e/one', undefined]]);
    await move('common/e', 'common/f');
    assert.deepEqual(await told(), [['common', 'file.moved', 'f', 'e', true]]);
    await move('common/f/two', 'lab/two');
    assert.deepEqual((await told()).sort(), [['common', 'file.deleted', 'f/two', undefined, undefined], ['lab', 'file.stored', 'two', undefined, undefined]]);
    await ann.delete('/v1/files/common/f', { query: { recursive: 'true' }, expect: 204 });
    assert.deepEqual(await told(), [['common', 'file.deleted', 'f', undefined, true]]);
    await ann.put('/v1/files/common/empty/', { expect: 201 });
    assert.deepEqual(await told(), []);
    for (const space of ['common', 'lab']) {
      const { oldest, newest_chain } = (await ann.get(`/v1/spaces/${space}`, { expect: 200 })).json;
      assert.equal(checkChain((await allAfter(ann, space, oldest)).events), newest_chain);
    }
  });

  await it('a message keeps the version that it links', async () => {
    await put('common/linked.txt', 'first');
    const { files } = await say(ann, 'common', 'look', { files: ['linked.txt'] });
    await put('common/other.txt', 'other');
    await move('common/other.txt', 'common/linked.txt', 200, { overwrite: true });
    const { version } = files[0];
    const answer = await ann.get('/v1/files/common/linked.txt', { query: { version: String(version) }, expect: 200 });
    assert.equal(answer.bytes.toString(), 'first');
  });

  await it('refuses paths that are none', async () => {
    await put('common/p');
    for (const path of ['common//x', '/common/x', 'common/../x', 'common/a\\b', 'common/a\u0001', '..', 'common/./x', 'x'.repeat(300)]) {
      await move('common/p', path, [400, 'path-invalid']);
    }
    assert.equal((await move('common/p', 'common/100%25 + ?#')).json.path, 'common/100%25 + ?#');
    await move('common/nothing', 'common/x', [404, 'not-found']);
    await move('nothing/x', 'common/x', [404, 'not-found']);
    await move('common/dirt', 'nothing/x', [404, 'not-found']);
    await ann.patch('/v1/files/common/dirt', { json: { path: 'common/x', overwrite: 'yes' }, invalid: true, expect: [400, 'parameter-invalid'] });
  });

  await it('needs JSON as it is described', () => needsJson(ann, 'PATCH', '/v1/files/common/dirt', { path: 'common/y' }));
  await it('needs a token', () => needsToken(gw.client(), 'PATCH', '/v1/files/common/dirt', { json: { path: 'common/x' } }));
});
