// SPDX-License-Identifier: Apache-2.0
// Which certificates there are, and who is told.
import assert from 'node:assert/strict';
import { enroll, showing } from './lib/certs.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('certificates_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const first = await enroll(ann, { name: 'first' });
  const second = await enroll(ann, { name: 'second' });
  const other = await enroll(bob, { name: 'bobs' });
  const namesOf = (answer) => answer.json.certificates.map((c) => c.name);

  await it('shows my own, newest first', async () => {
    const answer = await ann.get('/v1/certificates', { expect: 200 });
    assert.deepEqual(namesOf(answer), ['second', 'first']);
    const [, shown] = answer.json.certificates;
    assert.equal(shown.id, first.id);
    assert.equal(shown.sha256, first.json.sha256);
    assert.equal(shown.revoked_at, undefined);
    assert.equal(shown.current, false);
    assert.deepEqual(namesOf(await ann.get('/v1/certificates', { query: { user: 'ann' }, expect: 200 })), ['second', 'first']);
  });

  await it('says which one this connection shows', async () => {
    const client = gw.client({ ...showing(first), token: ann.token });
    const { json } = await client.get('/v1/certificates', { expect: 200 });
    assert.deepEqual(json.certificates.map((c) => c.current), [false, true]);
  });

  await it('shows when one was revoked', async () => {
    await ann.delete(`/v1/certificates/${second.id}`, { expect: 204 });
    const { json } = await ann.get('/v1/certificates', { expect: 200 });
    assert.ok(Math.abs(Date.parse(json.certificates[0].revoked_at) - Date.now()) < 30000);
  });

  await it('others are for admins', async () => {
    await ann.get('/v1/certificates', { query: { user: 'bob' }, expect: [403, 'forbidden'] });
    await ann.get('/v1/certificates', { query: { all: true }, expect: [403, 'forbidden'] });
    assert.deepEqual(namesOf(await admin.get('/v1/certificates', { query: { user: 'bob' }, expect: 200 })), ['bobs']);
    const everybody = await admin.get('/v1/certificates', { query: { all: true }, expect: 200 });
    assert.deepEqual(namesOf(everybody), ['bobs', 'second', 'first']);
    assert.equal(everybody.json.certificates[0].user, 'bob');
    assert.equal(everybody.json.certificates[0].id, other.id);
    assert.deepEqual(namesOf(await admin.get('/v1/certificates', { expect: 200 })), []);
    await admin.get('/v1/certificates', { query: { user: 'nobody' }, expect: [404, 'not-found'] });
    await admin.get('/v1/certificates', { query: { user: 'bob', all: true }, expect: [400, 'parameter-invalid'] });
    await admin.get('/v1/certificates', { query: { all: 'perhaps' }, invalid: true, expect: [400, 'parameter-invalid'] });
  });

  await it('those of a disabled user are still shown, those of a removed one are not', async () => {
    await admin.patch('/v1/users/bob', { json: { disabled: true }, expect: 200 });
    assert.deepEqual(namesOf(await admin.get('/v1/certificates', { query: { user: 'bob' }, expect: 200 })), ['bobs']);
    await admin.delete('/v1/users/bob', { expect: 204 });
    await admin.get('/v1/certificates', { query: { user: 'bob' }, expect: [404, 'not-found'] });
    assert.deepEqual(namesOf(await admin.get('/v1/certificates', { query: { all: true }, expect: 200 })), ['second', 'first']);
  });

  await it('needs a token', async () => needsToken(gw.client(), 'GET', '/v1/certificates'));
});
