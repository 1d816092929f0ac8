// SPDX-License-Identifier: Apache-2.0
// What holds for every request: methods, ids, bodies, limits, headers.
import assert from 'node:assert/strict';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { match, methodsOf, operations } from './lib/contract.mjs';
import { eventually } from './lib/gateway.mjs';
import * as keys from './lib/keys.mjs';
import { answer, connect, exchange, text } from './lib/raw.mjs';
import { BAD_MEMBER } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const SAMPLES = { name: 'ann', id: 'current', file: 'app.js', dir: 'common', path: 'common/sample.txt', space: 'common', user: 'ann', seq: '1', index: '1', tile: 'entries/000.p/1' };
// Some paths take an id of a form of their own.
const SERIAL = '0'.repeat(40);
const sampleOf = (template) =>
  template.replace('/certificates/{id}', `/certificates/${SERIAL}`).replace(/\{(\w+)\}/g, (_, name) => SAMPLES[name]);
const allowOf = (headers) => new Set((headers.allow ?? '').split(',').map((word) => word.trim()));

suite('http_core: methods and ids', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();
  await ann.put('/v1/files/common/sample.txt', { body: 'sample', expect: 201 });
  const paths = [...new Set(operations.map(({ template }) => sampleOf(template)))];

  await it('unknown paths answer 404', async () => {
    for (const path of ['/nothing', '/v1', '/v1/', '/v2/daytime', '/v1/daytime/', '/v1/Daytime', '//', '/v1//daytime', '/web', '/v1/files', '/index.html', '/.well-known/', '/healthz/x']) {
      await anyone.get(path, { outside: true, expect: [404, 'not-found'] });
      await ann.post(path, { outside: true, body: '{}', type: 'application/json', expect: [404, 'not-found'] });
    }
  });

  await it('OPTIONS answers 204 with Allow everywhere', async () => {
    for (const path of paths) {
      const { headers, bytes } = await anyone.options(path, { outside: true, expect: 204 });
      assert.equal(bytes.length, 0);
      for (const method of methodsOf(path)) assert.ok(allowOf(headers).has(method), `${path}: ${headers.allow}`);
    }
  });

  await it('methods that a path does not have answer 405 with Allow', async () => {
    for (const path of paths) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'TRACE', 'PROPFIND']) {
        if (match(method, path)) continue;
        const { headers } = await ann.request(method, path, { outside: true, expect: [405, 'method-not-allowed'] });
        for (const allowed of methodsOf(path)) assert.ok(allowOf(headers).has(allowed), `${method} ${path}: ${headers.allow}`);
        assert.ok(!allowOf(headers).has(method), `${method} ${path}: ${headers.allow}`);
      }
    }
  });

  await it('HEAD mirrors every GET', async () => {
    for (const { template } of operations.filter(({ method }) => method === 'GET')) {
      const path = sampleOf(template);
      for (const client of [admin, anyone]) {
        const get = await client.get(path);
        const head = await client.head(path, { expect: get.status });
        for (const name of ['content-type', 'etag', 'cache-control', 'content-security-policy', 'www-authenticate', 'content-disposition']) {
          assert.equal(head.headers[name], get.headers[name], `${path}: ${name}`);
        }
        if (head.headers['content-length'] !== undefined && !/metrics|daytime|sessions|tls/.test(path)) {
          if (get.status === 200) assert.equal(head.headers['content-length'], get.headers['content-length'], path);
        }
      }
    }
  });

  await it('takes request ids that are well-formed, and makes others', async () => {
    for (const id of ['a', 'A-b_c.9', 'x'.repeat(64)]) {
      const { headers } = await anyone.get('/v1/daytime', { headers: { 'x-request-id': id }, expect: 200 });
      assert.equal(headers['x-request-id'], id);
      const missing = await anyone.get('/nothing', { outside: true, headers: { 'x-request-id': id }, expect: 404 });
      assert.equal(missing.json.request_id, id);
    }
    const made = new Set();
    for (const id of ['', 'x'.repeat(65), 'a b', 'a/b', 'a"b', '\u00e9', '<b>', undefined, undefined]) {
      const headers = id === undefined ? {} : { 'x-request-id': id };
      const answer = await anyone.get('/v1/daytime', { headers, expect: 200 });
      assert.notEqual(answer.headers['x-request-id'], id);
      made.add(answer.headers['x-request-id']);
    }
    assert.equal(made.size, 9);
  });

  await it('requests on one connection are answered in order', async () => {
    const socket = await connect(gw);
    const zones = ['UTC', 'Europe/Berlin', 'Asia/Tokyo', 'America/New_York'];
    socket.write(Buffer.concat(zones.map((zone) => text('GET', `/v1/daytime?tz=${zone}`))));
    for (const zone of zones) assert.equal((await answer(socket)).json.timezone, zone);
    socket.write(text('GET', '/healthz', ['Connection: close']));
    const last = await answer(socket);
    assert.match(last.headers.connection, /close/i);
    await socket.closedBy;
  });

  await it('no answer waits in the kernel, whatever the first request was', async () => {
    const login = JSON.stringify({ username: 'ann', password: ann.password });
    const bearer = `Authorization: Bearer ${ann.token}`;
    const firsts = [
      text('POST', '/v1/sessions', ['Content-Type: application/json', `Content-Length: ${login.length}`], login),
      text('PUT', '/v1/files/common/first', [bearer, 'Content-Length: 5'], 'first'),
      text('GET', '/v1/files/common/', [bearer]),
      text('GET', '/v1/files/common/sample.txt', [bearer]),
    ];
    for (const first of firsts) {
      const socket = await connect(gw);
      socket.write(first);
      await answer(socket);
      const times = [];
      for (let i = 0; i < 9; i += 1) {
        const began = performance.now();
        socket.write(text('GET', '/healthz'));
        await answer(socket);
        times.push(performance.now() - began);
      }
      socket.destroy();
      // A corked socket holds each answer for 200 ms; without that it takes a fraction of one.
      const median = times.sort((a, b) => a - b)[4];
      assert.ok(median < 150, `${first.toString().slice(0, 30)}: ${median} ms`);
    }
  });

  await it('serves HTTP/1.0 and closes', async () => {
    const socket = await connect(gw);
    socket.write('GET /healthz HTTP/1.0\r\n\r\n');
    const { status } = await answer(socket);
    assert.ok(status === 200 || status === 400 || status === 505);
    await socket.closedBy;
  });
});

