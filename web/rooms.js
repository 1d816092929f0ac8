// SPDX-License-Identifier: Apache-2.0
// Knows the rooms of the user: unread counts, what happened last, who listens and types. It follows
// the news as long as somebody is signed in, whatever view is shown, and never touches the document.

import * as api from './api.js';
import * as live from './live.js';
import { setUnread } from './title.js';
import * as session from './session.js';

const LOAD_MS = 150; // changes that come together cause one request
const TYPING_MS = 6000; // a notice of typing holds so long
const STALE_MS = 60_000; // other devices read too; who comes back to the page sees what is left
const LASTS_MAX = 40; // rooms whose last message is asked for
const LASTS_AT_ONCE = 2;
const PRESENCE_TRIES = 3;

const rooms = new Map();
const listeners = new Set();
const tabs = new BroadcastChannel('secgate.read'); // what is read in one tab is read in all
let loading = null;
let again = false;
let timer = 0;
let loadedAt = 0;

/** Calls `listener(room, what)`; `what` is 'list', 'activity', 'presence', 'typing' or 'gone'. */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(room, what) {
  for (const listener of listeners) listener(room, what);
}

export const get = (name) => rooms.get(name);

/** All rooms, those with the latest activity first. */
export function list() {
  return [...rooms.values()].sort((a, b) => b.newest - a.newest || (a.name < b.name ? -1 : 1));
}

/** The name that the gateway uses for it: `~me` is the user's own. */
export const canonical = (name) => (name === '~me' ? `~${session.user()?.username}` : name);

/** What a person calls it. */
export function nameOf(room) {
  if (room.kind === 'direct') return room.name.slice(1);
  return room.kind === 'own' ? 'Notes to myself' : room.name;
}

const seqOf = (cursor) => Number(cursor?.split('.')[1] ?? 0);

/** A room that is not in the list yet: a direct talk that nobody has begun. */
export function unlisted(name) {
  const kind = name.startsWith('@') ? 'direct' : 'shared';
  return make({ name, kind, role: 'writer', description: '', last_read: 0, unread: 0, newest: null });
}

function make(space) {
  const { name, kind, role, description } = space;
  const readTo = space.last_read ?? 0;
  const room = { name, kind, role, description, readTo, unread: space.unread, newest: seqOf(space.newest) };
  return Object.assign(room, { counted: room.newest, last: null, present: new Map(), typing: new Map(), notes: 0 });
}

/** Reads the list again; calls while it is being read cause one more reading. */
export function load() {
  again = loading !== null;
  loading ??= read().finally(() => {
    loading = null;
    if (again) load();
  });
  return loading;
}

function loadSoon() {
  clearTimeout(timer);
  timer = setTimeout(load, LOAD_MS);
}

// Rooms that were made while the list was on its way: it need not have them.
const made = new Set();

/** Takes a space that the user has just made, so that its role is known before the list is read again. */
export function add(space) {
  made.add(space.name);
  take(space);
  changed();
}

async function read() {
  const mine = session.id();
  let spaces;
  made.clear();
  try {
    ({ spaces } = await api.spacesList());
  } catch {
    if (session.id() === mine && mine) timer = setTimeout(load, 3000);
    return;
  }
  if (session.id() !== mine) return;
  loadedAt = Date.now();
  const gone = new Set(rooms.keys());
  for (const space of spaces) {
    gone.delete(space.name);
    take(space);
  }
  for (const name of gone) if (!made.has(name)) remove(name);
  changed();
  askLasts();
}

function take(space) {
  const fresh = make(space);
  const room = rooms.get(space.name);
  if (!room) {
    rooms.set(space.name, fresh);
    return;
  }
  Object.assign(room, { kind: fresh.kind, role: fresh.role, description: fresh.description });
  // Here more has been heard, or more has been read than the gateway knows yet: its count is the older one.
  const older = fresh.newest < room.newest || (fresh.newest === room.newest && fresh.readTo < room.readTo);
  room.readTo = Math.max(room.readTo, fresh.readTo);
  if (older) return;
  room.unread = fresh.unread;
  room.newest = room.counted = fresh.newest;
}

function remove(name) {
  const room = rooms.get(name);
  if (!room) return;
  rooms.delete(name);
  tell(room, 'gone');
}

