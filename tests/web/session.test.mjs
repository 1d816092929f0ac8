// SPDX-License-Identifier: Apache-2.0
// Tokens on the page: kept where they should be, refreshed once for all, shared among tabs.
import assert from 'node:assert/strict';
import { assertQuiet, row, signIn, signUp } from './lib/browser.mjs';
import { suite } from './lib/suite.mjs';

const EXPECTED = /status of 40[01]/; // the browser reports the refusals that these tests provoke

// Refuses the tokens in `stale` as if they had expired, and counts refreshes.
async function expireOnDemand(context) {
  const state = { stale: new Set(), used: new Set(), refreshes: 0, refused: 0 };
  await context.route('**/v1/**', async (route) => {
    const request = route.request();
    const token = (await request.headerValue('authorization'))?.replace('Bearer ', '');
    if (request.url().endsWith('/v1/oauth/token')) state.refreshes += 1;
    if (token && state.stale.has(token)) {
      state.refused += 1;
      const problem = {
        type: 'urn:secgate:error:token-expired',
        title: 'The token has expired',
        status: 401,
        detail: 'The token has expired.',
        code: 'token-expired',
        request_id: 'made-by-the-test'
      };
      return route.fulfill({
        status: 401,
        contentType: 'application/problem+json',
        body: JSON.stringify(problem)
      });
    }
    if (token) state.used.add(token);
    return route.continue();
  });
  state.expire = () => {
    for (const token of state.used) state.stale.add(token);
    state.used.clear();
    state.refreshes = 0;
    state.refused = 0;
  };
  return state;
}

// A change of directory lists the directory and the spaces at the same time.
async function visit(page, gw, where) {
  await page.goto(`${gw.origin}/#/files/common/${where}`);
  await page.getByRole('heading', { name: where ? where.slice(0, -1) : 'common' }).waitFor();
  await page.locator('section[data-drop]:not([aria-busy])').waitFor();
  await page.locator('.rail a').first().waitFor();
}

suite('web session', async ({ gw, browser, it }) => {
  const page = await browser.page();
  const context = page.context();
  await signUp(page, gw);
  const client = await gw.login('ann', 'correct horse battery');
  await client.put('/v1/files/common/one/a.txt', { body: 'a', expect: 201 });
  await client.put('/v1/files/common/two/b.txt', { body: 'b', expect: 201 });
  const tokens = await expireOnDemand(context);

  await it('keeps the access token out of every storage', async () => {
    await visit(page, gw, 'one/');
    assert.equal(tokens.used.size, 1);
    const stored = await page.evaluate(() =>
      JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])
    );
    for (const token of tokens.used) assert.ok(!stored.includes(token));
    assert.ok(stored.includes('refresh_token'));
  });

  await it('refreshes once for requests that are refused together', async () => {
    tokens.expire();
    await visit(page, gw, 'two/');
    await row(page, 'b.txt').waitFor();
    assert.equal(tokens.refreshes, 1);
    assert.ok(tokens.refused >= 1);
    assert.equal(tokens.used.size, 1);
  });

  await it('keeps the session over a reload', async () => {
    await page.reload();
    await row(page, 'b.txt').waitFor();
  });

  const copy = await context.newPage();
  await it('shows a new tab signed in, without another refresh', async () => {
    tokens.refreshes = 0;
    await visit(copy, gw, 'one/');
    await row(copy, 'a.txt').waitFor();
    assert.equal(tokens.refreshes, 0);
  });

  await it('takes turns with other tabs, also with a copy that has the same refresh token', async () => {
    const opened = context.waitForEvent('page');
    await page.evaluate(() => void window.open('/#/files/common/one/'));
    const twin = await opened;
    await row(twin, 'a.txt').waitFor();
    for (const round of ['one/', 'two/', 'one/', 'two/']) {
      tokens.expire();
      await Promise.all([page, copy, twin].map((tab) => visit(tab, gw, round)));
      for (const tab of [page, copy, twin]) {
        await row(tab, round === 'one/' ? 'a.txt' : 'b.txt').waitFor();
        assert.ok(await tab.getByRole('button', { name: 'Sign out' }).isVisible());
      }
      assert.ok(tokens.refreshes <= 1, `${tokens.refreshes} refreshes in ${round}`);
    }
    await twin.close();
  });

  await it('offers a guest nothing that changes files', async () => {
    await gw.user(client, 'gus', { role: 'guest' });
    const guest = await browser.page();
    await signIn(guest, gw, { name: 'gus', password: 'password of gus' });
    await row(guest, 'one').waitFor();
    await guest.locator('main[data-role="reader"]').waitFor();
    for (const name of ['Upload', 'New folder', 'Delete one']) {
      assert.equal(await guest.getByRole('button', { name }).count(), 0, name);
    }
    assertQuiet(guest);
    await guest.context().close();
  });

  await it('signs out in all tabs', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    await copy.getByText('You signed out in another tab.').waitFor();
    await copy.reload();
    await copy.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  await it('says so when the session was ended elsewhere', async () => {
    await page.getByLabel('Name').fill('ann');
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await row(page, 'b.txt').waitFor(); // where they were before
    const { json } = await client.get('/v1/sessions', { expect: 200 });
    for (const session of json.sessions) {
      if (!session.current) await client.delete(`/v1/sessions/${session.session_id}`, { expect: 204 });
    }
    await page.getByText('Your session has ended.').waitFor(); // nobody had to touch the page
    assertQuiet(page, EXPECTED);
  });
});
