// SPDX-License-Identifier: Apache-2.0
// Tokens for scripts: what they look like, what they may, and where they count.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './lib/gateway.mjs';
import { BAD_MEMBER, needsJson } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';
import { itemOf } from './lib/signing.mjs';

const HOUR = 3600;
const item = (name) => {
  const { digests, ...rest } = itemOf(name);
  return { ...rest, digests };
};

suite('tokens_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const anyone = gw.client();
  const make = async (client, more = {}) => {
    const json = { name: `t${Math.random()}`, scopes: ['files:read'], expires_in: HOUR, ...more };
    return (await client.post('/v1/tokens', { json, expect: 201 })).json;
  };
  await admin.post('/v1/keys', { json: { name: 'nightly', type: 'ed25519' }, expect: 201 });
  const me = (token, expect) => anyone.get('/v1/users/me', { token, expect });

  await it('shows a token once, with check digits that a scanner can verify', async () => {
    const made = await make(ann, { name: 'nightly', scopes: ['sign', 'files:read'], keys: ['nightly'] });
    assert.match(made.token, /^sgp_[A-Za-z0-9_-]{49}$/);
    const digits = createHash('sha256').update(made.token.slice(0, -6)).digest('base64url').slice(0, 6);
    assert.equal(made.token.slice(-6), digits);
    assert.deepEqual(made.scopes, ['files:read', 'sign']);
    assert.deepEqual(made.keys, ['nightly']);
    assert.equal(made.spaces, undefined);
    assert.equal(Math.round((Date.parse(made.expires_at) - Date.parse(made.created_at)) / 1000), HOUR);
    assert.equal((await me(made.token, 200)).json.username, 'ann');
  });

  await it('keeps nothing of the text', async () => {
    const made = await make(ann);
    const secret = made.token.slice(4, 47);
    for (const file of readdirSync(gw.data, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const content = readFileSync(join(file.parentPath ?? file.path, file.name));
      assert.ok(!content.includes(secret), `${file.name} has the token`);
      assert.ok(!content.includes(Buffer.from(secret, 'base64url')), `${file.name} has the random bytes`);
    }
    assert.ok(!gw.log.includes(secret));
  });

  await it('refuses mistyped, foreign and shortened ones', async () => {
    const { token } = await make(ann);
    const flip = (at) => token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    for (const bad of [flip(5), flip(46), flip(52), token.slice(0, -1), `${token}A`, 'sgp_', `sgp_${'A'.repeat(49)}`]) {
      await me(bad, [401, 'token-invalid']);
    }
    const random = `sgp_${Buffer.alloc(32, 7).toString('base64url')}`;
    await me(random + createHash('sha256').update(random).digest('base64url').slice(0, 6), [401, 'token-invalid']);
    await me(token, 200);
  });

  await it('never gives more than who makes it has', async () => {
    const json = { name: 'root', scopes: ['admin'], expires_in: HOUR };
    await ann.post('/v1/tokens', { json, expect: [403, 'forbidden'] });
    const { token } = await make(admin, { scopes: ['admin'] });
    await anyone.get('/v1/users', { token, expect: 200 });
    await anyone.get('/v1/files/common/', { token, expect: [403, 'forbidden'] });
  });

  await it('a token of a script makes no login, no other token, no password', async () => {
    const { token } = await make(ann, { scopes: ['files:read', 'files:write', 'chat:read', 'chat:write', 'sign', 'verify'] });
    const as = (method, path, options) => anyone.request(method, path, { token, ...options });
    const json = { name: 'more', scopes: ['files:read'], expires_in: HOUR };
    await as('POST', '/v1/tokens', { json, expect: [403, 'login-needed'] });
    await as('GET', '/v1/tokens', { expect: [403, 'login-needed'] });
    await as('DELETE', '/v1/tokens/0000000000000000', { expect: [403, 'login-needed'] });
    await as('GET', '/v1/sessions', { expect: [403, 'login-needed'] });
    await as('GET', '/v1/sessions/current', { expect: [403, 'login-needed'] });
    await as('DELETE', '/v1/sessions/current', { expect: [403, 'login-needed'] });
    await as('PATCH', '/v1/users/me', {
      json: { old_password: ann.password, new_password: 'some other password' },
      expect: [403, 'login-needed'],
    });
  });

  await it('counts in its spaces only', async () => {
    await ann.post('/v1/spaces', { json: { name: 'one' }, expect: 201 });
    await ann.post('/v1/spaces', { json: { name: 'two' }, expect: 201 });
    for (const space of ['one', 'two', '~ann']) await ann.put(`/v1/files/${space}/a`, { body: space, expect: 201 });
    const scopes = ['files:read', 'files:write', 'chat:read', 'chat:write', 'sign', 'verify'];
    const { token, spaces } = await make(ann, { scopes, spaces: ['one'] });
    assert.deepEqual(spaces, ['one']);
    const as = (method, path, options) => anyone.request(method, path, { token, ...options });
    await as('GET', '/v1/files/one/a', { expect: 200 });
    await as('PUT', '/v1/files/one/b', { body: 'b', expect: 201 });
    for (const space of ['two', '~ann', '~me', 'common', '@bob']) {
      await as('GET', `/v1/files/${space}/a`, { expect: [404, 'not-found'] });
      await as('GET', `/v1/files/${space}/`, { expect: [404, 'not-found'] });
      await as('PUT', `/v1/files/${space}/b`, { body: 'b', expect: [404, 'not-found'] });
      await as('DELETE', `/v1/files/${space}/a`, { expect: [404, 'not-found'] });
      await as('GET', `/v1/spaces/${space}`, { expect: [404, 'not-found'] });
      await as('GET', `/v1/spaces/${space}/members`, { expect: [404, 'not-found'] });
      await as('GET', `/v1/chat/${space}/messages`, { expect: [404, 'not-found'] });
      await as('GET', `/v1/chat/${space}/presence`, { expect: [404, 'not-found'] });
      await as('POST', `/v1/chat/${space}/messages`, { json: { text: 'x' }, expect: [404, 'not-found'] });
      await as('POST', `/v1/chat/${space}/typing`, { expect: [404, 'not-found'] });
      await as('GET', '/v1/events', { query: { space, wait: 0 }, expect: [404, 'not-found'] });
    }
    await as('PATCH', '/v1/files/one/b', { json: { path: 'two/b' }, expect: [404, 'not-found'] });
    await as('PATCH', '/v1/files/two/a', { json: { path: 'one/c' }, expect: [404, 'not-found'] });
    await as('POST', '/v1/spaces', { json: { name: 'three' }, expect: [403, 'forbidden'] });
    const list = (await as('GET', '/v1/spaces', { expect: 200 })).json.spaces;
    assert.deepEqual(list.map(({ name }) => name), ['one']);
  });

  await it('shows in polls and streams the events of its spaces only', async () => {
    const { token } = await make(ann, { scopes: ['chat:read'], spaces: ['one'] });
    const now = (await anyone.get('/v1/events', { token, query: { wait: 0 }, expect: 200 })).json.next;
    const waiting = anyone.get('/v1/events', { token, query: { after: now, wait: 20 }, expect: 200 });
    await ann.post('/v1/chat/two/messages', { json: { text: 'secret' }, expect: 201 });
    await ann.post('/v1/chat/~me/messages', { json: { text: 'private' }, expect: 201 });
    await ann.post('/v1/chat/one/messages', { json: { text: 'shown' }, expect: 201 });
    const { json } = await waiting;
    assert.ok(json.events.length > 0);
    assert.deepEqual([...new Set(json.events.map(({ space }) => space))], ['one']);
    const all = (await anyone.get('/v1/events', { token, query: { after: now, wait: 0 }, expect: 200 })).json;
    assert.deepEqual(all.events.map(({ text }) => text), ['shown']);
  });

  await it('the user hears of all spaces before and after a limited token was used', async () => {
    const now = (await ann.get('/v1/events', { query: { wait: 0 }, expect: 200 })).json.next;
    const { token } = await make(ann, { scopes: ['chat:read'], spaces: ['one'] });
    await anyone.get('/v1/events', { token, query: { wait: 0 }, expect: 200 });
    await ann.post('/v1/chat/two/messages', { json: { text: 'for ann' }, expect: 201 });
    const { events } = (await ann.get('/v1/events', { query: { after: now, wait: 0 }, expect: 200 })).json;
    assert.deepEqual(events.map(({ text }) => text), ['for ann']);
  });

  await it('a space of the same name made later is another one', async () => {
    await ann.post('/v1/spaces', { json: { name: 'short' }, expect: 201 });
    const { token } = await make(ann, { scopes: ['files:read'], spaces: ['short'] });
    await anyone.get('/v1/files/short/', { token, expect: 200 });
    await ann.delete('/v1/spaces/short', { expect: 204 });
    await anyone.get('/v1/files/short/', { token, expect: [404, 'not-found'] });
    await ann.post('/v1/spaces', { json: { name: 'short' }, expect: 201 });
    await anyone.get('/v1/files/short/', { token, expect: [404, 'not-found'] });
  });

  await it('an empty list is nothing', async () => {
    const { token } = await make(ann, { scopes: ['files:read', 'verify'], spaces: [], keys: [] });
    await anyone.get('/v1/files/~me/', { token, expect: [404, 'not-found'] });
    assert.deepEqual((await anyone.get('/v1/spaces', { token, expect: 200 })).json.spaces, []);
    assert.deepEqual((await anyone.get('/v1/keys', { token, expect: 200 })).json.keys, []);
  });

  await it('counts for its keys only', async () => {
    for (const name of ['alpha', 'beta']) {
      await admin.post('/v1/keys', { json: { name, type: 'ed25519' }, expect: 201 });
    }
    const { token } = await make(admin, { scopes: ['sign', 'verify', 'admin'], keys: ['alpha'] });
    const as = (method, path, options) => anyone.request(method, path, { token, ...options });
    const sign = (key, expect) => as('POST', '/v1/signatures', { json: { key, items: [item('a')] }, expect });
    await sign('alpha', 201);
    await sign('beta', [404, 'not-found']);
    const names = (await as('GET', '/v1/keys', { expect: 200 })).json.keys.map(({ name }) => name);
    assert.deepEqual(names, ['alpha']);
    await as('GET', '/v1/keys/alpha', { expect: 200 });
    await as('GET', '/v1/keys/beta', { expect: [404, 'not-found'] });
    await as('PATCH', '/v1/keys/beta', { json: { disabled: true }, expect: [404, 'not-found'] });
    await as('POST', '/v1/keys/beta/rotate', { json: {}, expect: [404, 'not-found'] });
    await as('POST', '/v1/keys', { json: { name: 'gamma', type: 'ed25519' }, expect: [403, 'forbidden'] });
    // Nor does it make somebody who has no limits, or see what others do.
    await as('POST', '/v1/invites', { json: { role: 'admin', expires_in: HOUR }, expect: [403, 'forbidden'] });
    await as('GET', '/v1/audit', { expect: [403, 'forbidden'] });
    const signed = (await admin.post('/v1/signatures', { json: { key: 'beta', items: [item('b')] }, expect: 201 })).json;
    const { index } = signed.signatures[0].log;
    await as('GET', `/v1/signatures/${index}`, { expect: [404, 'not-found'] });
    await as('GET', '/v1/signatures', { expect: [403, 'forbidden'] });
    await as('GET', '/v1/signatures', { query: { key: 'beta' }, expect: [403, 'forbidden'] });
    const { signatures } = (await as('GET', '/v1/signatures', { query: { key: 'alpha' }, expect: 200 })).json;
    assert.equal(signatures.length, 1);
  });

  await it('ends with its time, its user and its role', async () => {
    const { token } = await make(bob);
    await me(token, 200);
    await admin.patch('/v1/users/bob', { json: { disabled: true }, expect: 200 });
    await me(token, [401, /^(session-ended|token-invalid)$/]);
    await admin.patch('/v1/users/bob', { json: { disabled: false }, expect: 200 });
    await me(token, 200);
    const again = await gw.user(admin, 'eve');
    const raised = await make(again, { scopes: ['files:read'] });
    await admin.delete('/v1/users/eve', { expect: 204 });
    await me(raised.token, [401, /^(session-ended|token-invalid)$/]);
  });

  await it('works after a logout of the session that made it, and shows its last use', async () => {
    const other = await gw.login('bob', bob.password);
    const { token, id } = await make(other);
    await other.delete('/v1/sessions/current', { expect: 204 });
    await me(token, 200);
    const mine = await gw.login('bob', bob.password);
    await eventually(async () => {
      const { tokens } = (await mine.get('/v1/tokens', { expect: 200 })).json;
      const found = tokens.find((one) => one.id === id);
      return found.last_address === '127.0.0.1' && Date.now() - Date.parse(found.last_used_at) < 60000;
    }, 'the last use');
  });

  await it('refuses what it does not understand', async () => {
    const good = { name: 'x', scopes: ['files:read'], expires_in: HOUR };
    for (const [json, detail] of [
      [{ ...good, scopes: ['files:read', 'everything'] }, /^scopes/],
      [{ ...good, scopes: [] }, /^scopes/],
      [{ ...good, scopes: ['files:read sign'] }, /^scopes/],
      [{ ...good, expires_in: 59 }, /^expires_in/],
      [{ ...good, expires_in: 366 * 86400 + 1 }, /^expires_in/],
      [{ ...good, name: '' }, /^name/],
      [{ ...good, name: 'a\nb' }, /^name/],
      [{ ...good, spaces: ['nowhere'] }, /^spaces/],
      [{ ...good, spaces: ['@bob'] }, /^spaces/],
      [{ ...good, keys: ['Not a key'] }, /^keys/],
      [{ ...good, keys: ['nightly', 'nowhere'] }, /^keys: there is none/],
      [{ ...good, spaces: Array.from({ length: 17 }, () => 'one') }, /^spaces/],
    ]) {
      const answer = await ann.post('/v1/tokens', { json, invalid: true, expect: [400, BAD_MEMBER] });
      assert.match(answer.json.detail, detail);
    }
    await needsJson(ann, 'POST', '/v1/tokens', good);
    await ann.post('/v1/tokens', { json: good, expect: 201 });
    await ann.post('/v1/tokens', { json: good, expect: [409, 'name-taken'] });
    await anyone.post('/v1/tokens', { json: good, expect: [401, 'unauthenticated'] });
  });

  await it('a user has a hundred at most', async () => {
    const cem = await gw.user(admin, 'cem');
    for (let i = 0; i < 100; i++) await make(cem, { name: `t${i}` });
    const json = { name: 'one more', scopes: ['files:read'], expires_in: HOUR };
    await cem.post('/v1/tokens', { json, expect: [409, 'limit-reached'] });
    const { tokens } = (await cem.get('/v1/tokens', { expect: 200 })).json;
    await cem.delete(`/v1/tokens/${tokens[0].id}`, { expect: 204 });
    await cem.post('/v1/tokens', { json, expect: 201 });
  });
});
