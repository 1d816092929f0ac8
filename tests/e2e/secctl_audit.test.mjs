// SPDX-License-Identifier: Apache-2.0
// The audit log from the command line: shown, followed, verified against a gateway that lies.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { suite } from './lib/suite.mjs';
import { eventually } from './lib/gateway.mjs';
import { Relay } from './lib/relay.mjs';
import { Secctl } from './lib/secctl.mjs';

suite('secctl_audit', async ({ gw, it }) => {
  const relay = await Relay.start({ gateway: gw });
  await new Secctl(gw).signup();
  const ctl = new Secctl(relay);
  await ctl.login();
  const args = ['login', gw.origin, '-u', 'root-admin', '--fingerprint', new Secctl(gw).fingerprint, '--password-file', '-'];
  const fail = () => new Secctl(gw).run(args, { input: 'not the password\n', expect: 2 });

  await it('shows who did what, from where', async () => {
    await fail();
    await ctl.run(['invite']);
    await eventually(async () => /login\.failed/.test((await ctl.run(['audit', '-n', '100'])).stdout), 'the failure');
    const { stdout } = await ctl.run(['audit', 'list', '-n', '100']);
    assert.match(stdout, /^ +\d+ {2}\S+Z {2}user\.created +root-admin {2}root-admin {2}from 127\.0\.0\.1/m);
    assert.match(stdout, /login\.failed +- {2}root-admin {2}from 127\.0\.0\.1 {2}credentials-invalid/);
    assert.match(stdout, /invite\.created +root-admin/);
    const failures = await ctl.run(['audit', '--type', 'login.failed', '--json']);
    const entries = failures.stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(entries.map((entry) => entry.type), ['login.failed']);
    assert.ok((await ctl.run(['audit', '--actor', 'root-admin', '-n', '2'])).stdout.trim().split('\n').length <= 2);
    assert.equal((await ctl.run(['audit', '--actor', 'nobody'])).stdout, '');
    const frob = await ctl.run(['audit', '--type', 'frob'], { expect: 2 });
    assert.match(frob.stderr, /next: see: secctl audit --help/);
    // Times as people type them.
    const count = async (...times) => (await ctl.run(['audit', '-n', '100', ...times])).stdout.split('\n').length - 1;
    const all = await count();
    assert.equal(await count('--since', '1h'), all);
    assert.equal(await count('--until', '1h'), 0);
    assert.equal(await count('--since', '1999-12-31T23:59:59Z', '--until', '2199-01-01'), all);
    assert.equal(await count('--since', '2199-01-01'), 0);
    assert.match((await ctl.run(['audit', '--since', 'soon'], { expect: 1 })).stderr, /"soon" is no time\n {2}next: 2026-11-20, /);
    await ctl.run(['audit', '--since', '9999-01-01'], { expect: 1 });
    await ctl.run(['audit', '-f', '--until', '2199-01-01'], { expect: 1 });
    for (const bad of [['-n', 'x'], ['-n', '5000'], ['frob'], ['list', 'x']]) await ctl.run(['audit', ...bad], { expect: 1 });
  });

  await it('follows', async () => {
    const following = ctl.spawn(['audit', '-n', '1', '-f', '--type', 'invite.created']);
    await eventually(() => Buffer.concat(following.out).toString().includes('invite.created'), 'the last one');
    await ctl.run(['invite']);
    await eventually(() => Buffer.concat(following.out).toString().split('invite.created').length === 3, 'the next one');
    following.child.kill('SIGINT');
    assert.equal((await following.done).signal, 'SIGINT');
  });

  await it('follows from a time on, which stays the same while it follows', async () => {
    const following = ctl.spawn(['audit', '-f', '--since', '1s', '--type', 'invite.created', '--json']);
    const shown = () => Buffer.concat(following.out).toString().split('\n').slice(0, -1).map((line) => JSON.parse(line).seq);
    await eventually(async () => {
      await ctl.run(['invite']);
      return shown().length > 0;
    }, 'the first');
    for (let i = 0; i < 6; i++) {
      await ctl.run(['invite']);
      await new Promise((done) => setTimeout(done, 400));
    }
    const { stdout } = await ctl.run(['audit', '-n', '1000', '--type', 'invite.created', '--json']);
    const first = shown()[0];
    const made = stdout.trim().split('\n').map((line) => JSON.parse(line).seq).filter((seq) => seq >= first);
    assert.ok(made.length >= 7);
    await eventually(() => shown().length >= made.length, 'all of them');
    assert.deepEqual(shown(), made);
    following.child.kill('SIGINT');
    await following.done;
  });

  await it('verifies the chain, and goes on from what was seen', async () => {
    const first = await ctl.json(['audit', 'verify']);
    assert.equal(first.holds, true);
    assert.equal(first.entries, first.seq);
    const kept = JSON.parse(readFileSync(ctl.profile('audit.json'), 'utf8'));
    assert.deepEqual(kept, { seq: first.seq, chain: first.chain });
    assert.equal(ctl.mode('audit.json'), 0o600);
    await ctl.run(['invite']);
    const again = await ctl.run(['audit', 'verify']);
    assert.match(again.stdout, new RegExp(`It continues what was seen before \\(${first.seq}\\)`));
  });

  await it('tells when anything was altered, removed, added or reordered', async () => {
    const spoilers = {
      altered: (page) => (page.entries[1].actor = 'eve'),
      'altered detail': (page) => (page.entries.find((entry) => entry.details).details.extra = 'x'),
      removed: (page) => page.entries.splice(1, 1),
      added: (page) => page.entries.splice(1, 0, page.entries[1]),
      reordered: (page) => page.entries.reverse(),
      truncated: (page) => page.entries.splice(-1, 1) && (page.head.seq -= 1),
      head: (page) => (page.head.chain = '0'.repeat(64)),
      beginning: (page) => (page.pruned.chain = 'f'.repeat(64)),
    };
    for (const [what, spoiler] of Object.entries(spoilers)) {
      relay.spoil = (answer) => {
        if (!answer.request.url.startsWith('/v1/audit')) return;
        const page = JSON.parse(answer.body);
        spoiler(page);
        answer.body = Buffer.from(JSON.stringify(page));
        answer.headers['content-length'] = String(answer.body.length);
      };
      const refused = await ctl.run(['audit', 'verify'], { expect: 4 });
      assert.match(refused.stderr, /THE AUDIT LOG DOES NOT HOLD/, what);
    }
    relay.spoil = undefined;
    await ctl.run(['audit', 'verify']);
  });

  await it('tells when it was replaced by another one that is whole in itself', async () => {
    const other = new Secctl(gw);
    await other.login();
    // What was kept is of another history.
    const kept = JSON.parse(readFileSync(ctl.profile('audit.json'), 'utf8'));
    writeFileSync(ctl.profile('audit.json'), JSON.stringify({ ...kept, chain: 'a'.repeat(64) }));
    assert.match((await ctl.run(['audit', 'verify'], { expect: 4 })).stderr, /is not the one that was seen before/);
    writeFileSync(ctl.profile('audit.json'), JSON.stringify({ seq: kept.seq + 1000, chain: kept.chain }));
    assert.match((await ctl.run(['audit', 'verify'], { expect: 4 })).stderr, /is missing, and was seen before/);
    assert.match((await ctl.json(['audit', 'verify'], { expect: 4 })).fault, /seen before/);
    await ctl.run(['audit', 'verify', '--forget']);
    await ctl.run(['audit', 'verify']);
  });

  await it('is for admins', async () => {
    const code = (await ctl.run(['invite'])).stdout.trim();
    const ann = new Secctl(gw);
    await ann.signup('ann', 'password of ann', code);
    assert.match((await ann.run(['audit'], { expect: 2 })).stderr, /403 forbidden/);
    await ann.run(['audit', 'verify'], { expect: 2 });
  });
  await relay.stop();
});
