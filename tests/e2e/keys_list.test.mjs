// SPDX-License-Identifier: Apache-2.0
// All keys.
import assert from 'node:assert/strict';
import { needsToken } from './lib/refusals.mjs';
import { needsScope } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

suite('keys_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const guest = await gw.user(admin, 'gus', { role: 'guest' });
  const list = async (client) => (await client.get('/v1/keys', { expect: 200 })).json.keys;

  await it('there are none at first', async () => {
    assert.deepEqual(await list(ann), []);
  });

  await it('lists them by name, the same for everybody', async () => {
    for (const name of ['b', 'a.b', 'a', 'a-b', '0', 'b0']) await admin.post('/v1/keys', { json: { name, type: 'ed25519' }, expect: 201 });
    const keys = await list(ann);
    assert.deepEqual(keys.map(({ name }) => name), ['0', 'a', 'a-b', 'a.b', 'b', 'b0']);
    assert.deepEqual(await list(admin), keys);
    assert.deepEqual(await list(guest), keys);
    for (const key of keys) assert.deepEqual((await ann.get(`/v1/keys/${key.name}`, { expect: 200 })).json, key);
  });

  await it('answers HEAD', async () => {
    const { headers } = await ann.head('/v1/keys', { expect: 200 });
    assert.equal(headers['cache-control'], 'no-store');
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/keys'));
  await it('needs the scope verify', () => needsScope(gw, ann, 'verify', 'GET', '/v1/keys'));
});
