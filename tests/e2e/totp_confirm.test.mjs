// SPDX-License-Identifier: Apache-2.0
// A second factor is on: what a login needs from then on, with oathtool as authenticator.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { enableTotp, oathtool } from './lib/authenticator.mjs';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';

suite('totp_confirm', async ({ gw, it }) => {
  const admin = await gw.admin();
  const anyone = gw.client();
  const ann = await gw.user(admin, 'ann');
  const login = (user, code, expect) =>
    anyone.post('/v1/sessions', { json: { username: user.username, password: user.password, code }, expect });
  const confirm = (client, code, expect) => client.post('/v1/users/me/totp/confirm', { json: { code }, expect });

  await it('needs a secret to confirm', () => confirm(ann, '123456', [409, 'conflict']));

  const factor = await enableTotp(ann);

  await it('gives ten different recovery codes', () => {
    assert.equal(new Set(factor.recovery_codes).size, 10);
  });

  await it('a login without a code names what would do', async () => {
    const { json } = await login(ann, undefined, [401, 'second-factor-required']);
    assert.deepEqual(json.methods, ['totp', 'recovery']);
  });

  await it('says nothing of it after a wrong password', async () => {
    const json = { username: 'ann', password: 'a wrong password', code: oathtool(factor.secret) };
    await anyone.post('/v1/sessions', { json, expect: [401, 'credentials-invalid'] });
  });

  await it('takes each code once, and none from before', async () => {
    const next = oathtool(factor.secret, 30);
    await login(ann, factor.code, [401, 'second-factor-invalid']); // it has confirmed
    const { json } = await login(ann, next, 201);
    await anyone.get('/v1/users/me', { token: json.token, expect: 200 });
    await login(ann, next, [401, 'second-factor-invalid']);
    await login(ann, oathtool(factor.secret, -300), [401, 'second-factor-invalid']);
    await login(ann, oathtool(factor.secret, 300), [401, 'second-factor-invalid']);
  });

  await it('takes each recovery code once, however it is typed', async () => {
    const code = factor.recovery_codes[2];
    await login(ann, code.toLowerCase().replaceAll('-', ' '), 201);
    await login(ann, code, [401, 'second-factor-invalid']);
  });

  await it('of twenty parallel logins with one code one succeeds', async () => {
    const bob = await gw.user(admin, 'bob');
    const { secret } = await enableTotp(bob);
    const code = oathtool(secret, 30);
    const json = { username: 'bob', password: bob.password, code };
    const answers = await Promise.all(Array.from({ length: 20 }, () => anyone.post('/v1/sessions', { json })));
    assert.equal(answers.filter(({ status }) => status === 201).length, 1);
    assert.ok(answers.every(({ status }) => [201, 401, 429, 503].includes(status)));
  });

  await it('guessing codes is throttled like guessing passwords', async () => {
    const eve = await gw.user(admin, 'eve');
    const { recovery_codes } = await enableTotp(eve);
    let throttled;
    for (let i = 0; i < 12 && !throttled; i++) {
      const answer = await login(eve, String(100000 + i));
      if (answer.status === 429) throttled = answer;
      else assert.equal(answer.code, 'second-factor-invalid');
    }
    assert.ok(throttled, 'twelve wrong codes in a row');
    assert.ok(Number(throttled.headers['retry-after']) >= 1);
    await login(eve, recovery_codes[0], [429, 'throttled']);
  });

  await it('a secret that waits cannot be confirmed by guessing, nor without end fill the audit log', async () => {
    const kim = await gw.user(admin, 'kim');
    await kim.post('/v1/users/me/totp', { json: { password: kim.password }, expect: 201 });
    const answers = [];
    for (let i = 0; i < 12; i++) answers.push(await confirm(kim, String(200000 + i)));
    assert.deepEqual(answers.map(({ status }) => status), [...Array(10).fill(401), 429, 429]);
    assert.ok(Number(answers[10].headers['retry-after']) > 300);
  });

  await it('is in the audit log, and no code is in the gateway\u2019s log', async () => {
    const { json } = await admin.get('/v1/audit', { query: { type: 'totp.enabled' }, expect: 200 });
    assert.ok(json.entries.some((entry) => entry.actor === 'ann' && entry.result === 'ok'));
    const used = await admin.get('/v1/audit', { query: { type: 'recovery.used' }, expect: 200 });
    assert.ok(used.json.entries.some((entry) => entry.actor === 'ann'));
    for (const secret of [factor.secret, ...factor.recovery_codes]) assert.ok(!gw.log.includes(secret));
  });

  await it('neither secret nor recovery codes are in any file of the gateway', () => {
    const raw = execFileSync('base32', ['-d'], { input: factor.secret });
    assert.equal(raw.length, 20);
    const wanted = [raw, ...[factor.secret, ...factor.recovery_codes, ...factor.recovery_codes.map((code) => code.replaceAll('-', ''))].map((text) => Buffer.from(text))];
    let files = 0;
    for (const name of readdirSync(gw.data, { recursive: true })) {
      const path = join(gw.data, name);
      if (!statSync(path).isFile()) continue;
      const content = readFileSync(path);
      files++;
      for (const part of wanted) assert.ok(!content.includes(part), `${name} has it`);
    }
    assert.ok(files > 5);
  });

  await it('an admin can take it away from who has lost everything', async () => {
    await admin.patch('/v1/users/ann', { json: { reset_second_factor: true }, expect: 200 });
    await login(ann, undefined, 201);
    assert.equal((await ann.get('/v1/users/me/totp', { expect: 200 })).json.enabled, false);
  });

  await it('a wrong code turns nothing on', async () => {
    const { json } = await admin.post('/v1/users/me/totp', { json: { password: admin.password }, expect: 201 });
    const wrong = String((Number(oathtool(json.secret)) + 1) % 1e6).padStart(6, '0');
    await confirm(admin, wrong, [401, 'second-factor-invalid']);
    await confirm(admin, 'nonsense', [401, 'second-factor-invalid']);
    await gw.login('root-admin', admin.password);
  });

  await it('needs a token', () =>
    needsToken(gw.client(), 'POST', '/v1/users/me/totp/confirm', { json: { code: '123456' } }));

  await it('needs strict JSON', () => needsJson(admin, 'POST', '/v1/users/me/totp/confirm', { code: '123456' }));

  await it('what was used stays used after a kill, and the secret still opens', async () => {
    const dora = await gw.user(admin, 'dora');
    const { secret, code: used, recovery_codes } = await enableTotp(dora);
    const json = { username: 'dora', password: dora.password };
    const first = await login(dora, recovery_codes[0], 201);
    gw.kill();
    await gw.exited;
    await gw.closeClients();
    gw.listen = `${gw.host}:${gw.port}`; // else another issuer
    await gw.start();
    const again = (code, expect) => gw.client().post('/v1/sessions', { json: { ...json, code }, expect });
    await again(recovery_codes[0], [401, 'second-factor-invalid']);
    await again(used, [401, 'second-factor-invalid']);
    await again(oathtool(secret, 30), 201);
    await gw.client({ token: first.json.token }).get('/v1/users/me', { expect: 200 });
  });
});
