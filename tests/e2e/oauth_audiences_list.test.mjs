// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';

suite('oauth_audiences_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');

  await it('shows what is registered, by name', async () => {
    assert.deepEqual((await admin.get('/v1/oauth/audiences', { expect: 200 })).json, { audiences: [] });
    for (const audience of ['https://b.example', 'a']) {
      await admin.post('/v1/oauth/audiences', { json: { audience, name: audience, scopes: ['files:read', 'verify'] }, expect: 201 });
    }
    const { audiences } = (await admin.get('/v1/oauth/audiences', { expect: 200 })).json;
    assert.deepEqual(audiences.map(({ audience, scopes }) => [audience, scopes]), [
      ['a', ['files:read', 'verify']],
      ['https://b.example', ['files:read', 'verify']],
    ]);
  });

  await it('admins only', async () => {
    await ann.get('/v1/oauth/audiences', { expect: [403, 'forbidden'] });
    await gw.client().get('/v1/oauth/audiences', { expect: [401, 'unauthenticated'] });
  });
});
