// SPDX-License-Identifier: Apache-2.0
// One signature, with its proof.
import assert from 'node:assert/strict';
import { needsToken } from './lib/refusals.mjs';
import { checkSigned, itemOf, needsScope, publicPem } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

suite('signatures_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  await admin.post('/v1/keys', { json: { name: 'k', type: 'ed25519' }, expect: 201 });
  const pem = await publicPem(ann, 'k');
  const { key: vkey } = (await ann.get('/v1/log', { expect: 200 })).json;
  const sign = async (items, formats = []) => (await admin.post('/v1/signatures', { json: { key: 'k', items, formats }, expect: 201 })).json;
  const get = async (index) => (await ann.get(`/v1/signatures/${index}`, { expect: 200 })).json;

  await it('is as it was answered, with a proof under the checkpoint of today', async () => {
    const { signatures } = await sign([itemOf('a'), itemOf('b')], ['sshsig', 'raw']);
    await sign([itemOf('later')]);
    for (const signature of signatures) {
      const found = await get(signature.log.index);
      const { log, ...rest } = signature;
      const { log: place, ...same } = found;
      assert.deepEqual(same, rest);
      assert.equal(place.index, log.index);
      assert.equal(place.size, 3);
      checkSigned(found, pem, vkey);
    }
  });

  await it('the record of a manifest is one too', async () => {
    const { manifests, signatures } = await sign([itemOf('x', 'x', { directory: 'd' }), itemOf('y', 'y', { directory: 'd' })]);
    const found = await get(manifests[0].log.index);
    assert.equal(found.name, 'd/SHA256');
    assert.equal(found.ftype, 'manifest');
    checkSigned(found, pem, vkey);
    checkSigned(await get(signatures[1].log.index), pem, vkey);
  });

  await it('is there after a restart', async () => {
    const before = await get(0);
    await gw.restart();
    const again = await gw.login('ann', ann.password);
    assert.deepEqual((await again.get('/v1/signatures/0', { expect: 200 })).json, before);
  });

  const late = await gw.login('ann', ann.password);
  await it('what is no number in the log is not found', async () => {
    for (const index of ['1000', '9007199254740991']) await late.get(`/v1/signatures/${index}`, { expect: [404, 'not-found'] });
    for (const index of ['x', '-1', '00', '01', '1.0', '0x0', '+1', '9007199254740992', '99999999999999999999', '%30%00', 'verify']) {
      await late.get(`/v1/signatures/${index}`, { outside: true, expect: [404, 'not-found'] });
    }
  });

  await it('needs a token', () => needsToken(gw.client(), 'GET', '/v1/signatures/0'));
  await it('needs the scope verify', () => needsScope(gw, late, 'verify', 'GET', '/v1/signatures/0'));
});
