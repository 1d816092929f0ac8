// SPDX-License-Identifier: Apache-2.0
// The end of a token for scripts, at once and everywhere.
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';

suite('tokens_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const anyone = gw.client();
  let number = 0;
  const make = async (scopes) =>
    (await ann.post('/v1/tokens', { json: { name: `t${number++}`, scopes, expires_in: 3600 }, expect: 201 })).json;

  await it('counts from the answer on, also for what was remembered', async () => {
    const { id, token } = await make(['files:read']);
    for (let i = 0; i < 3; i++) await anyone.get('/v1/users/me', { token, expect: 200 });
    await ann.delete(`/v1/tokens/${id}`, { expect: 204 });
    await anyone.get('/v1/users/me', { token, expect: [401, 'token-invalid'] });
    assert.deepEqual((await ann.get('/v1/tokens', { expect: 200 })).json.tokens, []);
    await ann.delete(`/v1/tokens/${id}`, { expect: [404, 'not-found'] });
  });

  await it('ends a poll that waits and a stream that runs', async () => {
    const { id, token } = await make(['chat:read']);
    const { next } = (await anyone.get('/v1/events', { token, query: { wait: 0 }, expect: 200 })).json;
    const headers = { accept: 'text/event-stream' };
    const stream = await anyone.get('/v1/events', { token, headers, stream: true });
    assert.equal(stream.statusCode, 200);
    const ended = (async () => {
      let text = '';
      for await (const chunk of stream.body) text += chunk;
      return text;
    })();
    const poll = anyone.get('/v1/events', { token, query: { after: next, wait: 30 }, expect: [401, 'session-ended'] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = Date.now();
    await ann.delete(`/v1/tokens/${id}`, { expect: 204 });
    await poll;
    await ended.catch(() => undefined);
    assert.ok(Date.now() - began < 5000, 'at once');
  });

  await it('is mine to end only', async () => {
    const { id, token } = await make(['files:read']);
    await bob.delete(`/v1/tokens/${id}`, { expect: [404, 'not-found'] });
    await admin.delete(`/v1/tokens/${id}`, { expect: [404, 'not-found'] });
    await anyone.delete(`/v1/tokens/${id}`, { token, expect: [403, 'login-needed'] });
    await anyone.delete(`/v1/tokens/${id}`, { expect: [401, 'unauthenticated'] });
    await anyone.get('/v1/users/me', { token, expect: 200 });
    for (const bad of ['0000000000000000', 'x', id.toUpperCase().replace(/[0-9]/g, 'A'), `${id}00`])
      await ann.delete(`/v1/tokens/${bad}`, { expect: [404, 'not-found'] });
  });

  await it('survives a restart', async () => {
    const kept = await make(['files:read']), gone = await make(['files:read']);
    await ann.delete(`/v1/tokens/${gone.id}`, { expect: 204 });
    await gw.restart();
    const fresh = gw.client();
    await fresh.get('/v1/users/me', { token: kept.token, expect: 200 });
    await fresh.get('/v1/users/me', { token: gone.token, expect: [401, 'token-invalid'] });
  });
});
