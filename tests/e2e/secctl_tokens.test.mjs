// SPDX-License-Identifier: Apache-2.0
// Tokens are renewed without the user noticing, once for all processes.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { suite } from './lib/suite.mjs';
import { Relay } from './lib/relay.mjs';
import { Secctl } from './lib/secctl.mjs';

suite('secctl_tokens', async ({ gw, it }) => {
  const relay = await Relay.start({ gateway: gw });
  const ctl = new Secctl(relay);
  await new Secctl(gw).signup();
  await ctl.login();
  const renewals = () => relay.requests.filter((request) => request.path === '/v1/oauth/token').length;
  const begin = () => (relay.requests.length = 0);

  await it('does not renew a fresh token', async () => {
    begin();
    await ctl.run(['whoami']);
    assert.equal(renewals(), 0);
  });

  await it('renews before the token expires', async () => {
    const before = ctl.session({ token_renew_at: 0 });
    begin();
    await ctl.run(['whoami']);
    assert.equal(renewals(), 1);
    const after = ctl.session();
    assert.notEqual(after.token, before.token);
    assert.notEqual(after.refresh_token, before.refresh_token);
    assert.equal(ctl.mode('session.json'), 0o600);
    const shown = await ctl.json(['status']);
    assert.ok(shown.token_expires_in > 60);
  });

  await it('renews once when the gateway does not take the token', async () => {
    const good = ctl.session().token;
    for (const args of [['whoami'], ['put', '-q', ctl.file('x', 'y'), 'common/x'], ['get', '-q', 'common/x', '-o', 'z']]) {
      ctl.session({ token: `${good.slice(0, -8)}AAAAAAAA` });
      begin();
      await ctl.run(args);
      assert.equal(renewals(), 1, args[0]);
    }
    ctl.session({ token: 'not.a.token' });
    await ctl.run(['put', '-q', '-', 'common/x'], { input: 'from a pipe' });
    assert.equal((await ctl.run(['cat', 'common/x'])).stdout, 'from a pipe');
  });

  await it('twenty processes at once renew once', async () => {
    ctl.session({ token_renew_at: 0 });
    begin();
    const results = await Promise.all(Array.from({ length: 20 }, () => ctl.run(['whoami'])));
    for (const result of results) assert.equal(result.stdout, 'root-admin (admin)\n');
    assert.equal(renewals(), 1);
    ctl.session({ token: 'not.a.token' });
    begin();
    await Promise.all(Array.from({ length: 20 }, () => ctl.run(['whoami'])));
    assert.equal(renewals(), 1);
    await ctl.run(['whoami']);
  });

  await it('many transfers renew once', async () => {
    for (let i = 0; i < 12; i++) ctl.file(`f${i}`, `${i}`);
    ctl.session({ token: 'not.a.token' });
    begin();
    await ctl.run(['put', '-q', '-j', '6', ...Array.from({ length: 12 }, (_, i) => `f${i}`), 'common/many/']);
    assert.equal(renewals(), 1);
    assert.equal((await ctl.json(['ls', 'common/many'])).entries.length, 12);
  });

  await it('says so when the session is over', async () => {
    ctl.session({ token_renew_at: 0, refresh_token: 'x'.repeat(43) });
    const result = await ctl.run(['whoami'], { expect: 2 });
    assert.match(result.stderr, /the session has ended\n {2}next: run: secctl login/);
    assert.ok(!existsSync(ctl.profile('session.json')));
    await ctl.login();
    await ctl.run(['whoami']);
  });
  await relay.stop();
});
