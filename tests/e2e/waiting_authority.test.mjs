// SPDX-License-Identifier: Apache-2.0
// Polls that wait and streams end with the authority that they have, at once and with its reason, and show nothing
// that happened afterwards.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStream, here, metric, poll, say, waiting } from './lib/events.mjs';
import { eventually } from './lib/gateway.mjs';
import { suite } from './lib/suite.mjs';

const AT_ONCE_MS = 1000;
const SECRET = 'said when it was over';

// Everything that can listen: a poll of one space, one of all spaces, and both kinds of streams.
async function listenAll(gw, client, space) {
  const before = await metric(gw, 'secgate_waiters');
  const polls = [poll(client, space, { after: await here(client, space), types: 'message' }), poll(client, undefined, { after: await here(client), types: 'message' })];
  const streams = [await EventStream.open(client, { query: { types: 'message', space } }), await EventStream.open(client, { query: { types: 'message' } })];
  await waiting(gw, before + 4);
  return { polls, streams };
}

// All of them end with this answer within a second of `act`, and none shows what is said afterwards.
async function endsAll(gw, client, space, act, speaker, [status, code]) {
  const { polls, streams } = await listenAll(gw, client, space);
  const started = performance.now();
  await act();
  await speaker.post(`/v1/chat/${space}/messages`, { json: { text: SECRET }, expect: 201 });
  for (const { answer } of polls) {
    const result = await answer;
    assert.deepEqual([result.status, result.code], [status, code]);
    if (status === 401) assert.match(result.headers['www-authenticate'], /error="invalid_token"/);
    assert.ok(!result.bytes.toString().includes(SECRET));
  }
  for (const stream of streams) {
    const last = await stream.nextOf('error');
    assert.deepEqual([last.json.status, last.json.code], [status, code]);
    assert.ok(last.at - started < AT_ONCE_MS, `${last.at - started} ms`);
    await stream.end();
    assert.equal(stream.frames.at(-1).event, 'error');
    assert.ok(!JSON.stringify(stream.frames).includes(SECRET));
  }
  assert.ok(performance.now() - started < 2 * AT_ONCE_MS, 'at once');
  await waiting(gw, 0);
}

