// SPDX-License-Identifier: Apache-2.0
// Logout (CLOSE).
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('sessions_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');

  await it('ends the current session at once: token and refresh token', async () => {
    const client = await gw.login('ann', ann.password);
    await client.get('/v1/users/me', { expect: 200 });
    await client.delete('/v1/sessions/current', { expect: 204 });
    await client.get('/v1/users/me', { expect: [401, 'session-ended'] });
    await client.delete('/v1/sessions/current', { expect: [401, 'session-ended'] });
    await client.refresh({ expect: [400, 'invalid_grant'] });
    await ann.get('/v1/users/me', { expect: 200 });
  });

  await it('ends another session of mine', async () => {
    const client = await gw.login('ann', ann.password);
    await ann.delete(`/v1/sessions/${client.session.session_id}`, { expect: 204 });
    await client.get('/v1/users/me', { expect: [401, 'session-ended'] });
    await ann.delete(`/v1/sessions/${client.session.session_id}`, { expect: [404, 'not-found'] });
  });

  await it('ends the tokens of earlier refreshes too', async () => {
    const client = await gw.login('ann', ann.password);
    const first = client.token;
    await client.refresh();
    await client.delete('/v1/sessions/current', { expect: 204 });
    await client.get('/v1/users/me', { token: first, expect: [401, 'session-ended'] });
  });

  await it('leaves the sessions of others alone', async () => {
    await ann.delete(`/v1/sessions/${admin.session.session_id}`, { expect: [404, 'not-found'] });
    await admin.get('/v1/users/me', { expect: 200 });
    await ann.delete('/v1/sessions/nonsense', { expect: [404, 'not-found'] });
  });

  await it('holds after a restart', async () => {
    const client = await gw.login('ann', ann.password);
    const alive = await gw.login('ann', ann.password);
    await client.delete('/v1/sessions/current', { expect: 204 });
    await gw.restart();
    await gw.client().get('/v1/users/me', { token: client.token, expect: [401, 'session-ended'] });
    await gw.client().get('/v1/users/me', { token: alive.token, expect: 200 });
  });

  await it('needs a token', () => needsToken(gw.client(), 'DELETE', '/v1/sessions/current'));
});
