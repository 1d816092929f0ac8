// SPDX-License-Identifier: Apache-2.0
// Certificates of clients at the TLS handshake: who is let in, as whom, and what the tokens are bound to.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { enroll, issueBelow, openssl, otherCa, request, selfSigned, showing } from './lib/certs.mjs';
import { eventually, Gateway, temporaryDirectory } from './lib/gateway.mjs';
import { suite } from './lib/suite.mjs';

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
const login = (client, expect = 201) => client.post('/v1/sessions', { json: { method: 'certificate' }, token: null, expect });
// A time as openssl ca takes it.
const at = (days) => new Date(Date.now() + days * 86400000).toISOString().replace(/[-:T]|\.\d+/g, '').slice(2);

suite('client_certificates', async ({ gw, it }) => {
  let admin = await gw.admin();
  const restart = async () => {
    await gw.restart();
    admin = gw.client({ token: admin.token });
  };
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const anns = await enroll(ann);
  const bobs = await enroll(bob);

  await it('log in without a password', async () => {
    const client = gw.client(showing(anns));
    const { json } = await login(client);
    assert.equal(json.method, 'certificate');
    assert.equal((await client.get('/v1/users/me', { token: json.token, expect: 200 })).json.username ?? 'ann', 'ann');
    const { json: me } = await client.get('/v1/sessions', { token: json.token, expect: 200 });
    assert.ok(me.sessions.some((session) => session.current));
  });

  await it('the token says which certificate it is bound to (RFC 8705)', async () => {
    const { json } = await login(gw.client(showing(anns)));
    const digest = createHash('sha256').update(new X509Certificate(anns.cert).raw).digest('base64url');
    assert.deepEqual(claimsOf(json.token).cnf, { 'x5t#S256': digest });
    assert.equal(JSON.parse(Buffer.from(json.token.split('.')[0], 'base64url')).typ, 'at+jwt');
  });

  await it('the token is refused on any other connection', async () => {
    const own = gw.client(showing(anns));
    const { json } = await login(own);
    const ask = (client, expect) => client.get('/v1/users/me', { token: json.token, expect });
    await ask(own, 200);
    await ask(gw.client(), [401, 'token-mismatch']);
    await ask(gw.client(showing(bobs)), [401, 'token-mismatch']);
    const second = await enroll(ann);
    await ask(gw.client(showing(second)), [401, 'token-mismatch']);
    await ask(gw.client(showing(anns)), 200); // another connection that shows the same one
  });

  await it('so is the refresh token', async () => {
    const own = gw.client(showing(anns));
    const { json } = await login(own);
    const form = { grant_type: 'refresh_token', refresh_token: json.refresh_token };
    await gw.client().post('/v1/oauth/token', { form, expect: 400 });
    await gw.client(showing(bobs)).post('/v1/oauth/token', { form, expect: 400 });
    const { json: next } = await own.post('/v1/oauth/token', { form, expect: 200 });
    assert.ok(claimsOf(next.access_token).cnf['x5t#S256']);
  });

  await it('a token of a password works on connections with a certificate, and is bound to none', async () => {
    await gw.client({ ...showing(anns), token: bob.token }).get('/v1/users/me', { expect: 200 });
    assert.equal(claimsOf(bob.token).cnf, undefined);
    await login(gw.client(), [403, 'certificate-required']);
  });

  await it("a stranger's is refused on every operation, one of a CA of the same name too", async () => {
    const name = /CN=(.*)$/m.exec(new X509Certificate(gw.ca).subject)[1];
    for (const ca of [otherCa(), otherCa(name)]) {
      const client = gw.client(showing(ca.issue('/CN=ann', { san: 'URI:urn:secgate:user:ann' })));
      for (const path of ['/healthz', '/v1/daytime', '/', '/v1/tls', '/v1/ca', '/v1/users/me'])
        await client.get(path, { expect: [403, 'certificate-unknown'] });
      await client.get('/v1/users/me', { token: ann.token, expect: [403, 'certificate-unknown'] });
      await login(client, [403, 'certificate-unknown']);
      const json = { username: 'ann', password: ann.password };
      await client.post('/v1/sessions', { json, expect: [403, 'certificate-unknown'] });
    }
  });

  await it('a certificate that nobody signed is refused', async () => {
    await gw.client(showing(selfSigned('/CN=ann'))).get('/v1/tls', { expect: [403, 'certificate-unknown'] });
  });

  await it("a disabled user's opens nothing, until the user is enabled again", async () => {
    const client = gw.client(showing(bobs));
    await login(client);
    await admin.patch('/v1/users/bob', { json: { disabled: true }, expect: 200 });
    await client.get('/v1/tls', { expect: [403, 'user-disabled'] });
    await login(client, [403, 'user-disabled']);
    await restart();
    await gw.client(showing(bobs)).get('/v1/tls', { expect: [403, 'user-disabled'] });
    await admin.patch('/v1/users/bob', { json: { disabled: false }, expect: 200 });
    await login(gw.client(showing(bobs)));
  });

  await it("a removed user's is revoked, also for another user of that name", async () => {
    const carl = await gw.user(admin, 'carl');
    const carls = await enroll(carl);
    const client = gw.client(showing(carls));
    const { json } = await login(client);
    await admin.delete('/v1/users/carl', { expect: 204 });
    await client.get('/v1/users/me', { token: json.token, expect: [403, 'certificate-revoked'] });
    const again = await gw.user(admin, 'carl');
    await login(client, [403, 'certificate-revoked']);
    const { bytes } = await again.get('/v1/ca/crl', { expect: 200 });
    const text = openssl('crl', '-inform', 'DER', '-text', '-noout', { input: bytes });
    assert.match(text, new RegExp(carls.id, 'i'));
    await restart();
    await login(gw.client(showing(carls)), [403, /^certificate-(revoked|unknown)$/]);
  });
});

