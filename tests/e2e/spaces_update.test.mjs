// SPDX-License-Identifier: Apache-2.0
// Description and retention of a space.
import assert from 'node:assert/strict';
import { allAfter, here } from './lib/events.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('spaces_update', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const change = (client, space, json, expect = 200, options = {}) => client.patch(`/v1/spaces/${space}`, { json, expect, ...options });
  await ann.post('/v1/spaces', { json: { name: 'lab', description: 'before' }, expect: 201 });
  await ann.put('/v1/spaces/lab/members/bob', { json: { role: 'writer' }, expect: 201 });

  await it('changes what is given and leaves the rest', async () => {
    const { json } = await change(ann, 'lab', { description: 'after' });
    assert.deepEqual([json.description, json.role, json.retention], ['after', 'owner', { seconds: null, count: null }]);
    const kept = (await change(ann, 'lab', { retention: { seconds: 86400 } })).json;
    assert.deepEqual([kept.description, kept.retention], ['after', { seconds: 86400, count: null }]);
    const both = (await change(ann, 'lab', { retention: { count: 5000 } })).json;
    assert.deepEqual(both.retention, { seconds: 86400, count: 5000 });
    const none = (await change(ann, 'lab', { retention: { seconds: null, count: null } })).json;
    assert.deepEqual(none.retention, { seconds: null, count: null });
    assert.equal((await change(ann, 'lab', { description: '' })).json.description, '');
    assert.deepEqual((await bob.get('/v1/spaces/lab', { expect: 200 })).json.retention, { seconds: null, count: null });
  });

  await it('is an event', async () => {
    const before = await here(bob, 'lab');
    await change(ann, 'lab', { description: 'told' });
    const { events } = await allAfter(bob, 'lab', before);
    assert.deepEqual(events.map(({ type, sender }) => [type, sender]), [['space.updated', 'ann']]);
  });

  await it('only by its owners', async () => {
    await change(bob, 'lab', { description: 'mine' }, [403, 'forbidden']);
    await change(admin, 'lab', { description: 'mine' }, [404, 'not-found']);
    await change(bob, '@ann', { description: 'ours' }, [403, 'forbidden']);
    await change(ann, '~me', { description: 'mine' });
    await change(bob, '~ann', { description: 'mine' }, [404, 'not-found']);
    await change(ann, 'common', { description: 'mine' }, [403, 'forbidden']);
    assert.equal((await change(admin, 'common', { description: 'for all' })).json.description, 'for all');
  });

  await it('refuses bounds that make no sense', async () => {
    for (const retention of [{ seconds: 0 }, { count: 0 }, { seconds: -1 }, { seconds: 1.5 }, { count: '5' }, { seconds: 3155760001 }, { other: 1 }]) {
      await change(ann, 'lab', { retention }, [400, /^(parameter-invalid|json-invalid)$/], { invalid: true });
    }
    for (const json of [{}, { retention: null }, { retention: 5 }, { description: null }, { name: 'x' }, { description: 'x'.repeat(257) }]) {
      await change(ann, 'lab', json, [400, 'parameter-invalid'], { invalid: true });
    }
    assert.equal((await ann.get('/v1/spaces/lab', { expect: 200 })).json.description, 'told');
  });

  await it('needs JSON as it is described', () => needsJson(ann, 'PATCH', '/v1/spaces/lab', { description: 'x' }));
  await it('needs a token', () => needsToken(gw.client(), 'PATCH', '/v1/spaces/lab', { json: { description: 'x' } }));
});
