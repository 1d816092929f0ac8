// SPDX-License-Identifier: Apache-2.0
// The sealed channel from the command line: what goes over it, what a stranger in the middle sees and can do.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from './lib/suite.mjs';
import { eventually, Gateway } from './lib/gateway.mjs';
import { Relay } from './lib/relay.mjs';
import { Secctl } from './lib/secctl.mjs';

const password = 'the first password';
const DATA = '/v1/sessions/current/data';

suite('secctl_session', { limit: 170000 }, async ({ gw, it }) => {
  let relay = await Relay.start({ gateway: gw });
  await new Secctl(gw).signup();
  const ctl = new Secctl(relay);
  await ctl.login();
  const open = (who = ctl, options = {}) =>
    who.run(['session', 'open', '--password-file', '-', ...(options.args ?? [])], { input: `${password}\n`, ...options });
  const exchanges = () => relay.requests.filter((request) => request.path === DATA).length;
  const state = () => JSON.parse(readFileSync(ctl.profile('channel.json'), 'utf8'));

  await it('is not there before it is opened', async () => {
    for (const args of [['session', 'data'], ['session', 'watch'], ['--sealed', 'whoami']]) {
      const refused = await ctl.run(args, { expect: 2 });
      assert.match(refused.stderr, /no channel is open\n {2}next: run: secctl session open/);
    }
  });

  await it('opens, and pins the identity key', async () => {
    const opened = await open();
    assert.match(opened.stdout, /A sealed channel is open for (30|29) minutes/);
    const { key } = (await gw.client().get('/v1/identity')).json;
    assert.ok(opened.stderr.includes(`the identity key of the gateway is ${key}`));
    assert.equal(JSON.parse(readFileSync(ctl.profile('trusted.json'), 'utf8')).identity_key, key);
    for (const name of ['channel.json', 'sealed.json', 'trusted.json']) assert.equal(ctl.mode(name), 0o600, name);
    assert.ok(!(await open()).stderr.includes('identity key'), 'said once only');
    assert.equal((await ctl.run(['whoami'])).stdout, 'root-admin (admin)\n', 'the ordinary session is untouched');
  });

  await it('processes that pin keys at the same time forget none', async () => {
    const fresh = new Secctl(gw);
    await fresh.login();
    await Promise.all([open(fresh), fresh.run(['log', 'check']), fresh.run(['daytime', '--signed'])]);
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(fresh.profile('trusted.json'), 'utf8'))).sort(), ['identity_key', 'log_key', 'time_key']);
    await fresh.run(['session', 'close']);
  });

  await it('asks for sequence, epoch and content; the epoch moves on after ten answers', async () => {
    const seen = [];
    for (let i = 0; i < 12; i++) seen.push(await ctl.json(['session', 'data']));
    assert.deepEqual(seen.map((answer) => answer.sequence), Array.from({ length: 12 }, (_, i) => i + 1));
    assert.deepEqual(seen.map((answer) => answer.epoch), [...Array(10).fill(0), 1, 1]);
    for (const { text, time } of seen) {
      assert.match(text, /^[A-Z]{8}$/);
      assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60000);
    }
    assert.equal(new Set(seen.map((answer) => answer.text)).size, 12);
    assert.match((await ctl.run(['session', 'data'])).stdout, /^ +13 {2}epoch 1 {2}[A-Z]{8} {2}\S+Z\n$/);
    assert.equal(state().epoch, 1);
  });

  await it('carries every command, and nothing of it is seen in between', async () => {
    const content = randomBytes(300000);
    ctl.file('secret.bin', content);
    relay.requests.length = 0;
    const seen = [];
    relay.spoil = (what) => seen.push(what.body.toString('latin1'));
    const sealed = (...args) => ctl.run(['--sealed', ...args]);
    await sealed('put', '-q', 'secret.bin', 'common/secret.bin');
    await sealed('get', '-q', 'common/secret.bin', '-o', 'back.bin');
    assert.deepEqual(ctl.read('back.bin'), content);
    assert.match((await sealed('ls', 'common/')).stdout, /secret\.bin/);
    assert.equal((await sealed('whoami')).stdout, 'root-admin (admin)\n');
    await sealed('say', 'common', 'said under seal');
    assert.match((await sealed('tail', 'common')).stdout, /said under seal/);
    const chat = await ctl.run(['--sealed', 'chat', 'common'], { input: 'first\nsecond\n' });
    assert.match(chat.stdout, /first[^]*second/);
    assert.match((await sealed('daytime', '--json')).stdout, /"timezone":"UTC"/);
    relay.spoil = undefined;
    assert.deepEqual([...new Set(relay.requests.map((request) => `${request.method} ${request.path}`))], [`POST ${DATA}`]);
    for (const text of seen) assert.ok(!/secret\.bin|under seal|root-admin|second/.test(text), text.slice(0, 200));
  });

  await it('says what went wrong inside, and what does not fit', async () => {
    const missing = await ctl.run(['--sealed', 'cat', 'common/none'], { expect: 2 });
    assert.match(missing.stderr, /404 not-found/);
    const long = randomBytes(1200000);
    const refused = await ctl.run(['--sealed', 'put', ctl.file('long', long), 'common/long'], { expect: 2 });
    assert.match(refused.stderr, /413 too-large[^]*next: .*without --sealed/);
    const huge = await ctl.run(['--sealed', 'put', ctl.file('huge', Buffer.alloc((4 << 20) + 1)), 'common/huge'], { expect: 1 });
    assert.match(huge.stderr, /does not go into a sealed message/);
    await ctl.run(['put', '-q', 'long', 'common/long']);
    const answer = await ctl.run(['--sealed', 'get', 'common/long', '-o', 'not'], { expect: 2 });
    assert.match(answer.stderr, /413 too-large[^]*without --sealed/);
    assert.ok(!ctl.has('not'));
    for (const args of [['--sealed', 'login'], ['--sealed', 'signup']]) {
      assert.match((await ctl.run(args, { expect: 1 })).stderr, /session open/);
    }
  });

  await it('twenty processes share it, and no number is used twice', async () => {
    relay.requests.length = 0;
    const results = await Promise.all(Array.from({ length: 20 }, () => ctl.json(['session', 'data'])));
    assert.equal(new Set(results.map((answer) => answer.sequence)).size, 20);
    assert.equal(exchanges(), 20);
  });

  await it('processes that are killed at any moment leave a channel that goes on', async () => {
    const kill = async () => {
      for (let i = 0; i < 15; i++) {
        const { child, done } = ctl.spawn(['session', 'data']);
        await sleep(Math.random() * 60);
        child.kill('SIGKILL');
        await done;
      }
    };
    const before = state().sequence;
    await Promise.all([kill(), kill(), kill()]);
    const { sequence } = await ctl.json(['session', 'data']);
    assert.ok(sequence > before);
    assert.equal(state().sequence, sequence);
  });

  await it('asks again for an answer that was lost, and the message is said once', async () => {
    let cut = 2;
    relay.spoil = (what) => {
      if (what.request.url === DATA && cut-- > 0) what.cutAt = 5;
    };
    relay.requests.length = 0;
    await ctl.run(['--sealed', 'say', 'common', 'only once']);
    assert.equal(exchanges(), 3);
    relay.spoil = undefined;
    const { stdout } = await ctl.run(['tail', '-n', '50', 'common']);
    assert.equal(stdout.split('only once').length, 2);
  });

  await it('does nothing twice because somebody in between says that nothing was done', async () => {
    const pretend = (what) => {
      if (what.request.url !== DATA) return;
      what.status = 409;
      what.body = Buffer.from(JSON.stringify({ type: 'urn:secgate:error:epoch-unknown', title: 'Refused', status: 409, detail: '', code: 'epoch-unknown' }));
      what.headers = { 'content-type': 'application/problem+json' };
    };
    relay.spoil = pretend;
    relay.requests.length = 0;
    const refused = await ctl.run(['--sealed', 'invite'], { expect: 2 });
    assert.match(refused.stderr, /epoch-unknown[^]*next: try again; if all are refused: secctl session open/);
    assert.equal(exchanges(), 1);
    relay.requests.length = 0;
    await ctl.run(['--sealed', 'whoami'], { expect: 2 });
    assert.equal(exchanges(), 5, 'what only reads is asked for anew');
    relay.spoil = undefined;
    assert.equal((await ctl.run(['--sealed', 'whoami'])).stdout, 'root-admin (admin)\n');
  });

  await it('a gateway that is away for long costs no numbers', async () => {
    const before = state().sequence;
    const { port, authority } = relay;
    await relay.stop();
    for (let i = 0; i < 3; i++) await ctl.run(['session', 'data'], { expect: 3 });
    assert.equal(state().sequence, before, 'or the next one is too far ahead');
    relay = await Relay.start({ gateway: gw, port, authority });
    assert.equal((await ctl.json(['session', 'data'])).sequence, before + 1);
  });

  await it('takes no answer that was tampered with', async () => {
    for (const change of [
      (answer) => ({ ...answer, data: Buffer.from(answer.data, 'base64').fill(1, 3, 4).toString('base64') }),
      (answer) => ({ ...answer, sequence: answer.sequence + 1 }),
      (answer) => ({ ...answer, next_epoch: answer.next_epoch + 1 }),
      (answer) => ({ ...answer, nonce: Buffer.alloc(12).toString('base64') }),
      () => ({}),
    ]) {
      relay.spoil = (what) => {
        if (what.request.url !== DATA) return;
        what.body = Buffer.from(JSON.stringify(change(JSON.parse(what.body))));
        what.headers['content-length'] = String(what.body.length);
      };
      const refused = await ctl.run(['--sealed', 'whoami'], { expect: 4 });
      assert.match(refused.stderr, /sealed answer of \S+ is not authentic/);
      assert.equal(refused.stdout, '');
    }
    // A success in the clear, with whatever content, is none.
    for (const status of [201, 204, 206, 302]) {
      relay.spoil = (what) => {
        if (what.request.url !== DATA) return;
        what.status = status;
        what.body = Buffer.from(status === 204 ? '' : '{"username":"eve","role":"admin"}');
        what.headers = { 'content-type': 'application/json' };
      };
      const refused = await ctl.run(['--sealed', 'whoami'], { expect: 4 });
      assert.equal(refused.stdout, '');
      await ctl.run(['--sealed', 'rm', 'common/secret.bin'], { expect: 4 });
    }
    relay.spoil = undefined;
    assert.equal((await ctl.run(['--sealed', 'whoami'])).stdout, 'root-admin (admin)\n');
  });

  await it('refuses a channel whose signature or identity is not the gateway\'s', async () => {
    const keys = generateKeyPairSync('ed25519');
    const own = keys.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
    const before = state();
    const spoilers = {
      'is not signed by its identity key': (channel) => (channel.server_public_key = randomBytes(32).toString('base64')),
      'somebody else may be in the middle': (channel) => {
        channel.identity_key = own;
        channel.signature = sign(null, Buffer.from('anything'), keys.privateKey).toString('base64');
      },
    };
    for (const [text, spoiler] of Object.entries(spoilers)) {
      relay.spoil = (what) => {
        const answer = what.request.method === 'POST' && what.request.url === '/v1/sessions' ? JSON.parse(what.body) : {};
        if (!answer.channel) return;
        spoiler(answer.channel);
        what.body = Buffer.from(JSON.stringify(answer));
        what.headers['content-length'] = String(what.body.length);
      };
      const refused = await open(ctl, { expect: 3 });
      assert.ok(refused.stderr.includes(text), refused.stderr);
      assert.deepEqual(state(), before, 'the channel that was open stays');
    }
    assert.match((await open(ctl, { expect: 3 })).stderr, /IDENTITY KEY OF THE GATEWAY IS NOT THE ONE/);
    // Even who takes the new key on purpose needs its signature.
    const pins = readFileSync(ctl.profile('trusted.json'), 'utf8');
    const unsigned = (await open(ctl, { args: ['--forget'], expect: 3 })).stderr;
    assert.match(unsigned, /is not signed/);
    assert.doesNotMatch(unsigned, /is kept from now on|former session/);
    assert.equal(readFileSync(ctl.profile('trusted.json'), 'utf8'), pins, 'a key that has signed nothing replaces none');
    relay.spoil = undefined;
    await open(ctl);
    await open(ctl, { args: ['--forget'] });
    await ctl.run(['--sealed', 'whoami']);
  });

  await it('goes on after the gateway was killed', async () => {
    const { worker } = gw.roles();
    process.kill(worker, 'SIGKILL');
    await eventually(() => gw.roles().worker && gw.roles().worker !== worker, 'a new worker');
    const answer = await ctl.run(['--sealed', 'whoami'], { expect: null });
    if (answer.status !== 0) assert.match(answer.stderr, /channel-missing|unavailable|cannot|connect/i);
    await eventually(async () => (await ctl.run(['--sealed', 'whoami'], { expect: null })).status === 0, 'an answer');
  });

  await it('a poll that waits gets its answer, however many epochs have gone by', async () => {
    const watching = ctl.spawn(['--sealed', 'watch', '--types', 'message']);
    await eventually(() => exchanges() > 0 && relay.active > 0, 'the poll');
    const before = state().epoch;
    for (let i = 0; i < 25; i++) await ctl.run(['session', 'data']);
    assert.ok(state().epoch >= before + 2);
    await ctl.run(['say', 'common', 'for who waits']);
    await eventually(() => Buffer.concat(watching.out).toString().includes('for who waits'), 'the message');
    watching.child.kill('SIGINT');
    await watching.done;
    assert.equal(watching.stderr, '');
  });

  await it('renews its tokens, and the channel stays', async () => {
    const session = JSON.parse(readFileSync(ctl.profile('sealed.json'), 'utf8'));
    writeFileSync(ctl.profile('sealed.json'), JSON.stringify({ ...session, token_renew_at: 0 }));
    const { sequence } = state();
    assert.equal((await ctl.json(['session', 'data'])).sequence, sequence + 1);
    assert.notEqual(JSON.parse(readFileSync(ctl.profile('sealed.json'), 'utf8')).token, session.token);
  });

  await it('watches, and closes at the end', async () => {
    const { stdout } = await ctl.run(['session', 'watch', '--interval', '1s', '--count', '3']);
    const lines = stdout.trim().split('\n');
    assert.equal(lines.length, 4);
    for (const line of lines.slice(0, 3)) assert.match(line, /^ *[0-9]+ {2}epoch [0-9]+ {2}[A-Z]{8} {2}\S+Z$/);
    assert.equal(lines[3], 'The channel is closed.');
    for (const name of ['channel.json', 'sealed.json']) assert.ok(!existsSync(ctl.profile(name)), name);
    await ctl.run(['session', 'data'], { expect: 2 });
    for (const option of [['--interval', 'often'], ['--interval', '0s'], ['--interval', '2d'], ['--count', '0']]) {
      assert.match((await ctl.run(['session', 'watch', ...option], { expect: 1 })).stderr, /from 1s to 1d/);
    }
    const none = await ctl.run(['session', 'close']);
    assert.deepEqual([none.stdout, none.stderr], ['No channel is open.\n', '']);
  });

  await it('Ctrl-C ends watching, and the session with it', async () => {
    await open();
    const session = JSON.parse(readFileSync(ctl.profile('sealed.json'), 'utf8'));
    const watching = ctl.spawn(['session', 'watch']);
    await eventually(() => Buffer.concat(watching.out).toString().includes('epoch'), 'the first answer');
    watching.child.kill('SIGINT');
    const { status, stdout } = await watching.done;
    assert.equal(status, 0);
    assert.match(stdout, /The channel is closed\.\n$/);
    await gw.client({ token: session.token }).get('/v1/users/me', { expect: 401 });
  });

  await it('closes', async () => {
    await open();
    const session = JSON.parse(readFileSync(ctl.profile('sealed.json'), 'utf8'));
    assert.deepEqual(await ctl.json(['session', 'close']), { closed: true });
    await gw.client({ token: session.token }).get('/v1/users/me', { expect: 401 });
    assert.ok(!existsSync(ctl.profile('channel.json')));
    assert.equal((await ctl.run(['whoami'])).stdout, 'root-admin (admin)\n');
    await ctl.run(['session'], { expect: 1 });
    await ctl.run(['session', 'frob'], { expect: 1 });
  });

  await it('ends when its time is over, and watching with it', async () => {
    const brief = await Gateway.start({ config: { channel: { 'session-seconds': 10, 'responses-per-epoch': 2 } } });
    try {
      const short = new Secctl(brief);
      await short.signup();
      await open(short);
      const watched = await short.run(['session', 'watch', '--interval', '4s']);
      const epochs = [...watched.stdout.matchAll(/epoch ([0-9]+)/g)].map((found) => Number(found[1]));
      assert.deepEqual(epochs, [0, 0, 1]);
      assert.match(watched.stderr, /the time of the channel is over/);
      assert.match(watched.stdout, /The channel is closed\.\n$/);
      // Whose clock is a little behind learns it from the gateway, which is the end as well.
      await open(short);
      const mine = JSON.parse(readFileSync(short.profile('channel.json'), 'utf8'));
      writeFileSync(short.profile('channel.json'), JSON.stringify({ ...mine, expires_at: mine.expires_at + 3 }));
      const behind = await short.run(['session', 'watch', '--interval', '6s']);
      assert.match(behind.stderr, /the time of the channel is over/);
      assert.doesNotMatch(behind.stderr, /expired|ended/);
      assert.match(behind.stdout, /The channel is closed\.\n$/);
      await open(short);
      await sleep(11000);
      const over = await short.run(['--sealed', 'whoami'], { expect: 2 });
      assert.match(over.stderr, /the time of the channel is over\n {2}next: run: secctl session open/);
      // Whose clock is behind learns it from the gateway.
      const channel = JSON.parse(readFileSync(short.profile('channel.json'), 'utf8'));
      writeFileSync(short.profile('channel.json'), JSON.stringify({ ...channel, expires_at: channel.expires_at + 3600 }));
      const late = await short.run(['--sealed', 'whoami'], { expect: 2 });
      assert.match(late.stderr, /the session has (expired|ended)\n {2}next: run: secctl session open/);
      assert.equal((await short.run(['whoami'])).stdout, 'root-admin (admin)\n');
    } finally {
      await brief.stop();
    }
  });

  await it('many exchanges at once outlive the death of workers, and nothing is said twice', async () => {
    const direct = new Secctl(gw);
    await direct.login();
    await open(direct);
    const lines = Array.from({ length: 500 }, (_, i) => `counted ${i}`);
    const chat = direct.spawn(['--sealed', 'chat', 'common']);
    chat.child.stdin.end(lines.join('\n') + '\n');
    for (let i = 0; i < 3; i++) {
      await sleep(300);
      const { worker } = gw.roles();
      if (worker) process.kill(worker, 'SIGKILL');
    }
    const { status, stdout, stderr } = await chat.done;
    assert.equal(status, 0, stderr);
    const seen = [...stdout.matchAll(/counted ([0-9]+)$/gm)].map((found) => Number(found[1]));
    assert.deepEqual(seen, lines.map((_, i) => i));
    await direct.run(['session', 'close']);
  });

  await it('a damaged or copied state does no harm', async () => {
    await open();
    const good = readFileSync(ctl.profile('channel.json'));
    writeFileSync(ctl.profile('channel.json'), '{}');
    assert.match((await ctl.run(['--sealed', 'whoami'], { expect: 1 })).stderr, /is damaged/);
    writeFileSync(ctl.profile('channel.json'), good);
    for (let i = 0; i < 3; i++) await ctl.run(['session', 'data']);
    writeFileSync(ctl.profile('channel.json'), good);
    // What may have been done is not done again; what only reads finds the next free number.
    const refused = await ctl.run(['--sealed', 'invite'], { expect: 2 });
    assert.match(refused.stderr, /sequence-replayed[^]*next: look whether it was done/);
    await ctl.run(['--sealed', 'whoami']);
    assert.equal(state().sequence, 4);
    await ctl.run(['session', 'close']);
  });
  await relay.stop();
});
