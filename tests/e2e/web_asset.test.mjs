// SPDX-License-Identifier: Apache-2.0
// Static files of the page.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from './lib/suite.mjs';

const web = new URL('../../web/', import.meta.url);

suite('web_asset', async ({ gw, it }) => {
  const anyone = gw.client();
  const types = { js: 'text/javascript', mjs: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', html: 'text/html' };
  const files = readdirSync(web, { withFileTypes: true })
    .filter((entry) => entry.isFile() && types[entry.name.split('.').pop()])
    .map((entry) => entry.name);

  await it('serves each file with its type', async () => {
    assert.ok(files.length > 0);
    for (const file of files) {
      const { bytes, headers } = await anyone.get(`/web/${file}`, { expect: 200 });
      assert.equal(headers['content-type'].split(';')[0], types[file.split('.').pop()], file);
      assert.ok(bytes.equals(readFileSync(new URL(file, web))), file);
    }
  });

  await it('is not sent again to those who have it', async () => {
    const { headers } = await anyone.get(`/web/${files[0]}`, { expect: 200 });
    await anyone.get(`/web/${files[0]}`, { headers: { 'if-none-match': headers.etag }, expect: 304 });
  });

  await it('nothing else can be read this way', async () => {
    const ask = (path) => anyone.get(path, { invalid: true, expect: [404, 'not-found'] });
    for (const name of ['nothing.js', '..', '../ca.pem', '..%2fca.pem', '%2e%2e/ca.pem', '%2fetc%2fpasswd', 'a/b.js', 'app.js%00']) {
      await ask(`/web/${name}`);
    }
  });
});
