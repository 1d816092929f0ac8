// SPDX-License-Identifier: Apache-2.0
// Chat: the rooms, and the one that is open. On a narrow page there is either the list or the room.

import { createSpace, talkTo } from './chat-dialogs.js';
import { excerpt } from './chat-message.js';
import { RoomPane } from './chat-room.js';
import { button, el, fill } from './dom.js';
import { longMoment, timeOrDay } from './format.js';
import { clear } from './notices.js';
import * as rooms from './rooms.js';
import { user } from './session.js';
import { setTitle } from './title.js';

const WIDE = matchMedia('(min-width: 60rem)');
const COUNT_MAX = 999;

const linkTo = (name) => `#/chat/${encodeURIComponent(name)}`;
let lastOpen = 'common';

export const view = {
  name: 'chat',
  title: 'Chat',
  access: 'user',
  mount(root, rest) {
    const chat = new Chat(root);
    chat.go(rest);
    return { update: (next) => chat.go(next), leave: () => chat.leave() };
  },
};

class Chat {
  constructor(root) {
    this.pane = null;
    this.frame = 0;
    this.list = el('ul', {});
    this.title = el('div', {});
    this.items = new Map(); // room's name -> list item
    this.main = el('div', { class: 'chat-main' });
    this.rail = el(
      'nav',
      { class: 'rail rooms', 'aria-label': 'Rooms' },
      this.title,
      this.list,
      el(
        'div',
        { class: 'buttons' },
        user()?.role === 'guest' ? null : button('New space', { icon: 'add' }, () => this.open(createSpace())),
        button('Talk to…', { icon: 'chat' }, () => this.open(talkTo())),
      ),
    );
    this.root = el('div', { class: 'with-rail chat' }, this.rail, this.main);
    root.append(this.root);
    this.stop = rooms.listen((room, what) => this.changed(room, what));
    if (rooms.list().length === 0) rooms.load();
  }

  leave() {
    this.stop();
    cancelAnimationFrame(this.frame);
    this.pane?.leave();
    if (!user()) lastOpen = 'common';
  }

  /** Shows a room; without a name the list, and where there is space for both, the last room too. */
  go(rest) {
    clear();
    const name = rooms.canonical(rest || (WIDE.matches ? lastOpen : ''));
    this.root.dataset.open = rest ? 'room' : 'list';
    fill(this.title, el(name ? 'h2' : 'h1', { tabindex: -1 }, 'Rooms'));
    if (this.pane?.name !== name || this.pane?.closed) {
      this.pane?.leave();
      this.pane = name ? new RoomPane(this.main, name) : null;
    }
    if (name) lastOpen = name;
    else setTitle('Chat');
    this.show();
  }

  /** Goes to the room that a dialog made or found. */
  async open(dialog) {
    const name = await dialog;
    if (name) location.hash = linkTo(name);
  }

  changed(room, what) {
    if (what === 'list' && this.pane?.closed && rooms.get(this.pane.name)) this.go(this.pane.name);
    if (what === 'gone' && room.name === lastOpen) lastOpen = 'common';
    if (['list', 'activity', 'gone'].includes(what)) this.showSoon();
  }

  /** News that come together are drawn together. */
  showSoon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.show();
    });
  }

  /** Draws the list; links that stay keep the focus. */
  show() {
    const shown = rooms.list();
    const { pane } = this;
    if (pane && !pane.closed && !rooms.get(pane.name) && pane.name.startsWith('@')) shown.unshift(pane.room);
    const names = new Set(shown.map((room) => room.name));
    for (const [name, item] of this.items) {
      if (names.has(name)) continue;
      item.remove();
      this.items.delete(name);
    }
    const focus = this.list.contains(document.activeElement) ? document.activeElement : null;
    shown.forEach((room, i) => {
      if (!this.items.has(room.name)) this.items.set(room.name, el('li', {}, el('a', { href: linkTo(room.name) })));
      const item = this.items.get(room.name);
      this.draw(item.firstElementChild, room);
      if (this.list.children[i] !== item) this.list.insertBefore(item, this.list.children[i] ?? null);
    });
    if (focus?.isConnected) focus.focus({ preventScroll: true }); // a link that moves would lose it
  }

  draw(link, room) {
    const { last, unread, kind } = room;
    const said = last && `${kind === 'direct' ? '' : `${last.sender}: `}${excerpt(last)}`;
    const about = said ?? { common: 'Everyone', own: 'Only you', direct: 'Only the two of you' }[kind] ?? room.description;
    link.toggleAttribute('data-unread', unread > 0);
    if (this.pane?.name === room.name) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
    fill(
      link,
      el('span', { class: 'room-name' }, rooms.nameOf(room)),
      last ? el('time', { datetime: last.sent_at, title: longMoment(last.sent_at) }, timeOrDay(last.sent_at)) : null,
      el('span', { class: 'room-last' }, about),
      unread > 0
        ? el(
            'span',
            { class: 'badge' },
            unread > COUNT_MAX ? `${COUNT_MAX}+` : String(unread),
            el('span', { class: 'visually-hidden' }, ' unread'),
          )
        : null,
    );
  }
}
