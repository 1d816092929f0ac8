// SPDX-License-Identifier: Apache-2.0
// Services that tokens may be for.
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';

suite('oauth_audiences_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const make = (json, expect, who = admin) => who.post('/v1/oauth/audiences', { json, expect, invalid: Array.isArray(expect) });

  await it('registers a name or an address with its scopes', async () => {
    const { json } = await make({ audience: 'https://billing.example/api', name: 'Billing', scopes: ['sign', 'files:read'] }, 201);
    assert.equal(json.audience, 'https://billing.example/api');
    assert.deepEqual(json.scopes, ['files:read', 'sign']);
    assert.equal(json.client, undefined);
    await make({ audience: 'reports', name: 'Reports', scopes: ['files:read'] }, 201);
  });

  await it('registers which client it is, one with a secret', async () => {
    await admin.post('/v1/oauth/clients', { json: { id: 'crm', name: 'CRM' }, expect: 201 });
    await admin.post('/v1/oauth/clients', { json: { id: 'tv', name: 'TV', confidential: false }, expect: 201 });
    const crm = { audience: 'https://crm.example', name: 'CRM', scopes: ['files:read'] };
    for (const client of ['nobody', 'tv', 'secctl', '', 'x'.repeat(64), 7]) await make({ ...crm, client }, [400, 'parameter-invalid']);
    assert.equal((await make({ ...crm, client: 'crm' }, 201)).json.client, 'crm');
    const listed = async () =>
      (await admin.get('/v1/oauth/audiences', { expect: 200 })).json.audiences.find(({ audience }) => audience === crm.audience);
    assert.equal((await listed()).client, 'crm');
    await admin.delete('/v1/oauth/clients/crm', { expect: 204 });
    assert.equal(await listed(), undefined);
  });

  await it('refuses what is taken, ours, or malformed', async () => {
    const scopes = ['files:read'];
    await make({ audience: 'reports', name: 'Again', scopes }, [409, 'name-taken']);
    await make({ audience: 'secgate', name: 'Ours', scopes }, [409, 'name-taken']);
    for (const audience of ['', 'a b', 'a"b', 'ä', 'a\\b', 'x'.repeat(256)]) {
      await make({ audience, name: 'Bad', scopes }, [400, 'parameter-invalid']);
    }
    await make({ audience: 'x', name: 'Bad', scopes: [] }, [400, 'parameter-invalid']);
    await make({ audience: 'x', name: 'Bad', scopes: ['root'] }, [400, 'parameter-invalid']);
    await make({ audience: 'x', name: 'Bad', scopes: 'files:read' }, [400, 'parameter-invalid']);
    await make({ audience: 'x', scopes }, [400, 'parameter-invalid']);
  });

  await it('admins only', async () => {
    await make({ audience: 'y', name: 'Mine', scopes: ['sign'] }, [403, 'forbidden'], ann);
  });
});
