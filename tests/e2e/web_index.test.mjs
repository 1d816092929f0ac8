// SPDX-License-Identifier: Apache-2.0
// The page, as far as it can be judged without a browser.
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';

suite('web_index', async ({ gw, it }) => {
  const anyone = gw.client();

  await it('is HTML under a strict policy', async () => {
    const { bytes, headers } = await anyone.get('/', { expect: 200 });
    assert.match(headers['content-type'], /^text\/html; ?charset=utf-8$/i);
    const policy = headers['content-security-policy'];
    assert.match(policy, /default-src '(none|self)'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|\*/);
    const html = bytes.toString('utf8');
    assert.match(html, /^<!doctype html>/i);
    assert.match(html, /<html[^>]* lang=/);
    assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)[^>]*>/i);
    assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=/i);
  });

  await it('everything it links to is there', async () => {
    const html = (await anyone.get('/', { expect: 200 })).bytes.toString('utf8');
    const links = [...html.matchAll(/<(?:script|link|img)[^>]*\s(?:src|href)="([^"#]+)"/g)].map((m) => m[1]);
    assert.ok(links.length > 0);
    for (const link of links) {
      const url = new URL(link, gw.origin);
      assert.equal(url.origin, gw.origin);
      await anyone.get(url.pathname, { expect: 200 });
    }
  });

  await it('is not sent again to those who have it', async () => {
    const { headers } = await anyone.get('/', { expect: 200 });
    await anyone.get('/', { headers: { 'if-none-match': headers.etag }, expect: 304 });
  });
});
