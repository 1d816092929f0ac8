// SPDX-License-Identifier: Apache-2.0
// Speed and memory as ratios to nginx from Debian: same machine, same run, same certificate, TLS 1.3, median of
// ROUNDS interleaved rounds. Prints a table; nothing here passes or fails.
//   node tests/bench/bench.mjs [NAME...]    NAME: daytime token download upload handshake memory list
import { execFile, execFileSync, spawn } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync, mkdirSync } from 'node:fs';
import { connect } from 'node:tls';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { Gateway, childrenOf, eventually, temporaryDirectory } from '../e2e/lib/gateway.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const IDLE = 2000;
const LARGE = Number(process.env.BENCH_FILES ?? 200000);
const MB = 1 << 20;
const run = promisify(execFile);
const wanted = new Set(process.argv.slice(2));
const rows = [];

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

// measure(which) gives a figure; `aim` is a ratio, `more` says whether a larger ratio is better.
async function compare(name, unit, aim, more, measure) {
  const figures = { us: [], nginx: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const which of round % 2 ? ['nginx', 'us'] : ['us', 'nginx']) figures[which].push(await measure(which));
  }
  const ratio = median(figures.us.map((value, i) => value / figures.nginx[i]));
  row(name, unit, median(figures.us), median(figures.nginx), ratio, aim, more);
}

function row(name, unit, us, peer, ratio, aim, more = true) {
  const verdict = aim === undefined ? '' : (more ? ratio >= aim : ratio <= aim) ? 'met' : 'short';
  rows.push([name, unit, us, peer, ratio, aim, verdict]);
  const text = (value) => (value >= 1000 ? Math.round(value).toString() : value.toPrecision(3));
  console.log(
    `${name.padEnd(36)} ${text(us).padStart(9)} ${text(peer).padStart(9)} ${unit.padEnd(10)} ${ratio.toFixed(2).padStart(6)}` +
      `  ${aim === undefined ? '' : `${more ? '>=' : '<='} ${aim}`.padEnd(8)} ${verdict}`
  );
}

// -- the peer ----------------------------------------------------------------------------------------

async function startNginx(gw, directory, sizes) {
  const port = 20000 + Math.floor(Math.random() * 20000);
  mkdirSync(join(directory, 'www'), { recursive: true });
  const conf = `
worker_processes 2; daemon off; pid ${directory}/nginx.pid; error_log ${directory}/error.log warn;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 9000; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 600s;
  client_max_body_size 0; client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fcgi; uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  ssl_certificate ${gw.data}/tls/server.pem; ssl_certificate_key ${gw.data}/keyring/tls.key;
  ssl_protocols TLSv1.3; ssl_session_tickets on;
  server {
    listen 127.0.0.1:${port} ssl; root ${directory}/www;
    location = /daytime { default_type application/json; return 200 '${'x'.repeat(sizes.daytime)}'; }
    location = /me { default_type application/json; return 200 '${'x'.repeat(sizes.me)}'; }
    location /put/ { dav_methods PUT; create_full_put_path on; alias ${directory}/www/put/; }
  }
}`;
  writeFileSync(join(directory, 'nginx.conf'), conf);
  const child = spawn('nginx', ['-c', join(directory, 'nginx.conf'), '-p', directory], { stdio: ['ignore', 'ignore', 'inherit'] });
  const stop = () => child.kill('SIGKILL');
  process.on('exit', stop);
  const origin = `https://127.0.0.1:${port}`;
  await eventually(
    () => run('curl', ['-sS', '--cacert', join(gw.data, 'ca.pem'), `${origin}/me`]).then(() => true, () => false),
    'nginx'
  );
  return { origin, port, pid: child.pid, directory, end: () => child.kill('SIGQUIT') };
}

// -- measuring ----------------------------------------------------------------------------------------

