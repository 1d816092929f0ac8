// SPDX-License-Identifier: Apache-2.0
// One figure of one server: rates by wrk, curl and openssl, memory by the kernel. It never compares.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf } from '../e2e/lib/gateway.mjs';

export const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const IDLE = Number(process.env.BENCH_IDLE ?? 2000);
const CLIENTS = 2; // handshaking processes
const SCALE = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

// Runs a program that ends by itself and gives what it wrote; none outlives this process.
export function run(program, args, { seconds = 60 } = {}) {
  return new Promise((done, fail) => {
    const options = { timeout: seconds * 1000, killSignal: 'SIGKILL', maxBuffer: 1 << 24 };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      running.delete(child);
      if (error) fail(new Error(`${program} ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`));
      else done(stdout);
    });
    running.add(child);
  });
}

// Lets the disk come to rest, so that nobody pays for what another wrote.
export const settled = () => run('sync', []);

const headerArguments = (headers) => headers.flatMap((header) => ['-H', header]);

// Rates of answers with a status of 2xx on kept connections; anything else is a failure.
export async function wrk(url, { connections, headers = [], seconds = SECONDS, script }) {
  const args = ['-t2', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', ...headerArguments(headers)];
  if (script) args.push('-s', script);
  const text = await run('wrk', [...args, url], { seconds: seconds + 60 });
  const errors = /Non-2xx.*|Socket errors: (?!connect 0, read 0, write 0, timeout 0).*/.exec(text);
  if (errors) throw new Error(`${url}: ${errors[0]}`);
  const bytes = /Transfer\/sec:\s+([0-9.]+)([KMG]?)B/.exec(text);
  return {
    requests: Number(/Requests\/sec:\s+([0-9.]+)/.exec(text)[1]),
    bytes: Number(bytes[1]) * SCALE[bytes[2]],
    total: Number(/([0-9]+) requests in /.exec(text)[1]),
  };
}

// Connections per second, each with one request, by openssl's own client; it prints r for a resumed handshake and * for
// a full one, so that nothing is taken for resumed that was not.
export async function handshakes(port, path, resume) {
  const args = ['s_time', '-connect', `127.0.0.1:${port}`, '-www', path, '-tls1_3', '-time', String(SECONDS + 1)];
  const count = async () => {
    const began = performance.now();
    const marks = /^(?:[r*t]+)$/gm;
    const text = await run('openssl', [...args, resume ? '-reuse' : '-new']);
    const all = [...text.matchAll(marks)].join('');
    const resumed = all.split('r').length - 1;
    if (resume ? resumed < all.length * 0.99 : resumed > 0)
      throw new Error(`port ${port}: ${resumed} of ${all.length} handshakes were resumed`);
    return (all.length * 1000) / (performance.now() - began);
  };
  const rates = await Promise.all(Array.from({ length: CLIENTS }, count));
  return rates.reduce((sum, rate) => sum + rate, 0);
}

// Proportional set size of a process and its children, in KiB.
export function memory(pid) {
  const pss = (id) => Number(/^Pss:\s+([0-9]+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))[1]);
  return [pid, ...childrenOf(pid)].reduce((sum, id) => sum + pss(id), 0);
}

// Processor time that a process's children have taken so far, in ms; the kernel counts it in ticks of 10 ms.
export function processorTime(pid) {
  const ticks = (id) => {
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  return childrenOf(pid).reduce((sum, id) => sum + ticks(id) * 10, 0);
}

function idleConnection(origin, ca, path) {
  const { hostname: host, port } = new URL(origin);
  return new Promise((done, fail) => {
    const socket = connect({ host, port, ca }, () => socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`));
    socket.once('data', () => done(socket));
    socket.once('error', fail);
  });
}

// KiB of a connection that has had one answer and waits.
export async function perIdle(server, ca, path) {
  const before = memory(server.pid);
  const sockets = [];
  while (sockets.length < IDLE)
    sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => idleConnection(server.origin, ca, path)))));
  const after = memory(server.pid);
  for (const socket of sockets) socket.destroy();
  await sleep(500);
  return (after - before) / sockets.length;
}

// MB/s of one PUT by curl, from the first byte sent to the answer.
export async function upload(url, file, headers = []) {
  const args = ['-sS', '-k', '-o', '/dev/null', '-w', '%{http_code} %{time_total} %{size_upload}', '-T', file];
  const [status, seconds, size] = (await run('curl', [...args, ...headerArguments(headers), url])).split(' ').map(Number);
  if (![200, 201, 204].includes(status)) throw new Error(`${url}: ${status}`);
  return size / (1 << 20) / seconds;
}
