// SPDX-License-Identifier: Apache-2.0
// Packages that dpkg-deb and rpmbuild make here, and a .bff from its published layout: what their signatures say of them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './lib/gateway.mjs';
import { itemOf } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

function makeDeb(compression) {
  const dir = temporaryDirectory();
  mkdirSync(join(dir, 'DEBIAN'));
  const control = 'Package: hello\nVersion: 1:2.10-3\nArchitecture: all\nMaintainer: A <a@example.com>\nDescription: greets\n';
  writeFileSync(join(dir, 'DEBIAN', 'control'), control);
  const file = join(temporaryDirectory(), 'any.deb');
  execFileSync('dpkg-deb', ['--root-owner-group', '--uniform-compression', `-Z${compression}`, '-b', dir, file]);
  return readFileSync(file);
}

// { binary, source }
function makeRpms() {
  const dir = temporaryDirectory();
  const spec = join(dir, 'hello.spec');
  const lines = ['Name: hello', 'Epoch: 3', 'Version: 2.10', 'Release: 1', 'Summary: greets', 'License: Apache-2.0', '%description', 'Greets.', '%files'];
  writeFileSync(spec, `${lines.join('\n')}\n`);
  const options = { env: { ...process.env, HOME: dir }, stdio: 'ignore' };
  execFileSync('rpmbuild', ['-ba', '--target', 'noarch', '--define', `_topdir ${dir}/top`, spec], options);
  const only = (folder) => readFileSync(join(dir, 'top', folder, readdirSync(join(dir, 'top', folder))[0]));
  return { binary: only('RPMS/noarch'), source: only('SRPMS') };
}

// A backup by name: file header, then per file a header, the padded name, a trailer, the padded content. Little-endian.
function makeBff(files) {
  const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
  const start = Buffer.alloc(0x48);
  start.writeUInt32LE(0xea6b0009, 0);
  const records = Object.entries(files).map(([name, text]) => {
    const header = Buffer.alloc(0x40);
    header.writeUInt8(0x0b, 1);
    header.writeUInt16LE(0xea6b, 2);
    header.writeUInt32LE(0o100644, 0x0c);
    header.writeUInt32LE(text.length, 0x18);
    header.writeUInt32LE(text.length, 0x38);
    return Buffer.concat([header, padded(Buffer.from(`${name}\0`)), Buffer.alloc(0x28), padded(Buffer.from(text))]);
  });
  return Buffer.concat([start, ...records]);
}

const lppName = (kind, level) => `4 R ${kind} hello {\nhello.rte ${level} 01 N U en_US Greets\n[\n%\nINSTWORK 70 70\n%\n%\n]\n}\n`;

suite('packages', async ({ gw, it }) => {
  const admin = await gw.admin();
  await admin.post('/v1/keys', { json: { name: 'release', type: 'ed25519' }, expect: 201 });
  const signed = async (item) =>
    (await admin.post('/v1/signatures', { json: { key: 'release', items: [item] }, expect: 201 })).json.signatures[0];
  const stored = async (name, body, more = {}) => {
    await admin.put(`/v1/files/common/${name}`, { body, expect: 201 });
    return signed({ path: `common/${name}`, ...more });
  };
  const says = (signature, source, name, fileset, vrmf, ftype) =>
    assert.deepEqual(
      [signature.source, signature.package, signature.fileset, signature.vrmf, signature.ftype],
      [source, name, fileset, vrmf, ftype]
    );

  await it('are read from .deb of every compression', async () => {
    for (const compression of ['gzip', 'xz', 'zstd', 'none']) {
      const signature = await stored(`${compression}_9_all.deb`, makeDeb(compression));
      says(signature, 'content', 'hello', 'hello', '1:2.10-3', 'deb');
    }
  });

  await it('are read from binary and source .rpm', async () => {
    const { binary, source } = makeRpms();
    says(await stored('a.rpm', binary), 'content', 'hello', 'hello.noarch', '3:2.10-1', 'rpm');
    says(await stored('b.rpm', source), 'content', 'hello', 'hello.src', '3:2.10-1', 'srpm');
  });

  await it('are read from .bff, for installations and updates', async () => {
    const install = makeBff({ './lpp_name': lppName('I', '01.02.0003.65535'), './usr/lpp/hello/liblpp.a': '<bigaf>\n' });
    says(await stored('install', install), 'content', 'hello', 'hello.rte', '1.2.3.65535', 'I');
    says(await stored('update', makeBff({ './lpp_name': lppName('S', '1.2.3.4') })), 'content', 'hello', 'hello.rte', '1.2.3.4', 'S');
  });

  await it('are believed before what the request says', async () => {
    const more = { package: 'other', vrmf: '9', ftype: 'zip' };
    says(await stored('c.deb', makeDeb('gzip'), more), 'content', 'hello', 'hello', '1:2.10-3', 'deb');
  });

  await it('are taken from the request, or from the name, where the content does not tell', async () => {
    const more = { package: 'other', fileset: 'other.rte', vrmf: '9', ftype: 'zip' };
    says(await stored('d_1_all.deb', '!<arch>\nnot one', more), 'request', 'other', 'other.rte', '9', 'zip');
    says(await stored('e_1-2_all.deb', 'not one'), 'name', 'e', 'e', '1-2', 'deb');
    says(await signed(itemOf('f-1.2.3.tar.gz')), 'name', 'f', '', '1.2.3', 'tar.gz');
    says(await signed(itemOf('README')), 'name', '', '', '', 'file');
  });
});
