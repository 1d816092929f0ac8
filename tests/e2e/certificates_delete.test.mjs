// SPDX-License-Identifier: Apache-2.0
// Revocation: at once, on open connections and resumed TLS sessions, and on the list for others.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { enroll, openssl, request, showing } from './lib/certs.mjs';
import { EventStream, poll, say } from './lib/events.mjs';
import { temporaryDirectory } from './lib/gateway.mjs';
import { needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

const work = temporaryDirectory();

suite('certificates_delete', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  let anyone = gw.client();
  const withCertificate = async (made) => {
    const client = gw.client({ ...showing(made), connections: 1 });
    const { json } = await client.post('/v1/sessions', { json: { method: 'certificate' }, expect: 201 });
    client.token = json.token;
    client.session = json;
    return client;
  };
  const listed = () => {
    const file = join(work, 'ca.crl');
    return anyone.get('/v1/ca/crl', { expect: 200 }).then(({ bytes }) => {
      writeFileSync(file, bytes);
      const shown = spawnSync('openssl', ['crl', '-inform', 'DER', '-in', file, '-CAfile', join(gw.data, 'ca.pem'), '-text', '-noout'], { encoding: 'latin1' });
      assert.match(shown.stderr, /verify OK/);
      return [...shown.stdout.matchAll(/Serial Number: ([0-9A-F]+)/g)].map((m) => m[1].toLowerCase());
    });
  };

  await it('counts at once on an open connection, whatever is asked and with whatever token', async () => {
    const made = await enroll(ann);
    const client = await withCertificate(made);
    await client.get('/v1/users/me', { expect: 200 });
    await ann.delete(`/v1/certificates/${made.id}`, { expect: 204 });
    await client.get('/v1/users/me', { expect: [403, 'certificate-revoked'] });
    await client.get('/v1/users/me', { token: ann.token, expect: [403, 'certificate-revoked'] });
    await client.get('/v1/daytime', { token: null, expect: [403, 'certificate-revoked'] });
    await client.post('/v1/sessions', { json: { method: 'certificate' }, token: null, expect: [403, 'certificate-revoked'] });
    // Without it, the token is one of a session that has ended.
    await anyone.get('/v1/users/me', { token: client.token, expect: [401, 'session-ended'] });
    await ann.get('/v1/users/me', { expect: 200 });
  });

  await it('counts in a TLS session that is resumed', async () => {
    const made = await enroll(ann);
    const ask = (options) => request({ port: gw.port, ca: gw.ca, ...options });
    const first = await ask(made);
    assert.deepEqual([first.status, first.reused], [200, false]);
    const second = await ask({ session: first.session });
    assert.deepEqual([second.status, second.reused], [200, true]);
    assert.match(second.text, /CN=ann/); // known from the ticket
    await ann.delete(`/v1/certificates/${made.id}`, { expect: 204 });
    const third = await ask({ session: second.session ?? first.session });
    assert.deepEqual([third.status, third.reused], [403, true], third.text);
    assert.match(third.text, /certificate-revoked/);
  });

  await it('wakes what waits on an open connection', async () => {
    const made = await enroll(ann);
    const client = await withCertificate(made);
    const { json } = await client.get('/v1/events', { expect: 200 });
    const waiting = poll(client, undefined, { after: json.next, wait: '30' });
    await new Promise((done) => setTimeout(done, 300));
    const started = performance.now();
    await ann.delete(`/v1/certificates/${made.id}`, { expect: 204 });
    const answer = await waiting.answer;
    assert.ok(answer.status === 401 || answer.status === 403, `${answer.status}`);
    assert.ok(performance.now() - started < 5000);
  });

  await it('nothing is shown any more on an open connection, whatever token waits there', async () => {
    const made = await enroll(ann);
    const { token } = (await ann.post('/v1/tokens', { json: { name: 'waits', scopes: ['chat:read'], expires_in: 3600 }, expect: 201 })).json;
    const client = gw.client({ ...showing(made), connections: 1 });
    client.token = token;
    const { json } = await client.get('/v1/events', { expect: 200 });
    const waiting = poll(client, undefined, { after: json.next, wait: '30' });
    const far = gw.client({ ...showing(made), connections: 1 });
    far.token = token;
    const stream = await EventStream.open(far);
    await stream.nextOf('ready');
    await ann.delete(`/v1/certificates/${made.id}`, { expect: 204 });
    await say(ann, 'common', 'for those who may');
    const answer = await waiting.answer;
    assert.deepEqual([answer.status, answer.json.code], [403, 'certificate-revoked']);
    await stream.end();
    assert.equal(stream.frames.at(-1).json.code, 'certificate-revoked');
    assert.ok(stream.frames.every(({ event }) => event !== 'message'));
    await anyone.get('/v1/events', { token, expect: 200 });
  });

  await it('is on the list, which openssl believes', async () => {
    const made = await enroll(ann);
    const kept = await enroll(ann);
    await ann.delete(`/v1/certificates/${made.id}`, { expect: 204 });
    const serials = await listed();
    assert.ok(serials.includes(made.id));
    assert.ok(!serials.includes(kept.id));
    const [bad, good, list] = ['bad.pem', 'good.pem', 'list.pem'].map((name) => join(work, name));
    writeFileSync(bad, made.cert);
    writeFileSync(good, kept.cert);
    openssl('crl', '-inform', 'DER', '-in', join(work, 'ca.crl'), '-out', list);
    const verify = (leaf) => openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-crl_check', '-CAfile', join(gw.data, 'ca.pem'), '-CRLfile', list, leaf);
    assert.match(verify(good), /: OK/);
    assert.throws(() => verify(bad), /certificate revoked/);
  });

  await it('again is no error, and the first time stays', async () => {
    const made = await enroll(ann);
    const path = `/v1/certificates/${made.id}`;
    await ann.delete(path, { expect: 204 });
    const first = (await ann.get(path, { expect: 200 })).json.revoked_at;
    await ann.delete(path, { expect: 204 });
    assert.equal((await ann.get(path, { expect: 200 })).json.revoked_at, first);
    assert.equal((await listed()).filter((serial) => serial === made.id).length, 1);
  });

  await it("is for one's own, and for admins", async () => {
    const made = await enroll(ann);
    await bob.delete(`/v1/certificates/${made.id}`, { expect: [404, 'not-found'] });
    await gw.client({ ...showing(made) }).get('/v1/tls', { expect: 200 });
    await admin.delete(`/v1/certificates/${made.id}`, { expect: 204 });
    await gw.client({ ...showing(made) }).get('/v1/tls', { expect: [403, 'certificate-revoked'] });
    await ann.delete(`/v1/certificates/${'5'.repeat(40)}`, { expect: [404, 'not-found'] });
    const { json } = await admin.get('/v1/audit', { query: { type: 'certificate.revoked' }, expect: 200 });
    const last = json.entries.at(-1);
    assert.deepEqual([last.actor, last.subject, last.details.id], ['root-admin', 'ann', made.id]);
  });

  await it('lasts over a restart, and over the loss of the list', async () => {
    const made = await enroll(ann);
    await ann.delete(`/v1/certificates/${made.id}`, { expect: 204 });
    const before = await listed();
    await gw.restart();
    anyone = gw.client();
    await gw.client({ ...showing(made) }).get('/v1/tls', { expect: [403, 'certificate-revoked'] });
    writeFileSync(join(gw.data, 'tls/ca.crl'), 'no list');
    await gw.restart();
    anyone = gw.client();
    assert.deepEqual(new Set(await listed()), new Set(before));
  });

  await it('needs a token', async () => needsToken(gw.client(), 'DELETE', `/v1/certificates/${'5'.repeat(40)}`));
});
