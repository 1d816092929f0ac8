// SPDX-License-Identifier: Apache-2.0
// Files with secctl: store, fetch, list, delete; one, many, trees, streams.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from './lib/suite.mjs';
import { sha256 } from './lib/content.mjs';
import { Relay } from './lib/relay.mjs';
import { Secctl, plain } from './lib/secctl.mjs';

// Path -> content of everything below a directory; directories end in "/".
function tree(directory, prefix = '') {
  const found = {};
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) Object.assign(found, { [`${prefix}${entry.name}/`]: '' }, tree(path, `${prefix}${entry.name}/`));
    else found[prefix + entry.name] = readFileSync(path, 'latin1');
  }
  return found;
}

suite('secctl_files', async ({ gw, it }) => {
  const ctl = new Secctl(gw);
  await ctl.signup();
  const big = randomBytes(3_000_000);
  ctl.file('big.bin', big);

  await it('stores, fetches, shows and deletes a file', async () => {
    const put = await ctl.run(['put', 'big.bin', 'common/docs/']);
    assert.match(put.stdout, /^common\/docs\/big\.bin {2}2\.9M {2}new\n$/);
    assert.equal(put.stderr, '', 'no progress bar in a pipe');
    assert.match((await ctl.run(['put', 'big.bin', 'common/docs/big.bin'])).stdout, /replaced/);
    await ctl.run(['get', 'common/docs/big.bin', '-o', 'copy.bin']);
    assert.ok(ctl.read('copy.bin').equals(big));
    assert.ok((await ctl.run(['cat', 'common/docs/big.bin'])).bytes.equals(big));
    assert.ok((await ctl.run(['get', 'common/docs/big.bin', '-o', '-'])).bytes.equals(big));
    assert.ok(!ctl.has('copy.bin.secctl-part') && !ctl.has('copy.bin.secctl-part-etag'));
    await ctl.run(['rm', 'common/docs/big.bin']);
    const gone = await ctl.run(['get', 'common/docs/big.bin', '-o', 'gone'], { expect: 2 });
    assert.match(gone.stderr, /not-found, request/);
    assert.ok(!ctl.has('gone') && !ctl.has('gone.secctl-part'));
  });

  await it('prints JSON documents', async () => {
    const entry = await ctl.json(['put', 'big.bin', 'common/json.bin']);
    assert.equal(entry.sha256, sha256(big));
    const got = await ctl.json(['get', 'common/json.bin', '-o', 'j.bin']);
    assert.deepEqual(got, { path: 'common/json.bin', local: 'j.bin', size: big.length, sha256: sha256(big), resumed_at: 0 });
    const list = await ctl.json(['ls', 'common/']);
    assert.deepEqual(Object.keys(list), ['path', 'entries', 'next_cursor']);
    assert.ok(list.entries.some((e) => e.name === 'json.bin'));
    assert.equal((await ctl.json(['ls', 'common/json.bin'])).sha256, sha256(big));
    assert.deepEqual((await ctl.json(['ls', '/'])).spaces.map((s) => s.name), ['common', '~root-admin']);
    assert.deepEqual(await ctl.json(['rm', 'common/json.bin']), { path: 'common/json.bin', deleted: true });
    const failed = await ctl.run(['rm', 'common/json.bin', '--json'], { expect: 2 });
    assert.equal(JSON.parse(failed.stderr).error.problem.code, 'not-found');
  });

  await it('uses my own space where none is named', async () => {
    ctl.file('note', 'mine\n');
    assert.match((await ctl.run(['put', 'note'])).stdout, /^~root-admin\/note /);
    for (const path of ['note', '~me/note', '~root-admin/note', '/~me/note', './note']) {
      assert.equal((await ctl.run(['cat', path])).stdout, 'mine\n', path);
    }
    assert.equal((await ctl.run(['ls'])).stdout, 'note\n');
    assert.equal((await ctl.run(['ls', '/'])).stdout, 'common/\n~root-admin/\n');
  });

  await it('stores standard input', async () => {
    await ctl.run(['put', '-', 'common/stdin.bin'], { input: big });
    assert.ok((await ctl.run(['cat', 'common/stdin.bin'])).bytes.equals(big));
    await ctl.run(['put', '-', 'common/empty'], { input: '' });
    assert.equal((await ctl.run(['cat', 'common/empty'])).bytes.length, 0);
    await ctl.run(['get', 'common/empty']);
    assert.equal(ctl.read('empty').length, 0);
    await ctl.run(['put', '-'], { input: 'x', expect: 1 });
  });

  await it('knows conditions', async () => {
    ctl.file('v1', 'one');
    ctl.file('v2', 'two');
    await ctl.run(['put', '--create-only', 'v1', 'common/v']);
    const refused = await ctl.run(['put', '--create-only', 'v2', 'common/v'], { expect: 2 });
    assert.match(refused.stderr, /precondition-failed/);
    await ctl.run(['put', '--if-match', sha256('two'), 'v2', 'common/v'], { expect: 2 });
    await ctl.run(['put', '--if-match', `"${sha256('one')}"`, 'v2', 'common/v']);
    assert.equal((await ctl.run(['cat', 'common/v'])).stdout, 'two');
    await ctl.run(['put', '--if-match', 'x', '--create-only', 'v2', 'common/v'], { expect: 1 });
  });

  const names = ['a', 'b c', 'ü', '日本', '-dash', 'per%20cent', 'q?#&', "it's"];
  await it('stores and fetches trees, several files at once', async () => {
    mkdirSync(ctl.file('t/deep/er'), { recursive: true });
    mkdirSync(ctl.file('t/none'));
    for (const name of names) ctl.file(`t/${name}`, `content of ${name}`);
    for (let i = 0; i < 30; i++) ctl.file(`t/deep/er/${i}`, randomBytes(10_000));
    symlinkSync('/etc/passwd', ctl.file('t/link'));
    const put = await ctl.run(['put', '-r', 't', 'common/']);
    assert.match(put.stderr, /t\/link is no regular file; left out/);
    await ctl.run(['get', '-r', 'common/t', '-o', 'back']);
    const wanted = tree(ctl.file('t'));
    delete wanted.link;
    assert.deepEqual(tree(ctl.file('back')), wanted);
    mkdirSync(ctl.file('into'));
    await ctl.run(['get', '-r', '-j', '8', 'common/t', '-o', 'into']);
    assert.deepEqual(tree(ctl.file('into/t')), wanted);
    await ctl.run(['put', '-r', 't/.', 'common/flat']);
    assert.equal((await ctl.run(['cat', 'common/flat/ü'])).stdout, 'content of ü');
    await ctl.run(['put', 't', 'common/'], { expect: 1 });
    const single = await ctl.run(['get', 'common/t', '-o', 'nothing'], { expect: 2 });
    assert.match(single.stderr, /use -r/);
    await ctl.run(['put', 't/a', 't/b c', 'common/two']);
    assert.equal((await ctl.run(['ls', 'common/two'])).stdout, 'a\nb c\n');
    await ctl.run(['get', 'common/two/a', 'common/two/b c', '-o', 'dir/']);
    assert.deepEqual(Object.keys(tree(ctl.file('dir'))), ['a', 'b c']);
  });

  await it('keeps connections', async () => {
    const relay = await Relay.start({ gateway: gw });
    const other = new Secctl(relay);
    await other.login();
    relay.connections = relay.mostActive = 0;
    await other.run(['get', '-r', '-j', '4', 'common/t', '-o', 'x']);
    assert.ok(relay.mostActive <= 4, `${relay.mostActive} at once`);
    assert.ok(relay.mostActive >= 2, 'several at once');
    assert.ok(relay.connections <= 4, `${relay.connections} connections`);
    await relay.stop();
  });

  await it('goes on after one of many fails', async () => {
    const result = await ctl.run(['get', 'common/two/a', 'common/two/none', 'common/two/b c', '-o', 'some/'], { expect: 2 });
    assert.match(result.stderr, /common\/two\/none/);
    assert.deepEqual(Object.keys(tree(ctl.file('some'))), ['a', 'b c']);
    await ctl.run(['put', 'missing', 't/a', 'common/two/'], { expect: 1 });
  });

  await it('lists as ls does', async () => {
    const long = await ctl.run(['ls', '-l', 'common/']);
    assert.match(long.stdout, /^- +root-admin +3000000 [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2} stdin\.bin$/m);
    assert.match(long.stdout, /^d +root-admin +- .* t\/$/m);
    assert.match((await ctl.run(['ls', '-lh', 'common/stdin.bin'])).stdout, / 2\.9M .* stdin\.bin\n$/);
    const bySize = await ctl.run(['ls', '--sort', '-size', 'common/']);
    assert.equal(bySize.stdout.split('\n')[0], 'stdin.bin');
    await ctl.run(['ls', '--sort', 'colour'], { expect: 1 });
    const all = await ctl.run(['ls', '-R', 'common/t']);
    assert.ok(all.stdout.includes('\ndeep/er/7\n'));
    const both = await ctl.run(['ls', 'common/two', 'common/flat/deep/']);
    assert.equal(both.stdout, 'common/two/:\na\nb c\n\ncommon/flat/deep/:\ner/\n');
    const none = await ctl.run(['ls', 'common/none', 'common/two'], { expect: 2 });
    assert.match(none.stderr, /common\/none: not found/);
    assert.match(none.stdout, /b c/);
    const terminal = ctl.terminal(['ls', 'common/t']);
    assert.equal(await terminal.end(), 0);
    assert.match(terminal.output, /\x1b\[1;34mdeep\/\x1b\[0m/);
    assert.match(plain(terminal.output), /^-dash {2,}b c {2,}/m);
  });

  await it('lists more than a page', async () => {
    mkdirSync(ctl.file('many'));
    for (let i = 0; i < 1100; i++) ctl.file(`many/${String(i).padStart(4, '0')}`, 'x');
    await ctl.run(['put', '-q', '-r', '-j', '16', 'many', 'common/']);
    assert.equal((await ctl.run(['ls', 'common/many'])).stdout.trim().split('\n').length, 1100);
    assert.equal((await ctl.json(['ls', 'common/many'])).entries.length, 1100);
  });

  await it('tells files from directories', async () => {
    await ctl.run(['ls', 'common/stdin.bin/'], { expect: 2 });
    await ctl.run(['put', 'note', 'common/two'], { expect: 2 });
    await ctl.run(['put', 'note', 'common/stdin.bin/x'], { expect: 2 });
    for (const args of [['get', 'common/two/'], ['cat', 'common/two/'], ['get', '-r', '/', '-o', 'all'], ['rm', '-r', '/']]) {
      const result = await ctl.run(args, { expect: 1 });
      assert.match(result.stderr, /next: /);
    }
    await ctl.run(['rm', '-r', 'common'], { expect: 2 });
  });

  await it('deletes trees', async () => {
    const refused = await ctl.run(['rm', 'common/t'], { expect: 2 });
    assert.match(refused.stderr, /secctl rm -r/);
    await ctl.run(['rm', '-r', 'common/t', 'common/many']);
    await ctl.run(['ls', 'common/t'], { expect: 2 });
  });

  await it('shows a progress bar on a terminal only', async () => {
    writeFileSync(ctl.file('huge'), Buffer.alloc(60_000_000, 7));
    const terminal = ctl.terminal(['put', 'huge', 'common/']);
    assert.equal(await terminal.end(), 0, terminal.output);
    assert.match(terminal.output, /\[#*[>.#]*\] +[0-9]+% .*\/57M/);
    assert.match(terminal.output, /\r\x1b\[K/);
    assert.match(plain(terminal.output), /common\/huge {2}57M {2}new/);
    const silent = ctl.terminal(['get', 'common/huge', '--no-progress', '-o', 'h']);
    assert.equal(await silent.end(), 0);
    assert.doesNotMatch(silent.output, /%/);
    assert.equal((await ctl.run(['get', 'common/huge', '-o', 'h2'])).stderr, '');
  });

  await it('never passes control characters on to a terminal', async () => {
    const evil = 'x\u001b[31m\u009b\u202e\ny';
    const name = 'x\\x1b[31m\\xc2\\x9b\\u{202e}\\x0ay';
    const answer = (request, response) => {
      if (!request.url.startsWith('/v1/files/')) return false;
      const entry = { name: evil, path: `common/${evil}`, type: 'file', size: 1, sha256: null, owner: evil, version: 1 };
      const page = { path: 'common', entries: [{ ...entry, modified: '2026-01-01T00:00:00.000Z' }], next_cursor: null };
      const problem = { type: 'urn:x', title: evil, status: 404, detail: evil, code: 'not-found', request_id: 'r' };
      const list = request.url.includes('/?');
      response.writeHead(list ? 200 : 404, { 'content-type': list ? 'application/json' : 'application/problem+json' });
      response.end(JSON.stringify(list ? page : problem));
      return true;
    };
    const relay = await Relay.start({ gateway: gw, answer });
    const other = new Secctl(relay);
    await other.login();
    for (const args of [['ls', '-l', 'common/'], ['ls', 'common/'], ['ls', '-l', '--json', 'common/'], ['cat', 'common/x']]) {
      const { stdout, stderr } = await other.run(args, { expect: null });
      assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/, args.join(' '));
    }
    assert.ok((await other.run(['ls', 'common/'])).stdout.includes(name));
    await relay.stop();
  });
});
