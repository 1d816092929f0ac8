// SPDX-License-Identifier: Apache-2.0
// Change of one's own password.
import assert from 'node:assert/strict';
import { BAD_MEMBER, needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const NEXT = 'quite another password';

suite('users_update_me', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const change = (client, old_password, new_password, options) =>
    client.patch('/v1/users/me', { json: { old_password, new_password }, ...options });

  await it('needs the old password', async () => {
    await change(ann, 'not the old one', NEXT, { expect: [401, 'credentials-invalid'] });
    await gw.login('ann', ann.password);
  });

  await it('refuses new passwords that break the rules', async () => {
    await change(ann, ann.password, 'nine char', { invalid: true, expect: [400, BAD_MEMBER] });
    await change(ann, ann.password, 'p'.repeat(257), { invalid: true, expect: [400, BAD_MEMBER] });
    await change(ann, ann.password, undefined, { invalid: true, expect: [400, BAD_MEMBER] });
    await ann.patch('/v1/users/me', { json: { new_password: NEXT }, invalid: true, expect: [400, BAD_MEMBER] });
  });

  await it('needs strict JSON', () =>
    needsJson(ann, 'PATCH', '/v1/users/me', { old_password: ann.password, new_password: NEXT }));

  await it('needs a token', () =>
    needsToken(gw.client(), 'PATCH', '/v1/users/me', { json: { old_password: ann.password, new_password: NEXT } }));

  await it('changes the password, ends all other sessions and keeps this one', async () => {
    const other = await gw.login('ann', ann.password);
    const third = await gw.login('ann', ann.password);
    const answer = await change(ann, ann.password, NEXT, { expect: 200 });
    assert.equal(answer.json.username, 'ann');
    for (const client of [other, third]) {
      await client.get('/v1/users/me', { expect: [401, 'session-ended'] });
      await client.refresh({ expect: [400, 'invalid_grant'] });
    }
    await ann.get('/v1/users/me', { expect: 200 });
    await ann.refresh();
    await ann.get('/v1/users/me', { expect: 200 });
    const old = { username: 'ann', password: ann.password };
    await gw.client().post('/v1/sessions', { json: old, expect: [401, 'credentials-invalid'] });
    await gw.login('ann', NEXT);
  });

  await it('guessing the old password is throttled', async () => {
    const bob = await gw.user(admin, 'bob');
    let last;
    for (let i = 0; i < 200 && last?.status !== 429; i += 1) last = await change(bob, `guess number ${i}`, NEXT);
    assert.equal(last.code, 'throttled');
    assert.ok(Number(last.headers['retry-after']) >= 1);
  });
});
