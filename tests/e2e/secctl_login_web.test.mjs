// SPDX-License-Identifier: Apache-2.0
// Logging in with a browser: the device grant as secctl does it.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from './lib/suite.mjs';
import { eventually } from './lib/gateway.mjs';
import { Relay } from './lib/relay.mjs';
import { Secctl } from './lib/secctl.mjs';

suite('secctl_login_web', async ({ gw, it }) => {
  const relay = await Relay.start({ gateway: gw });
  const owner = new Secctl(gw);
  await owner.signup();
  const browser = () => gw.client({ token: owner.session().token });
  const decide = (user_code, approve) => browser().post('/v1/oauth/device', { json: { user_code, approve }, expect: 204 });

  // Starts it in a pipe, and waits for what it shows.
  async function start(ctl, args = []) {
    const running = ctl.spawn(['login', relay.origin, '--fingerprint', ctl.fingerprint, '--web', ...args]);
    await eventually(() => /code [A-Z0-9-]+;/.test(running.stderr), 'the code');
    return { running, code: /code ([A-Z0-9]{4}-[A-Z0-9]{4});/.exec(running.stderr)[1] };
  }

  await it('waits for the yes, and keeps the session', async () => {
    const ctl = new Secctl(relay);
    const { running, code } = await start(ctl);
    assert.match(running.stderr, /#device\?code=/);
    const shown = (await browser().get('/v1/oauth/device', { query: { user_code: code } })).json;
    assert.equal(shown.client_id, 'secctl');
    await decide(code, true);
    const { status, stdout } = await running.done;
    assert.equal(status, 0, running.stderr);
    assert.match(stdout, /^Logged in to \S+ as root-admin \(admin\)\.\n$/);
    assert.equal(ctl.mode('session.json'), 0o600);
    assert.equal((await ctl.run(['whoami'])).stdout, 'root-admin (admin)\n');
    assert.ok((await ctl.json(['status'])).session_expires_in > 3600);
  });

  await it('renews its tokens as the client that they were given to', async () => {
    const ctl = new Secctl(relay);
    const { running, code } = await start(ctl);
    await decide(code, true);
    await running.done;
    const before = ctl.session({ token_renew_at: 0 });
    assert.equal(before.client_id, 'secctl');
    await ctl.run(['whoami']);
    assert.notEqual(ctl.session().token, before.token);
    await ctl.run(['logout']);
    assert.ok(!existsSync(ctl.profile('session.json')));
  });

  await it('says when it was refused', async () => {
    const { running, code } = await start(new Secctl(relay));
    await decide(code, false);
    const { status, stderr } = await running.done;
    assert.equal(status, 2);
    assert.match(stderr, /the login was refused in the browser/);
  });

  await it('polls no faster than it was told, slower when told so, and survives a break', async () => {
    let answers = 0;
    const polls = [];
    relay.spoil = (what) => {
      if (what.request.url === '/v1/oauth/device_authorization') {
        const answer = { ...JSON.parse(what.body), interval: 1 };
        what.body = Buffer.from(JSON.stringify(answer));
        what.headers['content-length'] = String(what.body.length);
      }
      if (what.request.url !== '/v1/oauth/token') return;
      polls.push(performance.now());
      answers += 1;
      if (answers === 2) what.cutAt = 3;
      if (answers > 1 && answers !== 3) return;
      what.status = 400;
      what.body = Buffer.from(JSON.stringify({ error: answers === 1 ? 'authorization_pending' : 'slow_down' }));
      what.headers = { 'content-type': 'application/json' };
    };
    const ctl = new Secctl(relay);
    const { running, code } = await start(ctl);
    await eventually(() => polls.length >= 1, 'a poll');
    await decide(code, true);
    const { status, stderr } = await running.done;
    relay.spoil = undefined;
    // The answer with the tokens was cut off once: they are gone, and the code was used.
    if (status === 0) assert.ok(polls.length >= 3);
    else assert.match(stderr, /login:|nobody has said yes|refused/);
    for (let i = 1; i < polls.length; i++) assert.ok(polls[i] - polls[i - 1] > 900, `${polls[i] - polls[i - 1]} ms`);
    if (polls.length > 2) assert.ok(polls[2] - polls[1] > 1900, 'slower after a break');
  });

  await it('says once that there is no connection, and when there is', async () => {
    let polls = 0;
    relay.spoil = (what) => {
      if (what.request.url === '/v1/oauth/device_authorization') {
        what.body = Buffer.from(JSON.stringify({ ...JSON.parse(what.body), interval: 1 }));
        what.headers['content-length'] = String(what.body.length);
      }
      if (what.request.url === '/v1/oauth/token' && ++polls < 3) what.cutAt = 3;
    };
    const { running, code } = await start(new Secctl(relay));
    await eventually(() => polls >= 3, 'the polls', 20000);
    relay.spoil = undefined;
    await decide(code, true);
    const { status, stderr } = await running.done;
    assert.equal(status, 0, stderr);
    assert.equal(stderr.match(/no connection, trying again \(.+\)/g).length, 1);
    assert.equal(stderr.match(/connected again/g).length, 1);
  });

  await it('gives scripts the code as JSON, and no more rights than were asked for', async () => {
    const ctl = new Secctl(relay);
    const running = ctl.spawn(['login', relay.origin, '--fingerprint', ctl.fingerprint, '--web', '--json', '--scopes', 'files:read,chat:read']);
    await eventually(() => Buffer.concat(running.out).toString().includes('\n'), 'the code');
    const shown = JSON.parse(Buffer.concat(running.out).toString());
    assert.deepEqual(Object.keys(shown), ['verification_uri', 'verification_uri_complete', 'user_code', 'expires_in']);
    await decide(shown.user_code, true);
    const { stdout } = await running.done;
    const session = JSON.parse(stdout.split('\n')[1]);
    assert.equal(session.user.username, 'root-admin');
    assert.ok(!/token/.test(stdout));
    await ctl.run(['ls', 'common/']);
    assert.match((await ctl.run(['say', 'common', 'x'], { expect: 2 })).stderr, /lacks the scope chat:write/);
    assert.match((await ctl.run(['tokens'], { expect: 2 })).stderr, /login-needed[^]*next: it takes a login with all rights/);
    // A token that is refused even when it is new: back to where the session came from.
    relay.answer = (request, response) => {
      if (request.url !== '/v1/users/me') return false;
      const problem = { type: 'about:blank', title: 'The token is not valid', status: 401, detail: 'no', code: 'token-invalid' };
      response.writeHead(401, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
      return true;
    };
    const refused = await ctl.run(['whoami'], { expect: 2 });
    relay.answer = undefined;
    assert.match(refused.stderr, /token-invalid\)\n {2}next: run: secctl login --web\n/);
  });

  await it('opens a browser on a terminal, where there is one', async () => {
    const ctl = new Secctl(relay);
    const directory = join(ctl.cwd, 'bin');
    const log = join(ctl.cwd, 'opened');
    mkdirSync(directory);
    writeFileSync(join(directory, 'xdg-open'), `#!/bin/sh\necho "$1" >'${log}'\n`);
    chmodSync(join(directory, 'xdg-open'), 0o755);
    ctl.env.PATH = `${directory}:${ctl.env.PATH}`;
    const terminal = ctl.terminal(['login', relay.origin, '--fingerprint', ctl.fingerprint, '--web']);
    await terminal.expect(/code [A-Z0-9]{4}-[A-Z0-9]{4};/);
    await eventually(() => existsSync(log) && readFileSync(log, 'utf8').endsWith('\n'), 'the browser');
    assert.match(readFileSync(log, 'utf8'), /^https:\/\/\S+#device\?code=[A-Z0-9-]+\n$/);
    terminal.type('\x03');
    await terminal.exited;
    clearTimeout(terminal.timer);
    assert.ok(!existsSync(ctl.profile('session.json')));
  });

  await it('does not mix with passwords', async () => {
    const ctl = new Secctl(relay);
    for (const args of [['-u', 'ann'], ['--password-file', '-'], ['--code-file', '-']]) {
      await ctl.run(['login', relay.origin, '--web', ...args], { expect: 1 });
    }
  });
  await relay.stop();
});
