// SPDX-License-Identifier: Apache-2.0
// Tokens for scripts, client certificates and devices on the page.
import assert from 'node:assert/strict';
import { enroll } from '../e2e/lib/certs.mjs';
import { assertQuiet, signIn, signUp } from './lib/browser.mjs';
import { gate } from './lib/gate.mjs';
import { tabTo, waitForFocus } from './lib/keys.mjs';
import { suite } from './lib/suite.mjs';

const EXPECTED = /status of 40[049]/; // the browser reports the refusals that these tests provoke
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

suite('web access', async ({ gw, browser, it }) => {
  const page = await browser.page();
  const dialog = page.getByRole('dialog');
  const tokens = page.getByRole('region', { name: 'Tokens for scripts' });
  const certificates = page.getByRole('region', { name: 'Client certificates' });
  await signUp(page, gw);
  const ann = await gw.login('ann', 'correct horse battery');
  await ann.put('/v1/files/common/a.txt', { body: 'a', expect: 201 });
  let secret;

  await it('makes a token that can do what was chosen, and shows it once', async () => {
    await page.goto(`${gw.origin}/#/access`);
    await tokens.getByText('None yet.').waitFor();
    await tokens.getByRole('button', { name: 'New token' }).click();
    await waitForFocus(page, 'Name');
    await dialog.getByLabel('Name').fill('backup');
    await dialog.getByRole('checkbox', { name: 'read files' }).check();
    await dialog.getByLabel('Spaces').fill('common, ~ann');
    await dialog.getByLabel('Good for how many days').fill('30');
    await dialog.getByRole('button', { name: 'Make it' }).click();
    const row = tokens.locator('li[data-name="backup"]');
    await row.waitFor();
    assert.match(await row.innerText(), /files:read, in common, ~ann[\s\S]*not used yet/);
    secret = await tokens.locator('.once code').innerText();
    assert.match(secret, /^sgp_/);
    const script = gw.client();
    script.token = secret;
    await script.get('/v1/files/common/a.txt', { expect: 200 });
    await script.delete('/v1/files/common/a.txt', { expect: [403, 'forbidden'] });
    await page.reload();
    await row.waitFor();
    assert.equal(await tokens.locator('.once').count(), 0);
    assert.ok(!(await page.content()).includes(secret));
  });

  await it('says why it makes none', async () => {
    await tokens.getByRole('button', { name: 'New token' }).click();
    await dialog.getByLabel('Name').fill('backup');
    await dialog.getByRole('checkbox', { name: 'read files' }).check();
    await dialog.getByRole('button', { name: 'Make it' }).click();
    await dialog.getByRole('alert').getByText('The name is taken').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  await it('says so where it is seen, on a small screen too', async () => {
    await page.setViewportSize({ width: 320, height: 480 });
    await tokens.getByRole('button', { name: 'New token' }).click();
    await dialog.getByLabel('Name').fill('backup');
    await dialog.getByRole('button', { name: 'Make it' }).click();
    const first = dialog.getByRole('checkbox').first();
    assert.equal(await first.evaluate((box) => box.validationMessage), 'Choose one at least.');
    await dialog.getByRole('checkbox', { name: 'read files' }).check();
    await dialog.getByRole('button', { name: 'Make it' }).click();
    const said = dialog.getByRole('alert').getByText('The name is taken');
    await said.waitFor();
    await waitForFocus(page, 'Make it');
    const { y, height } = await said.boundingBox();
    assert.ok(y >= 0 && y + height <= 480, `at ${y}`);
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 1100, height: 800 });
  });

  await it('deletes it, by keyboard alone', async () => {
    await tabTo(page, 'Delete the token backup');
    await page.keyboard.press('Enter');
    await dialog.waitFor();
    await tabTo(page, 'Delete it');
    await page.keyboard.press('Enter');
    await tokens.getByText('None yet.').waitFor();
    await waitForFocus(page, 'Tokens for scripts');
    const script = gw.client();
    script.token = secret;
    await script.get('/v1/files/common/a.txt', { expect: [401, 'token-invalid'] });
  });

  await it('lists certificates, an admin those of all, and revokes', async () => {
    const bob = await gw.user(ann, 'bob');
    await enroll(ann, { name: 'laptop' });
    await enroll(bob, { name: 'phone' });
    await page.reload();
    await certificates.getByText('laptop').waitFor();
    assert.equal(await certificates.getByText('phone').count(), 0);
    await certificates.getByLabel('Of all users').check();
    await certificates.getByText('phone').waitFor();
    assert.match(await certificates.locator('li', { hasText: 'phone' }).innerText(), /bob, CN=bob/);
    await certificates.getByRole('button', { name: 'Revoke the certificate phone' }).click();
    await dialog.getByRole('button', { name: 'Revoke it' }).click();
    await certificates.locator('li', { hasText: 'phone' }).getByText('revoked', { exact: true }).waitFor();
    const { certificates: left } = (await bob.get('/v1/certificates', { expect: 200 })).json;
    assert.ok(left[0].revoked_at);
  });

  const ask = async () =>
    (await gw.client().post('/v1/oauth/device_authorization', { form: { client_id: 'secctl', scope: 'files:read' }, expect: 200 })).json;
  const redeem = (code, expect) =>
    gw.client().post('/v1/oauth/token', { form: { grant_type: DEVICE_GRANT, device_code: code, client_id: 'secctl' }, expect });
  const link = ({ verification_uri_complete: uri }) => `${gw.origin}/${new URL(uri).hash}`;

  await it('lets a device in after it has been seen', async () => {
    const device = await ask();
    await page.goto(link(device));
    await page.getByRole('heading', { level: 2 }).waitFor();
    const text = await page.locator('main').innerText();
    assert.match(text, new RegExp(`wants to sign in as ann[\\s\\S]*${device.user_code}[\\s\\S]*127\\.0\\.0\\.1[\\s\\S]*read files files:read`));
    await redeem(device.device_code, 400);
    const letIn = page.getByRole('button', { name: 'Let it in' });
    assert.ok(await letIn.isDisabled(), 'a link alone does not do');
    await tabTo(page, `I asked for this: my device shows ${device.user_code}`);
    await page.keyboard.press('Space');
    await letIn.click();
    await page.getByRole('heading', { name: 'It is in' }).waitFor();
    await new Promise((done) => setTimeout(done, device.interval * 1000));
    const { json } = await redeem(device.device_code, 200);
    assert.equal(json.scope, 'files:read');
  });

  await it('refuses a device, whose code is typed', async () => {
    const device = await ask();
    await page.goto(`${gw.origin}/#/device`);
    await waitForFocus(page, 'Code');
    await page.keyboard.type('BBBB-BBBB');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').locator('.notice-title').waitFor();
    await page.getByLabel('Code').fill(device.user_code.toLowerCase());
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Refuse' }).click();
    await page.getByRole('heading', { name: 'It was refused' }).waitFor();
    await redeem(device.device_code, 400);
  });

  await it('asks about the code of the link that was opened last', async () => {
    const [first, second] = [await ask(), await ask()];
    const asked = gate();
    const late = gate();
    await page.route(`**/v1/oauth/device?user_code=${first.user_code}`, async (route) => {
      asked.open();
      await late.opened;
      await route.continue();
    });
    await page.goto(link(first));
    await asked.opened;
    await page.goto(link(second));
    await page.locator('dd', { hasText: second.user_code }).waitFor();
    const answered = page.waitForResponse(`**/v1/oauth/device?user_code=${first.user_code}`);
    late.open();
    await (await answered).finished();
    await page.waitForTimeout(100);
    assert.equal(await page.locator('dd', { hasText: first.user_code }).count(), 0);
    await page.getByRole('button', { name: 'Refuse' }).waitFor();
    await page.unroute(`**/v1/oauth/device?user_code=${first.user_code}`);
  });

  await it('shows a token although its dialog was closed before the answer', async () => {
    await page.goto(`${gw.origin}/#/access`);
    const late = gate();
    await page.route('**/v1/tokens', async (route) => {
      if (route.request().method() === 'POST') await late.opened;
      await route.continue();
    });
    await tokens.getByRole('button', { name: 'New token' }).click();
    await dialog.getByLabel('Name').fill('hasty');
    await dialog.getByRole('checkbox', { name: 'read files' }).check();
    await dialog.getByRole('button', { name: 'Make it' }).click();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    late.open();
    secret = await tokens.locator('.once code').innerText();
    assert.match(secret, /^sgp_/);
    await tokens.getByRole('button', { name: 'I have kept it' }).click();
    assert.ok(!(await page.content()).includes(secret));
    await page.unroute('**/v1/tokens');
  });

  await it('closes what it asks when its view is left', async () => {
    await tokens.getByRole('button', { name: 'New token' }).click();
    await dialog.waitFor();
    await page.goBack();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('heading', { level: 1, name: 'Let a device in' }).waitFor();
  });

  await it('asks who is there first, and then goes on', async () => {
    const device = await ask();
    const other = await browser.page();
    await other.goto(link(device));
    await other.getByLabel('Name').fill('ann');
    await other.getByLabel('Password').fill('correct horse battery');
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.getByRole('button', { name: 'Let it in' }).waitFor();
    assertQuiet(other);
    await other.context().close();
  });

  await it('did all this without a complaint of the browser', () => assertQuiet(page, EXPECTED));

  await it('offers to sign in with a certificate where the browser shows one', async () => {
    const other = await browser.page();
    const answered = other.waitForResponse('**/v1/tls');
    await other.goto(`${gw.origin}/`);
    const use = other.getByRole('button', { name: 'Use your certificate' });
    await (await answered).finished();
    await other.getByRole('button', { name: 'Sign in' }).waitFor();
    assert.equal(await use.count(), 0);
    const tls = (await ann.get('/v1/tls', { expect: 200 })).json;
    await other.route('**/v1/tls', (route) => route.fulfill({ json: { ...tls, client_certificate: tls.server_certificate } }));
    await other.reload();
    await use.click(); // but there is none
    await other.getByRole('alert').getByText('A client certificate is needed').waitFor();
    assertQuiet(other, /status of 403/);
    await other.context().close();
  });

  await it('offers no passkey where the address has no name', async () => {
    assert.match(gw.origin, /127\.0\.0\.1/);
    const other = await browser.page();
    await other.goto(`${gw.origin}/`);
    await other.getByRole('button', { name: 'Sign in' }).waitFor();
    assert.equal(await other.getByRole('button', { name: 'Use a passkey' }).count(), 0);
    await page.goto(`${gw.origin}/#/security`);
    await page.getByText('Passkeys need a name in the address of this page').waitFor();
    await other.context().close();
  });

  await it('offers a member neither what only admins may nor the list of all', async () => {
    const member = await browser.page();
    await signIn(member, gw, { name: 'bob', password: 'password of bob' });
    await member.goto(`${gw.origin}/#/access`);
    await member.getByRole('button', { name: 'New token' }).click();
    await member.getByRole('checkbox', { name: 'read files' }).waitFor();
    assert.equal(await member.getByRole('checkbox', { name: 'what only admins may' }).count(), 0);
    await member.getByRole('button', { name: 'Cancel' }).click();
    assert.equal(await member.getByLabel('Of all users').count(), 0);
    assert.deepEqual(await member.getByRole('navigation', { name: 'Account' }).getByRole('link').allInnerTexts(), ['Account', 'Security', 'Access']);
    assertQuiet(member);
    await member.context().close();
  });
});
