// SPDX-License-Identifier: Apache-2.0
// A client that is removed cannot ask any more, and what was made for it ends.
import assert from 'node:assert/strict';
import { basic, DEVICE } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_clients_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();

  await it('ends its sessions, its waiting devices and its right to ask', async () => {
    const tv = (await admin.post('/v1/oauth/clients', { json: { id: 'tv', name: 'TV', confidential: false }, expect: 201 })).json;
    const begin = async () => (await anyone.post('/v1/oauth/device_authorization', { form: { client_id: tv.id }, expect: 200 })).json;
    const poll = (codes, expect) =>
      anyone.post('/v1/oauth/token', { form: { grant_type: DEVICE, device_code: codes.device_code, client_id: tv.id }, expect });
    const first = await begin();
    await ann.post('/v1/oauth/device', { json: { user_code: first.user_code, approve: true }, expect: 204 });
    const { access_token: token, refresh_token } = (await poll(first, 200)).json;
    await anyone.get('/v1/users/me', { token, expect: 200 });
    const second = await begin();
    await admin.delete('/v1/oauth/clients/tv', { expect: 204 });
    await anyone.get('/v1/users/me', { token, expect: [401, 'session-ended'] });
    await anyone.post('/v1/oauth/token', { form: { grant_type: 'refresh_token', refresh_token }, expect: [400, 'invalid_grant'] });
    await poll(second, [401, 'invalid_client']);
    await ann.get('/v1/oauth/device', { query: { user_code: second.user_code }, expect: [404, 'not-found'] });
    await ann.get('/v1/users/me', { expect: 200 });
  });

  await it('a secret is worth nothing afterwards', async () => {
    const { id, secret } = (await admin.post('/v1/oauth/clients', { json: { name: 'Gone' }, expect: 201 })).json;
    const ask = (expect) =>
      anyone.post('/v1/oauth/introspect', { form: { token: 'x' }, headers: { authorization: basic(id, secret) }, expect });
    await ask(200);
    await admin.delete(`/v1/oauth/clients/${id}`, { expect: 204 });
    await ask([401, 'invalid_client']);
    await admin.delete(`/v1/oauth/clients/${id}`, { expect: [404, 'not-found'] });
  });

  await it('audiences that were registered for it go with it, and no other', async () => {
    await admin.post('/v1/oauth/clients', { json: { id: 'service', name: 'Service' }, expect: 201 });
    const make = (json) => admin.post('/v1/oauth/audiences', { json: { name: 'A', scopes: ['files:read'], ...json }, expect: 201 });
    await make({ audience: 'pay', client: 'service' });
    await make({ audience: 'service' });
    await admin.delete('/v1/oauth/clients/service', { expect: 204 });
    const { audiences } = (await admin.get('/v1/oauth/audiences', { expect: 200 })).json;
    assert.deepEqual(
      audiences.map(({ audience }) => audience),
      ['service']
    );
  });

  await it('those that are built in stay; admins only', async () => {
    await admin.delete('/v1/oauth/clients/secctl', { expect: [404, 'not-found'] });
    await ann.delete('/v1/oauth/clients/secctl', { expect: [403, 'forbidden'] });
    await anyone.delete('/v1/oauth/clients/secctl', { expect: [401, 'unauthenticated'] });
  });
});
