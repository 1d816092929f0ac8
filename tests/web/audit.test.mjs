// SPDX-License-Identifier: Apache-2.0
// What admins see on the page: the audit log, whose chain the page verifies, and OAuth's clients and audiences.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { assertQuiet, signIn, signUp } from './lib/browser.mjs';
import { gate } from './lib/gate.mjs';
import { tabTo, waitForFocus } from './lib/keys.mjs';
import { suite } from './lib/suite.mjs';

const EXPECTED = /status of 409/; // the browser reports the refusal that these tests provoke

suite('web audit', async ({ gw, browser, it }) => {
  const page = await browser.page();
  const dialog = page.getByRole('dialog');
  const state = page.locator('.chain');
  await signUp(page, gw);
  const ann = await gw.login('ann', 'correct horse battery');
  const open = async (name, heading) => {
    await page.goto(`${gw.origin}/#/${name}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  };
  const shown = () => page.locator('tbody tr').evaluateAll((rows) => rows.map((row) => [Number(row.dataset.seq), row.dataset.type]));

  await it('shows who did what, and that the chain holds', async () => {
    await gw.user(ann, 'bob');
    await ann.patch('/v1/users/bob', { json: { role: 'guest' }, expect: 200 });
    await open('audit', 'Audit');
    await state.getByText(/^The chain of \d+ entries holds/).waitFor();
    const { entries } = (await ann.get('/v1/audit', { query: { limit: 100 }, expect: 200 })).json;
    assert.deepEqual(await shown(), entries.reverse().map(({ seq, type }) => [seq, type]));
    const row = page.locator('tr[data-type="user.updated"]');
    assert.match(await row.innerText(), /user\.updated\s+bob[\s\S]*role: guest[\s\S]*ann[\s\S]*127\.0\.0\.1/);
  });

  await it('finds by what and by whom, by keyboard alone', async () => {
    await page.getByLabel('What').selectOption('user.created');
    await page.getByLabel('Who').fill('bob');
    await page.keyboard.press('Enter');
    await page.locator('section[aria-busy]').waitFor({ state: 'detached' });
    await page.getByText('1 entry', { exact: true }).waitFor();
    assert.deepEqual((await shown()).map(([, type]) => type), ['user.created']);
    await state.getByText('A selection has gaps').waitFor();
  });

  await it('keeps what is asked in the address', async () => {
    assert.equal(new URL(page.url()).hash, '#/audit?type=user.created&actor=bob');
    await page.reload();
    await page.getByText('1 entry', { exact: true }).waitFor();
    assert.equal(await page.getByLabel('Who').inputValue(), 'bob');
    await page.getByLabel('Who').fill('nobody');
    await page.keyboard.press('Enter');
    await page.getByText('0 entries', { exact: true }).waitFor();
    await page.goBack();
    await page.getByText('1 entry', { exact: true }).waitFor();
    assert.deepEqual([await page.getByLabel('Who').inputValue(), await page.getByLabel('What').inputValue()], ['bob', 'user.created']);
  });

  await it('finds by time, in the zone of the device', async () => {
    const { entries } = (await ann.get('/v1/audit', { query: { limit: 1000 }, expect: 200 })).json;
    const other = await browser.page({ timezoneId: 'Asia/Kathmandu' });
    await signIn(other, gw);
    await other.goto(`${gw.origin}/#/audit`);
    await other.getByLabel('Until').fill('2020-02-03T04:05');
    await other.getByRole('button', { name: 'Show', exact: true }).click();
    await other.getByText('0 entries', { exact: true }).waitFor();
    assert.equal(new URL(other.url()).hash, '#/audit?until=2020-02-02T22%3A20%3A00.000Z');
    await other.reload();
    await other.getByText('0 entries', { exact: true }).waitFor();
    assert.equal(await other.getByLabel('Until').inputValue(), '2020-02-03T04:05');
    await other.getByLabel('Until').fill('');
    await other.getByLabel('Since').fill('2020-02-03T04:05');
    await other.getByRole('button', { name: 'Show', exact: true }).click();
    await other.getByText(`${entries.length + 1} entries`, { exact: true }).waitFor(); // and this login
    assertQuiet(other);
    await other.context().close();
  });

  await it('shows everything again, and of an entry all that there is', async () => {
    await tabTo(page, 'Show everything');
    await page.keyboard.press('Enter');
    await waitForFocus(page, 'What');
    await state.getByText(/^The chain of \d+ entries holds/).waitFor();
    const [first] = (await ann.get('/v1/audit', { query: { after: 0, limit: 1 }, expect: 200 })).json.entries;
    const opened = page.locator('tr[data-seq="1"]');
    await tabTo(page, await page.locator('tbody summary').first().textContent());
    await page.keyboard.press('ArrowDown');
    await waitForFocus(page, await page.locator('tbody summary').nth(1).textContent());
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await opened.getByText(first.chain).waitFor();
    const text = await opened.innerText();
    for (const part of [first.request_id, 'New users', 'ok']) assert.ok(text.includes(part), part);
    await opened.getByRole('link', { name: 'All that ann did' }).click();
    await state.getByText('A selection has gaps').waitFor();
    assert.equal(await page.getByLabel('Who').inputValue(), 'ann');
    await page.goBack();
    await state.getByText(/^The chain of \d+ entries holds/).waitFor();
  });

  await it('knows all types that there are', async () => {
    const openapi = parse(readFileSync(new URL('../../openapi/openapi.yaml', import.meta.url), 'utf8'));
    const offered = await page.getByLabel('What').locator('option').evaluateAll((all) => all.map(({ value }) => value));
    assert.deepEqual(offered.filter(Boolean).sort(), [...openapi.components.schemas.AuditType.enum].sort());
  });

  await it('goes back as far as there is something', async () => {
    for (let i = 0; i < 60; i += 1) {
      await ann.patch('/v1/users/bob', { json: { role: i % 2 ? 'guest' : 'member' }, expect: 200 });
      await ann.post('/v1/invites', { json: {}, expect: 201 });
    }
    await page.reload();
    await page.getByText('100 entries', { exact: true }).waitFor();
    await state.getByText('The chain of 100 entries holds').waitFor();
    await ann.post('/v1/invites', { json: {}, expect: 201 }); // the log goes on while it is read
    await tabTo(page, 'Older');
    await page.keyboard.press('Enter');
    await page.getByText(/^1[2-9]\d entries$/).waitFor();
    assert.equal((await shown()).at(-1)[0], 1);
    await state.getByText(/^The chain of 1\d\d entries holds/).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Older' }).count(), 0);
  });

  // What a gateway would answer that changes its history.
  const lying = async (change, text) => {
    await page.route('**/v1/audit?**', async (route) => {
      const { json } = await ann.get(new URL(route.request().url()).pathname, {
        query: Object.fromEntries(new URL(route.request().url()).searchParams),
        expect: 200
      });
      change(json);
      await route.fulfill({ json });
    });
    await page.reload();
    await page.locator('.chain[data-state="bad"]').getByText(text).waitFor();
    await page.unroute('**/v1/audit?**');
  };

  await it('notices an entry that was altered, left out or replaced', async () => {
    await lying(({ entries }) => (entries[5].address = '192.0.2.1'), /The chain breaks at entry \d+/);
    await lying(({ entries }) => entries.splice(5, 1), /The chain breaks at entry \d+/);
    await lying(({ entries }) => entries.pop(), /The chain breaks at entry \d+/);
    await lying(({ entries }) => (entries[1].address = '192.0.2.1'), /The chain breaks at entry \d+/); // the oldest shown
    await page.reload();
    await page.locator('.chain[data-state="good"]').waitFor();
  });

  await it('shows what was asked for last, whichever answer comes first', async () => {
    const asked = gate();
    const late = gate();
    await page.route('**/v1/audit?type=login&**', async (route) => {
      asked.open();
      await late.opened;
      await route.continue();
    });
    await page.getByLabel('What').selectOption('login');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await asked.opened;
    await page.getByLabel('What').selectOption('user.created');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByText('2 entries', { exact: true }).waitFor();
    const answered = page.waitForResponse('**/v1/audit?type=login&**');
    late.open();
    await (await answered).finished();
    await page.waitForTimeout(100);
    assert.deepEqual((await shown()).map(([, type]) => type), ['user.created', 'user.created']);
    await page.unroute('**/v1/audit?type=login&**');
  });

  await it('notices a history that is not the one it saw before', async () => {
    await page.evaluate(() => {
      const seen = JSON.parse(localStorage.getItem('secgate.audit'));
      localStorage.setItem('secgate.audit', JSON.stringify({ ...seen, chain: seen.chain.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }));
    });
    await page.getByRole('button', { name: 'Show everything' }).click();
    await page.locator('.chain[data-state="bad"]').getByText('this browser saw before').waitFor();
  });

  await it('registers a client and shows its secret once', async () => {
    await open('apps', 'Apps');
    await page.getByRole('button', { name: 'New client' }).click();
    await waitForFocus(page, 'Id');
    await dialog.getByLabel('Id').fill('reports');
    await dialog.getByLabel('Name').fill('Reports');
    await dialog.getByRole('checkbox', { name: 'exchange tokens' }).check();
    await dialog.getByRole('button', { name: 'Register it' }).click();
    await page.locator('li[data-name="reports"]').waitFor();
    const secret = await page.locator('.once code').innerText();
    const prove = (word, expect) =>
      gw.client().post('/v1/oauth/introspect', {
        form: { token: ann.token },
        headers: { authorization: `Basic ${Buffer.from(`reports:${word}`).toString('base64')}` },
        token: null,
        expect
      });
    await prove(secret, 200);
    await prove(`${secret}x`, 401);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await waitForFocus(page, 'Clients');
    assert.ok(!(await page.content()).includes(secret));
    await page.reload();
    await page.locator('li[data-name="reports"]').waitFor();
    assert.equal(await page.locator('.once').count(), 0);
    await page.getByRole('button', { name: 'New client' }).click();
    await dialog.getByLabel('Id').fill('reports');
    await dialog.getByLabel('Name').fill('Others');
    await dialog.getByRole('button', { name: 'Register it' }).click();
    await dialog.getByRole('alert').locator('.notice-title').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  await it('registers an audience, and removes both', async () => {
    const audience = 'https://reports.example/api';
    await page.getByRole('button', { name: 'New audience' }).click();
    await dialog.getByLabel('Audience').fill(audience);
    await dialog.getByLabel('Name').fill('Reports');
    await dialog.getByLabel('Client').selectOption('Reports');
    await dialog.getByRole('checkbox', { name: 'read files' }).check();
    await dialog.getByRole('button', { name: 'Register it' }).click();
    const row = page.locator(`li[data-name="${audience}"]`);
    await row.waitFor();
    assert.match(await row.innerText(), /with files:read, for the client reports/);
    await page.getByRole('button', { name: `Remove the audience ${audience}` }).click();
    await dialog.getByRole('button', { name: 'Remove it' }).click();
    await row.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Remove the client reports' }).click();
    await dialog.getByRole('button', { name: 'Remove it' }).click();
    await page.locator('li[data-name="reports"]').waitFor({ state: 'detached' });
    await waitForFocus(page, 'Clients');
    await open('audit', 'Audit');
    await page.locator('tr[data-type="client.removed"]').waitFor();
    assert.deepEqual(
      (await shown()).slice(0, 4).map(([, type]) => type),
      ['client.removed', 'audience.removed', 'audience.created', 'client.created']
    );
  });

  await it('did all this without a complaint of the browser', () => assertQuiet(page, EXPECTED));

  for (const colorScheme of ['light', 'dark']) {
    await it(`fits 320 pixels, ${colorScheme}`, async () => {
      await page.setViewportSize({ width: 320, height: 640 });
      await page.emulateMedia({ colorScheme });
      for (const [view, text] of [
        ['audit', 'No.'],
        ['users', '2 users'],
        ['apps', 'Audiences'],
        ['access', 'Client certificates'],
        ['security', 'Set it up'],
        ['device', 'The letters that the device shows.']
      ]) {
        await page.goto(`${gw.origin}/#/${view}`);
        await page.locator('main').getByText(text).first().waitFor({ state: 'attached' });
        await page.waitForFunction(() => !document.querySelector('main [aria-busy]'));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= 320, `${view} is ${wide} wide`);
      }
    });
  }
});
