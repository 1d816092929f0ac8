// SPDX-License-Identifier: Apache-2.0
// The log on the page: its entries over bundles of tiles, proofs put together from tiles, the narrow page.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { includes, leafHash, treeHash } from '../e2e/lib/tlog.mjs';
import { assertQuiet, signUp } from './lib/browser.mjs';
import { makeKey, openView } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const COUNT = 300; // more than a full tile

suite('web log', async ({ gw, browser, it }) => {
  const page = await browser.page();
  const guest = await browser.page();

  await it('says that nothing has been signed yet', async () => {
    await openView(guest, gw, 'log');
    await guest.getByText('Nothing has been signed yet.').waitFor();
  });

  await it('lists the newest entries for everybody', async () => {
    await signUp(page, gw);
    await makeKey(page, gw, 'release');
    const client = await gw.login('ann', 'correct horse battery');
    const items = Array.from({ length: COUNT }, (_, i) => ({
      name: `file-${i}.tar.gz`,
      digests: { sha256: randomBytes(32).toString('hex') }
    }));
    await client.post('/v1/signatures', { json: { key: 'release', items }, expect: 201 });
    await guest.reload();
    await guest.locator(`tr[data-index="${COUNT - 1}"]`).waitFor();
    assert.equal(await guest.locator('.entries tbody tr').count(), 50);
    await guest.getByText(`${COUNT} entries, 50 shown`).waitFor();
    const { key, root } = (await client.get('/v1/log', { expect: 200 })).json;
    const text = await guest.locator('main').innerText();
    assert.ok(text.includes(key) && text.includes(root));
  });

  await it('goes back page by page', async () => {
    await guest.getByRole('button', { name: 'Show more' }).click();
    await guest.locator('tr[data-index="200"]').waitFor();
    assert.equal(await guest.locator('.entries tbody tr').count(), 100);
    const order = await guest
      .locator('.entries tbody tr')
      .evaluateAll((rows) => rows.map((one) => Number(one.dataset.index)));
    assert.deepEqual(
      order,
      Array.from({ length: 100 }, (_, i) => COUNT - 1 - i)
    );
  });

  await it('shows an entry and proves it from the tiles', async () => {
    for (const index of [0, 255, 256, COUNT - 1]) {
      await openView(guest, gw, `log/${index}`, `Entry ${index}`);
      await guest.getByText(`In the log: entry ${index} of ${COUNT}, proved in this browser`).waitFor();
      await guest.getByText(`file-${index}.tar.gz`, { exact: true }).waitFor();
    }
    assert.equal(await guest.locator('.checklist [data-state="good"]').count(), 2);
    await guest.getByRole('link', { name: 'Older' }).click();
    await guest.getByRole('heading', { name: `Entry ${COUNT - 2}` }).waitFor();
    await openView(guest, gw, `log/${COUNT}`, `Entry ${COUNT}`);
    await guest.getByText('There is no such entry yet.').waitFor();
  });

  await it('notices a tile that was changed', async () => {
    await guest.evaluate(() => {
      const { fetch } = window;
      window.fetch = async (path, options) => {
        const answer = await fetch(path, options);
        if (!/^\/log\/tile\/0\//.test(path)) return answer;
        const octets = new Uint8Array(await answer.arrayBuffer());
        octets[40] ^= 1;
        return new Response(octets);
      };
    });
    await openView(guest, gw, 'log/0', 'Entry 0');
    await guest.getByText('The proof does not lead to the log’s root').waitFor();
    await guest.reload();
    await guest.getByText('In the log: entry 0').waitFor();
  });

  await it('computes the same trees as other code', async () => {
    for (const size of [1, 2, 3, 7, 255, 256, 257, 700]) {
      const leaves = Array.from({ length: size }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
      const root = treeHash(leaves);
      const levels = [
        leaves,
        Array.from({ length: Math.floor(size / 256) }, (_, i) =>
          treeHash(leaves.slice(i * 256, i * 256 + 256))
        )
      ];
      for (const index of new Set([0, Math.floor(size / 3), size - 1])) {
        const proof = await guest.evaluate(
          async ([tiles, at, count]) => {
            const { proofFromTiles } = await import('/web/tlog.js');
            const { fromBase64, toBase64 } = await import('/web/digest.js');
            const read = async (level, tile, width) =>
              fromBase64(tiles[level]).subarray(tile * 256 * 32, (tile * 256 + width) * 32);
            return (await proofFromTiles(at, count, read)).map(toBase64);
          },
          [levels.map((hashes) => Buffer.concat(hashes).toString('base64')), index, size]
        );
        const hashes = proof.map((text) => Buffer.from(text, 'base64'));
        assert.ok(includes(index, size, leaves[index], hashes, root), `${index} of ${size}`);
      }
    }
  });

  for (const colorScheme of ['light', 'dark']) {
    await it(`fits 320 pixels, ${colorScheme}`, async () => {
      const narrow = await browser.page({ viewport: { width: 320, height: 640 }, colorScheme });
      for (const view of ['log', 'log/17', 'verify']) {
        await narrow.goto(`${gw.origin}/#/${view}`);
        await narrow.locator('main [aria-busy]').waitFor({ state: 'detached' });
        const wide = await narrow.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= 320, `${view} is ${wide} wide`);
      }
      assertQuiet(narrow);
      await narrow.context().close();
    });
  }

  await it('wrote nothing into the console', async () => {
    assertQuiet(page);
    assertQuiet(guest);
  });
});
