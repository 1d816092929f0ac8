// SPDX-License-Identifier: Apache-2.0
// One room as it is shown: its head, its history, where one writes, files that are dropped into it. It
// marks as read what has been in view while the page had the focus.

import * as api from './api.js';
import { Composer, textField } from './chat-composer.js';
import { showMembers } from './chat-dialogs.js';
import { namesOf } from './chat-message.js';
import { Timeline } from './chat-timeline.js';
import { confirm } from './dialogs.js';
import { button, el, fill, icon } from './dom.js';
import { acceptDrops } from './drop.js';
import { ago, encodePath, longMoment } from './format.js';
import { History, textOf } from './history.js';
import * as live from './live.js';
import { errorBox, fail } from './notices.js';
import * as outbox from './outbox.js';
import * as rooms from './rooms.js';
import { user } from './session.js';
import { setTitle } from './title.js';
import { upload } from './transfers.js';

const READ_MS = 250; // what comes together is marked as read together
const AGAIN_MS = 3000; // when the room could not be read
const WATCH_S = 60;
const FILES_MAX = 16; // links in one message
const FOLDER = 'chat/'; // where files go that are dropped into a room
const STATES = { connecting: 'Connecting…', connected: 'Connected', reconnecting: 'Reconnecting…' };

const inView = (signal) =>
  new Promise((resolve) => {
    if (!document.hidden) resolve();
    else document.addEventListener('visibilitychange', resolve, { once: true, signal });
  });

export class RoomPane {
  constructor(root, name) {
    this.name = name;
    this.me = user().username;
    this.room = rooms.get(name) ?? rooms.unlisted(name);
    this.history = new History(name);
    this.readTimer = 0;
    this.unsaid = 0; // read up to here, and the gateway does not know yet
    this.loadingOlder = false;
    this.over = new AbortController();
    this.build(root);
    this.stops = [
      live.listen({
        event: (event) => event.space === name && event.seq !== undefined && this.heard(event),
        reset: () => this.load(),
        state: () => this.showState(),
      }),
      rooms.listen((room, what) => this.changed(room, what)),
      outbox.listen((space, what, item) => space === name && this.sent(what, item)),
    ];
    if (live.started()) this.load();
  }

  leave() {
    this.over.abort();
    this.sayRead();
    clearTimeout(this.again);
    this.stops.forEach((stop) => stop());
    this.timeline.leave();
    this.pane.remove();
  }

