// SPDX-License-Identifier: Apache-2.0
// Speed and memory as ratios to nginx from Debian: same machine, same run, same certificate, TLS 1.3, median of
// interleaved rounds. Prints a table; nothing here passes or fails. docs/performance.md explains the figures.
//   node tests/bench/bench.mjs [NAME...]    NAME: memory daytime token download upload handshake list chat sign session
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Gateway, temporaryDirectory } from '../e2e/lib/gateway.mjs';
import { chat } from './chat.mjs';
import { fill } from './fill.mjs';
import { SECONDS, handshakes, memory, perIdle, settled, upload, wrk } from './measure.mjs';
import { startPeer } from './peer.mjs';
import { session } from './session.mjs';
import { sign } from './sign.mjs';
import { ROUNDS, Table, median } from './table.mjs';

const LARGE = Number(process.env.BENCH_FILES ?? 200000);
const SMALL = 100;
const FILL_SECONDS = Number(process.env.BENCH_FILL_SECONDS ?? 240);
const KB = 1 << 10;
const MB = 1 << 20;

const wanted = new Set(process.argv.slice(2));
const table = new Table();
const gw = await Gateway.start({
  config: {
    log: { level: 'warn' },
    accounts: { 'access-token-seconds': 3600 },
    limits: {
      'connections': 15000,
      'connections-per-address': 0,
      'idle-seconds': 600,
      'waiters': 9000,
      'waiters-per-user': 0,
      'waiters-per-address': 0,
    },
  },
});
const admin = await gw.admin();
const bearer = `Authorization: Bearer ${admin.token}`;
const directory = temporaryDirectory('secgate-bench-');
const peer = await startPeer(gw, directory, {
  daytime: (await admin.get('/v1/daytime')).bytes.length,
  me: (await admin.get('/v1/users/me')).bytes.length,
});
const us = { origin: gw.origin, port: gw.port, pid: gw.pid };

// The same request to both; ours and theirs are paths.
function requests(name, { aim, ours, theirs, headers = [], connections = 32, unit = 'req/s' }) {
  return table.compare(name, unit, aim, async (which) => {
    const url = which === 'us' ? us.origin + ours : peer.origin + theirs;
    const got = await wrk(url, { connections, headers });
    return unit === 'req/s' ? got.requests : got.bytes / MB;
  });
}

const suites = {
  async memory() {
    table.row('memory at rest', { unit: 'KiB', us: memory(us.pid), peer: memory(peer.pid) });
    table.row('memory of an idle connection', {
      unit: 'KiB',
      us: await perIdle(us, gw.ca, '/v1/daytime'),
      peer: await perIdle(peer, gw.ca, '/daytime'),
    });
  },

  daytime: () => requests('daytime', { aim: 1, ours: '/v1/daytime', theirs: '/daytime' }),

  async token() {
    await requests('daytime, token sent', { aim: 0.9, ours: '/v1/daytime', theirs: '/daytime', headers: [bearer] });
    await requests('users/me, token checked', { aim: 0.9, ours: '/v1/users/me', theirs: '/me', headers: [bearer] });
  },

  async download() {
    for (const [name, size, connections] of [['10 KB', 10 * KB, 32], ['1 MB', MB, 8], ['100 MB', 100 * MB, 2]]) {
      const body = Buffer.alloc(size, 'secgate ');
      peer.add(`f${size}`, body);
      await admin.put(`/v1/files/common/f${size}`, { body, type: 'application/octet-stream', expect: 201 });
      await settled();
      const unit = size < MB ? 'req/s' : 'MB/s';
      const paths = { ours: `/v1/files/common/f${size}`, theirs: `/f${size}` };
      await requests(`download of ${name}`, { aim: 1, ...paths, headers: [bearer], connections, unit });
    }
  },

  async upload() {
    const file = join(directory, 'upload');
    writeFileSync(file, randomBytes(100 * MB));
    let n = 0;
    await table.compare('upload of 100 MB', 'MB/s', 0.8, async (which) => {
      // New content each time: the gateway stores the same content only once.
      const fd = openSync(file, 'r+');
      writeSync(fd, randomBytes(16), 0, 16, 0);
      closeSync(fd);
      await settled();
      const name = `up${n++}`;
      if (which === 'peer') {
        const speed = await upload(`${peer.origin}/put/${name}`, file);
        rmSync(join(directory, 'www/put', name));
        return speed;
      }
      const speed = await upload(`${us.origin}/v1/files/common/${name}`, file, [bearer]);
      await admin.delete(`/v1/files/common/${name}`, { expect: 204 });
      return speed;
    });
  },

  async handshake() {
    const rate = (resume) => (which) =>
      handshakes(which === 'us' ? us.port : peer.port, which === 'us' ? '/v1/daytime' : '/daytime', resume);
    await table.compare('new handshakes', 'conn/s', undefined, rate(false));
    await table.compare('resumed handshakes', 'conn/s', 0.9, rate(true));
  },

  async list() {
    const stored = await fill(admin, 'large', LARGE, FILL_SECONDS, directory);
    await fill(admin, 'small', SMALL, FILL_SECONDS, directory);
    await settled();
    if (stored < LARGE) console.log(`only ${stored} files were stored within ${FILL_SECONDS} s`);
    const page = (name) => async (query) => {
      const url = `${us.origin}/v1/files/common/${name}/?limit=${SMALL}${query}`;
      return 1e6 / (await wrk(url, { connections: 8, headers: [bearer] })).requests;
    };
    for (const [how, query] of [['by name', ''], ['by size', '&sort=-size']])
      await table.compare(`page of ${SMALL} ${how}, ${stored}/${SMALL} files`, 'us', 1.3, (which) =>
        (which === 'us' ? page('large') : page('small'))(query), false);
  },

  chat: () => chat(table, gw, admin, directory),

  sign: () => sign(table, gw, admin, () => Gateway.start({ config: { log: { level: 'warn' } } }), directory),

  session: () => session(table, directory),
};

for (const name of wanted) {
  if (!(name in suites)) {
    console.error(`no such figure: ${name} (there are: ${Object.keys(suites).join(' ')})`);
    process.exit(2);
  }
}
table.head();
try {
  for (const [name, suite] of Object.entries(suites)) if (wanted.size === 0 || wanted.has(name)) await suite();
} finally {
  await peer.stop();
  await gw.stop();
}
table.foot(`median of ${ROUNDS} interleaved rounds of ${SECONDS} s`);
if (process.env.BENCH_JSON) writeFileSync(process.env.BENCH_JSON, JSON.stringify(table.rows, null, 1));
