// SPDX-License-Identifier: Apache-2.0
// The gateway's identity key: public, the same for ever, and what vouches for channels.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { bytes, openChannel } from './lib/channel.mjs';
import { suite } from './lib/suite.mjs';

suite('identity_get', async ({ gw, it }) => {
  const anonymous = gw.client();
  const first = (await anonymous.get('/v1/identity', { expect: 200 })).json;

  await it('is an Ed25519 key with its digest', () => {
    assert.equal(bytes(first.key).length, 32);
    assert.equal(first.sha256, createHash('sha256').update(bytes(first.key)).digest('hex'));
  });

  await it('may be kept by caches for a while', async () => {
    const { headers } = await anonymous.get('/v1/identity', { expect: 200 });
    assert.match(headers['cache-control'], /^public, max-age=[0-9]+$/);
  });

  await it('is the one that channels are signed with, also after a restart', async () => {
    const admin = await gw.admin();
    const { session } = await openChannel(gw, admin.username, admin.password);
    assert.equal(session.channel.identity_key, first.key);
    await gw.restart();
    assert.deepEqual((await gw.client().get('/v1/identity', { expect: 200 })).json, first);
  });
});
