// SPDX-License-Identifier: Apache-2.0
// Role and state of users, changed by an admin.
import assert from 'node:assert/strict';
import { BAD_MEMBER, needsAdmin, needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('users_update', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const set = (name, json, options) => admin.patch(`/v1/users/${name}`, { json, ...options });

  await it('changes a role', async () => {
    for (const role of ['guest', 'admin', 'member']) {
      const user = (await set('ann', { role }, { expect: 200 })).json;
      assert.deepEqual({ ...user, created_at: '' }, { username: 'ann', role, disabled: false, created_at: '' });
    }
  });

  await it('gives and takes rights at once, with the token made before', async () => {
    await set('ann', { role: 'admin' }, { expect: 200 });
    await ann.refresh();
    await ann.get('/v1/users', { expect: 200 });
    await set('ann', { role: 'member' }, { expect: 200 });
    await ann.get('/v1/users', { expect: [403, 'forbidden'] });
  });

  await it('disabling ends all sessions at once; enabling lets the user log in again', async () => {
    const second = await gw.login('ann', ann.password);
    assert.equal((await set('ann', { disabled: true }, { expect: 200 })).json.disabled, true);
    for (const client of [ann, second]) {
      await client.get('/v1/users/me', { expect: [401, 'session-ended'] });
      await client.refresh({ expect: [400, 'invalid_grant'] });
    }
    const json = { username: 'ann', password: ann.password };
    await gw.client().post('/v1/sessions', { json, expect: [403, 'user-disabled'] });
    await gw.client().post('/v1/sessions', { json: { ...json, password: 'a wrong password' }, expect: [401, 'credentials-invalid'] });
    await set('ann', { disabled: false }, { expect: 200 });
    await ann.get('/v1/users/me', { expect: [401, 'session-ended'] });
    await gw.login('ann', ann.password);
  });

  await it('keeps the last admin', async () => {
    await set('root-admin', { role: 'member' }, { expect: [409, 'last-admin'] });
    await set('root-admin', { disabled: true }, { expect: [409, 'last-admin'] });
    await set('ann', { role: 'admin', disabled: true }, { expect: 200 });
    await set('root-admin', { role: 'guest' }, { expect: [409, 'last-admin'] });
    await set('ann', { role: 'member', disabled: false }, { expect: 200 });
    await set('root-admin', { role: 'admin' }, { expect: 200 });
    await admin.get('/v1/users/me', { expect: 200 });
  });

  await it('of two admins who remove each other at once, one stays', async () => {
    await set('ann', { role: 'admin' }, { expect: 200 });
    const other = await gw.login('ann', ann.password);
    const answers = await Promise.all([
      set('ann', { role: 'member' }),
      other.patch('/v1/users/root-admin', { json: { role: 'member' } }),
    ]);
    const done = answers.filter((answer) => answer.status === 200);
    assert.equal(done.length, 1, JSON.stringify(answers.map((answer) => answer.status)));
    const loser = answers[0].status === 200 ? other : admin;
    const winner = loser === other ? admin : other;
    await loser.get('/v1/users', { expect: [403, 'forbidden'] });
    await winner.patch('/v1/users/root-admin', { json: { role: 'admin' }, expect: 200 });
    await winner.patch('/v1/users/ann', { json: { role: 'member' }, expect: 200 });
  });

  await it('answers 404 for users that do not exist', async () => {
    await set('nobody', { role: 'guest' }, { expect: [404, 'not-found'] });
    await set('No%20Body', { role: 'guest' }, { expect: [404, 'not-found'] });
    await set('x'.repeat(33), { role: 'guest' }, { expect: [404, 'not-found'] });
  });

  await it('refuses what is not a change', async () => {
    for (const json of [{}, { role: 'king' }, { role: null }, { disabled: 'yes' }, { disabled: 1 }, { username: 'x' }]) {
      await set('ann', json, { invalid: true, expect: [400, BAD_MEMBER] });
    }
    await needsJson(admin, 'PATCH', '/v1/users/ann', { role: 'member' });
  });

  await it('is for admins', async () => {
    const bob = await gw.user(admin, 'bob');
    await needsToken(gw.client(), 'PATCH', '/v1/users/bob', { json: { role: 'admin' } });
    await needsAdmin(bob, 'PATCH', '/v1/users/bob', { json: { role: 'admin' } });
  });

  await it('a token for scripts takes nobody\u2019s second factor away', async () => {
    const made = await admin.post('/v1/tokens', { json: { name: 'root', scopes: ['admin'], expires_in: 3600 }, expect: 201 });
    const script = gw.client({ token: made.json.token });
    await script.patch('/v1/users/bob', { json: { role: 'guest' }, expect: 200 });
    await script.patch('/v1/users/bob', { json: { reset_second_factor: true }, expect: [403, 'login-needed'] });
    await script.patch('/v1/users/bob', { json: { role: 'admin' }, expect: [403, 'login-needed'] });
    await admin.patch('/v1/users/bob', { json: { reset_second_factor: true }, expect: 200 });
  });
});