suite('http_core: JSON', async ({ gw, it }) => {
  const admin = await gw.admin();
  const invite = (body, expect) => admin.post('/v1/invites', { body, type: 'application/json', invalid: true, expect });
  const login = (body, expect) => gw.client().post('/v1/sessions', { body, type: 'application/json', invalid: true, expect });
  const syntax = [400, 'json-invalid'];
  const member = [400, BAD_MEMBER];

  await it('takes what is right, however it is spelled', async () => {
    await invite(' \r\n\t{ "role" : "guest" , "expires_in" : 3600 }\n', 201);
    await invite('{"\\u0072ole":"m\\u0065mber"}', 201);
    await admin.post('/v1/invites', { body: '{}', type: 'application/json; charset=utf-8', invalid: true, expect: 201 });
    await admin.post('/v1/invites', { body: '{}', type: 'Application/JSON', invalid: true, expect: 201 });
  });

  await it('refuses what is not JSON', async () => {
    for (const body of [
      '{"role":"guest",}',
      "{'role':'guest'}",
      '{role:"guest"}',
      '{"role":"guest"} {"role":"guest"}',
      '{"role":"guest"}x',
      '{"role":"guest"}\0',
      '\0{"role":"guest"}',
      '{"role":"guest"}/* x */',
      '// x\n{"role":"guest"}',
      '\ufeff{"role":"guest"}',
      '{"role":"gu\nest"}',
      '{"role":"gu\u0001est"}',
      '{"role":"\\x41"}',
      '{"role":"\\ud800"}',
      '{"role":"\\udc00\\ud800"}',
      '{"role":"guest"',
      '{"role":',
      '"role',
      '{"expires_in":NaN}',
      '{"expires_in":Infinity}',
      '{"expires_in":-Infinity}',
      '{"expires_in":+60}',
      '{"expires_in":060}',
      '{"expires_in":0x60}',
      '{"expires_in":60.}',
      '{"expires_in":.6e2}',
      '{"expires_in":True}',
      '{"role":"guest","role":"guest"}',
      '{"role":"guest","\\u0072ole":"admin"}',
      '{"device":{"name":"a","name":"b"}}',
    ]) {
      await invite(body, syntax);
    }
  });

  await it('refuses what is not UTF-8', async () => {
    for (const bad of [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80]]) {
      await login(Buffer.concat([Buffer.from('{"username":"a'), Buffer.from(bad), Buffer.from('","password":"x"}')]), syntax);
    }
    await login(Buffer.from('\ufeff{"username":"a","password":"x"}', 'utf16le'), syntax);
  });

  await it('integers are exact within 64 bits and nothing else is one', async () => {
    for (const number of ['9223372036854775808', '9223372036854775807', '18446744073709551616', '-9223372036854775809', '1e30', '1e400', '60.5', '3600.0001', '-1', '-0.5', '99999999999999999999999999']) {
      await invite(`{"expires_in":${number}}`, member);
    }
    for (const value of ['"3600"', 'true', 'null', '[3600]', '{}']) await invite(`{"expires_in":${value}}`, member);
  });

  await it('refuses unknown members, at every level', async () => {
    await invite('{"Role":"guest"}', member);
    await invite('{"":1}', member);
    await invite('{"__proto__":{}}', member);
    await login('{"username":"a","password":"x","device":{"name":"a","x":1}}', member);
  });

  await it('refuses NUL in strings', async () => {
    await login('{"username":"root-admin\\u0000","password":"the first password"}', [400, BAD_MEMBER]);
    await invite('{"role":"guest\\u0000"}', member);
  });

  await it('goes 16 levels deep, not 17, and survives thousands', async () => {
    const nest = (depth) => `{"username":"a","password":"x","device":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    await login(nest(16), member);
    await login(nest(17), syntax);
    await login(nest(7000), syntax);
    await login('['.repeat(15000), syntax);
    await login('{"a":'.repeat(3000), syntax);
  });

  await it('comes in chunks of any size', async () => {
    const body = '{"role":"guest"}';
    const chunks = [...body].map((c) => `1\r\n${c}\r\n`).join('') + '0\r\n\r\n';
    const headers = [`Authorization: Bearer ${admin.token}`, 'Content-Type: application/json', 'Transfer-Encoding: chunked'];
    assert.equal((await exchange(gw, text('POST', '/v1/invites', headers, chunks))).status, 201);
  });
});

suite('http_core: bodies', { config: keys.maxFileBytes(50 << 20) }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const auth = `Authorization: Bearer ${admin.token}`;
  const put = (headers, body) => text('PUT', '/v1/files/common/early', headers, body);
  const refused = async (bytes, status, code) => {
    const got = await exchange(gw, bytes);
    assert.ok(got, 'closed without an answer');
    assert.equal(got.status, status, got.text);
    if (code) assert.equal(got.json.code, code);
    return got;
  };

  await it('an upload that is too large is refused before its body is read', async () => {
    const length = 'Content-Length: 9223372036854775807';
    await refused(put([auth, length]), 413, 'too-large');
    await refused(put([auth, length, 'Expect: 100-continue']), 413, 'too-large');
  });

  await it('so is one without a right to it, or with a bad path or condition', async () => {
    const length = 'Content-Length: 1000000';
    await refused(put([length]), 401, 'unauthenticated');
    await refused(put([length, 'Expect: 100-continue']), 401, 'unauthenticated');
    await refused(text('PUT', '/v1/files/nospace/x', [auth, length]), 404, 'not-found');
    await refused(text('PUT', '/v1/files/common/../x', [auth, length]), 400, 'path-invalid');
    await refused(put([auth, length, 'If-Match: *', 'Expect: 100-continue']), 412, 'precondition-failed');
    await refused(text('PUT', '/nothing', [auth, length]), 404, 'not-found');
    await refused(text('PUT', '/v1/daytime', [auth, length]), 405, 'method-not-allowed');
  });

  await it('so is a JSON body that is too large or of another type', async () => {
    const post = (...headers) => text('POST', '/v1/sessions', headers);
    await refused(post('Content-Type: application/json', 'Content-Length: 100000000'), 413, 'too-large');
    await refused(post('Content-Type: text/plain', 'Content-Length: 1000000'), 415, 'unsupported-media-type');
    await refused(post('Content-Type: text/plain', 'Content-Length: 5', 'Expect: 100-continue'), 415, 'unsupported-media-type');
    // A small body is read, so that the connection can be kept.
    const kept = await exchange(gw, text('POST', '/v1/sessions', ['Content-Type: text/plain', 'Content-Length: 5'], 'hello'));
    assert.equal(kept.status, 415);
  });

  await it('large bodies of all clients together have a bound, and small ones go on', async () => {
    const json = 'Content-Type: application/json';
    const large = (length = `Content-Length: ${16 << 20}`) => text('POST', '/v1/signatures', [auth, json, length, 'Expect: 100-continue']);
    const open = [];
    for (let i = 0; i < 16; i += 1) {
      const socket = await connect(gw);
      socket.write(large(i % 2 ? 'Transfer-Encoding: chunked' : undefined));
      assert.equal((await answer(socket, { interim: true })).status, 100);
      open.push(socket);
    }
    const late = await exchange(gw, large());
    assert.equal(late.status, 503);
    assert.equal(late.headers['retry-after'], '1');
    assert.equal(JSON.parse(late.body).code, 'overloaded');
    const small = JSON.stringify({ key: 'none', items: [{ path: 'common/x' }] });
    const other = await exchange(gw, text('POST', '/v1/signatures', [auth, json, `Content-Length: ${small.length}`], small));
    assert.equal(JSON.parse(other.body).code, 'not-found');
    // What was reserved for a client that leaves is free again.
    for (const socket of open) socket.destroy();
    let socket;
    for (let i = 0; socket === undefined; i += 1) {
      assert.ok(i < 100, 'the bodies of clients that have left count for ever');
      const next = await connect(gw);
      next.write(large());
      if ((await answer(next, { interim: true })).status === 100) socket = next;
      else await new Promise((done) => setTimeout(done, 50));
    }
    socket.destroy();
  });

  await it('a client that sends its body anyway still reads the answer', async () => {
    const body = Buffer.alloc(5 << 20, 'x');
    for (let i = 0; i < 10; i += 1) {
      await refused(put([`Content-Length: ${body.length}`], body), 401, 'unauthenticated');
    }
  });

  await it('Expect: 100-continue is answered before the body', async () => {
    const socket = await connect(gw);
    socket.write(put([auth, 'Content-Length: 5', 'Expect: 100-continue']));
    assert.equal((await answer(socket, { interim: true })).status, 100);
    socket.write('hello');
    assert.equal((await answer(socket)).status, 201);
    socket.destroy();
  });

  await it('other expectations are refused', async () => {
    await refused(put([auth, 'Content-Length: 5', 'Expect: 200-ok'], 'hello'), 417, 'expectation-failed');
  });

  await it('a body where none is described is refused', async () => {
    await refused(text('GET', '/v1/daytime', ['Content-Length: 5'], 'hello'), 413, 'too-large');
    await refused(text('DELETE', '/v1/files/common/x', [auth, 'Content-Length: 5'], 'hello'), 413, 'too-large');
    assert.equal((await exchange(gw, text('GET', '/healthz', ['Content-Length: 0']))).status, 200);
  });

  await it('Content-Length together with Transfer-Encoding is refused, and the connection ends', async () => {
    for (const pair of [['Content-Length: 5', 'Transfer-Encoding: chunked'], ['Transfer-Encoding: chunked', 'Content-Length: 5']]) {
      const socket = await connect(gw);
      socket.write(put([auth, ...pair], '5\r\nhello\r\n0\r\n\r\n'));
      const got = await answer(socket);
      assert.ok(got === null || got.status === 400, got?.text);
      await socket.closedBy;
    }
  });

  await it('lengths that make no sense are refused', async () => {
    for (const headers of [
      ['Content-Length: -5'],
      ['Content-Length: five'],
      ['Content-Length: 5, 6'],
      ['Content-Length: 5', 'Content-Length: 6'],
      ['Content-Length: 18446744073709551621'],
      ['Content-Length: 0x5'],
      ['Transfer-Encoding: gzip'],
      ['Transfer-Encoding: xchunked'],
      ['Transfer-Encoding: chunked, identity'],
    ]) {
      const got = await exchange(gw, put([auth, ...headers], 'hello'));
      assert.ok(got === null || (got.status >= 400 && got.status < 600), `${headers}: ${got?.status}`);
    }
    await admin.get('/v1/files/common/early', { expect: 200 });
    assert.equal((await admin.get('/v1/files/common/early', { expect: 200 })).bytes.toString(), 'hello');
  });

  await it('a body that ends early is not stored', async () => {
    const socket = await connect(gw);
    socket.write(text('PUT', '/v1/files/common/cut', [auth, 'Content-Length: 100000'], 'only this'));
    await sleep(50);
    socket.destroy();
    await admin.get('/v1/files/common/cut', { expect: [404, 'not-found'] });
    const chunked = await connect(gw);
    chunked.write(text('PUT', '/v1/files/common/cut', [auth, 'Transfer-Encoding: chunked'], '9\r\nonly this\r\n'));
    await sleep(50);
    chunked.destroy();
    await sleep(50);
    await admin.get('/v1/files/common/cut', { expect: [404, 'not-found'] });
  });

  await it('headers have a limit', async () => {
    const large = await exchange(gw, text('GET', '/healthz', [`X-Large: ${'x'.repeat(10000)}`]));
    assert.ok(large === null || large.status === 431, `${large?.status}`);
    const many = await exchange(gw, text('GET', '/healthz', Array.from({ length: 500 }, (_, i) => `X-${i}: ${'y'.repeat(30)}`)));
    assert.equal(many?.status, 431);
    const long = await exchange(gw, text('GET', `/healthz?${'x'.repeat(20000)}`));
    assert.ok([414, 431].includes(long?.status), `${long?.status}`);
    const huge = await exchange(gw, text('GET', '/healthz', [`X-Large: ${'x'.repeat(1 << 20)}`]));
    assert.ok(huge === null || huge.status === 431);
    assert.equal((await exchange(gw, text('GET', '/healthz', [`X-Large: ${'x'.repeat(4000)}`]))).status, 200);
  });

  await it('what is no HTTP gets no more than an error', async () => {
    for (const bytes of ['\r\n\r\n\r\n\0\0\0', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', 'G\0T / HTTP/1.1\r\nHost: x\r\n\r\n', 'x'.repeat(100000)]) {
      const socket = await connect(gw);
      socket.end(bytes);
      const got = await answer(socket).catch(() => null);
      assert.ok(got === null || got.status >= 400, got?.text);
      socket.destroy();
    }
    const noHost = await exchange(gw, 'GET /healthz HTTP/1.1\r\n\r\n');
    assert.equal(noHost?.status, 400);
    await gw.client().get('/healthz', { expect: 200 });
  });

  await it('a control character anywhere in a value is refused, a tab is not', async () => {
    const value = 'a'.repeat(35); // more than is looked at together, and a rest
    for (const [character, status] of [['\x01', 400], ['\x1f', 400], ['\x7f', 400], ['\t', 200], [' ', 200], ['~', 200], ['\x80', 200], ['\xff', 200]])
      for (let at = 1; at < value.length - 1; at += character === '\x1f' || character === '\x7f' ? 1 : 11) {
        const head = text('GET', '/healthz', [`X-Value: ${value.slice(0, at)}${character}${value.slice(at + 1)}`]);
        assert.equal((await exchange(gw, head))?.status, status, `${escape(character)} at ${at}`);
      }
  });

  await it('plain HTTP on the TLS port is not answered', async () => {
    const socket = net.connect(gw.port, gw.host);
    let got = '';
    socket.on('data', (data) => (got += data));
    socket.on('error', () => {});
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((done) => socket.on('close', done));
    assert.doesNotMatch(got, /200 OK/);
  });
});

const slow = keys.limits({ 'header-seconds': 1, 'idle-seconds': 1, 'body-seconds': 1, 'connections-per-address': 8 });
suite('http_core: slow and many', { config: slow }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const other = gw.client({ localAddress: '127.0.0.9' });
  const closed = (socket) => eventually(() => socket.destroyed || socket.readableEnded, 'the end of the connection', 30000);

  // Sends a byte now and then until the other side has enough.
  const drip = async (socket, bytes) => {
    for (let i = 0; !socket.destroyed && !socket.readableEnded; i += 1) {
      socket.write(Buffer.from([bytes.charCodeAt(i % bytes.length)]));
      await sleep(100);
      assert.ok(i < 400, 'the connection lives for ever');
    }
  };
  const tcp = () => {
    const socket = net.connect({ port: gw.port, host: gw.host, localAddress: '127.0.0.7' });
    socket.on('error', () => {});
    socket.resume();
    return socket;
  };

  await it('a connection without a handshake is closed', () => closed(tcp()));

  await it('headers that do not end are closed, whether they stop or drip', async () => {
    const stopped = await connect(gw, { localAddress: '127.0.0.7' });
    stopped.write('GET /healthz HTTP/1.1\r\nHost: loc');
    await closed(stopped);
    const dripping = await connect(gw, { localAddress: '127.0.0.7' });
    dripping.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ');
    await drip(dripping, 'x');
  });

  await it('an idle connection is closed', async () => {
    const socket = await connect(gw, { localAddress: '127.0.0.7' });
    socket.write(text('GET', '/healthz'));
    assert.equal((await answer(socket)).status, 200);
    await closed(socket);
  });

  await it('a body that drips is closed and not stored', async () => {
    const socket = await connect(gw, { localAddress: '127.0.0.7' });
    const headers = [`Authorization: Bearer ${admin.token}`, 'Content-Length: 100000'];
    socket.write(text('PUT', '/v1/files/common/dripped', headers));
    await drip(socket, 'x');
    await admin.get('/v1/files/common/dripped', { expect: [404, 'not-found'] });
  });

  await it('connections per address are limited; other addresses go on', async () => {
    const from = { localAddress: '127.0.0.8' };
    const open = [];
    const refused = async () => {
      const socket = await connect(gw, from).catch(() => null);
      if (!socket) return true;
      socket.write(text('GET', '/healthz'));
      const got = await answer(socket).catch(() => null);
      if (got?.status === 200) open.push(socket);
      else socket.destroy();
      return got === null || got.status === 503;
    };
    const beat = setInterval(() => open.forEach((socket) => socket.write(text('GET', '/healthz'))), 200);
    try {
      for (let i = 0; i < 8; i += 1) assert.equal(await refused(), false, `connection ${i + 1}`);
      assert.equal(await refused(), true);
      await other.get('/healthz', { expect: 200 });
      open.shift().destroy();
      await eventually(async () => !(await refused()), 'room for one more');
    } finally {
      clearInterval(beat);
      open.forEach((socket) => socket.destroy());
    }
  });
});

suite('http_core: CORS off', async ({ gw, it }) => {
  await it('no origin may call', async () => {
    const anyone = gw.client();
    const headers = { origin: 'https://app.example.test', 'access-control-request-method': 'PUT' };
    const preflight = await anyone.options('/v1/files/common/x', { outside: true, headers, expect: 204 });
    const simple = await anyone.get('/v1/daytime', { headers: { origin: headers.origin }, expect: 200 });
    for (const answer of [preflight, simple]) {
      assert.deepEqual(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-')), []);
    }
  });
});

suite('http_core: CORS', { config: keys.corsOrigins('https://app.example.test', 'https://two.example.test:8443') }, async ({ gw, it }) => {
  const anyone = gw.client();
  const list = (value) => (value ?? '').toLowerCase().split(',').map((word) => word.trim());

  await it('the origins named may call, with errors too', async () => {
    for (const origin of ['https://app.example.test', 'https://two.example.test:8443']) {
      for (const path of ['/v1/daytime', '/v1/users/me']) {
        const { headers } = await anyone.get(path, { headers: { origin } });
        assert.equal(headers['access-control-allow-origin'], origin);
        assert.ok(list(headers.vary).includes('origin'), headers.vary);
        for (const name of ['etag', 'x-request-id']) assert.ok(list(headers['access-control-expose-headers']).includes(name), name);
        assert.equal(headers['access-control-allow-credentials'], undefined);
      }
    }
  });

  await it('preflight allows what operations need', async () => {
    const origin = 'https://app.example.test';
    const headers = { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization,content-type,if-match' };
    const answer = await anyone.options('/v1/files/common/x', { outside: true, headers, expect: 204 });
    assert.equal(answer.headers['access-control-allow-origin'], origin);
    assert.ok(list(answer.headers['access-control-allow-methods']).includes('put'));
    for (const name of ['authorization', 'dpop', 'content-type', 'if-match', 'if-none-match', 'range', 'repr-digest']) {
      assert.ok(list(answer.headers['access-control-allow-headers']).includes(name), name);
    }
  });

  await it('others may not', async () => {
    for (const origin of ['https://evil.example.test', 'http://app.example.test', 'https://app.example.test.evil', 'https://app.example.test:8443', 'null', 'https://two.example.test']) {
      const { headers } = await anyone.get('/v1/daytime', { headers: { origin }, expect: 200 });
      assert.equal(headers['access-control-allow-origin'], undefined, origin);
    }
  });
});
