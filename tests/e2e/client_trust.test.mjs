// SPDX-License-Identifier: Apache-2.0
// Whose certificates count is read again on SIGHUP: for new connections, open ones and resumed TLS sessions.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { enroll, openssl, otherCa, request, showing } from './lib/certs.mjs';
import { eventually, ini, temporaryDirectory } from './lib/gateway.mjs';
import { suite } from './lib/suite.mjs';

const before = otherCa('Before CA');
const after = otherCa('After CA');
const file = join(temporaryDirectory(), 'trusted.pem');
copyFileSync(before.file, file);

suite('client_trust', { args: ['--tls-client-ca', `${file} cn`] }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const own = await enroll(ann);
  const old = before.issue('/CN=ann');
  const fresh = after.issue('/CN=ann');
  const reload = async (how) => {
    const from = gw.log.length;
    gw.child.kill('SIGHUP');
    await eventually(() => how.test(gw.log.slice(from)), `${how}`);
  };
  const seen = async (client, expect) => (await client.get('/v1/tls', { expect })).json;

  await it('the server names the CAs that it trusts, and demands nothing', async () => {
    const said = openssl('s_client', '-connect', `127.0.0.1:${gw.port}`, '-tls1_2', { input: '' });
    const names = /Acceptable client certificate CA names\n([^]*?)\n(?=[A-Z][a-z]+ )/.exec(said)?.[1].split('\n') ?? [];
    assert.ok(names.some((name) => /Before CA/.test(name)), said);
    assert.ok(names.some((name) => /secgate CA/.test(name)), said);
    await seen(gw.client(), 200);
  });

  await it('a bundle that cannot be read changes nothing', async () => {
    const client = gw.client({ ...showing(old), connections: 1 });
    assert.notEqual((await seen(client, 200)).client_certificate, null);
    writeFileSync(file, 'no certificate');
    await reload(/"event":"client_ca.load"/);
    await seen(client, 200);
    await seen(gw.client(showing(old)), 200);
    assert.match(gw.log, new RegExp(`"event":"client_ca.load","file":"${file}"`));
  });

  await it('another CA in the place of the first', async () => {
    const open = gw.client({ ...showing(old), connections: 1 });
    const mine = gw.client({ ...showing(own), connections: 1 });
    const plain = gw.client({ connections: 1 });
    const login = { json: { method: 'certificate' }, token: null };
    const { json } = await open.post('/v1/sessions', { ...login, expect: 201 });
    const first = await request({ ...old, port: gw.port, ca: gw.ca });
    assert.equal(first.status, 200);
    for (const client of [open, mine, plain]) await seen(client, 200);
    await seen(gw.client(showing(fresh)), [403, 'certificate-unknown']);

    copyFileSync(after.file, file);
    gw.child.kill('SIGHUP');
    await eventually(async () => (await gw.client(showing(fresh)).get('/v1/tls')).status === 200, 'the new CA');

    /* The same connection, with the token that was bound to it, and another. */
    await seen(open, [403, 'certificate-unknown']);
    await open.get('/v1/users/me', { token: json.token, expect: [403, 'certificate-unknown'] });
    await seen(gw.client(showing(old)), [403, 'certificate-unknown']);
    /* Its TLS session is not resumed: without a certificate it is nobody's. */
    const again = await request({ port: gw.port, ca: gw.ca, session: first.session });
    assert.equal(again.reused, false);
    assert.match(again.text, /"client_certificate":null/);
    /* Who has nothing to do with it goes on. */
    for (const client of [mine, plain]) await seen(client, 200);
    await gw.client(showing(fresh)).post('/v1/sessions', { ...login, expect: 201 });
  });

  await it('both in one file', async () => {
    writeFileSync(file, readFileSync(before.file, 'utf8') + readFileSync(after.file, 'utf8'));
    gw.child.kill('SIGHUP');
    await eventually(async () => (await gw.client(showing(old)).get('/v1/tls')).status === 200, 'the first CA again');
    await seen(gw.client(showing(fresh)), 200);
  });

  await it('many reloads while clients come and go', async () => {
    const clients = [old, fresh, own].map((pair) => gw.client(showing(pair)));
    let going = true;
    const load = clients.map(async (client) => {
      let count = 0;
      while (going) {
        await seen(client, 200);
        count += 1;
      }
      return count;
    });
    for (let i = 0; i < 15; i++) {
      gw.child.kill('SIGHUP');
      await new Promise((done) => setTimeout(done, 60));
    }
    going = false;
    for (const count of await Promise.all(load)) assert.ok(count > 10);
  });
});

const company = otherCa('Company CA');
const partner = otherCa('Partner CA');
const trusted = join(temporaryDirectory(), 'all');
const entry = (ca, name, rule) => {
  copyFileSync(ca.file, `${trusted}.${name}`);
  return `${trusted}.${name} ${rule}`;
};
const tls = { 'client-certificates': 'off', 'client-ca': entry(company, 'company', 'cn') };

