// SPDX-License-Identifier: Apache-2.0
// Two people talk, each in a browser window of their own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually } from '../e2e/lib/gateway.mjs';
import { assertQuiet, drop } from './lib/browser.mjs';
import { composer, enter, message, openRoom, PASSWORD, roomLink, shown, write } from './lib/chat.mjs';
import { suite } from './lib/suite.mjs';

const MARKUP = '<img src=x onerror="document.title=\'attack\'"> & <b>bold</b> https://example.org/a?b=1.';
const HISTORY = 320;
const MANY = 2400; // more than the page keeps

async function epoch(client) {
  const { json } = await client.get('/v1/chat/long/messages', { query: { limit: 1 }, expect: 200 });
  return json.epoch;
}

suite('web chat', async ({ gw, browser, it }) => {
  const admin = await gw.admin('ann', PASSWORD);
  const other = await gw.user(admin, 'bob', { password: PASSWORD });
  const ann = await browser.page();
  const bob = await browser.page();

  await it('leads from the start page into a room', async () => {
    await enter(bob, gw, 'bob');
    await ann.goto(`${gw.origin}/`);
    await ann.getByLabel('Name').fill('ann');
    await ann.getByLabel('Password').fill(PASSWORD);
    await ann.getByRole('button', { name: 'Sign in' }).click();
    await ann.getByRole('link', { name: 'Chat' }).click();
    await ann.getByRole('heading', { name: 'common' }).waitFor();
    await ann.locator('.live[data-state="connected"]').waitFor({ state: 'attached' });
    assert.equal(await ann.title(), 'common · secgate');
  });

  await it('shows who listens, and since when', async () => {
    await ann.locator('.present summary', { hasText: '2 here' }).click();
    await ann.locator('.present li', { hasText: 'ann since' }).waitFor();
    await ann.locator('.present li', { hasText: 'bob since' }).waitFor();
    await bob.locator('.present summary', { hasText: '2 here' }).waitFor();
  });

  await it('brings a message to the other, as text whatever it looks like', async () => {
    await write(ann, MARKUP);
    await message(ann, MARKUP).waitFor();
    await message(bob, MARKUP).waitFor();
    assert.equal(await composer(ann).inputValue(), '');
    assert.equal(await bob.locator('.timeline :is(img, b)').count(), 0);
    assert.equal(await bob.title(), 'common · secgate');
    const link = bob.locator('.text a');
    assert.equal(await link.getAttribute('href'), 'https://example.org/a?b=1');
    assert.match(await link.getAttribute('rel'), /noopener/);
    await composer(bob).fill('one line');
    await composer(bob).press('Shift+Enter');
    await composer(bob).pressSequentially('and another');
    await composer(bob).press('Enter');
    await message(ann, 'one line\nand another').waitFor();
    assert.equal(
      await ann.locator('[aria-live="polite"].visually-hidden').innerText(),
      'bob: one line and another'
    );
  });

  await it('tells that somebody types', async () => {
    const seen = ann.getByText('bob is typing…').waitFor();
    await composer(bob).pressSequentially('well, well, well', { delay: 250 }); // notices are seconds apart
    await seen;
    await composer(bob).fill('well');
    await composer(bob).press('Enter');
    await message(ann, 'well').waitFor();
    await ann.locator('.typing:empty').waitFor({ state: 'attached' });
  });

  await it('quotes what a message replies to, and jumps there', async () => {
    await message(bob, MARKUP).hover();
    await message(bob, MARKUP).getByRole('button', { name: 'Reply to ann' }).click();
    await bob.getByText('Reply to ann: <img').waitFor();
    await write(bob, 'a good question');
    const quote = message(ann, 'a good question').locator('.quote');
    await quote.getByText('ann: <img').waitFor();
    await quote.click();
    await eventually(
      () => message(ann, MARKUP).evaluate((row) => row === document.activeElement),
      'the focus on the quoted message'
    );
  });

  await it('edits, and says so', async () => {
    await message(bob, 'well').hover();
    await message(bob, 'well').getByRole('button', { name: 'Edit the message' }).click();
    await bob.getByRole('textbox', { name: 'Edit the message' }).fill('well, well');
    await bob.getByRole('button', { name: 'Save' }).click();
    for (const page of [ann, bob]) {
      await message(page, 'well, well').getByText('edited', { exact: true }).waitFor();
      assert.equal(await message(page, 'well').count(), 0);
    }
  });

  await it('deletes after asking, and leaves a mark', async () => {
    await message(bob, 'well, well').hover();
    await message(bob, 'well, well').getByRole('button', { name: 'Delete the message' }).click();
    await bob.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    for (const page of [ann, bob]) {
      await page.getByText('This message was deleted.').waitFor();
      assert.equal(await message(page, 'well, well').count(), 0);
    }
    await ann.reload();
    await ann.getByText('This message was deleted.').waitFor();
    await ann.locator('.live[data-state="connected"]').waitFor({ state: 'attached' });
  });

  await it('lets a member change only what is their own, and an owner all', async () => {
    assert.equal(await message(bob, MARKUP).getByRole('button', { name: /message/, includeHidden: true }).count(), 0);
    const all = message(ann, 'a good question').getByRole('button', { name: /message/, includeHidden: true });
    assert.equal(await all.count(), 2);
  });

  await it('counts what is unread, and draws a line before it', async () => {
    await openRoom(bob, gw, '~bob');
    for (const text of ['first', 'second', 'third']) await write(ann, text);
    await roomLink(bob, 'common').locator('.badge', { hasText: '3' }).waitFor();
    await bob.getByRole('navigation', { name: 'Main' }).locator('.badge', { hasText: '3' }).waitFor();
    assert.equal(await bob.title(), '(3) Notes to myself · secgate');
    assert.match(await roomLink(bob, 'common').innerText(), /ann: third/);
    await roomLink(bob, 'common').click();
    await message(bob, 'third').waitFor();
    assert.equal(await bob.locator('.unread').count(), 1);
    await message(bob, 'first').locator('.unread').waitFor();
    await roomLink(bob, 'common').locator('.badge').waitFor({ state: 'detached' });
    await eventually(async () => (await bob.title()) === 'common · secgate', 'the title without a count');
    await eventually(async () => {
      const { json } = await other.get('/v1/spaces', { expect: 200 });
      return json.spaces.find((space) => space.name === 'common').unread === 0;
    }, 'that the gateway knows what was read');
  });

  await it('keeps a draft for each room', async () => {
    await composer(bob).fill('not yet');
    await roomLink(bob, 'Notes to myself').click();
    await bob.getByRole('textbox', { name: 'Message to Notes to myself' }).waitFor();
    assert.equal(await composer(bob).inputValue(), '');
    await roomLink(bob, 'common').click();
    await bob.getByRole('textbox', { name: 'Message to common' }).waitFor();
    assert.equal(await composer(bob).inputValue(), 'not yet');
    await composer(bob).fill('');
  });

  await it('sends a file that is dropped, and the other gets that very version', async () => {
    const bytes = Buffer.from('what was dropped\n');
    await drop(ann, [{ name: 'dropped.txt', bytes }]);
    const link = (page) => page.getByRole('button', { name: 'Download dropped.txt, 17 bytes' });
    await link(bob).waitFor();
    await admin.put('/v1/files/common/chat/dropped.txt', { body: 'something else', expect: 200 });
    await bob.locator('.line:not([hidden])', { hasText: 'ann stored chat/dropped.txt' }).waitFor();
    const download = bob.waitForEvent('download');
    await link(bob).click();
    assert.deepEqual(readFileSync(await (await download).path()), bytes);
    await bob.getByText('Saved, SHA-256 checked').waitFor();
    // A name that is taken is left alone.
    await drop(bob, [{ name: 'dropped.txt', bytes: 'second' }]);
    await ann.getByRole('button', { name: 'Download dropped (2).txt, 6 bytes' }).waitFor();
  });

  await it('sends once what was acknowledged into nowhere', async () => {
    let lost = 0;
    await bob.route('**/v1/chat/common/messages', async (route) => {
      if (route.request().method() !== 'POST' || lost > 1) return route.continue();
      lost += 1;
      const headers = { 'Idempotency-Key': await route.request().headerValue('idempotency-key') };
      const json = route.request().postDataJSON();
      await other.post('/v1/chat/common/messages', { json, headers, expect: 201 }); // keys are the user's
      return route.abort('connectionreset');
    });
    await write(bob, 'said once');
    await write(bob, 'said after it');
    await message(ann, 'said after it').waitFor();
    await bob.locator('li.pending').first().waitFor({ state: 'detached' });
    await bob.unroute('**/v1/chat/common/messages');
    assert.equal(lost, 2);
    for (const page of [ann, bob]) {
      const texts = (await shown(page)).map(({ text }) => text).slice(-2);
      assert.deepEqual(texts, ['said once', 'said after it']);
    }
    bob.context().complaints.length = 0; // the browser reports the connections that the test cut
  });

  await it('says what was refused, and gives it back', async () => {
    const problem = { type: 'urn:secgate:error:forbidden', title: 'Not allowed', status: 403, code: 'forbidden' };
    await bob.route('**/v1/chat/common/messages', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify(problem) })
        : route.continue()
    );
    await write(bob, 'not now');
    const failed = bob.locator('li.pending.failed', { hasText: 'Not sent: Not allowed' });
    await failed.getByRole('button', { name: 'Try again' }).click();
    await failed.getByRole('button', { name: 'Take back' }).click();
    await failed.waitFor({ state: 'detached' });
    assert.equal(await composer(bob).inputValue(), 'not now');
    await bob.unroute('**/v1/chat/common/messages');
    await composer(bob).fill('');
    bob.context().complaints.length = 0; // the browser reports the refusals that the test made
  });

  await it('makes a space, adds a member, who has it at once', async () => {
    await ann.getByRole('button', { name: 'New space' }).click();
    await ann.getByRole('dialog').getByLabel('Name').fill('team');
    await ann.getByRole('dialog').getByLabel('What it is for').fill('Plans');
    await ann.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    await ann.getByRole('heading', { name: 'team' }).waitFor();
    await ann.getByText('ann created this space').waitFor();
    await ann.getByRole('button', { name: 'Members' }).click();
    const dialog = ann.getByRole('dialog');
    await dialog.getByLabel('Add a user').fill('nobody');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.locator('.notice').waitFor();
    await dialog.getByLabel('Add a user').fill('bob');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.getByText('bob was added.').waitFor();
    await roomLink(bob, 'team').click();
    await bob.getByText('ann added bob as writer').waitFor();
    await write(bob, 'here I am');
    await message(ann, 'here I am').waitFor();
  });

  await it('takes away the right to write at once', async () => {
    await ann.getByRole('dialog').getByLabel('Role of bob').selectOption('reader');
    await bob.getByText('You may read here, and not write.').waitFor();
    assert.ok(await composer(bob).isHidden());
    await ann.getByRole('dialog').getByLabel('Role of bob').selectOption('writer');
    await composer(bob).waitFor();
  });

  await it('closes the room to a member who was removed, at once', async () => {
    await ann.getByRole('dialog').getByRole('button', { name: 'Remove bob' }).click();
    await bob.getByText('You are no longer in this room.').waitFor({ timeout: 2000 });
    await roomLink(bob, 'team').waitFor({ state: 'detached' });
    assert.equal(await bob.locator('li.message').count(), 0);
    await ann.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await write(ann, 'among ourselves');
    await message(ann, 'among ourselves').waitFor();
    assert.ok(!(await bob.content()).includes('among ourselves'));
  });

  await it('leaves and deletes a space', async () => {
    await ann.getByRole('button', { name: 'Members' }).click();
    await ann.getByRole('dialog').getByRole('button', { name: 'Delete this space' }).click();
    await ann.getByRole('dialog').last().getByRole('button', { name: 'Delete', exact: true }).click();
    await roomLink(ann, 'team').waitFor({ state: 'detached' });
    await ann.getByText('You are no longer in this room.').waitFor();
  });

  await it('talks to one person', async () => {
    await ann.getByRole('button', { name: 'Talk to…' }).click();
    await ann.getByRole('dialog').getByLabel('Name of the user').fill('bob');
    await ann.getByRole('dialog').getByRole('button', { name: 'Open' }).click();
    await ann.getByRole('heading', { name: 'bob' }).waitFor();
    await write(ann, 'only to you');
    await message(ann, 'only to you').waitFor();
    await roomLink(bob, 'ann').locator('.badge', { hasText: '1' }).waitFor();
    await roomLink(bob, 'ann').click();
    await message(bob, 'only to you').waitFor();
    await write(bob, 'and to you');
    await message(ann, 'and to you').waitFor();
    await drop(bob, [{ name: 'private.txt', bytes: 'for ann' }]);
    await ann.getByRole('button', { name: 'Download private.txt, 7 bytes' }).waitFor();
  });

  await it('reads history upwards and keeps its place', async () => {
    await admin.post('/v1/spaces', { json: { name: 'long' }, expect: 201 });
    for (let i = 1; i <= HISTORY; i += 1) {
      await admin.post('/v1/chat/long/messages', { json: { text: `number ${i}` }, expect: 201 });
    }
    await openRoom(ann, gw, 'long');
    await message(ann, `number ${HISTORY}`).waitFor();
    assert.ok((await shown(ann)).length <= 100);
    const top = () => ann.locator('.timeline').evaluate((scroller) => {
      const row = scroller.querySelector('li.message');
      scroller.scrollTop = row.offsetTop - scroller.offsetTop; // the oldest one at the edge
      return { seq: row.dataset.seq, at: row.querySelector('.text').getBoundingClientRect().top };
    });
    for (let i = 0; i < 6 && (await shown(ann)).length < HISTORY; i += 1) {
      const count = (await shown(ann)).length;
      const before = await top();
      await eventually(async () => (await shown(ann)).length > count, 'older messages');
      const after = await ann
        .locator(`li[data-seq="${before.seq}"] .text`)
        .evaluate((text) => text.getBoundingClientRect().top);
      assert.ok(Math.abs(after - before.at) < 2, `the text went from ${before.at} to ${after}`);
    }
    assert.deepEqual(
      (await shown(ann)).map(({ text }) => text),
      Array.from({ length: HISTORY }, (_, i) => `number ${i + 1}`)
    );
    await ann.locator('.timeline').evaluate((scroller) => (scroller.scrollTop = 0));
    await ann.locator('.beginning').waitFor();
    await ann.getByText('ann created this space').waitFor();
    await ann.getByRole('button', { name: 'To the newest' }).click();
    assert.ok(await message(ann, `number ${HISTORY}`).isVisible());
  });

  await it('lets go of the oldest rows of a room where much is said', async () => {
    let next = HISTORY;
    const post = async () => {
      while (next < MANY) {
        next += 1;
        await admin.post('/v1/chat/long/messages', { json: { text: `number ${next}` }, expect: 201 });
      }
    };
    await Promise.all(Array.from({ length: 16 }, post));
    await eventually(async () => (await shown(ann)).some(({ text }) => text === `number ${MANY}`), 'the last one');
    const rows = await shown(ann);
    assert.ok(rows.length < MANY, `${rows.length} rows`);
    const seqs = rows.map(({ seq }) => seq);
    assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
    await ann.locator('.timeline').evaluate((scroller) => (scroller.scrollTop = 0));
    await eventually(async () => (await shown(ann)).length > rows.length, 'those that were let go');
    const { json } = await admin.get('/v1/chat/long/messages', { query: { before: `${await epoch(admin)}.${seqs[0]}` }, expect: 200 });
    assert.equal((await shown(ann))[0].seq, json.events[0].seq);
  });

  await it('shows a file moved and removed as small lines', async () => {
    await openRoom(bob, gw, 'common');
    await ann.goto(`${gw.origin}/#/files/common/chat/`);
    await ann.getByRole('button', { name: 'Rename or move dropped (2).txt' }).click();
    await ann.getByRole('dialog').getByLabel('Path').fill('common/papers/kept.txt');
    await ann.getByRole('dialog').getByRole('button', { name: 'Move' }).click();
    await ann.getByText('dropped (2).txt is now common/papers/kept.txt.').waitFor();
    await bob.locator('.line', { hasText: 'ann moved chat/dropped (2).txt to papers/kept.txt' }).waitFor();
    await admin.delete('/v1/files/common/papers/kept.txt', { expect: 204 });
    await bob.locator('.line', { hasText: 'ann deleted papers/kept.txt' }).waitFor();
  });

  for (const colorScheme of ['light', 'dark']) {
    await it(`fits 320 pixels, ${colorScheme}`, async () => {
      const narrow = await browser.page({ viewport: { width: 320, height: 640 }, colorScheme });
      const check = async (what) => {
        const wide = await narrow.evaluate(() =>
          Math.max(document.documentElement.scrollWidth, document.querySelector('.timeline')?.scrollWidth ?? 0)
        );
        assert.ok(wide <= 320, `${what} is ${wide} wide`);
      };
      await enter(narrow, gw, 'bob', { room: 'common' });
      await write(narrow, `a ${'very'.repeat(60)} long word`);
      await narrow.locator('li.message[data-seq]', { hasText: 'long word' }).last().waitFor();
      await check('room');
      await narrow.getByRole('button', { name: 'Members' }).click();
      await narrow.getByRole('dialog').getByText('ann').waitFor();
      await check('members');
      await narrow.getByRole('button', { name: 'Close' }).click();
      await narrow.getByRole('link', { name: 'All rooms' }).click();
      await narrow.getByRole('heading', { name: 'Rooms' }).waitFor();
      await check('rooms');
      await roomLink(narrow, 'Notes to myself').click();
      await narrow.getByRole('textbox', { name: 'Message to Notes to myself' }).waitFor();
      assertQuiet(narrow);
      await narrow.context().close();
    });
  }

  await it('signs out, and hears and keeps nothing any more', async () => {
    await composer(bob).fill('a draft');
    assert.ok(await bob.evaluate(() => sessionStorage.length) > 0);
    await bob.getByRole('banner').getByRole('button', { name: 'Sign out' }).click();
    await bob.getByText('You are signed out.').waitFor();
    assert.equal(await bob.evaluate(() => sessionStorage.length), 0);
    const requests = [];
    bob.on('request', (request) => requests.push(request.url()));
    await admin.post('/v1/chat/common/messages', { json: { text: 'after bob' }, expect: 201 });
    await openRoom(ann, gw, 'common');
    await message(ann, 'after bob').waitFor();
    assert.equal(await bob.title(), 'Sign in · secgate');
    assert.ok(!requests.some((url) => url.includes('/v1/events') || url.includes('/v1/chat')), requests.join());
    const { json } = await admin.get('/v1/chat/common/presence', { expect: 200 });
    assert.ok(json.present.some(({ username }) => username === 'ann'));
  });

  await it('did all this without a complaint of the browser but of what was refused', () => {
    assertQuiet(ann, /404 .*\/(members\/nobody|chat\/team\/(messages\?.*|read))$/);
    assertQuiet(bob, /412 .*dropped\.txt$|404 .*chat\/team\/(messages\?.*|read)$/);
  });
});