async function wrk(url, connections, headers = []) {
  const args = ['-t2', `-c${connections}`, `-d${SECONDS}s`, '--timeout', '10s', ...headers.flatMap((h) => ['-H', h]), url];
  const { stdout } = await run('wrk', args);
  if (/Non-2xx/.test(stdout)) throw new Error(`${url}: ${stdout}`);
  const bytes = /Transfer\/sec:\s+([0-9.]+)([KMGT]?)B/.exec(stdout);
  return {
    requests: Number(/Requests\/sec:\s+([0-9.]+)/.exec(stdout)[1]),
    megabytes: (Number(bytes[1]) * { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }[bytes[2]]) / MB,
  };
}

// Connections per second of wall time, by openssl's own client.
async function handshakes(port, how, path) {
  const args = ['s_time', '-connect', `127.0.0.1:${port}`, how, '-time', String(SECONDS), '-www', path];
  const { stdout } = await run('openssl', args);
  return Number(/([0-9]+) connections in ([0-9]+) real seconds/.exec(stdout)[1]) / SECONDS;
}

// Proportional set size of a process and its children, in KiB.
function memory(pid) {
  const one = (id) => Number(/^Pss:\s+([0-9]+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))[1]);
  return [pid, ...childrenOf(pid)].reduce((sum, id) => sum + one(id), 0);
}