  build(root) {
    const { signal } = this.over;
    setTitle(rooms.nameOf(this.room));
    this.timeline = new Timeline({
      space: this.name,
      me: this.me,
      reply: (event) => this.composer.answer(event),
      edit: (event) => this.edit(event),
      remove: (event) => this.remove(event),
      jump: (seq) => this.jump(seq),
      quoted: (seq) => this.history.quoted(seq),
      older: () => this.older(),
      seen: () => this.readSoon(),
      retry: outbox.retry,
      takeBack: (item) => this.takeBack(item),
    });
    this.composer = new Composer({
      space: this.name,
      label: `Message to ${rooms.nameOf(this.room)}`,
      send: (text, replyTo) => this.post({ text, ...(replyTo && { reply_to: replyTo }) }),
      typing: () => this.typing(),
      pick: () => this.picker.click(),
      editLast: () => this.editLast(),
    });
    this.picker = el('input', { type: 'file', multiple: true, hidden: true, id: 'picker', 'aria-label': 'Files to send' });
    this.picker.addEventListener('change', () => this.picked());
    this.heading = el('h1', { tabindex: -1 }, rooms.nameOf(this.room));
    this.about = el('p', { class: 'about' });
    this.state = el('p', { class: 'live', role: 'status' });
    this.present = el('details', { class: 'present' });
    this.members = button('Members', { icon: 'people', kind: 'quiet' }, () => showMembers(this.room, this.me));
    this.typingLine = el('p', { class: 'typing', 'aria-live': 'off' });
    this.readOnly = el('p', { class: 'read-only' }, 'You may read here, and not write.');
    this.body = el('div', { class: 'room-body' }, this.timeline.root, this.typingLine, this.readOnly, this.composer.root);
    this.pane = el(
      'section',
      { class: 'panel room', 'data-drop': '', 'aria-label': 'Room' },
      el('p', { class: 'drop-hint', 'aria-hidden': 'true' }, icon('upload'), ' Drop to send it to this room'),
      el(
        'header',
        {},
        el('a', { class: 'button quiet back', href: '#/chat/', 'aria-label': 'All rooms' }, icon('back')),
        el('div', { class: 'room-title' }, this.heading, this.about),
        this.state,
        el(
          'div',
          { class: 'room-tools' },
          this.present,
          this.members,
          el('a', { class: 'button quiet', href: `#/files/${encodePath(this.name)}/` }, icon('folder'), el('span', {}, 'Files')),
        ),
      ),
      this.body,
      this.picker,
    );
    root.append(this.pane);
    acceptDrops(this.pane, {
      allowed: () => this.writable,
      take: (files) => this.sendFiles(files),
      failed: fail,
      signal,
    });
    addEventListener('focus', () => this.readSoon(), { signal });
    document.addEventListener('visibilitychange', () => this.readSoon(), { signal });
    document.addEventListener('click', ({ target }) => this.present.contains(target) || (this.present.open = false), { signal });
    this.showState();
    this.showRoom();
    this.showPending();
  }

  /** Reads the newest events; again whenever there is no link to what was read before. */
  async load() {
    const history = new History(this.name);
    this.history = history;
    try {
      if (!rooms.get(this.name)) await rooms.load();
      const events = await history.newest();
      if (this.history !== history || this.over.signal.aborted) return;
      this.room = rooms.get(this.name) ?? this.room;
      const { readTo, unread } = this.room;
      this.timeline.clear();
      this.showRoom();
      this.timeline.prepend([...history.events.values()].sort((a, b) => a.seq - b.seq));
      if (unread > 0) this.timeline.markAfter(readTo);
      this.timeline.ready(history.complete || events.length === 0);
      this.timeline.settle();
      this.readSoon();
      rooms.askPresence(this.room).catch(() => {});
      outbox.pump(this.name);
      this.watch(history);
    } catch (error) {
      if (this.history !== history || this.over.signal.aborted) return;
      if (error.status >= 400 && error.status < 500) this.close(error);
      else this.again = setTimeout(() => this.load(), AGAIN_MS);
    }
  }

  /**
   * Waits for the end of the user's right to a space. The stream of all rooms goes on without those that
   * were taken away, and says nothing; a poll of the room itself ends with that error at once. Only while
   * the page is in view, because a browser has few connections for all its tabs.
   */
  async watch(history) {
    const { signal } = this.over;
    let after = history.next;
    while (this.history === history && !signal.aborted && this.room.kind === 'shared') {
      await inView(signal);
      const poll = new AbortController();
      const end = () => poll.abort();
      document.addEventListener('visibilitychange', end, { signal: poll.signal });
      signal.addEventListener('abort', end, { signal: poll.signal });
      try {
        const options = { after, wait: WATCH_S, types: 'space.updated' };
        ({ next: after } = await api.messagesList(this.name, options, poll.signal));
      } catch (error) {
        if (error.status === 404) return rooms.lost(this.name);
        if (error.status === 410) return; // the stream is told the same, and all is read again
        if (error.name !== 'AbortError') await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      } finally {
        end(); // and its listeners with it
      }
    }
  }

  /** Reads what was before; the view stays where it is. */
  async older() {
    const { history } = this;
    if (this.loadingOlder || history.complete || !history.oldest) return;
    this.loadingOlder = true;
    try {
      const events = await history.older();
      if (this.history !== history || this.over.signal.aborted) return;
      this.timeline.prepend(events);
      this.timeline.ready(history.complete);
    } catch (error) {
      fail(error);
    } finally {
      this.loadingOlder = false;
    }
    if (this.timeline.scroller.scrollTop < 1 && !history.complete) this.older();
  }

