// SPDX-License-Identifier: Apache-2.0
// One space, as each of its members sees it.
import assert from 'node:assert/strict';
import { START, allAfter, checkChain, say } from './lib/events.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('spaces_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const see = async (client, space, expect = 200) => (await client.get(`/v1/spaces/${space}`, { expect })).json;

  await it('common is everybody\'s, with the role that the gateway gives', async () => {
    const guest = await gw.user(admin, 'gus', { role: 'guest' });
    assert.equal((await see(admin, 'common')).role, 'owner');
    assert.equal((await see(ann, 'common')).role, 'writer');
    assert.equal((await see(guest, 'common')).role, 'reader');
    assert.equal((await see(guest, 'common')).kind, 'common');
  });

  await it('my own has two names, and nobody else sees it', async () => {
    for (const name of ['~me', '~ann', '%7Eann']) {
      const space = await see(ann, name);
      assert.deepEqual([space.name, space.kind, space.role], ['~ann', 'own', 'owner']);
    }
    await see(bob, '~ann', [404, 'not-found']);
    await see(admin, '~ann', [404, 'not-found']);
  });

  await it('a direct talk is there before anything was said, and each sees the other\'s name', async () => {
    const before = await see(ann, '@bob');
    assert.deepEqual([before.name, before.kind, before.role, before.newest], ['@bob', 'direct', 'writer', null]);
    assert.equal(before.created_at, null);
    await say(ann, '@bob', 'hi');
    assert.equal((await see(bob, '@ann')).name, '@ann');
    assert.equal((await see(bob, '%40ann')).name, '@ann');
    assert.notEqual((await see(bob, '@ann')).newest, null);
    await see(admin, '@ann');
    await see(ann, '@ann', [404, 'not-found']);
    await see(ann, '@me', [404, 'not-found']);
    await see(ann, '@nobody', [404, 'not-found']);
  });

  await it('what is not there, or not mine, is not found', async () => {
    await bob.post('/v1/spaces', { json: { name: 'bobs' }, expect: 201 });
    for (const name of ['bobs', 'nothing', '~nobody', '%2E', 'COMMON', 'common%20', '%00', '@', '~', '@%20']) {
      await see(ann, name, [404, 'not-found']);
    }
  });

  await it('tells where its events begin and end, so that the chain can be checked', async () => {
    await ann.post('/v1/spaces', { json: { name: 'chained' }, expect: 201 });
    const first = await say(ann, 'chained', 'one');
    const last = await say(ann, 'chained', 'two');
    const space = await see(ann, 'chained');
    assert.equal(space.newest, last.id);
    assert.equal(space.newest_chain, last.chain);
    assert.equal(space.oldest_chain, START);
    assert.ok(last.id.startsWith(`${space.epoch}.`));
    const { events } = await allAfter(ann, 'chained', space.oldest);
    assert.equal(checkChain(events, space.oldest_chain), space.newest_chain);
    assert.ok(events.some(({ seq }) => seq === first.seq));
  });

  await it('counts what others have said since I read', async () => {
    await say(ann, 'common', 'to be read');
    const event = await say(bob, 'common', 'also to be read');
    const before = await see(ann, 'common');
    assert.ok(before.unread >= 1);
    await ann.put('/v1/chat/common/read', { json: { seq: event.seq }, expect: 200 });
    const after = await see(ann, 'common');
    assert.deepEqual([after.unread, after.last_read], [0, event.seq]);
    await say(bob, 'common', 'one more');
    await say(ann, 'common', 'my own does not count');
    assert.equal((await see(ann, 'common')).unread, 1);
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/spaces/common'));
});