function idleConnection(origin, ca, path) {
  const { hostname, port } = new URL(origin);
  return new Promise((done, fail) => {
    const socket = connect({ host: hostname, port, ca }, () => socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`));
    socket.once('data', () => done(socket));
    socket.once('error', fail);
  });
}

async function perIdle(target, ca, path) {
  const before = memory(target.pid);
  const sockets = [];
  for (let i = 0; i < IDLE; i += 50)
    sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => idleConnection(target.origin, ca, path)))));
  const after = memory(target.pid);
  for (const socket of sockets) socket.destroy();
  await sleep(500);
  return (after - before) / IDLE;
}

async function upload(url, file, headers) {
  const args = ['-sS', '-k', '-o', '/dev/null', '-w', '%{http_code} %{time_total}', '-T', file, ...headers.flatMap((h) => ['-H', h]), url];
  const { stdout } = await run('curl', args);
  const [status, seconds] = stdout.split(' ').map(Number);
  if (status !== 200 && status !== 201 && status !== 204) throw new Error(`${url}: ${status}`);
  return 100 / seconds;
}

// -- the run -------------------------------------------------------------------------------------------

const has = (name) => wanted.size === 0 || wanted.has(name);
const gw = await Gateway.start({
  config: { log: { level: 'warn' }, accounts: { 'access-token-seconds': 3600 }, limits: { 'connections-per-address': 0, 'idle-seconds': 600 } },
});
const admin = await gw.admin();
const bearer = `Authorization: Bearer ${admin.token}`;
const directory = temporaryDirectory('secgate-bench-');
const sizes = {
  daytime: (await admin.get('/v1/daytime')).bytes.length,
  me: (await admin.get('/v1/users/me')).bytes.length,
};
const nginx = await startNginx(gw, directory, sizes);
const us = { origin: gw.origin, port: gw.port, pid: gw.pid };
const pick = (which, ours, theirs) => (which === 'us' ? ours : theirs);

console.log(`${'measure'.padEnd(36)} ${'us'.padStart(9)} ${'nginx'.padStart(9)} ${'unit'.padEnd(10)}  ratio  aim`);
if (has('memory')) {
  row('memory at rest', 'KiB', memory(us.pid), memory(nginx.pid), memory(us.pid) / memory(nginx.pid), undefined, false);
  const ours = await perIdle(us, gw.ca, '/v1/daytime');
  const theirs = await perIdle(nginx, gw.ca, '/daytime');
  row('memory of an idle connection', 'KiB', ours, theirs, ours / theirs, undefined, false);
}
if (has('daytime'))
  await compare('daytime, kept connections', 'req/s', 1.0, true, async (which) =>
    (await wrk(pick(which, `${us.origin}/v1/daytime`, `${nginx.origin}/daytime`), 32)).requests);
if (has('token'))
  await compare('users/me with a token', 'req/s', 0.9, true, async (which) =>
    (await wrk(pick(which, `${us.origin}/v1/users/me`, `${nginx.origin}/me`), 32, [bearer])).requests);
if (has('download')) {
  for (const [name, bytes, connections] of [['10 KB', 10240, 32], ['1 MB', MB, 8], ['100 MB', 100 * MB, 2]]) {
    const data = Buffer.alloc(bytes, 'secgate ');
    writeFileSync(join(directory, 'www', `f${bytes}`), data);
    await admin.put(`/v1/files/common/f${bytes}`, { body: data, type: 'application/octet-stream', expect: 201 });
    await compare(`download of ${name}`, bytes < MB ? 'req/s' : 'MB/s', 1.0, true, async (which) => {
      const got = await wrk(pick(which, `${us.origin}/v1/files/common/f${bytes}`, `${nginx.origin}/f${bytes}`), connections, [bearer]);
      return bytes < MB ? got.requests : got.megabytes;
    });
  }
}
if (has('upload')) {
  const file = join(directory, 'upload');
  execFileSync('dd', ['if=/dev/urandom', `of=${file}`, 'bs=1M', 'count=100', 'status=none']);
  let n = 0;
  await compare('upload of 100 MB (ours: hash, fsync)', 'MB/s', 0.8, true, (which) =>
    upload(pick(which, `${us.origin}/v1/files/common/up${n++}`, `${nginx.origin}/put/up${n++}`), file, [bearer]));
}
if (has('handshake')) {
  await compare('new handshakes', 'conn/s', undefined, true, (which) =>
    handshakes(pick(which, us.port, nginx.port), '-new', pick(which, '/v1/daytime', '/daytime')));
  await compare('resumed handshakes', 'conn/s', 0.9, true, (which) =>
    handshakes(pick(which, us.port, nginx.port), '-reuse', pick(which, '/v1/daytime', '/daytime')));
}
if (has('list')) {
  const script = join(directory, 'put.lua');
  writeFileSync(
    script,
    `local thread = 0
function setup(t) t:set("number", thread); thread = thread + 1 end
function init() n = 0 end
function request()
  n = n + 1
  return wrk.format("PUT", string.format("/v1/files/common/large/%d-%07d.txt", number, n), { ["Authorization"] = "${bearer.slice(15)}",
    ["Content-Type"] = "text/plain" }, "x")
end`
  );
  for (let i = 0; i < 100; i++) await admin.put(`/v1/files/common/small/${String(i).padStart(7, '0')}.txt`, { body: 'x', type: 'text/plain' });
  const count = () => Number(execFileSync('sqlite3', [join(gw.data, 'db/secgate.db'), "PRAGMA query_only=1; SELECT count(*) FROM entries WHERE dir='large'"], { encoding: 'utf8' }));
  for (let total = 0; total < LARGE; ) {
    await run('wrk', ['-t1', '-c64', '-d10s', '-s', script, us.origin]).catch((error) => { throw error; });
    const now = count();
    if (now <= total) break; // the script starts over with the same names: one long run is needed
    total = now;
    if (total < LARGE) writeFileSync(script, readFileSync(script, 'utf8').replace(/large\/%d-/, `large/%d-${total}-`));
  }
  const page = async (dir) => {
    const got = await wrk(`${us.origin}/v1/files/common/${dir}/?limit=100`, 8, [bearer]);
    return 1e6 / got.requests;
  };
  const small = [];
  const large = [];
  for (let round = 0; round < ROUNDS; round++) {
    small.push(await page('small'));
    large.push(await page('large'));
  }
  const ratio = median(large.map((value, i) => value / small[i]));
  row(`page of 100: ${count()} files / 100 files`, 'us', median(large), median(small), ratio, 1.3, false);
}
nginx.end();
await gw.stop();
console.log(`\n${ROUNDS} rounds of ${SECONDS} s; the table's third column of the last row is the small directory.`);
if (process.env.BENCH_JSON) writeFileSync(process.env.BENCH_JSON, JSON.stringify(rows));
