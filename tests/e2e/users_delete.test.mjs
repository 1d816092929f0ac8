// SPDX-License-Identifier: Apache-2.0
// Removal of a user with all that is hers.
import { needsAdmin, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('users_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const bob = await gw.user(admin, 'bob');

  await it('ends sessions, removes the space and frees the name', async () => {
    const ann = await gw.user(admin, 'ann');
    await ann.put('/v1/files/~me/secret.txt', { body: 'of the first ann', expect: 201 });
    await ann.put('/v1/files/common/kept.txt', { body: 'for all', expect: 201 });
    await admin.delete('/v1/users/ann', { expect: 204 });
    await ann.get('/v1/users/me', { expect: [401, 'session-ended'] });
    await ann.refresh({ expect: [400, 'invalid_grant'] });
    const json = { username: 'ann', password: ann.password };
    await gw.client().post('/v1/sessions', { json, expect: [401, 'credentials-invalid'] });
    await admin.delete('/v1/users/ann', { expect: [404, 'not-found'] });
    await bob.get('/v1/files/common/kept.txt', { expect: 200 });

    const second = await gw.user(admin, 'ann');
    await second.get('/v1/files/~me/secret.txt', { expect: [404, 'not-found'] });
    await ann.get('/v1/users/me', { expect: [401, 'session-ended'] });
    const page = await second.get('/v1/files/~me/', { expect: 200 });
    if (page.json.entries.length !== 0) throw new Error('the new user inherits files');
  });

  await it('keeps the last admin', async () => {
    await admin.delete('/v1/users/root-admin', { expect: [409, 'last-admin'] });
    await admin.patch('/v1/users/bob', { json: { role: 'admin' }, expect: 200 });
    await admin.delete('/v1/users/root-admin', { expect: 204 });
    await admin.get('/v1/users/me', { expect: [401, 'session-ended'] });
    await bob.refresh();
    await bob.delete('/v1/users/bob', { expect: [409, 'last-admin'] });
  });

  await it('answers 404 for users that do not exist', async () => {
    await bob.delete('/v1/users/nobody', { expect: [404, 'not-found'] });
    await bob.delete('/v1/users/No%20Body', { expect: [404, 'not-found'] });
  });

  await it('is for admins', async () => {
    const carl = await gw.user(bob, 'carl');
    await needsToken(gw.client(), 'DELETE', '/v1/users/carl');
    await needsAdmin(carl, 'DELETE', '/v1/users/bob');
  });
});