  heard(event) {
    const { added, revised } = this.history.apply(event);
    const unseen = !this.timeline.atEnd || !this.focused();
    if (added) {
      const { mark } = this.timeline;
      this.timeline.append(event, { unseen: !this.timeline.atEnd });
      // The line of the unread ones moves on when what was after it has been read.
      const stale = !mark || mark.event.seq <= this.room.readTo;
      if (unseen && stale && event.type === 'message') this.timeline.markAfter(this.room.readTo);
      this.readSoon();
      const first = this.timeline.trim();
      if (first) this.history.forget(first);
    }
    if (revised) this.timeline.revise(this.history.get(revised));
  }

  changed(room, what) {
    if (what === 'list') {
      const listed = rooms.get(this.name);
      if (!listed || listed === this.room) {
        if (listed) this.showRoom();
        return;
      }
      listed.present = this.room.present;
      this.room = listed;
      this.showRoom();
    }
    if (room?.name !== this.name) return;
    if (what === 'gone' && !this.closed) this.close(null);
    if (what === 'presence') this.showPresent();
    if (what === 'typing' || what === 'activity') this.showTyping();
  }

  /** Shows that this room is closed to the user, and nothing of it any more. */
  close(error) {
    this.history = new History(this.name);
    this.closed = true;
    fill(
      this.body,
      el(
        'div',
        { class: 'empty', role: 'alert' },
        icon('lock'),
        error && error.status !== 404
          ? errorBox(error)
          : el('p', {}, error ? 'There is no such room, or you are not in it.' : 'You are no longer in this room.'),
      ),
    );
    fill(this.about);
    this.present.hidden = this.members.hidden = true;
    this.pane.querySelector('.room-tools').hidden = true;
  }

  get writable() {
    return this.room.role !== 'reader' && !this.closed;
  }

  showRoom() {
    const { kind, role, description } = this.room;
    if (this.closed) return;
    fill(this.about, description || (kind === 'direct' ? 'Only the two of you' : kind === 'own' ? 'Only you' : ''));
    this.members.hidden = kind === 'own' || kind === 'direct';
    const rights = `${this.writable} ${role === 'owner' && kind === 'shared'} ${kind}`;
    if (rights === this.rights) return;
    this.rights = rights;
    this.composer.root.hidden = !this.writable;
    this.readOnly.hidden = this.writable;
    Object.assign(this.timeline.options, { mayWrite: this.writable, owns: role === 'owner' });
    this.timeline.redraw(this.history.events);
  }

  showState() {
    const state = live.state();
    this.state.dataset.state = state;
    this.state.textContent = STATES[state];
    if (state === 'connected' && !this.closed) {
      rooms.askPresence(this.room).catch(() => {});
    }
  }

  showPresent() {
    const all = [...this.room.present].sort(([a], [b]) => (a < b ? -1 : 1));
    const { open } = this.present;
    fill(
      this.present,
      el('summary', { class: 'button quiet' }, el('span', { class: 'dot', 'aria-hidden': 'true' }), `${all.length} here`),
      el(
        'ul',
        {},
        all.map(([name, since]) =>
          el('li', {}, el('strong', {}, name), el('small', { title: longMoment(since) }, ` since ${ago(since)}`)),
        ),
      ),
    );
    this.present.open = open;
  }

  showTyping() {
    const names = rooms.typing(this.room);
    const who = names.length > 3 ? 'Several people' : names.join(', ');
    this.typingLine.textContent = names.length ? `${who} ${names.length === 1 ? 'is' : 'are'} typing…` : '';
  }

  showPending() {
    this.timeline.showPending(outbox.pending(this.name));
  }

