// SPDX-License-Identifier: Apache-2.0
// New versions of keys.
import assert from 'node:assert/strict';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { checkSigned, itemOf, keyidOf, needsScope, publicPem } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

suite('keys_rotate', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const rotate = (name, json = {}, expect = 201, client = admin, options = {}) => client.post(`/v1/keys/${name}/rotate`, { json, expect, ...options });
  const sign = async (key) => (await admin.post('/v1/signatures', { json: { key, items: [itemOf('x')] }, expect: 201 })).json.signatures[0];

  await it('the new version signs, the old ones still verify', async () => {
    for (const type of ['ed25519', 'ecdsa-p256', 'rsa-3072']) {
      await admin.post('/v1/keys', { json: { name: type, type }, expect: 201 });
      const first = await sign(type);
      const { json } = await rotate(type);
      assert.equal(json.current_version, 2);
      assert.deepEqual(json.versions.map(({ version }) => version), [1, 2]);
      assert.notEqual(json.versions[0].keyid, json.versions[1].keyid);
      const second = await sign(type);
      assert.deepEqual([first.key_version, second.key_version], [1, 2]);
      const { key: vkey } = (await admin.get('/v1/log', { expect: 200 })).json;
      for (const [version, signature] of [[1, first], [2, second]]) {
        const pem = await publicPem(ann, type, version);
        assert.equal(json.versions[version - 1].keyid, keyidOf(pem));
        checkSigned(signature, pem, vkey);
        const answer = (await ann.post('/v1/signatures/verify', { json: { record: signature }, expect: 200 })).json;
        assert.deepEqual([answer.valid, answer.reasons], [true, []]);
      }
      assert.equal(await publicPem(ann, type), await publicPem(ann, type, 2));
    }
  });

  await it('a version can have an end of its own', async () => {
    const { json } = await rotate('ed25519', { expires_in: 60 });
    const { created_at, expires_at } = json.versions.at(-1);
    assert.ok(Math.abs(Date.parse(expires_at) - Date.parse(created_at) - 60e3) <= 1);
    assert.equal(json.versions[0].expires_at, undefined);
    for (const expires_in of [0, '60', 3155760001]) await rotate('ed25519', { expires_in }, [400, 'parameter-invalid'], admin, { invalid: true });
  });

  await it('one that has expired signs nothing until it is rotated', async () => {
    await admin.post('/v1/keys', { json: { name: 'short', type: 'ed25519', expires_in: 1 }, expect: 201 });
    await new Promise((done) => setTimeout(done, 1200));
    await admin.post('/v1/signatures', { json: { key: 'short', items: [itemOf('x')] }, expect: [409, 'key-expired'] });
    await rotate('short');
    assert.equal((await sign('short')).key_version, 2);
  });

  await it('managers may, signers may not', async () => {
    await admin.patch('/v1/keys/short', { json: { signers: ['ann'] }, expect: 200 });
    await rotate('short', {}, [403, 'forbidden'], ann);
    await admin.patch('/v1/keys/short', { json: { signers: [], managers: ['ann'] }, expect: 200 });
    await rotate('short', {}, 201, ann);
    const guest = await gw.user(admin, 'gus', { role: 'guest' });
    await rotate('short', {}, [403, 'forbidden'], guest);
  });

  await it('at the same moment each gives a number of its own', async () => {
    await admin.post('/v1/keys', { json: { name: 'raced', type: 'ed25519' }, expect: 201 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => rotate('raced')));
    const numbers = answers.map(({ json }) => json.current_version).sort((a, b) => a - b);
    assert.deepEqual(numbers, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  await it('a key made here takes no uri', async () => {
    await rotate('short', { uri: 'pkcs11:token=none;object=none' }, [400, 'parameter-invalid']);
    await rotate('short', { uri: 'file:x' }, [400, 'parameter-invalid'], admin, { invalid: true });
  });

  await it('limit-reached: a key has 128 versions at most', async () => {
    await admin.post('/v1/keys', { json: { name: 'many', type: 'ed25519' }, expect: 201 });
    for (let i = 2; i <= 128; i++) await rotate('many');
    await rotate('many', {}, [409, 'limit-reached']);
    assert.equal((await admin.get('/v1/keys/many', { expect: 200 })).json.versions.length, 128);
    assert.equal((await sign('many')).key_version, 128);
  });

  await it('what is not there is not found', () => rotate('none', {}, [404, 'not-found']));
  await it('needs JSON as it is described', () => needsJson(admin, 'POST', '/v1/keys/ed25519/rotate', {}));
  await it('needs a token', () => needsToken(gw.client(), 'POST', '/v1/keys/ed25519/rotate', { json: {} }));
  await it('needs the scope sign', () => needsScope(gw, admin, 'sign', 'POST', '/v1/keys/ed25519/rotate', { json: {} }));
});
