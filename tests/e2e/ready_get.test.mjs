// SPDX-License-Identifier: Apache-2.0
// Readiness.
import assert from 'node:assert/strict';
import { eventually } from './lib/gateway.mjs';
import { suite } from './lib/suite.mjs';

suite('ready_get', async ({ gw, it }) => {
  const anyone = gw.client();

  await it('is ready once the gateway listens', async () => {
    assert.deepEqual((await anyone.get('/readyz', { expect: 200 })).json, { status: 'ready' });
  });

  await it('is ready again after the keyring was killed, and answers 503 or 200 in between', async () => {
    process.kill(gw.roles().keyring, 'SIGKILL');
    await eventually(async () => {
      const answer = await anyone.get('/readyz').catch(() => null);
      return answer?.status === 200 && gw.roles().keyring;
    }, 'ready again');
  });
});
