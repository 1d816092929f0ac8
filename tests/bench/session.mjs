// SPDX-License-Identifier: Apache-2.0
// Figures of sessions: exchanges through the sealed channel against plain requests, checks of tokens, logins against
// bare argon2id (by the reference implementation, and by libsodium as in the gateway), the memory of a session that is
// open. The other peers are the gateway's own other requests.
import { cpus } from 'node:os';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Gateway, buildDirectory } from '../e2e/lib/gateway.mjs';
import { Channel, keyPair } from '../e2e/lib/channel.mjs';
import { SECONDS, memory, processorTime, run, wrk } from './measure.mjs';

const THREADS = 2; // of wrk
const CONNECTIONS = 32;
const SEALED_RATE = 60000; // requests that are sealed before for each second and thread
const EACH = 16; // sessions of a thread
const TOKENS = 10000; // more than the gateway remembers
const SESSIONS = Number(process.env.BENCH_SESSIONS ?? 5000);
const CHEAP = { 'argon2-memory-kib': 8, 'argon2-passes': 1 }; // where hashing is not what is measured
const CHANNELS = { 'bind-address': 'off', 'session-seconds': 86400 };

const USERS = 20; // each may have 1,000 sessions

const nameOf = (n) => `bench-${n % USERS}`;
const passwordOf = (n) => `password of ${nameOf(n)}`;

async function users(gw) {
  const admin = await gw.admin();
  for (let n = 0; n < USERS; n++) await gw.user(admin, nameOf(n));
}

let turn = 0;

async function login(gw, extra = {}) {
  const n = turn++;
  const json = { username: nameOf(n), password: passwordOf(n), ...extra };
  gw.bench ??= gw.client();
  return (await gw.bench.post('/v1/sessions', { json, expect: 201 })).json;
}

// A script for wrk: each of its threads has sessions of its own, asks with each in turn, and counts for each: numbers
// of one session never come far out of order, however long a connection has to wait.
const counting = (sessions, rest) => `
local thread_count = 0
function setup(thread)
  thread:set("number", thread_count)
  thread_count = thread_count + 1
end
local tokens = { ${sessions.map((s) => `"${s.token}"`).join(', ')} }
local each = #tokens / ${THREADS}
local turn, sequence, headers = 0, 1, {}
function init(args)
  for i = 1, each do
    headers[i] = { Authorization = "Bearer " .. tokens[number * each + i], ["Content-Type"] = "application/json" }
  end
end
local function go_on()
  turn = turn + 1
  if turn > each then
    turn = 1
    sequence = sequence + 1
  end
end
${rest}`;

const ASK = `
function request()
  go_on()
  return wrk.format("POST", nil, headers[turn], '{"sequence":' .. sequence .. '}')
end
`;

const PLAIN = `
function request()
  go_on()
  return wrk.format("GET", nil, headers[turn])
end
`;

// Takes bodies that were made before, one a line.
const SEALED = (files) => `
local files = { ${files.map((f) => `"${f}"`).join(', ')} }
local bodies
function request()
  bodies = bodies or io.lines(files[number + 1])
  go_on()
  return wrk.format("POST", nil, headers[turn], bodies())
end
`;

async function exchanges(table, gw, directory) {
  const script = join(directory, 'wrk.lua');
  const measure = async (text, path) => {
    writeFileSync(script, text);
    return (await wrk(gw.origin + path, { connections: CONNECTIONS, script })).requests;
  };
  const open = () => Promise.all(Array.from({ length: THREADS * EACH }, () => login(gw, { channel: { bind: [] } })));
  await table.compare('data exchanges against daytime, token', 'req/s', 0.7, async (which) => {
    const sessions = await open();
    return which === 'us'
      ? measure(counting(sessions, ASK), '/v1/sessions/current/data')
      : measure(counting(sessions, PLAIN), '/v1/daytime');
  });
}

async function sealed(table, gw, directory) {
  const script = join(directory, 'wrk.lua');
  await table.compare('sealed daytime against daytime, token', 'req/s', undefined, async (which) => {
    const channels = [];
    const sessions = [];
    for (let i = 0; i < THREADS * EACH; i++) {
      const pair = await keyPair();
      sessions.push(await login(gw, { channel: { public_key: pair.publicKey, bind: [] } }));
      channels.push(await Channel.open(sessions[i], pair));
    }
    if (which !== 'us') {
      writeFileSync(script, counting(sessions, PLAIN));
      return (await wrk(`${gw.origin}/v1/daytime`, { connections: CONNECTIONS, script })).requests;
    }
    const files = [];
    for (let thread = 0; thread < THREADS; thread++) {
      const own = channels.slice(thread * EACH, (thread + 1) * EACH);
      const lines = [];
      while (lines.length < SEALED_RATE * SECONDS)
        for (const channel of own) lines.push(JSON.stringify(await channel.request({ method: 'GET', path: '/v1/daytime' })));
      files.push(join(directory, `sealed-${thread}`));
      writeFileSync(files[thread], lines.join('\n'));
    }
    writeFileSync(script, counting(sessions, SEALED(files)));
    return (await wrk(`${gw.origin}/v1/sessions/current/data`, { connections: CONNECTIONS, script })).requests;
  });
}

