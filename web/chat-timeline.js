// SPDX-License-Identifier: Apache-2.0
// Shows the history of a room in order: rows by number, days, what is unread. It keeps its place when
// something comes in above, and follows the end only when the end is what one sees. Asks nobody.

import { excerpt, fillLine, fillMessage, fillPending, isShown } from './chat-message.js';
import { button, el, fill } from './dom.js';
import { date } from './format.js';

const NEAR_TOP = 300; // pixels; older messages are asked for before the top is reached
const NEAR_END = 40;
const GROUP_MS = 5 * 60_000; // messages of one person within it stand under one name
const FLASH_MS = 2000;
const ROWS_MAX = 2000; // then the oldest go, and come again when one scrolls up
const ROWS_KEPT = 1000;
const FOLD = 8; // rows looked through for the line on a file that a message brings

export class Timeline {
  /**
   * @param {object} options as for fillMessage, and `older()` (called near the top), `seen()` (called
   *   when the end comes into view), `retry(item)`, `takeBack(item)`
   */
  constructor(options) {
    this.options = options;
    this.rows = new Map(); // seq -> row
    this.pending = new Map(); // key -> row
    this.atEnd = true;
    this.top = this.height = 0; // as the scroller was when it last scrolled
    this.missed = 0; // messages that came while the end was not in view
    this.mark = null; // the row that the unread messages begin with
    this.begin = el('p', { class: 'beginning', hidden: true }, 'This is where it begins.');
    this.list = el('ol', { class: 'rows', 'aria-label': 'Messages' });
    this.waiting = el('ol', { class: 'rows', 'aria-label': 'Messages on their way' });
    this.content = el('div', {}, this.begin, this.list, this.waiting);
    this.scroller = el('div', { class: 'timeline', 'aria-busy': 'true' }, this.content);
    this.news = el('p', { class: 'visually-hidden', 'aria-live': 'polite' });
    this.toEnd = button('', { icon: 'down', class: 'button', hidden: true }, () => this.showEnd());
    this.toEnd.classList.add('to-end');
    this.root = el('div', { class: 'timeline-frame' }, this.scroller, this.toEnd, this.news);
    this.scroller.addEventListener('scroll', () => this.scrolled(), { passive: true });
    this.list.addEventListener('keydown', (event) => this.keyed(event));
    this.list.addEventListener('focusin', (event) => this.rove(event.target.closest('li')));
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.content);
    this.sizes.observe(this.scroller);
  }

  leave() {
    this.sizes.disconnect();
  }

  clear() {
    this.rows.clear();
    this.list.replaceChildren();
    Object.assign(this, { mark: null, missed: 0, atEnd: true });
    this.begin.hidden = true;
    this.scroller.setAttribute('aria-busy', 'true');
  }

  ready(complete) {
    this.scroller.setAttribute('aria-busy', 'false');
    this.begin.hidden = !complete;
  }

  /** Puts older events before what is there; what one sees stays where it is. */
  prepend(events) {
    const below = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.scroller.classList.add('still');
    for (const event of events.toReversed()) this.put(event);
    this.scroller.scrollTop = this.scroller.scrollHeight - below;
    requestAnimationFrame(() => this.scroller.classList.remove('still'));
  }

  /** Puts in an event of now. */
  append(event, { unseen }) {
    const row = this.put(event);
    if (!row || event.type !== 'message' || event.sender === this.options.me) return;
    this.news.textContent = `${event.sender}: ${excerpt(event)}`;
    if (unseen) {
      this.missed += 1;
      this.showMissed();
    }
  }

  /** Lets go of the oldest rows when there are many and nobody looks there. @returns {number} the first left */
  trim() {
    if (this.rows.size <= ROWS_MAX || !this.atEnd) return 0;
    this.begin.hidden = true;
    while (this.rows.size > ROWS_KEPT) {
      const row = this.list.firstElementChild;
      this.rows.delete(row.event.seq);
      row.remove();
    }
    const first = this.list.firstElementChild;
    this.decorate(first);
    if (!this.list.querySelector(':scope > [tabindex="0"]')) this.list.lastElementChild.tabIndex = 0;
    if (this.mark && !this.mark.isConnected) this.mark = null;
    return first.event.seq;
  }

  /** Draws a message again that has changed, and what quotes it. */
  revise(event) {
    const row = this.rows.get(event.seq);
    if (row) this.draw(row, event);
    const text = `${event.sender}: ${excerpt(event)}`;
    for (const quote of this.list.querySelectorAll(`[data-quotes="${event.seq}"]`)) {
      quote.lastElementChild.textContent = text;
    }
  }

  redraw(events) {
    for (const [seq, row] of this.rows) this.draw(row, events.get(seq));
  }

  put(event) {
    if (!isShown(event) || this.rows.has(event.seq)) return null;
    const row = el('li', { 'data-seq': event.seq, tabindex: -1 });
    row.event = event;
    this.rows.set(event.seq, row);
    let next = this.list.firstElementChild;
    if (!next || Number(next.dataset.seq) < event.seq) {
      next = null;
      for (let at = this.list.lastElementChild; at && Number(at.dataset.seq) > event.seq; ) {
        next = at;
        at = at.previousElementSibling;
      }
    }
    this.list.insertBefore(row, next);
    this.draw(row, event);
    if (event.files) this.fold(row, event);
    if (next) this.decorate(next);
    if (!this.list.querySelector(':scope > [tabindex="0"]')) row.tabIndex = 0;
    else if (!next && !this.list.contains(document.activeElement)) this.rove(row);
    return row;
  }

  draw(row, event) {
    if (event.type === 'message') fillMessage(row, event, this.options);
    else fillLine(row, event, this.options.space);
    this.decorate(row);
  }

  /** The line that a file was stored says nothing next to the message that brings it. */
  fold(row, { files, sender }) {
    let before = row.previousElementSibling;
    for (let i = 0; before && i < FOLD; i += 1) {
      const { type, path, version, sender: by } = before.event;
      const brought = files.some((file) => file.path === path && file.version === version);
      if (type === 'file.stored' && by === sender && brought) before.hidden = true;
      before = before.previousElementSibling;
    }
    this.decorate(row);
  }

  /** What a row has before it depends on the row before: a new day, a new sender. */
  decorate(row) {
    let before = row.previousElementSibling;
    while (before?.hidden) before = before.previousElementSibling;
    row.querySelectorAll(':scope > .day, :scope > .unread').forEach((part) => part.remove());
    const { sent_at: at, sender, type, reply_to: reply } = row.event;
    const now = new Date(at);
    const then = before && new Date(before.event.sent_at);
    const newDay = now.toDateString() !== then?.toDateString();
    const marked = row === this.mark;
    const same = before?.event.type === 'message' && type === 'message' && before.event.sender === sender;
    row.classList.toggle('more', same && !newDay && !marked && !reply && now - then < GROUP_MS);
    if (marked) row.prepend(el('p', { class: 'unread' }, el('span', {}, 'New')));
    if (newDay) row.prepend(el('p', { class: 'day' }, el('span', {}, date(at))));
  }

  /** Draws the line that unread messages begin with, before the first after `seq` of somebody else. */
  markAfter(seq) {
    const old = this.mark;
    this.mark = null;
    for (let row = this.list.lastElementChild; row; row = row.previousElementSibling) {
      if (Number(row.dataset.seq) <= seq) break;
      if (row.event.type === 'message' && row.event.sender !== this.options.me) this.mark = row;
    }
    if (old && old !== this.mark) this.decorate(old);
    if (this.mark) this.decorate(this.mark);
  }

  /** At the beginning: the first unread message if there is one, otherwise the end. */
  settle() {
    if (this.mark && this.list.firstElementChild !== this.mark) {
      this.scroller.scrollTop = this.mark.offsetTop - this.list.offsetTop;
      this.atEnd = this.isAtEnd();
    } else this.showEnd();
  }

  showEnd() {
    this.atEnd = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.scrolled();
  }

  isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END;
  }

  scrolled() {
    const { scrollTop, scrollHeight } = this.scroller;
    const pushed = this.atEnd && scrollHeight > this.height && scrollTop >= this.top;
    Object.assign(this, { top: scrollTop, height: scrollHeight });
    if (pushed) this.resized(); // something came in since; nobody scrolled
    this.atEnd = this.isAtEnd();
    if (this.atEnd) this.missed = 0;
    this.showMissed();
    if (this.atEnd) this.options.seen();
    if (this.scroller.scrollTop < NEAR_TOP) this.options.older();
  }

  resized() {
    if (this.atEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  showMissed() {
    this.toEnd.hidden = this.atEnd;
    const text = this.missed ? `${this.missed} new` : 'To the newest';
    if (this.toEnd.dataset.text === text) return;
    this.toEnd.dataset.text = text;
    fill(this.toEnd, this.toEnd.firstElementChild, el('span', {}, text));
  }

  /** Shows a row, puts the focus on it and lets it stand out for a moment. */
  show(seq) {
    const row = this.rows.get(seq);
    if (!row) return false;
    row.scrollIntoView({ block: 'center' });
    row.focus({ preventScroll: true });
    row.classList.add('flash');
    setTimeout(() => row.classList.remove('flash'), FLASH_MS);
    return true;
  }

  /** One row is in the order of Tab; arrows go to the others. */
  rove(row) {
    if (!row) return;
    this.list.querySelectorAll(':scope > [tabindex="0"]').forEach((one) => (one.tabIndex = -1));
    row.tabIndex = 0;
  }

  keyed(event) {
    const row = event.target;
    if (row.parentElement !== this.list || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { ArrowUp: 'previousElementSibling', ArrowDown: 'nextElementSibling' }[event.key];
    let to = { Home: this.list.firstElementChild, End: this.list.lastElementChild }[event.key];
    if (step) for (to = row[step]; to?.hidden; ) to = to[step];
    if (!to) return;
    event.preventDefault();
    to.focus();
    if (event.key === 'End') this.showEnd();
  }

  /** Shows what has not been acknowledged, after everything else. */
  showPending(items) {
    this.pending = new Map(
      items.map((item) => {
        const row = this.pending.get(item.key) ?? el('li', { 'data-key': item.key });
        fillPending(row, item, this.options);
        return [item.key, row];
      }),
    );
    fill(this.waiting, [...this.pending.values()]);
  }
}
