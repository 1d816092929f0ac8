// SPDX-License-Identifier: Apache-2.0
// Server-Sent Events: the form, where a stream begins, going on without loss, and that it stays open.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStream, allAfter, checkRange, here, metric, say, waiting, withEpoch, withSeq } from './lib/events.mjs';
import { eventually } from './lib/gateway.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('events_stream', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const accept = { accept: 'text/event-stream' };
  const texts = (stream) => stream.frames.filter(({ event }) => event === 'message').map(({ json }) => json.text);

  await it('begins at once, with a time to come back and a place', async () => {
    const stream = await EventStream.open(ann);
    const ready = await stream.next();
    assert.deepEqual([ready.event, ready.json, stream.retry], ['ready', {}, 2000]);
    assert.match(stream.headers['cache-control'], /no-store/);
    assert.equal(await metric(gw, 'secgate_event_streams'), 1);
    const after = await allAfter(ann, undefined, ready.id, { types: 'message' });
    assert.deepEqual(after.events, []);
    await stream.close();
    await eventually(async () => (await metric(gw, 'secgate_event_streams')) === 0, 'the end of the stream', 3000);
  });

  await it('brings what happens as it happens', async () => {
    const stream = await EventStream.open(ann);
    for (const text of ['one', 'two\nlines', '\u2028', 'three']) {
      const event = await say(bob, 'common', text);
      assert.deepEqual((await stream.nextOf('message', 2000)).json, event);
    }
    await bob.put('/v1/files/common/f', { body: 'x', expect: 201 });
    assert.equal((await stream.nextOf('file.stored', 2000)).json.path, 'f');
    await stream.close();
  });

  await it('goes on after what was seen last, by header or by parameter; the header counts', async () => {
    const first = await EventStream.open(ann, { query: { types: 'message' } });
    await say(bob, 'common', 'a');
    await first.nextOf('message');
    await first.close();
    for (const text of ['b', 'c', 'd']) await say(bob, 'common', text);
    for (const options of [{ headers: { 'last-event-id': first.lastId } }, { query: { after: first.lastId } },
      { headers: { 'last-event-id': first.lastId }, query: { after: 'nonsense' } }]) {
      const stream = await EventStream.open(ann, options);
      assert.equal((await stream.next()).id, first.lastId);
      await stream.next(({ json }) => json.text === 'd');
      assert.deepEqual(texts(stream), ['b', 'c', 'd']);
      await stream.close();
    }
  });

  await it('loses nothing over many breaks, and repeats nothing', async () => {
    await ann.post('/v1/spaces', { json: { name: 'flow' }, expect: 201 });
    let last = await here(ann, 'flow');
    let done = false;
    const writer = (async () => {
      for (let i = 0; i < 150; i++) {
        await say(ann, 'flow', `f${i}`);
        if (i % 5 === 0) await sleep(10);
      }
      done = true;
    })();
    const heard = [];
    while (heard.length < 150) {
      const stream = await EventStream.open(ann, { query: { space: 'flow' }, headers: { 'last-event-id': last } });
      await Promise.race([sleep(60), stream.ended]);
      if (done) await eventually(() => heard.length + texts(stream).length >= 150, 'the rest');
      heard.push(...texts(stream));
      last = stream.lastId ?? last;
      await stream.close();
    }
    await writer;
    assert.deepEqual(heard, Array.from({ length: 150 }, (_, i) => `f${i}`));
  });

  await it('brings a long past in pieces', async () => {
    await ann.post('/v1/spaces', { json: { name: 'past' }, expect: 201 });
    const after = await here(ann, 'past');
    const long = 'x'.repeat(15000);
    for (let i = 0; i < 200; i++) await say(ann, 'past', i % 3 ? `p${i}` : `p${i} ${long}`);
    const stream = await EventStream.open(ann, { query: { after, space: 'past' } });
    await stream.next(({ json }) => json.text === 'p199', 20000);
    assert.deepEqual(texts(stream).map((text) => text.split(' ')[0]), Array.from({ length: 200 }, (_, i) => `p${i}`));
    await stream.close();
  });

  await it('one that reads nothing holds back nobody, and misses nothing when it reads', async () => {
    await ann.post('/v1/spaces', { json: { name: 'slow' }, expect: 201 });
    const slow = await EventStream.open(gw.client({ token: ann.token }), { hold: true, query: { space: 'slow', types: 'message' } });
    const quick = await EventStream.open(ann, { query: { space: 'slow', types: 'message' } });
    const long = 'y'.repeat(16000);
    const names = Array.from({ length: 400 }, (_, i) => `s${i}`);
    for (let i = 0; i < 400; i += 20) {
      await Promise.all(names.slice(i, i + 20).map((name) => say(ann, 'slow', `${name} ${long}`)));
      await eventually(() => texts(quick).length >= i + 20, 'the quick one keeps up', 5000);
    }
    const order = texts(quick).map((text) => text.split(' ')[0]);
    assert.deepEqual([...order].sort(), [...names].sort());
    slow.release();
    await eventually(() => texts(slow).length === 400, 'the slow one gets all', 20000);
    assert.deepEqual(texts(slow).map((text) => text.split(' ')[0]), order);
    await slow.close();
    await quick.close();
  });

  await it('of one space and of some types', async () => {
    const stream = await EventStream.open(ann, { query: { space: 'common', types: 'message' } });
    await say(ann, '~me', 'not here');
    await bob.put('/v1/files/common/g', { body: 'x', expect: 201 });
    await say(bob, 'common', 'here');
    await stream.nextOf('message');
    assert.deepEqual(stream.frames.map(({ event }) => event), ['ready', 'message']);
    await stream.close();
  });

  await it('says now and then that it is alive, and stays open longer than a request may take', async () => {
    const stream = await EventStream.open(ann, { query: { types: 'space' } });
    await eventually(() => stream.comments >= 1, 'a comment', 20000);
    await eventually(() => stream.comments >= 2, 'another comment', 20000);
    assert.equal(stream.over, undefined);
    await stream.close();
  });

  await it('answers errors of cursors before it begins', async () => {
    const open = (headers, expect, query) => ann.get('/v1/events', { headers: { ...accept, ...headers }, query, expect });
    const { next, epoch } = (await ann.get('/v1/events', { expect: 200 })).json;
    await open({ 'last-event-id': 'nonsense' }, [400, 'cursor-invalid']);
    const other = withEpoch(next, epoch === '0123456789ab' ? '0123456789ac' : '0123456789ab');
    checkRange(await open({ 'last-event-id': other }, [410, 'cursor-unknown-epoch']));
    checkRange(await open({}, [410, 'cursor-unknown-epoch'], { after: other }));
    checkRange(await open({ 'last-event-id': withSeq(next, 9007199254740991) }, [400, 'cursor-future']));
    await open({}, [404, 'not-found'], { space: 'nothing' });
    await open({}, [400, 'parameter-invalid'], { types: 'nothing' });
    await waiting(gw, 0);
  });

  await it('many at a time get the same', async () => {
    const client = gw.client({ token: ann.token, connections: 60 });
    const streams = await Promise.all(Array.from({ length: 40 }, () => EventStream.open(client, { query: { types: 'message' } })));
    assert.equal(await metric(gw, 'secgate_event_streams'), 40);
    for (let i = 0; i < 20; i++) await say(bob, 'common', `n${i}`);
    for (const stream of streams) {
      await stream.next(({ json }) => json.text === 'n19');
      assert.deepEqual(texts(stream), Array.from({ length: 20 }, (_, i) => `n${i}`));
    }
    await Promise.all(streams.map((stream) => stream.close()));
    await waiting(gw, 0);
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/events', {}));
});
