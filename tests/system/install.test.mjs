// SPDX-License-Identifier: Apache-2.0
// make install into a DESTDIR gives a tree that runs from there.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory, eventually } from '../e2e/lib/gateway.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('an installed gateway starts and serves its page', { timeout: 120000 }, async () => {
  const directory = temporaryDirectory('secgate-install-');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SECGATE_|MAKE|MFLAGS)/.test(name)));
  execFileSync('make', ['-s', '-C', root, 'install', `DESTDIR=${directory}`, 'PREFIX=/opt/secgate'], { env });
  const prefix = join(directory, 'opt/secgate');
  for (const file of ['bin/secctl', 'sbin/secgated', 'sbin/secgated-keyring', 'share/secgate/openapi/openapi.yaml', 'share/man/man1/secctl.1'])
    assert.ok(existsSync(join(prefix, file)), file);
  const unit = readFileSync(join(prefix, 'lib/systemd/system/secgate.service'), 'utf8');
  assert.match(unit, /^ExecStart=\/opt\/secgate\/sbin\/secgated /m);

  const child = spawn(join(prefix, 'sbin/secgated'), ['--data', join(directory, 'data'), '--listen', '127.0.0.1:0'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((done) => child.on('exit', done));
  try {
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    const line = /^listening on (https:\S+)$/m;
    await eventually(
      () => {
        assert.equal(child.exitCode, null, 'it ended at once');
        return line.test(out);
      },
      'the line "listening on"',
      60000
    );
    const page = execFileSync('curl', ['-sS', '--cacert', join(directory, 'data/ca.pem'), `${line.exec(out)[1]}/`], { encoding: 'utf8' });
    assert.match(page, /<title>/);
    const version = execFileSync(join(prefix, 'bin/secctl'), ['version'], { encoding: 'utf8', env });
    assert.match(version, /secctl \d+\.\d+\.\d+/);
  } finally {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 30000);
    const status = await ended;
    clearTimeout(timer);
    assert.equal(status, 0);
  }
});
