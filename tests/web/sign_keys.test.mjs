// SPDX-License-Identifier: Apache-2.0
// Keys on the page by keyboard alone: making, giving away, rotating, disabling; who may not, sees no buttons.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { assertQuiet, signIn, signUp } from './lib/browser.mjs';
import { tabTo, waitForFocus } from './lib/keys.mjs';
import { keyPanel, makeKey, openView } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const PASSWORD = 'correct horse battery';

suite('web keys', async ({ gw, browser, it }) => {
  const page = await browser.page();
  let client;

  const key = async () => (await client.get('/v1/keys/release', { expect: 200 })).json;

  await it('makes a key by keyboard', async () => {
    await signUp(page, gw);
    client = await gw.login('ann', PASSWORD);
    const { code } = (await client.post('/v1/invites', { json: { role: 'member' }, expect: 201 })).json;
    const json = { username: 'bob', password: PASSWORD, code };
    await client.post('/v1/users', { json, token: null, expect: 201 });
    await tabTo(page, 'Sign', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Sign' }).waitFor();
    await tabTo(page, 'Keys');
    await page.keyboard.press('Enter');
    await page.getByText('There are no keys yet.').waitFor();
    await tabTo(page, 'New key');
    await page.keyboard.press('Enter');
    await waitForFocus(page, 'Name');
    await page.keyboard.type('release');
    await page.keyboard.press('Enter');
    await waitForFocus(page, 'releaseyou may sign');
    assert.deepEqual((await key()).signers, ['ann']);
  });

  await it('refuses a name that is taken, in the dialog', async () => {
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('release');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('alert').getByText('The name is taken').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assertQuiet(page, /409/);
    page.context().complaints.length = 0;
  });

  await it('lets somebody else sign', async () => {
    await tabTo(page, 'Who may sign');
    await page.keyboard.press('Enter');
    await waitForFocus(page, 'May sign');
    await page.keyboard.press('End');
    await page.keyboard.type(', bob');
    await page.keyboard.press('Enter');
    await waitForFocus(page, 'releaseyou may sign');
    const { signers, managers } = await key();
    assert.deepEqual([[...signers].sort(), managers], [['ann', 'bob'], ['ann']]);
  });

  await it('limits the formats', async () => {
    await keyPanel(page, 'release').getByRole('button', { name: 'Formats' }).click();
    await page.getByRole('dialog').getByLabel('cms').uncheck();
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { formats } = await key();
    assert.deepEqual([...formats].sort(), ['dsse', 'minisign', 'raw', 'signify', 'sshsig']);
    await openView(page, gw, 'sign');
    await page.locator('.checks input').first().waitFor();
    assert.equal(await page.locator('.checks input[value=cms]').count(), 0);
    await openView(page, gw, 'keys');
  });

  await it('rotates, with an end', async () => {
    await keyPanel(page, 'release').getByRole('button', { name: 'Rotate' }).click();
    await page.getByRole('dialog').getByLabel('Signs for how many days').fill('30');
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
    await keyPanel(page, 'release').getByText('2 versions').waitFor();
    const { current_version: current, versions } = await key();
    assert.equal(current, 2);
    const days = (new Date(versions[1].expires_at) - new Date(versions[1].created_at)) / 86400000;
    assert.ok(Math.abs(days - 30) < 0.01, `${days} days`);
    await keyPanel(page, 'release').getByRole('button', { name: 'Retire old versions' }).click();
    await waitForFocus(page, 'Cancel');
    await page.getByRole('button', { name: 'Retire them' }).click();
    await page.getByText('Only version 2 of release verifies now.').waitFor();
    assert.equal((await key()).oldest_version, 2);
  });

  await it('gives the public key', async () => {
    const wanted = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Public key release, version 2, as pem' }).first().click();
    const download = await wanted;
    const pem = readFileSync(await download.path(), 'utf8');
    assert.equal(createPublicKey(pem).asymmetricKeyType, 'ed25519');
  });

  await it('shows ECDSA keys without formats that they do not have', async () => {
    await makeKey(page, gw, 'other', 'ecdsa-p256');
    const text = await keyPanel(page, 'other').innerText();
    assert.match(text, /ECDSA P-256/);
    assert.doesNotMatch(text, /minisign|signify/);
  });

  await it('disables only when asked twice, and enables again', async () => {
    const disable = keyPanel(page, 'release').getByRole('button', { name: 'Disable' });
    await disable.click();
    await page.keyboard.press('Escape');
    assert.equal((await key()).disabled, false);
    await disable.click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await keyPanel(page, 'release').getByText('disabled', { exact: true }).waitFor();
    assert.equal((await key()).disabled, true);
    await openView(page, gw, 'sign');
    await page.getByRole('option', { name: 'other (ECDSA P-256)' }).waitFor({ state: 'attached' });
    assert.equal(await page.getByRole('option', { name: /^release/ }).count(), 0);
    await openView(page, gw, 'keys');
    await keyPanel(page, 'release').getByRole('button', { name: 'Enable' }).click();
    await page.getByText('release is enabled.').waitFor();
    assert.equal((await key()).disabled, false);
  });

  await it('shows who may not change it no buttons', async () => {
    const bob = await browser.page();
    await signIn(bob, gw, { name: 'bob', password: PASSWORD });
    await openView(bob, gw, 'keys');
    await keyPanel(bob, 'release').getByText('you may sign').waitFor();
    assert.equal(await bob.locator('main button').filter({ visible: true }).count(), 0);
    await openView(bob, gw, 'sign');
    await bob.getByRole('option', { name: 'release (Ed25519)' }).waitFor({ state: 'attached' });
    assertQuiet(bob);
    await bob.context().close();
  });

  for (const colorScheme of ['light', 'dark']) {
    await it(`fits 320 pixels, ${colorScheme}`, async () => {
      const narrow = await browser.page({ viewport: { width: 320, height: 640 }, colorScheme });
      await signIn(narrow, gw, { name: 'ann', password: PASSWORD });
      for (const view of [
        'keys',
        'sign/common/a-file-with-a-rather-long-name_1.2.3-4_amd64.deb',
        'files/common/'
      ]) {
        await narrow.goto(`${gw.origin}/#/${view}`);
        await narrow.locator('main [aria-busy]').waitFor({ state: 'detached' });
        const wide = await narrow.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= 320, `${view} is ${wide} wide`);
      }
      assertQuiet(narrow);
      await narrow.context().close();
    });
  }

  await it('wrote nothing into the console', async () => assertQuiet(page));
});
