// SPDX-License-Identifier: Apache-2.0
// The second factor and passkeys on the page. Passkeys belong to a host name, so this is not at an address.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { assertQuiet, signUp } from './lib/browser.mjs';
import { App, authenticator, readQr } from './lib/factors.mjs';
import { gate } from './lib/gate.mjs';
import { tabTo, waitForFocus } from './lib/keys.mjs';
import { suite } from './lib/suite.mjs';

const PASSWORD = 'correct horse battery';
const EXPECTED = /status of 40[01]/; // the browser reports the refusals that these tests provoke

suite('web security', async ({ gw, browser, it }) => {
  const page = await browser.page();
  const origin = `https://localhost:${gw.port}`;
  const dialog = page.getByRole('dialog');
  const totp = page.getByRole('region', { name: 'Authenticator app' });
  const passkeys = page.getByRole('region', { name: 'Passkeys' });
  let app;
  let codes;
  let answered; // the answer with the secret, as it came

  const open = async () => {
    await page.goto(`${origin}/#/security`);
    await page.getByRole('heading', { level: 1, name: 'Security' }).waitFor();
  };
  const signOut = async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
  };
  const givePassword = async () => {
    await page.goto(`${origin}/#/signin`);
    await page.getByLabel('Name').fill('ann');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'One more step' }).waitFor();
  };
  const isIn = () => page.getByRole('button', { name: 'Sign out' }).waitFor();

  await it('sets up an authenticator app, after the password', async () => {
    await signUp(page, { origin, setupCode: () => gw.setupCode() });
    page.on('response', async (response) => {
      if (response.status() === 201 && response.url().endsWith('/totp')) answered = await response.json();
    });
    await open();
    await totp.getByRole('button', { name: 'Set it up' }).click();
    await dialog.getByLabel('Your password').fill('not the password');
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await dialog.getByRole('alert').getByText('Wrong user name or password').waitFor();
    await dialog.getByRole('alert').getByText('The password is wrong.').waitFor();
    await dialog.getByLabel('Your password').fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await totp.getByRole('img', { name: /QR code/ }).waitFor();
    await waitForFocus(page, 'Code');
  });

  await it('draws the symbol that the gateway made, and shows the secret in letters', async () => {
    const drawn = await readQr(page);
    assert.equal(drawn.quiet, 4);
    assert.deepEqual(drawn.rows, answered.qr);
    const secret = await totp.locator('.copyable code').innerText();
    assert.equal(secret.replaceAll(' ', ''), answered.secret);
    assert.equal(await totp.getByRole('link', { name: 'Open in an app' }).getAttribute('href'), answered.uri);
    app = new App(secret);
  });

  await it('keeps nothing of the secret when it is cancelled or left', async () => {
    const gone = async () => {
      const all = await page.evaluate(() =>
        [document.documentElement.outerHTML, JSON.stringify([{ ...sessionStorage }, { ...localStorage }])].join()
      );
      assert.ok(!all.includes(answered.secret.slice(0, 8)) && !all.includes(PASSWORD));
    };
    const again = async () => {
      await totp.getByRole('button', { name: 'Set it up' }).click();
      await dialog.getByLabel('Your password').fill(PASSWORD);
      await dialog.getByRole('button', { name: 'Go on' }).click();
      await totp.getByRole('img', { name: /QR code/ }).waitFor();
    };
    await totp.getByRole('button', { name: 'Cancel' }).click();
    await totp.getByRole('button', { name: 'Set it up' }).waitFor();
    await waitForFocus(page, 'Authenticator app');
    await gone();
    await again();
    await page.getByRole('navigation', { name: 'Account' }).getByRole('link', { name: 'Access' }).click();
    await page.getByRole('heading', { level: 1, name: 'Access' }).waitFor();
    await gone();
    await open();
    await again();
    app = new App(await totp.locator('.copyable code').innerText());
  });

  await it('wants a code before it counts, and shows ten recovery codes', async () => {
    await totp.getByRole('textbox', { name: 'Code' }).fill('000000');
    await totp.getByRole('button', { name: 'Turn it on' }).click();
    await totp.getByRole('alert').getByText('The second factor is not valid').waitFor();
    await totp.getByRole('textbox', { name: 'Code' }).fill(await app.code());
    await totp.getByRole('button', { name: 'Turn it on' }).click();
    await totp.getByRole('heading', { name: 'Recovery codes' }).waitFor();
    codes = await totp.locator('.codes code').allInnerTexts();
    assert.equal(new Set(codes).size, 10);
    const wanted = page.waitForEvent('download');
    await totp.getByRole('button', { name: 'Download' }).click();
    const download = await wanted;
    assert.equal(readFileSync(await download.path(), 'utf8'), `${codes.join('\n')}\n`);
    await totp.getByRole('button', { name: 'I have kept them' }).click();
    await totp.getByText('10 codes left').waitFor();
  });

  await it('asks for the code at sign-in, by keyboard alone', async () => {
    await signOut();
    await waitForFocus(page, 'Name');
    await page.keyboard.type('ann');
    await tabTo(page, 'Password');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'One more step' }).waitFor();
    await waitForFocus(page, 'Code');
    await page.keyboard.type('123');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('The second factor is not valid').waitFor();
    await waitForFocus(page, 'Code');
    await page.keyboard.type(await app.code());
    await page.keyboard.press('Enter');
    await isIn();
    const stored = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
    assert.ok(!stored.includes(PASSWORD));
  });

  await it('goes back to the first step', async () => {
    await signOut();
    await givePassword();
    await page.getByRole('button', { name: 'Start again' }).click();
    await page.getByLabel('Password').waitFor();
    await waitForFocus(page, 'Name');
    assert.equal(await page.getByLabel('Password').inputValue(), '');
  });

  await it('does not come back to a sign-in that was left', async () => {
    const asked = gate();
    const late = gate();
    await page.route('**/v1/sessions', async (route) => {
      asked.open();
      await late.opened;
      await route.continue();
    });
    await page.getByLabel('Name').fill('ann');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await asked.opened;
    for (const name of ['Sign in', 'Use a passkey']) {
      assert.ok(await page.getByRole('button', { name }).isDisabled(), `${name} while an answer is on its way`);
    }
    await page.getByRole('link', { name: 'Sign up' }).click();
    await page.getByRole('heading', { level: 1, name: 'Sign up' }).waitFor();
    const answer = page.waitForResponse('**/v1/sessions');
    late.open();
    await (await answer).finished();
    await page.waitForTimeout(100);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Sign up');
    assert.equal(await page.getByLabel('Password').inputValue(), '');
    await page.unroute('**/v1/sessions');
  });

  await it('takes a recovery code, once', async () => {
    await givePassword();
    await page.getByLabel('Code').fill(codes[0].toLowerCase());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await isIn();
    await open();
    await totp.getByText('9 codes left').waitFor();
    await signOut();
    await givePassword();
    await page.getByLabel('Code').fill(codes[0]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('The second factor is not valid').waitFor();
    await page.getByLabel('Code').fill(codes[1]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await isIn();
  });

  await it('makes new recovery codes', async () => {
    await open();
    await totp.getByRole('button', { name: 'New recovery codes' }).click();
    await dialog.getByLabel('Your password').fill(PASSWORD);
    await dialog.getByLabel('Code').fill(await app.code());
    await dialog.getByRole('button', { name: 'Make them' }).click();
    await totp.getByRole('heading', { name: 'Recovery codes' }).waitFor();
    const fresh = await totp.locator('.codes code').allInnerTexts();
    assert.equal(new Set([...fresh, ...codes]).size, 20);
    codes = fresh;
    await totp.getByRole('button', { name: 'I have kept them' }).click();
    await totp.getByText('10 codes left').waitFor();
  });

  let device;
  await it('adds a passkey', async () => {
    device = await authenticator(page);
    await passkeys.getByText('None yet.').waitFor();
    await passkeys.getByRole('button', { name: 'Add a passkey' }).click();
    await dialog.getByLabel('Name').fill('my laptop');
    await dialog.getByLabel('Your password').fill(PASSWORD);
    await dialog.getByLabel('Code').fill('000000');
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await dialog.getByRole('alert').getByText('The second factor is not valid').waitFor();
    await dialog.getByLabel('Code').fill(codes[4]);
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await passkeys.locator('li[data-name="my laptop"]').waitFor();
    const [credential, ...others] = await device.credentials();
    assert.equal(others.length, 0);
    assert.equal(credential.rpId, 'localhost');
    assert.equal(credential.isResidentCredential, true);
  });

  await it('does not add a second one to the same device', async () => {
    await passkeys.getByRole('button', { name: 'Add a passkey' }).click();
    await dialog.getByLabel('Name').fill('again');
    await dialog.getByLabel('Your password').fill(PASSWORD);
    await dialog.getByLabel('Code').fill(codes[5]);
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await dialog.getByRole('alert').getByText('There is a passkey already').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  await it('signs in with the passkey: no name, no password, no code', async () => {
    await signOut();
    await tabTo(page, 'Use a passkey');
    await page.keyboard.press('Enter');
    await isIn();
    await open();
    await passkeys.getByText('last used').waitFor();
    assert.equal((await device.credentials())[0].signCount > 0, true);
  });

  await it('a device that does not verify its user does not get in', async () => {
    await signOut();
    await device.verifies(false);
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.getByRole('alert').getByText('No passkey was used').waitFor();
    await device.verifies(true);
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await isIn();
  });

  await it('removes the passkey, which lets nobody in from then on', async () => {
    await open();
    await passkeys.getByRole('button', { name: 'Remove the passkey my laptop' }).click();
    await dialog.getByText('this one, too, if you signed in with it').waitFor();
    await dialog.getByRole('button', { name: 'Remove it' }).click();
    await page.getByText('Your session has ended.').waitFor(); // it was opened with it
    await page.getByText('The passkey my laptop was removed.').waitFor();
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.getByRole('alert').locator('.notice-title').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Sign out' }).count(), 0);
  });

  await it('turns the second factor off', async () => {
    await givePassword();
    await page.getByLabel('Code').fill(codes[0]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await isIn();
    await open();
    await totp.getByRole('button', { name: 'Turn it off' }).click();
    await dialog.getByLabel('Your password').fill(PASSWORD);
    await dialog.getByLabel('Code').fill(codes[1]);
    await dialog.getByRole('button', { name: 'Turn it off' }).click();
    await totp.getByRole('button', { name: 'Set it up' }).waitFor();
    await signOut();
    await page.getByLabel('Name').fill('ann');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await isIn();
  });

  await it('did all this without a complaint of the browser', () => assertQuiet(page, EXPECTED));
});
