// SPDX-License-Identifier: Apache-2.0
// Commands that go on until they are ended: networks that break, gateways that restart, and what does end them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from './lib/suite.mjs';
import { eventually } from './lib/gateway.mjs';
import { Relay } from './lib/relay.mjs';
import { Secctl } from './lib/secctl.mjs';

const password = 'the first password';
const DATA = '/v1/sessions/current/data';
const LOST = /no connection, trying again \(.+\)/g;
const BACK = /connected again/g;

suite('secctl_follow', async ({ gw, it }) => {
  let relay = await Relay.start({ gateway: gw });
  await new Secctl(gw).signup();
  const ctl = new Secctl(relay);
  await ctl.login();
  const direct = new Secctl(gw);
  await direct.login();
  const open = () => ctl.run(['session', 'open', '--password-file', '-', '-q'], { input: `${password}\n` });
  const shown = (running) => Buffer.concat(running.out).toString();
  const sequences = (running) => [...shown(running).matchAll(/^ *([0-9]+) {2}epoch/gm)].map((found) => Number(found[1]));
  const times = (running, pattern) => [...running.stderr.matchAll(pattern)].length;
  const away = async (during) => {
    const { port, authority, requests } = relay;
    await relay.stop();
    await during();
    relay = await Relay.start({ gateway: gw, port, authority });
    relay.requests.push(...requests);
  };
  const watch = (...args) => ctl.spawn(['session', 'watch', '--interval', '1s', ...args]);
  const interrupt = async (running) => {
    running.child.kill('SIGINT');
    return running.done;
  };

  await it('session watch asks again for an answer that was lost, under the same number', async () => {
    await open();
    const watching = watch();
    await eventually(() => sequences(watching).length >= 1, 'the first answer');
    // More often than one exchange tries by itself.
    let cut = 10;
    relay.spoil = (what) => {
      if (what.request.url === DATA && cut-- > 0) what.cutAt = 5;
    };
    await eventually(() => cut <= 0 && times(watching, BACK) === 1, 'the connection');
    const before = sequences(watching).length;
    await eventually(() => sequences(watching).length > before, 'the next answer');
    relay.spoil = undefined;
    const { status, stdout } = await interrupt(watching);
    assert.equal(status, 0);
    assert.match(stdout, /The channel is closed\.\n$/);
    const seen = sequences(watching);
    assert.deepEqual(seen, seen.map((_, i) => i + 1), 'no number was given up');
    assert.equal(times(watching, LOST), 1);
  });

  await it('session watch outlives a gateway that is away, says so once, and goes on', async () => {
    await open();
    const watching = watch();
    await eventually(() => sequences(watching).length >= 1, 'the first answer');
    await away(() => eventually(() => times(watching, LOST) === 1, 'words about it'));
    await eventually(() => times(watching, BACK) === 1, 'the connection');
    await gw.restart();
    const before = sequences(watching).length;
    await eventually(() => sequences(watching).length > before + 1, 'answers of the new gateway', 20000);
    const { status } = await interrupt(watching);
    assert.equal(status, 0);
    const seen = sequences(watching);
    assert.deepEqual(seen, seen.map((_, i) => i + 1));
    assert.match(watching.stderr, /no connection, trying again \(session: https:\S+: .+\)\nsecctl: connected again\n/);
  });

  await it('session watch ends on Ctrl-C while there is no connection', async () => {
    await open();
    const watching = watch();
    await eventually(() => sequences(watching).length >= 1, 'the first answer');
    await away(async () => {
      await eventually(() => times(watching, LOST) === 1, 'words about it');
      const { status, stderr } = await interrupt(watching);
      assert.equal(status, 3, 'the gateway does not know of it yet');
      assert.match(stderr, /session close: /);
    });
    assert.deepEqual(await ctl.json(['session', 'close']), { closed: true });
  });

  await it('session watch ends when the gateway says so', async () => {
    await open();
    const { token } = JSON.parse(readFileSync(ctl.profile('sealed.json'), 'utf8'));
    const watching = watch();
    await eventually(() => sequences(watching).length >= 1, 'the first answer');
    await gw.client({ token }).delete('/v1/sessions/current', { expect: 204 });
    const { status, stderr } = await watching.done;
    assert.equal(status, 2);
    assert.match(stderr, /the session has ended\n {2}next: run: secctl session open/);
    await open();
    const other = watch();
    await eventually(() => sequences(other).length >= 1, 'the first answer');
    relay.spoil = (what) => {
      if (what.request.url !== DATA) return;
      what.status = 409;
      what.body = Buffer.from(JSON.stringify({ title: 'There is no channel', status: 409, code: 'channel-missing' }));
      what.headers = { 'content-type': 'application/problem+json' };
    };
    assert.equal((await other.done).status, 2);
    assert.match(other.stderr, /channel-missing[^]*next: open a new one: secctl session open/);
    relay.spoil = undefined;
  });

  await it('session data fails at once', async () => {
    await open();
    await away(async () => {
      const { stderr } = await ctl.run(['session', 'data'], { expect: 3 });
      assert.doesNotMatch(stderr, /trying again/);
    });
    await ctl.run(['session', 'close']);
  });

  await it('audit -f outlives a gateway that is away, leaves nothing out and repeats nothing', async () => {
    const made = () => shown(following).split('invite.created').length - 1;
    const following = ctl.spawn(['audit', '-n', '1', '-f', '--type', 'invite.created']);
    await sleep(500);
    await direct.run(['invite']);
    await eventually(() => made() === 1, 'the first one');
    await away(async () => {
      await eventually(() => times(following, LOST) === 1, 'words about it');
      for (let i = 0; i < 3; i++) await direct.run(['invite']);
    });
    await eventually(() => made() === 4, 'those made meanwhile');
    await gw.restart();
    await direct.run(['login', gw.origin, '-u', 'root-admin', '--password-file', '-', '-q'], { input: `${password}\n` });
    await direct.run(['invite']);
    await eventually(() => made() === 5, 'one of the new gateway', 20000);
    await sleep(2500);
    assert.equal((await interrupt(following)).signal, 'SIGINT');
    assert.equal(made(), 5);
    const numbers = [...shown(following).matchAll(/^ *([0-9]+) {2}/gm)].map((found) => Number(found[1]));
    assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
  });

  await it('audit -f ends when the right to see it does', async () => {
    const code = (await direct.run(['invite', '--role', 'admin'])).stdout.trim();
    const ann = new Secctl(gw);
    await ann.signup('ann', 'password of ann', code);
    const following = ann.spawn(['audit', '-f']);
    await eventually(() => shown(following).includes('ann'), 'entries');
    await direct.run(['users', 'set', 'ann', '--role', 'member', '-q']);
    assert.equal((await following.done).status, 2);
    assert.match(following.stderr, /403 forbidden|the session has ended/);
  });

  await it('a gateway that cannot renew the token for a while ends nothing', async () => {
    const commands = [['tail', '-f', 'common'], ['watch', '--types', 'message'], ['audit', '-f'], ['chat', 'common']];
    const running = commands.map((args) => ctl.spawn(args));
    await eventually(() => relay.requests.filter(({ path }) => path.includes('wait=')).length >= 3, 'the polls');
    let renewals = 0;
    const refused = new Set();
    relay.spoil = (what) => {
      const problem = (status, code) => {
        what.status = status;
        what.body = Buffer.from(JSON.stringify({ title: 'Not now', status, code }));
        what.headers = { 'content-type': 'application/problem+json' };
      };
      const bearer = what.request.headers.authorization;
      if (what.request.url === '/v1/oauth/token' && renewals++ < 4) problem(503, 'unavailable');
      else if (/^\/v1\/(events|audit)/.test(what.request.url) && (refused.size === 0 || refused.has(bearer))) {
        refused.add(bearer);
        problem(401, 'token-expired');
      }
    };
    await direct.run(['say', 'common', 'wakes the polls']);
    await eventually(() => renewals > 4, 'a renewal that works', 20000);
    relay.spoil = undefined;
    await direct.run(['say', 'common', 'said after it']);
    for (const one of running.filter((_, i) => i !== 2)) {
      await eventually(() => shown(one).includes('said after it'), `the message: ${one.stderr}`, 20000);
    }
    for (const [i, one] of running.entries()) {
      one.child.kill('SIGINT');
      assert.equal((await one.done).signal, 'SIGINT', `${commands[i].join(' ')}: ${one.stderr}`);
    }
  });

  await it('a session whose time is over has expired, however long ago, and the right command is named', async () => {
    ctl.session({ token_renew_at: 0, expires_at: 1000000000 });
    await gw.client({ token: ctl.session().token }).delete('/v1/sessions/current', { expect: 204 });
    const over = await ctl.run(['whoami'], { expect: 2 });
    assert.match(over.stderr, /the session has expired\n {2}next: run: secctl login\n/);
    assert.match((await ctl.run(['whoami'], { expect: 2 })).stderr, /not logged in[^]*next: run: secctl login/);
  });
  await relay.stop();
});
