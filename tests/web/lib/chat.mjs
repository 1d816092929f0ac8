// SPDX-License-Identifier: Apache-2.0
// What the tests of the chat do on the page, and what they see there.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fillSignIn } from './browser.mjs';

export const PASSWORD = 'correct horse battery';

// Signs in and opens a room.
export async function enter(page, gw, name, { room = 'common', password = PASSWORD } = {}) {
  await page.goto(`${gw.origin}/#/signin`);
  await fillSignIn(page, { name, password });
  await openRoom(page, gw, room);
}

export async function openRoom(page, gw, room) {
  await page.goto(`${gw.origin}/#/chat/${encodeURIComponent(room)}`);
  await page.locator('.timeline[aria-busy="false"]').waitFor();
  await page.locator('.live[data-state="connected"]').waitFor({ state: 'attached' });
}

export const composer = (page) => page.locator('.composer textarea');

export async function write(page, text) {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

// The row of an acknowledged message.
export function message(page, text) {
  return page.locator('li.message[data-seq]').filter({ has: page.getByText(text, { exact: true }) });
}

// An entry in the list of rooms.
export function roomLink(page, name) {
  return page.getByRole('navigation', { name: 'Rooms' }).locator('a').filter({
    has: page.locator('.room-name').getByText(name, { exact: true })
  });
}

// The acknowledged messages as they are shown, in the order of the page: [{seq, text}].
export function shown(page) {
  return page.locator('li.message[data-seq]').evaluateAll((rows) =>
    rows.map((row) => ({
      seq: Number(row.dataset.seq),
      text: row.querySelector('.text')?.textContent ?? ''
    }))
  );
}

// Posts through everything that may fail, under one key. The event, once it is acknowledged.
export async function postSurely(client, space, text) {
  const headers = { 'Idempotency-Key': randomUUID() };
  for (;;) {
    try {
      const path = `/v1/chat/${encodeURIComponent(space)}/messages`;
      const answer = await client.post(path, { json: { text }, headers });
      if (answer.status === 201) return answer.json;
    } catch {
      // The worker is gone; another one takes its place.
    }
    await sleep(50);
  }
}

// The headers of requests for event streams of a context, as they are made.
export function streams(page) {
  const made = [];
  page.context().on('request', async (request) => {
    if (!/\/v1\/events(\?|$)/.test(request.url())) return;
    const headers = await request.allHeaders().catch(() => request.headers());
    if (/event-stream/.test(headers.accept)) made.push(headers);
  });
  return made;
}