  focused() {
    return document.visibilityState === 'visible' && document.hasFocus();
  }

  /** The newest is in view and somebody looks: everything has been read. */
  readSoon() {
    const { latest } = this.history;
    if (this.closed || !latest || !this.timeline.atEnd || !this.focused()) return;
    if (!rooms.seen(this.room, latest)) return;
    this.unsaid = latest;
    clearTimeout(this.readTimer);
    this.readTimer = setTimeout(() => this.sayRead(), READ_MS);
  }

  sayRead() {
    clearTimeout(this.readTimer);
    if (this.unsaid && !this.closed && user()) rooms.markRead(this.room, this.unsaid).catch(() => {});
    this.unsaid = 0;
  }

  typing() {
    api.typingCreate(this.name).catch(() => {});
  }

  post(message) {
    outbox.post(this.name, message);
    this.timeline.showEnd();
  }

  /** What could not be sent goes back to where it was written, unless something else is there. */
  takeBack(item) {
    const { input, set } = this.composer.field;
    if (!item.message.files && !input.value) {
      set(item.message.text);
      outbox.setDraft(this.name, item.message.text);
    }
    outbox.discard(item);
    input.focus();
  }

  sent(what, item) {
    if (what === 'sent') this.heard(item.event);
    this.showPending();
  }

  async jump(seq) {
    try {
      if (!this.history.get(seq)) this.timeline.prepend(await this.history.back(seq));
      this.timeline.ready(this.history.complete);
      this.timeline.show(seq);
    } catch (error) {
      fail(error);
    }
  }

  editLast() {
    const mine = [...this.history.events.values()].filter(
      (event) => event.type === 'message' && event.sender === this.me && textOf(event) !== null,
    );
    const last = mine.reduce((a, b) => (a && a.seq > b.seq ? a : b), null);
    if (last) this.edit(last);
  }

  /** Turns a message into a field with its text. */
  edit(event) {
    const row = this.timeline.rows.get(event.seq);
    if (!row || row.querySelector('.editing')) return;
    const back = (text) => {
      if (row.querySelector('.editing')) this.timeline.draw(row, event);
      (text === null ? row : this.composer.field.input).focus();
    };
    const field = textField({
      label: 'Edit the message',
      value: textOf(event),
      cancel: () => back(null),
      done: async (text) => {
        try {
          if (text !== textOf(event)) this.heard(await api.messagesUpdate(this.name, event.seq, text));
          back(text);
        } catch (error) {
          fail(error);
        }
      },
    });
    row.append(
      el(
        'div',
        { class: 'editing' },
        field.input,
        field.problem,
        el(
          'div',
          { class: 'actions' },
          button('Cancel', {}, () => back(null)),
          button('Save', { kind: 'primary' }, field.finish),
        ),
      ),
    );
    field.input.focus();
  }

  async remove(event) {
    const yes = await confirm({
      title: 'Delete the message?',
      text: 'Its text will be gone for good. That there was a message stays.',
      yes: 'Delete',
      danger: true,
    });
    if (!yes) return;
    try {
      this.heard(await api.messagesDelete(this.name, event.seq));
      this.timeline.rows.get(event.seq)?.focus();
    } catch (error) {
      fail(error);
    }
  }

  picked() {
    const files = Array.from(this.picker.files, (file) => ({ file, path: file.name }));
    this.picker.value = '';
    this.sendFiles(files).catch(fail);
  }

  /** Stores files in the space, then posts messages that link them. */
  async sendFiles(files) {
    const stored = [];
    const at = `${this.name}/${FOLDER}`;
    await upload(at, files, new Set(), (entry) => stored.push(entry.path.slice(entry.path.indexOf('/') + 1)), true);
    while (stored.length > 0) {
      const paths = stored.splice(0, FILES_MAX);
      this.post({ text: namesOf(paths.map((path) => ({ path }))), files: paths });
    }
  }
}
