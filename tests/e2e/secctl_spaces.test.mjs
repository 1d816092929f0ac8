// SPDX-License-Identifier: Apache-2.0
// Spaces, members, single messages and moving of files with secctl.
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';
import { eventually } from './lib/gateway.mjs';
import { Relay } from './lib/relay.mjs';
import { Secctl } from './lib/secctl.mjs';

suite('secctl_spaces', async ({ gw, it }) => {
  const ann = new Secctl(gw);
  await ann.signup('ann');
  const admin = await gw.login('ann', 'the first password');
  await gw.user(admin, 'bob');
  await gw.user(admin, 'eve');
  const bob = new Secctl(gw);
  await bob.login('bob', 'password of bob');

  await it('makes, shows, changes and deletes spaces', async () => {
    assert.equal((await ann.run(['spaces', 'create', 'lab', '--description', 'where we measure'])).stdout, 'lab is there, and you own it\n');
    assert.match((await ann.run(['spaces'])).stdout, /^shared +owner +0 lab +where we measure$/m);
    const space = await ann.json(['spaces', 'set', 'lab', '--retention', '30d', '--keep', '1000']);
    assert.deepEqual(space.retention, { seconds: 30 * 86400, count: 1000 });
    assert.deepEqual((await ann.json(['spaces', 'set', 'lab', '--retention', 'default', '--keep', 'default'])).retention, { seconds: null, count: null });
    assert.equal((await ann.json(['spaces', 'set', 'lab', '--description', ''])).description, '');
    for (const args of [['set', 'lab'], ['set', 'lab', '--retention', 'soon'], ['set', 'lab', '--keep', 'x'], ['create'], ['frob', 'x'], ['list', 'x']]) {
      await ann.run(['spaces', ...args], { expect: 1 });
    }
    const taken = await bob.run(['spaces', 'create', 'lab'], { expect: 2 });
    assert.match(taken.stderr, /name-taken/);
    await ann.run(['spaces', 'create', 'Bad Name'], { expect: 2 });
    await ann.run(['spaces', 'create', 'gone']);
    await ann.run(['spaces', 'rm', 'gone'], { expect: 1 });
    const terminal = ann.terminal(['spaces', 'rm', 'gone']);
    await terminal.expect(/yes\/no/);
    terminal.type('no\r');
    assert.equal(await terminal.end(), 1);
    assert.deepEqual(await ann.json(['spaces', 'rm', 'gone', '--yes']), { name: 'gone', deleted: true });
    await ann.run(['spaces', 'rm', 'gone', '--yes'], { expect: 2 });
    await ann.run(['spaces', 'rm', 'common', '--yes'], { expect: 2 });
  });

  await it('adds, changes and removes members, and leaves', async () => {
    assert.equal((await ann.run(['members', 'add', 'lab', 'bob'])).stdout, 'bob is writer in lab\n');
    await ann.run(['members', 'add', 'lab', 'eve', '--role', 'reader']);
    assert.match((await bob.run(['members', 'lab'])).stdout, /^writer +\S+ \S+ bob$/m);
    assert.deepEqual((await bob.json(['members', 'list', 'lab'])).members.map((m) => `${m.username} ${m.role}`), ['ann owner', 'bob writer', 'eve reader']);
    assert.deepEqual((await bob.json(['members', 'lab', 'list'])).members.length, 3);
    const denied = await bob.run(['members', 'rm', 'lab', 'eve'], { expect: 2 });
    assert.match(denied.stderr, /forbidden/);
    assert.equal((await ann.json(['members', 'set', 'lab', 'bob', '--role', 'owner'])).role, 'owner');
    await bob.run(['members', 'rm', 'lab', 'eve']);
    assert.deepEqual(await ann.json(['leave', 'lab']), { space: 'lab', username: 'me', removed: true });
    const last = await bob.run(['leave', 'lab'], { expect: 2 });
    assert.match(last.stderr, /make somebody else owner first/);
    await ann.run(['members', 'lab'], { expect: 2 });
    await bob.run(['members', 'add', 'lab', 'ann', '--role', 'owner']);
    const fixed = await ann.run(['members', 'add', 'common', 'bob'], { expect: 2 });
    assert.match(fixed.stderr, /members-fixed/);
    assert.ok((await ann.json(['members', 'common'])).members.length >= 3);
    for (const args of [[], ['set', 'lab', 'bob'], ['rm', 'lab'], ['frob', 'lab', 'bob'], ['frob', 'lab'], ['rm', 'lab', 'bob', '--role', 'owner']]) {
      await ann.run(['members', ...args], { expect: 1 });
    }
  });

  await it('says things, from arguments and from a pipe, once', async () => {
    const quiet = await ann.run(['say', 'lab', 'one']);
    assert.equal(quiet.stdout + quiet.stderr, '');
    const first = await ann.json(['say', 'lab', '-'], { input: 'two\nlines\n' });
    assert.equal(first.text, 'two\nlines');
    assert.equal((await ann.json(['say', 'lab'], { input: 'three' })).text, 'three');
    const reply = JSON.parse((await bob.run(['say', '--json', 'lab', '--reply', `${first.seq}`, '--', '--four'])).stdout);
    assert.equal(reply.reply_to, first.seq);
    assert.equal(reply.text, '--four');
    await ann.run(['put', '-q', '-', '/lab/docs/a.txt'], { input: 'content' });
    await ann.run(['put', '-q', '-', '/lab/more.txt'], { input: 'more' });
    const linked = await ann.json(['say', 'lab', 'see', '--file', 'docs/a.txt', '--file', 'lab/more.txt']);
    assert.deepEqual(linked.files.map((file) => file.path), ['docs/a.txt', 'more.txt']);
    const missing = await ann.run(['say', 'lab', 'see', '--file', 'nothing'], { expect: 2 });
    assert.match(missing.stderr, /file-not-found/);
    await ann.run(['say', 'lab', 'x'.repeat(16384)]);
    await ann.run(['say', 'lab'], { input: 'x'.repeat(16385), expect: 1 });
    await ann.run(['say', 'lab', ''], { expect: 1 });
    await ann.run(['say', 'lab', 'x', '--reply', 'y'], { expect: 1 });
    await ann.run(['say', 'lab', 'x', '--reply', '1'], { expect: 2 });
    await ann.run(['say'], { expect: 1 });
  });

  await it('says a thing once, although the answer did not arrive', async () => {
    let answers = 0;
    const relay = await Relay.start({
      gateway: gw,
      spoil: (what) => {
        if (what.request.method === 'POST' && what.request.url.endsWith('/messages') && ++answers < 3) what.cutAt = 0;
      },
    });
    const far = new Secctl(relay);
    await far.login('bob', 'password of bob');
    const event = await far.json(['say', 'lab', 'once']);
    const posts = relay.requests.filter((request) => request.path.endsWith('/messages'));
    assert.equal(posts.length, 3);
    assert.equal(new Set(posts.map((request) => request.headers['idempotency-key'])).size, 1);
    assert.equal((await ann.run(['tail', '-n', '50', 'lab'])).stdout.match(/: once$/gm).length, 1);
    answers = 0;
    const chat = await far.run(['chat', 'lab'], { input: 'twice 1\ntwice 2\n' });
    assert.deepEqual(chat.stdout.match(/: twice .$/gm), [': twice 1', ': twice 2']);
    assert.ok(event.seq);
    await relay.stop();
  });

  await it('talks to one user', async () => {
    await ann.run(['say', '@bob', 'psst']);
    assert.match((await bob.run(['tail', '@ann'])).stdout, / ann: psst\n$/);
    assert.match((await bob.run(['spaces'])).stdout, /^direct +writer +1 @ann/m);
    await ann.run(['say', '@ann', 'to myself'], { expect: 2 });
    await ann.run(['say', '@nobody', 'x'], { expect: 2 });
  });

  await it('shows the newest, as many as wanted', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
    await bob.run(['chat', 'common'], { input: lines.join('\n') });
    await ann.run(['put', '-q', '-', 'common/between'], { input: 'x' });
    const shown = async (...args) => (await ann.run(['tail', ...args, 'common'])).stdout.split('\n').filter(Boolean).map((line) => line.split('bob: ')[1]);
    assert.deepEqual(await shown(), lines.slice(-10));
    assert.deepEqual(await shown('-n', '3'), lines.slice(-3));
    assert.deepEqual(await shown('-n', '1000'), lines);
    assert.deepEqual(await shown('-n', '0'), []);
    await ann.run(['tail', '-n', '-1', 'common'], { expect: 1 });
    await ann.run(['tail', '-n', 'x', 'common'], { expect: 1 });
    const event = JSON.parse((await ann.run(['tail', '-n', '1', '--json', 'common'])).stdout);
    assert.equal(event.text, 'line 29');
    assert.equal((await ann.json(['spaces'])).spaces.find((space) => space.name === 'common').unread, 30);
  });

  await it('counts what was seen in a conversation as read', async () => {
    const chat = ann.terminal(['chat', 'common']);
    await chat.expect(/line 29/);
    chat.type('/quit\r');
    assert.equal(await chat.end(), 0);
    await eventually(async () => (await ann.json(['spaces'])).spaces.find((space) => space.name === 'common').unread === 0, 'nothing unread');
  });

  await it('shows who is listening', async () => {
    const tail = bob.spawn(['tail', '-f', 'lab']);
    await eventually(async () => (await ann.run(['who', 'lab'])).stdout.includes('bob'), 'bob');
    assert.match((await ann.run(['who'])).stdout, /^lab +\S+ \S+ bob$/m);
    const all = (await ann.run(['who', '--json'])).stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(all.find((space) => space.space === 'lab').present.map((p) => p.username), ['bob']);
    tail.child.kill('SIGTERM');
    await tail.done;
    assert.equal((await ann.run(['who', 'nowhere'], { expect: 2 })).stdout, '');
  });

  await it('moves files and directories', async () => {
    await ann.run(['put', '-q', '-', 'common/from/a.txt'], { input: 'a' });
    const entry = await ann.json(['mv', 'common/from/a.txt', 'common/from/b.txt']);
    assert.equal(entry.path, 'common/from/b.txt');
    await ann.run(['mv', 'common/from/b.txt', '/lab/']);
    assert.equal((await ann.run(['cat', '/lab/b.txt'])).stdout, 'a');
    await ann.run(['put', '-q', '-', '/lab/c.txt'], { input: 'c' });
    const there = await ann.run(['mv', '/lab/b.txt', '/lab/c.txt'], { expect: 2 });
    assert.match(there.stderr, /conflict/);
    await ann.run(['mv', '-f', '/lab/b.txt', '/lab/c.txt']);
    assert.equal((await ann.run(['cat', '/lab/c.txt'])).stdout, 'a');
    await ann.run(['mv', '/lab/docs/', 'papers']);
    assert.equal((await ann.run(['cat', 'papers/a.txt'])).stdout, 'content');
    await ann.run(['mv', 'nothing', 'x'], { expect: 2 });
    await ann.run(['mv', 'papers'], { expect: 1 });
    await ann.run(['mv', 'papers', '/'], { expect: 1 });
  });
});
