// SPDX-License-Identifier: Apache-2.0
// A secret for an authenticator: who gets one, what it looks like, that it changes nothing before it is confirmed.
import assert from 'node:assert/strict';
import { enableTotp, oathtool } from './lib/authenticator.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('totp_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const create = (client, password, options) => client.post('/v1/users/me/totp', { json: { password }, ...options });

  await it('gives the same secret as text, as URI and as QR symbol', async () => {
    const { json, headers } = await create(ann, ann.password, { expect: 201 });
    assert.match(headers['cache-control'], /no-store/);
    const uri = new URL(json.uri);
    assert.equal(uri.searchParams.get('secret'), json.secret);
    assert.equal(uri.searchParams.get('digits'), '6');
    assert.equal(uri.searchParams.get('period'), '30');
    assert.ok(decodeURIComponent(uri.pathname).endsWith(':ann'), `${json.uri} names the user`);
    assert.ok(json.qr.every((row) => row.length === json.qr.length));
    assert.match(json.qr[0], /^1111111.*1111111$/);
  });

  await it('a secret that is not confirmed asks nobody for a code', async () => {
    await create(ann, ann.password, { expect: 201 });
    await gw.login('ann', ann.password);
    assert.equal((await ann.get('/v1/users/me/totp', { expect: 200 })).json.enabled, false);
  });

  await it('only the last secret counts', async () => {
    const first = (await create(ann, ann.password, { expect: 201 })).json.secret;
    const second = (await create(ann, ann.password, { expect: 201 })).json.secret;
    assert.notEqual(first, second);
    const confirm = (code, expect) => ann.post('/v1/users/me/totp/confirm', { json: { code }, expect });
    await confirm(oathtool(first), [401, 'second-factor-invalid']);
    await confirm(oathtool(second), 200);
  });

  await it('is refused while one is on', async () => {
    const bob = await gw.user(admin, 'bob');
    await enableTotp(bob);
    await create(bob, bob.password, { expect: [409, 'conflict'] });
  });

  await it('needs the right password', () => create(admin, 'another password', { expect: [401, 'credentials-invalid'] }));

  await it('needs a token', () =>
    needsToken(gw.client(), 'POST', '/v1/users/me/totp', { json: { password: 'correct horse battery' } }));

  await it('needs strict JSON', () => needsJson(admin, 'POST', '/v1/users/me/totp', { password: 'the first password' }));
});
