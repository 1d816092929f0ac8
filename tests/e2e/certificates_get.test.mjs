// SPDX-License-Identifier: Apache-2.0
// One certificate, with its text.
import assert from 'node:assert/strict';
import { enroll } from './lib/certs.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('certificates_get', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const made = await enroll(ann, { name: 'Büro 🗝' });
  const path = `/v1/certificates/${made.id}`;

  await it('is as it was issued', async () => {
    const { json } = await ann.get(path, { expect: 200 });
    const { ca, ...issued } = made.json;
    assert.ok(ca.startsWith('-----BEGIN'));
    assert.deepEqual(json, { ...issued, current: false });
    assert.equal((await admin.get(path, { expect: 200 })).json.certificate, made.cert);
  });

  await it("somebody else's is not there", async () => {
    await bob.get(path, { expect: [404, 'not-found'] });
    await ann.get(`/v1/certificates/${'0'.repeat(40)}`, { expect: [404, 'not-found'] });
    await ann.get(`/v1/certificates/${made.id.slice(1)}`, { invalid: true, expect: [404, 'not-found'] });
    await ann.get(`/v1/certificates/${made.id.toUpperCase().replace(/^./, 'G')}`, { invalid: true, expect: [404, 'not-found'] });
  });

  await it('needs a token', async () => needsToken(gw.client(), 'GET', path));
});
