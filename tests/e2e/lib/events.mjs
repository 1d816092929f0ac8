// SPDX-License-Identifier: Apache-2.0
// Messages, polls that wait, streams of events, and the chain, all checked against the document.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as contract from './contract.mjs';
import { eventually } from './gateway.mjs';

const { schemas } = contract.document.components;

export const roomOf = (space) => `/v1/chat/${space}/messages`;

// Says something; gives the event.
export async function say(client, space, text, { headers, ...message } = {}) {
  const options = { json: { text, ...message }, headers, expect: 201 };
  return (await client.post(roomOf(space), options)).json;
}

// A place to go on from: everything that was said so far comes before it.
export async function here(client, space) {
  if (space === undefined) return (await client.get('/v1/events', { expect: 200 })).json.next;
  return (await client.get(roomOf(space), { query: { limit: '1' }, expect: 200 })).json.next;
}

// Everything after a cursor, page by page, without waiting.
export async function allAfter(client, space, after, query = {}) {
  const path = space === undefined ? '/v1/events' : roomOf(space);
  const events = [];
  for (;;) {
    const { json } = await client.get(path, { query: { after, ...query }, expect: 200 });
    if (json.events.length === 0) return { events, next: json.next };
    events.push(...json.events);
    after = json.next;
  }
}

// A poll that is on its way. answer: what comes (with ms, how long it took). stop(): the client goes away.
export function poll(client, space, query, options = {}) {
  const path = space === undefined ? '/v1/events' : roomOf(space);
  const controller = new AbortController();
  const started = performance.now();
  const answer = client
    .get(path, { query: { wait: '20', ...query }, signal: controller.signal, ...options })
    .then((result) => Object.assign(result, { ms: performance.now() - started }));
  answer.catch(() => {});
  return { answer, stop: () => controller.abort() };
}

const watchers = new WeakMap();

export async function metric(gw, name) {
  if (!watchers.has(gw.child)) watchers.set(gw.child, gw.client({ connections: 1 }));
  const { bytes } = await watchers.get(gw.child).get('/metrics', { expect: 200 });
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(bytes.toString('utf8'));
  assert.ok(found, `metric ${name}`);
  return Number(found[1]);
}

// Waits until so many polls and streams wait in the gateway.
export async function waiting(gw, count, ms = 5000) {
  await eventually(async () => (await metric(gw, 'secgate_waiters')) === count, `${count} waiters`, ms);
}

// What a `data:` line must be, by the type of its event.
function checkFrame(frame) {
  if (frame.event === undefined) return;
  if (frame.event === 'ready') {
    assert.deepEqual(frame.json, {});
    assert.ok(frame.id);
    return;
  }
  const schema = frame.event === 'error' ? schemas.Problem : frame.json.seq === undefined ? schemas.Note : schemas.Event;
  assert.equal(contract.checkExample(schema, frame.json), null, JSON.stringify(frame.json));
  if (frame.event === 'error') return;
  assert.equal(frame.event, frame.json.type);
  assert.equal(frame.id, frame.json.id, 'id of the frame and of the event');
}

// A reader of text/event-stream, as WHATWG HTML 9.2.6 says, for the fields that are used.
export class EventStream {
  // options: query, headers, token. hold: nothing is read until `release`.
  static async open(client, { hold = false, ...options } = {}) {
    const stream = new EventStream();
    stream.controller = new AbortController();
    const headers = { accept: 'text/event-stream', ...(options.headers ?? {}) };
    const answer = await client.get('/v1/events', { ...options, headers, signal: stream.controller.signal, stream: true });
    const described = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')]));
    assert.equal(answer.statusCode, 200, `status of the stream ${answer.statusCode}`);
    assert.match(described['content-type'], /^text\/event-stream/);
    contract.checkCommonHeaders(described, 'stream');
    const operation = contract.match('GET', '/v1/events');
    contract.checkResponse(operation, { method: 'GET', status: 200, headers: described, body: Buffer.alloc(0), where: 'stream' });
    contract.record(operation, 200);
    stream.headers = described;
    stream.frames = [];
    stream.comments = 0;
    stream.seen = 0;
    stream.release = () => (stream.ended = stream.read(answer.body));
    if (!hold) stream.release();
    return stream;
  }

  async read(body) {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    let text = '';
    try {
      for await (const chunk of body) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop();
        for (const block of blocks) this.take(block);
      }
      assert.equal(text, '', 'the stream ended within a frame');
      this.over = 'end';
    } catch (error) {
      this.over = error;
    }
    return this.over;
  }

  take(block) {
    const frame = {};
    for (const line of block.split('\n')) {
      const [, name, value] = /^([a-z]*): ?([^]*)$/.exec(line) ?? assert.fail(`a line of the stream: ${line}`);
      if (name === '') this.comments += 1;
      else frame[name] = value;
    }
    if (frame.retry !== undefined) this.retry = Number(frame.retry);
    if (frame.data === undefined) return;
    frame.json = JSON.parse(frame.data);
    frame.at = performance.now();
    checkFrame(frame);
    if (frame.id !== undefined) this.lastId = frame.id;
    this.frames.push(frame);
  }

  // The next frame that fits, passing over others.
  async next(fits = () => true, ms = 10000) {
    return eventually(
      () => {
        while (this.seen < this.frames.length) {
          const frame = this.frames[this.seen++];
          if (fits(frame)) return frame;
        }
        if (this.over) throw new Error(`the stream ended: ${this.over}\n${JSON.stringify(this.frames.slice(-3))}`);
        return null;
      },
      'a frame',
      ms
    );
  }

  nextOf(type, ms) {
    return this.next((frame) => frame.event === type, ms);
  }

  // Waits for the orderly end.
  async end(ms = 10000) {
    await eventually(() => this.over, 'the end of the stream', ms);
    assert.equal(this.over, 'end');
  }

  async close() {
    this.controller.abort();
    await this.ended;
  }
}

// -- the chain, from docs/events.md alone ------------------------------------------------------------

// RFC 8785 for what events hold: texts, integers, true, arrays and objects.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

export const START = '0'.repeat(64);

export function chainAfter(previous, event) {
  const { space, text, text_salt, chain, revision, ...rest } = event;
  return createHash('sha256').update(Buffer.from(previous, 'hex')).update(canonical(rest)).digest('hex');
}

// Each event of a space, from `previous` on, continues the chain, and shown texts have their digests.
export function checkChain(events, previous = START) {
  let seq = 0;
  for (const event of events) {
    assert.ok(event.seq > seq, `order of ${event.seq}`);
    previous = chainAfter(previous, event);
    assert.equal(event.chain, previous, `chain at ${event.seq}: ${JSON.stringify(event)}`);
    if (event.text !== undefined) {
      const salt = Buffer.from(event.text_salt, 'base64url');
      assert.equal(createHash('sha256').update(salt).update(event.text).digest('hex'), event.text_digest);
    }
    seq = event.seq;
  }
  return previous;
}

// The problem that a cursor's error carries: what is available.
export function checkRange({ json }) {
  assert.match(json.oldest, /^[0-9a-f]{12}\.[0-9]+$/);
  assert.match(json.newest, /^[0-9a-f]{12}\.[0-9]+$/);
  return json;
}

export function withEpoch(cursor, epoch) {
  return cursor.replace(/^[^.]+/, epoch);
}

export function withSeq(cursor, seq) {
  return cursor.replace(/\.[0-9]+/, `.${seq}`);
}

