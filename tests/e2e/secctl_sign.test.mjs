// SPDX-License-Identifier: Apache-2.0
// secctl sign: what it sends, prints and writes; every file it writes is verified by the tool that its users have.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from './lib/suite.mjs';
import { sha256 } from './lib/content.mjs';
import { Secctl } from './lib/secctl.mjs';
import { openEnvelope, proofHolds, recordHolds, recordText } from './lib/tlog.mjs';

const ALL = 'raw,minisign,signify,sshsig,cms,dsse,record';

suite('secctl_sign', async ({ gw, it }) => {
  const ctl = new Secctl(gw);
  await ctl.signup();
  const tool = (name, args, options = {}) => {
    const done = spawnSync(name, args, { cwd: options.cwd ?? ctl.cwd, input: options.input, encoding: 'utf8' });
    return { status: done.status, text: `${done.stdout}${done.stderr}` };
  };
  const ok = (name, args, options) => {
    const { status, text } = tool(name, args, options);
    assert.equal(status, 0, `${name} ${args.join(' ')}: ${text}`);
    return text;
  };
  await ctl.run(['keys', 'create', 'release', '-q']);
  await ctl.run(['keys', 'create', 'p256', '--type', 'ecdsa-p256', '-q']);
  const form = async (key, format) => ctl.file(`${key}.${format}`, (await ctl.run(['keys', 'public', key, '--format', format])).stdout);
  const pub = {};
  for (const format of ['pem', 'ssh', 'minisign', 'signify', 'x509']) pub[format] = await form('release', format);
  const p256 = await form('p256', 'pem');
  const p256ssh = await form('p256', 'ssh');
  ctl.file('ca.pem', gw.ca);
  const vkey = (await ctl.json(['log'])).key;
  const sub = (name) => {
    mkdirSync(ctl.file(name), { recursive: true });
    return ctl.file(name);
  };

  await it('signs a file in all formats, which the stock tools verify', async () => {
    sub('all');
    const content = randomBytes(300_000);
    ctl.file('all/f.bin', content);
    await ctl.run(['sign', '--key', 'release', '--format', ALL, '-q', 'all/f.bin']);
    assert.deepEqual(readdirSync(ctl.file('all')).sort(), [
      'f.bin', 'f.bin.intoto.jsonl', 'f.bin.minisig', 'f.bin.p7s', 'f.bin.record.json', 'f.bin.sig', 'f.bin.signify.sig',
      'f.bin.sshsig.sig', 'f.bin.tlog-proof',
    ]);
    const cwd = ctl.file('all');
    ok('minisign', ['-Vm', 'f.bin', '-p', pub.minisign], { cwd });
    ok('signify-openbsd', ['-C', '-p', pub.signify, '-x', 'f.bin.signify.sig'], { cwd });
    ctl.file('all/allowed', `me namespaces="file" ${readFileSync(pub.ssh, 'utf8')}`);
    ok('ssh-keygen', ['-Y', 'verify', '-f', 'allowed', '-I', 'me', '-n', 'file', '-s', 'f.bin.sshsig.sig'], { cwd, input: content });
    ctl.file('all/digest', createHash('sha256').update(content).digest());
    ok('openssl', ['pkeyutl', '-verify', '-pubin', '-inkey', pub.pem, '-rawin', '-in', 'digest', '-sigfile', 'f.bin.sig'], { cwd });
    ok('certtool', ['--p7-verify', '--inder', '--infile', 'f.bin.p7s', '--load-data', 'f.bin', '--load-ca-certificate', '../ca.pem'], { cwd });
    const pem = readFileSync(pub.pem, 'utf8');
    const { statement } = openEnvelope(readFileSync(join(cwd, 'f.bin.intoto.jsonl'), 'utf8'), pem);
    assert.equal(statement.subject[0].digest.sha256, sha256(content));
    const record = JSON.parse(readFileSync(join(cwd, 'f.bin.record.json'), 'utf8'));
    assert.equal(record.name, 'f.bin');
    assert.equal(record.size, content.length);
    assert.ok(recordHolds(record, pem));
    assert.ok(proofHolds(readFileSync(join(cwd, 'f.bin.tlog-proof'), 'utf8'), recordText(record), vkey));
    // Not content that was changed.
    ctl.file('all/f.bin', Buffer.concat([content, Buffer.from('x')]));
    assert.notEqual(tool('minisign', ['-Vm', 'f.bin', '-p', pub.minisign], { cwd }).status, 0);
  });

  await it('gives .sig to the one of raw, signify and sshsig that is named first', async () => {
    sub('first');
    ctl.file('first/x', 'x\n');
    await ctl.run(['sign', '--key', 'p256', '--format', 'sshsig,raw,cms', '-q', 'first/x']);
    assert.deepEqual(readdirSync(ctl.file('first')).sort(), ['x', 'x.p7s', 'x.raw.sig', 'x.sig', 'x.tlog-proof']);
    const cwd = ctl.file('first');
    ok('openssl', ['dgst', '-sha256', '-verify', p256, '-signature', 'x.raw.sig', 'x'], { cwd });
    ctl.file('first/allowed', `me ${readFileSync(p256ssh, 'utf8')}`);
    ok('ssh-keygen', ['-Y', 'verify', '-f', 'allowed', '-I', 'me', '-n', 'file', '-s', 'x.sig'], { cwd, input: 'x\n' });
    ok('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', 'x.p7s', '-content', 'x', '-CAfile', '../ca.pem', '-purpose', 'any', '-out', '/dev/null'], { cwd });
  });

  await it('prints the lines of the origin for the current directory', async () => {
    const dir = sub('origin');
    for (const name of ['b.txt', 'a.txt', '.hidden']) ctl.file(`origin/${name}`, name);
    sub('origin/below');
    const other = new Secctl(gw);
    Object.assign(other, { cwd: dir, home: ctl.home, env: ctl.env });
    const { stdout } = await other.run(['sign', '--key', 'release']);
    const lines = stdout.trimEnd().split('\n');
    assert.deepEqual(lines.slice(0, 3), [`List of files in ${dir}:`, 'a.txt', 'b.txt']);
    assert.equal(lines.length, 5);
    const record = JSON.parse(/^a\.txt: (\{.*\})$/.exec(lines[3])[1]);
    assert.deepEqual(Object.keys(record), ['keyid', 'package', 'timestamp', 'fileset', 'ftype', 'vrmf', 'signature']);
    assert.match(lines[4], /^b\.txt: \{"keyid":"[0-9a-f]{64}"/);
    assert.deepEqual(readdirSync(dir).sort(), [
      '.hidden', 'a.txt', 'a.txt.record.json', 'a.txt.tlog-proof', 'b.txt', 'b.txt.record.json', 'b.txt.tlog-proof', 'below',
    ]);
    // Again: signatures are not signed, older ones are replaced.
    const again = await other.run(['sign', '--key', 'release']);
    assert.match(again.stderr, /4 files left out that hold signatures/);
    assert.equal(again.stdout.trimEnd().split('\n').length, 5);
  });

  await it('signs a directory as a whole', async () => {
    sub('tree/deep');
    for (const name of ['z', 'a', 'deep/m']) ctl.file(`tree/${name}`, `content of ${name}`);
    symlinkSync('/etc/passwd', ctl.file('tree/link'));
    const done = await ctl.run(['sign', '--key', 'release', '--format', 'signify,dsse,record', 'tree']);
    assert.match(done.stderr, /tree\/link is no regular file; left out/);
    assert.match(done.stdout, /^List of files in tree:\na\ndeep\/m\nz\na: \{/);
    const cwd = ctl.file('tree');
    const lines = ['a', 'deep/m', 'z'].map((name) => `SHA256 (${name}) = ${sha256(`content of ${name}`)}\n`).join('');
    assert.equal(ctl.read('tree/SHA256').toString(), lines);
    assert.match(ok('signify-openbsd', ['-C', '-p', pub.signify, '-x', 'SHA256.sig'], { cwd }), /deep\/m: OK/);
    const { statement } = openEnvelope(ctl.read('tree/SHA256.intoto.jsonl').toString(), readFileSync(pub.pem, 'utf8'));
    assert.equal(statement.subject[0].name, 'tree');
    assert.equal(statement.subject[0].digest.sha256, sha256(lines));
    const record = JSON.parse(ctl.read('tree/deep/m.record.json'));
    assert.equal(record.name, 'deep/m');
    assert.deepEqual([record.manifest.directory, record.manifest.index, record.manifest.size], ['tree', 1, 3]);
    // The second time the signatures of the first are no part of it.
    await ctl.run(['sign', '--key', 'release', '--format', 'signify,dsse,record', '-q', 'tree']);
    assert.equal(ctl.read('tree/SHA256').toString(), lines);
    ctl.file('tree/z', 'other');
    assert.notEqual(tool('signify-openbsd', ['-C', '-p', pub.signify, '-x', 'SHA256.sig'], { cwd }).status, 0);
    const empty = sub('empty');
    assert.match((await ctl.run(['sign', '--key', 'release', empty], { expect: 1 })).stderr, /nothing to sign/);
  });

  await it('writes elsewhere with --out, and never over what is no signature', async () => {
    sub('out/content');
    ctl.file('out/content/f', 'f');
    ctl.file('out/content/f.minisig', 'my notes about f');
    const refused = await ctl.run(['sign', '--key', 'release', '--format', 'minisign', 'out/content/f'], { expect: 1 });
    assert.match(refused.stderr, /f\.minisig is there and is no signature; nothing was signed/);
    assert.equal(ctl.read('out/content/f.minisig').toString(), 'my notes about f');
    assert.ok(!ctl.has('out/content/f.tlog-proof'));
    await ctl.run(['sign', '--key', 'release', '--format', 'minisign', '--out', 'out/sigs', '-q', 'out/content/f']);
    assert.deepEqual(readdirSync(ctl.file('out/sigs')).sort(), ['f.minisig', 'f.tlog-proof']);
    await ctl.run(['sign', '--key', 'release', '--format', 'minisign', '--force', '-q', 'out/content/f']);
    ok('minisign', ['-Vm', 'out/content/f', '-p', pub.minisign]);
    sub('out/more');
    ctl.file('out/more/f', 'other');
    const same = await ctl.run(['sign', '--key', 'release', '--out', 'out/sigs', 'out/content/f', 'out/more/f'], { expect: 1 });
    assert.match(same.stderr, /would have the same name/);
    await ctl.run(['sign', '--key', 'release', '--out', 'out/sigs', '-q', 'out/more']);
    assert.ok(ctl.has('out/sigs/more/f.record.json') && ctl.has('out/sigs/more/SHA256'));
    assert.ok(!ctl.has('out/more/SHA256'));
  });

  await it('signs stored files and directories', async () => {
    ctl.file('s1', 'stored one');
    await ctl.run(['put', 's1', 'common/rel/one', '-q']);
    await ctl.run(['put', 's1', 'common/rel/sub/two', '-q']);
    sub('stored');
    await ctl.run(['sign', '--key', 'release', '--format', 'minisign', '--out', 'stored', '--stored', 'common/rel/one', '-q']);
    ok('minisign', ['-Vm', 's1', '-p', pub.minisign, '-x', 'stored/one.minisig']);
    const { stdout } = await ctl.run(['sign', '--key', 'release', '--format', 'signify', '--out', 'stored', '--stored', '/common/rel/']);
    assert.match(stdout, /^List of files in common\/rel:\none: \{.*\nsub\/two: \{/);
    assert.ok(ctl.has('stored/rel/sub/two.sig') && ctl.has('stored/rel/SHA256.sig'));
    assert.match(ctl.read('stored/rel/SHA256').toString(), /^SHA256 \(one\) = .*\nSHA256 \(sub\/two\) = /);
    const missing = await ctl.run(['sign', '--key', 'release', '--stored', 'common/rel/one', 'common/none'], { expect: 2 });
    assert.match(missing.stderr, /common\/none: .*\(not-found\)/);
    assert.match(missing.stderr, /items-invalid/);
    const more = await ctl.run(['sign', '--key', 'release', '--sha512', '--stored', 'common/rel/one'], { expect: 1 });
    assert.match(more.stderr, /--sha512 goes without --stored\n {2}next: /);
  });

  await it('reads what a package says of itself, and sends digests only', async () => {
    const dir = sub('deb/DEBIAN');
    writeFileSync(join(dir, 'control'), 'Package: hello\nVersion: 2.10-3\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n');
    execFileSync('dpkg-deb', ['--build', '--root-owner-group', ctl.file('deb'), ctl.file('any.name')], { stdio: 'ignore' });
    const { signatures } = await ctl.json(['sign', '--key', 'release', 'any.name', '--sha512']);
    const [{ package: name, vrmf, ftype, digest }] = signatures;
    assert.deepEqual([name, vrmf, ftype], ['hello', '2.10-3', 'deb']);
    assert.deepEqual(Object.keys(digest).sort(), ['sha256', 'sha512']);
    ctl.file('plain-1.2.tar.gz', 'x');
    const { signatures: [plain] } = await ctl.json(['sign', '--key', 'release', 'plain-1.2.tar.gz']);
    assert.deepEqual(Object.keys(plain.digest), ['sha256']);
    assert.equal(plain.source, 'name');
  });

  await it('signs many files in one call', async () => {
    sub('many');
    const count = 700;
    for (let i = 0; i < count; i++) ctl.file(`many/${i}`, `file ${i}`);
    const { signatures, manifests } = await ctl.json(['sign', '--key', 'release', 'many']);
    assert.equal(signatures.length, count);
    assert.equal(manifests.length, 1);
    for (const s of signatures) assert.equal(s.digest.sha256, sha256(`file ${s.name}`));
    assert.equal(new Set(signatures.map((s) => s.log.index)).size, count);
  });

  await it('says what is wrong', async () => {
    ctl.file('e', 'e');
    assert.match((await ctl.run(['sign', 'e'], { expect: 1 })).stderr, /with which key/);
    assert.match((await ctl.run(['sign', '--key', 'release', '--format', 'pgp', 'e'], { expect: 1 })).stderr, /no format "pgp"/);
    await ctl.run(['sign', '--key', 'release', 'does-not-exist'], { expect: 1 });
    assert.match((await ctl.run(['sign', '--key', 'nobody', 'e'], { expect: 2 })).stderr, /not-found/);
    assert.match((await ctl.run(['sign', '--key', 'p256', '--format', 'minisign', 'e'], { expect: 2 })).stderr, /\(400/);
    await ctl.run(['keys', 'disable', 'p256', '-q']);
    assert.match((await ctl.run(['sign', '--key', 'p256', 'e'], { expect: 2 })).stderr, /key-disabled.*\n.*keys enable/);
    assert.ok(!ctl.has('e.record.json'));
  });
});
