// SPDX-License-Identifier: Apache-2.0
// Pages of a space's events, polls that wait, cursors with their errors, and the chain.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkChain, allAfter, checkRange, here, metric, poll, roomOf, say, waiting, withEpoch, withSeq } from './lib/events.mjs';
import { eventually } from './lib/gateway.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('messages_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const list = async (space, query, expect = 200, options = {}) => (await ann.get(roomOf(space), { query, expect, ...options })).json;
  const make = (name) => ann.post('/v1/spaces', { json: { name }, expect: 201 });
  const texts = ({ events }) => events.filter(({ type }) => type === 'message').map(({ text }) => text);

  await it('the newest without a cursor, in ascending order, and a place to go on', async () => {
    await make('pages');
    for (let i = 0; i < 12; i++) await say(ann, 'pages', `m${i}`);
    const newest = await list('pages', { limit: '5' });
    assert.deepEqual(texts(newest), ['m7', 'm8', 'm9', 'm10', 'm11']);
    assert.deepEqual((await list('pages', { after: newest.next })).events, []);
    await say(ann, 'pages', 'm12');
    assert.deepEqual(texts(await list('pages', { after: newest.next })), ['m12']);
    const before = await list('pages', { before: newest.events[0].id, limit: '5' });
    assert.deepEqual(texts(before), ['m2', 'm3', 'm4', 'm5', 'm6']);
    assert.deepEqual(texts(await list('pages', { after: before.next, limit: '3' })), ['m7', 'm8', 'm9']);
    const first = await list('pages', { before: before.events[0].id, limit: '5' });
    assert.deepEqual(texts(first), ['m0', 'm1']);
    assert.deepEqual((await list('pages', { before: first.events[0].id })).events, []);
  });

  await it('from the oldest on, all of it, and the chain holds', async () => {
    await ann.put('/v1/files/pages/f.txt', { body: 'x', expect: 201 });
    await ann.put('/v1/spaces/pages/members/bob', { json: { role: 'reader' }, expect: 201 });
    const space = (await ann.get('/v1/spaces/pages', { expect: 200 })).json;
    const { oldest } = await list('pages');
    assert.equal(oldest, space.oldest);
    for (const limit of ['1', '4', '500']) {
      const { events } = await allAfter(bob, 'pages', oldest, { limit });
      assert.equal(checkChain(events, space.oldest_chain), space.newest_chain);
      assert.deepEqual([...new Set(events.map(({ type }) => type))].sort(), ['file.stored', 'member.added', 'message', 'space.created']);
    }
  });

  await it('of some types only', async () => {
    const { oldest } = await list('pages');
    const types = async (wanted) => (await list('pages', { after: oldest, types: wanted })).events.map(({ type }) => type);
    assert.deepEqual(await types('file'), ['file.stored']);
    assert.deepEqual(await types('file.stored,member'), ['file.stored', 'member.added']);
    assert.equal((await types('message')).length, 13);
    assert.deepEqual(await types('message.updated'), []);
    for (const wanted of ['nothing', 'file,', '', ',', 'message,nothing', 'presence', 'typing']) {
      await list('pages', { types: wanted }, [400, 'parameter-invalid'], { invalid: true });
    }
    const { json } = await ann.get(roomOf('pages'), { query: { types: 'file' }, expect: 200 });
    assert.deepEqual(json.events.map(({ type }) => type), ['file.stored']);
  });

  await it('an answer has about 256 KiB at most', async () => {
    await make('big');
    for (let i = 0; i < 90; i++) await say(ann, 'big', 'x'.repeat(16000));
    const { json, bytes } = await ann.get(roomOf('big'), { query: { limit: '500' }, expect: 200 });
    assert.ok(bytes.length < 1.1 * 256 * 1024, `${bytes.length} bytes`);
    assert.ok(json.events.length > 10);
    const { events } = await allAfter(ann, 'big', json.oldest, { limit: '500' });
    checkChain(events);
    assert.equal(events.length, 91);
  });

  await it('a poll waits for what comes, and gets it at once', async () => {
    const after = await here(ann, 'common');
    const waits = poll(ann, 'common', { after });
    await waiting(gw, 1);
    const said = performance.now();
    const event = await say(bob, 'common', 'at last');
    const { json } = await waits.answer;
    assert.ok(performance.now() - said < 2000);
    assert.deepEqual(json.events, [event]);
    assert.deepEqual((await list('common', { after: json.next })).events, []);
    await waiting(gw, 0);
  });

  await it('a poll with something to tell does not wait', async () => {
    const after = await here(ann, 'common');
    await say(bob, 'common', 'before');
    const { json, ms } = await poll(ann, 'common', { after, wait: '60' }).answer;
    assert.deepEqual(texts(json), ['before']);
    assert.ok(ms < 2000);
  });

  await it('at the end of its time it answers an empty list, and time it was', async () => {
    const after = await here(ann, 'common');
    const { json, ms } = await poll(ann, 'common', { after, wait: '1' }).answer;
    assert.deepEqual(json.events, []);
    assert.ok(ms > 950 && ms < 4000, `${ms} ms`);
    assert.equal(json.next, after);
    assert.ok((await poll(ann, 'common', { after, wait: '0' }).answer).ms < 1000);
  });

  await it('what it does not want does not end its waiting', async () => {
    const after = await here(ann, 'common');
    const waits = poll(ann, 'common', { after, types: 'file', wait: '10' });
    await waiting(gw, 1);
    await say(bob, 'common', 'not wanted');
    await sleep(200);
    await bob.put('/v1/files/common/wanted.txt', { body: 'x', expect: 201 });
    const { json } = await waits.answer;
    assert.deepEqual(json.events.map(({ type, path, sender }) => [type, path, sender]), [['file.stored', 'wanted.txt', 'bob']]);
    assert.deepEqual(texts(await list('common', { after })), ['not wanted']);
  });

  await it('a poll takes nothing away, and other rooms wake nobody', async () => {
    const after = await here(ann, 'common');
    const event = await say(bob, 'common', 'for everybody');
    for (let i = 0; i < 3; i++) assert.deepEqual((await list('common', { after })).events, [event]);
    const waits = poll(ann, 'common', { after: await here(ann, 'common'), wait: '2' });
    await waiting(gw, 1);
    await say(ann, '~me', 'elsewhere');
    assert.deepEqual((await waits.answer).json.events, []);
  });

  await it('a hundred that wait all get the same', async () => {
    const after = await here(ann, 'common');
    const clients = [gw.client({ token: ann.token, connections: 60 }), gw.client({ token: bob.token, connections: 60 })];
    const polls = Array.from({ length: 100 }, (_, i) => poll(clients[i % 2], 'common', { after }));
    await waiting(gw, 100);
    const event = await say(ann, 'common', 'to all');
    const answers = await Promise.all(polls.map(({ answer }) => answer));
    for (const { json } of answers) assert.deepEqual(json.events, [event]);
    assert.equal(new Set(answers.map(({ bytes }) => bytes.toString())).size, 1);
  });

  await it('a chain of polls misses nothing and repeats nothing', async () => {
    await make('flow');
    let after = await here(ann, 'flow');
    const said = (async () => {
      for (let i = 0; i < 60; i++) {
        await say(ann, 'flow', `f${i}`);
        if (i % 7 === 0) await sleep(15);
      }
    })();
    const heard = [];
    while (heard.length < 60) {
      const { json } = await poll(ann, 'flow', { after, limit: '4' }).answer;
      heard.push(...texts(json));
      after = json.next;
    }
    await said;
    assert.deepEqual(heard, Array.from({ length: 60 }, (_, i) => `f${i}`));
  });

  await it('a changed text is gone from answers that were given before', async () => {
    const after = await here(ann, 'common');
    const event = await say(ann, 'common', 'a word too many');
    assert.deepEqual(texts(await list('common', { after })), ['a word too many']);
    await ann.patch(`${roomOf('common')}/${event.seq}`, { json: { text: 'fewer' }, expect: 200 });
    const page = await ann.get(roomOf('common'), { query: { after }, expect: 200 });
    assert.ok(!page.bytes.toString().includes('a word too many'));
    assert.equal(page.json.events[0].revision.text, 'fewer');
  });

  await it('HEAD does not wait', async () => {
    const after = await here(ann, 'common');
    const started = performance.now();
    await ann.head(roomOf('common'), { query: { after, wait: '20' }, expect: 200 });
    await ann.head(roomOf('common'), { expect: 200 });
    assert.ok(performance.now() - started < 3000);
  });

  await it('cursor-invalid: what never was one', async () => {
    const { next } = await list('common');
    for (const after of ['x', '5', '.', `${next}x`, `x${next}`, ` ${next}`, withSeq(next, '-1'), withSeq(next, '99999999999999999999'), withSeq(next, '01')]) {
      await list('common', { after }, [400, 'cursor-invalid']);
      await list('common', { after, wait: '20' }, [400, 'cursor-invalid']);
      await list('common', { before: after }, [400, 'cursor-invalid']);
    }
    for (const query of [{ after: '' }, { before: '' }]) await list('common', query, [400, 'cursor-invalid'], { invalid: true });
  });

  await it('cursor-unknown-epoch: of another log, with the range of this one', async () => {
    const { next, epoch } = await list('common');
    const other = withEpoch(next, epoch === '0123456789ab' ? '0123456789ac' : '0123456789ab');
    for (const query of [{ after: other }, { after: other, wait: '20' }]) {
      const range = checkRange({ json: await list('common', query, [410, 'cursor-unknown-epoch']) });
      assert.ok(range.newest.startsWith(`${epoch}.`));
      await list('common', { after: range.oldest });
      assert.deepEqual((await list('common', { after: range.newest })).events, []);
    }
  });

  await it('a page before an event of another log is found by its number: that promises nothing', async () => {
    const { events, epoch } = await list('common', { limit: '5' });
    const before = withEpoch(events.at(-1).id, epoch === '0123456789ab' ? '0123456789ac' : '0123456789ab');
    assert.deepEqual((await list('common', { before, limit: '4' })).events, events.slice(0, 4));
  });

  await it('cursor-future: beyond the end, with the range', async () => {
    const { next } = await list('common');
    for (const seq of [9007199254740991, Number(next.split('.')[1]) + 1000000]) {
      const future = withSeq(next, seq);
      for (const query of [{ after: future }, { after: future, wait: '20' }, { before: future }]) {
        const range = checkRange({ json: await list('common', query, [400, 'cursor-future']) });
        await list('common', { after: range.newest });
      }
    }
  });

  await it('cursor-pruned: what is gone is said, with what is left', async () => {
    await make('short');
    const first = await say(ann, 'short', 'first');
    for (let i = 0; i < 20; i++) await say(ann, 'short', `s${i}`);
    const start = (await ann.get('/v1/spaces/short', { expect: 200 })).json.oldest;
    await ann.patch('/v1/spaces/short', { json: { retention: { count: 5 } }, expect: 200 });
    await eventually(async () => (await ann.get('/v1/spaces/short', { expect: 200 })).json.oldest !== start, 'retention', 90000);
    await eventually(async () => (await list('short', { limit: '500' })).events.length === 5, 'all of it', 90000);
    for (const query of [{ after: start }, { after: first.id }, { after: start, wait: '20' }, { before: first.id }]) {
      const range = checkRange({ json: await list('short', query, [410, 'cursor-pruned']) });
      const left = await list('short', { after: range.oldest });
      assert.equal(left.events.length, 5);
      const space = (await ann.get('/v1/spaces/short', { expect: 200 })).json;
      assert.equal(range.oldest, space.oldest);
      assert.equal(checkChain(left.events, space.oldest_chain), space.newest_chain);
    }
    const gone = await ann.get(`${roomOf('short')}/${first.seq}`, { expect: [410, 'cursor-pruned'] });
    checkRange(gone);
  });

  await it('refuses parameters that make no sense', async () => {
    const { next } = await list('common');
    const bad = (query) => list('common', query, [400, 'parameter-invalid'], { invalid: true });
    const hint = await bad({ wait: '5' });
    assert.match(hint.detail, /after/);
    await bad({ after: next, before: next });
    for (const limit of ['0', '501', 'x', '-1', '']) await bad({ limit });
    for (const wait of ['-1', '61', 'x', '1.5']) await bad({ after: next, wait });
    await bad(`after=${next}&after=${next}`);
    await list('common', { wait: '0' });
  });

  await it('of spaces that are not mine, nothing', async () => {
    for (const space of ['~bob', 'nothing', '@ann', '@nobody', '%00', '.']) {
      await list(space, {}, [404, 'not-found']);
      await list(space, { after: 'x', wait: '5' }, [404, 'not-found']);
    }
    assert.deepEqual(texts(await list('@bob')), []);
    assert.equal(await metric(gw, 'secgate_waiters'), 0);
  });

  await it('a poll of a direct talk that nobody has begun hears its first word', async () => {
    const cat = await gw.user(admin, 'cat');
    const after = await here(ann, '@cat');
    const waits = poll(ann, '@cat', { after });
    await waiting(gw, 1);
    await say(cat, '@ann', 'hello');
    assert.deepEqual((await waits.answer).json.events.map(({ space, text }) => [space, text]), [['@cat', 'hello']]);
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', roomOf('common')));
});
