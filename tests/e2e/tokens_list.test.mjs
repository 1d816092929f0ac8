// SPDX-License-Identifier: Apache-2.0
// The tokens for scripts that one has.
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';

suite('tokens_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const make = async (client, json) =>
    (await client.post('/v1/tokens', { json: { expires_in: 3600, ...json }, expect: 201 })).json;

  await it('shows mine by name, without their text', async () => {
    assert.deepEqual((await ann.get('/v1/tokens', { expect: 200 })).json.tokens, []);
    await ann.post('/v1/spaces', { json: { name: 'releases' }, expect: 201 });
    for (const name of ['k1', 'k2']) {
      await admin.post('/v1/keys', { json: { name, type: 'ed25519' }, expect: 201 });
    }
    const b = await make(ann, { name: 'b', scopes: ['sign'], keys: ['k1', 'k2'] });
    const a = await make(ann, { name: 'a', scopes: ['files:read', 'chat:read'], spaces: ['releases', '~me', 'common'] });
    const answer = await ann.get('/v1/tokens', { expect: 200 });
    const { tokens } = answer.json;
    assert.deepEqual(tokens.map(({ name }) => name), ['a', 'b']);
    const { token: textA, ...restA } = a;
    const { token: textB, ...restB } = b;
    const byName = (one) => ({ ...one, ...(one.spaces && { spaces: [...one.spaces].sort() }) });
    assert.deepEqual(tokens.map(byName), [restA, restB].map(byName));
    assert.deepEqual([...tokens[0].spaces].sort(), ['common', 'releases', '~ann']);
    for (const text of [textA, textB]) assert.ok(!answer.bytes.includes(text.slice(4, 30)));
  });

  await it('shows nobody else\u2019s, admins included', async () => {
    assert.deepEqual((await bob.get('/v1/tokens', { expect: 200 })).json.tokens, []);
    assert.deepEqual((await admin.get('/v1/tokens', { expect: 200 })).json.tokens, []);
  });

  await it('leaves out spaces that are gone', async () => {
    await ann.delete('/v1/spaces/releases', { expect: 204 });
    const { tokens } = (await ann.get('/v1/tokens', { expect: 200 })).json;
    assert.deepEqual([...tokens[0].spaces].sort(), ['common', '~ann']);
  });

  await it('needs a login', async () => {
    await gw.client().get('/v1/tokens', { expect: [401, 'unauthenticated'] });
    const { token } = await make(ann, { name: 'c', scopes: ['files:read'] });
    await gw.client().get('/v1/tokens', { token, expect: [403, 'login-needed'] });
  });
});
