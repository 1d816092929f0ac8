// SPDX-License-Identifier: Apache-2.0
// Runs secctl, in pipes or in a terminal (util-linux script), with a home of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { buildDirectory, eventually, temporaryDirectory } from './gateway.mjs';
import { fingerprintOf } from './relay.mjs';

const LIMIT_MS = 60000;
export const program = join(buildDirectory, 'secctl');

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// What a terminal would show, without the sequences that move and colour.
export const plain = (text) => text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '').replaceAll('\r', '');

class Terminal {
  constructor(command, env, cwd) {
    this.output = '';
    this.child = spawn('script', ['-qefc', command.map(quote).join(' '), '/dev/null'], { env, cwd });
    this.child.stdout.setEncoding('utf8').on('data', (text) => (this.output += text));
    this.child.stdin.on('error', () => {});
    this.exited = once(this.child, 'exit').then(([status, signal]) => ({ status, signal }));
    this.timer = setTimeout(() => this.child.kill('SIGKILL'), LIMIT_MS);
  }

  // Waits until the pattern shows up behind what was expected before.
  async expect(pattern) {
    let gone = false;
    this.exited.then(() => setTimeout(() => (gone = true), 200));
    await eventually(() => {
      const at = this.output.slice(this.seen ?? 0).search(pattern);
      if (at < 0 && gone) throw new Error(`ended without ${pattern}:\n${this.output}`);
      if (at >= 0) this.seen = this.output.length;
      return at >= 0;
    }, `${pattern} in the terminal`);
  }

  type(text) {
    this.child.stdin.write(text);
  }

  // Waits for the end; gives the exit status.
  async end() {
    const { status, signal } = await this.exited;
    clearTimeout(this.timer);
    assert.equal(signal, null, this.output);
    return status;
  }
}

export class Secctl {
  // gateway: a Gateway or Relay; a Relay's authority is its CA.
  constructor(gateway) {
    this.gateway = gateway;
    this.home = join(temporaryDirectory(), 'secgate');
    this.cwd = temporaryDirectory();
    this.env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SECGATE_')));
    Object.assign(this.env, { SECCTL_HOME: this.home, USER: 'somebody', TERM: 'xterm', LC_ALL: 'C.UTF-8', TZ: 'UTC' });
  }

  get fingerprint() {
    return this.gateway.authority?.fingerprint ?? fingerprintOf(this.gateway.ca);
  }

  file(name, content) {
    const path = join(this.cwd, name);
    if (content !== undefined) writeFileSync(path, content);
    return path;
  }

  read(name) {
    return readFileSync(join(this.cwd, name));
  }

  has(name) {
    return existsSync(join(this.cwd, name));
  }

  profile(name, profile = 'default') {
    return join(this.home, profile, name);
  }

  mode(name, profile) {
    return statSync(this.profile(name, profile)).mode & 0o777;
  }

  session(change) {
    const path = this.profile('session.json');
    const session = JSON.parse(readFileSync(path, 'utf8'));
    if (change) writeFileSync(path, JSON.stringify({ ...session, ...change }));
    return session;
  }

  // Starts secctl with pipes; give input = undefined to close standard input at once.
  spawn(args, { env = {} } = {}) {
    const child = spawn(program, args, { cwd: this.cwd, env: { ...this.env, ...env } });
    const result = { child, out: [], stderr: '' };
    child.stdin.on('error', () => {});
    child.stdout.on('data', (chunk) => result.out.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (text) => (result.stderr += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    result.done = once(child, 'close').then(([status, signal]) => {
      clearTimeout(timer);
      const bytes = Buffer.concat(result.out);
      return { status, signal, bytes, stdout: bytes.toString('utf8'), stderr: result.stderr };
    });
    return result;
  }

  // Runs secctl to its end. expect: the exit status, 0 unless said otherwise.
  async run(args, { input, expect = 0, env } = {}) {
    const running = this.spawn(args, { env });
    running.child.stdin.end(input);
    const result = await running.done;
    if (expect !== null) {
      assert.equal(result.status, expect, `secctl ${args.join(' ')}\n${result.stdout.slice(0, 2000)}${result.stderr}`);
    }
    return result;
  }

  // The JSON document that a command prints.
  async json(args, options) {
    const result = await this.run([...args, '--json'], options);
    return JSON.parse(result.stdout);
  }

  terminal(args) {
    return new Terminal([program, ...args], this.env, this.cwd);
  }

  // The first admin of a new gateway.
  async signup(name = 'root-admin', password = 'the first password', code = this.gateway.setupCode()) {
    const args = ['signup', this.gateway.origin, '--code', code, '-u', name, '--fingerprint', this.fingerprint];
    await this.run([...args, '--password-file', '-', '-q'], { input: `${password}\n` });
  }

  async login(name = 'root-admin', password = 'the first password', { gateway = this.gateway, fingerprint } = {}) {
    const args = ['login', gateway.origin, '-u', name, '--fingerprint', fingerprint ?? this.fingerprint];
    await this.run([...args, '--password-file', '-', '-q'], { input: `${password}\n` });
  }
}