/** The gateway says that this room is none of the user's any more. */
export function lost(name) {
  remove(name);
  changed();
  loadSoon();
}

function changed() {
  setUnread(unread());
  tell(null, 'list');
}

/** Unread messages in all rooms. */
export function unread() {
  let count = 0;
  for (const room of rooms.values()) count += room.unread;
  return count;
}

/** What was said last in the rooms at the top of the list, a few requests at a time. */
async function askLasts() {
  const open = list().filter((room) => room.newest && !room.last).slice(0, LASTS_MAX);
  const ask = async () => {
    for (let room = open.shift(); room; room = open.shift()) {
      const page = await api.messagesList(room.name, { limit: 1, types: 'message' }).catch(() => null);
      if (page?.events.length) setLast(room, page.events[0]);
    }
  };
  await Promise.all(Array.from({ length: LASTS_AT_ONCE }, ask));
}

function setLast(room, event) {
  if (room.last && room.last.seq >= event.seq) return;
  room.last = event;
  tell(room, 'activity');
}

function heard(event) {
  const me = session.user()?.username;
  const room = rooms.get(event.space);
  if (event.seq === undefined) {
    if (room) note(room, event);
    return;
  }
  if (event.type.startsWith('member.') && event.member === me) {
    if (event.type === 'member.removed') remove(event.space);
    loadSoon();
  }
  if (!room) return loadSoon();
  if (event.type === 'space.updated') loadSoon();
  if (event.seq <= room.newest) return;
  room.newest = event.seq;
  room.typing.delete(event.sender);
  if (event.type === 'message') {
    if (event.sender !== me && event.seq > room.counted && event.seq > room.readTo) room.unread += 1;
    setLast(room, event);
  }
  changed();
}

function note(room, { type, sender, sent_at: at }) {
  if (type === 'typing') {
    if (sender === session.user()?.username) return;
    room.typing.set(sender, Date.now() + TYPING_MS);
    setTimeout(() => tell(room, 'typing'), TYPING_MS + 50);
    return tell(room, 'typing');
  }
  room.notes += 1;
  if (type === 'presence.joined') room.present.set(sender, room.present.get(sender) ?? at);
  else {
    room.present.delete(sender);
    room.typing.delete(sender);
  }
  tell(room, 'presence');
}

/** Who types now. */
export function typing(room) {
  const now = Date.now();
  for (const [name, until] of room.typing) if (until <= now) room.typing.delete(name);
  return [...room.typing.keys()];
}

/** Asks who listens; from then on notes keep it right. A note during the question makes it be asked again. */
export async function askPresence(asked) {
  for (let tries = 0; tries < PRESENCE_TRIES; tries += 1) {
    const before = (rooms.get(asked.name) ?? asked).notes;
    const { present } = await api.presenceList(asked.name);
    const room = rooms.get(asked.name) ?? asked;
    room.present = new Map(present.map(({ username, since }) => [username, since]));
    tell(room, 'presence');
    if (room.notes === before) return;
  }
}

/** Everything up to `seq` has been seen here; says whether the gateway is still to hear of it. */
export function seen(room, seq) {
  const news = advance(room, seq);
  if (news) tabs.postMessage({ id: session.id(), name: room.name, seq });
  return news;
}

function advance(room, seq) {
  const news = seq > room.readTo || room.unread > 0;
  room.readTo = Math.max(room.readTo, seq);
  room.counted = Math.max(room.counted, seq);
  if (room.newest <= seq) room.unread = 0;
  if (news) changed();
  return news;
}

/** Says so to the gateway, which knows how much is unread. */
export async function markRead(room, seq) {
  const answer = await api.readSet(room.name, seq);
  if (room.newest <= seq && room.unread !== answer.unread) {
    room.unread = answer.unread;
    changed();
  }
}

/** Begins or ends with the session. */
export function follow() {
  clearTimeout(timer);
  live.stop();
  rooms.clear();
  setUnread(0);
  if (session.user()) live.start();
}

live.listen({ event: heard, reset: load, state: (state) => state === 'connected' && loadSoon() });
addEventListener('focus', () => session.user() && Date.now() - loadedAt > STALE_MS && load());
tabs.addEventListener('message', ({ data: { id, name, seq } }) => {
  if (id === session.id() && rooms.has(name)) advance(rooms.get(name), seq);
});
