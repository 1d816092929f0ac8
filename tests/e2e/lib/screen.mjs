// SPDX-License-Identifier: Apache-2.0
// A program on a real screen: a terminal of tmux, of which one sees what a person would see.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { eventually, temporaryDirectory } from './gateway.mjs';

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export class Screen {
  // command: an array, run with the environment `env` in `cwd`; the screen stays when it has ended.
  constructor(command, { env, cwd, columns = 80, rows = 24 }) {
    this.socket = join(temporaryDirectory(), 'tmux');
    // Everything goes through env(1): tmux would take some of it from a server or from its own settings.
    const line = ['env', '-i', ...Object.entries({ ...env, TERM: 'screen' }).map(([name, value]) => `${name}=${value}`), ...command]
      .map(quote)
      .join(' ');
    this.tmux('-f', '/dev/null', 'new-session', '-d', '-x', `${columns}`, '-y', `${rows}`, '-c', cwd, `trap : INT; ${line}; echo "[status $?]"; cat`);
  }

  tmux(...args) {
    return execFileSync('tmux', ['-S', this.socket, '-u', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  // The lines on the screen, without empty ones at the end; colours: with sequences for them.
  lines({ colours = false } = {}) {
    const text = this.tmux('capture-pane', '-p', ...(colours ? ['-e'] : []));
    return text.trimEnd().split('\n').map((line) => line.trimEnd());
  }

  // Waits for a line that matches.
  async expect(pattern) {
    let lines = [];
    await eventually(() => {
      lines = this.lines();
      return lines.some((line) => pattern.test(line));
    }, `${pattern}`).catch((error) => {
      throw new Error(`${error.message}; on the screen:\n${lines.join('\n')}`);
    });
  }

  // Waits until the last lines are exactly these.
  async expectEnd(...wanted) {
    let lines = [];
    await eventually(() => {
      lines = this.lines();
      return lines.slice(-wanted.length).join('\n') === wanted.join('\n');
    }, 'the end of the screen').catch(() => assert.deepEqual(lines.slice(-wanted.length), wanted, lines.join('\n')));
  }

  type(text) {
    this.tmux('send-keys', '-l', text);
  }

  // Keys by tmux's names: Enter, C-d, Left, ...
  keys(...names) {
    this.tmux('send-keys', ...names);
  }

  resize(columns, rows) {
    this.tmux('resize-window', '-x', `${columns}`, '-y', `${rows}`);
  }

  // Process id of the program of that name that runs on this screen.
  pid(name) {
    const all = execFileSync('ps', ['-e', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' }).trim().split('\n');
    const rows = all.map((line) => line.trim().split(/\s+/)).map(([pid, parent, comm]) => ({ pid: Number(pid), parent: Number(parent), comm }));
    const family = new Set([Number(this.tmux('display-message', '-p', '#{pane_pid}'))]);
    for (let before = 0; before !== family.size; ) {
      before = family.size;
      for (const row of rows) if (family.has(row.parent)) family.add(row.pid);
    }
    return rows.find((row) => family.has(row.pid) && row.comm === name)?.pid;
  }

  end() {
    try {
      this.tmux('kill-server');
    } catch {
      // It is gone already.
    }
  }
}
