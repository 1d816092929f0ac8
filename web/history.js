// SPDX-License-Identifier: Apache-2.0
// The events of one room as far as they have been read: pages from the past, news from now. It keeps
// them by number, so that nothing is there twice, and never touches the document.

import * as api from './api.js';

const PAGE = 100;
const PAGE_MAX = 500;

export class History {
  constructor(space) {
    this.space = space;
    this.events = new Map(); // seq -> event
    this.next = null; // a cursor after the newest page
    this.oldest = null; // the first one that has been read
    this.latest = 0; // number of the last one
    this.complete = false; // there is nothing before `oldest`
    this.others = new Map(); // messages that are quoted from before `oldest`, or promises of them
  }

  get(seq) {
    return this.events.get(seq);
  }

  /** The newest page. @returns {Promise<Array>} ascending */
  async newest() {
    const page = await api.messagesList(this.space, { limit: PAGE });
    this.next = page.next;
    if (page.events.length === 0) this.complete = true;
    return this.take(page.events);
  }

  /** The page before. @returns {Promise<Array>} ascending; empty at the beginning */
  async older(limit = PAGE) {
    if (this.complete || !this.oldest) return [];
    const page = await api.messagesList(this.space, { before: this.oldest.id, limit });
    if (page.events.length === 0) this.complete = true;
    return this.take(page.events);
  }

  take(events) {
    const fresh = events.filter((event) => !this.events.has(event.seq));
    for (const event of events) {
      const known = this.events.get(event.seq);
      if (!known) this.events.set(event.seq, event);
      else if ((event.revision?.seq ?? 0) > (known.revision?.seq ?? 0)) known.revision = event.revision;
      this.latest = Math.max(this.latest, event.seq);
      if (!this.oldest || event.seq < this.oldest.seq) this.oldest = event;
    }
    return fresh;
  }

  /**
   * Takes in an event of now.
   * @returns {{added: object|null, revised: number|null}} what is new, and the message it changes
   */
  apply(event) {
    const known = this.events.has(event.seq);
    this.take([event]);
    return { added: known ? null : event, revised: this.revise(event) };
  }

  revise({ type, seq, target, text, sender, sent_at: at, revision }) {
    if (type !== 'message.updated' && type !== 'message.deleted') return null;
    const message = this.events.get(target);
    if (!message || (message.revision?.seq ?? 0) >= seq) return null;
    // An update that a later one took the place of comes without its text; the later one follows.
    if (type === 'message.updated' && (text === undefined || revision)) return null;
    message.revision = { seq, at, by: sender, ...(type === 'message.deleted' ? { deleted: true } : { text }) };
    return target;
  }

  /** Lets go of everything before `seq`. */
  forget(seq) {
    for (const known of this.events.keys()) if (known < seq) this.events.delete(known);
    this.oldest = this.events.get(seq);
    this.complete = false;
  }

  /** Reads back until `seq` is there. @returns {Promise<Array>} what was read, ascending */
  async back(seq) {
    const read = [];
    while (!this.events.has(seq) && !this.complete && (!this.oldest || this.oldest.seq > seq)) {
      read.unshift(...(await this.older(PAGE_MAX)));
    }
    return read;
  }

  /** A message that something replies to; null when it is no longer kept. */
  async quoted(seq) {
    if (this.events.has(seq)) return this.events.get(seq);
    if (!this.others.has(seq)) {
      this.others.set(
        seq,
        api.messagesGet(this.space, seq).catch(() => null),
      );
    }
    return this.others.get(seq);
  }
}

/** What a message says now; null when it was deleted. */
export function textOf(event) {
  if (event.revision?.deleted) return null;
  return event.revision ? (event.revision.text ?? '') : (event.text ?? '');
}
