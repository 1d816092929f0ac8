// SPDX-License-Identifier: Apache-2.0
// Talking with secctl: on terminals, in pipes, over failures of the gateway and of the network.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from './lib/suite.mjs';
import { eventually, secgated } from './lib/gateway.mjs';
import { Relay } from './lib/relay.mjs';
import { Screen } from './lib/screen.mjs';
import { plain, program, Secctl } from './lib/secctl.mjs';

const texts = (output) => [...output.matchAll(/^\[[^\]]+\] [0-9]+ \S+: (.*)$/gm)].map((found) => found[1]);
const numbers = (output) => [...output.matchAll(/^\[[^\]]+\] ([0-9]+) \S+: /gm)].map((found) => Number(found[1]));

suite('secctl_chat', { limit: 170000 }, async ({ gw, it }) => {
  const ann = new Secctl(gw);
  await ann.signup('ann');
  const admin = await gw.login('ann', 'the first password');
  const bobs = await gw.user(admin, 'bob');
  const bob = new Secctl(gw);
  await bob.login('bob', 'password of bob');
  const say = (ctl, text, space = 'common') => ctl.run(['say', space, text]);
  const present = (name, space = 'common') =>
    eventually(async () => (await ann.json(['who', space])).present.some((p) => p.username === name), `${name} in ${space}`);
  const screen = (ctl, args, size = {}) => new Screen([program, ...args], { env: { ...ctl.env, PATH: process.env.PATH }, cwd: ctl.cwd, ...size });
  const output = (running) => Buffer.concat(running.out).toString('utf8');

  await it('two people talk on their terminals', async () => {
    await say(ann, 'before anybody came');
    const a = ann.terminal(['chat', 'common']);
    await a.expect(/before anybody came/);
    await present('ann');
    const b = bob.terminal(['chat', 'common']);
    await a.expect(/-- .*bob.* joined/);
    await b.expect(/before anybody came/);
    b.type('hello ann\r');
    await a.expect(/bob.*: hello ann/);
    await b.expect(/bob.*: hello ann/);
    const number = Number(/\] ([0-9]+) bob: hello ann/.exec(plain(a.output))[1]);
    a.type(`/reply ${number} hello bob\r`);
    await b.expect(new RegExp(`ann.* \\(to ${number}\\): hello bob`));
    a.type('/who\r');
    await a.expect(/here: ann, bob/);
    a.type('/help\r');
    await a.expect(/\/reply N TEXT/);
    b.type(`/edit ${number} hello, ann\r`);
    await a.expect(new RegExp(`bob.* changed ${number}: hello, ann`));
    b.type(`/del ${number}\r`);
    await a.expect(new RegExp(`bob.* deleted ${number}`));
    a.type(`/del 999999\r`);
    await a.expect(/\* .*Not found/);
    a.type('/frob\r');
    await a.expect(/no command/);
    a.type('//tmp is a directory\r');
    await b.expect(/: \/tmp is a directory/);
    b.type('/quit\r');
    assert.equal(await b.end(), 0, b.output);
    await a.expect(/-- .*bob.* left/);
    a.type('\x04');
    assert.equal(await a.end(), 0, a.output);
    assert.match(a.output, /\x1b\[[0-9;]*mbob\x1b\[/, 'names are coloured');
  });

  await it('keeps the lines typed for the next time, for the user alone', async () => {
    assert.equal(ann.mode('history'), 0o600);
    assert.match(readFileSync(ann.profile('history'), 'utf8'), /^\/who\n\/help\n/m);
    const a = screen(ann, ['chat', '-n', '0', 'common']);
    try {
      await a.expect(/^common>/);
      a.keys('Up');
      await a.expectEnd('common> //tmp is a directory');
      a.keys('Up', 'C-a', 'C-k');
      await a.expectEnd('common>');
      a.keys('C-r');
      a.type('repl');
      await a.expect(/\/reply [0-9]+ hello bob/);
      a.keys('C-c');
      await a.expect(/\[status 130\]/);
    } finally {
      a.end();
    }
  });

  await it('messages appear above what is being typed', async () => {
    const a = screen(ann, ['chat', '-n', '1', 'common'], { columns: 40, rows: 12 });
    const at = (number, rest) => new RegExp(`^\\[[0-9:]{5}\\] ${number} ${rest}$`);
    try {
      await a.expect(/^common>/);
      a.type('half a sentence');
      await a.expectEnd('common> half a sentence');
      await say(bob, 'one');
      await a.expect(at('[0-9]+', 'bob: one'));
      await a.expectEnd('common> half a sentence');
      a.type(' that does not fit on one line any more');
      await a.expectEnd('common> half a sentence that does not fi', 't on one line any more');
      await say(bob, 'two');
      await a.expect(at('[0-9]+', 'bob: two'));
      await a.expectEnd('common> half a sentence that does not fi', 't on one line any more');
      // The cursor is in the first of the two lines.
      a.keys('Home');
      await say(bob, 'three\nfour');
      await a.expect(at('[0-9]+', 'bob: three'));
      a.type('Not ');
      await a.expectEnd('    four', 'common> Not half a sentence that does no', 't fit on one line any more');
      assert.equal(a.lines().filter((line) => line.startsWith('common>')).length, 1, 'one prompt');
      a.keys('Enter');
      await a.expect(at('[0-9]+', 'ann: Not half a sentence( that)?'));
      await a.expect(/^ {4}(that )?does not fit on one line any/);
      await a.expectEnd('common>');
      a.resize(60, 12);
      a.type('grüße 日本');
      await say(bob, 'a\x1b[31mb\x07\u202ec\u009b2J');
      await a.expect(/bob: a\\x1b\[31mb\\x07\\u\{202e\}c\\xc2\\x9b2J$/);
      await a.expectEnd('common> grüße 日本');
      a.keys('BSpace', 'Enter');
      await a.expectEnd('common>');
      assert.deepEqual(texts((await ann.run(['tail', '-n', '1', 'common'])).stdout), ['grüße 日']);
      // What is pasted, several lines at once.
      a.type('pasted 1\npasted 2\npasted 3\nrest');
      await a.expect(at('[0-9]+', 'ann: pasted 3'));
      await a.expectEnd('common> rest');
      assert.deepEqual(texts((await ann.run(['tail', '-n', '3', 'common'])).stdout), ['pasted 1', 'pasted 2', 'pasted 3']);
      a.keys('C-u', 'C-d');
      await a.expect(/\[status 0\]/);
    } finally {
      a.end();
    }
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    await it(`leaves the terminal as it was after ${signal}`, async () => {
      const a = new Screen(['bash', '--norc', '-i'], { env: { ...ann.env, PATH: process.env.PATH, PS1: '% ' }, cwd: ann.cwd });
      const command = (line) => {
        a.type(line);
        a.keys('Enter');
      };
      try {
        command('stty -a > before; clear');
        await eventually(() => ann.has('before'), 'settings of the terminal');
        command(`"${program}" chat -n 0 common`);
        await a.expectEnd('common>');
        a.type('unfinished');
        await a.expectEnd('common> unfinished');
        a.keys('C-z');
        await a.expect(/Stopped/);
        command('fg');
        await a.expectEnd('common> unfinished');
        process.kill(a.pid('secctl'), signal);
        await a.expectEnd('%');
        command(`stty -a > after; echo "over" $?`);
        await a.expect(/^over 0$/);
        assert.equal(ann.read('after').toString(), ann.read('before').toString());
      } finally {
        a.end();
      }
    });
  }

  await it('has no colours without a terminal and with NO_COLOR', async () => {
    await say(bob, 'plain');
    assert.ok(!(await ann.run(['tail', 'common'])).stdout.includes('\x1b'));
    for (const [env, coloured] of [[{}, true], [{ NO_COLOR: '1' }, false], [{ TERM: 'dumb' }, false]]) {
      Object.assign(ann.env, { NO_COLOR: '', TERM: 'xterm' }, env);
      const terminal = ann.terminal(['tail', 'common']);
      assert.equal(await terminal.end(), 0);
      assert.equal(/\x1b\[[0-9]+mbob/.test(terminal.output), coloured, JSON.stringify(env));
    }
    delete ann.env.NO_COLOR;
    ann.env.TERM = 'xterm';
  });

  await it('in a pipe each line is said, in order, and it ends when all are acknowledged', async () => {
    const lines = Array.from({ length: 300 }, (_, i) => `line ${i}`);
    const result = await ann.run(['chat', 'common'], { input: lines.join('\n') });
    assert.deepEqual(texts(result.stdout), lines);
    assert.equal(result.stderr, '');
    assert.deepEqual(texts((await bob.run(['tail', '-n', '300', 'common'])).stdout), lines);
    const asJson = await ann.run(['chat', '--json', '-n', '1', 'common'], { input: 'a\n\n\tb\r\n' });
    const events = asJson.stdout.trim().split('\n').map((line) => JSON.parse(line)).filter((e) => e.type === 'message');
    assert.deepEqual(events.map((e) => e.text), ['line 299', 'a', '\tb']);
    const long = await ann.run(['chat', 'common'], { input: `${'x'.repeat(40000)}\nshort\n`, expect: 1 });
    assert.deepEqual(texts(long.stdout), ['short']);
    assert.match(long.stderr, /more than 16384 bytes/);
    await ann.run(['chat', 'common'], { input: '' });
    const refused = await ann.run(['chat', 'nowhere'], { input: 'x\n', expect: 2 });
    assert.match(refused.stderr, /nowhere: Not found/);
  });

  await it('a line that is refused is told, and the others are said', async () => {
    await ann.run(['spaces', 'create', 'quiet']);
    await ann.run(['members', 'add', 'quiet', 'bob', '--role', 'reader']);
    const result = await bob.run(['chat', 'quiet'], { input: 'one\ntwo\n', expect: 2 });
    assert.equal(result.stderr.match(/quiet: Not allowed/g).length, 2);
  });

  // Posts `count` lines through `client`, one at a time, under keys of their own until they are acknowledged.
  async function post(client, name, count, space = 'common') {
    const acknowledged = [];
    for (let i = 0; i < count; i++) {
      const text = `${name} ${i}`;
      await eventually(async () => {
        const headers = { 'Idempotency-Key': `${name}-${i}` };
        const answer = await client.post(`/v1/chat/${space}/messages`, { json: { text }, headers }).catch(() => null);
        if (answer?.status !== 201) return false;
        acknowledged.push(answer.json.seq);
        return true;
      }, text);
    }
    return acknowledged;
  }

  await it('a worker that is killed costs no line and doubles none', async () => {
    await ann.run(['spaces', 'create', 'hard']);
    await ann.run(['members', 'add', 'hard', 'bob']);
    const tail = bob.spawn(['tail', '-f', '-n', '0', '--json', 'hard']);
    const watch = ann.spawn(['watch', '--space', 'hard', '--types', 'message']);
    const listener = screen(ann, ['chat', 'hard'], { columns: 60, rows: 200 });
    const talker = ann.spawn(['chat', 'hard']);
    try {
      await present('bob', 'hard');
      await present('ann', 'hard');
      await listener.expect(/^hard>/);
      listener.type('not sent yet');
      let over = false;
      const killer = (async () => {
        for (let i = 0; i < 4 && !over; i++) {
          await sleep(700);
          const { worker } = gw.roles();
          if (worker) process.kill(worker, 'SIGKILL');
          await eventually(() => gw.roles().worker && gw.roles().worker !== worker, 'a new worker');
        }
      })();
      const piped = (async () => {
        for (let i = 0; i < 60; i++) {
          talker.child.stdin.write(`pipe ${i}\n`);
          await sleep(50);
        }
      })();
      await Promise.all([post(bobs, 'api', 40, 'hard'), piped, killer]);
      over = true;
      const everything = () => ann.run(['tail', '-n', '1000', '--json', 'hard']).then(({ stdout }) => stdout.trim().split('\n'));
      await eventually(async () => (await everything()).length >= 100, 'all lines');
      const all = (await everything()).map((line) => JSON.parse(line));
      const wanted = all.map((event) => event.seq);
      assert.equal(all.length, 100);
      for (const name of ['api', 'pipe']) {
        const own = all.map((event) => event.text).filter((text) => text.startsWith(name));
        assert.deepEqual(own, own.map((_, i) => `${name} ${i}`), 'each once, in order');
      }
      for (const running of [tail, watch]) {
        await eventually(() => output(running).trim().split('\n').length >= 100, 'all lines');
        await sleep(200);
        const seen = output(running).trim().split('\n').map((line) => JSON.parse(line));
        assert.deepEqual(seen.map((event) => event.seq), wanted);
      }
      // At the end of its input it would wait for its own lines only.
      await eventually(() => numbers(output(talker)).length >= 100, 'all lines');
      talker.child.stdin.end();
      const talked = await talker.done;
      assert.equal(talked.status, 0, talked.stderr);
      assert.deepEqual(numbers(talked.stdout), wanted);
      await listener.expectEnd('hard> not sent yet');
      assert.deepEqual(numbers(listener.lines().join('\n')), wanted);
      await ann.run(['chat', 'verify', 'hard']);
    } finally {
      listener.end();
      for (const running of [tail, watch, talker]) running.child.kill('SIGTERM');
    }
    for (const running of [tail, watch]) assert.equal((await running.done).signal, 'SIGTERM');
  });

  await it('a network that goes away and comes back costs nothing', async () => {
    let relay = await Relay.start({ gateway: gw });
    const { port, authority } = relay;
    const far = new Secctl(relay);
    await far.login('bob', 'password of bob');
    await far.run(['say', 'common', 'start']);
    const tail = far.spawn(['tail', '-f', '-n', '1', 'common']);
    const chat = far.spawn(['chat', 'common']);
    await eventually(() => output(tail).includes('start'), 'the first line');
    // Of both: one that has not begun yet ends when it cannot.
    await eventually(() => relay.requests.filter(({ path }) => path.includes('wait=')).length >= 2, 'the polls');
    await relay.stop();
    await say(ann, 'while away');
    chat.child.stdin.write('said while away\n');
    await eventually(() => /no connection, trying again/.test(tail.stderr) && /no connection/.test(chat.stderr), 'a word about it');
    await sleep(500);
    relay = await Relay.start({ gateway: gw, port, authority });
    await eventually(() => output(tail).includes('said while away'), 'what was said', 40000);
    await eventually(() => output(chat).includes('said while away'), 'what was said', 40000);
    await say(ann, 'after');
    await eventually(() => output(tail).includes(': after'), 'what came after');
    assert.deepEqual(texts(output(tail)), ['start', 'while away', 'said while away', 'after']);
    assert.match(tail.stderr, /connected again/);
    chat.child.stdin.end('last');
    assert.equal((await chat.done).status, 0);
    assert.deepEqual(texts(output(chat)), ['while away', 'said while away', 'after', 'last']);
    tail.child.kill('SIGINT');
    assert.equal((await tail.done).signal, 'SIGINT');
    await relay.stop();
  });

  // A relay for bob that answers the next poll by itself when `next` is set, every one while `away`, and cuts the next answer with `cut`.
  async function meddling() {
    const state = { next: null, cut: false, away: false };
    const relay = await Relay.start({
      gateway: gw,
      answer: (request, response) => {
        if (!request.url.startsWith('/v1/events?') || !(state.next || state.away)) return false;
        const [status, problem] = state.next ?? [503, { code: 'unavailable' }];
        state.next = null;
        response.writeHead(status, { 'Content-Type': 'application/problem+json' });
        response.end(JSON.stringify({ type: `urn:secgate:error:${problem.code}`, title: 'Refused', status, detail: '', ...problem }));
        return true;
      },
      spoil: (what) => {
        if (state.cut && what.request.url.startsWith('/v1/events?') && JSON.parse(what.body).events.length > 0) {
          state.cut = false;
          what.cutAt = what.body.length - 5;
        }
      },
    });
    const ctl = new Secctl(relay);
    await ctl.login('bob', 'password of bob');
    return { relay, ctl, state };
  }
  // Before it there are requests for where to begin: what is said meanwhile is before the beginning.
  const listening = (relay) => eventually(() => relay.active > 0 && relay.requests.some(({ path }) => /wait=[1-9]/.test(path)), 'a poll that waits');

  await it('an answer that is cut off is asked for again', async () => {
    const { relay, ctl, state } = await meddling();
    const tail = ctl.spawn(['tail', '-f', '-n', '0', 'common']);
    await listening(relay);
    state.cut = true;
    await say(ann, 'cut');
    await eventually(() => output(tail).includes('cut'), 'the message');
    await say(ann, 'whole');
    await eventually(() => output(tail).includes('whole'), 'the message');
    assert.equal(state.cut, false);
    assert.deepEqual(texts(output(tail)), ['cut', 'whole']);
    tail.child.kill('SIGTERM');
    await tail.done;
    await relay.stop();
  });

  await it('what was said comes back before a pipe ends, however long events could not be had', async () => {
    const { relay, ctl, state } = await meddling();
    state.away = true;
    const chat = ctl.run(['chat', 'common'], { input: 'the last line\n' });
    await sleep(8000);
    state.away = false;
    assert.deepEqual(texts((await chat).stdout), ['the last line']);
    await relay.stop();
  });

  await it('a token that has expired is renewed while listening', async () => {
    const { relay, ctl, state } = await meddling();
    const tail = ctl.spawn(['tail', '-f', '-n', '0', 'common']);
    await listening(relay);
    const before = ctl.session().token;
    state.next = [401, { code: 'token-expired' }];
    await say(ann, 'one');
    await eventually(() => output(tail).includes('one') && ctl.session().token !== before, 'a new token');
    await say(ann, 'two');
    await eventually(() => output(tail).includes('two'), 'the message');
    assert.deepEqual(texts(output(tail)), ['one', 'two']);
    assert.equal(tail.stderr, '');
    tail.child.kill('SIGTERM');
    await tail.done;
    await relay.stop();
  });

  await it('a cursor that is of no use is told in words, and it goes on from the newest', async () => {
    const words = { 'cursor-pruned': /removed/, 'cursor-unknown-epoch': /replaced/, 'cursor-future': /lost events/, 'cursor-invalid': /missing/ };
    const { relay, ctl, state } = await meddling();
    for (const [code, said] of Object.entries(words)) {
      for (const args of [['watch'], ['tail', '-f', '-n', '0', 'common'], ['chat', 'common']]) {
        relay.requests.length = 0;
        const polls = () => relay.requests.filter((request) => request.path.includes('wait=')).length;
        const running = ctl.spawn(args);
        await eventually(() => polls() > 0, 'a poll that waits');
        state.next = [/future|invalid/.test(code) ? 400 : 410, { code, oldest: 'x.1', newest: 'x.2' }];
        const before = polls();
        await say(ann, 'wakes it');
        await eventually(() => said.test(running.stderr) && polls() > before + 1, `words about ${code}: ${running.stderr}`);
        await say(ann, 'goes on');
        await eventually(() => output(running).includes('goes on'), 'the next message');
        if (args[0] === 'watch') {
          const lines = output(running).trim().split('\n').map((line) => JSON.parse(line)).filter((e) => !/^presence/.test(e.type));
          assert.deepEqual(lines.map((e) => e.type), ['message', 'gap', 'message']);
          assert.equal(lines[1].reason, code);
          assert.equal(lines[1].from.split('.')[1], `${lines[0].seq}`);
          assert.ok(lines[1].to);
        } else {
          assert.deepEqual(texts(output(running)), ['wakes it', 'goes on']);
        }
        running.child.kill('SIGTERM');
        await running.done;
      }
    }
    await relay.stop();
  });

  await it('watch goes on after an event, and shows what is asked for', async () => {
    const first = (await ann.json(['say', 'common', 'mark'])).id;
    await ann.run(['put', '-q', '-', 'common/watched.txt'], { input: 'x' });
    await ann.run(['mv', 'common/watched.txt', 'common/moved.txt']);
    await say(ann, 'private', '~');
    const collect = async (args, count) => {
      const running = ann.spawn(['watch', '--after', first, ...args]);
      await eventually(() => output(running).split('\n').length > count, `${count} lines`);
      running.child.kill('SIGTERM');
      await running.done;
      return output(running).trim().split('\n').map((line) => JSON.parse(line)).filter((e) => e.seq).map((e) => `${e.space} ${e.type}`);
    };
    assert.deepEqual(await collect([], 3), ['common file.stored', 'common file.moved', '~ann message']);
    assert.deepEqual(await collect(['--space', 'common'], 2), ['common file.stored', 'common file.moved']);
    assert.deepEqual(await collect(['--types', 'message'], 1), ['~ann message']);
    const refused = await ann.run(['watch', '--types', 'frob'], { expect: 2 });
    assert.match(refused.stderr, /parameter-invalid/);
    await ann.run(['watch', '--space', 'nowhere'], { expect: 2 });
  });

  await it('it ends with the reason when the right to listen does', async () => {
    await ann.run(['spaces', 'create', 'club']);
    await ann.run(['members', 'add', 'club', 'bob']);
    const tail = bob.spawn(['tail', '-f', 'club']);
    const chat = bob.terminal(['chat', 'club']);
    await chat.expect(/club> /);
    await present('bob', 'club');
    await ann.run(['members', 'rm', 'club', 'bob']);
    assert.equal((await tail.done).status, 2);
    assert.match(tail.stderr, /club: Not found/);
    assert.equal(await chat.end(), 2);
    assert.match(chat.output, /secctl: club: Not found/);
    const other = new Secctl(gw);
    await other.login('bob', 'password of bob');
    const watch = other.spawn(['watch']);
    await present('bob');
    await bob.run(['sessions', 'end', '--others']);
    assert.equal((await watch.done).status, 2);
    assert.match(watch.stderr, /the session has ended\n {2}next: run: secctl login/);
  });

  await it('a log that is another one after a backup is told, and its older messages are found', async () => {
    await ann.run(['spaces', 'create', 'old']);
    await ann.run(['chat', 'old'], { input: Array.from({ length: 600 }, (_, i) => `old ${i}`).join('\n') });
    const watch = ann.spawn(['watch', '--space', 'old']);
    const tail = ann.spawn(['tail', '-f', '-n', '0', 'old']);
    const chat = ann.spawn(['chat', 'old']);
    await present('ann', 'old');
    await sleep(300);
    await gw.stop();
    execFileSync(secgated, ['new-epoch', '--data', gw.data], { stdio: 'ignore' });
    gw.listen = `${gw.host}:${gw.port}`;
    await gw.start();
    for (const running of [watch, tail, chat]) await eventually(() => /has been replaced/.test(running.stderr), 'words about it', 40000);
    await say(ann, 'new', 'old');
    for (const running of [watch, tail, chat]) {
      await eventually(() => output(running).includes('new'), 'the next message');
      running.child.kill('SIGTERM');
      await running.done;
    }
    const lines = output(watch).trim().split('\n').map((line) => JSON.parse(line)).filter((e) => !/^presence/.test(e.type));
    assert.deepEqual(lines.map((e) => e.type), ['gap', 'message']);
    assert.equal(lines[0].reason, 'cursor-unknown-epoch');
    assert.deepEqual(texts((await ann.run(['tail', '-n', '1000', 'old'])).stdout), [...Array.from({ length: 600 }, (_, i) => `old ${i}`), 'new']);
    assert.equal((await ann.json(['chat', 'verify', 'old'])).events, 602);
  });
});
