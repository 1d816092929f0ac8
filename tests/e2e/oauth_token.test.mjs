// SPDX-License-Identifier: Apache-2.0
// Refresh of tokens (RFC 6749 section 6) with rotation.
import assert from 'node:assert/strict';
import { decodeJwt } from 'jose';
import { basic, DEVICE } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_token', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();
  const ask = (form, options) => anyone.post('/v1/oauth/token', { form, ...options });
  const refresh = (refresh_token, expect) => ask({ grant_type: 'refresh_token', refresh_token }, { expect });

  await it('gives new tokens of the same session', async () => {
    const client = await gw.login('ann', ann.password);
    const { json, headers } = await refresh(client.session.refresh_token, 200);
    assert.match(headers['cache-control'], /no-store/);
    assert.equal(json.expires_in, 600);
    assert.notEqual(json.refresh_token, client.session.refresh_token);
    const before = decodeJwt(client.token);
    const after = decodeJwt(json.access_token);
    assert.equal(after.sid, before.sid);
    assert.equal(after.sub, 'ann');
    assert.notEqual(after.jti, before.jti);
    assert.equal(json.scope, after.scope);
    await anyone.get('/v1/users/me', { token: json.access_token, expect: 200 });
    await anyone.get('/v1/users/me', { token: client.token, expect: 200 });
  });

  await it('the scope follows the role', async () => {
    const words = (await refresh((await gw.login('ann', ann.password)).session.refresh_token, 200)).json.scope.split(' ');
    for (const word of ['files:read', 'files:write', 'chat:read', 'chat:write', 'sign', 'verify']) assert.ok(words.includes(word));
    assert.ok(!words.includes('admin'));
    const mine = await gw.login(admin.username, admin.password);
    assert.ok((await refresh(mine.session.refresh_token, 200)).json.scope.split(' ').includes('admin'));
  });

  await it('a narrower scope for one access token, never a wider one', async () => {
    const client = await gw.login('ann', ann.password);
    const narrow = (refresh_token, scope, expect) => ask({ grant_type: 'refresh_token', refresh_token, scope }, { expect });
    const first = (await narrow(client.session.refresh_token, 'files:read sign', 200)).json;
    assert.equal(first.scope, 'files:read sign');
    assert.equal(decodeJwt(first.access_token).scope, 'files:read sign');
    for (const scope of ['admin', 'files:read admin', 'root', 'files:read root']) await narrow(first.refresh_token, scope, [400, 'invalid_scope']);
    // The grant itself is as wide as before, and nothing was used up.
    assert.ok((await refresh(first.refresh_token, 200)).json.scope.includes('chat:write'));
  });

  await it('says that it is an admin\u2019s only with the scope of admins', async () => {
    const mine = await gw.login(admin.username, admin.password);
    const role = async (more) => {
      const form = { grant_type: 'refresh_token', refresh_token: mine.session.refresh_token, ...more };
      return decodeJwt((await ask(form, { expect: 200 })).json.access_token).role;
    };
    assert.equal(await role({ scope: 'files:read sign' }), 'member');
    assert.equal(await role({ scope: 'files:read admin' }), 'admin');
    assert.equal(await role({}), 'admin');
  });

  await it('of a client with a secret, by that client only', async () => {
    const { id, secret } = (await admin.post('/v1/oauth/clients', { json: { id: 'tv', name: 'TV' }, expect: 201 })).json;
    const headers = { authorization: basic(id, secret) };
    const codes = (await anyone.post('/v1/oauth/device_authorization', { form: { client_id: id }, headers, expect: 200 })).json;
    await ann.post('/v1/oauth/device', { json: { user_code: codes.user_code, approve: true }, expect: 204 });
    const { json } = await ask({ grant_type: DEVICE, device_code: codes.device_code }, { headers, expect: 200 });
    const form = { grant_type: 'refresh_token', refresh_token: json.refresh_token };
    await ask(form, { expect: [400, 'invalid_grant'] });
    await ask({ ...form, client_id: 'secctl' }, { expect: [400, 'invalid_grant'] });
    await ask({ ...form, client_id: id }, { expect: [401, 'invalid_client'] });
    await ask({ ...form, client_id: id, client_secret: secret }, { expect: 200 });
    await ask(form, { headers, expect: 200 });
  });

  await it('twenty at once with one token get one successor, and nobody is logged out', async () => {
    const client = await gw.login('ann', ann.password);
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(client.session.refresh_token, 200)));
    const successors = new Set(answers.map(({ json }) => json.refresh_token));
    assert.equal(successors.size, 1);
    for (const { json } of answers) await anyone.get('/v1/users/me', { token: json.access_token, expect: 200 });
    await refresh([...successors][0], 200);
  });

  await it('the old token goes on to work until its successor is used', async () => {
    const client = await gw.login('ann', ann.password);
    const first = client.session.refresh_token;
    const second = (await refresh(first, 200)).json.refresh_token;
    assert.equal((await refresh(first, 200)).json.refresh_token, second);
    await refresh(second, 200);
  });

  await it('reuse after the successor was used ends the family', async () => {
    const client = await gw.login('ann', ann.password);
    const first = client.session.refresh_token;
    const second = (await refresh(first, 200)).json.refresh_token;
    const third = (await refresh(second, 200)).json;
    await anyone.get('/v1/users/me', { token: third.access_token, expect: 200 });
    await refresh(first, [400, 'invalid_grant']);
    await anyone.get('/v1/users/me', { token: third.access_token, expect: [401, 'session-ended'] });
    await refresh(third.refresh_token, [400, 'invalid_grant']);
    await refresh(second, [400, 'invalid_grant']);
    await ann.get('/v1/users/me', { expect: 200 });
  });

  await it('rotation holds over a restart', async () => {
    const client = await gw.login('ann', ann.password);
    const first = client.session.refresh_token;
    const second = (await refresh(first, 200)).json.refresh_token;
    await gw.restart();
    const later = gw.client();
    const again = (token, expect) =>
      later.post('/v1/oauth/token', { form: { grant_type: 'refresh_token', refresh_token: token }, expect });
    assert.equal((await again(first, 200)).json.refresh_token, second);
    await again(second, 200);
    await again(first, [400, 'invalid_grant']);
    await later.destroy();
  });

  const late = gw.client();
  const form = (body, expect) =>
    late.post('/v1/oauth/token', { body, type: 'application/x-www-form-urlencoded', invalid: true, expect });

  await it('refuses tokens that it never made', async () => {
    for (const token of ['x', 'A'.repeat(43), 'x'.repeat(128), '%FF', '%00', '..']) {
      await form(`grant_type=refresh_token&refresh_token=${token}`, [400, /^invalid_(grant|request)$/]);
    }
    const wrong = (await gw.login('ann', ann.password)).session.refresh_token;
    const flipped = (wrong[0] === 'A' ? 'B' : 'A') + wrong.slice(1);
    await form(`grant_type=refresh_token&refresh_token=${flipped}`, [400, 'invalid_grant']);
  });

  await it('says what is wrong with a request, as RFC 6749 does', async () => {
    const { refresh_token: token } = (await gw.login('ann', ann.password)).session;
    await form(`grant_type=password&username=ann&password=x`, [400, 'unsupported_grant_type']);
    await form(`grant_type=authorization_code&code=1`, [400, 'unsupported_grant_type']);
    await form(`refresh_token=${token}`, [400, 'invalid_request']);
    await form('grant_type=refresh_token', [400, 'invalid_request']);
    await form('grant_type=refresh_token&refresh_token=', [400, 'invalid_request']);
    await form('', [400, 'invalid_request']);
    await form(`grant_type=refresh_token&refresh_token=${token}&refresh_token=${token}`, [400, 'invalid_request']);
    await form(`grant_type=refresh_token&grant_type=refresh_token&refresh_token=${token}`, [400, 'invalid_request']);
    await form(`grant_type=refresh_token&refresh_token=%zz`, [400, /^invalid_(grant|request)$/]);
    await form(`grant_type=refresh_token&refresh_token=${token}&client_id=secctl&unknown=1`, 200);
    await form(`grant_type=refresh_token&refresh_token=${token}&client_id=nobody`, [401, 'invalid_client']);
    await form(`grant_type=refresh_token&refresh_token=${token}&client_id=secctl&client_secret=x`, [401, 'invalid_client']);
    await form(`grant_type=refresh_token&refresh_token=${token}&scope=everything`, [400, 'invalid_scope']);
  });

  await it('takes forms only, of reasonable size', async () => {
    const json = JSON.stringify({ grant_type: 'refresh_token', refresh_token: 'x' });
    const expect = [415, 'unsupported-media-type'];
    await late.post('/v1/oauth/token', { body: json, type: 'application/json', invalid: true, expect });
    await form(`grant_type=refresh_token&refresh_token=${'x'.repeat(1 << 20)}`, [413, 'too-large']);
  });
});
