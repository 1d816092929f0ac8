// SPDX-License-Identifier: Apache-2.0
// Login.
import assert from 'node:assert/strict';
import { BAD_MEMBER, needsJson } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('sessions_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();
  const login = (json, options) => anyone.post('/v1/sessions', { json, ...options });

  await it('answers with everything a client needs', async () => {
    const { json, headers } = await login({ username: 'ann', password: ann.password }, { expect: 201 });
    assert.match(headers['cache-control'], /no-store/);
    assert.equal(json.token_type, 'Bearer');
    assert.equal(json.expires_in, 600);
    assert.equal(json.sequence, 1);
    assert.equal(json.user.username, 'ann');
    const days = (Date.parse(json.expires_at) - Date.now()) / 86400e3;
    assert.ok(days > 29 && days < 31, `${days} days`);
    await anyone.get('/v1/users/me', { token: json.token, expect: 200 });
  });

  await it('keeps the device', async () => {
    const device = { name: 'Ann\u2019s laptop', mac: '02:00:5E:10:00:0a' };
    const { json } = await login({ username: 'ann', password: ann.password, device }, { expect: 201 });
    const session = (await anyone.get('/v1/sessions/current', { token: json.token, expect: 200 })).json;
    assert.deepEqual(session.device, { name: device.name, mac: device.mac.toLowerCase() });
    const bare = await login({ username: 'ann', password: ann.password, device: { name: 'phone' } }, { expect: 201 });
    const other = (await anyone.get('/v1/sessions/current', { token: bare.json.token, expect: 200 })).json;
    assert.deepEqual(other.device, { name: 'phone', mac: null });
  });

  await it('every login is a session of its own', async () => {
    const one = (await login({ username: 'ann', password: ann.password }, { expect: 201 })).json;
    const two = (await login({ username: 'ann', password: ann.password }, { expect: 201 })).json;
    for (const member of ['session_id', 'token', 'refresh_token']) assert.notEqual(one[member], two[member]);
  });

  await it('wrong names and wrong passwords answer alike', async () => {
    const strip = ({ json, headers }) => {
      const { request_id: _, ...rest } = json;
      return { rest, challenge: headers['www-authenticate'], names: Object.keys(headers).sort() };
    };
    const expect = [401, 'credentials-invalid'];
    const wrong = strip(await login({ username: 'ann', password: 'a wrong password' }, { expect }));
    assert.deepEqual(strip(await login({ username: 'nobody', password: 'a wrong password' }, { expect })), wrong);
    assert.deepEqual(strip(await login({ username: 'No Body!', password: 'a wrong password' }, { expect })), wrong);
    assert.deepEqual(strip(await login({ username: 'ann', password: 'x' }, { expect })), wrong);
  });

  await it('tells a disabled user so, after the right password only', async () => {
    const bob = await gw.user(admin, 'bob');
    await admin.patch('/v1/users/bob', { json: { disabled: true }, expect: 200 });
    await login({ username: 'bob', password: bob.password }, { expect: [403, 'user-disabled'] });
    await login({ username: 'bob', password: 'a wrong password' }, { expect: [401, 'credentials-invalid'] });
  });

  await it('refuses bodies that make no sense', async () => {
    const good = { username: 'ann', password: ann.password };
    const bad = [
      {},
      { username: 'ann' },
      { password: ann.password },
      { ...good, username: 1 },
      { ...good, password: ['x'] },
      { ...good, device: 'laptop' },
      { ...good, device: {} },
      { ...good, device: { name: '' } },
      { ...good, device: { name: 'x'.repeat(65) } },
      { ...good, device: { name: 'a\u009b31m' } },
      { ...good, device: { name: 'x', mac: '02:00:5e:10:00' } },
      { ...good, device: { name: 'x', mac: 'zz:00:5e:10:00:01' } },
      { ...good, device: { name: 'x', serial: 1 } },
    ];
    for (const json of bad) await login(json, { invalid: true, expect: [400, BAD_MEMBER] });
    await needsJson(anyone, 'POST', '/v1/sessions', good);
  });

  await it('guessing is throttled per name and address; the owner gets in from elsewhere', async () => {
    const carl = await gw.user(admin, 'carl');
    const guesser = gw.client({ localAddress: '127.0.0.5' });
    let last;
    for (let i = 0; i < 200 && last?.status !== 429; i += 1) {
      last = await guesser.post('/v1/sessions', { json: { username: 'carl', password: `guess number ${i}` } });
      assert.ok(last.status === 401 || last.status === 429);
    }
    assert.equal(last.code, 'throttled');
    assert.ok(Number(last.headers['retry-after']) >= 1);
    const right = { username: 'carl', password: carl.password };
    await guesser.post('/v1/sessions', { json: right, expect: [429, 'throttled'] });
    const owner = gw.client({ localAddress: '127.0.0.2' });
    await owner.post('/v1/sessions', { json: right, expect: 201 });
    await carl.get('/v1/users/me', { expect: 200 });
  });

  await it('names that do not exist are throttled alike', async () => {
    const guesser = gw.client({ localAddress: '127.0.0.6' });
    let last;
    for (let i = 0; i < 200 && last?.status !== 429; i += 1) {
      last = await guesser.post('/v1/sessions', { json: { username: 'ghost', password: `guess number ${i}` } });
    }
    assert.equal(last.code, 'throttled');
  });

  await it('logins at once all succeed', async () => {
    const dora = await gw.user(admin, 'dora');
    const all = await Promise.all(
      Array.from({ length: 10 }, () => login({ username: 'dora', password: dora.password }, { expect: 201 }))
    );
    assert.equal(new Set(all.map(({ json }) => json.session_id)).size, 10);
  });
});
