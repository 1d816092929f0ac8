// SPDX-License-Identifier: Apache-2.0
// Registered clients: by admins only, the secret once, and never again.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { basic } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_clients_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();
  const make = (json, expect, who = admin) => who.post('/v1/oauth/clients', { json, expect, invalid: Array.isArray(expect) });

  await it('makes a confidential one whose secret works', async () => {
    const { json, headers } = await make({ id: 'billing', name: 'Billing' }, 201);
    assert.equal(json.id, 'billing');
    assert.equal(json.confidential, true);
    assert.match(json.secret, /^sgc_[A-Za-z0-9_-]{43}$/);
    assert.match(headers['cache-control'], /no-store/);
    const form = { token: 'x' };
    const ask = (secret) => anyone.post('/v1/oauth/introspect', { form, headers: { authorization: basic('billing', secret) } });
    assert.equal((await ask(json.secret)).status, 200);
    assert.equal((await ask(`${json.secret}x`)).code, 'invalid_client');
    const list = (await admin.get('/v1/oauth/clients', { expect: 200 })).json.clients;
    assert.equal(list[0].secret, undefined);
    for (const name of readdirSync(join(gw.data, 'db'))) {
      assert.ok(!readFileSync(join(gw.data, 'db', name)).includes(json.secret), name);
    }
    assert.ok(!gw.log.includes(json.secret));
  });

  await it('makes an id when none is given, and a public one without a secret', async () => {
    const { json } = await make({ name: 'Telefon', confidential: false, grants: ['urn:ietf:params:oauth:grant-type:device_code'] }, 201);
    assert.match(json.id, /^[0-9a-f]{16}$/);
    assert.equal(json.secret, undefined);
    assert.deepEqual(json.grants, ['urn:ietf:params:oauth:grant-type:device_code']);
    await anyone.post('/v1/oauth/device_authorization', { form: { client_id: json.id }, expect: 200 });
    await anyone.post('/v1/oauth/token', {
      form: { grant_type: 'refresh_token', refresh_token: 'x', client_id: json.id },
      expect: [400, 'unauthorized_client'],
    });
  });

  await it('refuses what is taken, ours, or malformed', async () => {
    await make({ id: 'billing', name: 'Again' }, [409, 'name-taken']);
    for (const id of ['secctl', 'web', 'secgate']) await make({ id, name: 'Ours' }, [409, 'name-taken']);
    for (const id of ['', '.x', 'a b', 'a/b', 'ä', 'x'.repeat(64)]) await make({ id, name: 'Bad' }, [400, 'parameter-invalid']);
    for (const name of ['', 'x'.repeat(65), 'a\nb', 'a\u0085b']) await make({ name }, [400, 'parameter-invalid']);
    await make({ name: 'Bad', grants: ['password'] }, [400, 'parameter-invalid']);
    await make({ name: 'Bad', grants: [], confidential: false }, [400, 'parameter-invalid']);
    await make({ name: 'Bad', more: 1 }, [400, 'parameter-invalid']);
  });

  await it('admins only', async () => {
    await make({ name: 'Mine' }, [403, 'forbidden'], ann);
    await anyone.post('/v1/oauth/clients', { json: { name: 'Mine' }, expect: [401, 'unauthenticated'] });
  });
});
