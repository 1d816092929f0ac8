// SPDX-License-Identifier: Apache-2.0
// Figures of signing: batches of digests against the bare rate of GnuTLS on one core, the time of a checkpoint in a
// large log against a small one, and secctl against sha256sum.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildDirectory } from '../e2e/lib/gateway.mjs';
import { Secctl } from '../e2e/lib/secctl.mjs';
import { SECONDS, run, settled, wrk } from './measure.mjs';
import { ROUNDS, median } from './table.mjs';

const TYPES = ['ed25519', 'ecdsa-p256', 'rsa-3072'];
const FULL = 10000; // digests of the largest request
const LEAVES = Number(process.env.BENCH_LEAVES ?? 1000000);
const FEW_LEAVES = 1000;
const SINGLES = 300; // requests of one digest, one after the other
const FILES = 1000;
const FILE_BYTES = 1 << 20;

const digest = (text) => createHash('sha256').update(text).digest('hex');

// The body of a request that signs `count` digests.
function body(key, count, seed) {
  const items = Array.from({ length: count }, (_, i) => ({
    name: `file-${seed}-${i}.bin`, size: 1 << 20, digests: { sha256: digest(`${seed} ${i}`) },
  }));
  return JSON.stringify({ key, items });
}

// Seconds of each of some equal requests on one connection, by curl, without the first one's TLS handshake.
async function post(gw, admin, file, times = 1) {
  const once = [
    '-sS', '--cacert', join(gw.data, 'ca.pem'), '-o', '/dev/null', '-H', `Authorization: Bearer ${admin.token}`,
    '-H', 'Content-Type: application/json', '-H', 'Expect:', '--data-binary', `@${file}`,
    '-w', '%{http_code} %{time_appconnect} %{time_total}\n', `${gw.origin}/v1/signatures`,
  ];
  const args = Array.from({ length: times }, (_, i) => (i === 0 ? once : ['--next', ...once])).flat();
  const lines = (await run('curl', args, { seconds: 300 })).trim().split('\n');
  return lines.map((line) => {
    const [status, began, total] = line.split(' ').map(Number);
    if (status !== 201) throw new Error(`signing was answered with ${status}`);
    return total - began;
  });
}

const bare = async (type) => Number(await run(join(buildDirectory, 'bench/signer'), [type, String(SECONDS)]));

function makeKeys(admin) {
  return Promise.all(TYPES.map((type) => admin.post('/v1/keys', { json: { name: `bench-${type}`, type }, expect: 201 })));
}

// What is too slow for a full batch in a reasonable time is measured with as much as takes some seconds.
const largest = (type) => (type === 'rsa-3072' ? 1000 : FULL);

async function batches(table, gw, admin, directory) {
  for (const type of TYPES)
    for (const count of [1, 100, largest(type)]) {
      const file = join(directory, 'batch.json');
      const aim = count === largest(type) ? 0.8 : undefined;
      await table.compare(`signing ${count} digests, ${type}`, 'sig/s', aim, async (which) => {
        if (which === 'peer') return bare(type);
        writeFileSync(file, body(`bench-${type}`, count, randomBytes(4).toString('hex')));
        const times = Math.max(1, Math.min(SINGLES, Math.round(FULL / count / 100)));
        const seconds = await post(gw, admin, file, times);
        return (count * times) / seconds.reduce((sum, value) => sum + value, 0);
      });
    }
}

// Percentiles of requests of one digest, in ms.
async function singles(gw, admin, directory, key = 'bench-ed25519') {
  const file = join(directory, 'one.json');
  writeFileSync(file, body(key, 1, randomBytes(4).toString('hex')));
  const times = (await post(gw, admin, file, SINGLES)).map((seconds) => seconds * 1000).sort((a, b) => a - b);
  return { middle: median(times), p99: times[Math.floor(times.length * 0.99)] };
}

async function latency(table, gw, admin, directory) {
  const got = [];
  for (let round = 0; round < ROUNDS; round++) got.push((await singles(gw, admin, directory)).p99);
  table.row('p99 of signing one digest, to 25 ms', { unit: 'ms', us: median(got), peer: 25, more: false, aim: 1 });
}

const size = async (client) => (await client.get('/v1/log', { expect: 200 })).json.size;

async function grow(gw, admin, directory, leaves) {
  const file = join(directory, 'grow.json');
  for (let now = await size(admin); now < leaves; now = await size(admin)) {
    writeFileSync(file, body('bench-ed25519', Math.min(FULL, leaves - now), `${now}`));
    await post(gw, admin, file);
  }
}

// A second, small log beside the large one, so that both are measured in turns.
async function checkpoints(table, gw, admin, small, directory) {
  const few = await small.gateway.admin();
  await few.post('/v1/keys', { json: { name: 'bench-ed25519', type: 'ed25519' }, expect: 201 });
  await grow(small.gateway, few, directory, FEW_LEAVES);
  await grow(gw, admin, directory, LEAVES);
  await settled();
  await table.compare(`one checkpoint at ${LEAVES}/${FEW_LEAVES} leaves`, 'ms', 1.5, async (which) => {
    const [gateway, client] = which === 'us' ? [gw, admin] : [small.gateway, few];
    return (await singles(gateway, client, directory)).middle;
  }, false);
}

async function files(table, gw, directory) {
  const folder = join(directory, 'files');
  mkdirSync(folder);
  const names = Array.from({ length: FILES }, (_, i) => `file${String(i).padStart(4, '0')}.bin`);
  for (const name of names) writeFileSync(join(folder, name), randomBytes(FILE_BYTES));
  const ctl = new Secctl(gw);
  await ctl.login('root-admin', 'the first password');
  const paths = names.map((name) => join(folder, name));
  await run('sha256sum', paths); // both find the files in memory
  const out = join(directory, 'signatures');
  await table.compare(`secctl sign of ${FILES} files, to sha256sum`, 's', 1.2, async (which) => {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out);
    const began = performance.now();
    if (which === 'us') await ctl.run(['sign', '--key', 'bench-ed25519', '--quiet', '--out', out, ...paths]);
    else await run('sha256sum', paths);
    return (performance.now() - began) / 1000;
  }, false);
}

// All rows. `startSmall` starts one more gateway, with an empty log.
export async function sign(table, gw, admin, startSmall, directory) {
  const folder = join(directory, 'sign');
  mkdirSync(folder);
  await makeKeys(admin);
  await batches(table, gw, admin, folder);
  await latency(table, gw, admin, folder);
  await files(table, gw, folder);
  const small = await startSmall();
  try {
    await checkpoints(table, gw, admin, { gateway: small }, folder);
  } finally {
    await small.stop();
  }
}
