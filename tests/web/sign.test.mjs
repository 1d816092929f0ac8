// SPDX-License-Identifier: Apache-2.0
// Signing on the page: stored files, folders, local files that never leave the browser; what comes out is
// checked by tools and by code that shares nothing with the page. Then verifying by drop.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../e2e/lib/gateway.mjs';
import { proofHolds, recordHolds, recordText } from '../e2e/lib/tlog.mjs';
import { assertQuiet, drop, dropPaths, row, signUp } from './lib/browser.mjs';
import { tabTo, waitForFocus } from './lib/keys.mjs';
import { addStored, chooseFormats, makeKey, openView, signAll, take, verdictOf } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const LARGE = 65 << 20; // more than the page gives to WebCrypto
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

suite('web sign', { limit: 240000 }, async ({ gw, browser, it }) => {
  const page = await browser.page();
  const disk = temporaryDirectory('secgate-sign-');
  const local = Buffer.from(`stays here ${randomBytes(8).toString('hex')}`);
  const bodies = [];
  page.on('request', (request) => bodies.push(request.postDataBuffer() ?? Buffer.alloc(0)));
  let client;
  let record; // of the local file
  let proof;
  let list; // of a folder
  let listSig;

  const publicKey = async (format) =>
    (await client.get('/v1/keys/release/public', { query: { format }, expect: 200 })).bytes.toString();

  await it('says that there is no key yet, and makes one', async () => {
    await signUp(page, gw);
    client = await gw.login('ann', 'correct horse battery');
    await openView(page, gw, 'sign');
    await page.getByText('There is no key that you may sign with.').waitFor();
    await page.getByRole('link', { name: 'Make one' }).click();
    await makeKey(page, gw, 'release');
  });

  await it('signs a stored file that is chosen in the files', async () => {
    await client.put('/v1/files/common/hello_2.10-3_all.deb', { body: 'not really one', expect: 201 });
    await page.goto(`${gw.origin}/#/files/common/`);
    await row(page, 'hello_2.10-3_all.deb')
      .getByRole('button', { name: /^Sign / })
      .click();
    await chooseFormats(page, ['minisign', 'signify', 'sshsig']);
    await signAll(page, 1);
    writeFileSync(join(disk, 'hello'), 'not really one');
    writeFileSync(join(disk, 'hello.minisig'), await take(page, 'hello_2.10-3_all.deb.minisig'));
    writeFileSync(join(disk, 'key.pub'), await publicKey('minisign'));
    execFileSync('minisign', ['-Vm', join(disk, 'hello'), '-p', join(disk, 'key.pub')]);
    assert.match((await take(page, 'hello_2.10-3_all.deb.sshsig.sig')).toString(), /^-----BEGIN SSH SIGNATURE/);
    assert.match((await take(page, 'hello_2.10-3_all.deb.signify.sig')).toString(), /^untrusted comment:/);
    assert.match(await page.locator('.signed > li').innerText(), /hello 2\.10-3, deb/);
  });

  await it('signs a local file by its digests and never sends it', async () => {
    await openView(page, gw, 'sign');
    await drop(page, [{ name: 'local.bin', bytes: local }]);
    await page.getByText('it needs BLAKE2b, which browsers cannot compute').waitFor();
    assert.ok(await page.locator('.checks input[value=minisign]').isDisabled());
    await chooseFormats(page, ['sshsig']);
    bodies.length = 0;
    await signAll(page, 1);
    for (const body of bodies) assert.ok(!body.includes(local), 'the content is not sent');
    assert.ok(bodies.some((body) => body.includes(sha256(local))));
    record = JSON.parse(await take(page, 'local.bin.record.json'));
    assert.equal(record.digest.sha256, sha256(local));
    assert.equal(record.digest.sha512, createHash('sha512').update(local).digest('hex'));
    assert.equal(record.size, local.length);
    assert.ok(recordHolds(record, await publicKey('pem')));
    proof = (await take(page, 'local.bin.tlog-proof')).toString();
    assert.equal(proof, record.log.proof);
    const { key } = (await client.get('/v1/log', { expect: 200 })).json;
    assert.ok(proofHolds(proof, recordText(record), key));
    writeFileSync(join(disk, 'local.bin'), local);
    writeFileSync(join(disk, 'local.sig'), await take(page, 'local.bin.sig'));
    writeFileSync(join(disk, 'allowed'), `release ${await publicKey('ssh')}`);
    const args = [
      '-Y',
      'verify',
      '-f',
      join(disk, 'allowed'),
      '-I',
      'release',
      '-n',
      'file',
      '-s',
      join(disk, 'local.sig')
    ];
    execFileSync('ssh-keygen', args, { input: local });
  });

  await it('hashes files that are too large for WebCrypto', async () => {
    const large = Buffer.alloc(LARGE, 'large');
    writeFileSync(join(disk, 'large.bin'), large);
    await openView(page, gw, 'sign');
    await dropPaths(page, [join(disk, 'large.bin')]);
    await chooseFormats(page, []);
    await signAll(page, 1);
    const { digest, size } = JSON.parse(await take(page, 'large.bin.record.json'));
    assert.deepEqual([digest, size], [{ sha256: sha256(large) }, LARGE]);
  });

  await it('signs a stored folder as a whole', async () => {
    for (const name of ['a', 'b/c', 'd'])
      await client.put(`/v1/files/common/dist/${name}`, { body: name, expect: 201 });
    await openView(page, gw, 'sign');
    await addStored(page, 'common/dist/');
    await chooseFormats(page, ['signify']);
    await signAll(page, 1, 3);
    const lines = ['a', 'b/c', 'd'].map((name) => `SHA256 (${name}) = ${sha256(name)}\n`).join('');
    assert.equal((await take(page, 'SHA256')).toString(), lines);
    const wanted = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save all records' }).click();
    const saved = readFileSync(await (await wanted).path(), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      saved.map(({ name }) => name),
      ['dist/SHA256', 'a', 'b/c', 'd']
    );
    list = { name: 'SHA256', bytes: lines };
    listSig = { name: 'SHA256.sig', bytes: await take(page, 'SHA256.sig') };
    assert.ok(listSig.bytes.toString().endsWith(lines));
  });

  await it('shows what cannot be signed where it stands, and keeps the rest', async () => {
    await openView(page, gw, 'sign');
    await addStored(page, 'common/hello_2.10-3_all.deb');
    await addStored(page, 'common/nothing');
    await addStored(page, 'common/dist');
    await page.getByRole('button', { name: 'Sign 3 items' }).click();
    await page.getByRole('alert').getByText('Some items cannot be signed').waitFor();
    const states = await page.locator('.items small').evaluateAll((all) => all.map((one) => one.className));
    assert.deepEqual(states, ['bad', 'bad', '']);
    await page.getByText('End it with a slash to sign all that is in it.').waitFor();
    await page.getByRole('button', { name: 'Remove common/nothing' }).click();
    await page.getByRole('button', { name: 'Remove common/dist', exact: true }).click();
    await signAll(page, 1);
    assertQuiet(page, /422/);
    page.context().complaints.length = 0;
  });

  await it('keeps what was chosen while the files are looked at', async () => {
    for (const name of ['hello_2.10-3_all.deb', 'dist']) {
      await page.goto(`${gw.origin}/#/files/common/`);
      await row(page, name)
        .getByRole('button', { name: `Sign ${name}` })
        .click();
      await page.getByRole('heading', { level: 1, name: 'Sign' }).waitFor();
    }
    await chooseFormats(page, []);
    await signAll(page, 2, 4);
  });

  await it('says in the room of the space what was signed', async () => {
    await page.goto(`${gw.origin}/#/chat/common`);
    await page.getByText('ann signed dist, 3 files, with release').first().waitFor();
    await page.getByText('ann signed hello_2.10-3_all.deb with release').first().waitFor();
  });

  await it('signs and verifies by keyboard alone', async () => {
    await openView(page, gw, 'log');
    await tabTo(page, 'Sign');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Sign' }).waitFor();
    await tabTo(page, 'Stored file or folder, the space first');
    await page.keyboard.type('common/hello_2.10-3_all.deb');
    await page.keyboard.press('Enter');
    await waitForFocus(page, 'Stored file or folder, the space first');
    await tabTo(page, 'dsse for in-toto');
    await page.keyboard.press('Space');
    await tabTo(page, 'Sign 1 item');
    await page.keyboard.press('Enter');
    await waitForFocus(page, '1 file signed');
    await tabTo(page, 'Download hello_2.10-3_all.deb.intoto.jsonl');
    const wanted = page.waitForEvent('download');
    await page.keyboard.press('Enter');
    const statement = readFileSync(await (await wanted).path());
    await tabTo(page, 'Verify', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Verify' }).waitFor();
    await tabTo(page, 'Choose files');
    const chooser = page.waitForEvent('filechooser');
    await page.keyboard.press('Enter');
    const mimeType = 'application/octet-stream';
    await (
      await chooser
    ).setFiles([
      { name: 'hello_2.10-3_all.deb', mimeType, buffer: Buffer.from('not really one') },
      { name: 'hello_2.10-3_all.deb.intoto.jsonl', mimeType, buffer: statement }
    ]);
    const { state, checks } = await verdictOf(page, 'hello_2.10-3_all.deb');
    assert.equal(state, 'good', JSON.stringify(checks));
    await waitForFocus(page, 'Verified hello_2.10-3_all.deb');
  });

  await it('verifies a dropped file with its proof and its record in the browser', async () => {
    await openView(page, gw, 'verify');
    bodies.length = 0;
    await drop(page, [
      { name: 'local.bin', bytes: local },
      { name: 'local.bin.tlog-proof', bytes: proof },
      { name: 'local.bin.record.json', bytes: JSON.stringify(record) }
    ]);
    const { state, word, checks } = await verdictOf(page, 'local.bin');
    assert.deepEqual([state, word], ['good', 'Verified'], JSON.stringify(checks));
    assert.equal(checks.length, 7);
    assert.ok(
      checks.some(([, text]) => /^Signed with release, version 1, checked in this browser/.test(text))
    );
    for (const body of bodies) assert.ok(!body.includes(local), 'the content is not sent');
  });

  await it('verifies a signature file, and looks up a file alone', async () => {
    await openView(page, gw, 'log');
    await openView(page, gw, 'verify');
    await drop(page, [
      { name: 'local.bin', bytes: local },
      { name: 'local.bin.sig', bytes: record.formats.sshsig }
    ]);
    assert.equal((await verdictOf(page, 'local.bin')).state, 'good');
    await drop(page, [
      { name: 'renamed', bytes: local },
      { name: 'unsigned', bytes: 'never signed' }
    ]);
    assert.equal((await verdictOf(page, 'renamed')).state, 'good');
    assert.equal((await verdictOf(page, 'unsigned')).word, 'Not signed here');
  });

  await it('verifies the files of a folder with its list', async () => {
    await openView(page, gw, 'log');
    await openView(page, gw, 'verify');
    await drop(page, [
      { name: 'a', bytes: 'a' },
      { name: 'c', bytes: 'b/c' },
      { name: 'd', bytes: 'D' },
      list,
      listSig
    ]);
    await page.getByText('4 results').waitFor();
    const states = {};
    for (const name of ['a', 'c', 'd', 'SHA256']) states[name] = (await verdictOf(page, name)).word;
    assert.deepEqual(states, { a: 'Verified', c: 'Verified', d: 'Not valid', SHA256: 'Verified' });
  });

  await it('finds every change', async () => {
    const changedProof = proof.replace(/^index \d+$/m, `index ${record.log.index === 0 ? 1 : 0}`);
    const text = JSON.stringify(record);
    const sshsig = record.formats.sshsig.replace(
      /\n(.{10})(.)/,
      (all, start, letter) => `\n${start}${letter === 'A' ? 'B' : 'A'}`
    );
    const wrong = [
      ['another content', 'other', 'x.tlog-proof', proof],
      ['another place', local, 'x.tlog-proof', changedProof],
      ['another origin', local, 'x.tlog-proof', proof.replace(/\n([^\n ]+)\/log\n/, '\n$1.example/log\n')],
      ['a proof that is cut', local, 'x.tlog-proof', proof.slice(0, proof.lastIndexOf('\n\n'))],
      ['another name', local, 'x.json', text.replace('"name":"local.bin"', '"name":"other.bin"')],
      ['another time', local, 'x.json', text.replace(/"timestamp":"20/, '"timestamp":"21')],
      ['another key', local, 'x.json', text.replace('"key":"release"', '"key":"nobody"')],
      ['a changed signature file', local, 'x.sig', sshsig]
    ];
    for (const [what, content, name, bytes] of wrong) {
      await drop(page, [
        { name: 'x', bytes: content },
        { name, bytes }
      ]);
      await page.getByText('1 result').waitFor();
      const { state, checks } = await verdictOf(page, 'x');
      assert.equal(state, 'bad', `${what}: ${JSON.stringify(checks)}`);
      await openView(page, gw, 'log');
      await openView(page, gw, 'verify');
    }
    assertQuiet(page, /40[04]/);
    page.context().complaints.length = 0;
  });

  await it('checks ECDSA and RSA too', async () => {
    for (const type of ['ecdsa-p256', 'rsa-3072']) {
      await client.post('/v1/keys', { json: { name: type, type }, expect: 201 });
      const items = [1, 2, 3].map((i) => ({ name: `${type}-${i}`, digests: { sha256: sha256(`${i}`) } }));
      const { json } = await client.post('/v1/signatures', { json: { key: type, items }, expect: 201 });
      await openView(page, gw, 'log');
      await openView(page, gw, 'verify');
      await drop(page, [
        ...[1, 2, 3].map((i) => ({ name: `${type}-${i}`, bytes: `${i}` })),
        ...json.signatures.map((one) => ({ name: `${one.name}.record.json`, bytes: JSON.stringify(one) }))
      ]);
      for (const i of [1, 2, 3]) {
        const { state, checks } = await verdictOf(page, `${type}-${i}`);
        assert.equal(state, 'good', JSON.stringify(checks));
      }
      const [one] = json.signatures;
      await drop(page, [{ name: `${type}-x.record.json`, bytes: JSON.stringify({ ...one, vrmf: '1' }) }]);
      const { state, checks } = await verdictOf(page, `${type}-x.record.json`);
      assert.equal(state, 'bad');
      assert.ok(checks.some(([how, text]) => how === 'bad' && /^The signature is not one of/.test(text)));
    }
  });

  await it('verifies without an account', async () => {
    const guest = await browser.page();
    await openView(guest, gw, 'verify');
    await drop(guest, [
      { name: 'local.bin', bytes: local },
      { name: 'local.bin.record.json', bytes: JSON.stringify(record) }
    ]);
    assert.equal((await verdictOf(guest, 'local.bin')).state, 'good');
    await drop(guest, [{ name: 'alone', bytes: local }]);
    assert.equal((await verdictOf(guest, 'alone')).word, 'Not checked');
    assertQuiet(guest);
    await guest.context().close();
  });

  await it('says so in a browser without Ed25519', async () => {
    const old = await browser.page();
    await old.addInitScript(() => {
      const { importKey } = crypto.subtle;
      crypto.subtle.importKey = function limited(...args) {
        if ((args[2].name ?? args[2]) === 'Ed25519') throw new DOMException('no such', 'NotSupportedError');
        return importKey.apply(this, args);
      };
    });
    await openView(old, gw, 'verify');
    await drop(old, [
      { name: 'local.bin', bytes: local },
      { name: 'local.bin.record.json', bytes: JSON.stringify(record) }
    ]);
    const { state, word, checks } = await verdictOf(old, 'local.bin');
    assert.deepEqual([state, word], ['unknown', 'Not fully checked']);
    assert.equal(checks.filter(([, text]) => /this browser has no Ed25519/.test(text)).length, 2);
    assert.ok(checks.some(([how, text]) => how === 'good' && /^In the log/.test(text)));
    await old.context().close();
  });

  await it('says that the key has been disabled since', async () => {
    await client.patch('/v1/keys/release', { json: { disabled: true }, expect: 200 });
    await openView(page, gw, 'log');
    await openView(page, gw, 'verify');
    await drop(page, [
      { name: 'local.bin', bytes: local },
      { name: 'local.bin.record.json', bytes: JSON.stringify(record) }
    ]);
    const { state, checks } = await verdictOf(page, 'local.bin');
    assert.equal(state, 'bad');
    assert.ok(
      checks.some(([how, text]) => how === 'bad' && /disabled/.test(text)),
      JSON.stringify(checks)
    );
    assert.ok(checks.some(([how, text]) => how === 'good' && /^In the log/.test(text)));
  });

  await it('wrote nothing into the console', async () => assertQuiet(page));
});
