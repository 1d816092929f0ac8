// SPDX-License-Identifier: Apache-2.0
// The chat by keyboard alone: no pointer, no direct focus, only keys.
import { setTimeout as sleep } from 'node:timers/promises';
import assert from 'node:assert/strict';
import { assertQuiet, fillSignIn } from './lib/browser.mjs';
import { message, PASSWORD, roomLink } from './lib/chat.mjs';
import { tabTo, waitForFocus } from './lib/keys.mjs';
import { suite } from './lib/suite.mjs';

const LATE_MS = 3000;

suite('web chat keyboard', async ({ gw, browser, it }) => {
  const admin = await gw.admin('ann', PASSWORD);
  const other = await gw.user(admin, 'bob');
  const page = await browser.page();
  await page.goto(`${gw.origin}/#/signin`);
  await fillSignIn(page, { name: 'ann', password: PASSWORD });

  await it('opens the chat and is ready to write', async () => {
    await tabTo(page, 'Chat');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'common' }).waitFor();
    await waitForFocus(page, 'Message to common');
    await page.keyboard.type('by keys');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('alone');
    await page.keyboard.press('Enter');
    await message(page, 'by keys\nalone').waitFor();
    await waitForFocus(page, 'Message to common');
  });

  await it('goes to a message with arrows, and to what can be done with it', async () => {
    for (const text of ['one', 'two', 'three']) {
      await other.post('/v1/chat/common/messages', { json: { text }, expect: 201 });
    }
    await message(page, 'three').waitFor();
    const here = () => page.evaluate(() => document.activeElement.querySelector('.text')?.textContent);
    for (let i = 0; i < 10 && (await here()) !== 'three'; i += 1) await page.keyboard.press('Shift+Tab');
    assert.equal(await here(), 'three');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    assert.equal(await here(), 'one');
    await page.keyboard.press('End');
    assert.equal(await here(), 'three');
    await page.keyboard.press('Home');
    assert.equal(await here(), 'by keys\nalone');
    await page.keyboard.press('ArrowDown');
    await tabTo(page, 'Reply to bob');
    await page.keyboard.press('Enter');
    await waitForFocus(page, 'Message to common');
    await page.keyboard.type('an answer');
    await page.keyboard.press('Enter');
    await message(page, 'an answer').locator('.quote', { hasText: 'bob: one' }).waitFor();
  });

  await it('gives up a reply with Escape', async () => {
    await tabTo(page, 'Reply to ann', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.locator('.replying:not([hidden])').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.replying').waitFor({ state: 'hidden' });
  });

  await it('edits the last own message with the arrow, and one can think better of it', async () => {
    await page.keyboard.press('ArrowUp');
    await waitForFocus(page, 'Edit the message');
    await page.keyboard.press('Escape');
    assert.equal(await message(page, 'an answer').count(), 1);
    assert.equal(await page.evaluate(() => document.activeElement.querySelector('.text')?.textContent), 'an answer');
    await tabTo(page, 'Message to common');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('a better answer');
    await page.keyboard.press('Enter');
    await message(page, 'a better answer').getByText('edited', { exact: true }).waitFor();
    await waitForFocus(page, 'Message to common');
  });

  await it('deletes, and the focus stays there', async () => {
    await tabTo(page, 'Delete the message', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await waitForFocus(page, 'Cancel');
    await tabTo(page, 'Delete');
    await page.keyboard.press('Enter');
    await page.getByText('This message was deleted.').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.className), 'message own');
  });

  await it('makes a space and adds a member, also when the list of rooms comes late', async () => {
    const late = async (route) => {
      if (route.request().method() === 'GET') await sleep(LATE_MS);
      await route.continue().catch(() => {});
    };
    await page.route('**/v1/spaces', late);
    await tabTo(page, 'New space', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await waitForFocus(page, 'Name');
    await page.keyboard.type('keys');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'keys' }).waitFor();
    await waitForFocus(page, 'Message to keys');
    await tabTo(page, 'Members', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo(page, 'Add a user');
    await page.unroute('**/v1/spaces', late);
    await page.keyboard.type('bob');
    await page.keyboard.press('Enter');
    await page.getByText('bob was added.').waitFor();
    await tabTo(page, 'Remove bob', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByText('bob was removed.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await waitForFocus(page, 'Members');
  });

  await it('opens the file picker, who is here, and another room', async () => {
    await tabTo(page, '1 here', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.locator('.present li', { hasText: 'ann since' }).waitFor();
    await tabTo(page, 'Send a file');
    const chooser = page.waitForEvent('filechooser');
    await page.keyboard.press('Enter');
    await (
      await chooser
    ).setFiles([{ name: 'picked.txt', mimeType: 'text/plain', buffer: Buffer.from('picked') }]);
    await page.getByRole('button', { name: 'Download picked.txt, 6 bytes' }).waitFor();
    const common = await roomLink(page, 'common').innerText();
    const name = (await roomLink(page, 'common').evaluate((link) => link.textContent)).trim();
    assert.match(common, /^common/);
    await tabTo(page, name, 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'common' }).waitFor();
    await waitForFocus(page, 'Message to common');
    assertQuiet(page);
  });
});
