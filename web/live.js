// SPDX-License-Identifier: Apache-2.0
// Brings the news of all rooms over one connection for all tabs of a session: an EventSource, or long
// polls where that does not work. It goes on where it was, without loss, and never shows anything.

import * as api from './api.js';
import * as session from './session.js';

const TYPES = [
  ...['message', 'message.updated', 'message.deleted', 'file.stored', 'file.moved', 'file.deleted'],
  ...['member.added', 'member.updated', 'member.removed', 'space.created', 'space.updated'],
  'signature.created',
  ...['presence.joined', 'presence.left', 'typing'],
];
const CURSOR_CODES = ['cursor-pruned', 'cursor-unknown-epoch', 'cursor-future', 'cursor-invalid'];
const RENEW_MS = 25_000; // before the access token expires; the session hands out a new one by then
const OPEN_MS = 15_000; // an EventSource that is silent for so long does not work here
const FAILURES_MAX = 3; // so many in a row, and polls take over
const STREAM_AGAIN_MS = 300_000; // polls go on for so long before an EventSource is tried again
const POLL_S = 30;
const BACKOFF_MS = [1000, 2000, 4000, 8000, 15_000];

const listeners = new Set();
const channel = new BroadcastChannel('secgate.events');
let connection = null;

/**
 * Listens. `event(event)` gets events in order, each at least once (`seq` tells those that were there
 * before), and notes; `reset()` means: what follows has no link to what was, read everything again;
 * `state(state)` gets 'connecting', 'connected' or 'reconnecting'.
 * @returns {function()} stops listening
 */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(what, value) {
  for (const listener of listeners) {
    try {
      listener[what]?.(value);
    } catch (error) {
      console.error(error);
    }
  }
}

export function state() {
  return connection?.state ?? 'connecting';
}

/** Whether there is a place to go on from: what is read from now on misses nothing. */
export function started() {
  return Boolean(connection?.cursor);
}

export function start() {
  stop();
  connection = new Connection(session.id(), session.user().username);
  connection.run();
}

export function stop() {
  connection?.end();
  connection = null;
}

const pause = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });

class Connection {
  constructor(id, username) {
    Object.assign(this, { id, username, cursor: null, state: 'connecting', failures: 0, polls: 0 });
    this.leads = false; // holds the connection that the other tabs of this session hear through
    this.finish = null; // ends the EventSource with a word on why
    this.over = new AbortController();
    const { signal } = this.over;
    channel.addEventListener('message', ({ data }) => this.heard(data), { signal });
    addEventListener('online', () => this.finish?.('renew'), { signal });
  }

  end() {
    this.over.abort();
    this.finish?.('over');
  }

  /** First a place to start from, for every tab; then one tab of the session leads. */
  async run() {
    await this.attempt(() => this.begin());
    channel.postMessage({ id: this.id, what: 'hello' });
    const lead = () => this.lead();
    if (!navigator.locks) return lead();
    try {
      await navigator.locks.request(`secgate.events.${this.id}`, { signal: this.over.signal }, lead);
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
    }
  }

  async lead() {
    this.leads = true;
    while (!this.over.signal.aborted) {
      await this.attempt(async () => {
        if (!this.cursor) await this.begin();
        if (performance.now() < this.polls) await this.poll(POLL_S);
        else await this.stream();
      });
    }
  }

  /** Tries until it works or the connection is no longer wanted. */
  async attempt(work) {
    for (let i = 0; !this.over.signal.aborted; i += 1) {
      try {
        return await work();
      } catch (error) {
        if (this.over.signal.aborted) return;
        if (error instanceof session.SessionEnded) return this.end();
        if (error.code === 'user-disabled') return session.forget('Your account has been disabled.');
        if (!(error instanceof api.ApiError)) console.error(error);
        this.become('reconnecting');
        if (CURSOR_CODES.includes(error.code)) this.cursor = null;
        else await pause(1000 * error.retryAfter || BACKOFF_MS[Math.min(i, BACKOFF_MS.length - 1)], this.over.signal);
        if (!this.cursor) work = () => this.begin();
      }
    }
  }

  async begin() {
    const { next } = await api.eventsList({ limit: 1 }, this.over.signal);
    this.cursor = next;
    if (this.leads) channel.postMessage({ id: this.id, what: 'reset', cursor: next });
    tell('reset');
  }

  async poll(seconds) {
    if (seconds) this.become('connected');
    const { events, next } = await api.eventsList({ after: this.cursor, wait: seconds }, this.over.signal);
    for (const event of events) this.deliver(event, event.id ?? this.cursor);
    this.cursor = next;
  }

  /** Hears the EventSource until it ends, and finds out why it did. */
  async stream() {
    channel.postMessage({ what: 'cookie', username: this.username });
    await api.eventsCookie();
    if (this.over.signal.aborted) return;
    const why = await this.follow(new EventSource(api.eventsUrl(this.cursor)));
    if (why === 'renew' || why === 'over' || why === 'foreign') return;
    this.become('reconnecting');
    // An EventSource does not say what the answer was; a poll gets the same answer and says it.
    await this.poll(0);
    this.failures += 1;
    if (this.failures > FAILURES_MAX) {
      this.polls = performance.now() + STREAM_AGAIN_MS;
      this.failures = 0;
    } else await pause(BACKOFF_MS[this.failures - 1], this.over.signal);
  }

  follow(source) {
    return new Promise((resolve) => {
      const timers = [
        setTimeout(() => this.finish?.('renew'), Math.max(1000, session.tokenUntil() - Date.now() - RENEW_MS)),
        setTimeout(() => this.state !== 'connected' && this.finish?.('silent'), OPEN_MS),
      ];
      this.finish = (why) => {
        this.finish = null;
        timers.forEach(clearTimeout);
        source.close();
        resolve(why);
      };
      source.addEventListener('ready', ({ lastEventId }) => {
        if (lastEventId) this.cursor = lastEventId;
        this.failures = 0;
        this.become('connected');
      });
      for (const type of TYPES) {
        source.addEventListener(type, ({ data, lastEventId }) =>
          this.deliver(JSON.parse(data), lastEventId || this.cursor),
        );
      }
      source.addEventListener('error', ({ data }) => {
        // With data it is the gateway's word that this stream may not go on; without, the network's.
        if (data !== undefined) this.finish?.(data.includes('"token-expired"') ? 'renew' : 'ended');
        else if (source.readyState === EventSource.CLOSED) this.finish?.('refused');
        else this.become('reconnecting');
      });
    });
  }

  deliver(event, cursor) {
    this.cursor = cursor;
    channel.postMessage({ id: this.id, what: 'event', event, cursor });
    tell('event', event);
  }

  become(next) {
    if (this.state === next) return;
    this.state = next;
    if (this.leads) channel.postMessage({ id: this.id, what: 'state', state: next });
    tell('state', next);
  }

  /** What other tabs say. One browser has one cookie: who had it before another user came goes on by polls. */
  heard({ id, what, event, cursor, state: theirs, username }) {
    if (what === 'cookie' && username !== this.username) {
      this.polls = Infinity;
      this.finish?.('foreign');
    }
    if (id !== this.id) return;
    if (what === 'hello' && this.leads) channel.postMessage({ id, what: 'state', state: this.state });
    if (this.leads) return;
    if (what === 'state') this.become(theirs);
    if (what === 'event') {
      this.cursor = cursor;
      tell('event', event);
    }
    if (what === 'reset') {
      this.cursor = cursor;
      tell('reset');
    }
  }
}
