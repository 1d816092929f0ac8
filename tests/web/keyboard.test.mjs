// SPDX-License-Identifier: Apache-2.0
// The page by keyboard alone: no pointer, no direct focus, only keys.
import assert from 'node:assert/strict';
import { assertQuiet, row } from './lib/browser.mjs';
import { tabTo, waitForFocus } from './lib/keys.mjs';
import { suite } from './lib/suite.mjs';

suite('web keyboard', async ({ gw, browser, it }) => {
  const page = await browser.page();

  await it('signs up', async () => {
    await page.goto(`${gw.origin}/`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await tabTo(page, 'Sign up');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sign up' }).waitFor();
    await waitForFocus(page, 'Name');
    await page.keyboard.type('kay');
    await tabTo(page, 'Password');
    await page.keyboard.type('correct horse battery');
    await tabTo(page, 'Code');
    await page.keyboard.type(gw.setupCode());
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'common' }).waitFor();
  });

  await it('begins with a link that skips to the content', async () => {
    await page.reload();
    await page.getByRole('heading', { name: 'common' }).waitFor();
    await tabTo(page, 'Skip to content');
    await page.keyboard.press('Enter');
    await tabTo(page, 'New folder');
  });

  await it('makes a folder', async () => {
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await waitForFocus(page, 'Name');
    await page.keyboard.type('keys');
    await page.keyboard.press('Enter');
    await row(page, 'keys').waitFor();
  });

  await it('closes a dialog with Escape and gives the focus back', async () => {
    await tabTo(page, 'Delete keys');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await waitForFocus(page, 'Cancel');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await waitForFocus(page, 'Delete keys');
  });

  await it('sorts and keeps the focus', async () => {
    await tabTo(page, 'Size', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.locator('th[aria-sort="descending"]', { hasText: 'Size' }).waitFor();
    await waitForFocus(page, 'Size');
  });

  await it('goes into a folder and back', async () => {
    await tabTo(page, 'keys/');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'keys' }).waitFor();
    await page.getByText('Nothing here yet.').waitFor();
    await tabTo(page, 'common', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await row(page, 'keys').waitFor();
  });

  await it('opens the file picker', async () => {
    await tabTo(page, 'Upload');
    const chooser = page.waitForEvent('filechooser');
    await page.keyboard.press('Enter');
    await (
      await chooser
    ).setFiles([{ name: 'typed.txt', mimeType: 'text/plain', buffer: Buffer.from('typed') }]);
    await row(page, 'typed.txt').waitFor();
    await page.getByText('Stored, SHA-256 checked').waitFor();
  });

  await it('deletes and leaves the focus near', async () => {
    await tabTo(page, 'Delete typed.txt');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo(page, 'Delete');
    await page.keyboard.press('Enter');
    await row(page, 'typed.txt').waitFor({ state: 'detached' });
    await page.locator('section[data-drop]:not([aria-busy])').waitFor();
    await page.getByText('typed.txt was deleted.').waitFor();
    await waitForFocus(page, 'keys/');
  });

  await it('signs out', async () => {
    await tabTo(page, 'Sign out', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByText('You are signed out.').waitFor();
    await waitForFocus(page, 'Name');
    assertQuiet(page);
  });
});
