// SPDX-License-Identifier: Apache-2.0
// One's own passkeys.
import assert from 'node:assert/strict';
import { Authenticator, addPasskey, passkeyLogin } from './lib/authenticator.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('passkeys_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const origin = `https://localhost:${gw.port}`;
  const list = async (client) => (await client.get('/v1/passkeys', { expect: 200 })).json.passkeys;

  await it('shows mine, oldest first, with the last use', async () => {
    const phone = new Authenticator(origin);
    await addPasskey(ann, 'Ann\u2019s phone', phone);
    await addPasskey(ann, 'key', new Authenticator(origin, { kind: 'eddsa' }));
    assert.deepEqual((await list(ann)).map(({ name }) => name), ['Ann\u2019s phone', 'key']);
    assert.ok((await list(ann)).every((key) => key.last_used_at === undefined));
    await passkeyLogin(gw.client(), phone);
    const [used, unused] = await list(ann);
    assert.equal(used.id, phone.id.toString('base64url'));
    assert.ok(Date.parse(used.last_used_at) >= Date.parse(used.created_at));
    assert.equal(unused.last_used_at, undefined);
    assert.deepEqual(await list(admin), []);
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/passkeys'));
});