const ca = otherCa('Company CA');
const byMail = otherCa('Mail CA');
const byUri = otherCa('Device CA');
const list = join(temporaryDirectory(), 'company.crl');
ca.crl(list);
const trust = [
  ['--tls-client-ca', `${ca.file} cn ${list}`],
  ['--tls-client-ca', `${byMail.file} email@example.test`],
  ['--tls-client-ca', `${byUri.file} uri`],
].flat();

suite('client_certificates of other CAs', { args: trust }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  await gw.user(admin, 'bob');
  const nameOf = async (made) => {
    const client = gw.client(showing(made));
    const { json } = await login(client);
    return claimsOf(json.token).sub;
  };

  await it('name a user by their rule, each CA by its own', async () => {
    assert.equal(await nameOf(ca.issue('/CN=ann')), 'ann');
    assert.equal(await nameOf(ca.issue('/CN=bob/O=Company', { san: 'email:ann@example.test' })), 'bob');
    assert.equal(await nameOf(byMail.issue('/CN=bob', { san: 'email:ann@Example.test,email:ann@elsewhere.test' })), 'ann');
    assert.equal(await nameOf(byUri.issue('/CN=bob', { san: 'URI:urn:secgate:user:ann' })), 'ann');
  });

  await it('good certificates of nobody connect, and do not log in', async () => {
    const nobodies = [
      ca.issue('/CN=nobody'),
      ca.issue('/CN=Ann'), // not exactly the name
      byMail.issue('/CN=ann', { san: 'email:ann@elsewhere.test' }),
      byMail.issue('/CN=ann', { san: 'email:ann@example.test,email:bob@example.test' }), // whose?
      byUri.issue('/CN=ann', { san: 'URI:urn:secgate:user:' }),
    ];
    for (const made of nobodies) {
      const client = gw.client(showing(made));
      await client.get('/v1/tls', { expect: 200 });
      await login(client, [403, 'certificate-unknown']);
      await client.get('/v1/users/me', { token: ann.token, expect: 200 });
    }
  });

  await it('one who signs up later is found', async () => {
    const made = ca.issue('/CN=dora');
    await login(gw.client(showing(made)), [403, 'certificate-unknown']);
    const connected = gw.client({ ...showing(made), connections: 1 });
    await login(connected, [403, 'certificate-unknown']);
    await gw.user(admin, 'dora');
    assert.equal(await nameOf(made), 'dora');
    await login(connected);
    await admin.patch('/v1/users/dora', { json: { disabled: true }, expect: 200 });
    await login(gw.client(showing(made)), [403, 'user-disabled']);
  });

  await it('expired, early and of the wrong purpose', async () => {
    const over = ca.issue('/CN=ann', { start: `${at(-3)}`, end: `${at(-1)}` });
    await gw.client(showing(over)).get('/v1/tls', { expect: [403, 'certificate-expired'] });
    const early = ca.issue('/CN=ann', { start: `${at(1)}`, end: `${at(3)}` });
    await gw.client(showing(early)).get('/v1/tls', { expect: [403, 'certificate-expired'] });
    const server = ca.issue('/CN=ann', { usage: 'serverAuth' });
    await gw.client(showing(server)).get('/v1/tls', { expect: [403, 'certificate-unknown'] });
  });

  await it('one that expires during a resumed session is refused from then on', async () => {
    const end = new Date(Date.now() + 6000);
    const made = ca.issue('/CN=ann', { start: at(-1), end: end.toISOString().replace(/[-:T]|\.\d+/g, '').slice(2) });
    const first = await request({ ...made, port: gw.port, ca: gw.ca });
    assert.equal(first.status, 200);
    const client = gw.client({ ...showing(made), connections: 1 });
    await client.get('/v1/tls', { expect: 200 });
    await new Promise((done) => setTimeout(done, end - Date.now() + 1100));
    await client.get('/v1/tls', { expect: [403, 'certificate-expired'] });
    const resumed = await request({ port: gw.port, ca: gw.ca, session: first.session });
    assert.deepEqual([resumed.reused, resumed.status], [true, 403], resumed.text);
    assert.match(resumed.text, /certificate-expired/);
  });

  await it('what stands between it and its CA is revoked with all below', async () => {
    const branch = ca.issue('/CN=Branch CA', { authority: true });
    const other = ca.issue('/CN=Other branch CA', { authority: true });
    const made = issueBelow(branch, '/CN=ann');
    assert.equal(await nameOf(made), 'ann');
    assert.equal(await nameOf(issueBelow(other, '/CN=ann')), 'ann');
    const client = gw.client({ ...showing(made), connections: 1 });
    const { json } = await login(client);
    const first = await request({ ...made, port: gw.port, ca: gw.ca });
    const resumed = await request({ port: gw.port, ca: gw.ca, session: first.session });
    assert.deepEqual([first.status, resumed.reused, resumed.status], [200, true, 200], resumed.text);
    ca.revoke(branch);
    renameSync(ca.crl(), list);
    gw.child.kill('SIGHUP');
    await eventually(async () => (await client.get('/v1/tls')).status === 403, 'the new list');
    await client.get('/v1/users/me', { token: json.token, expect: [403, 'certificate-revoked'] });
    await login(gw.client(showing(made)), [403, 'certificate-revoked']);
    await login(gw.client(showing(issueBelow(branch, '/CN=bob'))), [403, 'certificate-revoked']);
    assert.equal(await nameOf(issueBelow(other, '/CN=ann')), 'ann');
    await login(gw.client(showing(ca.issue('/CN=ann'))));
  });

  await it('their list is read again when it has changed', async () => {
    const made = ca.issue('/CN=ann');
    const client = gw.client(showing(made));
    const { json } = await login(client);
    ca.revoke(made);
    renameSync(ca.crl(), list);
    gw.child.kill('SIGHUP');
    await eventually(async () => (await client.get('/v1/tls')).status === 403, 'the new list');
    await client.get('/v1/users/me', { token: json.token, expect: [403, 'certificate-revoked'] });
    await gw.client(showing(ca.issue('/CN=ann'))).get('/v1/tls', { expect: 200 });
  });

  await it('the own CA goes on', async () => {
    assert.equal(await nameOf(await enroll(ann)), 'ann');
  });
});

