// SPDX-License-Identifier: Apache-2.0
// What secctl does with a gateway that lies about signatures, keys, the log and the time; and that it sends no content.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { suite } from './lib/suite.mjs';
import { Relay } from './lib/relay.mjs';
import { Secctl } from './lib/secctl.mjs';

const HISTORY = 5;

suite('secctl_sign_integrity', async ({ gw, it }) => {
  const direct = new Secctl(gw);
  await direct.signup();
  await direct.run(['keys', 'create', 'k', '-q']);
  await direct.run(['keys', 'create', 'other', '-q']);
  for (let i = 0; i < 20; i++) direct.file(`f${i}`, `f${i}`);
  await direct.run(['sign', '--key', 'k', '--format', 'minisign,record', '-q', ...Array.from({ length: 20 }, (_, i) => `f${i}`)]);

  // A client behind a relay; lies[path]: what is done to the answers to requests whose path begins so.
  const lies = {};
  const bodies = [];
  const relay = await Relay.start({
    gateway: gw,
    answer: (request) => {
      // Without listening, which would take the body away from whoever passes it on.
      const emit = request.emit.bind(request);
      request.emit = (name, ...values) => (name === 'data' && bodies.push(values[0]), emit(name, ...values));
      return false;
    },
    spoil: async (what) => {
      for (const [path, lie] of Object.entries(lies)) if (what.request.url.startsWith(path)) await lie(what);
      if (what.headers['content-length']) what.headers['content-length'] = String(what.body.length);
    },
  });
  const behind = async () => {
    for (const path of Object.keys(lies)) delete lies[path];
    const ctl = new Secctl(relay);
    await ctl.login();
    ctl.cwd = direct.cwd;
    return ctl;
  };
  const json = (change) => (what) => {
    const document = JSON.parse(what.body.toString());
    what.body = Buffer.from(JSON.stringify(change(document) ?? document));
  };

  await it('sends no content', async () => {
    const ctl = await behind();
    const secret = randomBytes(24).toString('base64');
    ctl.file('secret', `${secret.repeat(100)}\n`);
    bodies.length = 0;
    await ctl.run(['sign', '--key', 'k', '--format', 'raw,minisign,signify,sshsig,dsse', '-q', 'secret']);
    const sent = Buffer.concat(bodies).toString('latin1');
    assert.ok(sent.includes('"sha256":'));
    assert.ok(!sent.includes(secret) && sent.length < 4000, String(sent.length));
  });

  await it('writes no signature of something else', async () => {
    const ctl = await behind();
    ctl.file('mine', 'mine');
    lies['/v1/signatures'] = json((d) => {
      d.signatures[0].digest.sha256 = '0'.repeat(64);
    });
    const found = await ctl.run(['sign', '--key', 'k', 'mine'], { expect: 4 });
    assert.match(found.stderr, /the gateway has signed something else/);
    assert.ok(!ctl.has('mine.record.json'));
    lies['/v1/signatures'] = json((d) => {
      d.signatures[0].name = '../mine';
    });
    await ctl.run(['sign', '--key', 'k', 'mine'], { expect: 4 });
    lies['/v1/signatures'] = json((d) => {
      d.signatures = [];
    });
    await ctl.run(['sign', '--key', 'k', 'mine'], { expect: 2 });
    lies['/v1/signatures'] = (what) => (what.body = Buffer.from('{"signatures":'));
    await ctl.run(['sign', '--key', 'k', 'mine'], { expect: 2 });
    lies['/v1/signatures'] = json((d) => {
      delete d.signatures[0].log;
    });
    await ctl.run(['sign', '--key', 'k', 'mine'], { expect: 2 });
    assert.ok(!ctl.has('mine.tlog-proof'));
  });

  await it('writes nothing outside of its target', async () => {
    const ctl = await behind();
    ctl.file('one', 'one');
    await ctl.run(['put', 'one', 'common/d/one', '-q']);
    for (const name of ['../evil', '/tmp/evil', 'a/../../evil']) {
      lies['/v1/signatures'] = json((d) => {
        d.signatures[0].name = name;
      });
      const found = await ctl.run(['sign', '--key', 'k', '--out', 'o', '--stored', 'common/d/'], { expect: 4 });
      assert.match(found.stderr, /could be outside of the target/);
    }
    assert.ok(!ctl.has('evil.record.json') && !ctl.has('o'));
  });

  await it('does not take another key for the one that signed', async () => {
    const ctl = await behind();
    const other = (await direct.run(['keys', 'public', 'other'])).bytes;
    lies['/v1/keys/k/public'] = (what) => (what.body = other);
    assert.match((await ctl.run(['verify', 'f0'], { expect: 1 })).stdout, /NOT VALID\n(.*\n)*.*\((key-mismatch|signature-invalid)\)/);
    // What is pinned is not fetched again.
    const pinned = await behind();
    await pinned.run(['verify', 'f0']);
    lies['/v1/keys/k/public'] = (what) => (what.body = other);
    await pinned.run(['verify', 'f0', 'f1']);
    const shown = (await direct.json(['log'])).time_key;
    lies['/v1/log'] = json((d) => {
      d.key = shown;
    });
    assert.match((await pinned.run(['verify', 'f0'], { expect: HISTORY })).stderr, /THE KEY OF THE LOG IS NOT/);
  });

  await it('follows no log whose entries, hashes, proofs or checkpoint are altered', async () => {
    const ctl = await behind();
    await ctl.run(['log', 'check', '-q']);
    direct.file('more', 'more');
    await direct.run(['sign', '--key', 'k', '-q', 'more']);
    const flip = (at) => (what) => {
      what.body[at < 0 ? what.body.length + at : at] ^= 1;
    };
    const drop = (what) => (what.body = what.body.subarray(0, what.body.length - 1));
    const cases = [
      ['/log/tile/entries/', flip(60), /not those that its hashes are of/],
      ['/log/tile/entries/', flip(1), /missing or damaged|not those that its hashes are of/],
      ['/log/tile/entries/', drop, /missing or damaged/],
      ['/log/tile/0/', flip(3), /not those that its hashes are of/],
      ['/log/tile/0/', drop, /not those that its hashes are of/],
      ['/log/checkpoint', flip(-10), /checkpoint is (not signed with the key of the log|malformed)/],
      ['/log/checkpoint', (what) => (what.body = Buffer.from(what.body.toString().replace(/\n\d+\n/, '\n9999\n'))), /not signed/],
      ['/log/checkpoint', (what) => Object.assign(what, { status: 404 }), /become smaller/],
      ['/v1/log/consistency', json((d) => {
        d.proof[0] = Buffer.alloc(32).toString('base64');
      }), /proof that the log only grew does not hold/],
      ['/v1/log/consistency', json((d) => {
        d.proof = [];
      }), /proof that the log only grew does not hold/],
    ];
    for (const [path, lie, words] of cases) {
      for (const known of Object.keys(lies)) delete lies[known];
      lies[path] = lie;
      const found = await ctl.run(['log', 'check'], { expect: HISTORY });
      assert.match(found.stderr, words, path);
    }
    for (const known of Object.keys(lies)) delete lies[known];
    assert.match((await ctl.run(['log', 'check'])).stdout, /1 of them new/);
  });

  await it('believes no time that was said before, or altered', async () => {
    const ctl = await behind();
    let old;
    lies['/v1/daytime'] = json((d) => {
      if (old) d.statement = old;
      else old = d.statement;
    });
    await ctl.run(['daytime', '--signed']);
    assert.match((await ctl.run(['daytime', '--signed'], { expect: 4 })).stderr, /another nonce: an old statement/);
    lies['/v1/daytime'] = json((d) => {
      d.statement.note = d.statement.note.replace(/time 2\d/, 'time 19');
    });
    assert.match((await ctl.run(['daytime', '--signed'], { expect: 4 })).stderr, /not signed/);
    lies['/v1/daytime'] = json((d) => {
      delete d.statement;
    });
    await ctl.run(['daytime', '--signed'], { expect: 4 });
  });

  await relay.stop();
});
