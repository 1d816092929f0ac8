// SPDX-License-Identifier: Apache-2.0
// What secctl does when content is spoilt, cut off or changed, and with a gateway that lies.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from './lib/suite.mjs';
import { eventually } from './lib/gateway.mjs';
import { Relay } from './lib/relay.mjs';
import { Secctl } from './lib/secctl.mjs';

const part = (name) => `${name}.secctl-part`;

suite('secctl_integrity', async ({ gw, it }) => {
  const direct = new Secctl(gw);
  await direct.signup();
  const content = randomBytes(2_000_000);
  direct.file('data', content);
  await direct.run(['put', 'data', 'common/data']);

  // A client behind a relay that spoils answers to requests for common/data.
  async function behind(spoil, fn) {
    let armed = true;
    const relay = await Relay.start({
      gateway: gw,
      spoil: async (what) => {
        if (armed && /^\/v1\/files\/common\/data$/.test(what.request.url)) await spoil(what);
      },
    });
    const ctl = new Secctl(relay);
    await ctl.login();
    relay.requests.length = 0;
    await fn(ctl, relay, () => (armed = false));
    await relay.stop();
  }

  await it('notices a changed byte and keeps nothing', async () => {
    await behind(
      (what) => {
        what.body[1_000_000] ^= 1;
      },
      async (ctl) => {
        const result = await ctl.run(['get', 'common/data'], { expect: 4 });
        assert.match(result.stderr, /not what its digest says/);
        assert.deepEqual(readdirSync(ctl.cwd), []);
        await ctl.run(['cat', 'common/data'], { expect: 4 });
        ctl.file('data', 'former');
        await ctl.run(['get', 'common/data'], { expect: 4 });
        assert.equal(ctl.read('data').toString(), 'former', 'a former file stays');
      }
    );
  });

  await it('insists on a digest', async () => {
    await behind(
      (what) => {
        delete what.headers['repr-digest'];
        what.headers.etag = '"something"';
      },
      (ctl) => ctl.run(['get', 'common/data'], { expect: 4 })
    );
    await behind(
      (what) => {
        what.headers['repr-digest'] = `sha-256=:${createHash('sha256').update('x').digest('base64')}:`;
      },
      (ctl) => ctl.run(['get', 'common/data'], { expect: 4 })
    );
  });

  await it('notices an upload that arrives as something else', async () => {
    await behind(
      (what) => {
        if (what.request.method === 'PUT') what.headers.etag = `"${'0'.repeat(64)}"`;
      },
      async (ctl) => {
        ctl.file('data', 'small');
        await ctl.run(['put', 'data', 'common/data'], { expect: 4 });
        await ctl.run(['put', '-', 'common/data'], { input: 'small', expect: 4 });
      }
    );
    await direct.run(['put', 'data', 'common/data']);
  });

  await it('sends the digest of a file, so that the gateway can refuse', async () => {
    const relay = await Relay.start({ gateway: gw });
    const ctl = new Secctl(relay);
    await ctl.login();
    ctl.file('data', content);
    await ctl.run(['put', 'data', 'common/sent']);
    const put = relay.requests.find((request) => request.method === 'PUT');
    assert.equal(put.headers['repr-digest'], `sha-256=:${createHash('sha256').update(content).digest('base64')}:`);
    await relay.stop();
  });

  await it('goes on with an interrupted download', async () => {
    await behind(
      (what) => {
        what.cutAt = 700_000;
      },
      async (ctl, relay, disarm) => {
        const cut = await ctl.run(['get', 'common/data'], { expect: 3 });
        assert.match(cut.stderr, /700000 bytes are kept; the same command goes on/);
        assert.deepEqual(readdirSync(ctl.cwd).sort(), [part('data'), `${part('data')}-etag`]);
        assert.ok(ctl.read(part('data')).equals(content.subarray(0, 700_000)));
        disarm();
        const done = await ctl.run(['get', 'common/data']);
        assert.match(done.stdout, /resumed at 684K/);
        const last = relay.requests.at(-1).headers;
        assert.equal(last.range, 'bytes=700000-');
        assert.equal(last['if-range'], `"${createHash('sha256').update(content).digest('hex')}"`);
        assert.ok(ctl.read('data').equals(content));
        assert.deepEqual(readdirSync(ctl.cwd), ['data']);
      }
    );
  });

  await it('begins anew when the file has changed meanwhile', async () => {
    await behind(
      (what) => {
        what.cutAt = 700_000;
      },
      async (ctl, relay, disarm) => {
        await ctl.run(['get', 'common/data'], { expect: 3 });
        disarm();
        const changed = randomBytes(900_000);
        direct.file('changed', changed);
        await direct.run(['put', 'changed', 'common/data']);
        const done = await ctl.run(['get', 'common/data']);
        assert.doesNotMatch(done.stdout, /resumed/);
        assert.ok(ctl.read('data').equals(changed));
      }
    );
    await direct.run(['put', 'data', 'common/data']);
  });

  await it('does not trust a part that was tampered with, or is too long, or of unknown origin', async () => {
    const ctl = new Secctl(gw);
    await ctl.login();
    const etag = `"${createHash('sha256').update(content).digest('hex')}"\n`;
    ctl.file(part('data'), randomBytes(1000));
    ctl.file(`${part('data')}-etag`, etag);
    await ctl.run(['get', 'common/data'], { expect: 4 });
    assert.deepEqual(readdirSync(ctl.cwd), []);
    for (const wrong of [randomBytes(2_500_000), content]) {
      ctl.file(part('data'), wrong);
      ctl.file(`${part('data')}-etag`, etag);
      await ctl.run(['get', 'common/data']);
      assert.ok(ctl.read('data').equals(content));
    }
    ctl.file(part('data'), randomBytes(1000));
    await ctl.run(['get', 'common/data']);
    assert.ok(ctl.read('data').equals(content));
    assert.deepEqual(readdirSync(ctl.cwd), ['data']);
  });

  await it('leaves no half file after Ctrl-C, and goes on later', async () => {
    const answer = async (request, response) => {
      if (request.url !== '/v1/files/common/data' || request.headers.range) return false;
      const hash = createHash('sha256').update(content).digest();
      response.writeHead(200, { 'content-length': content.length, etag: `"${hash.toString('hex')}"` });
      response.write(content.subarray(0, 500_000));
      return true;
    };
    const relay = await Relay.start({ gateway: gw, answer });
    const ctl = new Secctl(relay);
    await ctl.login();
    const terminal = ctl.terminal(['get', 'common/data']);
    await eventually(() => ctl.has(part('data')) && ctl.read(part('data')).length === 500_000, 'half of the file');
    terminal.type('\x03');
    assert.equal(await terminal.end(), 130);
    assert.ok(!ctl.has('data'));
    const running = ctl.spawn(['cat', 'common/data']);
    await eventually(() => running.out.length > 0, 'output');
    running.child.kill('SIGTERM');
    assert.equal((await running.done).signal, 'SIGTERM');
    await ctl.run(['get', 'common/data']);
    assert.ok(ctl.read('data').equals(content));
    await relay.stop();
  });

  await it('ends quietly when nobody reads, and on a signal while nobody does', async () => {
    const ctl = new Secctl(gw);
    await ctl.login();
    const closed = ctl.spawn(['cat', 'common/data']);
    closed.child.stdout.destroy();
    const result = await closed.done;
    assert.ok(result.status === 1 || result.signal === 'SIGPIPE');
    assert.equal(result.stderr, '');
    const stuck = ctl.spawn(['cat', 'common/data']);
    stuck.child.stdout.pause();
    await sleep(500);
    stuck.child.kill('SIGINT');
    await sleep(200);
    stuck.child.stdout.resume();
    assert.equal((await stuck.done).signal, 'SIGINT');
  });

  await it('does not store a file that becomes shorter meanwhile', async () => {
    const ctl = new Secctl(gw);
    const answer = async (request, response) => {
      if (request.method !== 'PUT') return false;
      response.writeContinue();
      await eventually(() => request.readableLength > 0, 'the first bytes');
      ctl.file('shrinking', 'short');
      request.resume();
      return true;
    };
    const relay = await Relay.start({ gateway: gw, answer });
    ctl.gateway = relay;
    await ctl.login();
    ctl.file('shrinking', Buffer.alloc(60_000_000));
    const result = await ctl.run(['put', 'shrinking', 'common/'], { expect: 4 });
    assert.match(result.stderr, /became shorter while it was sent/);
    await relay.stop();
  });

  await it('restores echo after Ctrl-C at the password', async () => {
    const ctl = new Secctl(gw);
    await ctl.login();
    const terminal = ctl.terminal(['passwd']);
    await terminal.expect(/Old password:/);
    await sleep(100);
    terminal.type('\x03');
    assert.equal(await terminal.end(), 130);
  });

  await it('two processes do not write one part', async () => {
    const answer = async (request, response) => {
      if (request.url !== '/v1/files/common/data') return false;
      response.writeHead(200, { 'content-length': content.length, etag: `"${'a'.repeat(64)}"` });
      response.write(content.subarray(0, 1000));
      return true;
    };
    const relay = await Relay.start({ gateway: gw, answer });
    const ctl = new Secctl(relay);
    await ctl.login();
    const first = ctl.spawn(['get', 'common/data']);
    await eventually(() => ctl.has(part('data')), 'the part');
    const second = await ctl.run(['get', 'common/data'], { expect: 1 });
    assert.match(second.stderr, /another process/);
    assert.ok(ctl.has(part('data')));
    first.child.kill('SIGINT');
    await first.done;
    await relay.stop();
  });

  await it('stays in the target directory whatever the gateway names', async () => {
    const names = ['../escape', '/etc/escape', 'a/../../escape', '..', '.', '', 'a//b', 'a\\..\\b', 'a\u0000b', 'a\nb', 'out/escape'];
    for (const name of names) {
      const answer = (request, response) => {
        if (!request.url.startsWith('/v1/files/common/tree/')) return false;
        response.writeHead(200, { 'content-type': 'application/json' });
        const entry = { name, path: `common/tree/${name}`, type: 'file', size: 1, sha256: null, owner: null, version: 1 };
        response.end(JSON.stringify({ path: 'common/tree', entries: [entry], next_cursor: null }));
        return true;
      };
      const relay = await Relay.start({ gateway: gw, answer });
      const ctl = new Secctl(relay);
      await ctl.login();
      mkdirSync(ctl.file('tree'));
      symlinkSync(ctl.home, ctl.file('tree/out'));
      const link = name === 'out/escape';
      await ctl.run(['get', '-r', 'common/tree'], { expect: link ? 1 : 4 });
      assert.deepEqual(readdirSync(ctl.cwd), ['tree'], name);
      assert.deepEqual(readdirSync(ctl.file('tree')), ['out'], name);
      assert.deepEqual(readdirSync(ctl.home), ['default'], name);
      await relay.stop();
    }
  });
});
