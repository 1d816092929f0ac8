// SPDX-License-Identifier: Apache-2.0
// Removal of files and directories.
import { badPaths, sha256 } from './lib/content.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('files_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const put = (path, body = 'x') => ann.put(`/v1/files/${path}`, { body, expect: 201 });
  const remove = (path, expect, options = {}) => ann.delete(`/v1/files/${path}`, { expect, ...options });
  const gone = (path) => ann.get(`/v1/files/${path}`, { expect: [404, 'not-found'] });

  await it('removes a file, once', async () => {
    await put('common/a');
    await remove('common/a', 204);
    await gone('common/a');
    await remove('common/a', [404, 'not-found']);
    await put('common/a');
  });

  await it('only if it is the version that I know', async () => {
    await put('common/b', 'now');
    await remove('common/b', [412, 'precondition-failed'], { headers: { 'if-match': `"${sha256('before')}"` } });
    await remove('common/b', 204, { headers: { 'if-match': `"${sha256('before')}", "${sha256('now')}"` } });
    await put('common/b');
    await remove('common/b', 204, { headers: { 'if-match': '*' } });
  });

  await it('removes an empty directory, with a slash or without', async () => {
    for (const path of ['common/d', 'common/d/']) {
      await ann.put('/v1/files/common/d/', { expect: 201 });
      await remove(path, 204);
      await ann.get('/v1/files/common/d/', { expect: [404, 'not-found'] });
    }
  });

  await it('removes a full directory only when told to', async () => {
    await put('common/full/x');
    await put('common/full/y/z');
    await put('common/fuller');
    for (const path of ['common/full', 'common/full/']) {
      await remove(path, [409, 'directory-not-empty']);
      await remove(path, [409, 'directory-not-empty'], { query: { recursive: 'false' } });
    }
    await remove('common/full', 204, { query: { recursive: 'true' } });
    for (const path of ['common/full/', 'common/full/x', 'common/full/y/z']) await gone(path);
    await ann.get('/v1/files/common/fuller', { expect: 200 });
  });

  await it('names with wildcards stand for themselves', async () => {
    await put('common/w/%25/x');
    await put('common/w/abc/x');
    await remove('common/w/%25', 204, { query: { recursive: 'true' } });
    await ann.get('/v1/files/common/w/abc/x', { expect: 200 });
    await put('common/w/_bc/x');
    await remove('common/w/_bc', 204, { query: { recursive: 'true' } });
    await ann.get('/v1/files/common/w/abc/x', { expect: 200 });
  });

  await it('a file is no directory', async () => {
    await put('common/file');
    await remove('common/file/', [409, 'not-a-directory']);
    await ann.get('/v1/files/common/file', { expect: 200 });
  });

  await it('a space stays', async () => {
    for (const path of ['common', 'common/', '~me', '~me/']) {
      await remove(path, [409, 'conflict']);
      await remove(path, [409, 'conflict'], { query: { recursive: 'true' } });
    }
    await ann.get('/v1/files/common/', { expect: 200 });
  });

  await it('refuses parameters that make no sense, and bad paths', async () => {
    await remove('common/file', [400, 'parameter-invalid'], { query: { recursive: 'x' }, invalid: true });
    await remove('common/file', [400, 'parameter-invalid'], { query: 'recursive=true&recursive=true' });
    for (const path of badPaths) await remove(path, [400, 'path-invalid'], { invalid: true });
  });

  await it('guests and strangers may not', async () => {
    const guest = await gw.user(admin, 'gus', { role: 'guest' });
    await guest.delete('/v1/files/common/file', { expect: [403, 'forbidden'] });
    await put('~me/mine');
    await guest.delete('/v1/files/~ann/mine', { expect: [404, 'not-found'] });
    await admin.delete('/v1/files/~ann/mine', { expect: [404, 'not-found'] });
    await ann.get('/v1/files/~me/mine', { expect: 200 });
  });

  await it('needs a token', () => needsToken(gw.client(), 'DELETE', '/v1/files/common/file'));
});
