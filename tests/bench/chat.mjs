// SPDX-License-Identifier: Apache-2.0
// Figures of chat: waiting long-polls against nchan (nginx) with one client program for both, messages against plain
// requests of the gateway itself.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildDirectory, childrenOf, eventually } from '../e2e/lib/gateway.mjs';
import { SECONDS, memory, run, wrk } from './measure.mjs';
import { startPeer } from './peer.mjs';
import { median } from './table.mjs';

const WAITERS = Number(process.env.BENCH_WAITERS ?? 8000);
const ROUNDS = Number(process.env.BENCH_WAKES ?? 7);
const FEW = 1000;
const LATENCY_WAITERS = 100;
const LATENCY_POSTS = 100;
const WRITERS = 64;
const REST_SECONDS = 10;
const TICKS_PER_SECOND = 100; // of /proc/PID/stat
const TEXT = 'A message of usual length, as people write them to each other.';

const request = (method, path, headers, body = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}${body ? `Content-Length: ${body.length}\r\n` : ''}\r\n${body}`;

// Both servers in the same terms: files with requests, and how many wait.
function sides(gw, admin, peer, directory) {
  const bearer = `Authorization: Bearer ${admin.token}\r\n`;
  const json = 'Content-Type: application/json\r\n';
  const file = (name, text) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const number = (text, pattern) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    us: {
      port: gw.port,
      pid: gw.pid,
      poll: file('us.poll', request('GET', '/v1/chat/common/messages?wait=60&after={cursor}', bearer)),
      post: file('us.post', request('POST', '/v1/chat/common/messages', bearer + json, JSON.stringify({ text: TEXT }))),
      needle: '"next":"',
      cursor: async () => (await admin.get('/v1/chat/common/messages', { query: { limit: 1 }, expect: 200 })).json.next,
      waiting: async () => number((await admin.get('/metrics')).bytes.toString(), /^secgate_waiters ([0-9]+)/m),
    },
    peer: {
      port: peer.port,
      pid: peer.pid,
      poll: file('peer.poll', request('GET', '/sub', '{cursor}')),
      post: file('peer.post', request('POST', '/pub', 'Content-Type: text/plain\r\n', TEXT)),
      needle: '@nchan',
      cursor: async () => '',
      waiting: async () => {
        const args = ['-sS', '--cacert', join(gw.data, 'ca.pem'), `${peer.origin}/status`];
        return number(await run('curl', args), /subscribers: ([0-9]+)/);
      },
    },
  };
}

// The client program with its connections to one side.
class Waiters {
  static async start(side, count, ca) {
    const waiters = new Waiters();
    const args = [side.port, count, ca, side.poll, side.post, side.needle, await side.cursor()];
    waiters.side = side;
    waiters.count = count;
    waiters.child = spawn(join(buildDirectory, 'bench/waiters'), args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
    waiters.lines = createInterface({ input: waiters.child.stdout })[Symbol.asyncIterator]();
    process.on('exit', () => waiters.child.kill('SIGKILL'));
    await waiters.command('connect');
    return waiters;
  }

  async command(text) {
    this.child.stdin.write(`${text}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`the waiting clients ended at "${text}"`);
    return JSON.parse(value);
  }

  async park() {
    await this.command('poll');
    await eventually(async () => (await this.side.waiting()) >= this.count, `${this.count} waiting clients`, 60000);
  }

  // One message to all of them: times in ms.
  async wake() {
    await this.park();
    await sleep(200);
    return this.command('post');
  }

  async stop() {
    this.child.stdin.end();
    await new Promise((done) => this.child.on('exit', done));
  }
}

// Processor time of a process and its children, in ms.
function processorTime(pid) {
  const ticks = (id) => {
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  return ([pid, ...childrenOf(pid)].reduce((sum, id) => sum + ticks(id), 0) * 1000) / TICKS_PER_SECOND;
}

async function both(servers, action) {
  const result = {};
  for (const which of ['us', 'peer']) result[which] = await action(servers[which], which);
  return result;
}

async function waitingFigures(table, servers, ca, count) {
  const before = await both(servers, (side) => memory(side.pid));
  const waiters = await both(servers, (side) => Waiters.start(side, count, ca));
  const wakes = { us: [], peer: [] };
  for (let round = 0; round < ROUNDS + 2; round++)
    for (const which of round % 2 ? ['peer', 'us'] : ['us', 'peer']) {
      const got = await waiters[which].wake();
      if (round >= 2) wakes[which].push(got.last); // the first two: every connection has been used more than once
    }
  const ratios = wakes.us.map((ms, i) => ms / wakes.peer[i]);
  const row = { unit: 'ms', us: median(wakes.us), peer: median(wakes.peer), more: false, aim: 0.8 };
  table.row(`post to the last of ${count}`, {
    ...row, ratio: median(ratios), spread: [Math.min(...ratios), Math.max(...ratios)],
  });
  if (count === WAITERS) {
    const used = await both(waiters, async (one, which) => {
      await one.park();
      await sleep(1000);
      const bytes = (memory(one.side.pid) - before[which]) / count;
      const began = processorTime(one.side.pid);
      await sleep(REST_SECONDS * 1000);
      return { bytes, rest: (processorTime(one.side.pid) - began) / REST_SECONDS };
    });
    const figures = { unit: 'KiB', us: used.us.bytes, peer: used.peer.bytes, more: false, aim: 0.75 };
    table.row(`memory of a waiter, of ${count}`, figures);
    table.row(`processor at rest, ${count} waiting`, {
      unit: 'ms/s', us: used.us.rest, peer: used.peer.rest, ratio: used.us.rest, more: false, aim: 0,
    });
  }
  await both(waiters, (one) => one.stop());
}

async function latency(table, servers, ca) {
  const waiters = await both(servers, (side) => Waiters.start(side, LATENCY_WAITERS, ca));
  await both(waiters, (one) => one.wake());
  await table.compare(`post to receive, p99 of ${LATENCY_WAITERS}`, 'ms', undefined, async (which) => {
    return (await waiters[which].command(`cycle ${LATENCY_POSTS}`)).p99;
  }, false);
  await both(waiters, (one) => one.stop());
}

async function writing(table, gw, admin, directory) {
  const script = join(directory, 'post.lua');
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = '${JSON.stringify({ text: TEXT })}'\n`
  );
  const headers = [`Authorization: Bearer ${admin.token}`];
  const options = { connections: WRITERS, headers, seconds: SECONDS };
  await table.compare(`messages of ${WRITERS} writers, to daytime`, 'req/s', 0.5, async (which) => {
    const url = `${gw.origin}${which === 'us' ? '/v1/chat/common/messages' : '/v1/daytime'}`;
    return (await wrk(url, which === 'us' ? { ...options, script } : options)).requests;
  });
}

// All rows; `only` names some: memory and wakes (waiting), latency, writing.
export async function chat(table, gw, admin, directory) {
  const folder = join(directory, 'chat');
  mkdirSync(folder);
  const peer = await startPeer(gw, folder, { daytime: 100, me: 100 }, { nchan: true });
  const ca = join(gw.data, 'ca.pem');
  try {
    const servers = sides(gw, admin, peer, folder);
    await waitingFigures(table, servers, ca, WAITERS);
    await waitingFigures(table, servers, ca, FEW);
    await latency(table, servers, ca);
    await writing(table, gw, admin, folder);
  } finally {
    await peer.stop();
  }
}
