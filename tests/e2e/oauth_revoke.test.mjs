// SPDX-License-Identifier: Apache-2.0
// The end of tokens (RFC 7009), at once and for good.
import assert from 'node:assert/strict';
import { basic, DEVICE, exchangeForm } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_revoke', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  let anyone = gw.client();
  const revoke = (form, expect = 200, more = {}) => anyone.post('/v1/oauth/revoke', { form, expect, ...more });
  const me = (token, expect) => anyone.get('/v1/users/me', { token, expect });
  const exchange = async (token, more) => (await anyone.post('/v1/oauth/token', { form: exchangeForm(token, more), expect: 200 })).json.access_token;

  await it('a refresh token ends its session and all of its tokens', async () => {
    const client = await gw.login('ann', ann.password);
    const narrow = await exchange(client.token, { scope: 'files:read' });
    const answer = await revoke({ token: client.session.refresh_token, token_type_hint: 'refresh_token' });
    assert.equal(answer.bytes.length, 0);
    assert.match(answer.headers['cache-control'], /no-store/);
    await me(client.token, [401, 'session-ended']);
    await me(narrow, [401, 'session-ended']);
    const form = { grant_type: 'refresh_token', refresh_token: client.session.refresh_token };
    await anyone.post('/v1/oauth/token', { form, expect: [400, 'invalid_grant'] });
    await ann.get('/v1/users/me', { expect: 200 });
  });

  await it("a login's access token does too, whatever the hint says", async () => {
    const client = await gw.login('ann', ann.password);
    await revoke({ token: client.token, token_type_hint: 'refresh_token' });
    await me(client.token, [401, 'session-ended']);
  });

  await it('an exchanged token ends with what was exchanged from it, and alone else, also after a restart', async () => {
    const one = await exchange(ann.token, { scope: 'files:read' });
    const child = await exchange(one);
    const grandchild = await exchange(child);
    const two = await exchange(ann.token, { scope: 'files:read' });
    for (const token of [one, child, grandchild]) await me(token, 200);
    await revoke({ token: grandchild });
    await me(grandchild, [401, 'token-invalid']);
    await me(child, 200);
    await revoke({ token: one });
    await me(one, [401, 'token-invalid']);
    await me(child, [401, 'token-invalid']);
    await revoke({ token: child });
    await me(two, 200);
    await ann.get('/v1/users/me', { expect: 200 });
    await anyone.post('/v1/oauth/token', { form: exchangeForm(one), expect: [400, 'invalid_request'] });
    const { origin } = gw;
    await gw.restart();
    assert.equal(gw.origin, origin);
    anyone = gw.client();
    for (const token of [one, child, grandchild]) await me(token, [401, 'token-invalid']);
    await me(two, 200);
  });

  await it("a script's token, and what was exchanged for it", async () => {
    const login = await gw.login('ann', ann.password);
    const { token } = (await login.post('/v1/tokens', { json: { name: 'ci', scopes: ['files:read', 'sign'], expires_in: 3600 }, expect: 201 })).json;
    const narrow = await exchange(token, { scope: 'files:read' });
    await me(narrow, 200);
    await revoke({ token });
    await me(token, [401, 'token-invalid']);
    await me(narrow, [401, 'token-invalid']);
    assert.deepEqual((await login.get('/v1/tokens', { expect: 200 })).json.tokens, []);
  });

  await it('what is no token is answered alike', async () => {
    for (const token of ['x', 'sgr_AAAA', ann.token.slice(0, -3)]) await revoke({ token });
    const client = await gw.login('ann', ann.password);
    await revoke({ token: client.token });
    await revoke({ token: client.token });
  });

  await it('another client may not; the one it was given to may', async () => {
    const admin2 = await gw.login(admin.username, admin.password);
    const { id, secret } = (await admin2.post('/v1/oauth/clients', { json: { id: 'tv', name: 'TV' }, expect: 201 })).json;
    const headers = { authorization: basic(id, secret) };
    const codes = (await anyone.post('/v1/oauth/device_authorization', { form: { client_id: id }, headers, expect: 200 })).json;
    const user = await gw.login('ann', ann.password);
    await user.post('/v1/oauth/device', { json: { user_code: codes.user_code, approve: true }, expect: 204 });
    const form = { grant_type: DEVICE, device_code: codes.device_code };
    const { access_token: token, refresh_token } = (await anyone.post('/v1/oauth/token', { form, headers, expect: 200 })).json;
    await revoke({ token: refresh_token, client_id: 'secctl' }, [400, 'invalid_grant']);
    await revoke({ token: refresh_token, client_id: 'tv', client_secret: 'wrong' }, [401, 'invalid_client']);
    await me(token, 200);
    await revoke({ token: refresh_token }, 200, { headers });
    await me(token, [401, 'session-ended']);
  });

  await it('says what is wrong with the form', async () => {
    await revoke({}, [400, 'invalid_request'], { invalid: true });
    await revoke({ token: 'x', client_id: 'nobody' }, [401, 'invalid_client']);
  });
});
