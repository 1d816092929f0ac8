// SPDX-License-Identifier: Apache-2.0
// Stored content that is opened in the browser must not run in the origin of the page.
import assert from 'node:assert/strict';
import { signIn } from './lib/browser.mjs';
import { suite } from './lib/suite.mjs';

const ATTACK =
  "localStorage.setItem('attack','1');sessionStorage.setItem('attack','1');document.title='attack';fetch('/v1/attack')";
const XHTML = 'http://www.w3.org/1999/xhtml';
const FILES = {
  'page.html': `<!doctype html><title>x</title><script>${ATTACK}</script><img src=x onerror="${ATTACK}">`,
  'page.htm': `<!doctype html><script>${ATTACK}</script>`,
  'page.xhtml': `<html xmlns="${XHTML}"><head><title>x</title><script>${ATTACK}</script></head><body/></html>`,
  'image.svg': `<svg xmlns="http://www.w3.org/2000/svg" onload="${ATTACK}"><script>${ATTACK}</script></svg>`,
  'data.xml': `<x><script xmlns="${XHTML}">${ATTACK}</script></x>`,
  'no-extension': `<!doctype html><script>${ATTACK}</script>`
};

suite('web origin', async ({ gw, browser, it }) => {
  const admin = await gw.admin('ann', 'correct horse battery');
  const context = await browser.context({ extraHTTPHeaders: { Authorization: `Bearer ${admin.token}` } });
  const attacks = [];
  context.on('request', (request) => request.url().endsWith('/v1/attack') && attacks.push(request.url()));

  for (const [name, text] of Object.entries(FILES)) {
    await it(`${name} cannot run script`, async () => {
      await admin.put(`/v1/files/common/${name}`, { body: text, expect: 201 });
      const page = await context.newPage();
      let saved = false;
      page.on('download', () => (saved = true));
      const answer = await page.goto(`${gw.origin}/v1/files/common/${name}`).catch((error) => {
        assert.match(error.message, /Download is starting|ERR_ABORTED/);
        saved = true;
      });
      await page.waitForTimeout(150);
      if (!saved) {
        assert.equal(answer.status(), 200);
        assert.match(answer.headers()['content-security-policy'], /sandbox/);
        assert.notEqual(await page.title(), 'attack');
      }
      await page.close();
    });
  }

  await it('left nothing in the origin', async () => {
    const page = await context.newPage();
    await page.goto(`${gw.origin}/`);
    const stored = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
    assert.doesNotMatch(stored, /attack/);
    assert.deepEqual(attacks, []);
  });

  await it('script from a stored file is refused by the page as a source', async () => {
    const page = await browser.page();
    await signIn(page, gw);
    const ran = await page.evaluate(async () => {
      const script = document.createElement('script');
      script.src = '/v1/files/common/page.html';
      document.head.append(script);
      await new Promise((done) => (script.onload = script.onerror = done));
      return document.title;
    });
    assert.notEqual(ran, 'attack');
  });
});
