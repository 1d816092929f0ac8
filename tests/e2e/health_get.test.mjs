// SPDX-License-Identifier: Apache-2.0
// Liveness.
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';

suite('health_get', async ({ gw, it }) => {
  await it('answers without a token', async () => {
    assert.deepEqual((await gw.client().get('/healthz', { expect: 200 })).json, { status: 'ok' });
  });
  await it('ignores parameters', async () => {
    await gw.client().get('/healthz', { query: { deep: '1' }, invalid: true, expect: 200 });
  });
});
