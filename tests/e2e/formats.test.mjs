// SPDX-License-Identifier: Apache-2.0
// Every format over the API is shown to the tool that people have for it, with the public key in that tool's form:
// openssl, minisign, signify-openbsd, ssh-keygen, certtool; DSSE and manifests to node:crypto alone. Another content, an
// altered byte, another key and another purpose are refused by these tools.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from './lib/gateway.mjs';
import { checkPlace, digestsOf, itemOf, publicPem } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';
import { leafHash, openEnvelope, treeHash } from './lib/tlog.mjs';

const CONTENT = 'the content that is signed\n';
const FORMATS = { ed25519: ['raw', 'minisign', 'signify', 'sshsig', 'cms', 'dsse'], 'ecdsa-p256': ['raw', 'sshsig', 'cms', 'dsse'], 'rsa-3072': ['raw', 'sshsig', 'cms', 'dsse'] };

suite('formats', async ({ gw, it }) => {
  const admin = await gw.admin();
  const dir = temporaryDirectory();
  const write = (name, data) => fs.writeFileSync(path.join(dir, name), data);
  const run = (program, ...args) => {
    const input = typeof args.at(-1) === 'object' ? fs.readFileSync(path.join(dir, args.pop().stdin)) : undefined;
    return spawnSync(program, args, { cwd: dir, input, timeout: 20000 }).status === 0;
  };
  const shown = async (key, format) => (await admin.get(`/v1/keys/${key}/public`, { query: { format }, token: null, expect: 200 })).bytes;
  const sign = async (key, items, formats) => (await admin.post('/v1/signatures', { json: { key, items, formats }, expect: 201 })).json;

  // What each tool needs beside the signature, and how it is asked. All look at the file `f`.
  const keyFiles = async (key, type) => {
    write('k.pem', await shown(key, 'pem'));
    write('allowed', `signer ${await shown(key, 'ssh')}`);
    write('k.crt', await shown(key, 'x509'));
    write('ca.pem', (await admin.get('/v1/ca', { token: null, expect: 200 })).bytes);
    if (type === 'ed25519') {
      write('m.pub', await shown(key, 'minisign'));
      write('s.pub', await shown(key, 'signify'));
    }
  };
  const openssl = {
    raw: (type) => {
      if (type !== 'ed25519') return run('openssl', 'dgst', '-sha256', '-verify', 'k.pem', '-signature', 'f.raw', 'f');
      return run('openssl', 'dgst', '-sha256', '-binary', '-out', 'f.d', 'f') && run('openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', 'k.pem', '-rawin', '-in', 'f.d', '-sigfile', 'f.raw');
    },
    cms: () => run('openssl', 'cms', '-verify', '-binary', '-inform', 'DER', '-in', 'f.cms', '-content', 'f', '-CAfile', 'ca.pem', '-purpose', 'any', '-out', '/dev/null'),
  };
  const tools = {
    raw: openssl.raw,
    minisign: () => run('minisign', '-Vm', 'f', '-x', 'f.minisign', '-p', 'm.pub'),
    signify: () => run('signify-openbsd', '-C', '-p', 's.pub', '-x', 'f.signify'),
    sshsig: () => run('ssh-keygen', '-Y', 'verify', '-f', 'allowed', '-I', 'signer', '-n', 'file', '-s', 'f.sshsig', { stdin: 'f' }),
    // openssl 3.0 has no Ed25519 in CMS.
    cms: (type) =>
      run('certtool', '--p7-verify', '--inder', '--infile', 'f.cms', '--load-data', 'f', '--load-ca-certificate', 'ca.pem') && (type === 'ed25519' || openssl.cms()),
    dsse: () => {
      try {
        const { type, statement } = openEnvelope(fs.readFileSync(path.join(dir, 'f.dsse'), 'utf8'), fs.readFileSync(path.join(dir, 'k.pem')));
        const { _type, subject } = statement;
        const sha256 = createHash('sha256').update(fs.readFileSync(path.join(dir, 'f'))).digest('hex');
        return type === 'application/vnd.in-toto+json' && _type === 'https://in-toto.io/Statement/v1' && subject[0].name === 'f' && subject[0].digest.sha256 === sha256;
      } catch {
        return false;
      }
    },
  };
  const bytesOf = (format, text) => (format === 'raw' || format === 'cms' ? Buffer.from(text, 'base64') : Buffer.from(text));
  const altered = (bytes, at) => {
    const copy = Buffer.from(bytes);
    copy[at] ^= 1;
    return copy;
  };

  const spread = (from, to, count) => Array.from({ length: count }, (_, i) => from + Math.floor(((to - from) * (i + 0.5)) / count));
  // Ten places of what is signed. Nobody signs the first line of minisign and signify, line ends, the hint `keyid` of DSSE,
  // and what CMS repeats around the certificate.
  const signedPlaces = (format, bytes) => {
    if (format === 'cms') {
      const crt = new X509Certificate(fs.readFileSync(path.join(dir, 'k.crt'))).raw;
      const at = bytes.indexOf(crt);
      assert.ok(at > 0, 'the certificate is inside');
      return [...spread(at + 8, at + crt.length, 5), ...spread(bytes.length - 128, bytes.length, 5)];
    }
    const from = ['minisign', 'signify'].includes(format) ? bytes.indexOf('\n') + 6 : 0;
    const hint = [bytes.indexOf('"keyid":'), bytes.indexOf('"sig":"')];
    return spread(from, bytes.length - 4, 10).filter((at) => bytes[at] !== 10 && !(format === 'dsse' && at >= hint[0] && at < hint[1]));
  };

  const signed = {};
  for (const [type, formats] of Object.entries(FORMATS)) {
    await admin.post('/v1/keys', { json: { name: type, type }, expect: 201 });
    await admin.post('/v1/keys', { json: { name: `other-${type}`, type }, expect: 201 });
    [signed[type]] = (await sign(type, [itemOf('f', CONTENT)], formats)).signatures;
  }

  for (const [type, formats] of Object.entries(FORMATS)) {
    for (const format of formats) {
      await it(`${format} of ${type}: by its tool`, async () => {
        const bytes = bytesOf(format, signed[type].formats[format]);
        await keyFiles(type, type);
        write(`f.${format}`, bytes);
        write('f', CONTENT);
        assert.ok(tools[format](type), 'refused');
        write('f', CONTENT.replace('t', 'T'));
        assert.ok(!tools[format](type), 'another content');
        write('f', CONTENT);
        await keyFiles(`other-${type}`, type);
        // The key is in the certificate, whose authority is the same.
        if (format !== 'cms') assert.ok(!tools[format](type), 'another key');
        await keyFiles(type, type);
        for (const at of signedPlaces(format, bytes)) {
          write(`f.${format}`, altered(bytes, at));
          assert.ok(!tools[format](type), `byte ${at} of ${bytes.length}`);
        }
        write(`f.${format}`, bytes.subarray(0, bytes.length >> 1));
        assert.ok(!tools[format](type), 'half of it');
      });
    }

    await it(`sshsig of ${type}: for files and nothing else`, async () => {
      await keyFiles(type, type);
      write('f', CONTENT);
      write('f.sshsig', signed[type].formats.sshsig);
      for (const [space, good] of [['file', true], ['git', false], ['email', false], ['', false]]) {
        assert.equal(run('ssh-keygen', '-Y', 'verify', '-f', 'allowed', '-I', 'signer', '-n', space, '-s', 'f.sshsig', { stdin: 'f' }), good, space);
      }
    });

    await it(`a certificate of ${type} is for signing by the gateway's own authority`, async () => {
      await keyFiles(type, type);
      assert.ok(run('openssl', 'verify', '-purpose', 'any', '-CAfile', 'ca.pem', 'k.crt'));
      assert.ok(!run('openssl', 'verify', '-purpose', 'sslserver', '-CAfile', 'ca.pem', 'k.crt'));
      assert.ok(!run('openssl', 'verify', '-purpose', 'sslclient', '-CAfile', 'ca.pem', 'k.crt'));
    });
  }

  await it('a version that was retired still verifies with its own key, and not with the new one', async () => {
    const old = signed.ed25519.formats.minisign;
    write('m1.pub', await shown('ed25519', 'minisign'));
    await admin.post('/v1/keys/ed25519/rotate', { json: {}, expect: 201 });
    write('m2.pub', await shown('ed25519', 'minisign'));
    write('f', CONTENT);
    write('f.minisign', old);
    assert.ok(run('minisign', '-Vm', 'f', '-x', 'f.minisign', '-p', 'm1.pub'));
    assert.ok(!run('minisign', '-Vm', 'f', '-x', 'f.minisign', '-p', 'm2.pub'));
  });

  await it('a directory: one list for signify, one statement, a place for each file', async () => {
    const files = { 'b.txt': 'b', 'a.txt': 'a', 'sub/with space': 'c', 'sub/ü': 'd' };
    const items = Object.entries(files).map(([name, data]) => itemOf(name, data, { directory: 'dist' }));
    const { signatures, manifests } = await sign('ed25519', items, ['signify', 'dsse']);
    assert.equal(manifests.length, 1);
    const [manifest] = manifests;
    for (const signature of signatures) checkPlace(signature, manifest);
    fs.mkdirSync(path.join(dir, 'sub'), { recursive: true });
    for (const [name, data] of Object.entries(files)) write(name, data);
    write('s.pub', await shown('ed25519', 'signify'));
    write('SHA256.sig', manifest.formats.signify);
    assert.ok(run('signify-openbsd', '-C', '-p', 's.pub', '-x', 'SHA256.sig'));
    assert.ok(manifest.formats.signify.endsWith(manifest.lines));
    const { statement } = openEnvelope(manifest.formats.dsse, await publicPem(admin, 'ed25519'));
    const leaves = manifest.lines.split('\n').slice(0, -1).map((line) => leafHash(Buffer.from(`${line}\n`)));
    assert.equal(statement.predicate.root, treeHash(leaves).toString('hex'));
    assert.equal(statement.predicate.root, Buffer.from(manifest.root, 'base64').toString('hex'));
    assert.equal(statement.predicate.files, 4);
    assert.deepEqual(statement.subject, [{ name: 'dist', digest: { sha256: digestsOf(manifest.lines).sha256 } }]);
    write('a.txt', 'x');
    assert.ok(!run('signify-openbsd', '-C', '-p', 's.pub', '-x', 'SHA256.sig'));
  });

  await it('a name that signify cannot read is refused for signify, and for nothing else', async () => {
    const items = [itemOf('a (1).txt')];
    await sign('ed25519', items, ['minisign', 'dsse']);
    const { json } = await admin.post('/v1/signatures', { json: { key: 'ed25519', items, formats: ['signify'] }, expect: [422, 'items-invalid'] });
    assert.match(json.items[0].detail, /signify/);
  });

  await it('stored files too', async () => {
    await admin.put('/v1/files/common/f', { body: CONTENT, expect: 201 });
    const { signatures } = await sign('ed25519', [{ path: 'common/f' }], FORMATS.ed25519);
    await keyFiles('ed25519', 'ed25519');
    write('f', CONTENT);
    for (const format of FORMATS.ed25519) {
      write(`f.${format}`, bytesOf(format, signatures[0].formats[format]));
      assert.ok(tools[format]('ed25519'), format);
    }
  });
});
