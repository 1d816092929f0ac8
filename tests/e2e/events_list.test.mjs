// SPDX-License-Identifier: Apache-2.0
// One cursor for everything that I may read.
import assert from 'node:assert/strict';
import { allAfter, checkRange, here, poll, roomOf, say, waiting, withEpoch, withSeq } from './lib/events.mjs';
import { eventually } from './lib/gateway.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('events_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const list = async (query, expect = 200, options = {}) => (await ann.get('/v1/events', { query, expect, ...options })).json;
  const stored = 'message,file,member,space';
  const shape = ({ space, type }) => [space, type];

  await it('without a cursor: a place to start from, and nothing else', async () => {
    await say(ann, 'common', 'before');
    const { events, next, epoch } = await list();
    assert.deepEqual(events, []);
    assert.ok(next.startsWith(`${epoch}.`));
    const answer = await ann.get('/v1/events', { query: { wait: '5' }, invalid: true, expect: [400, 'parameter-invalid'] });
    assert.match(answer.json.detail, /after/);
  });

  await it('everything in its order, whatever the space, and only of mine', async () => {
    const after = await here(ann);
    await say(ann, 'common', 'one');
    await ann.post('/v1/spaces', { json: { name: 'lab' }, expect: 201 });
    await bob.post('/v1/spaces', { json: { name: 'bobs' }, expect: 201 });
    await say(bob, 'bobs', 'not for ann');
    await say(bob, '~me', 'nor this');
    await say(bob, '@root-admin', 'nor that');
    await say(bob, '@ann', 'for ann');
    await ann.put('/v1/files/lab/f.txt', { body: 'x', expect: 201 });
    await ann.patch('/v1/files/lab/f.txt', { json: { path: 'lab/g.txt' }, expect: 200 });
    await ann.delete('/v1/files/lab/g.txt', { expect: 204 });
    await ann.put('/v1/spaces/lab/members/bob', { json: { role: 'reader' }, expect: 201 });
    const { events } = await allAfter(ann, undefined, after, { limit: '3', types: stored });
    assert.deepEqual(events.map(shape).filter(([, type]) => type !== 'space.created'), [
      ['common', 'message'],
      ['@bob', 'message'],
      ['lab', 'file.stored'],
      ['lab', 'file.moved'],
      ['lab', 'file.deleted'],
      ['lab', 'member.added'],
    ]);
    for (let i = 1; i < events.length; i++) assert.ok(events[i].seq > events[i - 1].seq);
    const moved = events.find(({ type }) => type === 'file.moved');
    assert.deepEqual([moved.path, moved.from_path, moved.sender], ['g.txt', 'f.txt', 'ann']);
  });

  await it('a poll waits for whatever comes', async () => {
    const waits = poll(ann, undefined, { after: await here(ann), types: stored });
    await waiting(gw, 1);
    const event = await say(bob, '@ann', 'at last');
    const { json } = await waits.answer;
    assert.deepEqual(json.events, [{ ...event, space: '@bob' }]);
    const { ms, json: none } = await poll(ann, undefined, { after: json.next, wait: '1', types: stored }).answer;
    assert.deepEqual(none.events, []);
    assert.ok(ms > 950 && ms < 4000);
  });

  await it('the first word of a talk that nobody has begun is heard', async () => {
    const cat = await gw.user(admin, 'cat');
    const waits = poll(ann, undefined, { after: await here(ann), types: 'message' });
    await waiting(gw, 1);
    await say(cat, '@ann', 'hello ann');
    assert.deepEqual((await waits.answer).json.events.map(({ space, text }) => [space, text]), [['@cat', 'hello ann']]);
  });

  await it('of one space, and of some types', async () => {
    const after = await here(ann);
    await say(ann, 'common', 'one');
    await say(ann, '~me', 'two');
    await ann.put('/v1/files/~me/f', { body: 'x', expect: 201 });
    const types = async (query) => (await allAfter(ann, undefined, after, query)).events.map(shape);
    assert.deepEqual(await types({ space: '~me' }), [['~ann', 'message'], ['~ann', 'file.stored']]);
    assert.deepEqual(await types({ types: 'file' }), [['~ann', 'file.stored']]);
    assert.deepEqual(await types({ space: 'common', types: 'file' }), []);
    await list({ space: 'nothing' }, [404, 'not-found']);
    await list({ space: '~bob', after }, [404, 'not-found']);
    for (const wanted of ['nothing', '', 'file,,', 'FILE']) await list({ types: wanted }, [400, 'parameter-invalid'], { invalid: true });
  });

  await it('cursors of messages_list can be used, and the other way round', async () => {
    const place = await here(ann, 'common');
    const event = await say(bob, 'common', 'x');
    assert.deepEqual((await list({ after: place, types: 'message' })).events, [event]);
    const { next } = await list();
    await say(bob, 'common', 'y');
    assert.equal((await ann.get(roomOf('common'), { query: { after: next }, expect: 200 })).json.events[0].text, 'y');
  });

  await it('the errors of cursors, each with its range', async () => {
    const { next, epoch } = await list();
    for (const after of ['x', `${next}.1.2`, ` ${next}`]) await list({ after }, [400, 'cursor-invalid']);
    const other = withEpoch(next, epoch === '0123456789ab' ? '0123456789ac' : '0123456789ab');
    const unknown = checkRange({ json: await list({ after: other, wait: '20' }, [410, 'cursor-unknown-epoch']) });
    assert.deepEqual((await list({ after: unknown.newest, types: stored })).events, []);
    const future = checkRange({ json: await list({ after: withSeq(next, 9007199254740991), wait: '20' }, [400, 'cursor-future']) });
    await list({ after: future.newest });
  });

  await it('cursor-pruned: what one of my spaces no longer has is said, also to a stream', async () => {
    const after = await here(ann);
    await ann.post('/v1/spaces', { json: { name: 'short' }, expect: 201 });
    for (let i = 0; i < 8; i++) await say(ann, 'short', `s${i}`);
    await ann.patch('/v1/spaces/short', { json: { retention: { count: 2 } }, expect: 200 });
    const ask = (query, options = {}) => ann.get('/v1/events', { query, ...options });
    const pruned = await eventually(async () => {
      const answer = await ask({ after, wait: '1', types: 'space' });
      return answer.status === 410 && answer;
    }, 'retention');
    assert.equal(pruned.code, 'cursor-pruned');
    const { oldest } = checkRange(pruned);
    checkRange(await ask({ after }, { headers: { accept: 'text/event-stream' }, expect: [410, 'cursor-pruned'] }));
    await eventually(async () => (await ask({ after: oldest, space: 'short' })).status === 200, 'the end of it');
    const { spaces } = (await bob.get('/v1/spaces', { expect: 200 })).json;
    assert.ok(!spaces.some(({ name }) => name === 'short'));
    await bob.get('/v1/events', { query: { after }, expect: 200 });
  });

  await it('what is shown is what is acceptable', async () => {
    await list({}, [406, 'not-acceptable'], { headers: { accept: 'text/html' } });
    await list({}, 200, { headers: { accept: '*/*' } });
    await list({}, 200, { headers: { accept: 'application/json, text/event-stream' } });
    await list({}, 200, { headers: { accept: 'text/event-stream;q=0.5, application/json' } });
  });

  await it('HEAD does not wait', async () => {
    const started = performance.now();
    await ann.head('/v1/events', { query: { after: await here(ann), wait: '20' }, expect: 200 });
    await ann.head('/v1/events', { headers: { accept: 'text/event-stream' }, expect: 200 });
    assert.ok(performance.now() - started < 3000);
    await waiting(gw, 0);
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/events'));
});
