// SPDX-License-Identifier: Apache-2.0
// Who is in a space.
import assert from 'node:assert/strict';
import { say } from './lib/events.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('members_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  await gw.user(admin, 'gus', { role: 'guest' });
  const list = async (client, space, expect = 200, query) =>
    (await client.get(`/v1/spaces/${space}/members`, { expect, query })).json;
  const roles = async (client, space) => Object.fromEntries((await list(client, space)).members.map(({ username, role }) => [username, role]));

  await it('of a shared space, by name, for all of its members', async () => {
    await ann.post('/v1/spaces', { json: { name: 'lab' }, expect: 201 });
    assert.deepEqual(await roles(ann, 'lab'), { ann: 'owner' });
    await ann.put('/v1/spaces/lab/members/gus', { json: { role: 'reader' }, expect: 201 });
    await ann.put('/v1/spaces/lab/members/bob', { json: { role: 'writer' }, expect: 201 });
    for (const client of [ann, bob]) {
      assert.deepEqual(await roles(client, 'lab'), { ann: 'owner', bob: 'writer', gus: 'reader' });
      assert.deepEqual((await list(client, 'lab')).members.map(({ username }) => username), ['ann', 'bob', 'gus']);
    }
    await list(admin, 'lab', [404, 'not-found']);
  });

  await it('of the others, by rule', async () => {
    const everybody = await roles(bob, 'common');
    assert.deepEqual(everybody, { ann: 'writer', bob: 'writer', gus: 'reader', 'root-admin': 'owner' });
    assert.deepEqual(await roles(ann, '~me'), { ann: 'owner' });
    await list(bob, '~ann', [404, 'not-found']);
    await say(ann, '@bob', 'hi');
    assert.deepEqual(await roles(ann, '@bob'), { ann: 'writer', bob: 'writer' });
    assert.deepEqual(await roles(bob, '@ann'), { ann: 'writer', bob: 'writer' });
  });

  await it('page by page', async () => {
    const seen = [];
    let cursor;
    do {
      const page = await list(ann, 'lab', 200, cursor ? { limit: '2', cursor } : { limit: '2' });
      assert.ok(page.members.length <= 2);
      seen.push(...page.members.map(({ username }) => username));
      cursor = page.next_cursor;
    } while (cursor);
    assert.deepEqual(seen, ['ann', 'bob', 'gus']);
    const common = await list(ann, 'common', 200, { limit: '3' });
    assert.equal(common.members.length, 3);
    const rest = await list(ann, 'common', 200, { limit: '3', cursor: common.next_cursor });
    assert.deepEqual([rest.members.length, rest.next_cursor], [1, null]);
  });

  await it('refuses cursors and limits that make no sense', async () => {
    await list(ann, 'lab', [400, 'cursor-invalid'], { cursor: '!!' });
    await list(ann, 'lab', [400, 'cursor-invalid'], { cursor: 'AAAA' });
    for (const limit of ['0', '1001', 'x', '-1']) {
      await ann.get('/v1/spaces/lab/members', { query: { limit }, invalid: true, expect: [400, 'parameter-invalid'] });
    }
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/spaces/common/members'));
});
