// SPDX-License-Identifier: Apache-2.0
// What admins do with users on the page: roles, disabling, lost second factors, deletion, invites.
import assert from 'node:assert/strict';
import { enroll } from '../e2e/lib/certs.mjs';
import { assertQuiet, signIn, signUp } from './lib/browser.mjs';
import { App } from './lib/factors.mjs';
import { tabTo, waitForFocus } from './lib/keys.mjs';
import { suite } from './lib/suite.mjs';

const EXPECTED = /status of 40[39]/; // the browser reports the refusals that these tests provoke

suite('web users', async ({ gw, browser, it }) => {
  const page = await browser.page();
  const dialog = page.getByRole('dialog');
  const accounts = page.getByRole('region', { name: 'Accounts' });
  const row = (name) => accounts.locator(`li[data-name="${name}"]`);
  const button = (name) => accounts.getByRole('button', { name, exact: true });
  const names = () => accounts.locator('li').evaluateAll((all) => all.map((one) => one.dataset.name));
  await signUp(page, gw);
  const ann = await gw.login('ann', 'correct horse battery');
  const bob = await gw.user(ann, 'bob');
  await gw.user(ann, 'dora', { role: 'guest' });
  const user = async (name) =>
    (await ann.get('/v1/users', { expect: 200 })).json.users.find(({ username }) => username === name);

  await it('lists them, and finds some of them', async () => {
    await page.goto(`${gw.origin}/#/account`);
    await page.getByRole('navigation', { name: 'Account' }).getByRole('link', { name: 'Users' }).click();
    await accounts.getByText('3 users', { exact: true }).waitFor();
    assert.deepEqual(await names(), ['ann', 'bob', 'dora']);
    assert.match(await row('ann').innerText(), /ann\s+you\s+admin, since/);
    assert.match(await row('dora').innerText(), /dora\s+guest, since/);
    await page.getByLabel('Find').fill('O');
    await accounts.getByText('2 of 3 users').waitFor();
    await page.getByLabel('Show').selectOption('Guests');
    await accounts.getByText('1 of 3 users').waitFor();
    assert.deepEqual(await names(), ['dora']);
    await page.getByLabel('Show').selectOption('Everybody');
    await page.getByLabel('Find').fill('');
    assert.deepEqual(await names(), ['ann', 'bob', 'dora']);
  });

  await it('changes a role, by keyboard alone', async () => {
    await page.getByLabel('Show').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    await waitForFocus(page, await row('bob').locator('summary').textContent());
    await page.keyboard.press('Enter');
    await tabTo(page, 'Role');
    await page.keyboard.type('guest');
    await accounts.getByText('Guests only read what is common').waitFor();
    await tabTo(page, 'Set the role of bob');
    await page.keyboard.press('Enter');
    await page.getByText('bob is guest now.').waitFor();
    await waitForFocus(page, 'Set the role of bob');
    assert.match(await row('bob').locator('summary').innerText(), /guest, since/);
    assert.equal((await user('bob')).role, 'guest');
  });

  await it('asks before it makes an admin, and before one is none any more', async () => {
    await accounts.getByLabel('Role', { exact: true }).selectOption('admin');
    await button('Set the role of bob').click();
    await dialog.getByText('bob will be able to do everything here').waitFor();
    await waitForFocus(page, 'Cancel');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    assert.equal((await user('bob')).role, 'guest');
    assert.equal(await accounts.getByLabel('Role', { exact: true }).inputValue(), 'guest');
    await accounts.getByLabel('Role', { exact: true }).selectOption('admin');
    await button('Set the role of bob').click();
    await dialog.getByRole('button', { name: 'Make admin' }).click();
    await page.getByText('bob is admin now.').waitFor();
    await accounts.getByLabel('Role', { exact: true }).selectOption('member');
    await button('Set the role of bob').click();
    await dialog.getByRole('button', { name: 'Make member' }).click();
    await page.getByText('bob is member now.').waitFor();
    assert.equal((await user('bob')).role, 'member');
  });

  await it('disables and enables', async () => {
    await button('Disable').click();
    await dialog.getByRole('button', { name: 'Disable' }).click();
    await row('bob').locator('summary').getByText('disabled').waitFor();
    await waitForFocus(page, 'Enable');
    await bob.get('/v1/users/me', { expect: [401, 'session-ended'] });
    await page.getByLabel('Show').selectOption('Disabled');
    assert.deepEqual(await names(), ['bob']);
    await button('Enable').click();
    await page.getByText('bob can sign in again.').waitFor();
    await waitForFocus(page, 'Disable');
    await gw.login('bob', bob.password);
    await page.getByLabel('Show').selectOption('Everybody');
  });

  await it('resets a second factor that was lost', async () => {
    const again = await gw.login('bob', bob.password);
    const made = await again.post('/v1/users/me/totp', { json: { password: bob.password }, expect: 201 });
    const app = new App(made.json.secret);
    await again.post('/v1/users/me/totp/confirm', { json: { code: await app.code() }, expect: 200 });
    const login = { username: 'bob', password: bob.password };
    await gw.client().post('/v1/sessions', { json: login, expect: [401, 'second-factor-required'] });
    await button('Reset second factor').click();
    await dialog.getByRole('button', { name: 'Reset it' }).click();
    await page.getByText('The second factor of bob was reset.').waitFor();
    await waitForFocus(page, 'Reset second factor');
    await gw.client().post('/v1/sessions', { json: login, expect: 201 });
  });

  await it('leads to the certificates of a user, and to what he did', async () => {
    await enroll(await gw.login('bob', bob.password), { name: 'phone' });
    await page.reload();
    await row('bob').locator('summary').click();
    await accounts.getByRole('link', { name: '1 valid' }).click();
    await page.getByRole('heading', { name: 'Client certificates of bob' }).waitFor();
    await waitForFocus(page, 'Client certificates of bob');
    await page.getByText('phone', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Show mine' }).click();
    await page.getByRole('heading', { name: 'Client certificates', exact: true }).waitFor();
    await page.getByText('There are none.').waitFor();
    await page.goto(`${gw.origin}/#/users`);
    await row('bob').locator('summary').click();
    await accounts.getByRole('link', { name: 'What bob did' }).click();
    await page.locator('tr[data-type="certificate.issued"]').waitFor();
    assert.equal(await page.getByLabel('Who').inputValue(), 'bob');
  });

  await it('makes an invite for as long as was chosen', async () => {
    await page.goto(`${gw.origin}/#/users`);
    const invite = page.getByRole('region', { name: 'Invite' });
    await invite.getByLabel('Role').selectOption('guest');
    await invite.getByLabel('Works for how many days').fill('2');
    await invite.getByRole('button', { name: 'Make an invite' }).click();
    const code = await invite.locator('code').innerText();
    const made = await gw.client().post('/v1/users', { json: { username: 'eve', password: 'password of eve', code }, expect: 201 });
    assert.equal(made.json.role, 'guest');
    const { entries } = (await ann.get('/v1/audit', { query: { type: 'invite.created', limit: 1 }, expect: 200 })).json;
    assert.equal(entries[0].details.role, 'guest');
    const until = new Date(await invite.locator('dd').last().innerText());
    assert.ok(Math.abs(until - Date.now() - 2 * 86400e3) < 120e3, String(until));
  });

  await it('deletes, and the focus goes to who is next', async () => {
    await row('bob').locator('summary').click();
    await button('Delete').click();
    await dialog.getByText('~bob').waitFor();
    await dialog.getByRole('button', { name: 'Delete for good' }).click();
    await row('bob').waitFor({ state: 'detached' });
    await page.getByText('bob was deleted.').waitFor();
    await accounts.getByText('2 users', { exact: true }).waitFor();
    await waitForFocus(page, (await row('dora').locator('summary').textContent()).trim());
    assert.equal(await user('bob'), undefined);
  });

  await it('says why it does not do it', async () => {
    await row('ann').locator('summary').click();
    await accounts.getByLabel('Role', { exact: true }).selectOption('member');
    await button('Set the role of ann').click();
    await dialog.getByText('This is you.').waitFor();
    await dialog.getByRole('button', { name: 'Make member' }).click();
    await page.getByRole('alert').getByText(/^ann: /).waitFor();
    assert.equal(await accounts.getByLabel('Role', { exact: true }).inputValue(), 'admin');
  });

  await it('of many it shows the first, and more when asked', async () => {
    const many = Array.from({ length: 250 }, (_, i) => ({
      username: `u${String(i).padStart(3, '0')}`,
      role: 'member',
      disabled: false,
      created_at: '2026-01-02T03:04:05.000Z'
    }));
    await page.route('**/v1/users?**', async (route) => {
      const cursor = new URL(route.request().url()).searchParams.get('cursor');
      const json = cursor ? { users: many.slice(200), next_cursor: null } : { users: many.slice(0, 200), next_cursor: 'dTE5OQ' };
      await route.fulfill({ json });
    });
    await page.reload();
    await accounts.getByText('250 users', { exact: true }).waitFor();
    assert.equal((await names()).length, 100);
    await tabTo(page, 'Show more');
    await page.keyboard.press('Enter');
    assert.equal((await names()).length, 200);
    await waitForFocus(page, await row('u100').locator('summary').textContent());
    await page.getByLabel('Find').fill('24');
    await accounts.getByText('13 of 250 users').waitFor();
    await page.unroute('**/v1/users?**');
  });

  await it('an admin who becomes a member is shown nothing of it any more', async () => {
    await ann.patch('/v1/users/dora', { json: { role: 'admin' }, expect: 200 });
    await page.reload();
    await row('ann').locator('summary').click();
    await accounts.getByLabel('Role', { exact: true }).selectOption('member');
    await button('Set the role of ann').click();
    await dialog.getByRole('button', { name: 'Make member' }).click();
    await page.getByRole('heading', { level: 1, name: 'Account' }).waitFor();
    const tabs = page.getByRole('navigation', { name: 'Account' }).getByRole('link');
    assert.deepEqual(await tabs.allInnerTexts(), ['Account', 'Security', 'Access']);
    await page.goto(`${gw.origin}/#/users`);
    await page.getByText('This is for admins.').waitFor();
  });

  await it('an admin who disables himself is signed out', async () => {
    const other = await browser.page();
    const dora = await gw.login('dora', 'password of dora');
    await dora.patch('/v1/users/ann', { json: { role: 'admin' }, expect: 200 });
    await signIn(other, gw, { name: 'dora', password: 'password of dora' });
    await other.goto(`${gw.origin}/#/users`);
    await other.locator('li[data-name="dora"] summary').click();
    await other.getByRole('button', { name: 'Disable', exact: true }).click();
    await other.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await other.getByRole('heading', { name: 'Sign in' }).waitFor();
    await other.getByText(/You have disabled your account\.|Your session has ended\./).waitFor(); // which is heard first
    assertQuiet(other, /status of 401/);
    await other.context().close();
  });

  await it('did all this without a complaint of the browser', () => assertQuiet(page, EXPECTED));
});
