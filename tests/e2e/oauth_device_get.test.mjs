// SPDX-License-Identifier: Apache-2.0
// What somebody sees of a device before it decides, and what guessing codes costs.
import assert from 'node:assert/strict';
import { exchangeForm } from './lib/oauth.mjs';
import { suite } from './lib/suite.mjs';

suite('oauth_device_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const device = gw.client({ localAddress: '127.0.0.7' });
  const begin = async (form = {}) => (await device.post('/v1/oauth/device_authorization', { form: { client_id: 'secctl', ...form }, expect: 200 })).json;
  const look = (user_code, expect, who = ann, more = {}) => who.get('/v1/oauth/device', { query: { user_code }, expect, ...more });

  await it('tells who asks from where, and what for', async () => {
    const { user_code, expires_in } = await begin({ scope: 'files:read sign' });
    const { json } = await look(user_code, 200);
    assert.deepEqual([json.client_id, json.client_name, json.address], ['secctl', 'secctl', '127.0.0.7']);
    assert.deepEqual(json.scopes, ['files:read', 'sign']);
    assert.equal((Date.parse(json.expires_at) - Date.parse(json.created_at)) / 1000, expires_in);
  });

  await it('shows what it would get of the one who looks', async () => {
    const { user_code } = await begin();
    assert.ok(!(await look(user_code, 200)).json.scopes.includes('admin'));
    assert.ok((await look(user_code, 200, admin)).json.scopes.includes('admin'));
  });

  await it('a code may be typed in any way', async () => {
    const { user_code } = await begin();
    for (const text of [user_code.toLowerCase(), user_code.replace('-', ''), ` ${user_code.replace('-', ' ')} `]) await look(text, 200);
  });

  await it('only with a token of a login', async () => {
    const { user_code } = await begin();
    await look(user_code, [401, 'unauthenticated'], gw.client());
    const narrow = (await device.post('/v1/oauth/token', { form: exchangeForm(ann.token, { scope: 'files:read' }), expect: 200 })).json;
    await look(user_code, [403, 'login-needed'], gw.client(), { token: narrow.access_token });
    await ann.get('/v1/oauth/device', { invalid: true, expect: [400, 'parameter-invalid'] });
  });

  await it('who guesses must wait', async () => {
    const guesser = gw.client({ localAddress: '127.0.0.8', token: ann.token });
    const answers = [];
    for (let i = 0; i < 12; i += 1) answers.push((await look('BCDF-GHJK', undefined, guesser)).code);
    assert.deepEqual(answers.slice(0, 10), Array.from({ length: 10 }, () => 'not-found'));
    assert.equal(answers[11], 'throttled');
    const { user_code } = await begin();
    const answer = await look(user_code, [429, 'throttled'], guesser);
    assert.ok(Number(answer.headers['retry-after']) >= 1);
    await look(user_code, 200);
  });
});
