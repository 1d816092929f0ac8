// SPDX-License-Identifier: Apache-2.0
// Spaces with my role in each.
import assert from 'node:assert/strict';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('spaces_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const roles = async (client) => {
    const { spaces } = (await client.get('/v1/spaces', { expect: 200 })).json;
    return Object.fromEntries(spaces.map(({ name, role }) => [name, role]));
  };

  await it('a member writes in common and owns ~name', async () => {
    assert.deepEqual(await roles(await gw.user(admin, 'ann')), { common: 'writer', '~ann': 'owner' });
  });

  await it('a guest reads common', async () => {
    assert.deepEqual(await roles(await gw.user(admin, 'gus', { role: 'guest' })), { common: 'reader', '~gus': 'owner' });
  });

  await it('an admin owns common', async () => {
    assert.deepEqual(await roles(admin), { common: 'owner', '~root-admin': 'owner' });
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/spaces'));
});
