// SPDX-License-Identifier: Apache-2.0
// New keys.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { needsAdmin, needsJson, needsToken } from './lib/refusals.mjs';
import { keyidOf, needsScope, publicPem } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const ALL = ['raw', 'minisign', 'signify', 'sshsig', 'cms', 'dsse'];
const KINDS = { ed25519: 'ed25519', 'ecdsa-p256': 'ec', 'rsa-3072': 'rsa' };

suite('keys_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const create = (json, expect = 201, options = {}) => admin.post('/v1/keys', { json, expect, ...options });

  await it('makes a key of each type, mine to use and to manage', async () => {
    for (const [type, kind] of Object.entries(KINDS)) {
      const before = Date.now();
      const { json, headers } = await create({ name: `my.${type}`, type });
      assert.equal(headers.location, `/v1/keys/my.${type}`);
      assert.deepEqual((await admin.get(headers.location, { expect: 200 })).json, json);
      const { name, disabled, current_version, oldest_version, signers, managers, quorum, witnesses } = json;
      assert.deepEqual({ name, type: json.type, disabled }, { name: `my.${type}`, type, disabled: false });
      assert.deepEqual({ current_version, oldest_version, quorum, witnesses }, { current_version: 1, oldest_version: 1, quorum: 0, witnesses: [] });
      assert.deepEqual({ signers, managers }, { signers: ['root-admin'], managers: ['root-admin'] });
      assert.deepEqual(json.formats, type === 'ed25519' ? ALL : ALL.filter((format) => !/^(minisign|signify)$/.test(format)));
      assert.equal(json.versions.length, 1);
      assert.equal(json.versions[0].uses, 0);
      assert.equal(json.versions[0].expires_at, undefined);
      assert.ok(Math.abs(Date.parse(json.created_at) - before) < 60e3);
      const pem = await publicPem(ann, json.name);
      assert.equal(createPublicKey(pem).asymmetricKeyType, kind);
      assert.equal(json.versions[0].keyid, keyidOf(pem));
    }
  });

  await it('a version has an end if it is given one', async () => {
    const { json } = await create({ name: 'ends', type: 'ed25519', expires_in: 3600 });
    const left = Date.parse(json.versions[0].expires_at) - Date.parse(json.versions[0].created_at);
    assert.ok(Math.abs(left - 3600e3) <= 1, `${left}`);
    for (const expires_in of [0, -1, 3155760001, 1.5, '60', null]) {
      await create({ name: 'ends-not', type: 'ed25519', expires_in }, [400, 'parameter-invalid'], { invalid: true });
    }
  });

  await it('a name is taken once', async () => {
    await create({ name: 'twice', type: 'ed25519' });
    await create({ name: 'twice', type: 'ed25519' }, [409, 'name-taken']);
    await create({ name: 'twice', type: 'ecdsa-p256' }, [409, 'name-taken']);
  });

  await it('only one of many at the same moment gets a name', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => admin.post('/v1/keys', { json: { name: 'raced', type: 'ed25519' } })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(9).fill(409)]);
  });

  await it('takes every name that it says, and no other', async () => {
    for (const name of ['a', '0', 'a'.repeat(64), 'a.b_c-d']) await create({ name, type: 'ed25519' });
    for (const name of ['', 'a'.repeat(65), 'A', '.a', '-a', '_a', 'a b', 'a/b', '..', '../a', 'ä', 'a\n', 7, null]) {
      await create({ name, type: 'ed25519' }, [400, 'parameter-invalid'], { invalid: true });
    }
  });

  await it('knows its types, and what else may be said', async () => {
    for (const type of ['', 'Ed25519', 'rsa-2048', 'rsa', 'p256', null, 1]) {
      await create({ name: 'bad', type }, [400, 'parameter-invalid'], { invalid: true });
    }
    await create({ name: 'bad' }, [400, 'parameter-invalid'], { invalid: true });
    await create({ type: 'ed25519' }, [400, 'parameter-invalid'], { invalid: true });
    for (const uri of ['', 'file:/etc/passwd', 'pkcs11', `pkcs11:${'x'.repeat(600)}`]) {
      await create({ name: 'bad', type: 'ecdsa-p256', uri }, [400, 'parameter-invalid'], { invalid: true });
    }
    await admin.get('/v1/keys/bad', { expect: [404, 'not-found'] });
  });

  await it('a key in a token that is not there is not made', async () => {
    const answer = await admin.post('/v1/keys', { json: { name: 'absent', type: 'ecdsa-p256', uri: 'pkcs11:token=none;object=none;type=private' } });
    assert.ok(answer.status >= 400, `${answer.status}`);
    await admin.get('/v1/keys/absent', { expect: [404, 'not-found'] });
  });

  await it('only admins may', async () => {
    const guest = await gw.user(admin, 'gus', { role: 'guest' });
    for (const user of [ann, guest]) await needsAdmin(user, 'POST', '/v1/keys', { json: { name: 'theirs', type: 'ed25519' } });
    await admin.get('/v1/keys/theirs', { expect: [404, 'not-found'] });
  });

  await it('is there after a restart', async () => {
    const before = (await admin.get('/v1/keys', { expect: 200 })).json;
    await gw.restart();
    const again = await gw.login('root-admin', admin.password);
    assert.deepEqual((await again.get('/v1/keys', { expect: 200 })).json, before);
  });

  const late = await gw.login('root-admin', admin.password);
  await it('needs JSON as it is described', () => needsJson(late, 'POST', '/v1/keys', { name: 'json', type: 'ed25519' }));
  await it('needs a token', () => needsToken(gw.client(), 'POST', '/v1/keys', { json: { name: 'nobody', type: 'ed25519' } }));
  await it('needs the scope admin', () => needsScope(gw, late, 'admin', 'POST', '/v1/keys', { json: { name: 'nobody', type: 'ed25519' } }));

  await it('limit-reached: there are 256 keys at most', async () => {
    const { keys } = (await late.get('/v1/keys', { expect: 200 })).json;
    for (let i = keys.length; i < 256; i++) await late.post('/v1/keys', { json: { name: `many-${i}`, type: 'ed25519' }, expect: 201 });
    await late.post('/v1/keys', { json: { name: 'one-more', type: 'ed25519' }, expect: [409, 'limit-reached'] });
    assert.equal((await late.get('/v1/keys', { expect: 200 })).json.keys.length, 256);
  });
});