suite('client_certificates: required', async ({ gw, it }) => {
  const admin = await gw.admin();
  const admins = await enroll(admin);
  gw.args = ['--tls-client-certificates', 'required', '--cors-origins', 'https://app.example'];
  await gw.restart();

  await it('a stranger gets nothing, with or without a token', async () => {
    const stranger = gw.client();
    for (const path of ['/healthz', '/', '/v1/daytime', '/v1/ca', '/.well-known/jwks.json', '/v1/users/me'])
      await stranger.get(path, { expect: [403, 'certificate-required'] });
    await stranger.get('/v1/users/me', { token: admin.token, expect: [403, 'certificate-required'] });
    for (const [method, path] of [['GET', '/v1/nothing'], ['GET', '/nothing.js'], ['DELETE', '/v1/daytime']])
      await stranger.request(method, path, { outside: true, expect: [403, 'certificate-required'] });
    const json = { username: 'root-admin', password: 'the first password' };
    await stranger.post('/v1/sessions', { json, expect: [403, 'certificate-required'] });
    const other = gw.client(showing(otherCa().issue('/CN=root-admin')));
    await other.get('/v1/daytime', { expect: [403, 'certificate-unknown'] });
  });

  await it('nor hears of methods, but for a browser that asks for a page of a known origin: it shows none then', async () => {
    const stranger = gw.client();
    const ask = (path, headers, expect) => stranger.options(path, { outside: true, headers, expect });
    const known = { origin: 'https://app.example', 'access-control-request-method': 'GET' };
    for (const path of ['/v1/daytime', '/v1/users', '/v1/nothing'])
      for (const headers of [{}, { origin: known.origin }, { ...known, origin: 'https://other.example' }])
        await ask(path, headers, [403, 'certificate-required']);
    await ask('/v1/nothing', known, [403, 'certificate-required']);
    const { headers } = await ask('/v1/daytime', known, 204);
    assert.match(headers['access-control-allow-methods'], /GET/);
    await gw.client(showing(admins)).options('/v1/users', { outside: true, expect: 204 });
  });

  await it('who has one works as always', async () => {
    const client = gw.client(showing(admins));
    await client.get('/v1/daytime', { expect: 200 });
    const { json } = await login(client);
    client.token = json.token;
    const made = await enroll(client, { name: 'the next' });
    await gw.client(showing(made)).get('/v1/daytime', { expect: 200 });
  });
});

