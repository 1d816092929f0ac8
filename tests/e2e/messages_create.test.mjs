// SPDX-License-Identifier: Apache-2.0
// Messages: in each form, once under each key, with replies and files.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from './lib/content.mjs';
import { allAfter, checkChain, here, metric, roomOf, say } from './lib/events.mjs';
import { eventually, temporaryDirectory } from './lib/gateway.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('messages_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const post = (client, space, options, expect = 201) => client.post(roomOf(space), { ...options, expect });
  const send = (body, type, expect = 201, options = {}) => post(ann, 'common', { body, type, ...options }, expect);

  await it('answers with the event, which is found where Location says', async () => {
    const answer = await post(ann, 'common', { json: { text: 'hi' } });
    const { space, type, sender, text, seq } = answer.json;
    assert.deepEqual({ space, type, sender, text }, { space: 'common', type: 'message', sender: 'ann', text: 'hi' });
    assert.equal(answer.headers.location, `/v1/chat/common/messages/${seq}`);
    assert.equal(answer.headers['idempotency-replayed'], undefined);
    assert.deepEqual((await ann.get(answer.headers.location, { expect: 200 })).json, answer.json);
    const { events } = (await bob.get(roomOf('common'), { query: { limit: '1' }, expect: 200 })).json;
    assert.deepEqual(events, [answer.json]);
  });

  await it('takes text of any type but JSON as it is', async () => {
    const texts = [
      ['hi', 'application/x-www-form-urlencoded'],
      ['a=b&c=%20', 'application/x-www-form-urlencoded'],
      ['{"text":"not read"}', 'text/plain'],
      ['{"text":"not read"}', 'text/plain; charset=utf-8'],
      ['{"words":"no text"}', 'application/octet-stream'],
      ['{"text":', undefined],
      ['"text"', undefined],
      ['two\nlines\n', undefined],
      ['ä€😀', 'text/markdown'],
    ];
    for (const [text, type] of texts) assert.equal((await send(text, type)).json.text, text);
  });

  await it('takes JSON whatever it is called', async () => {
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/vnd.x+json', 'application/x-www-form-urlencoded', undefined]) {
      assert.equal((await send('{"text":"read"}', type, 201, { invalid: true })).json.text, 'read');
      await send('{"text":"read","more":1}', type, [400, 'parameter-invalid'], { invalid: true });
    }
    await send('hi', 'application/json', [400, 'json-invalid'], { invalid: true });
    await send('{"words":"x"}', 'application/json', [400, 'parameter-invalid'], { invalid: true });
  });

  await it('curl -d "hi" works', async () => {
    const ca = join(temporaryDirectory(), 'ca.pem');
    writeFileSync(ca, gw.ca);
    const url = `${gw.origin}${roomOf('common')}`;
    const out = execFileSync('curl', ['-sS', '--fail', '--cacert', ca, '-H', `Authorization: Bearer ${ann.token}`, '-d', 'hi from curl', url]);
    assert.equal(JSON.parse(out).text, 'hi from curl');
  });

  await it('a text has 1 to 16384 bytes of UTF-8', async () => {
    const longest = '€'.repeat(5461) + 'x';
    assert.equal(Buffer.byteLength(longest), 16384);
    assert.equal((await send(longest, 'text/plain')).json.text, longest);
    const escaped = `{"text":"${'\\u0001'.repeat(16384)}"}`;
    assert.equal((await send(escaped, 'application/json')).json.text, '\u0001'.repeat(16384));
    await send(`${longest}x`, 'text/plain', [413, 'too-large'], { invalid: true });
    await send(JSON.stringify({ text: 'x'.repeat(16385) }), 'application/json', [413, 'too-large'], { invalid: true });
    await send('x'.repeat(200000), 'text/plain', [413, 'too-large'], { invalid: true });
    for (const type of ['text/plain', undefined]) await send('', type, [400, 'parameter-invalid'], { invalid: true });
    await send('{"text":""}', 'application/json', [400, 'parameter-invalid'], { invalid: true });
    await send(Buffer.from([0x68, 0x69, 0xff]), 'text/plain', [400, 'parameter-invalid'], { invalid: true });
    await send(Buffer.from('a\0b'), 'text/plain', [400, 'parameter-invalid'], { invalid: true });
    await send('{"text":"a\\u0000b"}', 'application/json', [400, /./], { invalid: true });
  });

  await it('every text comes back as it was, and the chain holds', async () => {
    await ann.post('/v1/spaces', { json: { name: 'texts' }, expect: 201 });
    const texts = ['"\\/\b\f\n\r\t', '\u0001\u001f\u007f', '\u2028\u2029', '\uffff', '<script>', '𝄞', 'e\u0301 é', '{"text":"x"}', '\u200b'];
    for (const text of texts) assert.equal((await say(ann, 'texts', text)).text, text);
    const { events } = await allAfter(ann, 'texts', (await ann.get('/v1/spaces/texts', { expect: 200 })).json.oldest);
    checkChain(events);
    assert.deepEqual(events.filter(({ type }) => type === 'message').map(({ text }) => text), texts);
  });

  await it('answers a message of the same space', async () => {
    const first = await say(ann, 'common', 'one');
    const answer = await say(bob, 'common', 'two', { reply_to: first.seq });
    assert.equal(answer.reply_to, first.seq);
    const elsewhere = await say(ann, '~me', 'mine');
    for (const reply_to of [elsewhere.seq, 9007199254740991]) {
      await post(ann, 'common', { json: { text: 'x', reply_to } }, [404, 'not-found']);
    }
    for (const reply_to of [0, -1, 1.5, '1', null, 9007199254740992]) {
      await post(ann, 'common', { json: { text: 'x', reply_to }, invalid: true }, [400, /^(parameter-invalid|json-invalid)$/]);
    }
  });

  await it('names files, by either path, as they are now', async () => {
    await ann.put('/v1/files/common/docs/a.txt', { body: 'first', type: 'text/plain', expect: 201 });
    await ann.put('/v1/files/common/%C3%A4%20b.bin', { body: 'other', expect: 201 });
    const event = await say(ann, 'common', 'look', { files: ['docs/a.txt', 'common/docs/a.txt', 'a\u0308 b.bin'] });
    assert.equal(event.files.length, 2, 'each file once');
    const [file, other] = event.files;
    assert.deepEqual([file.path, file.version, file.size, file.sha256], ['docs/a.txt', 1, 5, sha256('first')]);
    assert.equal(other.path, 'ä b.bin');
    await ann.put('/v1/files/common/docs/a.txt', { body: 'second', expect: 200 });
    assert.equal((await say(ann, 'common', 'again', { files: ['docs/a.txt'] })).files[0].version, 2);
    const old = await ann.get('/v1/files/common/docs/a.txt', { query: { version: '1' }, expect: 200 });
    assert.equal(old.bytes.toString(), 'first');
  });

  await it('naming files takes the right to read them', async () => {
    const json = { name: 'says', scopes: ['chat:write', 'chat:read'], expires_in: 3600 };
    const { token } = (await ann.post('/v1/tokens', { json, expect: 201 })).json;
    for (const path of ['docs/a.txt', 'no/such.txt']) {
      const { headers } = await post(ann, 'common', { json: { text: 'x', files: [path] }, token }, [403, 'forbidden']);
      assert.match(headers['www-authenticate'], /insufficient_scope.*files:read/);
    }
    await post(ann, 'common', { json: { text: 'x', files: [] }, token }, 201);
  });

  await it('a file that is not there is named', async () => {
    const before = await here(ann, 'common');
    const answer = await post(ann, 'common', { json: { text: 'x', files: ['docs/a.txt', 'no/such.txt'] } }, [422, 'file-not-found']);
    assert.match(answer.json.detail, /no\/such\.txt/);
    for (const path of ['docs', 'docs/', 'common', '~me/x']) {
      await post(ann, 'common', { json: { text: 'x', files: [path] } }, [422, 'file-not-found']);
    }
    for (const path of ['../x', 'a//b', '/x', 'a\\b', 'a\u0001']) {
      await post(ann, 'common', { json: { text: 'x', files: [path] } }, [400, 'path-invalid']);
    }
    for (const files of ['docs/a.txt', [1], [''], Array(17).fill('docs/a.txt'), { a: 1 }, null]) {
      await post(ann, 'common', { json: { text: 'x', files }, invalid: true }, [400, 'parameter-invalid']);
    }
    assert.deepEqual((await allAfter(ann, 'common', before)).events, []);
  });

  await it('the other one of a direct talk sees it under my name', async () => {
    const event = await say(ann, '@bob', 'psst');
    assert.equal(event.space, '@bob');
    const { events } = (await bob.get(roomOf('@ann'), { expect: 200 })).json;
    assert.deepEqual(events.filter(({ type }) => type === 'message').map(({ space, text }) => [space, text]), [['@ann', 'psst']]);
    await post(ann, '@ann', { json: { text: 'x' } }, [404, 'not-found']);
    await post(ann, '@nobody', { json: { text: 'x' } }, [404, 'not-found']);
  });

  await it('many at a time have an order, and each is there once', async () => {
    await ann.post('/v1/spaces', { json: { name: 'many' }, expect: 201 });
    const sent = await Promise.all(Array.from({ length: 200 }, (_, i) => say(ann, 'many', `m${i}`)));
    const oldest = (await ann.get('/v1/spaces/many', { expect: 200 })).json.oldest;
    const { events } = await allAfter(ann, 'many', oldest, { limit: '37' });
    checkChain(events);
    const said = events.filter(({ type }) => type === 'message');
    assert.deepEqual(said.map(({ seq }) => seq), sent.map(({ seq }) => seq).sort((a, b) => a - b));
    assert.equal(new Set(said.map(({ text }) => text)).size, 200);
  });

  await it('who may only read may not speak', async () => {
    const guest = await gw.user(admin, 'gus', { role: 'guest' });
    await post(guest, 'common', { json: { text: 'x' } }, [403, 'forbidden']);
    await post(guest, '~me', { json: { text: 'x' } });
    await post(guest, '~ann', { json: { text: 'x' } }, [404, 'not-found']);
  });

  await it('needs a token', () => needsToken(gw.client(), 'POST', roomOf('common'), { json: { text: 'x' } }));
});

