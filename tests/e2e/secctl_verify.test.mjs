// SPDX-License-Identifier: Apache-2.0
// secctl chat verify, with a gateway that is honest and with one that changes what was said.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { suite } from './lib/suite.mjs';
import { eventually } from './lib/gateway.mjs';
import { Relay } from './lib/relay.mjs';
import { Secctl } from './lib/secctl.mjs';

suite('secctl_verify', async ({ gw, it }) => {
  const ctl = new Secctl(gw);
  await ctl.signup('ann');
  const api = await gw.login('ann', 'the first password');
  const events = async () => (await api.get('/v1/chat/common/messages', { query: { limit: 500 }, expect: 200 })).json.events;
  const say = async (text) => (await ctl.json(['say', 'common', text])).seq;

  const lines = ['plain', 'ünïcödé 日本 😀', 'quote " back \\ slash / control \x01\x7f\u2028', 'line\nline\ttab\r\n'];
  const seqs = [];
  for (const line of lines) seqs.push(await say(line));
  await ctl.run(['put', '-q', '-', 'common/Dir "x"/ä.txt'], { input: 'x' });
  await ctl.run(['mv', 'common/Dir "x"/ä.txt', 'common/b.txt']);
  await ctl.run(['say', 'common', 'with a file', '--file', 'b.txt', '--reply', `${seqs[0]}`]);
  const changed = await say('to be changed');
  for (const text of ['changed once', 'changed twice']) {
    await api.patch(`/v1/chat/common/messages/${changed}`, { json: { text }, expect: 200 });
  }
  const deleted = await say('to be deleted');
  await api.delete(`/v1/chat/common/messages/${deleted}`, { expect: 200 });
  await ctl.run(['rm', '-r', 'common/Dir "x"']);
  await say('the last');

  await it('a whole log holds, from the beginning and from any point', async () => {
    const all = await events();
    const result = await ctl.json(['chat', 'verify', 'common']);
    const { newest_chain: chain } = (await api.get('/v1/spaces/common', { expect: 200 })).json;
    assert.deepEqual({ ...result, texts: 0 }, {
      space: 'common', holds: true, faults: 0, events: all.length, texts: 0, after: 0, seq: all.at(-1).seq, chain,
    });
    assert.equal(result.texts, all.filter((event) => event.text).length);
    for (const event of all) {
      const from = await ctl.json(['chat', 'verify', 'common', '--after', event.id, '--chain', event.chain]);
      assert.equal(from.chain, chain);
      assert.equal(from.after, event.seq);
    }
    assert.match((await ctl.run(['chat', 'verify', 'common'])).stdout, /^common holds: [0-9]+ events after 0 up to [0-9]+, /);
    await ctl.run(['chat', 'verify', '~']);
  });

  await it('a wrong chain value does not', async () => {
    const [first, second] = await events();
    const result = await ctl.run(['chat', 'verify', 'common', '--after', first.id, '--chain', second.chain], { expect: 4 });
    assert.match(result.stderr, new RegExp(`event ${second.seq} was altered, or something between event ${first.seq} and it`));
    for (const args of [['--after', first.id], ['--chain', first.chain], ['--after', 'x', '--chain', first.chain], ['--after', first.id, '--chain', 'x']]) {
      await ctl.run(['chat', 'verify', 'common', ...args], { expect: 1 });
    }
    await ctl.run(['chat', '--forget', 'common'], { expect: 1 });
    await ctl.run(['chat', 'verify', 'nowhere'], { expect: 2 });
  });

  await it('everybody and every page: a long log', async () => {
    const many = Array.from({ length: 700 }, (_, i) => `many ${i}`);
    await ctl.run(['chat', 'common'], { input: many.join('\n') });
    assert.equal((await ctl.json(['chat', 'verify', 'common'])).holds, true);
  });

  // What chat verify says when `spoil` has changed the events of the first page, or the space's answer.
  const relay = await Relay.start({ gateway: gw });
  const far = new Secctl(relay);
  await far.login('ann', 'the first password');
  async function tampered(spoil, spoilSpace) {
    relay.spoil = (what) => {
      const path = what.request.url;
      if (what.status !== 200) return;
      const body = JSON.parse(what.body);
      if (/^\/v1\/chat\/common\/messages\?.*after=[^.]*\.0$/.test(path) && spoil) body.events = spoil(body.events) ?? body.events;
      if (path === '/v1/spaces/common' && spoilSpace) spoilSpace(body);
      what.body = Buffer.from(JSON.stringify(body));
      what.headers['content-length'] = `${what.body.length}`;
    };
    const result = await far.run(['chat', 'verify', 'common'], { expect: null });
    relay.spoil = null;
    return result;
  }

  const { oldest } = (await api.get('/v1/spaces/common', { expect: 200 })).json;
  const first = await api.get('/v1/chat/common/messages', { query: { limit: 20, after: oldest }, expect: 200 });
  const numbers = first.json.events.map((event) => event.seq);

  const lies = {
    'a dropped event': [(events) => void events.splice(3, 1), `event ${numbers[4]} was altered, or something between event ${numbers[2]} and it`],
    'the first event dropped': [(events) => void events.shift(), `event ${numbers[1]} was altered, or something between event 0 and it`],
    'a doubled event': [(events) => void events.splice(3, 0, events[3]), `event ${numbers[3]} is there twice`],
    'two events swapped': [(events) => void events.splice(3, 2, events[4], events[3]), `event ${numbers[3]} comes after event ${numbers[4]}`],
    'an altered sender': [(events) => void (events[2].sender = 'eve'), `event ${numbers[2]} was altered`],
    'an altered time': [(events) => void (events[2].sent_at = '2020-01-01T00:00:00.000Z'), `event ${numbers[2]} was altered`],
    'an altered text': [(events) => void (events[1].text += '!'), `the text of event ${numbers[1]} is not the one that was sent`],
    'an altered file': [(events) => void (events.find((e) => e.files).files[0].sha256 = '0'.repeat(64)), 'was altered'],
    'an added member': [(events) => void (events[2].extra = 'x'), `event ${numbers[2]} was altered`],
    'an event made up': [(events) => void events.splice(3, 0, { ...events[3], text: 'made up' }), 'is there twice'],
    'a text put into a deletion': [(events) => void (events.find((e) => e.revision?.deleted).text = 'never said'), 'is not the one that was sent'],
    'a change made up': [(events) => void (events[0].revision = { seq: numbers[1], at: events[0].sent_at, by: 'ann', text: 'other' }), 'does not agree with event'],
    'a changed change': [(events) => void (events.find((e) => e.revision?.text).revision.text = 'other'), 'does not agree with event'],
    'something else than an event': [(events) => void events.splice(3, 0, 'x'), 'is no event'],
  };
  for (const [what, [spoil, words]] of Object.entries(lies)) {
    await it(`finds ${what}`, async () => {
      const result = await tampered(spoil);
      assert.equal(result.status, 4, result.stdout + result.stderr);
      assert.ok(result.stderr.includes(words), result.stderr);
      assert.ok(!result.stdout.includes('holds:'), result.stdout);
    });
  }

  await it('finds that the end is missing, or another one', async () => {
    const dropped = await tampered(null, (space) => {
      const [epoch, seq] = space.newest.split('.');
      space.newest = `${epoch}.${Number(seq) + 5}`;
    });
    assert.equal(dropped.status, 4);
    assert.match(dropped.stderr, /events after [0-9]+ up to [0-9]+ are missing/);
    const other = await tampered(null, (space) => (space.newest_chain = 'ab'.repeat(32)));
    assert.equal(other.status, 4);
    const start = await tampered(null, (space) => (space.oldest_chain = 'ab'.repeat(32)));
    assert.equal(start.status, 4);
    assert.match(start.stderr, /does not begin with zeros/);
  });

  await it('remembers what was verified, and tells when it is not there any more', async () => {
    assert.equal((await tampered()).status, 0);
    assert.equal(far.mode('verified.json'), 0o600);
    const path = far.profile('verified.json');
    const before = readFileSync(path, 'utf8');
    const known = JSON.parse(before);
    const write = (change) => writeFileSync(path, JSON.stringify({ ...known, common: { ...known.common, ...change } }));
    write({ chain: 'ab'.repeat(32) });
    const different = await far.run(['chat', 'verify', 'common'], { expect: 4 });
    assert.match(different.stderr, /was verified before and is different now/);
    write({ seq: known.common.seq + 1000 });
    const gone = await far.run(['chat', 'verify', 'common'], { expect: 4 });
    assert.match(gone.stderr, /is not there any more/);
    // A failure does not move it.
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).common.seq, known.common.seq + 1000);
    await far.run(['chat', 'verify', 'common', '--forget']);
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).common.seq, known.common.seq);
    writeFileSync(path, 'damaged');
    await far.run(['chat', 'verify', 'common'], { expect: 1 });
  });
  await relay.stop();

  await it('holds from where retention has left off, and says what cannot be compared any more', async () => {
    await ctl.run(['spaces', 'create', 'short']);
    const { id } = await ctl.json(['say', 'short', 'first']);
    await ctl.run(['chat', 'verify', 'short']);
    await ctl.run(['chat', 'short'], { input: Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\n') });
    await ctl.run(['spaces', 'set', 'short', '--keep', '5']);
    const start = async () => Number((await api.get('/v1/spaces/short', { expect: 200 })).json.oldest.split('.')[1]);
    await eventually(async () => (await start()) > 20, 'events are removed');
    const result = await ctl.run(['chat', 'verify', 'short', '--json']);
    assert.equal(JSON.parse(result.stdout).holds, true);
    assert.ok(JSON.parse(result.stdout).after > 20);
    assert.match(result.stderr, /up to which the log was verified on .*cannot be compared/);
    assert.equal((await ctl.run(['chat', 'verify', 'short'])).stderr, '');
    const watch = ctl.spawn(['watch', '--space', 'short', '--after', id]);
    await eventually(() => watch.out.length > 0, 'a gap');
    watch.child.kill('SIGTERM');
    const { stdout, stderr } = await watch.done;
    const gap = JSON.parse(stdout.split('\n')[0]);
    assert.deepEqual([gap.type, gap.reason, gap.from], ['gap', 'cursor-pruned', id]);
    assert.match(stderr, /removed/);
  });
});
