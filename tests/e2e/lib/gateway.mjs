// SPDX-License-Identifier: Apache-2.0
// Starts, watches and stops one gateway on a data directory of its own. Ends only processes it started.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import assert from 'node:assert/strict';
import { Client } from './client.mjs';

const READY_MS = 60000;
const STOP_MS = 30000;
const KEPT_LOG = 4 << 20;

const root = fileURLToPath(new URL('../../..', import.meta.url));
export const buildDirectory = process.env.SECGATE_BUILD ? resolve(process.env.SECGATE_BUILD) : join(root, 'build');
export const secgated = join(buildDirectory, 'secgated');

const running = new Set();
const directories = new Set();

process.on('exit', () => {
  for (const child of running) {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
  for (const directory of directories) {
    try {
      rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    } catch {
      // Somebody still writes there.
    }
  }
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

// A directory that goes away with this process.
export function temporaryDirectory(prefix = 'secgate-e2e-') {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  directories.add(directory);
  return directory;
}

// Waits until check() gives something truthy; fails after a time far beyond what a healthy gateway needs.
export async function eventually(check, what = 'the condition', ms = 15000) {
  const end = performance.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (performance.now() > end) throw new Error(`${what} did not come true within ${ms} ms`);
    await sleep(15);
  }
}

// { section: { key: value } } as an INI file.
export function ini(config) {
  return Object.entries(config)
    .map(([section, keys]) => {
      const lines = Object.entries(keys).map(([key, value]) => `${key} = ${value}`);
      return [`[${section}]`, ...lines, ''].join('\n');
    })
    .join('\n');
}

export function childrenOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}

export function programOf(pid) {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  } catch {
    return '';
  }
}

export class Gateway {
  constructor({ config, args = [], env = {}, listen = '127.0.0.1:0', logFormat = 'json', data, stdin } = {}) {
    this.data = data ?? join(temporaryDirectory(), 'data');
    this.config = config;
    this.args = args;
    this.env = env;
    this.listen = listen;
    this.logFormat = logFormat;
    this.stdin = stdin; // text for standard input; undefined: /dev/null
    this.log = '';
    this.clients = new Set();
  }

  static async start(options) {
    const gateway = new Gateway(options);
    await gateway.start();
    return gateway;
  }

  commandLine() {
    const line = ['--data', this.data, '--listen', this.listen, '--log-format', this.logFormat, ...this.args];
    if (this.config) {
      this.configFile ??= join(temporaryDirectory(), 'secgate.ini');
      writeFileSync(this.configFile, ini(this.config));
      line.push('--config', this.configFile);
    }
    return line;
  }

  async start() {
    assert.ok(existsSync(secgated), `${secgated} is missing: build it first`);
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SECGATE_')));
    this.child = spawn(secgated, this.commandLine(), {
      stdio: [this.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...env, ...this.env },
    });
    const child = this.child;
    running.add(child);
    if (this.stdin !== undefined) child.stdin.on('error', () => {}).end(this.stdin);
    this.stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (this.log = (this.log + text).slice(-KEPT_LOG)));
    this.exited = new Promise((done) => {
      child.on('error', (error) => done({ error }));
      child.on('exit', (status, signal) => {
        running.delete(child);
        done({ status, signal });
      });
    });
    let gone = null;
    this.exited.then((how) => (gone = how));
    const line = /^listening on https:\/\/(\S+):([0-9]+)$/m;
    await eventually(
      () => {
        if (gone) throw new Error(`the gateway ended at start: ${JSON.stringify(gone)}\n${this.log.slice(-4000)}`);
        return line.test(this.stdout);
      },
      'the line "listening on"',
      READY_MS
    ).catch((error) => {
      this.kill();
      throw error;
    });
    const found = line.exec(this.stdout);
    this.host = found[1];
    this.port = Number(found[2]);
    this.origin = `https://${this.host}:${this.port}`;
    this.ca = readFileSync(join(this.data, 'ca.pem'), 'utf8');
  }

  get pid() {
    return this.child.pid;
  }

  setupCode() {
    return readFileSync(join(this.data, 'setup-code'), 'utf8').trim();
  }

  // Process ids of the roles, as they are now.
  roles() {
    const found = { worker: undefined, keyring: undefined };
    for (const pid of childrenOf(this.pid)) {
      const program = programOf(pid);
      if (program === 'secgated-keyring') found.keyring = pid;
      else if (program === 'secgated') found.worker = pid;
    }
    return found;
  }

  logLines() {
    return this.log
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        try {
          return JSON.parse(line);
        } catch {
          return { message: line };
        }
      });
  }

  client(options = {}) {
    const client = new Client(this, options);
    this.clients.add(client);
    return client;
  }

  // The first admin, logged in.
  async admin(username = 'root-admin', password = 'the first password') {
    const anonymous = this.client();
    await anonymous.post('/v1/users', { json: { username, password, code: this.setupCode() }, expect: 201 });
    return this.login(username, password);
  }

  // A new user by invitation, logged in.
  async user(admin, username, { role = 'member', password = `password of ${username}` } = {}) {
    const invite = await admin.post('/v1/invites', { json: { role }, expect: 201 });
    const json = { username, password, code: invite.json.code };
    await this.client().post('/v1/users', { json, expect: 201 });
    return this.login(username, password);
  }

  async login(username, password, options = {}) {
    const client = this.client(options);
    const answer = await client.post('/v1/sessions', { json: { username, password }, expect: 201 });
    client.username = username;
    client.password = password;
    client.session = answer.json;
    client.token = answer.json.token;
    return client;
  }

  async closeClients() {
    const clients = [...this.clients];
    this.clients.clear();
    await Promise.all(clients.map((client) => client.destroy()));
  }

  kill() {
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }

  // Asks for a graceful end and insists on exit status 0.
  async stop() {
    if (!running.has(this.child)) {
      const how = await this.exited;
      throw new Error(`the gateway had ended before: ${JSON.stringify(how)}\n${this.log.slice(-4000)}`);
    }
    await this.closeClients();
    this.child.kill('SIGTERM');
    await this.ended();
  }

  // Waits for the end after a SIGTERM and insists on exit status 0 and on no role left behind.
  async ended() {
    const timer = setTimeout(() => this.kill(), STOP_MS);
    const how = await this.exited;
    clearTimeout(timer);
    assert.deepEqual(how, { status: 0, signal: null }, `end of the gateway\n${this.log.slice(-4000)}`);
    const report = /(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error)/.exec(this.log);
    assert.equal(report, null, report && this.log.slice(report.index - 200, report.index + 6000));
  }

  // Ends and starts again on the same data directory and port.
  async restart() {
    await this.stop();
    this.listen = `${this.host}:${this.port}`;
    await this.start();
  }

  entries(directory = '') {
    return readdirSync(join(this.data, directory));
  }
}