suite('client_certificates: off', async ({ gw, it }) => {
  const admin = await gw.admin();
  const admins = await enroll(admin);
  gw.args = ['--tls-client-certificates', 'off'];
  await gw.restart();

  await it('nobody is asked', async () => {
    const shown = await request({ ...admins, port: gw.port, ca: gw.ca });
    assert.equal(shown.status, 200);
    assert.match(shown.text, /"client_certificate":null/);
    const client = gw.client(showing(admins));
    await client.get('/v1/users/me', { token: admin.token, expect: 200 });
    assert.equal((await login(client, 403)).code, 'certificate-required');
  });
});

suite('client_certificates: what cannot be used', { gateway: false }, async ({ it }) => {
  const refused = async (entry) => {
    const gw = new Gateway({ args: ['--tls-client-ca', entry] });
    await assert.rejects(gw.start(), /ended at start/);
    return gw.log;
  };
  await it('ends the start and says what it is', async () => {
    assert.match(await refused(`${ca.file} name`), /the rule is none of/);
    assert.match(await refused('/nowhere/ca.pem cn'), /client_ca/);
    assert.match(await refused(`${ca.file} cn ${byMail.file}`), /revocation list/);
    assert.match(await refused(`${ca.file} cn ${byMail.crl()}`), /not by this CA/);
  });
});
