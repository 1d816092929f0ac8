// SPDX-License-Identifier: Apache-2.0
// Sends messages, those of a room one after another, and keeps drafts. Each message has a key of its
// own, so that trying again never doubles it, also after the page was loaded anew. It draws nothing.

import * as api from './api.js';
import * as session from './session.js';

const STORE = 'secgate.chat';
const BACKOFF_MS = [1000, 2000, 4000, 8000, 15_000];
const TRIES_MAX = 8; // then the user decides

const listeners = new Set();
const busy = new Set(); // rooms that are being sent to
let kept = null; // {username, drafts: {room: text}, pending: [{space, key, message, at, failed}]}

/** Calls `listener(space, what, item)`; `what` is 'added', 'changed', 'sent' (item.event) or 'dropped'. */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(space, what, item) {
  for (const listener of listeners) listener(space, what, item);
}

function read() {
  const username = session.user()?.username;
  if (kept && kept.username === username) return kept;
  try {
    kept = JSON.parse(sessionStorage.getItem(STORE));
  } catch {
    kept = null;
  }
  if (kept?.username !== username) kept = { username, drafts: {}, pending: [] };
  return kept;
}

function keep() {
  const empty = kept.pending.length === 0 && Object.keys(kept.drafts).length === 0;
  if (empty || !kept.username) sessionStorage.removeItem(STORE);
  else sessionStorage.setItem(STORE, JSON.stringify(kept));
}

export const draft = (space) => read().drafts[space] ?? '';

export function setDraft(space, text) {
  if (draft(space) === text) return;
  if (text) kept.drafts[space] = text;
  else delete kept.drafts[space];
  keep();
}

/** What has not been acknowledged yet. */
export const pending = (space) => read().pending.filter((item) => item.space === space);

/** Sends `{text, reply_to?, files?}`. */
export function post(space, message) {
  const item = { space, key: crypto.randomUUID(), message, at: new Date().toISOString(), failed: null };
  read().pending.push(item);
  keep();
  tell(space, 'added', item);
  pump(space);
}

/** Tries again what failed. */
export function retry(item) {
  item.failed = null;
  tell(item.space, 'changed', item);
  pump(item.space);
}

export function discard(item) {
  drop(item);
  tell(item.space, 'dropped', item);
  pump(item.space);
}

function drop(item) {
  const { pending: all } = read();
  const at = all.indexOf(item);
  if (at >= 0) all.splice(at, 1);
  keep();
}

/** Sends what waits for this room, in order; what failed stands aside until the user decides. */
export async function pump(space) {
  if (busy.has(space)) return;
  busy.add(space);
  const mine = session.id();
  for (;;) {
    const item = pending(space).find(({ failed }) => !failed);
    if (!item || session.id() !== mine) break;
    await send(item, mine);
  }
  busy.delete(space);
}

/** Goes on with what was not acknowledged when the page was left. */
export function resume() {
  for (const space of new Set(read().pending.map((item) => item.space))) pump(space);
}

async function send(item, mine) {
  for (let tries = 0; ; tries += 1) {
    try {
      item.event = await api.messagesCreate(item.space, item.message, item.key);
      drop(item);
      return tell(item.space, 'sent', item);
    } catch (error) {
      if (session.id() !== mine) return;
      if (!lasting(error) && tries < TRIES_MAX) await pause(error, tries);
      else return fail(item, error);
    }
    if (session.id() !== mine || !read().pending.includes(item)) return;
  }
}

const lasting = ({ status }) => status >= 400 && status < 500 && status !== 408 && status !== 429;

const pause = ({ retryAfter }, tries) =>
  new Promise((resolve) => {
    setTimeout(resolve, 1000 * (retryAfter ?? 0) || BACKOFF_MS[Math.min(tries, BACKOFF_MS.length - 1)]);
  });

function fail(item, error) {
  item.failed = error.title ?? error.message;
  keep();
  tell(item.space, 'changed', item);
}

/** Forgets everything, for signing out. */
export function clear() {
  kept = null;
  sessionStorage.removeItem(STORE);
}
