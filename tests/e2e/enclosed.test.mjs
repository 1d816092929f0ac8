// SPDX-License-Identifier: Apache-2.0
// Requests inside the sealed channel are requests like others: the same answers, the same contract, waits, ends and
// records.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { openChannel } from './lib/channel.mjs';
import * as contract from './lib/contract.mjs';
import { metric, say, waiting } from './lib/events.mjs';
import { eventually } from './lib/gateway.mjs';
import { suite } from './lib/suite.mjs';

const DATA = '/v1/sessions/current/data';

// One request through the channel, its answer checked as if it had come by itself.
async function through({ client, channel }, method, path, { headers, body, json, expect, signal, outside } = {}) {
  const inner = { method, path, headers };
  if (json !== undefined) {
    inner.headers = { 'content-type': 'application/json', ...headers };
    inner.body = JSON.stringify(json);
  } else if (Buffer.isBuffer(body)) {
    inner.body_base64 = body.toString('base64');
  } else if (body !== undefined) {
    inner.body = body;
  }
  const request = await channel.request(inner);
  const outer = await client.post(DATA, { json: request, expect: 200, signal });
  const answer = JSON.parse(await channel.open(request, outer.json));
  const own = Object.fromEntries(Object.entries(answer.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const bytes = answer.body_base64 !== undefined ? Buffer.from(answer.body_base64, 'base64') : Buffer.from(answer.body ?? '');
  const all = { ...outer.headers, 'content-type': undefined, 'content-length': undefined, ...own };
  const operation = outside ? null : contract.match(method, path.split('?')[0]);
  const what = { method, status: answer.status, headers: all, body: bytes, where: `enclosed ${method} ${path}` };
  const result = { status: answer.status, headers: own, bytes, json: operation && contract.checkResponse(operation, what) };
  if (expect !== undefined) assert.equal(answer.status, expect, `${path}: ${bytes}`);
  return result;
}

suite('enclosed', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const open = (client = ann) => openChannel(gw, client.username, client.password);

  await it('every operation that only reads answers as it does without', async () => {
    const names = { space: 'common', dir: 'common' };
    const sealed = await open();
    const direct = gw.client();
    direct.token = sealed.session.token;
    await say(ann, 'common', 'hello');
    let seen = 0;
    for (const operation of contract.operations.filter((o) => o.method === 'GET')) {
      const example = (name) => names[name] ?? operation.parameters.find((p) => p.in === 'path' && p.name === name).example;
      const path = operation.template.replace(/\{(\w+)\}/g, (_, name) => example(name) ?? 'none');
      const plain = await direct.get(path, { invalid: true });
      const inner = await through(sealed, 'GET', path);
      assert.equal(inner.status, plain.status, `${path}: ${inner.bytes}`);
      const type = plain.headers['content-type'];
      assert.equal(inner.headers['content-type'], type, path);
      if (type === 'application/problem+json') assert.equal(inner.json.code, plain.json.code, path);
      else if (plain.json) assert.deepEqual(Object.keys(inner.json).sort(), Object.keys(plain.json).sort(), path);
      else if (!/metrics|daytime/.test(path)) assert.deepEqual(inner.bytes, plain.bytes, path);
      seen += 1;
    }
    assert.ok(seen > 40);
  });

  await it('no operation is surprised to be enclosed', async () => {
    const zed = await gw.user(admin, 'zed');
    let sealed = await open(zed);
    const closed = await through(sealed, 'POST', '/v1/events/cookie', { outside: true, expect: 400 });
    assert.equal(JSON.parse(closed.bytes).code, 'not-enclosable');
    for (const operation of contract.operations.filter((o) => !['data_exchange', 'events_cookie'].includes(o.id))) {
      const example = (name) => operation.parameters.find((p) => p.in === 'path' && p.name === name).example;
      const path = operation.template.replace(/\{(\w+)\}/g, (_, name) => example(name) ?? 'none');
      const types = Object.keys(operation.spec.requestBody?.content ?? {});
      const bodies = types.length > 0 ? [undefined, '{}', 'a=b'] : [undefined];
      for (const body of bodies) {
        const headers = body === undefined ? undefined : { 'content-type': types[0].replace('*/*', 'text/plain') };
        const inner = await through(sealed, operation.method, path, { headers, body });
        assert.ok(inner.status < 500, `${operation.id} ${body}: ${inner.bytes}`);
        if (operation.id === 'sessions_delete') sealed = await open(zed);
      }
    }
  });

  await it('conditions, ranges and heads of files', async () => {
    const sealed = await open();
    const content = randomBytes(200000);
    const path = '/v1/files/common/whole.bin';
    const type = { 'Content-Type': 'application/octet-stream' };
    const put = await through(sealed, 'PUT', path, { body: content, headers: type, expect: 201 });
    const got = await through(sealed, 'GET', path, { expect: 200 });
    assert.deepEqual(got.bytes, content);
    assert.equal(got.headers.etag, put.headers.etag);
    const none = await through(sealed, 'GET', path, { headers: { 'If-None-Match': got.headers.etag }, expect: 304 });
    assert.equal(none.bytes.length, 0);
    const head = await through(sealed, 'HEAD', path, { expect: 200 });
    assert.equal(head.headers['content-length'], '200000');
    const part = await through(sealed, 'GET', path, { headers: { Range: 'bytes=-7' }, expect: 206 });
    assert.deepEqual(part.bytes, content.subarray(-7));
    await through(sealed, 'GET', path, { headers: { Range: 'bytes=200000-' }, expect: 416 });
    await through(sealed, 'PUT', path, { body: content, headers: { ...type, 'If-None-Match': '*' }, expect: 412 });
    const digest = { ...type, 'Repr-Digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` };
    const wrong = await through(sealed, 'PUT', path, { body: content, headers: digest });
    assert.equal(wrong.status, 400);
    assert.deepEqual((await ann.get(path, { expect: 200 })).bytes, content);
    await through(sealed, 'PATCH', path, { json: { to: 'common/moved.bin' } });
    await through(sealed, 'OPTIONS', path, { expect: 204 });
  });

  await it('what is slow, signs or hashes runs on its own pool', async () => {
    const sealed = await open();
    await admin.post('/v1/keys', { json: { name: 'release', type: 'ed25519' }, expect: 201 });
    const wrong = { old_password: 'not the password', new_password: 'another long enough one' };
    const refused = await through(sealed, 'PATCH', '/v1/users/me', { json: wrong });
    assert.ok([401, 403].includes(refused.status), `${refused.bytes}`);
    const texts = await Promise.all(
      Array.from({ length: 12 }, () => open().then((one) => through(one, 'GET', '/v1/signatures', { expect: 200 })))
    );
    assert.equal(texts.length, 12);
  });

  await it('long-polls wait, and wake', async () => {
    const sealed = await open();
    const events = await through(sealed, 'GET', '/v1/chat/common/messages', { expect: 200 });
    const late = through(sealed, 'GET', `/v1/chat/common/messages?after=${events.json.next}&wait=20`, { expect: 200 });
    await waiting(gw, 1);
    await say(admin, 'common', 'wake up');
    const { json } = await late;
    assert.equal(json.events.at(-1).text, 'wake up');
    const short = await through(sealed, 'GET', `/v1/events?after=${json.next}&wait=1`, { expect: 200 });
    assert.deepEqual(short.json.events, []);
    /* A client that leaves takes its wait with it. */
    const controller = new AbortController();
    const left = through(sealed, 'GET', `/v1/events?after=${json.next}&wait=20`, { signal: controller.signal });
    left.catch(() => {});
    await waiting(gw, 1);
    controller.abort();
    await assert.rejects(left);
    await waiting(gw, 0);
  });

  await it('a wait ends with its session', async () => {
    const sealed = await open();
    const { json } = await through(sealed, 'GET', '/v1/events?wait=0', { expect: 200 });
    const wait = through(sealed, 'GET', `/v1/events?after=${json.next}&wait=20`);
    wait.catch(() => {});
    await waiting(gw, 1);
    await ann.delete(`/v1/sessions/${sealed.session.session_id}`, { expect: 204 });
    const answer = await wait;
    assert.equal(answer.status, 401);
    assert.equal(answer.json.code, 'session-ended');
    await waiting(gw, 0);
  });

  await it('scopes and roles count inside as outside', async () => {
    const sealed = await open();
    const refused = await through(sealed, 'POST', '/v1/invites', { json: {}, expect: 403 });
    assert.equal(refused.json.code, 'forbidden');
    const mighty = await open(admin);
    await through(mighty, 'POST', '/v1/invites', { json: { role: 'guest' }, expect: 201 });
  });

  await it('an operator sees what ran, and both are counted', async () => {
    const sealed = await open();
    const path = '/v1/files/common/who-reads-this';
    const count = async (operation, status) =>
      metric(gw, `secgate_requests_total\\{operation="${operation}",status="${status}"\\}`).catch(() => 0);
    const [inner, outer] = [await count('files_get', '4xx'), await count('data_exchange', '2xx')];
    await through(sealed, 'GET', path, { expect: 404 });
    await eventually(async () => (await count('files_get', '4xx')) === inner + 1, 'the count of the inner one');
    await eventually(async () => (await count('data_exchange', '2xx')) === outer + 1, 'the count of the outer one');
    const lines = () => gw.log.split('\n').filter((line) => line.includes('"request"')).map((line) => JSON.parse(line));
    await eventually(() => lines().some((line) => line.path === path), 'the line');
    const line = lines().find((one) => one.path === path);
    assert.equal(line.operation, 'files_get');
    assert.equal(line.within, 'data_exchange');
    assert.equal(line.status, 404);
    assert.equal(line.user, 'ann');
    const outside = lines().find((one) => one.id === line.id && one.operation === 'data_exchange');
    assert.equal(outside.status, 200);
    assert.equal(outside.within, '');
  });

  await it('many at once, of many kinds', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => open()));
    await Promise.all(
      all.map(async (sealed, n) => {
        for (let i = 0; i < 15; i++) {
          const path = `/v1/files/common/many-${n}-${i % 3}`;
          const content = randomBytes(1 + 9000 * (i % 4));
          const headers = { 'Content-Type': 'application/octet-stream' };
          await through(sealed, 'PUT', path, { body: content, headers });
          assert.deepEqual((await through(sealed, 'GET', path, { expect: 200 })).bytes, content);
          await through(sealed, 'POST', '/v1/chat/common/messages', {
            headers: { 'content-type': 'text/plain' }, body: `${n} ${i}`, expect: 201,
          });
        }
      })
    );
  });

  await it('the drain answers an enclosed wait', async () => {
    const sealed = await open();
    const { json } = await through(sealed, 'GET', '/v1/events?wait=0', { expect: 200 });
    const wait = through(sealed, 'GET', `/v1/events?after=${json.next}&wait=20`);
    await waiting(gw, 1);
    gw.child.kill('SIGTERM');
    const answer = await wait;
    assert.ok([200, 503].includes(answer.status));
    await gw.closeClients();
    await gw.ended();
    await gw.start();
  });
});