suite('waiting_authority', async ({ gw, it }) => {
  const admin = await gw.admin();
  let count = 0;
  const newcomer = (options) => gw.user(admin, `user${++count}`, options);

  await it('logout: session-ended', async () => {
    const ann = await newcomer();
    await endsAll(gw, ann, 'common', () => ann.delete('/v1/sessions/current', { expect: 204 }), admin, [401, 'session-ended']);
  });

  await it('logout of another session leaves this one waiting', async () => {
    const ann = await newcomer();
    const other = await gw.login(ann.username, ann.password);
    const { polls, streams } = await listenAll(gw, ann, 'common');
    await other.delete('/v1/sessions/current', { expect: 204 });
    await sleep(300);
    assert.equal(await metric(gw, 'secgate_waiters'), 4);
    const event = await say(admin, 'common', 'still here');
    for (const { answer } of polls) assert.deepEqual((await answer).json.events, [event]);
    for (const stream of streams) {
      assert.deepEqual((await stream.nextOf('message')).json, event);
      await stream.close();
    }
    await waiting(gw, 0);
  });

  await it('a refresh token used again: session-ended', async () => {
    const ann = await newcomer();
    const first = ann.session.refresh_token;
    await ann.refresh();
    await ann.refresh();
    const reuse = () => ann.refresh({ token: first, expect: [400, 'invalid_grant'] });
    await endsAll(gw, ann, 'common', reuse, admin, [401, 'session-ended']);
  });

  await it('a refresh leaves waiting what waits with the token before', async () => {
    const ann = await newcomer();
    const waits = poll(ann, 'common', { after: await here(ann, 'common') });
    await waiting(gw, 1);
    await ann.refresh();
    await sleep(100);
    const event = await say(admin, 'common', 'heard');
    assert.deepEqual((await waits.answer).json.events, [event]);
  });

  await it('disabled: user-disabled', async () => {
    const ann = await newcomer();
    const disable = () => admin.patch(`/v1/users/${ann.username}`, { json: { disabled: true }, expect: 200 });
    await endsAll(gw, ann, 'common', disable, admin, [403, 'user-disabled']);
  });

  await it('account removed: session-ended', async () => {
    const ann = await newcomer();
    await endsAll(gw, ann, 'common', () => admin.delete(`/v1/users/${ann.username}`, { expect: 204 }), admin, [401, 'session-ended']);
  });

  await it('password changed: other sessions end, this one goes on', async () => {
    const ann = await newcomer();
    const other = await gw.login(ann.username, ann.password);
    const kept = await EventStream.open(ann, { query: { types: 'message' } });
    const json = { old_password: ann.password, new_password: 'another password of mine' };
    const { polls, streams } = await listenAll(gw, other, 'common');
    await ann.patch('/v1/users/me', { json, expect: 200 });
    for (const { answer } of polls) assert.equal((await answer).code, 'session-ended');
    for (const stream of streams) assert.equal((await stream.nextOf('error')).json.code, 'session-ended');
    const event = await say(admin, 'common', 'for who stays');
    assert.deepEqual((await kept.nextOf('message')).json, event);
    await kept.close();
    await waiting(gw, 0);
  });

  const roomWith = async (user, name, role = 'writer') => {
    await admin.post('/v1/spaces', { json: { name }, expect: 201 });
    await admin.put(`/v1/spaces/${name}/members/${user.username}`, { json: { role }, expect: 201 });
  };

  for (const [what, end] of [
    ['removed by an owner', (user, name) => admin.delete(`/v1/spaces/${name}/members/${user.username}`, { expect: 204 })],
    ['left', (user, name) => user.delete(`/v1/spaces/${name}/members/me`, { expect: 204 })],
  ]) {
    await it(`membership ended (${what}): not-found there, the rest goes on without it`, async () => {
      const ann = await newcomer();
      const name = `room${count}`;
      await roomWith(ann, name);
      const { polls, streams } = await listenAll(gw, ann, name);
      await end(ann, name);
      await say(admin, name, SECRET);
      const answer = await polls[0].answer;
      assert.deepEqual([answer.status, answer.code], [404, 'not-found']);
      assert.ok(answer.ms < 5000);
      assert.equal((await streams[0].nextOf('error')).json.code, 'not-found');
      await streams[0].end();
      const event = await say(admin, 'common', 'common goes on');
      assert.deepEqual((await polls[1].answer).json.events, [event]);
      assert.deepEqual((await streams[1].nextOf('message')).json, event);
      for (const stream of streams) assert.ok(!JSON.stringify(stream.frames).includes(SECRET));
      await streams[1].close();
      await waiting(gw, 0);
    });
  }

  await it('a lesser role that still reads goes on', async () => {
    const ann = await newcomer();
    await roomWith(ann, 'lesser');
    const { polls, streams } = await listenAll(gw, ann, 'lesser');
    await admin.put(`/v1/spaces/lesser/members/${ann.username}`, { json: { role: 'reader' }, expect: 200 });
    await admin.patch(`/v1/users/${ann.username}`, { json: { role: 'guest' }, expect: 200 });
    const event = await say(admin, 'lesser', 'for readers');
    for (const { answer } of polls) assert.deepEqual((await answer).json.events, [event]);
    for (const stream of streams) {
      assert.deepEqual((await stream.nextOf('message')).json, event);
      await stream.close();
    }
    await waiting(gw, 0);
  });

  await it('the other one\'s account removed: the direct talk is not found', async () => {
    const ann = await newcomer();
    const bob = await newcomer();
    await say(bob, `@${ann.username}`, 'hi');
    const waits = poll(ann, `@${bob.username}`, { after: await here(ann, `@${bob.username}`) });
    await waiting(gw, 1);
    await admin.delete(`/v1/users/${bob.username}`, { expect: 204 });
    const answer = await waits.answer;
    assert.deepEqual([answer.status, answer.code], [404, 'not-found']);
    await ann.get(`/v1/chat/@${bob.username}/messages`, { expect: [404, 'not-found'] });
  });

  await it('a writer who lost the right while many wait has nothing said', async () => {
    const ann = await newcomer();
    await roomWith(ann, 'raced');
    const after = await here(admin, 'raced');
    const posts = Array.from({ length: 60 }, (_, i) => ann.post('/v1/chat/raced/messages', { json: { text: `r${i}` } }));
    await admin.put(`/v1/spaces/raced/members/${ann.username}`, { json: { role: 'reader' }, expect: 200 });
    const { events } = (await admin.get('/v1/chat/raced/messages', { query: { after, limit: '500' }, expect: 200 })).json;
    const statuses = (await Promise.all(posts)).map(({ status }) => status);
    const changed = events.findIndex(({ type }) => type === 'member.updated');
    assert.ok(changed >= 0);
    assert.equal(events.length, changed + 1, 'nothing after the change');
    assert.ok(statuses.every((status) => [201, 403].includes(status)));
    assert.equal(statuses.filter((status) => status === 201).length, changed);
  });
});

suite('waiting_authority: tokens', { config: { accounts: { access_token_seconds: 10 } } }, async ({ gw, it }) => {
  await it('token expired: token-expired, in time; a poll from before is not shown what comes then', async () => {
    const admin = await gw.admin();
    const ann = await gw.user(admin, 'ann');
    const expires = performance.now() + 10000;
    const { polls, streams } = await listenAll(gw, ann, 'common');
    for (const { answer } of polls) {
      const result = await answer;
      assert.deepEqual([result.status, result.code], [401, 'token-expired']);
    }
    for (const stream of streams) {
      assert.equal((await stream.nextOf('error', 15000)).json.code, 'token-expired');
      await stream.end();
    }
    assert.ok(Math.abs(performance.now() - expires) < 3000, `${performance.now() - expires} ms after it`);
    await ann.refresh();
    const later = poll(ann, 'common', { after: await here(ann, 'common'), wait: '1' });
    assert.equal((await later.answer).status, 200);
    await eventually(async () => (await metric(gw, 'secgate_waiters')) === 0, 'no waiter');
  });
});
