// SPDX-License-Identifier: Apache-2.0
// Invitations.
import assert from 'node:assert/strict';
import { BAD_MEMBER, needsAdmin, needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('invites_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const invite = (json, options) => admin.post('/v1/invites', { json, ...options });

  await it('invites a member for a week unless told otherwise', async () => {
    const before = Date.now();
    const { json } = await invite({}, { expect: 201 });
    assert.equal(json.role, 'member');
    const life = (Date.parse(json.expires_at) - before) / 1000;
    assert.ok(Math.abs(life - 604800) < 600, `lives ${life} s`);
  });

  await it('gives the role asked for', async () => {
    for (const role of ['admin', 'member', 'guest']) {
      const { json } = await invite({ role, expires_in: 3600 }, { expect: 201 });
      assert.equal(json.role, role);
      const user = { username: `by-${role}`, password: 'long enough a password', code: json.code };
      assert.equal((await gw.client().post('/v1/users', { json: user, expect: 201 })).json.role, role);
    }
  });

  await it('a token for scripts, or an exchanged one, invites no admin', async () => {
    const made = await admin.post('/v1/tokens', { json: { name: 'root', scopes: ['admin'], expires_in: 3600 }, expect: 201 });
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: admin.token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
    const exchanged = await gw.client().post('/v1/oauth/token', { form, expect: 200 });
    for (const token of [made.json.token, exchanged.json.access_token]) {
      await invite({ role: 'admin' }, { token, expect: [403, 'login-needed'] });
      await invite({ role: 'guest' }, { token, expect: 201 });
    }
  });

  await it('codes differ and are hard to guess', async () => {
    const codes = await Promise.all(Array.from({ length: 20 }, async () => (await invite({}, { expect: 201 })).json.code));
    assert.equal(new Set(codes).size, 20);
    codes.forEach((code) => assert.ok(code.replace(/[^A-Za-z0-9]/g, '').length >= 12, code));
  });

  await it('refuses roles and lives that make no sense', async () => {
    for (const json of [{ role: 'king' }, { role: 1 }, { expires_in: 0 }, { expires_in: -1 }, { expires_in: 1e12 }, { expires_in: 1.5 }, { expires_in: '60' }]) {
      await invite(json, { invalid: true, expect: [400, BAD_MEMBER] });
    }
    await needsJson(admin, 'POST', '/v1/invites', {});
  });

  await it('is for admins', async () => {
    const ann = await gw.user(admin, 'ann');
    await needsToken(gw.client(), 'POST', '/v1/invites', { json: {} });
    await needsAdmin(ann, 'POST', '/v1/invites', { json: {} });
  });
});
