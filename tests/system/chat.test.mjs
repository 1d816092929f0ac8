// SPDX-License-Identifier: Apache-2.0
// Fifty writers and two hundred readers, who disconnect at random, while the worker is killed twenty times: every reader
// ends with exactly the acknowledged events, in order, none twice, and the chain is whole.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../e2e/lib/gateway.mjs';
import { connect, text as request } from '../e2e/lib/raw.mjs';
import { suite } from '../e2e/lib/suite.mjs';

const KILLS = Number(process.env.SECGATE_CHAT_KILLS ?? 20);
const WRITERS = 50;
const READERS = 200;
const STREAMS = 40; // of the readers
const USERS = 5;
const LIMIT_MS = 10 * 60 * 1000;
const ROOM = '/v1/chat/common/messages';

const between = (low, high) => low + Math.floor(Math.random() * (high - low));

// RFC 8785 for what events are made of: integers, strings, booleans, arrays, objects with ASCII names.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

function chainAfter(previous, event) {
  const { space, text, text_salt: salt, chain, revision, ...rest } = event;
  return createHash('sha256').update(Buffer.from(previous, 'hex')).update(canonical(rest)).digest('hex');
}

// What a reader has seen; it takes events in the order in which they came.
class Record {
  constructor(cursor, name) {
    this.cursor = cursor;
    this.name = name;
    this.events = [];
  }

  take(event, cursor) {
    const last = this.events.at(-1);
    assert.ok(!last || event.seq > last.seq, `${this.name}: ${event.seq} came after ${last?.seq}`);
    this.events.push({ seq: event.seq, chain: event.chain });
    this.cursor = cursor;
  }
}

// Polls, and gives up in the middle of some.
async function poller(client, record, state) {
  while (!state.over(record)) {
    const away = Math.random() < 0.2 ? AbortSignal.timeout(between(5, 400)) : undefined;
    try {
      const query = { after: record.cursor, wait: 5, limit: between(1, 200) };
      const answer = await client.get(ROOM, { query, signal: away });
      if (answer.status !== 200) {
        assert.ok(answer.status >= 500, `${record.name}: ${answer.status} ${answer.bytes}`);
        await sleep(20);
        continue;
      }
      for (const event of answer.json.events) record.take(event, event.id);
      record.cursor = answer.json.next;
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
      state.disconnects++;
      await sleep(between(1, 50));
    }
  }
}

// Follows the stream, and resumes with Last-Event-ID.
async function follower(client, record, state) {
  while (!state.over(record)) {
    const ended = new AbortController();
    const timer = setTimeout(() => ended.abort(), between(50, 1500));
    try {
      const headers = { accept: 'text/event-stream', 'last-event-id': record.cursor };
      const query = { space: 'common' };
      const answer = await client.get('/v1/events', { headers, query, signal: ended.signal, stream: true });
      let text = '';
      if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
      for await (const bytes of answer.body) {
        text += bytes.toString();
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const frame = Object.fromEntries(text.slice(0, end).split('\n').map((line) => line.split(/: ?(.*)/s, 2)));
          text = text.slice(end + 2);
          if (frame.data && frame.id && frame.event !== 'ready') record.take(JSON.parse(frame.data), frame.id);
        }
      }
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
      state.disconnects++;
      await sleep(between(1, 30));
    } finally {
      clearTimeout(timer);
    }
  }
}

// Posts; what has a key is sent again until it is acknowledged.
async function writer(client, number, state) {
  for (let i = 0; !state.written; i++) {
    const text = `${number}-${i} ${'€'.repeat(between(0, 40))}`;
    const headers = i % 5 === 4 ? {} : { 'idempotency-key': `writer-${number}-${i}` };
    for (let done = false; !done; ) {
      try {
        const answer = await client.post(ROOM, { json: { text }, headers });
        done = answer.status === 201 || i % 5 === 4;
        if (answer.status === 201) state.acknowledged.set(answer.json.seq, { text, chain: answer.json.chain });
        else assert.ok(answer.status >= 500, `post: ${answer.status} ${answer.bytes}`);
        if (answer.headers['idempotency-replayed']) state.replays++;
      } catch (error) {
        if (error.code === 'ERR_ASSERTION') throw error;
        if (i % 5 === 4) done = true; // nobody knows whether it was stored
        await sleep(between(1, 20));
      }
    }
    await sleep(between(40, 240));
  }
}

// Each worker lives until some messages have been acknowledged, and a little longer.
async function killRepeatedly(gw, state) {
  for (let round = 0; round < KILLS; round++) {
    const worker = await eventually(() => gw.roles().worker, 'a worker');
    const enough = state.acknowledged.size + WRITERS;
    await eventually(() => state.acknowledged.size >= enough || state.written, 'messages', 60000);
    await sleep(between(0, 400));
    try {
      process.kill(worker, 'SIGKILL');
    } catch (error) {
      assert.equal(error.code, 'ESRCH');
    }
    await eventually(() => gw.roles().worker !== worker && gw.roles().worker, 'the next worker');
  }
}

// The whole log after a cursor, page by page.
async function readLog(client, after) {
  const log = [];
  for (let cursor = after; ; ) {
    const { json } = await client.get(ROOM, { query: { after: cursor, limit: 500 }, expect: 200 });
    log.push(...json.events);
    if (json.events.length === 0) return log;
    cursor = json.next;
  }
}

