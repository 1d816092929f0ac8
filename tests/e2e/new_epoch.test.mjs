// SPDX-License-Identifier: Apache-2.0
// After a backup was put back: cursors from before it are refused, what is stored stays as it is.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { here, roomOf, say } from './lib/events.mjs';
import { secgated, temporaryDirectory } from './lib/gateway.mjs';
import { suite } from './lib/suite.mjs';

function newEpoch(...args) {
  const { status, stdout, stderr } = spawnSync(secgated, ['new-epoch', ...args], { encoding: 'utf8', timeout: 30000 });
  return { status, stdout, stderr };
}

suite('new_epoch', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann', { password: 'password of ann' });
  const first = await say(ann, 'common', 'before');
  const cursor = await here(ann, 'common');
  const everywhere = await here(ann);
  const epoch = cursor.split('.')[0];

  await it('refuses while a gateway runs, and where there is no database', () => {
    const busy = newEpoch('--data', gw.data);
    assert.equal(busy.status, 1);
    assert.match(busy.stderr, /stop it first/);
    const missing = newEpoch('--data', join(temporaryDirectory(), 'none'));
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /no database/);
    assert.equal(newEpoch('--data', gw.data, 'more').status, 2);
  });

  await it('makes old cursors unknown, and tells where to begin', async () => {
    await gw.closeClients();
    await gw.stop();
    const { status, stdout } = newEpoch('--data', gw.data);
    assert.equal(status, 0);
    const made = /is ([0-9a-f]{12}) from now on/.exec(stdout)?.[1];
    assert.ok(made && made !== epoch, stdout);
    await gw.start();
    const again = await gw.login('ann', 'password of ann');
    for (const [path, after] of [
      [roomOf('common'), cursor],
      ['/v1/events', everywhere],
    ]) {
      const { json } = await again.get(path, { query: { after }, expect: [410, 'cursor-unknown-epoch'] });
      assert.ok(json.oldest.startsWith(`${made}.`) && json.newest.startsWith(`${made}.`));
      await again.get(path, { query: { after: json.oldest }, expect: 200 });
    }
    const { json } = await again.get(roomOf('common'), { expect: 200 });
    const kept = json.events.find(({ seq }) => seq === first.seq);
    assert.equal(kept.text, 'before');
    assert.equal(kept.chain, first.chain);
    const next = await say(again, 'common', 'after');
    assert.ok(next.seq > first.seq && next.id.startsWith(`${made}.`));
  });
});
