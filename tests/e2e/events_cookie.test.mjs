// SPDX-License-Identifier: Apache-2.0
// The cookie that lets a browser's EventSource in, and nothing else.
import assert from 'node:assert/strict';
import { EventStream, here, say } from './lib/events.mjs';
import { needsToken, strangersToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const NAME = '__Secure-secgate-events';

suite('events_cookie', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();
  const ask = async (client = ann) => (await client.post('/v1/events/cookie', { expect: 204 })).headers['set-cookie'];
  const cookie = `${NAME}=${ann.token}`;
  const listen = (headers, expect, options = {}) => anyone.get('/v1/events', { headers, expect, ...options });

  await it('is the token, out of reach of scripts, for one path, as long as the token', async () => {
    const [value, ...attributes] = (await ask()).split('; ');
    assert.equal(value, cookie);
    const rest = Object.fromEntries(attributes.map((text) => text.split('=')));
    assert.deepEqual(Object.keys(rest), ['Path', 'Secure', 'HttpOnly', 'SameSite', 'Max-Age']);
    assert.deepEqual([rest.Path, rest.SameSite], ['/v1/events', 'Strict']);
    assert.ok(Number(rest['Max-Age']) > 500 && Number(rest['Max-Age']) <= 600);
  });

  await it('lets a stream and a poll in, among other cookies', async () => {
    for (const value of [cookie, `a=b; ${cookie}`, `${cookie}; a=b`, `a=b;${cookie};c=d`]) await listen({ cookie: value }, 200);
    const stream = await EventStream.open(anyone, { headers: { cookie, 'sec-fetch-site': 'same-origin' } });
    await say(ann, 'common', 'seen');
    assert.equal((await stream.nextOf('message')).json.text, 'seen');
    await stream.close();
  });

  await it('not when a browser says that another site asks', async () => {
    for (const site of ['cross-site', 'same-site', 'none', 'SAME-ORIGIN', 'x']) {
      await listen({ cookie, 'sec-fetch-site': site }, [401, 'unauthenticated']);
    }
    await listen({ cookie, 'sec-fetch-site': 'same-origin' }, 200);
  });

  await it('not beside an Authorization header, which counts alone', async () => {
    await listen({ cookie, authorization: `Bearer ${strangersToken}` }, [401, 'token-invalid']);
    await listen({ cookie, authorization: 'Basic YW5uOmFubg==' }, [401, 'unauthenticated']);
    await listen({ cookie: `${NAME}=${strangersToken}`, authorization: `Bearer ${ann.token}` }, 200);
  });

  await it('not on any other route', async () => {
    const refused = [
      ['GET', '/v1/users/me'],
      ['GET', '/v1/spaces'],
      ['GET', '/v1/chat/common/messages'],
      ['POST', '/v1/chat/common/messages', { json: { text: 'x' } }],
      ['POST', '/v1/chat/common/typing'],
      ['POST', '/v1/events/cookie'],
      ['GET', '/v1/files/common/'],
      ['PUT', '/v1/files/common/x', { body: 'x' }],
      ['DELETE', '/v1/sessions/current'],
      ['POST', '/v1/invites', { json: {} }],
    ];
    for (const [method, path, options] of refused) {
      await anyone.request(method, path, { headers: { cookie }, expect: [401, 'unauthenticated'], ...options });
    }
  });

  await it('not with a bad token, nor after the end of the session', async () => {
    for (const value of [strangersToken, 'x', `${ann.token}x`, `"${ann.token}"`]) {
      await listen({ cookie: `${NAME}=${value}` }, [401, 'token-invalid']);
    }
    for (const value of [`${NAME}=`, `x${cookie}`, `${NAME}x=${ann.token}`, 'a=b']) await listen({ cookie: value }, [401, 'unauthenticated']);
    const bob = await gw.user(admin, 'bob');
    const bobs = { cookie: (await ask(bob)).split(';')[0] };
    await listen(bobs, 200, { query: { after: await here(bob) } });
    await bob.delete('/v1/sessions/current', { expect: 204 });
    await listen(bobs, [401, 'session-ended']);
  });

  await it('takes no body', () => ann.post('/v1/events/cookie', { json: {}, invalid: true, expect: [413, 'too-large'] }));
  await it('needs a token', () => needsToken(gw.client(), 'POST', '/v1/events/cookie'));
});
