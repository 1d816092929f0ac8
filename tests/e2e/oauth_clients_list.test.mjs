// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';

suite('oauth_clients_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');

  await it('shows what is registered, by id, over a restart', async () => {
    assert.deepEqual((await admin.get('/v1/oauth/clients', { expect: 200 })).json, { clients: [] });
    for (const id of ['zeta', 'alpha', 'Mid']) await admin.post('/v1/oauth/clients', { json: { id, name: `The ${id}` }, expect: 201 });
    const { clients } = (await admin.get('/v1/oauth/clients', { expect: 200 })).json;
    assert.deepEqual(clients.map(({ id }) => id), ['Mid', 'alpha', 'zeta']);
    for (const client of clients) assert.deepEqual(Object.keys(client).sort(), ['confidential', 'created_at', 'grants', 'id', 'name']);
    await gw.restart();
    const again = await gw.login(admin.username, admin.password);
    assert.deepEqual((await again.get('/v1/oauth/clients', { expect: 200 })).json.clients, clients);
  });

  await it('admins only', async () => {
    const client = gw.client();
    await client.get('/v1/oauth/clients', { token: ann.token, expect: [403, 'forbidden'] });
    await client.get('/v1/oauth/clients', { expect: [401, 'unauthenticated'] });
  });
});
