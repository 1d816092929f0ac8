// SPDX-License-Identifier: Apache-2.0
// The published checkpoint: signed by the log's key, over what the tiles hold, ahead of every answer.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signMany, wholeLog } from './lib/loglines.mjs';
import { suite } from './lib/suite.mjs';
import { openCheckpoint, treeHash } from './lib/tlog.mjs';

suite('log_checkpoint', async ({ gw, it }) => {
  const anyone = gw.client();
  const admin = await gw.admin();
  await admin.post('/v1/keys', { json: { name: 'k', type: 'ed25519' }, expect: 201 });

  await it('is that of an empty log before the first signature', async () => {
    const { bytes, headers } = await anyone.get('/log/checkpoint', { expect: 200 });
    const { key } = (await anyone.get('/v1/log', { expect: 200 })).json;
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-cache');
    const { size, root } = openCheckpoint(bytes.toString(), key);
    assert.equal(size, 0);
    assert.deepEqual(root, treeHash([]));
  });

  await it('has every signature that was answered', async () => {
    for (const count of [1, 3, 100]) {
      const signatures = await signMany(admin, 'k', count);
      const { size, entries } = await wholeLog(anyone);
      for (const { log, name } of signatures) {
        assert.ok(log.index < size);
        assert.equal(JSON.parse(entries[log.index]).name, name);
      }
    }
  });

  await it('is one line of text for each part, as the specification says', async () => {
    const text = (await anyone.get('/log/checkpoint', { expect: 200 })).bytes.toString();
    const [origin, size, root, blank, signature, ...rest] = text.split('\n');
    assert.match(origin, /^[^ /]+\/log$/);
    assert.match(size, /^[1-9][0-9]*$/);
    assert.equal(Buffer.from(root, 'base64').length, 32);
    assert.equal(blank, '');
    assert.ok(signature.startsWith(`\u2014 ${origin} `));
    assert.deepEqual(rest, ['']);
  });

  await it('answers HEAD alike, and nothing but GET', async () => {
    const { headers } = await anyone.head('/log/checkpoint', { expect: 200 });
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
    await anyone.post('/log/checkpoint', { outside: true, expect: [405, 'method-not-allowed'] });
  });

  await it('is never shown when its signature does not hold', async () => {
    const file = join(gw.data, 'log', 'checkpoint');
    const good = readFileSync(file);
    for (const change of ['size', 'end', 'empty', 'longer']) {
      const text = good.toString();
      if (change === 'size') writeFileSync(file, text.replace(/\n(\d+)\n/, (_, size) => `\n${Number(size) + 1}\n`));
      else if (change === 'end') truncateSync(file, good.length - 1);
      else if (change === 'empty') truncateSync(file, 0);
      else appendFileSync(file, 'x\n');
      await anyone.get('/log/checkpoint', { expect: [500, 'corrupt'] });
      await anyone.get('/v1/log', { expect: [500, 'corrupt'] });
      await anyone.get('/log/tile/entries/000.p/1', { expect: [500, 'corrupt'] });
      writeFileSync(file, good);
    }
    await anyone.get('/log/checkpoint', { expect: 200 });
  });
});
