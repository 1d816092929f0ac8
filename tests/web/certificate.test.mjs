// SPDX-License-Identifier: Apache-2.0
// The page in a browser that has a client certificate: Chromium itself shows it in the handshake, as it would with
// the policy AutoSelectCertificateForUrls.
import assert from 'node:assert/strict';
import { enroll } from '../e2e/lib/certs.mjs';
import { assertQuiet, row, showing } from './lib/browser.mjs';
import { composer, message, openRoom, streams, write } from './lib/chat.mjs';
import { tabTo, waitForFocus } from './lib/keys.mjs';
import { suite } from './lib/suite.mjs';

const EXPECTED = /status of 40[13]/; // the browser reports the refusal that these tests provoke

suite('web certificate', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const own = await enroll(ann, { name: 'browser' });
  const context = await showing(gw, own);
  // What Fetch sends without credentials shows no certificate, though Chromium's does.
  await context.addInitScript(() => {
    const { fetch } = window;
    window.fetch = (request, options) => {
      if ((options?.credentials ?? 'same-origin') !== 'same-origin') window.complain(`no credentials: ${request}`);
      return fetch(request, options);
    };
  });
  const page = await context.newPage();
  const made = streams(page);

  await it('signs in with it, by keyboard alone', async () => {
    await page.goto(`${gw.origin}/`);
    await page.getByRole('button', { name: 'Use your certificate' }).waitFor();
    await waitForFocus(page, 'Name');
    await tabTo(page, 'Use your certificate');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'common' }).waitFor();
    assert.equal(await page.locator('.username').innerText(), 'ann');
  });

  await it('says how, and to what the session is bound', async () => {
    await page.goto(`${gw.origin}/#/account`);
    await page.getByText('With a client certificate, works only from its certificate').waitFor();
    await page.goto(`${gw.origin}/#/access`);
    const listed = page.locator(`li[data-name="${own.id}"]`);
    await listed.getByText('this connection', { exact: true }).waitFor();
    await page.goto(`${gw.origin}/#/connection`);
    await page.getByRole('region', { name: 'Your certificate' }).getByText('CN=ann').waitFor();
  });

  await it('stores, lists, and hears what is new: every request shows it', async () => {
    await page.goto(`${gw.origin}/#/files/common/`);
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Upload' }).click();
    await (await chooser).setFiles([{ name: 'bound.txt', mimeType: 'text/plain', buffer: Buffer.from('bound') }]);
    await row(page, 'bound.txt').waitFor();
    await openRoom(page, gw, 'common');
    await write(page, 'from the page');
    await message(page, 'from the page').waitFor();
    await admin.post('/v1/chat/common/messages', { json: { text: 'from elsewhere' }, expect: 201 });
    await message(page, 'from elsewhere').waitFor();
    assert.ok(made.length > 0, 'there was a stream');
  });

  await it('goes on after a reload, with a refreshed token', async () => {
    const refreshed = page.waitForResponse('**/v1/oauth/token');
    await page.reload();
    assert.equal((await refreshed).status(), 200);
    await composer(page).waitFor();
    await write(page, 'still here');
    await message(page, 'still here').waitFor();
    assertQuiet(page);
  });

  await it('all of the page is there where the gateway demands one', async () => {
    await page.goto('about:blank');
    gw.args = ['--tls-client-certificates', 'required'];
    await gw.restart();
    await gw.client().get('/', { outside: true, expect: [403, 'certificate-required'] });
    const asked = [];
    page.on('response', (response) => asked.push(`${response.status()} ${new URL(response.url()).pathname}`));
    await openRoom(page, gw, 'common');
    await write(page, 'demanded');
    await message(page, 'demanded').waitFor();
    assert.deepEqual(asked.filter((line) => !/^(20.|304) /.test(line)), []);
    for (const file of ['/', '/web/style.css', '/web/app.js']) assert.ok(asked.some((line) => line.endsWith(` ${file}`)), file);
    await page.goto('about:blank');
    gw.args = [];
    await gw.restart();
    await openRoom(page, gw, 'common');
    assertQuiet(page);
  });

  await it('its token is refused without it', async () => {
    const stolen = await page.evaluate(() => JSON.parse(sessionStorage.getItem('secgate.session')).refresh_token);
    const form = { grant_type: 'refresh_token', refresh_token: stolen };
    await gw.client().post('/v1/oauth/token', { form, expect: 400 });
  });

  await it('revokes it on the page, which ends the session and says why', async () => {
    await page.goto(`${gw.origin}/#/access`);
    await page.getByRole('button', { name: 'Revoke the certificate browser' }).click();
    await page.getByRole('dialog').getByText('This browser shows it right now').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke it' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByText('The certificate that this browser shows was revoked.').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.getItem('secgate.session')), null);
    const again = await gw.login('ann', ann.password);
    assert.ok((await again.get('/v1/certificates', { expect: 200 })).json.certificates[0].revoked_at);
  });

  await it('says that a revoked one is of no use', async () => {
    await page.getByLabel('Name').fill('ann');
    await page.getByLabel('Password').fill(ann.password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').getByText('The client certificate has been revoked').waitFor();
  });

  await it('says so, too, when somebody else revoked it', async () => {
    const again = await gw.login('ann', ann.password);
    const second = await enroll(again, { name: 'second' });
    const other = await showing(gw, second);
    const its = await other.newPage();
    await its.goto(`${gw.origin}/`);
    await its.getByRole('button', { name: 'Use your certificate' }).click();
    await its.getByRole('heading', { name: 'common' }).waitFor();
    await openRoom(its, gw, 'common');
    await again.delete(`/v1/certificates/${second.id}`, { expect: 204 });
    await its.getByRole('heading', { name: 'Sign in' }).waitFor();
    await its.getByText('The certificate that this browser shows was revoked.').waitFor();
    assertQuiet(its, EXPECTED);
    await other.close();
  });

  await it('did all this without a complaint of the browser', () => assertQuiet(page, EXPECTED));
  await context.close();
});
