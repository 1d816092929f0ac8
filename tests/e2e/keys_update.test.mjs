// SPDX-License-Identifier: Apache-2.0
// Who may use a key, and how.
import assert from 'node:assert/strict';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { itemOf, needsScope } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

suite('keys_update', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const guest = await gw.user(admin, 'gus', { role: 'guest' });
  await admin.post('/v1/keys', { json: { name: 'k', type: 'ed25519' }, expect: 201 });
  const update = (json, expect = 200, client = admin, options = {}) => client.patch('/v1/keys/k', { json, expect, ...options });
  const sign = (client, expect = 201, more = {}) => client.post('/v1/signatures', { json: { key: 'k', items: [itemOf('x')], ...more }, expect });
  const now = async () => (await admin.get('/v1/keys/k', { expect: 200 })).json;

  await it('replaces what is given and nothing else', async () => {
    const before = await now();
    const { json } = await update({ signers: ['bob', 'ann'] });
    assert.deepEqual({ ...json, signers: [...json.signers].sort() }, { ...before, signers: ['ann', 'bob'] });
    assert.deepEqual(await now(), json);
  });

  await it('signers sign, nobody else does', async () => {
    await update({ signers: ['ann'] });
    await sign(ann);
    for (const other of [bob, guest, admin]) await sign(other, [403, 'forbidden']);
    await update({ signers: [] });
    await sign(ann, [403, 'forbidden']);
    await update({ signers: ['root-admin', 'gus'] });
    await sign(admin);
    await sign(guest);
  });

  await it('managers change it, and cannot sign for that', async () => {
    for (const client of [ann, bob, guest]) await update({ disabled: true }, [403, 'forbidden'], client);
    await update({ managers: ['ann'] });
    await update({ signers: ['ann', 'bob'] }, 200, ann);
    await update({ signers: ['bob'] }, [403, 'forbidden'], bob);
    await update({ signers: ['bob'] }, 200, ann);
    await sign(ann, [403, 'forbidden']);
    await update({ managers: [] }, 200, ann);
    await update({ managers: ['ann'] }, [403, 'forbidden'], ann);
    await update({ managers: ['root-admin'] });
  });

  await it('lists hold users that there are, each once', async () => {
    const before = await now();
    for (const signers of [['nobody'], ['ann', 'nobody'], ['Ann'], ['~ann'], [''], ['ann', 'ann'], [1], 'ann', null, [null]]) {
      await update({ signers }, [400, 'parameter-invalid'], admin, { invalid: true });
    }
    await update({ managers: Array.from({ length: 65 }, (_, i) => `u${i}`) }, [400, 'parameter-invalid'], admin, { invalid: true });
    assert.deepEqual(await now(), before);
  });

  await it('a key that is disabled signs nothing', async () => {
    await update({ signers: ['ann'] });
    assert.equal((await update({ disabled: true })).json.disabled, true);
    await sign(ann, [409, 'key-disabled']);
    await update({ disabled: false });
    await sign(ann);
  });

  await it('only formats of its list can be asked for', async () => {
    assert.deepEqual((await update({ formats: ['sshsig', 'raw'] })).json.formats, ['raw', 'sshsig']);
    await sign(ann, 201, { formats: ['raw', 'sshsig'] });
    await sign(ann, [400, 'parameter-invalid'], { formats: ['minisign'] });
    assert.deepEqual((await update({ formats: [] })).json.formats, []);
    await sign(ann, 201, { formats: [] });
    await sign(ann);
    await sign(ann, [400, 'parameter-invalid'], { formats: ['raw'] });
    for (const formats of [['pgp'], ['RAW'], 'raw', [1], null]) await update({ formats }, [400, 'parameter-invalid'], admin, { invalid: true });
    await update({ formats: ['raw', 'minisign', 'signify', 'sshsig', 'cms', 'dsse'] });
  });

  await it('formats are those of its type', async () => {
    await admin.post('/v1/keys', { json: { name: 'ec', type: 'ecdsa-p256' }, expect: 201 });
    const refused = await admin.patch('/v1/keys/ec', { json: { formats: ['raw', 'minisign'] }, expect: [400, 'parameter-invalid'] });
    assert.match(refused.json.detail, /^formats/);
    assert.deepEqual((await admin.patch('/v1/keys/ec', { json: { formats: ['raw', 'cms'] }, expect: 200 })).json.formats, ['raw', 'cms']);
  });

  await it('old versions are given up, and come back when they are wanted', async () => {
    await admin.post('/v1/keys/k/rotate', { json: {}, expect: 201 });
    await admin.post('/v1/keys/k/rotate', { json: {}, expect: 201 });
    assert.equal((await update({ oldest_version: 3 })).json.oldest_version, 3);
    for (const oldest_version of [4, 128]) await update({ oldest_version }, [400, 'parameter-invalid']);
    for (const oldest_version of [0, -1, 129, '1', 1.5]) await update({ oldest_version }, [400, 'parameter-invalid'], admin, { invalid: true });
    assert.equal((await now()).oldest_version, 3);
  });

  await it('witnesses are verifier keys with an address, the quorum not more than they are', async () => {
    const key = 'witness.example/w1+0baf1d9c+BPZ1nyYqVnlGm4mvr4VLrPpzL4o8Ma4l6sRC2Vi3Y+LU';
    for (const witnesses of [[{ key: 'nonsense', url: 'https://w.example/' }], [{ key, url: 'ftp://w.example/' }], [{ key }], [{ url: 'https://w.example/' }], {}]) {
      await update({ quorum: 1, witnesses }, [400, 'parameter-invalid'], admin, { invalid: true });
    }
    await update({ quorum: 1, witnesses: [] }, [400, 'parameter-invalid'], admin, { invalid: true });
    await update({ quorum: 17, witnesses: [] }, [400, 'parameter-invalid'], admin, { invalid: true });
    const { quorum, witnesses } = await now();
    assert.deepEqual({ quorum, witnesses }, { quorum: 0, witnesses: [] });
  });

  await it('something must be said', async () => {
    const { json } = await admin.patch('/v1/keys/k', { json: {}, invalid: true, expect: [400, 'parameter-invalid'] });
    assert.ok(json.detail.length > 10);
  });

  await it('what is not there is not found', async () => {
    await admin.patch('/v1/keys/none', { json: { disabled: true }, expect: [404, 'not-found'] });
    await ann.patch('/v1/keys/none', { json: { disabled: true }, expect: [404, 'not-found'] });
  });

  await it('needs JSON as it is described', () => needsJson(admin, 'PATCH', '/v1/keys/k', { disabled: false }));
  await it('needs a token', () => needsToken(gw.client(), 'PATCH', '/v1/keys/k', { json: { disabled: false } }));
  await it('needs the scope sign', () => needsScope(gw, admin, 'sign', 'PATCH', '/v1/keys/k', { json: { disabled: false } }));
});
