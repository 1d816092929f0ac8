// SPDX-License-Identifier: Apache-2.0
// What operators may choose about channels, and their end.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { openChannel } from './lib/channel.mjs';
import { suite } from './lib/suite.mjs';

const DATA = '/v1/sessions/current/data';
const small = {
  channel: {
    'session-seconds': 10,
    'responses-per-epoch': 3,
    window: 4,
    'data-bytes': 1024,
    'bind-address': 'off',
  },
};

suite('channels as configured', { config: small }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const open = (options) => openChannel(gw, admin.username, admin.password, options);

  await it('says so', async () => {
    const { session } = await open();
    assert.equal(session.channel.responses_per_epoch, 3);
    assert.equal(session.channel.window, 4);
    assert.deepEqual(session.channel.bind, []);
    assert.equal(Date.parse(session.channel.expires_at) - Date.parse(session.channel.created_at), 10000);
    assert.deepEqual((await open({ bind: ['address'] })).session.channel.bind, ['address']);
  });

  await it('changes keys, bounds the window and the size', async () => {
    const { client, channel } = await open();
    const post = async (sequence, expect) =>
      client.post(DATA, { json: await channel.request('', { sequence }), expect });
    for (let i = 0; i < 7; i++) await channel.exchange(client);
    assert.equal(channel.epoch, 2);
    await post(12, [409, 'sequence-gap']);
    await post(11, 200);
    await post(8, 200);
    await post(7, [409, 'sequence-replayed']);
    await client.post(DATA, { json: await channel.request('x'.repeat(1025), { sequence: 12 }), expect: [413, 'too-large'] });
    const content = { method: 'GET', path: '/openapi.yaml' };
    assert.equal((await channel.exchange(client, content, { sequence: 12 })).status, 413);
  });

  await it('ends sessions in time', async () => {
    const { client, channel } = await open();
    await channel.exchange(client);
    const end = Date.parse(client.session.expires_at);
    while (Date.now() < end + 1100) await sleep(200);
    await client.post(DATA, { json: { sequence: 2 }, expect: [401, 'session-expired'] });
  });
});

suite('channels always bound', { config: { channel: { 'bind-address': 'always' } } }, async ({ gw, it }) => {
  const admin = await gw.admin();

  await it('binds whatever the client says', async () => {
    const { session } = await openChannel(gw, admin.username, admin.password, { bind: [] });
    assert.deepEqual(session.channel.bind, ['address']);
  });
});
