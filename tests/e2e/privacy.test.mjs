// SPDX-License-Identifier: Apache-2.0
// The log: one line per request, with its id, and never a secret.
import assert from 'node:assert/strict';
import { EventStream, here, poll, waiting } from './lib/events.mjs';
import { eventually } from './lib/gateway.mjs';
import { suite } from './lib/suite.mjs';

// Messages in every form, idempotency keys, polls and streams by token and by cookie.
async function chat(gw, client, anyone) {
  const room = '/v1/chat/common/messages';
  const after = await here(client, 'common');
  const key = 'Idempotency-Secret-Marker';
  const said = await client.post(room, { json: { text: 'Message-Secret-Marker' }, headers: { 'idempotency-key': key }, expect: 201 });
  await client.post(room, { body: 'Plain-Secret-Marker', type: 'text/plain', expect: 201 });
  await client.post(room, { body: '{"text":"Broken-Secret-Marker"', type: 'application/json', invalid: true, expect: 400 });
  await client.post(room, { json: { text: 'No-File-Secret-Marker', files: ['none'] }, expect: 422 });
  await client.patch(`${room}/${said.json.seq}`, { json: { text: 'Changed-Secret-Marker' }, expect: 200 });
  const cookie = (await client.post('/v1/events/cookie', { expect: 204 })).headers['set-cookie'].split(';')[0];
  const stream = await EventStream.open(anyone, { headers: { cookie }, query: { after } });
  await stream.nextOf('message.updated');
  const waits = poll(client, 'common', { after: await here(client, 'common') });
  await waiting(gw, 2);
  await client.post(room, { json: { text: 'Heard-Secret-Marker' }, expect: 201 });
  await waits.answer;
  await stream.close();
  await anyone.get('/v1/events', { headers: { cookie: `${cookie}x` }, expect: 401 });
  await anyone.get('/v1/events', { headers: { cookie, 'sec-fetch-site': 'cross-site' }, expect: 401 });
}

async function useEverything(gw) {
  const password = 'Pa55word-Secret-Marker';
  const next = 'N3xt-Secret-Marker-Word';
  const setup = gw.setupCode();
  const admin = await gw.admin('root-admin', password);
  const invite = (await admin.post('/v1/invites', { json: {}, expect: 201 })).json.code;
  await gw.client().post('/v1/users', { json: { username: 'ann', password, code: invite }, expect: 201 });
  const ann = await gw.login('ann', password);
  const first = { ...ann.session };
  await chat(gw, ann, gw.client());
  await ann.refresh();
  await ann.patch('/v1/users/me', { json: { old_password: password, new_password: next }, expect: 200 });
  await gw.client().post('/v1/sessions', { json: { username: 'ann', password: 'Wr0ng-Secret-Marker' }, expect: 401 });
  await gw.client().post('/v1/sessions', { body: `{"username":"ann","password":"${next}"`, type: 'application/json', invalid: true, expect: 400 });
  await ann.get('/v1/users/me', { query: { access_token: ann.token }, invalid: true });
  await ann.get('/v1/users/me', { token: `${ann.token}x`, expect: 401 });
  await ann.post('/v1/oauth/token', { form: { grant_type: 'refresh_token', refresh_token: 'Wr0ngRefreshSecretMarker' }, token: null, expect: 400 });
  await ann.get('/v1/daytime', { headers: { 'x-request-id': 'the-last-request' }, expect: 200 });
  const secrets = [password, next, setup, invite, first.token, first.refresh_token, ann.token, ann.session.refresh_token];
  const parts = [first.token, ann.token].map((token) => token.split('.')[2]);
  return [...secrets, ...parts, 'Secret-Marker', 'Wr0ngRefreshSecretMarker'];
}

suite('privacy', async ({ gw, it }) => {
  const secrets = await useEverything(gw);
  await eventually(() => gw.log.includes('the-last-request'), 'the last line of the log');

  await it('every line is an object of JSON', () => {
    for (const line of gw.log.trimEnd().split('\n')) {
      const value = JSON.parse(line);
      assert.equal(typeof value, 'object');
    }
  });

  await it('each request has one line, with its id', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `counted-${i}`);
    const client = gw.client();
    await Promise.all(ids.map((id) => client.get('/v1/daytime', { headers: { 'x-request-id': id }, expect: 200 })));
    await eventually(() => ids.every((id) => gw.log.includes(`"${id}"`)), 'all lines');
    for (const id of ids) assert.equal(gw.log.split('\n').filter((line) => line.includes(`"${id}"`)).length, 1);
  });

  await it('no password, token, cookie, code or text of a message is in it', () => {
    for (const secret of secrets) assert.ok(!gw.log.includes(secret), `${secret.slice(0, 12)} is in the log`);
  });

  await it('what a client sends cannot forge lines', async () => {
    const client = gw.client();
    await client.get('/v1/files/common/%0a%7b%22forged%22%3a1%7d', { outside: true, token: null });
    await client.get('/healthz', { headers: { 'user-agent': 'x"}{"forged":1}' }, expect: 200 });
    await client.get('/healthz', { headers: { 'x-request-id': 'after-forging' }, expect: 200 });
    await eventually(() => gw.log.includes('after-forging'), 'the last line');
    for (const line of gw.log.trimEnd().split('\n')) assert.equal(JSON.parse(line).forged, undefined);
  });
});

suite('privacy: text', { logFormat: 'text' }, async ({ gw, it }) => {
  await it('no password, token or code is in the text format either', async () => {
    const secrets = await useEverything(gw);
    await eventually(() => gw.log.includes('the-last-request'), 'the last line of the log');
    for (const secret of secrets) assert.ok(!gw.log.includes(secret), `${secret.slice(0, 12)} is in the log`);
  });
});
