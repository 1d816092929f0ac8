// SPDX-License-Identifier: Apache-2.0
// The log at a glance: keys, size, root and checkpoint say the same, and stay the same over a restart.
import assert from 'node:assert/strict';
import { signMany } from './lib/loglines.mjs';
import { suite } from './lib/suite.mjs';
import { openCheckpoint, parseVerifierKey, treeHash } from './lib/tlog.mjs';

suite('log_get', async ({ gw, it }) => {
  const anyone = gw.client();
  const admin = await gw.admin();
  const log = async () => (await anyone.get('/v1/log', { expect: 200 })).json;
  await admin.post('/v1/keys', { json: { name: 'k', type: 'ed25519' }, expect: 201 });

  await it('begins empty', async () => {
    const { size, root, origin, key, time_key: time } = await log();
    assert.equal(size, 0);
    assert.deepEqual(Buffer.from(root, 'base64'), treeHash([]));
    assert.equal(parseVerifierKey(key).name, origin);
    assert.equal(parseVerifierKey(key).type, 1);
    assert.match(origin, /\/log$/);
    assert.match(parseVerifierKey(time).name, /\/time$/);
    assert.notDeepEqual(parseVerifierKey(time).id, parseVerifierKey(key).id);
  });

  await it('says what its checkpoint says', async () => {
    await signMany(admin, 'k', 5);
    const { size, root, key, checkpoint } = await log();
    const opened = openCheckpoint(checkpoint, key);
    assert.equal(size, 5);
    assert.equal(opened.size, size);
    assert.equal(opened.root.toString('base64'), root);
    assert.equal((await anyone.get('/log/checkpoint', { expect: 200 })).bytes.toString(), checkpoint);
  });

  await it('may not be kept', async () => {
    const { headers } = await anyone.get('/v1/log', { expect: 200 });
    assert.equal(headers['cache-control'], 'no-store');
  });

  await it('needs no token', async () => {
    await anyone.get('/v1/log', { token: 'nonsense', expect: 200 });
    await anyone.post('/v1/log', { outside: true, expect: [405, 'method-not-allowed'] });
  });
});
