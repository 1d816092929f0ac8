// SPDX-License-Identifier: Apache-2.0
// Holds the session: the access token in memory only, the refresh token in this tab's
// sessionStorage. Tabs of one browser share a session over a BroadcastChannel and take turns at
// refreshing, so that no refresh token is ever spent twice. It never shows anything.

const STORE = 'secgate.session';
const LOCK = 'secgate.refresh';
const MARGIN_MS = 30_000; // refresh this long before the access token expires
const ASK_MS = 150; // how long another tab gets to answer

/** Why a session is over in a browser whose certificate was revoked: nothing it asks for is answered. */
export const REVOKED = 'The certificate that this browser shows was revoked.';

const channel = new BroadcastChannel('secgate.session');
const listeners = new Set();

let kept = read(); // {session_id, refresh_token, generation, user} or null
let access = null; // {token, until} or null
let refreshing = null; // the one refresh under way, shared by all callers
let answered = null; // resolves a question to other tabs

/** The session is over: no token can be had any more without signing in. */
export class SessionEnded extends Error {}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE));
  } catch {
    return null;
  }
}

function keep(next) {
  kept = next;
  if (next) sessionStorage.setItem(STORE, JSON.stringify(next));
  else sessionStorage.removeItem(STORE);
}

/** The signed-in user `{username, role, ...}`, or null. */
export function user() {
  return kept?.user ?? null;
}

/** Calls `listener(reason)` when the session begins or ends; the reason is null or a sentence. */
export function onChange(listener) {
  listeners.add(listener);
}

function changed(reason = null) {
  for (const listener of listeners) listener(reason);
}

/** Takes over what users_me says, for example a new role. */
export function update(me) {
  if (kept?.user.username === me.username) keep({ ...kept, user: me });
}

/** Takes over the answer of sessions_create. */
export function begin(created) {
  adoptAccess(created.token, created.expires_in);
  keep({
    session_id: created.session_id,
    refresh_token: created.refresh_token,
    generation: 1,
    user: created.user,
  });
  changed();
}

/** Forgets the session in this tab and in all others; telling the gateway is the caller's part. */
export function forget(reason = null) {
  if (!kept) return;
  channel.postMessage({ type: 'ended', session_id: kept.session_id });
  drop(reason);
}

function drop(reason) {
  access = null;
  keep(null);
  changed(reason);
}

/** At the start of a page: picks up a session from this tab or from another one. */
export async function restore() {
  if (!kept) await ask();
  return user();
}

function adoptAccess(token, expiresIn) {
  access = { token, until: Date.now() + expiresIn * 1000 };
}

function fresh() {
  return access !== null && Date.now() < access.until - MARGIN_MS;
}

/** Resolves to a valid access token. Rejects with SessionEnded when there is none to be had. */
export async function token() {
  return fresh() ? access.token : refresh(access?.token);
}

/** When the access token that this tab holds expires, in milliseconds of the device's clock; 0: none. */
export function tokenUntil() {
  return access?.until ?? 0;
}

/** What tells this session from others of the browser. */
export function id() {
  return kept?.session_id ?? null;
}

/**
 * Gets a new access token unless somebody else already replaced `stale`.
 * All callers of one tab share one request.
 */
export function refresh(stale) {
  if (fresh() && access.token !== stale) return Promise.resolve(access.token);
  refreshing ??= alone(() => renew(stale)).finally(() => (refreshing = null));
  return refreshing;
}

function alone(work) {
  return navigator.locks ? navigator.locks.request(LOCK, work) : work();
}

async function renew(stale) {
  await ask(); // another tab may hold a newer pair
  if (fresh() && access.token !== stale) return access.token;
  if (!kept) throw new SessionEnded();
  const { session_id: mine, refresh_token: spent } = kept;

  const response = await fetch('/v1/oauth/token', {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: spent }),
    cache: 'no-store',
    credentials: 'same-origin', // with the certificate that the session may be bound to
  });
  if ([400, 401, 403].includes(response.status)) {
    const { code } = await response.json().catch(() => ({}));
    const why = code === 'certificate-revoked' ? REVOKED : 'Your session has ended. Please sign in again.';
    if (kept?.session_id === mine) forget(why);
    throw new SessionEnded();
  }
  if (!response.ok) throw new TypeError(`token endpoint answered ${response.status}`);

  const answer = await response.json();
  if (kept?.session_id !== mine) throw new SessionEnded(); // signed out meanwhile
  adoptAccess(answer.access_token, answer.expires_in);
  keep({ ...kept, refresh_token: answer.refresh_token, generation: kept.generation + 1 });
  tell();
  return access.token;
}

function tell() {
  channel.postMessage({ type: 'state', kept, access });
}

/** Asks other tabs for a newer state; an answer is adopted before the promise resolves. */
function ask() {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ASK_MS);
    function done() {
      clearTimeout(timer);
      answered = null;
      resolve();
    }
    answered = done;
    channel.postMessage({
      type: 'ask',
      session_id: kept?.session_id ?? null,
      generation: kept?.generation ?? 0,
    });
  });
}

channel.addEventListener('message', ({ data }) => {
  if (data.type === 'ask') answer(data);
  else if (data.type === 'state') adopt(data);
  else if (data.type === 'ended' && kept?.session_id === data.session_id) {
    drop('You signed out in another tab.');
  }
});

function answer({ session_id: asked, generation }) {
  if (!kept) return;
  const newer = kept.session_id === asked && kept.generation > generation;
  const current = kept.session_id === asked && kept.generation === generation && fresh();
  if (asked === null || newer || current) tell();
}

function adopt(state) {
  const first = kept === null && answered !== null;
  const newer = kept?.session_id === state.kept.session_id && kept.generation < state.kept.generation;
  const same = kept?.session_id === state.kept.session_id && kept.generation === state.kept.generation;
  if (first || newer) keep(state.kept);
  if ((first || newer || same) && state.access && state.access.until > (access?.until ?? 0)) {
    access = state.access;
  }
  if (first || newer || same) answered?.();
}
