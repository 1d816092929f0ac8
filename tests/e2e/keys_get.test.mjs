// SPDX-License-Identifier: Apache-2.0
// One key.
import assert from 'node:assert/strict';
import { needsToken } from './lib/refusals.mjs';
import { itemOf, needsScope } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

suite('keys_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  await admin.post('/v1/keys', { json: { name: 'release', type: 'ed25519' }, expect: 201 });
  const get = async (name = 'release') => (await ann.get(`/v1/keys/${name}`, { expect: 200 })).json;

  await it('counts the uses of each version', async () => {
    assert.equal((await get()).versions[0].uses, 0);
    const items = ['a', 'b', 'c'].map((name) => itemOf(name));
    await admin.post('/v1/signatures', { json: { key: 'release', items }, expect: 201 });
    assert.equal((await get()).versions[0].uses, 3);
    await admin.post('/v1/keys/release/rotate', { json: {}, expect: 201 });
    await admin.post('/v1/signatures', { json: { key: 'release', items: items.slice(0, 1) }, expect: 201 });
    const { versions, current_version } = await get();
    assert.equal(current_version, 2);
    assert.deepEqual(versions.map(({ version, uses }) => [version, uses]), [[1, 3], [2, 1]]);
  });

  await it('forgets who is gone, also when the name is given again', async () => {
    const bob = await gw.user(admin, 'bob');
    await admin.patch('/v1/keys/release', { json: { signers: ['ann', 'bob'] }, expect: 200 });
    assert.deepEqual((await get()).signers, ['ann', 'bob']);
    await bob.post('/v1/signatures', { json: { key: 'release', items: [itemOf('x')] }, expect: 201 });
    await admin.delete('/v1/users/bob', { expect: 204 });
    assert.deepEqual((await get()).signers, ['ann']);
    const other = await gw.user(admin, 'bob', { password: 'another password' });
    assert.deepEqual((await get()).signers, ['ann']);
    await other.post('/v1/signatures', { json: { key: 'release', items: [itemOf('x')] }, expect: [403, 'forbidden'] });
  });

  await it('what is no name of a key is not found', async () => {
    for (const name of ['none', 'Release', '.', '..', '%2e%2e', 'a%2fb', 'release%00', 'r%20', 'a'.repeat(65), '%ff', '%c3%a4']) {
      await ann.get(`/v1/keys/${name}`, { outside: true, expect: [404, 'not-found'] });
    }
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/keys/release'));
  await it('needs the scope verify', () => needsScope(gw, ann, 'verify', 'GET', '/v1/keys/release'));
});
