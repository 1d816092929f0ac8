// SPDX-License-Identifier: Apache-2.0
// Live events over everything that happens to connections: a worker that is killed, streams that do
// not get through, several tabs, a session that is over.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../e2e/lib/gateway.mjs';
import { assertQuiet } from './lib/browser.mjs';
import { enter, message, openRoom, PASSWORD, postSurely, roomLink, shown, streams, write } from './lib/chat.mjs';
import { suite } from './lib/suite.mjs';

const CUT = /ERR_|status of (4|5)\d\d|Failed to load resource/; // what the browser says of connections that the tests cut
const MESSAGES = 120;
const KILLS = 4;

suite('web chat resume', { limit: 240000 }, async ({ gw, browser, it }) => {
  const admin = await gw.admin('ann', PASSWORD);
  await gw.user(admin, 'bob', { password: PASSWORD });
  const third = await gw.user(admin, 'cyd');
  const ann = await browser.page();
  const bob = await browser.page();
  const made = streams(ann);

  await it('shows exactly what was acknowledged, in order, over workers that are killed', async () => {
    await enter(ann, gw, 'ann');
    await enter(bob, gw, 'bob');
    for (const page of [ann, bob]) await page.evaluate(() => (window.neverReloaded = true));
    const states = ann.evaluate(
      () =>
        new Promise((resolve) => {
          const seen = new Set();
          const node = document.querySelector('.live');
          new MutationObserver(() => {
            seen.add(node.dataset.state);
            if (seen.has('reconnecting') && seen.has('connected')) resolve([...seen]);
          }).observe(node, { attributes: true });
        })
    );
    const acknowledged = [];
    let busy = true;
    const killing = (async () => {
      for (let i = 0; i < KILLS && busy; i += 1) {
        await sleep(700);
        const { worker } = gw.roles();
        if (worker) process.kill(worker, 'SIGKILL');
        await eventually(() => gw.roles().worker && gw.roles().worker !== worker, 'another worker');
      }
    })();
    for (let i = 1; i <= MESSAGES; i += 1) {
      acknowledged.push(await postSurely(third, 'common', `said ${i}`));
      await sleep(15);
    }
    await killing;
    busy = false;
    acknowledged.push(await postSurely(third, 'common', 'said last'));
    const expected = acknowledged.map(({ seq, text }) => ({ seq, text })).sort((a, b) => a.seq - b.seq);
    for (const page of [ann, bob]) {
      await message(page, 'said last').waitFor();
      assert.deepEqual(await shown(page), expected);
      assert.ok(await page.evaluate(() => window.neverReloaded));
    }
    assert.deepEqual((await states).sort(), ['connected', 'reconnecting']);
    assert.ok(made.some((headers) => headers['last-event-id']), 'a stream that went on after an event');
  });

  await it('sends what is written while there is no worker', async () => {
    process.kill(gw.roles().worker, 'SIGKILL');
    await write(ann, 'written in between');
    await message(bob, 'written in between').waitFor();
    await message(ann, 'written in between').waitFor();
    await ann.locator('li.pending').waitFor({ state: 'detached' });
    assert.equal(await message(bob, 'written in between').count(), 1);
  });

  await it('has one stream for all tabs of a session, which another tab takes over', async () => {
    const first = await browser.page();
    const count = streams(first);
    await enter(first, gw, 'bob');
    const second = await first.context().newPage();
    await openRoom(second, gw, 'common');
    await postSurely(third, 'common', 'for both tabs');
    await message(first, 'for both tabs').waitFor();
    await message(second, 'for both tabs').waitFor();
    assert.equal(count.length, 1);
    await first.close();
    await postSurely(third, 'common', 'for the tab that is left');
    await message(second, 'for the tab that is left').waitFor();
    await second.context().close();
  });

  await it('keeps two users of one browser apart, who share its cookies', async () => {
    const first = await browser.page();
    const second = await first.context().newPage();
    for (const page of [first, second]) {
      await page.goto(`${gw.origin}/#/signin`);
      await page.getByLabel('Name').waitFor();
    }
    await enter(first, gw, 'bob');
    await enter(second, gw, 'ann');
    for (const page of [first, second]) {
      await page.goto(`${gw.origin}/#/chat/common`);
      await page.locator('.timeline[aria-busy="false"]').waitFor();
    }
    await postSurely(third, '@bob', 'for bob only');
    await postSurely(third, 'common', 'for both users');
    await message(first, 'for both users').waitFor();
    await message(second, 'for both users').waitFor();
    await roomLink(first, 'cyd').waitFor();
    assert.equal(await roomLink(second, 'cyd').count(), 0);
    await postSurely(third, '@ann', 'for ann only');
    await roomLink(second, 'cyd').waitFor();
    await first.context().close();
  });

  await it('falls back to polls where streams do not get through', async () => {
    const page = await browser.page();
    let cut = 0;
    await page.context().route(/\/v1\/events(\?|$)/, async (route) => {
      const { accept } = await route.request().allHeaders();
      if (!/event-stream/.test(accept)) return route.continue();
      cut += 1;
      return route.fulfill({ status: 502, contentType: 'text/html', body: 'no' });
    });
    await page.goto(`${gw.origin}/#/signin`);
    await page.getByLabel('Name').fill('bob');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'common' }).waitFor();
    await page.getByRole('link', { name: 'Chat' }).click();
    await page.locator('.live[data-state="connected"]').waitFor({ state: 'attached' });
    assert.equal(cut, 4);
    const started = Date.now();
    await postSurely(third, 'common', 'by a poll');
    await message(page, 'by a poll').waitFor();
    assert.ok(Date.now() - started < 3000);
    assert.equal(cut, 4);
    assertQuiet(page, CUT);
    await page.context().close();
  });

  await it('reads everything again when there is no way on', async () => {
    const page = await browser.page();
    await enter(page, gw, 'bob');
    // Cursors of another epoch are what a gateway says that was restored from a backup.
    let refused = 0;
    await page.context().route(/\/v1\/events\?/, async (route) => {
      if (refused > 1) return route.continue();
      refused += 1;
      const problem = { type: 'urn:secgate:error:cursor-unknown-epoch', title: 'Unknown epoch', status: 410 };
      return route.fulfill({
        status: 410,
        contentType: 'application/problem+json',
        body: JSON.stringify({ ...problem, code: 'cursor-unknown-epoch' })
      });
    });
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await eventually(() => refused > 1, 'the refusals');
    await page.locator('.live[data-state="connected"]').waitFor({ state: 'attached' });
    const { text } = await postSurely(third, 'common', 'after the restoration');
    await message(page, text).waitFor();
    assertQuiet(page, CUT);
    await page.context().close();
  });

  await it('ends at once when the session is ended elsewhere', async () => {
    const page = await browser.page();
    await enter(page, gw, 'cyd', { password: third.password });
    const { json } = await third.get('/v1/sessions', { expect: 200 });
    for (const session of json.sessions) {
      if (!session.current) await third.delete(`/v1/sessions/${session.session_id}`, { expect: 204 });
    }
    await page.getByText('Your session has ended.').waitFor({ timeout: 3000 });
    assert.equal(await page.locator('li.message').count(), 0);
    assertQuiet(page, CUT);
    await page.context().close();
  });

  await it('did all this without any other complaint of the browser', async () => {
    assert.ok(await roomLink(bob, 'common').isVisible());
    assertQuiet(ann, CUT);
    assertQuiet(bob, CUT);
  });
});
