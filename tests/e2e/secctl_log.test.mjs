// SPDX-License-Identifier: Apache-2.0
// secctl log and signed time: following the log, and what it says when history was changed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from './lib/suite.mjs';
import { buildDirectory } from './lib/gateway.mjs';
import { Secctl } from './lib/secctl.mjs';
import { bundleEntries, noteIsSigned, openCheckpoint } from './lib/tlog.mjs';

const HISTORY = 5;

suite('secctl_log', async ({ gw, it }) => {
  const ctl = new Secctl(gw);
  await ctl.signup();
  await ctl.run(['keys', 'create', 'k', '-q']);
  let signed = 0;
  // Signs so many new files in one call.
  const sign = async (count, label = 'f') => {
    const names = Array.from({ length: count }, () => `${label}${signed++}`);
    for (const name of names) ctl.file(name, name);
    await ctl.run(['sign', '--key', 'k', '-q', ...names]);
  };
  // The data directory as it is now; back() puts it in place of the current one.
  const keep = async (name) => {
    gw.listen = `${gw.host}:${gw.port}`;
    await gw.stop();
    cpSync(gw.data, `${gw.data}.${name}`, { recursive: true });
    await gw.start();
  };
  const back = async (name, accept = false) => {
    await gw.stop();
    rmSync(gw.data, { recursive: true });
    cpSync(`${gw.data}.${name}`, gw.data, { recursive: true });
    if (accept) {
      const done = spawnSync(join(buildDirectory, 'secgated-keyring'), ['accept-log', '--data', gw.data], { encoding: 'utf8' });
      assert.equal(done.status, 0, done.stdout + done.stderr);
    }
    await gw.start();
  };
  const known = () => JSON.parse(readFileSync(ctl.profile('log.json'), 'utf8'));
  const check = (options) => ctl.run(['log', 'check'], options);

  await it('follows a log from its beginning', async () => {
    const first = await check();
    assert.match(first.stdout, /holds: 0 entries, 0 of them new/);
    assert.match(first.stderr, /the key of the log is .* kept from now on/);
    await sign(3);
    assert.match((await check()).stdout, /holds: 3 entries, 3 of them new/);
    assert.match((await check()).stdout, /holds: 3 entries, 0 of them new/);
    await sign(600);
    const report = await ctl.json(['log', 'check']);
    assert.deepEqual([report.holds, report.before, report.size], [true, 3, 603]);
    assert.equal(known().size, 603);
    assert.equal(ctl.mode('log.json'), 0o600);
    const log = await ctl.json(['log']);
    assert.equal(openCheckpoint(known().checkpoint, log.key).size, 603);
    assert.equal(report.root, log.root);
  });

  await it('shows the log and its entries', async () => {
    assert.match((await ctl.run(['log'])).stdout, /^log .*\/log\nkey .*\ntime key .*\nentries {3}603\n/);
    const { stdout } = await ctl.run(['log', 'list', '-n', '3']);
    assert.match(stdout, /^ +600 {2}2\S+Z {2}k v1 {2}[0-9a-f]{16} {2}f600/);
    assert.equal(stdout.trimEnd().split('\n').length, 3);
    const { entries } = await ctl.json(['log', 'entries', '--from', '254', '-n', '4']);
    assert.deepEqual(entries.map((entry) => entry.index), [254, 255, 256, 257]);
    assert.equal(entries[2].record.name, 'f256');
    await ctl.run(['log', 'list', '--from', 'x'], { expect: 1 });
  });

  await it('shouts when entries are gone, and keeps what proves it', async () => {
    await keep('old');
    await sign(10);
    await check();
    await back('old');
    const found = await check({ expect: HISTORY });
    assert.match(found.stderr, /THE HISTORY OF THE LOG WAS CHANGED/);
    assert.match(found.stderr, /become smaller/);
    assert.equal(found.stdout, '');
    assert.equal(known().size, 613, 'what was seen stays');
    const evidence = readFileSync(ctl.profile('log-evidence.txt'), 'utf8');
    const log = await ctl.json(['log']);
    const [, before, now] = /seen before:\n\n([^]*)\nshown now:\n\n([^]*)$/.exec(evidence);
    assert.ok(noteIsSigned(before, log.key) && noteIsSigned(now, log.key));
    const json = await ctl.run(['log', 'check', '--json'], { expect: HISTORY });
    assert.equal(JSON.parse(json.stdout).holds, false);
    assert.equal(JSON.parse(json.stderr.trim().split('\n').at(-1)).error.exit, HISTORY);
  });

  await it('shouts when other entries are in the place of those that were seen', async () => {
    await back('old', true);
    await sign(10, 'forked');
    assert.match((await check({ expect: HISTORY })).stderr, /same size as before, but other entries/);
    await sign(300, 'forked');
    const found = await check({ expect: HISTORY });
    assert.match(found.stderr, /do not lead from what was seen before/);
    assert.equal(known().size, 613);
    // After the operator has explained it.
    await ctl.run(['log', 'check', '--forget']);
    assert.equal(known().size, 913);
    assert.match((await check()).stdout, /0 of them new/);
  });

  await it('does not take a stored entry that was altered', async () => {
    const entriesPath = join(gw.data, 'log', 'entries');
    const entries = readFileSync(entriesPath);
    const all = bundleEntries(entries);
    const altered = Buffer.from(all[900]);
    altered[altered.indexOf('"name":"') + 8] ^= 1;
    await gw.stop();
    writeFileSync(entriesPath, Buffer.concat([entries.subarray(0, entries.indexOf(all[900])), altered, entries.subarray(entries.indexOf(all[900]) + altered.length)]));
    await gw.start();
    assert.match((await check()).stdout, /0 of them new/, 'what was seen is not read again');
    const fresh = new Secctl(gw);
    await fresh.login();
    const refused = await fresh.run(['log', 'check'], { expect: 2 });
    assert.match(refused.stderr, /tile\/entries\/003\.p\/145: .*corrupt/, 'the gateway itself does not give it out');
    assert.ok(!existsSync(fresh.profile('log.json')));
    await gw.stop();
    writeFileSync(entriesPath, entries);
    await gw.start();
    await fresh.run(['log', 'check']);
  });

  await it('believes the key of the log only as it was seen first', async () => {
    const path = ctl.profile('trusted.json');
    const before = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...before, log_key: before.time_key ?? (await ctl.json(['log'])).time_key }));
    const found = await check({ expect: HISTORY });
    assert.match(found.stderr, /THE KEY OF THE LOG IS NOT THE ONE THAT WAS SEEN BEFORE/);
    await ctl.run(['verify', 'f0'], { expect: HISTORY });
    writeFileSync(path, JSON.stringify(before));
    await check();
    const other = await ctl.run(['log', 'check', '--log-key', (await ctl.json(['log'])).time_key], { expect: HISTORY });
    assert.match(other.stderr, /not signed with the key of the log/);
    await ctl.run(['log', 'check', '--log-key', 'nonsense'], { expect: 1 });
    writeFileSync(ctl.profile('log.json'), '{"size":5}');
    assert.match((await check({ expect: 1 })).stderr, /log\.json is damaged/);
    await ctl.run(['log', 'check', '--forget']);
  });

  await it('shows signed time', async () => {
    const first = await ctl.run(['daytime', '--signed']);
    assert.match(first.stdout, /^2\S+Z \(within \d+ us.*\), signed by \S+\/time\n$/);
    const nonce = Buffer.from('sixteen bytes ok').toString('base64url');
    const time = await ctl.json(['daytime', '--nonce', nonce]);
    assert.match(time.statement.note, new RegExp(`^\\S+/time\nnonce ${nonce}\ntime `));
    assert.ok(noteIsSigned(time.statement.note, (await ctl.json(['log'])).time_key));
    const short = await ctl.run(['daytime', '--nonce', 'AAAA'], { expect: 2 });
    assert.match(short.stderr, /parameter-invalid/);
    const path = ctl.profile('trusted.json');
    const before = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...before, time_key: before.log_key }));
    assert.match((await ctl.run(['daytime', '--signed'], { expect: HISTORY })).stderr, /SIGNED TIME IS NOT THE ONE/);
    writeFileSync(path, JSON.stringify(before));
    assert.doesNotMatch((await ctl.run(['daytime'])).stdout, /signed/);
  });
});
