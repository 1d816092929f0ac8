// SPDX-License-Identifier: Apache-2.0
// What the gateway says about signatures; formats.test.mjs has what the tools of others say.
import assert from 'node:assert/strict';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { digestsOf, itemOf, needsScope } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const FORMATS = { ed25519: ['raw', 'minisign', 'signify', 'sshsig', 'cms', 'dsse'], 'ecdsa-p256': ['raw', 'sshsig', 'cms', 'dsse'], 'rsa-3072': ['raw', 'sshsig', 'cms', 'dsse'] };

// The same with one character changed: of its middle, but in CMS, where that is the certificate, of its end.
const altered = (text, format) => {
  const at = format === 'cms' ? text.length - 12 : Math.floor(text.length / 2);
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
};

suite('signatures_verify', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const ask = (json, expect = 200, options = {}) => ann.post('/v1/signatures/verify', { json, expect, ...options });
  const verify = async (json) => (await ask(json)).json;
  const holds = async (json, what) => assert.deepEqual((await verify(json)).reasons, [], what);
  const fails = async (json, code, what) => {
    const { valid, reasons } = await verify(json);
    assert.equal(valid, false, what);
    assert.ok(reasons.some((reason) => (code instanceof RegExp ? code.test(reason.code) : reason.code === code)), `${what}: ${JSON.stringify(reasons)}`);
  };
  const signed = {};
  for (const [type, formats] of Object.entries(FORMATS)) {
    await admin.post('/v1/keys', { json: { name: type, type }, expect: 201 });
    const items = [itemOf('hello.txt', 'hello\n'), itemOf('other.txt', 'other\n')];
    signed[type] = (await admin.post('/v1/signatures', { json: { key: type, items, formats }, expect: 201 })).json.signatures;
  }
  const digests = digestsOf('hello\n');
  await ann.put('/v1/files/common/hello.txt', { body: 'hello\n', expect: 201 });
  await ann.put('/v1/files/~me/hello.txt', { body: 'hello\n', expect: 201 });

  await it('a record holds, alone and against its content', async () => {
    for (const [type, [record]] of Object.entries(signed)) {
      const { formats, log, ...bare } = record;
      await holds({ record }, type);
      await holds({ record: bare }, type);
      await holds({ record, digests, key: type, key_version: 1 }, type);
      await holds({ record, digest: digests.sha256, name: 'hello.txt' }, type);
      await holds({ record, path: 'common/hello.txt' }, type);
      const answer = await verify({ record });
      assert.equal(answer.valid, true);
      if (answer.record) assert.equal(answer.record.log.index, log.index);
    }
  });

  await it('a record that was changed does not', async () => {
    for (const [type, [record]] of Object.entries(signed)) {
      for (const change of [{ package: 'other' }, { name: 'x' }, { size: 7 }, { vrmf: '9' }, { timestamp: '2026-01-01T00:00:00.000Z' }, { source: 'content' }]) {
        await fails({ record: { ...record, ...change } }, 'signature-invalid', `${type} ${JSON.stringify(change)}`);
      }
      await fails({ record: { ...record, digest: { ...record.digest, sha256: digestsOf('x').sha256 } } }, 'signature-invalid', type);
      await fails({ record: { ...record, signature: signed[type][1].signature } }, 'signature-invalid', type);
      await fails({ record: { ...record, log: signed[type][1].log } }, /^(proof-invalid|not-in-log)$/, type);
      await fails({ record: { ...record, log: { ...record.log, proof: altered(record.log.proof) } } }, /^(proof-invalid|not-in-log)$/, type);
    }
  });

  await it('is held against the content that is given', async () => {
    for (const [type, [record]] of Object.entries(signed)) {
      await fails({ record, digests: digestsOf('x') }, 'digest-mismatch', type);
      await fails({ record, digest: digestsOf('x').sha256 }, 'digest-mismatch', type);
      await fails({ record, digests: { ...digests, sha512: digestsOf('x').sha512 } }, 'digest-mismatch', type);
    }
  });

  await it('each format holds, and with an altered byte it does not', async () => {
    for (const [type, [record]] of Object.entries(signed)) {
      for (const [format, signature] of Object.entries(record.formats)) {
        const asked = { format, signature, key: type, digests, name: 'hello.txt' };
        await holds(asked, `${type} ${format}`);
        const { valid, reasons } = await verify({ ...asked, signature: altered(signature, format) });
        assert.equal(valid, false, `${type} ${format}`);
        assert.ok(reasons.length > 0);
        await fails({ ...asked, digests: digestsOf('x') }, /^(digest-mismatch|signature-invalid)$/, `${type} ${format}`);
      }
    }
  });

  await it('a stored file can be what it is held against', async () => {
    for (const format of FORMATS.ed25519) {
      await holds({ format, signature: signed.ed25519[0].formats[format], key: 'ed25519', path: '~me/hello.txt' }, format);
    }
    await ask({ record: signed.ed25519[0], path: 'common/none' }, [404, 'not-found']);
    await ask({ record: signed.ed25519[0], path: 'common/../x' }, [400, 'path-invalid']);
    await bob.post('/v1/signatures/verify', { json: { record: signed.ed25519[0], path: '~ann/hello.txt' }, expect: [404, 'not-found'] });
  });

  await it('says when the key is another, or none', async () => {
    const [record] = signed.ed25519;
    await fails({ record, key: 'none' }, /^key-(unknown|mismatch)$/);
    await fails({ format: 'raw', signature: record.formats.raw, key: 'none', digests }, 'key-unknown');
    await fails({ record, key: 'ecdsa-p256' }, /^(key-mismatch|signature-invalid)$/);
    await fails({ record, key: 'ed25519', key_version: 2 }, /^(key-unknown|key-mismatch)$/);
    await fails({ format: 'raw', signature: record.formats.raw, key: 'ecdsa-p256', digests }, /./);
    await fails({ record: { ...record, keyid: digestsOf('x').sha256 } }, /^(key-unknown|key-mismatch|signature-invalid)$/);
  });

  await it('says when a version is too old, a key disabled or expired', async () => {
    const [record] = signed['ecdsa-p256'];
    const change = (json) => admin.patch('/v1/keys/ecdsa-p256', { json, expect: 200 });
    await admin.post('/v1/keys/ecdsa-p256/rotate', { json: {}, expect: 201 });
    await holds({ record });
    await change({ oldest_version: 2 });
    await fails({ record }, 'key-version-too-old');
    await fails({ format: 'raw', signature: record.formats.raw, key: 'ecdsa-p256', key_version: 1, digests }, 'key-version-too-old');
    await change({ oldest_version: 1 });
    await holds({ record });
    await change({ disabled: true });
    await fails({ record }, 'key-disabled');
    await change({ disabled: false });
    await admin.post('/v1/keys', { json: { name: 'short', type: 'ed25519', expires_in: 2 }, expect: 201 });
    const { signatures } = (await admin.post('/v1/signatures', { json: { key: 'short', items: [itemOf('x')] }, expect: 201 })).json;
    await holds({ record: signatures[0] });
    await new Promise((done) => setTimeout(done, 2200));
    await fails({ record: signatures[0] }, 'key-expired');
  });

  await it('asks for one thing at a time', async () => {
    const [record] = signed.ed25519;
    const signature = record.formats.raw;
    for (const json of [{}, { key: 'ed25519' }, { record, format: 'raw', signature }, { format: 'raw' }, { signature }, { record: 'x' }, { record: [] }, { record: null }, { record: {} }]) {
      await ask(json, [400, 'parameter-invalid'], { invalid: true });
    }
    for (const more of [{ digests, digest: digests.sha256 }, { digest: digests.sha256, path: 'common/hello.txt' }, { digest: '00' }, { digests: {} }, { digests: { sha256: '00' } }, { key: 'A' }, { key_version: 0 }, { more: 1 }]) {
      await ask({ record, ...more }, [400, 'parameter-invalid'], { invalid: true });
    }
    for (const change of [{ algorithm: 'none' }, { keyid: 'x' }, { key_version: 'x' }, { timestamp: 'now' }, { signature: '***' }, { signature: 7 }, { digest: {} }, { more: 1 }]) {
      await ask({ record: { ...record, ...change } }, [400, 'parameter-invalid'], { invalid: true });
    }
    await ask({ format: 'pgp', signature }, [400, 'parameter-invalid'], { invalid: true });
    await ask({ format: 'raw', signature: '***', digests, key: 'ed25519' }, [400, 'parameter-invalid']);
  });

  const good = { record: signed.ed25519[0] };
  await it('needs JSON as it is described', () => needsJson(ann, 'POST', '/v1/signatures/verify', good));
  await it('needs a token', () => needsToken(gw.client(), 'POST', '/v1/signatures/verify', { json: good }));
  await it('needs the scope verify, and files:read for a path', async () => {
    await needsScope(gw, ann, 'verify', 'POST', '/v1/signatures/verify', { json: good });
    await needsScope(gw, ann, 'files:read', 'POST', '/v1/signatures/verify', { json: { ...good, path: 'common/hello.txt' } });
  });
});
