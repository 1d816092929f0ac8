// SPDX-License-Identifier: Apache-2.0
// secctl keys: making, showing and changing keys, and who may sign with them.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { suite } from './lib/suite.mjs';
import { Secctl } from './lib/secctl.mjs';

suite('secctl_keys', async ({ gw, it }) => {
  const ctl = new Secctl(gw);
  await ctl.signup();
  const bob = new Secctl(gw);
  await gw.user(await gw.login('root-admin', 'the first password'), 'bob');
  await bob.login('bob', 'password of bob');
  bob.file('f', 'f');

  await it('makes and shows keys', async () => {
    assert.equal((await ctl.run(['keys'])).stdout, 'NAME  TYPE VERSION STATE SIGNERS\n');
    const made = await ctl.json(['keys', 'create', 'release']);
    assert.deepEqual([made.name, made.type, made.current_version], ['release', 'ed25519', 1]);
    assert.match((await ctl.run(['keys', 'create', 'p', '--type', 'ecdsa-p256', '--expires', '52w'])).stdout, /^key {8}p\ntype {7}ecdsa-p256\n[^]*version 1: keyid [0-9a-f]{64}, made \S+, signs until \S+, 0 signatures\n$/);
    assert.match((await ctl.run(['keys', 'list'])).stdout, /\np +ecdsa-p256 +1 +enabled +root-admin\nrelease +ed25519 +1 +enabled +root-admin\n$/);
    assert.match((await ctl.run(['keys', 'create', 'release'], { expect: 2 })).stderr, /name-taken/);
    await ctl.run(['keys', 'create', 'x', '--type', 'dsa'], { expect: 2 });
    await ctl.run(['keys', 'create', 'x', '--expires', 'soon'], { expect: 1 });
    await ctl.run(['keys', 'show', 'nobody'], { expect: 2 });
    await ctl.run(['keys', 'frobnicate'], { expect: 1 });
    await ctl.run(['keys', 'show'], { expect: 1 });
    assert.match((await bob.run(['keys', 'create', 'mine'], { expect: 2 })).stderr, /forbidden/);
  });

  await it('prints public keys in all forms', async () => {
    const { versions: [{ keyid }] } = await ctl.json(['keys', 'show', 'release']);
    const get = async (format, name = 'release') => (await ctl.run(['keys', 'public', name, '--format', format])).stdout;
    const pem = (await ctl.run(['keys', 'public', 'release'])).stdout;
    const key = createPublicKey(pem);
    assert.equal(createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex'), keyid);
    assert.match(await get('ssh'), /^ssh-ed25519 AAAA/);
    assert.match(await get('minisign'), /^untrusted comment: /);
    assert.match(await get('signify'), /^untrusted comment: /);
    assert.deepEqual(JSON.parse(await get('jwk')).x, key.export({ format: 'jwk' }).x);
    assert.ok(new X509Certificate(await get('x509')).publicKey.equals(key));
    assert.match(await get('ssh', 'p'), /^ecdsa-sha2-nistp256 /);
    await ctl.run(['keys', 'public', 'p', '--format', 'minisign'], { expect: 2 });
    await ctl.run(['keys', 'public', 'release', '--version', '9'], { expect: 2 });
  });

  await it('says who may sign', async () => {
    assert.match((await bob.run(['sign', '--key', 'release', 'f'], { expect: 2 })).stderr, /forbidden/);
    await ctl.run(['keys', 'allow', 'release', 'bob', '-q']);
    await ctl.run(['keys', 'allow', 'release', 'bob', '-q']);
    assert.deepEqual((await ctl.json(['keys', 'show', 'release'])).signers.sort(), ['bob', 'root-admin']);
    await bob.run(['sign', '--key', 'release', '-q', 'f']);
    await ctl.run(['keys', 'deny', 'release', 'bob', '-q']);
    await bob.run(['sign', '--key', 'release', 'f'], { expect: 2 });
    assert.deepEqual((await ctl.json(['keys', 'show', 'release'])).signers, ['root-admin']);
    await ctl.run(['keys', 'allow', 'release'], { expect: 1 });
    await ctl.run(['keys', 'allow', 'release', 'nobody-there'], { expect: 2 });
    assert.match((await bob.run(['keys', 'rotate', 'release'], { expect: 2 })).stderr, /forbidden/);
    await ctl.run(['keys', 'update', 'release', '--managers', 'root-admin,bob', '-q']);
    assert.equal((await bob.json(['keys', 'rotate', 'release'])).current_version, 2);
  });

  await it('changes formats and versions, disables and enables', async () => {
    const key = await ctl.json(['keys', 'update', 'release', '--format', 'minisign,sshsig', '--oldest', '2']);
    assert.deepEqual(key.formats.sort(), ['minisign', 'sshsig']);
    assert.equal(key.oldest_version, 2);
    ctl.file('g', 'g');
    await ctl.run(['sign', '--key', 'release', '--format', 'dsse', 'g'], { expect: 2 });
    assert.match((await ctl.run(['keys', 'show', 'release'])).stdout, /version 1: .*counts no more\nversion 2: /);
    await ctl.run(['keys', 'update', 'release'], { expect: 1 });
    assert.equal((await ctl.json(['keys', 'disable', 'release'])).disabled, true);
    assert.match((await ctl.run(['keys', 'show', 'release'])).stdout, /^key +release \(disabled\)\n/);
    await ctl.run(['sign', '--key', 'release', 'g'], { expect: 2 });
    assert.equal((await ctl.json(['keys', 'enable', 'release'])).disabled, false);
    await ctl.run(['sign', '--key', 'release', '-q', 'g']);
  });

  await it('sets witnesses', async () => {
    const witness = `w.example+${createHash('sha256').update(Buffer.concat([Buffer.from('w.example\n'), Buffer.from([4]), Buffer.alloc(32, 7)])).digest('hex').slice(0, 8)}+${Buffer.concat([Buffer.from([4]), Buffer.alloc(32, 7)]).toString('base64')}`;
    const key = await ctl.json(['keys', 'update', 'p', '--quorum', '1', '--witness', `${witness}=https://w.example/`]);
    assert.deepEqual([key.quorum, key.witnesses], [1, [{ key: witness, url: 'https://w.example/' }]]);
    assert.match((await ctl.run(['keys', 'show', 'p'])).stdout, /quorum +1\nwitness +w\.example\+.* at https:\/\/w\.example\/\n/);
    await ctl.run(['keys', 'update', 'p', '--witness', `${witness}=https://w.example/`], { expect: 1 });
    await ctl.run(['keys', 'update', 'p', '--quorum', '1', '--witness', 'nonsense'], { expect: 1 });
    const none = await ctl.json(['keys', 'update', 'p', '--quorum', '0']);
    assert.deepEqual([none.quorum, none.witnesses], [0, []]);
  });
});
