// SPDX-License-Identifier: Apache-2.0
// What a person does on the page, from the first sign-up to signing out and in again.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../e2e/lib/gateway.mjs';
import { assertQuiet, drop, dropPaths, fillSignIn, row, signUp } from './lib/browser.mjs';
import { suite } from './lib/suite.mjs';

const BIG = 12 << 20;
const LARGE = 65 << 20; // more than the page keeps in memory

suite('web page', async ({ gw, browser, it }) => {
  const page = await browser.page();
  const small = Buffer.from('dropped on the page\n');
  const big = randomBytes(BIG);

  await it('comes with a strict content policy and nothing inline', async () => {
    const answer = await page.goto(`${gw.origin}/`);
    const policy = answer.headers()['content-security-policy'];
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'"
    ]) {
      assert.ok(policy.includes(part), `${part} in ${policy}`);
    }
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.equal(await page.locator('script:not([src]), style, [style]').count(), 0);
  });

  await it('signs up with the setup code', async () => {
    await signUp(page, gw);
    await page.getByText('Nothing here yet.').waitFor();
  });

  await it('uploads what is dropped', async () => {
    await drop(page, [
      { name: 'dropped.txt', bytes: small },
      { name: 'second – ümlaut.txt', bytes: 'two' }
    ]);
    await row(page, 'dropped.txt').waitFor();
    await row(page, 'second – ümlaut.txt').waitFor();
    await page.getByText('2 files uploaded.').waitFor();
    assert.equal(await page.locator('#transfers li[data-state="done"]').count(), 2);
  });

  await it('uploads what is picked, with progress', async () => {
    const devtools = await page.context().newCDPSession(page);
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 6 << 20 };
    await devtools.send('Network.enable');
    await devtools.send('Network.emulateNetworkConditions', slow);
    await page.evaluate(() => {
      window.seen = [];
      const watch = new MutationObserver(() => {
        const text = document.querySelector('#transfers li .transfer-state')?.textContent ?? '';
        if (window.seen.at(-1) !== text) window.seen.push(text);
      });
      watch.observe(document.getElementById('transfers'), {
        subtree: true,
        childList: true,
        characterData: true
      });
    });
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Upload' }).click();
    await (await chooser).setFiles([{ name: 'big.bin', mimeType: 'application/octet-stream', buffer: big }]);
    await row(page, 'big.bin').waitFor();
    await page.getByText('1 file uploaded.').waitFor();
    await devtools.send('Network.emulateNetworkConditions', { ...slow, uploadThroughput: -1 });
    const seen = await page.evaluate(() => window.seen);
    const shares = seen
      .map((text) => /^(\d+)% of 12\.6 MB$/.exec(text)?.[1])
      .filter(Boolean)
      .map(Number);
    assert.ok(
      shares.some((share) => share > 0 && share < 100),
      `progress in ${JSON.stringify(seen)}`
    );
    assert.deepEqual(
      [...shares].sort((a, b) => a - b),
      shares
    );
    assert.ok(seen.includes('Stored, SHA-256 checked'), JSON.stringify(seen));
    await devtools.detach();
  });

  await it('asks before it replaces a file', async () => {
    await drop(page, [{ name: 'dropped.txt', bytes: 'other' }]);
    await page.getByRole('dialog').getByRole('button', { name: 'Keep the old one' }).click();
    await page.getByText('Kept the old one', { exact: true }).waitFor();
    await drop(page, [{ name: 'second – ümlaut.txt', bytes: 'two, second version' }]);
    await page.getByRole('dialog').getByRole('button', { name: 'Replace' }).click();
    await row(page, 'second – ümlaut.txt').locator('td', { hasText: '19 bytes' }).waitFor();
    assert.match(await row(page, 'dropped.txt').innerText(), /20 bytes/);
  });

  await it('lists and sorts', async () => {
    const names = () => page.locator('tbody tr').evaluateAll((rows) => rows.map((one) => one.dataset.name));
    assert.deepEqual(await names(), ['big.bin', 'dropped.txt', 'second – ümlaut.txt']);
    await page.getByRole('button', { name: 'Size' }).click();
    await page.locator('th[aria-sort="descending"]', { hasText: 'Size' }).waitFor();
    await page.locator('section[data-drop]:not([aria-busy])').waitFor();
    assert.deepEqual(await names(), ['big.bin', 'dropped.txt', 'second – ümlaut.txt']);
    await page.getByRole('button', { name: 'Size' }).click();
    await page.locator('th[aria-sort="ascending"]', { hasText: 'Size' }).waitFor();
    await page.locator('section[data-drop]:not([aria-busy])').waitFor();
    assert.deepEqual(await names(), ['second – ümlaut.txt', 'dropped.txt', 'big.bin']);
    await page.getByRole('button', { name: /^Name/ }).click();
  });

  await it('downloads the same bytes', async () => {
    for (const [name, bytes] of [
      ['big.bin', big],
      ['dropped.txt', small]
    ]) {
      const wanted = page.waitForEvent('download');
      await page.getByRole('button', { name: `Download ${name}` }).click();
      const download = await wanted;
      assert.equal(download.suggestedFilename(), name);
      const got = readFileSync(await download.path());
      const sha256 = (data) => createHash('sha256').update(data).digest('hex');
      assert.equal(sha256(got), sha256(bytes), name);
    }
    await page.getByText('Saved, SHA-256 checked').first().waitFor();
  });

  await it('downloads large files straight to disk, where the browser can', async () => {
    const client = await gw.login('ann', 'correct horse battery');
    const large = Buffer.alloc(LARGE, 'large');
    await client.put('/v1/files/common/large.bin', { body: large, expect: 201 });
    await page.evaluate(() => {
      // The picker is a window of the system; a file of the origin's own takes its place.
      window.showSaveFilePicker = async ({ suggestedName }) => {
        const directory = await navigator.storage.getDirectory();
        return directory.getFileHandle(suggestedName, { create: true });
      };
    });
    await page.getByRole('button', { name: /^Name/ }).click();
    await page.getByRole('button', { name: 'Download large.bin' }).click();
    await page
      .locator('#transfers li', { hasText: 'large.bin' })
      .getByText('Saved', { exact: true })
      .waitFor();
    const digest = await page.evaluate(async () => {
      const directory = await navigator.storage.getDirectory();
      const file = await (await directory.getFileHandle('large.bin')).getFile();
      const octets = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
      return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
    });
    assert.equal(digest, createHash('sha256').update(large).digest('hex'));
    await client.delete('/v1/files/common/large.bin', { expect: 204 });
    await page.reload();
    await row(page, 'dropped.txt').waitFor();
  });

  await it('makes a folder, goes into it and back', async () => {
    await page.getByRole('button', { name: 'New folder' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('papers & notes');
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    await page.getByRole('link', { name: 'papers & notes/' }).click();
    await page.getByRole('heading', { name: 'papers & notes' }).waitFor();
    await drop(page, [{ name: 'inside.txt', bytes: 'in' }]);
    await row(page, 'inside.txt').waitFor();
    await page.reload();
    await row(page, 'inside.txt').waitFor();
    await page.getByRole('navigation', { name: 'Path' }).getByRole('link', { name: 'common' }).click();
    await row(page, 'big.bin').waitFor();
  });

  await it('uploads a dropped folder with all that is in it', async () => {
    const folder = join(temporaryDirectory(), 'tree');
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    writeFileSync(join(folder, 'top.txt'), 'top');
    writeFileSync(join(folder, 'a', 'b', 'deep.txt'), 'deep');
    await dropPaths(page, [folder]);
    await page.getByText('2 files uploaded.').waitFor();
    await page.getByRole('link', { name: 'tree/' }).click();
    await row(page, 'top.txt').waitFor();
    await page.goto(`${gw.origin}/#/files/common/tree/a/b/`);
    await row(page, 'deep.txt').waitFor();
    await page.goto(`${gw.origin}/#/files/common/`);
    await row(page, 'tree').waitFor();
  });

  await it('deletes after asking', async () => {
    await page.getByRole('button', { name: 'Delete big.bin' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await row(page, 'big.bin').waitFor();
    for (const name of ['big.bin', 'papers & notes', 'tree']) {
      await page.getByRole('button', { name: `Delete ${name}` }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await row(page, name).waitFor({ state: 'detached' });
    }
    await row(page, 'dropped.txt').waitFor();
  });

  await it('shows long directories page by page', async () => {
    const client = await gw.login('ann', 'correct horse battery');
    for (let i = 0; i < 230; i += 1) {
      await client.put(`/v1/files/common/many/${String(i).padStart(3, '0')}`, {
        body: String(i),
        expect: 201
      });
    }
    await page.goto(`${gw.origin}/#/files/common/many/`);
    await row(page, '199').waitFor();
    assert.equal(await page.locator('tbody tr').count(), 200);
    await page.getByRole('button', { name: 'Show more' }).click();
    await row(page, '229').waitFor();
    assert.equal(await page.locator('tbody tr').count(), 230);
    assert.ok(await page.getByRole('button', { name: 'Show more' }).isHidden());
  });

  await it('shows the time in any zone', async () => {
    await page.getByRole('link', { name: 'Time', exact: true }).click();
    await page.locator('.clock', { hasText: /^\d\d:\d\d:\d\d$/ }).waitFor();
    const before = await page.locator('.clock').innerText();
    await page.getByLabel('Time zone').fill('Asia/Tokyo');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.locator('.clock-day', { hasText: 'Asia/Tokyo' }).waitFor();
    assert.notEqual((await page.locator('.clock').innerText()).slice(0, 2), before.slice(0, 2));
    await page.getByText(/ynchronized/).waitFor();
  });

  await it('shows the state of TLS', async () => {
    await page.getByRole('link', { name: 'Connection' }).click();
    await page.getByText('encrypted with TLS 1.3').waitFor();
    const shown = await page.locator('#main').innerText();
    assert.match(shown, /([0-9A-F]{2}:){31}[0-9A-F]{2}/);
    assert.match(shown, /localhost/);
    await page.locator('#status-tls', { hasText: 'TLS 1.3' }).waitFor();
  });

  await it('lists and ends sessions, changes the password', async () => {
    await gw.login('ann', 'correct horse battery');
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByText('this one').waitFor();
    const sessions = page.locator('.sessions li');
    const before = await sessions.count();
    assert.equal(before, 4);
    await page.getByRole('button', { name: 'End the session of Unnamed device' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
    await page.getByText('The session was ended.').waitFor();
    await sessions.nth(before - 1).waitFor({ state: 'detached' });
    await page.getByLabel('Present password').fill('correct horse battery');
    await page.getByLabel('New password').fill('staple of the horse');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText('Your password was changed.').waitFor();
    await sessions.nth(1).waitFor({ state: 'detached' });
  });

  await it('signs out and in', async () => {
    await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.goto(`${gw.origin}/#/files/common/`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await fillSignIn(page, { password: 'staple of the horse' });
    await row(page, 'dropped.txt').waitFor();
  });

  await it('did all this without a complaint of the browser', () => assertQuiet(page));

  await it('says what went wrong, with the request id', async () => {
    await page.goto(`${gw.origin}/#/files/common/nowhere/`);
    const alert = page.locator('#errors .notice');
    await alert.waitFor();
    assert.match(await alert.innerText(), /Request [A-Za-z0-9._-]+/);
    await alert.getByRole('button', { name: 'Close this message' }).click();
    await alert.waitFor({ state: 'detached' });
  });

  await it('shows the refusal of an upload before the whole body is sent', async () => {
    await page.goto(`${gw.origin}/#/files/common/`);
    await row(page, 'many').waitFor();
    await page.locator('#picker').setInputFiles([{ name: 'many', mimeType: 'text/plain', buffer: big }]);
    const alert = page.locator('#errors .notice');
    await alert.waitFor();
    assert.match(await alert.innerText(), /^many: .*directory/i);
    await alert.getByRole('button', { name: 'Close this message' }).click();
    assert.ok(await page.getByRole('link', { name: 'many/' }).isVisible());
  });

  await it('says when the gateway cannot be reached, and goes on afterwards', async () => {
    await page.context().setOffline(true);
    await page.goto(`${gw.origin}/#/files/common/many/`);
    await page.getByText('The gateway did not answer').first().waitFor();
    await page.context().setOffline(false);
    await page.getByRole('button', { name: 'Close this message' }).first().click();
    await page.goto(`${gw.origin}/#/files/common/`);
    await row(page, 'many').waitFor();
  });

  for (const colorScheme of ['light', 'dark']) {
    await it(`fits 320 pixels, ${colorScheme}`, async () => {
      const narrow = await browser.page({ viewport: { width: 320, height: 640 }, colorScheme });
      const check = async (what) => {
        const wide = await narrow.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= 320, `${what} is ${wide} wide`);
      };
      await narrow.goto(`${gw.origin}/#/signin/new`);
      await narrow.getByRole('heading', { name: 'Sign up' }).waitFor();
      await check('sign up');
      await narrow.goto(`${gw.origin}/#/signin`);
      await fillSignIn(narrow, { password: 'staple of the horse' });
      await drop(narrow, [{ name: `a${'very'.repeat(40)}-long-name-${colorScheme}.txt`, bytes: 'x' }]);
      await narrow.getByText('1 file uploaded.').waitFor();
      await row(narrow, 'dropped.txt').waitFor();
      await check('files');
      for (const [link, text] of [
        ['Time', 'RFC 3339'],
        ['Connection', 'Cipher'],
        ['Account', 'this one']
      ]) {
        await narrow.getByRole('link', { name: link, exact: true }).first().click();
        await narrow.getByText(text).waitFor();
        await check(link);
      }
      const background = await narrow.evaluate(
        () => getComputedStyle(document.documentElement).backgroundColor
      );
      const brightness = Number(/\d+/.exec(background)[0]);
      assert.ok(colorScheme === 'dark' ? brightness < 64 : brightness > 192, background);
      assertQuiet(narrow);
      await narrow.context().close();
    });
  }
});
