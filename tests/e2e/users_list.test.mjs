// SPDX-License-Identifier: Apache-2.0
// The list of users, in pages.
import assert from 'node:assert/strict';
import { needsAdmin, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('users_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const names = ['ann', 'root-admin'];
  for (const name of ['zoe', 'bob', 'm.m', 'm-m', 'm0']) {
    await gw.user(admin, name, { role: name === 'zoe' ? 'guest' : 'member' });
    names.push(name);
  }
  names.sort();

  await it('lists all, by name', async () => {
    const page = (await admin.get('/v1/users', { expect: 200 })).json;
    assert.deepEqual(page.users.map((user) => user.username), names);
    assert.equal(page.next_cursor, null);
    assert.equal(page.users.find((user) => user.username === 'zoe').role, 'guest');
  });

  await it('comes in pages of any size, nothing twice and nothing left out', async () => {
    for (const limit of [1, 2, 3, names.length, 1000]) {
      const found = [];
      let cursor;
      do {
        const query = cursor ? { limit, cursor } : { limit };
        const page = (await admin.get('/v1/users', { query, expect: 200 })).json;
        assert.ok(page.users.length <= limit);
        found.push(...page.users.map((user) => user.username));
        cursor = page.next_cursor;
      } while (cursor);
      assert.deepEqual(found, names);
    }
  });

  await it('refuses limits and cursors that make no sense', async () => {
    for (const limit of ['0', '-1', '1001', 'ten', '', '1.5', '99999999999999999999']) {
      await admin.get('/v1/users', { query: { limit }, invalid: true, expect: [400, 'parameter-invalid'] });
    }
    await admin.get('/v1/users', { query: { cursor: '!!' }, expect: [400, 'cursor-invalid'] });
    await admin.get('/v1/users', { query: 'limit=1&limit=2', expect: [400, 'parameter-invalid'] });
  });

  await it('is for admins', async () => {
    await needsToken(gw.client(), 'GET', '/v1/users');
    await needsAdmin(ann, 'GET', '/v1/users');
  });
});
