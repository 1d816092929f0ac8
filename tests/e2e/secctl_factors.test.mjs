// SPDX-License-Identifier: Apache-2.0
// One-time codes from the command line, with oathtool as the authenticator.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from './lib/suite.mjs';
import { eventually } from './lib/gateway.mjs';
import { plain, Secctl } from './lib/secctl.mjs';

const password = 'the first password';
// The code of the step `later` steps from now; each works once, and one step ahead is taken.
const codeOf = (secret, later = 0) =>
  execFileSync('oathtool', ['--totp', '--base32', '-N', `@${Math.floor(Date.now() / 1000) + 30 * later}`, secret], { encoding: 'utf8' }).trim();
// Long enough before the end of a step that a code made now is still of this step when it arrives.
async function earlyInStep() {
  const left = 30000 - (Date.now() % 30000);
  if (left < 8000) await sleep(left + 100);
}

suite('secctl_factors', { limit: 170000 }, async ({ gw, it }) => {
  const ctl = new Secctl(gw);
  await ctl.signup();
  let secret;
  let recovery = [];

  await it('is off at first', async () => {
    assert.equal((await ctl.run(['totp'])).stdout, 'No codes are asked for.\n');
    assert.equal((await ctl.json(['totp', 'status'])).enabled, false);
    await ctl.run(['totp', 'frob'], { expect: 1 });
    await ctl.run(['totp', 'enable', 'x'], { expect: 1 });
  });

  await it('is enabled on a terminal, with a QR code', async () => {
    await earlyInStep();
    const terminal = ctl.terminal(['totp', 'enable']);
    await terminal.expect(/Password:/);
    terminal.type(`${password}\r`);
    await terminal.expect(/The code that it shows:/);
    const shown = plain(terminal.output);
    secret = /secret {2}([A-Z2-7]+)/.exec(shown)[1];
    assert.match(shown, /uri {5}otpauth:\/\/totp\/\S*secret=[A-Z2-7]+/);
    const lines = shown.split('\n').filter((line) => /^[\u2580\u2584\u2588 ]{29,}$/.test(line));
    // Half blocks: half as many lines as columns, and the quiet zone around.
    assert.ok(lines.length >= 15 && Math.abs(lines[0].length - 2 * lines.length) <= 1, `${lines.length} lines`);
    assert.match(lines[0], /^\u2588+$/);
    terminal.type('000000\r');
    await terminal.expect(/second-factor-invalid[^]*The code that it shows:/);
    terminal.type(`${codeOf(secret)}\r`);
    assert.equal(await terminal.end(), 0, terminal.output);
    const [, after] = plain(terminal.output).split('authenticator:\n');
    recovery = after.trim().split('\n');
    assert.equal(recovery.length, 10);
    assert.ok(!terminal.output.includes(password));
    assert.match((await ctl.run(['totp'])).stdout, /^Codes are asked for since .*; 10 recovery codes are left\.\n$/);
  });

  await it('login asks for the code', async () => {
    const other = new Secctl(gw);
    const args = ['login', gw.origin, '-u', 'root-admin', '--fingerprint', other.fingerprint];
    const refused = await other.run([...args, '--password-file', '-'], { input: `${password}\n`, expect: 2 });
    assert.match(refused.stderr, /second-factor-required[^]*next: .*--code-file FILE/);
    const wrong = await other.run([...args, '--password-file', '-', '--code-file', '-'], { input: `${password}\n000000\n`, expect: 2 });
    assert.match(wrong.stderr, /second-factor-invalid[^]*next: each code works once/);
    await other.run([...args, '--password-file', '-', '--code-file', other.file('code', `${recovery[0]}\n`)], { input: `${password}\n` });
    await other.run(['whoami']);
    assert.equal((await other.json(['totp'])).recovery_codes, 9);
    const again = await other.run([...args, '--password-file', '-', '--code-file', 'code'], { input: `${password}\n`, expect: 2 });
    assert.match(again.stderr, /second-factor-invalid/);
  });

  await it('login asks on a terminal, and again after a slip', async () => {
    await sleep(30000 - (Date.now() % 30000) + 100);
    const terminal = ctl.terminal(['login']);
    await terminal.expect(/Password:/);
    terminal.type(`${password}\r`);
    await terminal.expect(/Code \(or recovery code\):/);
    terminal.type('111111\r');
    await terminal.expect(/not valid[^]*Code \(or recovery code\):/);
    const code = codeOf(secret);
    terminal.type(`${code.slice(0, 3)} ${code.slice(3)}\r`);
    await terminal.expect(/Logged in to/);
    assert.equal(await terminal.end(), 0);
  });

  await it('a sealed channel is opened with a code, too', async () => {
    const opened = await ctl.run(['session', 'open', '--password-file', '-', '--code-file', '-'], { input: `${password}\n${recovery[1]}\n` });
    assert.match(opened.stdout, /sealed channel is open/);
    await ctl.run(['session', 'close']);
  });

  await it('makes new recovery codes, and the old ones are void', async () => {
    const wrong = await ctl.run(['totp', 'recovery', '--password-file', '-', '--code-file', '-'], { input: `not it\n${recovery[2]}\n`, expect: 2 });
    assert.match(wrong.stderr, /credentials-invalid/);
    const { stdout } = await ctl.run(['totp', 'recovery', '--password-file', '-', '--code-file', '-'], { input: `${password}\n${recovery[2]}\n` });
    const fresh = stdout.trim().split('\n');
    assert.equal(new Set([...fresh, ...recovery]).size, 20);
    await ctl.run(['totp', 'disable', '--password-file', '-', '--code-file', '-'], { input: `${password}\n${recovery[3]}\n`, expect: 2 });
    recovery = fresh;
  });

  await it('is disabled with password and code only', async () => {
    await ctl.run(['totp', 'disable', '--password-file', '-'], { input: `${password}\n`, expect: 1 });
    assert.deepEqual(await ctl.json(['totp', 'disable', '--password-file', '-', '--code-file', '-'], { input: `${password}\n${recovery[0]}\n` }), { enabled: false });
    await ctl.login();
    assert.equal((await ctl.json(['totp'])).enabled, false);
  });

  await it('works from a script', async () => {
    const enabling = ctl.spawn(['totp', 'enable', '--password-file', '-', '--code-file', '-', '--json']);
    enabling.child.stdin.write(`${password}\n`);
    await eventually(() => Buffer.concat(enabling.out).toString().includes('\n'), 'the secret');
    const made = JSON.parse(Buffer.concat(enabling.out).toString());
    assert.ok(made.qr.every((row) => /^[01]+$/.test(row) && row.length === made.qr.length));
    enabling.child.stdin.end(`${codeOf(made.secret)}\n`);
    const { status, stdout, stderr } = await enabling.done;
    assert.equal(status, 0, stderr);
    assert.equal(JSON.parse(stdout.split('\n')[1]).recovery_codes.length, 10);
    assert.ok(!gw.log.includes(made.secret));
  });

  await it('an admin takes the second factor away', async () => {
    const code = (await ctl.run(['invite'])).stdout.trim();
    const ann = new Secctl(gw);
    await ann.signup('ann', 'password of ann', code);
    const enabling = ann.spawn(['totp', 'enable', '--password-file', '-', '--code-file', '-', '--json']);
    enabling.child.stdin.write('password of ann\n');
    await eventually(() => Buffer.concat(enabling.out).toString().includes('\n'), 'the secret');
    enabling.child.stdin.end(`${codeOf(JSON.parse(Buffer.concat(enabling.out).toString()).secret)}\n`);
    assert.equal((await enabling.done).status, 0);
    assert.match((await ctl.run(['users', 'reset', 'ann'])).stdout, /^ann is member, active\n$/);
    await ann.login('ann', 'password of ann');
    assert.equal((await ann.json(['totp'])).enabled, false);
  });

  await it('lists passkeys', async () => {
    assert.deepEqual(await ctl.json(['passkeys']), { passkeys: [] });
    assert.match((await ctl.run(['passkeys', 'list'])).stdout, /^PASSKEY +CREATED/);
    await ctl.run(['passkeys', 'rm', '00'.repeat(8)], { expect: 2 });
    await ctl.run(['passkeys', 'rm'], { expect: 1 });
  });
});