suite('messages_create: idempotency', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const post = (client, key, json, expect = 201, space = 'common') =>
    client.post(roomOf(space), { json, headers: { 'idempotency-key': key }, expect });
  const replayed = ({ headers }) => headers['idempotency-replayed'] === 'true';

  await it('a retry gives the same answer, and is said once', async () => {
    const before = await here(ann, 'common');
    const first = await post(ann, 'key-1', { text: 'once' });
    const again = await post(ann, 'key-1', { text: 'once' });
    assert.deepEqual([replayed(first), replayed(again)], [false, true]);
    assert.deepEqual(again.json, first.json);
    assert.equal(again.headers.location, first.headers.location);
    assert.equal((await allAfter(ann, 'common', before)).events.length, 1);
    assert.equal(await metric(gw, 'secgate_messages_replayed_total'), 1);
  });

  await it('many at the same moment are one', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => post(ann, 'raced', { text: 'raced' })));
    assert.equal(new Set(answers.map(({ json }) => json.seq)).size, 1);
    assert.equal(answers.filter((answer) => !replayed(answer)).length, 1);
  });

  await it('another message under the same key is refused', async () => {
    await post(ann, 'key-1', { text: 'other' }, [422, 'idempotency-mismatch']);
    const { json } = await post(ann, 'key-2', { text: 'x' });
    await post(ann, 'key-2', { text: 'x', reply_to: json.seq }, [422, 'idempotency-mismatch']);
    await post(ann, 'key-2', { text: 'x' }, [422, 'idempotency-mismatch'], '~me');
    await ann.put('/v1/files/common/f', { body: 'x', expect: 201 });
    await post(ann, 'key-2', { text: 'x', files: ['f'] }, [422, 'idempotency-mismatch']);
    assert.deepEqual((await post(ann, 'key-2', { text: 'x' })).json, json);
  });

  await it('keys are each user\'s own, with quotes or without', async () => {
    const mine = await post(ann, 'shared', { text: 'mine' });
    const theirs = await post(bob, 'shared', { text: 'theirs' });
    assert.notEqual(mine.json.seq, theirs.json.seq);
    assert.ok(replayed(await post(ann, '"shared"', { text: 'mine' })));
    for (const key of ['x'.repeat(256), 'a b', '', '""', '"', '"a', 'ä'.repeat(3)]) {
      const answer = await ann.post(roomOf('common'), { json: { text: 'x' }, headers: { 'idempotency-key': key } });
      if (key === '') assert.ok([201, 400].includes(answer.status));
      else assert.deepEqual([answer.status, answer.code], [400, 'parameter-invalid'], key);
    }
    await post(ann, 'x'.repeat(255), { text: 'x' });
  });

  await it('a refused message leaves its key free', async () => {
    await post(ann, 'free', { text: 'x', files: ['nowhere'] }, [422, 'file-not-found']);
    assert.ok(!replayed(await post(ann, 'free', { text: 'now' })));
  });

  await it('conflict: the message of the key is no longer kept', async () => {
    await ann.post('/v1/spaces', { json: { name: 'short' }, expect: 201 });
    const { json } = await post(ann, 'pruned', { text: 'pruned' }, 201, 'short');
    await post(ann, 'kept', { text: 'kept' }, 201, 'short');
    await ann.patch('/v1/spaces/short', { json: { retention: { count: 1 } }, expect: 200 });
    await eventually(async () => (await ann.get(`${roomOf('short')}/${json.seq}`)).status === 410, 'retention');
    await post(ann, 'pruned', { text: 'pruned' }, [409, 'conflict'], 'short');
  });

  await it('also after a refresh of the token, a new session and a restart', async () => {
    const { json } = await post(ann, 'lasting', { text: 'lasting' });
    await ann.refresh();
    assert.deepEqual((await post(ann, 'lasting', { text: 'lasting' })).json, json);
    await gw.restart();
    const later = await gw.login('ann', ann.password);
    const again = await post(later, 'lasting', { text: 'lasting' });
    assert.deepEqual(again.json, json);
    assert.ok(replayed(again));
    await post(later, 'lasting', { text: 'changed' }, [422, 'idempotency-mismatch']);
  });
});