suite('client_trust of another configuration', { config: { tls } }, async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const own = await enroll(ann);
  const companys = company.issue('/CN=ann', { san: 'URI:urn:secgate:user:ann' });
  const partners = partner.issue('/CN=ann', { san: 'URI:urn:secgate:user:ann' });
  const seen = async (client, expect) => (await client.get('/v1/tls', { expect })).json.client_certificate;
  const login = (pair, expect) =>
    gw.client(showing(pair)).post('/v1/sessions', { json: { method: 'certificate' }, token: null, expect });
  // Until the worker has said what came of it.
  const configure = async (how, result = 'ok') => {
    const from = gw.log.length;
    writeFileSync(gw.configFile, ini({ tls: { ...tls, ...how } }));
    gw.child.kill('SIGHUP');
    await eventually(() => gw.log.slice(from).includes('"event":"certificate.reload"'), 'the answer of the worker');
    const log = gw.log.slice(from);
    assert.match(log, new RegExp(`"event":"certificate.reload","result":"${result}"`));
    assert.doesNotMatch(log, /config.needs_restart/);
    return log;
  };

  await it('nobody is asked while it is off', async () => {
    assert.equal(await seen(gw.client(showing(companys)), 200), null);
  });

  const plain = gw.client({ connections: 1 });
  await seen(plain, 200);

  await it('optional: certificates count from now on', async () => {
    await configure({ 'client-certificates': 'optional' });
    assert.notEqual(await seen(gw.client(showing(companys)), 200), null);
    await login(companys, 201);
    await login(own, 201);
    await login(partners, [403, 'certificate-unknown']);
    await seen(plain, 200);
  });

  const open = gw.client({ ...showing(companys), connections: 1 });
  const { json: session } = await login(companys, 201);
  await open.get('/v1/users/me', { token: session.token, expect: 200 });

  await it('another rule for the same CA', async () => {
    await configure({ 'client-certificates': 'optional', 'client-ca': entry(company, 'company', 'email') });
    await login(companys, [403, 'certificate-unknown']);
    await seen(open, 200); // good, and nobody's
    await configure({ 'client-certificates': 'optional', 'client-ca': entry(company, 'company', 'uri') });
    await login(companys, 201);
  });

  await it('one CA more, and in another order', async () => {
    const both = `${entry(partner, 'partner', 'uri')}, ${entry(company, 'company', 'cn')}`;
    await configure({ 'client-certificates': 'optional', 'client-ca': both });
    await login(partners, 201);
    await login(companys, 201);
    await open.get('/v1/users/me', { token: session.token, expect: 200 });
  });

  await it('required: those who showed none are refused, on open connections, too', async () => {
    await configure({ 'client-certificates': 'required', 'client-ca': entry(company, 'company', 'cn') });
    await plain.get('/healthz', { expect: [403, 'certificate-required'] });
    await seen(gw.client(), [403, 'certificate-required']);
    await seen(open, 200);
    await seen(gw.client(showing(own)), 200);
    await seen(gw.client(showing(partners)), [403, 'certificate-unknown']);
  });

  await it('what cannot be used changes nothing, also for the next worker', async () => {
    const optional = { 'client-certificates': 'optional' };
    for (const bad of [`${trusted}.company shoe-size`, `${trusted}.none cn`, `${trusted}.company cn ${trusted}.none`]) {
      const log = await configure({ ...optional, 'client-ca': bad }, '[a-z-]+(?<!ok)');
      assert.match(log, /"event":"client_ca.load"/);
      assert.match(log, /"event":"config.refused"/);
      await plain.get('/healthz', { expect: [403, 'certificate-required'] });
      await seen(open, 200);
    }
    const { worker } = gw.roles();
    process.kill(worker, 'SIGKILL');
    await eventually(() => gw.roles().worker && gw.roles().worker !== worker, 'another worker');
    await eventually(async () => (await gw.client(showing(companys)).get('/healthz').catch(() => null))?.status === 200, 'it serves');
    await gw.client().get('/healthz', { expect: [403, 'certificate-required'] });
  });

  await it('a CA that goes takes its certificates along', async () => {
    const stays = gw.client({ ...showing(own), connections: 1 });
    const goes = gw.client({ ...showing(companys), connections: 1 });
    await seen(stays, 200);
    await seen(goes, 200);
    await configure({ 'client-certificates': 'required', 'client-ca': entry(partner, 'partner', 'cn') });
    await seen(goes, [403, 'certificate-unknown']);
    await goes.get('/v1/users/me', { token: session.token, expect: [403, 'certificate-unknown'] });
    await seen(stays, 200);
  });

  await it('off again, and what is bound to a certificate has none to show', async () => {
    await configure({ 'client-certificates': 'off' });
    assert.equal(await seen(gw.client(showing(partners)), 200), null);
    await gw.client(showing(companys)).get('/v1/users/me', { token: session.token, expect: [401, 'token-mismatch'] });
    await gw.client({ token: ann.token }).get('/v1/users/me', { expect: 200 });
  });

  await it('two at once: the last one counts', async () => {
    const from = gw.log.length;
    for (const mode of ['optional', 'off', 'required']) {
      writeFileSync(gw.configFile, ini({ tls: { ...tls, 'client-certificates': mode } }));
      gw.child.kill('SIGHUP');
      await new Promise((done) => setTimeout(done, 3));
    }
    await eventually(async () => (await gw.client().get('/healthz')).status === 403, 'required');
    assert.doesNotMatch(gw.log.slice(from), /config.refused/);
    await seen(gw.client(showing(companys)), 200);
  });
});
