// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { exchangeForm } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_audiences_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();
  const audience = 'https://billing.example/v1';

  await it('no token is made for it any more', async () => {
    await admin.post('/v1/oauth/audiences', { json: { audience, name: 'Billing', scopes: ['files:read'] }, expect: 201 });
    const ask = (expect) => anyone.post('/v1/oauth/token', { form: exchangeForm(ann.token, { audience }), expect });
    await ask(200);
    await admin.delete(`/v1/oauth/audiences/${audience}`, { expect: 204 });
    await ask([400, 'invalid_target']);
    assert.deepEqual((await admin.get('/v1/oauth/audiences', { expect: 200 })).json.audiences, []);
    await admin.delete(`/v1/oauth/audiences/${audience}`, { expect: [404, 'not-found'] });
  });

  await it('admins only', async () => {
    await ann.delete(`/v1/oauth/audiences/x`, { expect: [403, 'forbidden'] });
    await anyone.delete(`/v1/oauth/audiences/x`, { expect: [401, 'unauthenticated'] });
  });
});
