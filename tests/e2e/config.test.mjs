// SPDX-License-Identifier: Apache-2.0
// Flags, variables and the configuration file: precedence, help, and errors that say where.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Gateway, secgated, temporaryDirectory } from './lib/gateway.mjs';

const directory = temporaryDirectory();
let count = 0;

function file(text) {
  const path = join(directory, `${(count += 1)}.ini`);
  writeFileSync(path, text);
  return path;
}

function run(args, env = {}) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SECGATE_')));
  const { status, stdout, stderr } = spawnSync(secgated, args, { encoding: 'utf8', env: { ...clean, ...env }, timeout: 30000 });
  return { status, text: stdout + stderr };
}

const check = (text) => {
  const path = file(text);
  return { path, ...run(['check-config', '--config', path]) };
};

test('config', async (t) => {
  await t.test('--help tells every key with its flag, variable and default', () => {
    const { status, text } = run(['--help']);
    assert.equal(status, 0);
    for (const word of ['--data', '--listen', '--name', '--config', '--log-format', 'SECGATE_', 'signup', 'file-bytes', 'connections', 'SIGHUP', 'SIGTERM']) {
      assert.ok(text.includes(word), word);
    }
    const flags = new Set([...text.matchAll(/--([a-z0-9-]+)/g)].map((m) => m[1]));
    const variables = new Set([...text.matchAll(/SECGATE_([A-Z0-9_]+)/g)].map((m) => m[1]));
    for (const variable of variables) assert.ok(flags.has(variable.toLowerCase().replaceAll('_', '-')), variable);
  });

  await t.test('the example shows every key with its default', () => {
    const example = fileURLToPath(new URL('../../packaging/secgate.ini', import.meta.url));
    const shown = new Map();
    let section = '';
    for (const line of readFileSync(example, 'utf8').split('\n')) {
      section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
      const [, key, value] = /^;([a-z0-9-]+) = (.*)$/.exec(line) ?? [];
      if (key) shown.set(`${section}.${key}`, value);
    }
    const size = (text) => text.replace(/^(\d+)([KMG])$/, (_, n, unit) => n * 1024 ** (1 + 'KMG'.indexOf(unit)));
    const known = [...run(['--help']).text.matchAll(/file: ([a-z]+\.[a-z0-9-]+), variable: \S+, default: ([^,\n]+)/g)];
    assert.deepEqual([...shown.keys()].sort(), known.map(([, name]) => name).sort());
    for (const [, name, value] of known) {
      if (value !== 'none') assert.equal(size(shown.get(name)), size(value), name);
    }
    const all = readFileSync(example, 'utf8').replace(/^;(?=[a-z0-9-]+ = )/gm, '');
    assert.deepEqual(check(all).status, 0, check(all).text);
  });

  await t.test('--version is one line', () => {
    const { status, text } = run(['--version']);
    assert.equal(status, 0);
    assert.match(text, /^secgate(d)? [0-9]+\.[0-9]+\.[0-9]+\S*\n$/);
  });

  await t.test('check-config takes a good file', () => {
    const good = '# comment\n; comment\n[accounts]\nsignup = open\n\n[limits]\nfile-bytes = 10M\nconnections = 100\n[cors]\norigins = https://a.example\n';
    assert.equal(check(good).status, 0);
    assert.equal(check('').status, 0);
  });

  await t.test('check-config names file, line and key of what is wrong', () => {
    const cases = [
      ['[accounts]\nsignup = sometimes\n', 2, 'signup'],
      ['\n\n[limits]\n\nconnections = many\n', 5, 'connections'],
      ['[limits]\nconnections = -1\n', 2, 'connections'],
      ['[limits]\nconnections = 99999999999999999999\n', 2, 'connections'],
      ['[limits]\nconnectoins = 5\n', 2, 'connectoins'],
      ['[nowhere]\nsignup = open\n', 2, 'signup'],
      ['[server]\nlisten = nonsense\n', 2, 'listen'],
      ['[cors]\norigins = nonsense\n', 2, 'origins'],
      ['[log]\nformat = xml\n', 2, 'format'],
    ];
    for (const [text, line, key] of cases) {
      const { path, status, text: said } = check(text);
      assert.notEqual(status, 0, text);
      assert.ok(said.includes(path), said);
      assert.match(said, new RegExp(`:${line}\\b`), said);
      assert.ok(said.includes(key), said);
    }
  });

  await t.test('a file that cannot be read is no empty file', () => {
    for (const path of [directory, join(directory, 'missing.ini')]) {
      const { status, text } = run(['check-config', '--config', path]);
      assert.notEqual(status, 0, path);
      assert.ok(text.includes(path) && text.includes('cannot be'), text);
    }
  });

  await t.test('every problem is told, not the first alone', () => {
    const { text } = check('[limits]\nconnections = x\nidle-seconds = y\n');
    assert.ok(text.includes('connections') && text.includes('idle-seconds'), text);
  });

  await t.test('bad flags, variables and files are told by name', () => {
    assert.match(run(['check-config', '--no-such-flag']).text, /no-such-flag/);
    assert.notEqual(run(['check-config', '--no-such-flag']).status, 0);
    const variable = run(['check-config'], { SECGATE_LIMITS_CONNECTIONS: 'x' });
    assert.notEqual(variable.status, 0);
    assert.match(variable.text, /SECGATE_LIMITS_CONNECTIONS/);
    const missing = run(['check-config', '--config', join(directory, 'missing.ini')]);
    assert.notEqual(missing.status, 0);
    assert.match(missing.text, /missing\.ini/);
  });

  await t.test('a bad configuration does not start', () => {
    const data = join(directory, 'never');
    const { status, text } = run(['--data', data, '--listen', '127.0.0.1:0', '--config', file('[accounts]\nsignup = x\n')]);
    assert.notEqual(status, 0);
    assert.match(text, /signup/);
  });

  await t.test('two gateways do not share a data directory', async () => {
    const gw = await Gateway.start();
    try {
      const { status, text } = run(['--data', gw.data, '--listen', '127.0.0.1:0']);
      assert.notEqual(status, 0);
      assert.ok(text.length > 0);
      await gw.client().get('/healthz', { expect: 200 });
    } finally {
      await gw.stop();
    }
  });

  await t.test('flags win over variables, variables over the file', async () => {
    const json = { username: 'ann', password: 'long enough a password' };
    const ask = async (options, expect) => {
      const gw = await Gateway.start({ config: { accounts: { signup: 'invite' } }, ...options });
      try {
        await gw.client().post('/v1/users', { json, expect });
      } finally {
        await gw.stop();
      }
    };
    await ask({}, [403, 'signup-closed']);
    await ask({ env: { SECGATE_ACCOUNTS_SIGNUP: 'open' } }, 201);
    await ask({ env: { SECGATE_ACCOUNTS_SIGNUP: 'open' }, args: ['--accounts-signup', 'closed'] }, [403, 'signup-closed']);
  });

  await t.test('listens on several addresses', async () => {
    const gw = await Gateway.start({ args: ['--listen', '127.0.0.2:0'] });
    try {
      const lines = [...gw.stdout.matchAll(/^listening on https:\/\/(\S+):([0-9]+)$/gm)];
      assert.deepEqual(lines.map((line) => line[1]).sort(), ['127.0.0.1', '127.0.0.2']);
    } finally {
      await gw.stop();
    }
  });
});