const config = {
  accounts: { 'access-token-seconds': 3600 },
  limits: { 'waiters-per-user': 1000, 'waiters-per-address': 1000, 'connections-per-address': 2000 },
};
suite('chat survives kill -9 of the worker', { limit: LIMIT_MS, config }, async ({ t, gw, it }) => {
  const admin = await gw.admin();
  const users = [admin];
  while (users.length < USERS) users.push(await gw.user(admin, `user${users.length}`));
  const clientFor = (i, connections) => gw.client({ token: users[i % USERS].token, connections });
  const anchor = await admin.post(ROOM, { json: { text: 'the beginning' }, expect: 201 });
  const start = anchor.json.id;
  const state = {
    written: false,
    end: undefined, // seq of the last event, once nobody writes any more
    acknowledged: new Map(),
    disconnects: 0,
    replays: 0,
    over: (record) => state.end !== undefined && (record.events.at(-1)?.seq ?? 0) >= state.end,
  };
  t.signal.addEventListener('abort', () => {
    state.written = true;
    state.end = 0;
  });

  const records = Array.from({ length: READERS }, (_, i) => new Record(start, `reader ${i}`));
  const reading = Promise.all(
    records.map((record, i) => (i < STREAMS ? follower : poller)(clientFor(i, 2), record, state))
  );
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, i) => writer(clientFor(i, 1), i, state)));
  for (const one of [reading, writing]) one.catch(() => {}); // they are awaited below, after the kills
  try {
    await killRepeatedly(gw, state);
  } finally {
    state.written = true;
  }
  await writing;
  const reader = clientFor(0, 2);
  const log = await readLog(reader, start);
  state.end = log.at(-1).seq;
  await reading;

  await it('every acknowledged message is in the log, once and as it was answered', () => {
    const bySeq = new Map(log.map((event) => [event.seq, event]));
    assert.equal(bySeq.size, log.length);
    for (const [seq, { text, chain }] of state.acknowledged) {
      assert.equal(bySeq.get(seq)?.text, text, `message ${seq}`);
      assert.equal(bySeq.get(seq).chain, chain, `chain of ${seq}`);
    }
    const texts = log.filter((event) => event.type === 'message').map((event) => event.text);
    assert.equal(new Set(texts).size, texts.length, 'a message was stored twice');
    assert.ok(state.acknowledged.size > KILLS * WRITERS, `only ${state.acknowledged.size} messages were acknowledged`);
    assert.ok(state.disconnects > KILLS, 'hardly any reader was ever cut off: the test did not test');
  });

  await it('every reader has exactly the events of the log, in order', () => {
    const expected = log.map(({ seq, chain }) => ({ seq, chain }));
    for (const record of records) assert.deepEqual(record.events, expected, record.name);
  });

  await it('the chain is whole from the first event on', () => {
    let previous = anchor.json.chain;
    for (const event of log) {
      assert.equal(chainAfter(previous, event), event.chain, `event ${event.seq}`);
      previous = event.chain;
      if (event.text === undefined) continue;
      const salt = Buffer.from(event.text_salt, 'base64url');
      const digest = createHash('sha256').update(salt).update(event.text).digest('hex');
      assert.equal(digest, event.text_digest, `text of ${event.seq}`);
    }
  });
});

const SLOW = 20;
const LARGE = 400; // messages of 16 KB: more than sockets keep

suite('slow readers', { config: { limits: { 'stream-seconds': 4 } } }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const metric = async (name) =>
    Number(new RegExp(`^${name} ([0-9.]+)$`, 'm').exec((await admin.get('/metrics')).bytes.toString())[1]);
  const headers = [`Authorization: Bearer ${admin.token}`, 'Accept: text/event-stream'];
  const sockets = [];

  await it(`${SLOW} streams that nobody reads hold back neither writers nor readers, nor fill the memory`, async () => {
    const anchor = await admin.post(ROOM, { json: { text: 'the beginning' }, expect: 201 });
    while (sockets.length < SLOW) {
      const socket = await connect(gw);
      socket.pause();
      socket.write(request('GET', '/v1/events', headers));
      sockets.push(socket);
    }
    await eventually(async () => (await metric('secgate_event_streams')) === SLOW, 'all streams');
    const before = await metric('process_resident_memory_bytes');
    const body = 'x'.repeat(16384);
    const posts = Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < LARGE / 8; i++)
          await admin.post(ROOM, { body, type: 'text/plain', expect: 201 });
      })
    );
    let seen = 0;
    for (let after = anchor.json.id; seen < LARGE; ) {
      const { json } = await admin.get(ROOM, { query: { after, wait: 10 }, expect: 200 });
      assert.ok(json.events.length > 0, 'a reader was held back');
      seen += json.events.length;
      after = json.next;
    }
    await posts;
    const grown = ((await metric('process_resident_memory_bytes')) - before) / 2 ** 20;
    assert.ok(grown < 64, `the memory grew by ${grown} MiB`);
  });

  await it('a stream that is not read is cut off', async () => {
    await eventually(async () => (await metric('secgate_event_streams')) === 0, 'the end of all streams', 30000);
    sockets.forEach((socket) => socket.destroy());
  });
});
