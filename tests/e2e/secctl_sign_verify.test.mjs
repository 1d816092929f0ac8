// SPDX-License-Identifier: Apache-2.0
// secctl verify: with the gateway, without any network, and what it says about everything that is not valid.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from './lib/suite.mjs';
import { Secctl } from './lib/secctl.mjs';

const ALL = 'raw,minisign,signify,sshsig,cms,dsse,record';
const FILES = ['.sig', '.minisig', '.signify.sig', '.sshsig.sig', '.p7s', '.intoto.jsonl', '.record.json'];

suite('secctl_sign_verify', async ({ gw, it }) => {
  const ctl = new Secctl(gw);
  await ctl.signup();
  await ctl.run(['keys', 'create', 'release', '-q']);
  await ctl.run(['keys', 'create', 'other', '-q']);
  ctl.file('f', randomBytes(100_000));
  ctl.file('g', 'another file\n');
  await ctl.run(['sign', '--key', 'release', '--format', ALL, '-q', 'f', 'g']);
  const pem = ctl.file('release.pem', (await ctl.run(['keys', 'public', 'release'])).stdout);
  ctl.file('release.ssh', (await ctl.run(['keys', 'public', 'release', '--format', 'ssh'])).stdout);
  const other = ctl.file('other.pem', (await ctl.run(['keys', 'public', 'other'])).stdout);
  const vkey = (await ctl.json(['log'])).key;
  ctl.file('log.vkey', `${vkey}\n`);

  // No way to any gateway: a home without a profile, and a namespace without a network where that is allowed.
  const stranger = new Secctl(gw);
  stranger.cwd = ctl.cwd;
  const offline = ['--offline', '--key', pem, '--log-key', 'log.vkey'];
  // A copy of f with its signatures, to be spoiled.
  const copy = (name) => {
    const dir = ctl.file(name);
    mkdirSync(dir, { recursive: true });
    for (const end of ['', '.tlog-proof', ...FILES]) copyFileSync(ctl.file(`f${end}`), join(dir, `f${end}`));
    return join(dir, 'f');
  };
  const reasons = async (args, { who = stranger } = {}) => {
    const result = await who.run(['verify', ...args, '--json'], { expect: 1 });
    const report = JSON.parse(result.stdout);
    assert.equal(report.valid, false);
    return report.files.flatMap((file) => file.reasons.map((reason) => reason.code));
  };

  await it('verifies with the gateway, and pins its keys', async () => {
    const { stdout, stderr } = await ctl.run(['verify', 'f', 'g']);
    assert.match(stdout, /^f: valid: .*minisign.*; key release, version 1; signed 2\S+Z; entry 0 of the log\ng: valid: /);
    assert.match(stderr, /the key of the log is .* kept from now on/);
    assert.equal((await ctl.run(['verify', 'f'])).stderr, '', 'the second time nothing is new');
    const trusted = JSON.parse(readFileSync(ctl.profile('trusted.json'), 'utf8'));
    assert.equal(trusted.log_key, vkey);
    assert.match(trusted.keys.release['1'].keyid, /^[0-9a-f]{64}$/);
    assert.equal(ctl.mode('trusted.json'), 0o600);
    const { files: [report] } = await ctl.json(['verify', 'f']);
    assert.equal(report.signatures.length, FILES.length);
    assert.equal(report.state_asked, true);
    assert.equal((await ctl.run(['verify', '-q', 'f'])).stdout, '');
  });

  await it('verifies offline: with what was pinned, and with keys from files', async () => {
    assert.match((await ctl.run(['verify', '--offline', 'f'])).stdout, /^f: valid/);
    assert.match((await stranger.run(['verify', ...offline, 'f', 'g'])).stdout, /^f: valid.*\ng: valid/);
    assert.match((await stranger.run(['verify', '--offline', '--key', 'release.ssh', '--log-key', vkey, 'f'])).stdout, /^f: valid/);
    assert.deepEqual(await reasons(['--offline', 'f']), [...FILES.map(() => 'key-unknown'), 'log-key-unknown']);
    assert.deepEqual(await reasons(['--offline', '--key', pem, 'f']), ['log-key-unknown']);
    await stranger.run(['verify', '--offline', '--key', 'g', 'f'], { expect: 1 });
  });

  await it('needs no network for that', async () => {
    const alone = ['unshare', '--user', '--net', '--map-root-user'];
    try {
      execFileSync(alone[0], [...alone.slice(1), 'true'], { stdio: 'ignore' });
    } catch {
      return; // not allowed here
    }
    const { program } = await import('./lib/secctl.mjs');
    const out = execFileSync(alone[0], [...alone.slice(1), program, 'verify', ...offline, 'f'], { cwd: ctl.cwd, env: stranger.env });
    assert.match(out.toString(), /^f: valid/);
  });

  await it('finds content that was changed in every format', async () => {
    const f = copy('changed');
    writeFileSync(f, Buffer.concat([readFileSync(f), Buffer.from('x')]));
    const found = await reasons([...offline, f]);
    assert.equal(found.length, FILES.length + 1, found.join());
    for (const code of found) assert.match(code, /^(digest-mismatch|signature-invalid)$/);
    const { stdout } = await stranger.run(['verify', ...offline, f], { expect: 1 });
    assert.match(stdout, /^\S+changed\/f: NOT VALID\n {2}\S+f\.\S+: .* \((digest-mismatch|signature-invalid)\)/);
  });

  await it('finds an altered byte in every signature file', async () => {
    for (const end of FILES) {
      const f = copy(`altered${end}`);
      const bytes = readFileSync(f + end);
      // In the middle of the signature itself.
      const at = end === '.record.json' ? bytes.indexOf('"signature":"') + 30 : end === '.intoto.jsonl' ? bytes.indexOf('"sig":"') + 20
        : end === '.signify.sig' || end === '.minisig' ? bytes.indexOf('\n') + 40 : end === '.p7s' ? bytes.length - 20 : bytes.length >> 1;
      bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
      writeFileSync(f + end, bytes);
      const found = await reasons([...offline, f]);
      assert.equal(found.length, 1, `${end}: ${found}`);
      assert.match(found[0], /^(signature-invalid|signature-malformed|key-mismatch)$/, end);
    }
  });

  await it('finds signatures and proofs of another file', async () => {
    for (const end of FILES) {
      const f = copy(`swapped${end}`);
      copyFileSync(ctl.file(`g${end}`), f + end);
      const found = await reasons([...offline, f]);
      assert.equal(found.length, 1, `${end}: ${found}`);
      assert.match(found[0], /^(digest-mismatch|name-mismatch|signature-invalid)$/, end);
    }
    const f = copy('swapped-proof');
    copyFileSync(ctl.file('g.tlog-proof'), `${f}.tlog-proof`);
    assert.ok((await reasons([...offline, f])).includes('digest-mismatch'));
    const h = copy('proof-bit');
    const text = readFileSync(`${h}.tlog-proof`, 'utf8').replace(/^index 0$/m, 'index 1');
    writeFileSync(`${h}.tlog-proof`, text);
    assert.deepEqual(await reasons([...offline, h]), ['proof-invalid']);
  });

  await it('finds metadata that was swapped, other names, other keys', async () => {
    const f = copy('metadata');
    const record = JSON.parse(readFileSync(`${f}.record.json`, 'utf8'));
    writeFileSync(`${f}.record.json`, JSON.stringify({ ...record, vrmf: '9.9', package: 'sudo' }));
    assert.equal((await reasons([...offline, f])).length, 1);
    const n = copy('named');
    for (const end of ['', '.tlog-proof', ...FILES]) renameSync(n + end, `${n}2${end}`);
    const named = await reasons([...offline, `${n}2`]);
    assert.ok(named.length >= 3 && named.every((code) => code === 'name-mismatch'), named.join());
    const wrong = await reasons(['--offline', '--key', other, '--log-key', vkey, 'f']);
    assert.ok(wrong.length > FILES.length && wrong.every((code) => /^(key-mismatch|signature-invalid)$/.test(code)), wrong.join());
    assert.ok((await reasons(['--key', 'other', 'f'], { who: ctl })).every((code) => code === 'key-unknown'));
    await ctl.run(['verify', '--key', 'release', 'f']);
    const bare = copy('bare');
    for (const end of FILES) rmSync(bare + end);
    assert.deepEqual(await reasons([...offline, bare]), ['no-signature']);
  });

  await it('takes one signature from anywhere', async () => {
    await stranger.run(['verify', ...offline, '--signature', 'f.minisig', 'f']);
    assert.match((await stranger.run(['verify', ...offline, '--signature', 'g.minisig', 'f'], { expect: 1 })).stdout, /digest-mismatch|signature-invalid/);
    mkdirSync(ctl.file('only'));
    copyFileSync(ctl.file('f'), ctl.file('only/f'));
    // Without a proof the signature itself says which key it was; raw says nothing.
    for (const end of ['.minisig', '.signify.sig', '.sshsig.sig', '.p7s', '.intoto.jsonl', '.record.json']) {
      await ctl.run(['verify', '--signature', `f${end}`, 'only/f']);
    }
    assert.deepEqual(await reasons(['--signature', 'f.sig', 'only/f'], { who: ctl }), ['key-unknown']);
    await ctl.run(['verify', '--key', 'release', '--signature', 'f.sig', 'only/f']);
    await stranger.run(['verify', '--offline', '--key', pem, '--signature', 'f.sig', 'only/f']);
  });

  await it('takes a symbolic link for the name that it has', async () => {
    mkdirSync(ctl.file('linked'));
    symlinkSync('../g', ctl.file('linked/newest'));
    await ctl.run(['sign', '--key', 'release', '--format', 'signify,record', '-q', 'linked/newest']);
    await ctl.run(['verify', 'linked/newest']);
    assert.match((await stranger.run(['verify', ...offline, '--signature', 'linked/newest.sig', 'g'], { expect: 1 })).stdout, /name-mismatch/);
    await ctl.run(['verify', '--signature', 'none.sig', 'g'], { expect: 1 });
  });

  await it('holds a directory against its manifest', async () => {
    mkdirSync(ctl.file('tree/sub'), { recursive: true });
    for (const name of ['a', 'b', 'sub/c']) ctl.file(`tree/${name}`, name);
    await ctl.run(['sign', '--key', 'release', '--format', 'signify,minisign,dsse,record', '-q', 'tree']);
    assert.match((await stranger.run(['verify', ...offline, 'tree'])).stdout, /^tree\/SHA256: valid: /);
    await ctl.run(['sign', '--key', 'release', '--format', 'signify,minisign,dsse,record', '-q', 'tree/']);
    await ctl.run(['verify', 'tree/', './tree/../tree']);
    assert.match((await stranger.run(['verify', ...offline, 'tree/sub/c', 'tree/a'])).stdout, /^tree\/sub\/c: valid.*\ntree\/a: valid/);
    const spoiled = (name, change) => {
      cpSync(ctl.file('tree'), ctl.file(name), { recursive: true });
      change((file) => ctl.file(`${name}/${file}`));
      return reasons([...offline, name]);
    };
    assert.deepEqual(await spoiled('t1', (at) => writeFileSync(at('sub/c'), 'x')), ['digest-mismatch']);
    const gone = (at) => ['', '.sig', '.minisig', '.intoto.jsonl', '.record.json', '.tlog-proof'].forEach((end) => rmSync(at(`b${end}`)));
    assert.deepEqual(await spoiled('t2', gone), ['file-missing']);
    assert.deepEqual(await spoiled('t3', (at) => writeFileSync(at('new'), 'x')), ['file-unknown']);
    const lines = await spoiled('t4', (at) => writeFileSync(at('SHA256'), readFileSync(at('SHA256'), 'utf8').split('\n').slice(1).join('\n')));
    assert.ok(lines.includes('digest-mismatch'));
  });

  await it('asks whether a key still counts', async () => {
    await ctl.run(['keys', 'rotate', 'release', '-q']);
    await ctl.run(['verify', 'f']);
    await ctl.run(['keys', 'update', 'release', '--oldest', '2', '-q']);
    assert.deepEqual(await reasons(['f'], { who: ctl }), ['key-version-too-old']);
    await ctl.run(['verify', '--offline', 'f']);
    ctl.file('new', 'new');
    await ctl.run(['sign', '--key', 'release', '--format', 'minisign', '-q', 'new']);
    await ctl.run(['verify', 'new']);
    await ctl.run(['keys', 'disable', 'release', '-q']);
    assert.deepEqual(await reasons(['new'], { who: ctl }), ['key-disabled']);
    await ctl.run(['keys', 'enable', 'release', '-q']);
    await ctl.run(['verify', 'new']);
    // Somebody who is not logged in can verify, and is told that the key was not asked about.
    await ctl.run(['logout', '--local']);
    assert.match((await ctl.run(['verify', 'new'])).stderr, /nobody is logged in/);
  });

  await it('believes a key only as it was seen first', async () => {
    const path = ctl.profile('trusted.json');
    const trusted = JSON.parse(readFileSync(path, 'utf8'));
    const before = readFileSync(path);
    trusted.keys.release['1'] = trusted.keys.release['2'];
    writeFileSync(path, JSON.stringify(trusted));
    assert.ok((await reasons(['--offline', 'f'], { who: ctl })).length >= FILES.length);
    writeFileSync(path, JSON.stringify({ ...JSON.parse(before), log_key: vkey.replace('/log+', '/lag+') }));
    await ctl.run(['verify', 'f'], { expect: 1 });
    writeFileSync(path, before);
    await ctl.run(['verify', '--offline', 'f']);
  });
});