// Tokens that differ, by refreshing many sessions in turn.
async function manyTokens(gw) {
  const tokens = [];
  const line = async () => {
    let refresh = (await login(gw)).refresh_token;
    while (tokens.length < TOKENS) {
      const { json } = await gw.bench.post('/v1/oauth/token', {
        form: { grant_type: 'refresh_token', refresh_token: refresh }, expect: 200,
      });
      refresh = json.refresh_token;
      tokens.push(json.access_token);
    }
  };
  await Promise.all(Array.from({ length: 16 }, line));
  return tokens;
}

async function checks(table, gw, directory) {
  const script = join(directory, 'wrk.lua');
  const { token } = await login(gw);
  const headers = [`Authorization: Bearer ${token}`];
  const remembered = (name, aim, sent) =>
    table.compare(name, 'req/s', aim, async (which) =>
      (await wrk(gw.origin + (which === 'us' ? '/v1/users/me' : '/v1/identity'), {
        connections: CONNECTIONS, headers: which === 'us' || sent ? headers : [],
      })).requests);
  await remembered('token remembered, against no token', 0.95, false);
  await remembered('the same, against the token unchecked', 0.95, true);
  const list = join(directory, 'tokens');
  writeFileSync(list, (await manyTokens(gw)).join('\n'));
  writeFileSync(script, `
local tokens = {}
for line in io.lines("${list}") do tokens[#tokens + 1] = line end
local n = 0
function request()
  n = n % #tokens + 1
  wrk.headers["Authorization"] = "Bearer " .. tokens[n]
  return wrk.format(nil, "/v1/users/me")
end
`);
  await table.compare('token new, against no token', 'req/s', undefined, async (which) =>
    (await wrk(gw.origin + (which === 'us' ? '/v1/users/me' : '/v1/identity'), {
      connections: CONNECTIONS, script: which === 'us' ? script : undefined,
    })).requests);
}

async function logins(table, gw, directory) {
  const script = join(directory, 'wrk.lua');
  const cores = cpus().length;
  writeFileSync(script, `
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies = { ${Array.from({ length: USERS }, (_, n) => `'${JSON.stringify({ username: nameOf(n), password: passwordOf(n) })}'`).join(', ')} }
local n = 0
function request()
  n = n % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[n])
end
`);
  const ours = async () => {
    const before = processorTime(gw.pid);
    const { requests, total } = await wrk(`${gw.origin}/v1/sessions`, { connections: 2 * cores, script });
    return { rate: requests, each: (processorTime(gw.pid) - before) / total };
  };
  const bare = async (library) => {
    const line = await run(join(buildDirectory, 'bench/hasher'), [library, String(cores), String(SECONDS)]);
    const [rate, each] = line.split(' ').map(Number);
    return { rate, each };
  };
  for (const [library, aim] of [['argon2', 0.9], ['sodium', undefined]])
    await table.compare(`logins on ${cores} cores, to lib${library}`, 'per s', aim, async (which) =>
      (await (which === 'us' ? ours() : bare(library))).rate);
  await table.compare('processor time of a login, to libsodium', 'ms', undefined, async (which) =>
    (await (which === 'us' ? ours() : bare('sodium'))).each);
}

// KiB of each of many sessions, beside what the process has anyway; with and without a channel.
async function perSession(gw, extra) {
  const before = memory(gw.pid);
  for (let n = 0; n < SESSIONS; n += 20) await Promise.all(Array.from({ length: 20 }, () => login(gw, extra)));
  return (memory(gw.pid) - before) / SESSIONS;
}

async function sizes(table) {
  const gw = await Gateway.start({ config: { log: { level: 'warn' }, accounts: CHEAP, channel: CHANNELS } });
  try {
    await users(gw);
    await perSession(gw, {}); // what is taken once
    const plain = await perSession(gw, {});
    const channel = await perSession(gw, { channel: { bind: [] } });
    table.row('memory of a session with a channel', { unit: 'KiB', us: channel, peer: plain });
  } finally {
    await gw.stop();
  }
}

const FIGURES = [exchanges, sealed, checks, logins];

export async function session(table, directory) {
  const config = {
    log: { level: 'warn' },
    accounts: { 'access-token-seconds': 3600 },
    channel: { ...CHANNELS, 'responses-per-epoch': 1000000 },
    limits: { 'connections-per-address': 0 },
  };
  const gw = await Gateway.start({ config });
  try {
    await users(gw);
    for (const figure of FIGURES) await figure(table, gw, directory);
  } finally {
    await gw.stop();
  }
  await sizes(table);
}
