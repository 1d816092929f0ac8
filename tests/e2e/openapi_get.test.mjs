// SPDX-License-Identifier: Apache-2.0
// The document as served.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { documentPath } from './lib/contract.mjs';
import { suite } from './lib/suite.mjs';

suite('openapi_get', async ({ gw, it }) => {
  const anyone = gw.client();

  await it('is the document of the sources, byte for byte', async () => {
    const { bytes } = await anyone.get('/openapi.yaml', { expect: 200 });
    assert.ok(bytes.equals(readFileSync(documentPath)));
  });

  await it('is not sent again to those who have it', async () => {
    const { headers } = await anyone.get('/openapi.yaml', { expect: 200 });
    await anyone.get('/openapi.yaml', { headers: { 'if-none-match': headers.etag }, expect: 304 });
    await anyone.get('/openapi.yaml', { headers: { 'if-none-match': '"other"' }, expect: 200 });
  });
});
