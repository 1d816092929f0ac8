// SPDX-License-Identifier: Apache-2.0
// Proofs that the log only ever grows, by an independent verifier.
import assert from 'node:assert/strict';
import { signMany, wholeLog } from './lib/loglines.mjs';
import { suite } from './lib/suite.mjs';
import { extendsTree, openCheckpoint, treeHash } from './lib/tlog.mjs';

suite('log_consistency', async ({ gw, it }) => {
  const anyone = gw.client();
  const admin = await gw.admin();
  const ask = (query, expect = 200, options = {}) => anyone.get('/v1/log/consistency', { query, expect, ...options });
  const hashes = (list) => list.map((text) => Buffer.from(text, 'base64'));
  await admin.post('/v1/keys', { json: { name: 'k', type: 'ed25519' }, expect: 201 });

  await it('of an empty log is empty', async () => {
    const { json } = await ask({ from: 0 });
    assert.deepEqual([json.from, json.to, json.proof], [0, 0, []]);
    await ask({ from: 1 }, [400, 'parameter-invalid']);
  });

  await it('holds between any two sizes', async () => {
    await signMany(admin, 'k', 300);
    const { leaves, key, root } = await wholeLog(anyone);
    const sizes = [1, 2, 3, 7, 8, 100, 255, 256, 257, 299, 300];
    for (const from of sizes) {
      for (const to of sizes.filter((size) => size >= from)) {
        const { json } = await ask({ from, to });
        assert.deepEqual([json.from, json.to], [from, to]);
        const rootFrom = treeHash(leaves.slice(0, from));
        const rootTo = treeHash(leaves.slice(0, to));
        assert.equal(json.root_from, rootFrom.toString('base64'));
        assert.equal(json.root_to, rootTo.toString('base64'));
        assert.ok(extendsTree(from, to, hashes(json.proof), rootFrom, rootTo), `${from} ${to}`);
        assert.deepEqual(openCheckpoint(json.checkpoint, key).root, root);
      }
    }
  });

  await it('holds for what somebody saw before more was signed', async () => {
    const before = await wholeLog(anyone);
    await signMany(admin, 'k', 41);
    const { json } = await ask({ from: before.size });
    const after = openCheckpoint(json.checkpoint, before.key);
    assert.equal(json.to, before.size + 41);
    assert.equal(after.size, json.to);
    assert.ok(extendsTree(before.size, after.size, hashes(json.proof), before.root, after.root));
    const other = hashes(json.proof);
    other[0][3] ^= 1;
    assert.ok(!extendsTree(before.size, after.size, other, before.root, after.root));
  });

  await it('from nothing needs no proof', async () => {
    const { json } = await ask({ from: 0, to: 5 });
    assert.deepEqual(json.proof, []);
    assert.equal(json.root_from, treeHash([]).toString('base64'));
  });

  await it('refuses sizes that are not there, in disorder, or none', async () => {
    await ask({ from: 2, to: 1 }, [400, 'parameter-invalid']);
    await ask({ from: 1, to: 342 }, [400, 'parameter-invalid']);
    for (const query of [{}, { to: 3 }, { from: '' }, { from: '-1' }, { from: 'x' }, { from: '1.5' }, { from: '1', to: '99999999999999999999' }, 'from=1&from=2'])
      await ask(query, [400, 'parameter-invalid'], { invalid: true });
  });
});
