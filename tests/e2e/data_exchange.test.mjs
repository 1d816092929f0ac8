// SPDX-License-Identifier: Apache-2.0
// Exchanges over the sealed channel, with an independent client: what it answers, and what it refuses.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { base64, bytes, Channel, keyPair, openChannel } from './lib/channel.mjs';
import { waiting } from './lib/events.mjs';
import { eventually } from './lib/gateway.mjs';
import { BAD_MEMBER, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const DATA = '/v1/sessions/current/data';

suite('data_exchange', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const open = (options) => openChannel(gw, 'ann', ann.password, options);
  const send = (client, json, expect) => client.post(DATA, { json, expect });

  await it('answers eight random letters and the time, sealed', async () => {
    for (const given of [false, true]) {
      const { client, channel } = await open({ given });
      const texts = new Set();
      for (let i = 1; i <= 25; i++) {
        const request = await channel.request(i % 3 === 0 ? '' : undefined);
        const answer = (await send(client, request, 200)).json;
        assert.equal(answer.sequence, i);
        assert.equal(answer.epoch, Math.floor((i - 1) / 10));
        assert.equal(answer.next_epoch, Math.floor(i / 10));
        const content = JSON.parse(await channel.open(request, answer));
        assert.deepEqual(Object.keys(content), ['text', 'time']);
        assert.match(content.text, /^[A-Z]{8}$/);
        assert.ok(Math.abs(Date.parse(content.time) - Date.now()) < 60000);
        texts.add(content.text);
      }
      assert.equal(texts.size, 25);
    }
  });

  await it('tells the terms of the channel', async () => {
    const { session } = await open();
    const { channel } = session;
    assert.equal(channel.suite, 'X25519-HKDF-SHA256-AES256GCM');
    assert.deepEqual(channel.bind, ['address']);
    assert.equal(channel.responses_per_epoch, 10);
    assert.equal(channel.window, 64);
    const life = Date.parse(channel.expires_at) - Date.parse(channel.created_at);
    assert.equal(life, 1800 * 1000);
    assert.ok(Math.abs(Date.parse(session.expires_at) - Date.parse(channel.expires_at)) <= 2000);
    assert.equal(channel.key, undefined);
    const given = (await open({ given: true, bind: [] })).session.channel;
    assert.equal(given.suite, 'GIVEN-HKDF-SHA256-AES256GCM');
    assert.deepEqual(given.bind, []);
    assert.equal(given.signature, undefined);
    assert.equal(given.server_public_key, undefined);
  });

  await it('refuses public keys that are none', async () => {
    const login = (channel, expect, invalid = true) =>
      gw.client().post('/v1/sessions', { json: { username: 'ann', password: ann.password, channel }, invalid, expect });
    await login({ public_key: base64(new Uint8Array(32)) }, [400, 'parameter-invalid'], false);
    await login({ public_key: base64(Uint8Array.of(1, ...new Uint8Array(31))) }, [400, 'parameter-invalid'], false);
    await login({ public_key: base64(new Uint8Array(31)) }, [400, 'parameter-invalid']);
    await login({ public_key: 'x' }, [400, 'parameter-invalid']);
    await login({ bind: ['moon'] }, [400, 'parameter-invalid']);
    await login({ bind: 'address' }, [400, BAD_MEMBER]);
    await login([], [400, BAD_MEMBER]);
    await login({ no_such_member: 1 }, [400, BAD_MEMBER]);
  });

  await it('notices a server that is not the one with the identity key', async () => {
    const { client, session } = await open();
    const pair = await keyPair();
    await assert.rejects(Channel.open(session, pair), /signature/);
    const other = base64(randomBytes(32));
    await assert.rejects(Channel.open(session, pair, other));
    await send(client, { sequence: 1 }, 200);
  });

  await it('gives the answer to the last request again, byte for byte', async () => {
    const { client, channel } = await open();
    for (const content of [undefined, '', { method: 'GET', path: '/v1/users/me' }]) {
      const request = await channel.request(content);
      const first = await send(client, request, 200);
      for (let i = 0; i < 3; i++) {
        assert.deepEqual((await send(client, request, 200)).bytes, first.bytes);
      }
      await channel.open(request, first.json);
      const changed = await channel.request('{"method":"GET","path":"/healthz"}', { sequence: request.sequence });
      await send(client, changed, [409, 'sequence-replayed']);
      assert.deepEqual((await send(client, request, 200)).bytes, first.bytes);
    }
    await send(client, await channel.request(undefined, { sequence: 1 }), [409, 'sequence-replayed']);
  });

  await it('takes numbers in any order within the window, each once', async () => {
    const { client, channel } = await open();
    const at = async (sequence, expect) => send(client, await channel.request('', { sequence }), expect);
    await at(65, [409, 'sequence-gap']);
    await at(64, 200);
    await at(1, 200);
    await at(1, 200);
    await at(64, [409, 'sequence-replayed']);
    await at(66, 200);
    await at(2, [409, 'sequence-replayed']);
    await at(131, [409, 'sequence-gap']);
    await at(130, 200);
    await at(67, 200);
    await at(66, [409, 'sequence-replayed']);
  });

  await it('takes 64 at once, and gives each its own answer', async () => {
    const { client, channel } = await open();
    const requests = await Promise.all(Array.from({ length: 64 }, () => channel.request('')));
    const answers = await Promise.all(requests.map((request) => send(client, request, 200)));
    answers.sort((a, b) => a.json.next_epoch - b.json.next_epoch);
    for (const { json } of answers) {
      const request = requests.find(({ sequence }) => sequence === json.sequence);
      assert.match(JSON.parse(await channel.open(request, json)).text, /^[A-Z]{8}$/);
    }
    assert.equal(channel.epoch, 1);
  });

  await it('refuses each message with a bit turned over, before anything else', async () => {
    const { client, channel } = await open();
    const content = { method: 'POST', path: '/v1/chat/common/messages', body: 'flipped', headers: { 'content-type': 'text/plain' } };
    const good = await channel.request(content, { nonce: randomBytes(12) });
    const flip = (text, bit) => {
      const data = bytes(text);
      data[bit >> 3] ^= 1 << (bit & 7);
      return base64(data);
    };
    const bits = bytes(good.data).length * 8;
    for (let bit = 0; bit < bits; bit += 37) {
      await send(client, { ...good, data: flip(good.data, bit) }, [400, 'sealed-invalid']);
    }
    for (let bit = bits - 128; bit < bits; bit += 5) {
      await send(client, { ...good, data: flip(good.data, bit) }, [400, 'sealed-invalid']);
    }
    for (let bit = 0; bit < 96; bit += 7) {
      await send(client, { ...good, nonce: flip(good.nonce, bit) }, [400, 'sealed-invalid']);
    }
    for (const sequence of [2, 3, 65, 1000000, Number.MAX_SAFE_INTEGER]) {
      await send(client, { ...good, sequence }, [400, 'sealed-invalid']);
    }
    for (const epoch of [1, 2, 1000000]) await send(client, { ...good, epoch }, [409, 'epoch-unknown']);
    const { nonce, ...without } = good;
    await send(client, without, [400, 'sealed-invalid']);
    await send(client, { ...good, data: base64(bytes(good.data).slice(0, -1)) }, [400, 'sealed-invalid']);
    await send(client, { ...good, data: base64(bytes(good.data).slice(0, 15)) }, [400, 'sealed-invalid']);
    await send(client, { ...good, data: base64(Buffer.concat([bytes(good.data), Buffer.alloc(1)])) }, [400, 'sealed-invalid']);
    const { client: other } = await open();
    await send(other, good, [400, 'sealed-invalid']);
    const answer = await send(client, good, 200);
    assert.equal(JSON.parse(await channel.open(good, answer.json)).status, 201);
    assert.equal(nonce, good.nonce);
  });

  await it('has answers that cannot be mistaken for others', async () => {
    const { client, channel } = await open();
    const request = await channel.request({ method: 'GET', path: '/v1/users/me' });
    const answer = (await send(client, request, 200)).json;
    for (const [name, value] of [['sequence', 2], ['epoch', 1], ['next_epoch', 1], ['next_epoch', 2]]) {
      await assert.rejects(channel.open({ ...request, sequence: 2 }, { ...answer, [name]: value }), undefined, name);
    }
    await assert.rejects(channel.open({ ...request, data: undefined }, answer));
    const other = await channel.request({ method: 'GET', path: '/v1/users/me' }, { sequence: 1, nonce: randomBytes(12) });
    await assert.rejects(channel.open(other, answer));
    await channel.open(request, answer);
  });

  await it('accepts the former epoch, and none before or after', async () => {
    const { client, channel } = await open();
    for (let i = 0; i < 10; i++) await channel.exchange(client);
    assert.equal(channel.epoch, 1);
    const late = await channel.request('', { epoch: 0 });
    const answer = (await send(client, late, 200)).json;
    assert.deepEqual([answer.epoch, answer.next_epoch], [0, 1]);
    await channel.open(late, answer);
    const old = channel.epochs.get(0);
    for (let i = 0; i < 10; i++) await channel.exchange(client);
    assert.equal(channel.epoch, 2);
    channel.epochs.set(0, old);
    await send(client, await channel.request('', { epoch: 0 }), [409, 'epoch-unknown']);
    await send(client, { sequence: 30, epoch: 3 }, [409, 'epoch-unknown']);
    await send(client, { sequence: 30, epoch: 0 }, [409, 'epoch-unknown']);
  });

  await it('carries any request of the session', async () => {
    const { client, channel } = await open();
    const me = await channel.exchange(client, { method: 'GET', path: '/v1/users/me' });
    assert.equal(me.status, 200);
    assert.equal(JSON.parse(me.body).username, 'ann');
    const content = randomBytes(300000);
    const put = await channel.exchange(client, {
      method: 'PUT',
      path: '/v1/files/common/sealed%20file.bin',
      headers: { 'Content-Type': 'application/octet-stream' },
      body_base64: content.toString('base64'),
    });
    assert.equal(put.status, 201, put.body);
    const plain = await ann.get('/v1/files/common/sealed%20file.bin', { expect: 200 });
    assert.deepEqual(plain.bytes, content);
    const got = await channel.exchange(client, { method: 'GET', path: '/v1/files/common/sealed%20file.bin' });
    assert.deepEqual(Buffer.from(got.body_base64, 'base64'), content);
    const part = await channel.exchange(client, {
      method: 'GET',
      path: '/v1/files/common/sealed%20file.bin',
      headers: { Range: 'bytes=5-9' },
    });
    assert.equal(part.status, 206);
    assert.deepEqual(Buffer.from(part.body_base64, 'base64'), content.subarray(5, 10));
    const text = { 'content-type': 'text/plain' };
    const said = await channel.exchange(client, {
      method: 'POST', path: '/v1/chat/common/messages', headers: text, body: 'über "alles"\n\t☃ 😀',
    });
    assert.equal(said.status, 201, said.body);
    assert.equal(JSON.parse(said.body).text, 'über "alles"\n\t☃ 😀');
    const list = await channel.exchange(client, { method: 'GET', path: '/v1/files/common/?limit=1' });
    assert.equal(list.status, 200);
    const gone = await channel.exchange(client, { method: 'DELETE', path: '/v1/files/common/sealed%20file.bin' });
    assert.equal(gone.status, 204);
    assert.equal(gone.body, undefined);
  });

  await it('says what is pending, and what was interrupted', async () => {
    const { client, channel } = await open();
    const newest = (await ann.get('/v1/chat/common/messages', { query: { limit: 1 }, expect: 200 })).json.next;
    const path = `/v1/chat/common/messages?after=${newest}&wait=60`;
    const parked = await channel.request({ method: 'GET', path });
    const alone = gw.client({ token: client.token });
    await alone.get('/v1/users/me', { expect: 200 }); // connected
    const abort = new AbortController();
    const lost = assert.rejects(alone.post(DATA, { json: parked, signal: abort.signal }));
    const repeat = async () => (await client.post(DATA, { json: parked })).code;
    await waiting(gw, 1);
    await send(client, parked, [409, 'sequence-pending']);
    // Meanwhile others go on.
    assert.match((await channel.exchange(client)).text, /^[A-Z]{8}$/);
    abort.abort();
    await lost;
    await eventually(async () => (await repeat()) === 'sequence-interrupted', '409 sequence-interrupted');
    await send(client, parked, [409, 'sequence-interrupted']);
    assert.match((await channel.exchange(client)).text, /^[A-Z]{8}$/);
  });

  await it('carries a poll that waits', async () => {
    const { client, channel } = await open();
    const newest = (await ann.get('/v1/chat/common/messages', { query: { limit: 1 }, expect: 200 })).json.next;
    const polled = channel.exchange(client, { method: 'GET', path: `/v1/chat/common/messages?after=${newest}&wait=60` });
    await waiting(gw, 1);
    await ann.post('/v1/chat/common/messages', { body: 'wake up', type: 'text/plain', expect: 201 });
    const { events } = JSON.parse((await polled).body);
    assert.equal(events[0].text, 'wake up');
  });

  await it('seals refusals of what is enclosed', async () => {
    const { client, channel } = await open();
    const problem = async (content, status, code) => {
      const inner = await channel.exchange(client, content);
      assert.equal(inner.status, status, JSON.stringify(inner));
      const type = Object.entries(inner.headers).find(([name]) => name.toLowerCase() === 'content-type');
      assert.equal(type[1], 'application/problem+json');
      assert.equal(JSON.parse(inner.body).code, code, inner.body);
    };
    await problem({ method: 'GET', path: '/v1/files/common/none' }, 404, 'not-found');
    await problem({ method: 'GET', path: '/v1/nothing' }, 404, 'not-found');
    await problem({ method: 'DELETE', path: '/v1/daytime' }, 405, 'method-not-allowed');
    await problem({ method: 'GET', path: '/v1/users' }, 403, 'forbidden');
    const inner = await channel.request('');
    const type = { 'content-type': 'application/json' };
    await problem(
      { method: 'POST', path: DATA, headers: type, body: JSON.stringify(inner) }, 400, 'not-enclosable'
    );
    await problem({ method: 'POST', path: '/v1/events/cookie' }, 400, 'not-enclosable');
    await problem({ method: 'GET', path: '/v1/events', headers: { accept: 'text/event-stream' } }, 400, 'not-enclosable');
    for (const bad of ['x', '{}', '[]', '{"method":"GET"}', '{"path":"/healthz"}', '{"method":"GET","path":"/healthz"} x']) {
      const said = await channel.exchange(client, bad);
      assert.equal(said.status, 400, bad);
      assert.match(JSON.parse(said.body).code, BAD_MEMBER);
    }
    const refused = [
      { method: 'G T' }, { method: '' }, { path: 'healthz' }, { path: '/health z' }, { path: '/healthz#x' },
      { path: '//'.padEnd(9000, 'x') }, { headers: [] }, { headers: { Authorization: 'Bearer x' } },
      { headers: { cookie: 'a=b' } }, { headers: { host: 'x' } }, { headers: { a: 'b\r\nc: d' } },
      { headers: { 'a b': 'c' } }, { headers: { a: 1 } }, { body: 1 }, { body: 'x', body_base64: 'eA==' },
      { body_base64: 'x' }, { no_such_member: 1 }, { headers: { a: 'b', A: 'c' } },
      { headers: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`x-${i}`, '1'])) },
    ];
    for (const change of refused) {
      await problem({ method: 'GET', path: '/healthz', ...change }, 400, 'parameter-invalid');
    }
    assert.equal((await channel.exchange(client, { method: 'GET', path: '/healthz' })).status, 200);
  });

  await it('carries a mebibyte, and refuses more', async () => {
    const { client, channel } = await open();
    const put = (size) => {
      const headers = { 'Content-Type': 'text/plain' };
      const request = { method: 'PUT', path: '/v1/files/common/mebi.txt', headers, body: '' };
      request.body = 'm'.repeat(size - JSON.stringify(request).length);
      return JSON.stringify(request);
    };
    const fits = put(1 << 20);
    const stored = await channel.exchange(client, fits);
    assert.equal(stored.status, 201, stored.body);
    const request = await channel.request({ method: 'GET', path: '/v1/files/common/mebi.txt' });
    const first = await send(client, request, 200);
    const got = JSON.parse(await channel.open(request, first.json));
    assert.equal(got.body.length, JSON.parse(fits).body.length);
    for (let i = 0; i < 3; i++) assert.deepEqual((await send(client, request, 200)).bytes, first.bytes);
    await send(client, await channel.request(put((1 << 20) + 1), { sequence: 3 }), [413, 'too-large']);
    const big = randomBytes((1 << 20) + 1);
    await ann.put('/v1/files/common/big.bin', { body: big, type: 'application/octet-stream', expect: 201 });
    const refused = await channel.exchange(client, { method: 'GET', path: '/v1/files/common/big.bin' });
    assert.equal(refused.status, 413);
    const head = await channel.exchange(client, { method: 'HEAD', path: '/v1/files/common/big.bin' });
    assert.equal(head.status, 200);
  });

  await it('is for the session of the token only', async () => {
    const { client, channel, session } = await open();
    const { client: other } = await open();
    const bob = await gw.user(admin, 'bob');
    for (const stranger of [other, bob, admin]) {
      await stranger.post(`/v1/sessions/${session.session_id}/data`, { json: { sequence: 1 }, expect: [403, 'session-mismatch'] });
    }
    await client.post('/v1/sessions/nonsense/data', { json: { sequence: 1 }, expect: [404, 'not-found'] });
    assert.match((await channel.exchange(client, undefined, { path: session.session_id, sequence: 1 })).text, /^[A-Z]{8}$/);
  });

  await it('needs a channel', () => send(ann, { sequence: 1 }, [409, 'channel-missing']));

  await it('ends the session that is used from another address', async () => {
    const { client, channel } = await open();
    await channel.exchange(client);
    const elsewhere = gw.client({ token: client.token, localAddress: '127.0.0.2' });
    await send(elsewhere, { sequence: 2 }, [403, 'address-mismatch']);
    await send(client, { sequence: 2 }, [401, 'session-ended']);
    const free = await open({ bind: [] });
    const roaming = gw.client({ token: free.client.token, localAddress: '127.0.0.2' });
    await free.channel.exchange(free.client);
    await free.channel.exchange(roaming);
  });

  await it('ends with its session, also when the channel itself carried the logout', async () => {
    const { client, channel, session } = await open();
    const inner = await channel.exchange(client, { method: 'DELETE', path: `/v1/sessions/${session.session_id}` });
    assert.equal(inner.status, 204);
    await send(client, { sequence: 2 }, [401, 'session-ended']);
  });

  await it('refuses bodies that are not as described', async () => {
    const { client, channel } = await open();
    const good = await channel.request('', { sequence: 1 });
    const ask = (body, expect, type = 'application/json') => client.post(DATA, { body, type, invalid: true, expect });
    const text = JSON.stringify(good);
    for (const bad of ['', '{', `${text} x`, text + text, '{"sequence":1,"sequence":2}', '{"sequence":01}']) {
      await ask(bad, [400, 'json-invalid']);
    }
    for (const bad of ['[]', 'null', '{}', '{"sequence":0}', '{"sequence":-1}', '{"sequence":"1"}', '{"sequence":1.5}',
      '{"sequence":9007199254740992}', '{"sequence":1,"epoch":-1}', '{"sequence":1,"epoch":null}',
      '{"sequence":1,"more":1}', '{"sequence":1,"data":""}', '{"sequence":1,"data":1}', '{"sequence":1,"data":"x"}',
      '{"sequence":1,"data":"AAAA="}', '{"sequence":1,"data":"AA A"}', '{"sequence":1,"nonce":"AAAAAAAAAAAAAAAA"}',
      '{"sequence":1,"nonce":"AAAA","data":"AAAA"}', '{"sequence":1,"nonce":7,"data":"AAAA"}']) {
      await ask(bad, [400, BAD_MEMBER]);
    }
    await ask(text, [415, 'unsupported-media-type'], 'text/plain');
    await ask(`${text}${' '.repeat(6 << 20)}`, [413, 'too-large']);
    // As other libraries write the same.
    const spaced = JSON.stringify(good, null, 2).replaceAll('/', '\\/').replaceAll('+', '\\u002b');
    const answer = await client.post(DATA, { body: spaced, type: 'application/json', expect: 200 });
    assert.match(JSON.parse(await channel.open(good, answer.json)).text, /^[A-Z]{8}$/);
  });

  await it('needs a token', () => needsToken(gw.client(), 'POST', DATA, { json: { sequence: 1 } }));
});
