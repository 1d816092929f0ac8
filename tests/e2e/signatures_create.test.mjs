// SPDX-License-Identifier: Apache-2.0
// Signing: stored files, stored directories, digests; all of it or nothing.
import assert from 'node:assert/strict';
import { needsJson, needsToken } from './lib/refusals.mjs';
import { allAfter, here } from './lib/events.mjs';
import { checkPlace, checkSigned, digestsOf, itemOf, narrowToken, needsScope, publicPem } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';

const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

suite('signatures_create', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const bob = await gw.user(admin, 'bob');
  const guest = await gw.user(admin, 'gus', { role: 'guest' });
  const pems = {};
  for (const type of ['ed25519', 'ecdsa-p256', 'rsa-3072']) {
    await admin.post('/v1/keys', { json: { name: type, type }, expect: 201 });
    await admin.patch(`/v1/keys/${type}`, { json: { signers: ['ann'] }, expect: 200 });
    pems[type] = await publicPem(ann, type);
  }
  const { key: vkey } = (await ann.get('/v1/log', { expect: 200 })).json;
  const ask = (items, expect = 201, more = {}, options = {}) =>
    ann.post('/v1/signatures', { json: { key: 'ed25519', items, ...more }, expect, ...options });
  const sign = async (items, more) => (await ask(items, 201, more)).json;
  const size = async () => (await ann.get('/v1/log', { expect: 200 })).json.size;
  // What is refused together with items that could be signed, and leaves nothing behind.
  const bad = async (items, codes, more = {}) => {
    const before = await size();
    const uses = async () => (await admin.get('/v1/keys/ed25519', { expect: 200 })).json.versions[0].uses;
    const used = await uses();
    const { json } = await ask([itemOf('good'), ...items, itemOf('too')], [422, 'items-invalid'], more);
    assert.deepEqual(json.items.map(({ index, code }) => [index, code]), codes.map((code, i) => [i + 1, code]).filter(([, code]) => code), JSON.stringify(json.items));
    assert.equal(await size(), before);
    assert.equal(await uses(), used);
  };
  for (const [path, body] of Object.entries({ 'one.txt': 'one', 'd/b': 'b', 'd/a': 'a', 'd/a-1': 'a-1', 'd/sub/x': 'x', 'd/é': 'e', 'empty': '' })) {
    await ann.put(`/v1/files/common/${path.split('/').map(encodeURIComponent).join('/')}`, { body, expect: 201 });
  }
  await ann.put('/v1/files/common/nothing/', { expect: 201 });
  await ann.put('/v1/files/~me/private.txt', { body: 'mine', expect: 201 });

  await it('signs digests with a key of each type', async () => {
    for (const [key, pem] of Object.entries(pems)) {
      const item = itemOf('hello.txt', 'hello\n');
      const { signatures, manifests } = await sign([item], { key });
      assert.equal(manifests, undefined);
      assert.equal(signatures.length, 1);
      const [one] = signatures;
      checkSigned(one, pem, vkey);
      assert.equal(one.name, 'hello.txt');
      assert.equal(one.size, 6);
      assert.equal(one.key, key);
      assert.equal(one.key_version, 1);
      assert.deepEqual(one.digest, item.digests);
      assert.ok(Math.abs(Date.parse(one.timestamp) - Date.now()) < 60e3);
      assert.deepEqual(one.formats, {});
    }
  });

  await it('keeps the order of the items, also of the same ones', async () => {
    const names = ['z', 'a', 'm', 'a', 'b', 'z'];
    const { signatures } = await sign(names.map((name, i) => itemOf(name, `${i}`)));
    assert.deepEqual(signatures.map(({ name }) => name), names);
    assert.deepEqual(signatures.map(({ digest }) => digest.sha256), names.map((_, i) => digestsOf(`${i}`).sha256));
    assert.equal(new Set(signatures.map(({ log }) => log.index)).size, names.length);
    for (const signature of signatures) checkSigned(signature, pems.ed25519, vkey);
  });

  await it('gives the formats that were asked for', async () => {
    const formats = ['sshsig', 'raw', 'minisign', 'signify', 'cms', 'dsse'];
    const { signatures } = await sign([itemOf('a'), itemOf('b')], { formats });
    for (const signature of signatures) assert.deepEqual(Object.keys(signature.formats).sort(), [...formats].sort());
    const only = await sign([itemOf('a')], { formats: ['dsse'] });
    assert.deepEqual(Object.keys(only.signatures[0].formats), ['dsse']);
  });

  await it('refuses formats that do not exist, are there twice, or are not for the key', async () => {
    for (const formats of [['pgp'], ['RAW'], [''], 'raw', ['raw', 'raw'], [1], null, {}]) await ask([itemOf('a')], [400, 'parameter-invalid'], { formats }, { invalid: true });
    for (const key of ['ecdsa-p256', 'rsa-3072']) {
      for (const format of ['minisign', 'signify']) {
        const { json } = await ask([itemOf('a')], [400, 'parameter-invalid'], { key, formats: ['raw', format] });
        assert.match(json.detail, /format/);
      }
    }
  });

  await it('signs a stored file: its bytes, and its name without the directory', async () => {
    const before = await here(ann);
    const { signatures } = await sign([{ path: 'common/one.txt' }, { path: 'common/d/sub/x' }, { path: 'common/empty' }]);
    assert.deepEqual(signatures.map(({ name, size: bytes }) => [name, bytes]), [['one.txt', 3], ['x', 1], ['empty', 0]]);
    assert.equal(signatures[0].digest.sha256, digestsOf('one').sha256);
    assert.equal(signatures[2].digest.sha256, digestsOf('').sha256);
    for (const signature of signatures) checkSigned(signature, pems.ed25519, vkey);
    const { events } = await allAfter(ann, undefined, before, { types: 'signature.created' });
    assert.deepEqual(events.map(({ space, path }) => [space, path]), [['common', 'one.txt'], ['common', 'd/sub/x'], ['common', 'empty']]);
  });

  await it('has every digest that a format of a stored file needs', async () => {
    const { signatures } = await sign([{ path: 'common/one.txt' }], { formats: ['minisign', 'sshsig', 'cms'] });
    assert.equal(signatures[0].digest['blake2b-512'] ?? digestsOf('one')['blake2b-512'], digestsOf('one')['blake2b-512']);
    assert.match(signatures[0].formats.minisign, /^untrusted comment: /);
  });

  await it('signs a directory: each of its files, and all as one', async () => {
    const { signatures, manifests } = await sign([itemOf('before'), { prefix: 'common/d' }, itemOf('after')]);
    const names = ['a', 'a-1', 'b', 'sub/x', 'é'].sort(byBytes);
    assert.deepEqual(signatures.map(({ name }) => name), ['before', ...names, 'after']);
    assert.equal(manifests.length, 1);
    const [manifest] = manifests;
    checkSigned(manifest, pems.ed25519, vkey);
    assert.equal(manifest.files, 5);
    assert.equal(manifest.name, `${manifest.directory}/SHA256`);
    assert.equal(manifest.ftype, 'manifest');
    assert.equal(manifest.digest.sha256, digestsOf(manifest.lines).sha256);
    assert.equal(manifest.lines, names.map((name) => `SHA256 (${name}) = ${signatures.find((s) => s.name === name).digest.sha256}\n`).join(''));
    for (const signature of signatures.slice(1, -1)) {
      checkSigned(signature, pems.ed25519, vkey);
      checkPlace(signature, manifest);
    }
    for (const signature of [signatures[0], signatures.at(-1)]) assert.equal(signature.manifest, undefined);
  });

  await it('items of the same directory are one too', async () => {
    const { signatures, manifests } = await sign([
      itemOf('b', 'b', { directory: 'dist' }),
      itemOf('x', 'x', { directory: 'other' }),
      itemOf('a', 'a', { directory: 'dist' }),
      itemOf('alone'),
    ]);
    assert.deepEqual(signatures.map(({ name }) => name), ['b', 'x', 'a', 'alone']);
    assert.deepEqual(manifests.map(({ directory, files }) => [directory, files]), [['dist', 2], ['other', 1]]);
    checkPlace(signatures[0], manifests[0]);
    checkPlace(signatures[1], manifests[1]);
    checkPlace(signatures[2], manifests[0]);
    assert.equal(signatures[3].manifest, undefined);
    await bad([itemOf('a', '1', { directory: 'd' }), itemOf('a', '2', { directory: 'd' })], [null, 'duplicate-name']);
  });

  await it('package, fileset, vrmf and ftype come from the request or the name', async () => {
    const fields = { package: 'hello', fileset: 'hello.rte', vrmf: '1.2.3.4', ftype: 'I' };
    const { signatures } = await sign([itemOf('hello_2.10-3_amd64.deb', 'x', fields), itemOf('hello_2.10-3_amd64.deb')]);
    const { package: p, fileset, vrmf, ftype, source } = signatures[0];
    assert.deepEqual({ package: p, fileset, vrmf, ftype, source }, { ...fields, source: 'request' });
    assert.equal(signatures[1].source, 'name');
    assert.deepEqual([signatures[1].package, signatures[1].vrmf], ['hello', '2.10-3']);
  });

  await it('only who is a signer, with a key that is there', async () => {
    const json = { key: 'ed25519', items: [itemOf('a')] };
    for (const client of [bob, guest, admin]) await client.post('/v1/signatures', { json, expect: [403, 'forbidden'] });
    for (const key of ['none', 'ed25519.', 'release']) await ask([itemOf('a')], [404, 'not-found'], { key });
    for (const key of ['', 'A', '../x', 'a/b', 'a'.repeat(65), 7, null]) await ask([itemOf('a')], [400, 'parameter-invalid'], { key }, { invalid: true });
  });

  await it('bad items come back together, each with its reason, and nothing is signed', async () => {
    await bad(
      [{ path: 'common/none' }, { path: 'common/one.txt' }, { path: 'common/d' }, { prefix: 'common/one.txt' }, { prefix: 'common/none' }, { path: '~bob/x' }, itemOf('../x')],
      ['not-found', null, 'is-directory', 'not-a-directory', 'not-found', 'not-found', 'name-invalid']
    );
    await bad([{ prefix: 'common/nothing' }], ['directory-empty']);
    await bad([{ name: 'x', digests: { sha256: digestsOf('x').sha256 } }], ['digest-missing'], { formats: ['minisign'] });
  });

  await it('a thousand bad items are named, with the numbers of theirs', async () => {
    const items = Array.from({ length: 1200 }, (_, i) => ({ path: `common/none-${i}` }));
    const { json } = await ask(items, [422, 'items-invalid']);
    assert.equal(json.items.length, 1000);
    assert.deepEqual([json.items[0].index, json.items[999].index], [0, 999]);
  });

  await it('paths play no tricks', async () => {
    const invalid = ['common/..', 'common/../~ann/private.txt', 'common/./one.txt', 'common//one.txt', '/common/one.txt', '..', 'common/d/../../~ann/private.txt', 'common/\u0001', 'common/a\\b', `common/${'x'.repeat(256)}`];
    const others = ['common/%2e%2e/x', 'common%2fone.txt', '~ann', '~root-admin/x', 'nospace/x', '@bob/x', 'common/one.txt/x'];
    for (const kind of ['path', 'prefix']) {
      for (const value of invalid) await bad([{ [kind]: value }], ['path-invalid']);
      for (const value of others.filter((text) => !(kind === 'prefix' && text === '~ann'))) {
        const { json } = await ask([{ [kind]: value }], [422, 'items-invalid']);
        assert.match(json.items[0].code, /^(not-found|path-invalid|is-directory|not-a-directory)$/, `${kind} ${value}: ${json.items[0].code}`);
      }
    }
    await admin.patch('/v1/keys/ed25519', { json: { signers: ['ann', 'bob', 'gus'] }, expect: 200 });
    for (const client of [bob, guest]) {
      for (const item of [{ path: '~ann/private.txt' }, { prefix: '~ann' }, { prefix: '~ann/' }]) {
        const { json } = await client.post('/v1/signatures', { json: { key: 'ed25519', items: [item] }, expect: [422, 'items-invalid'] });
        assert.equal(json.items[0].code, 'not-found');
      }
    }
    const mine = await sign([{ path: '~me/private.txt' }, { path: '~ann/private.txt' }, { prefix: '~me' }]);
    assert.deepEqual(mine.signatures.map(({ name }) => name), ['private.txt', 'private.txt', 'private.txt']);
    assert.equal(mine.manifests.length, 1);
    await admin.patch('/v1/keys/ed25519', { json: { signers: ['ann'] }, expect: 200 });
  });

  await it('names are those of files below a directory', async () => {
    for (const name of ['a', 'a/b', 'a b', 'é€😀', 'x'.repeat(1024), '%2e%2e', 'a..b', '...']) await sign([itemOf(name)]);
    const refused = ['..', '.', '/a', 'a//b', 'a/../b', './a', 'a\nb', 'a\u007f', 'a/'];
    await bad(refused.map((name) => itemOf(name, 'x')), refused.map(() => 'name-invalid'));
    for (const name of ['', 'x'.repeat(1025), 7, null]) await ask([{ ...itemOf('x'), name }], [400, 'parameter-invalid'], {}, { invalid: true });
  });

  await it('digests are whole and known, and the place of what is wrong is said', async () => {
    const { sha256, sha512 } = digestsOf('x');
    const wrong = {
      sha256: [{ sha256: '00' }, { sha256: sha256.slice(1) }, { sha256: `${sha256}00` }, { sha256: sha256.replace(/^./, 'g') }, { sha256: '' }, { sha256: 7 }, { sha256: null }, { sha512 }],
      sha512: [{ sha256, sha512: sha256 }, { sha256, sha512: '' }],
      'blake2b-512': [{ sha256, 'blake2b-512': '00' }],
      md5: [{ sha256, md5: 'd41d8cd98f00b204e9800998ecf8427e' }],
      SHA256: [{ sha256, SHA256: sha256 }],
    };
    for (const [member, all] of Object.entries(wrong)) {
      for (const digests of all) {
        const { json } = await ask([itemOf('a'), { name: 'x', digests }], [400, 'parameter-invalid'], {}, { invalid: true });
        assert.ok(json.detail.startsWith(`items[1].digests.${member}: `), json.detail);
      }
    }
    await sign([{ name: 'x', digests: { sha256: sha256.toUpperCase() } }]);
  });

  await it('an item is one thing', async () => {
    const wrong = [
      {}, { name: 'x' }, { digests: digestsOf('x') }, { path: 'common/one.txt', prefix: 'common/d' }, { ...itemOf('x'), path: 'common/one.txt' },
      { ...itemOf('x'), prefix: 'common/d' }, { path: 'common/one.txt', size: 3 }, { prefix: 'common/d', package: 'x' }, { path: 'common/one.txt', directory: 'd' },
      { path: 'common/one.txt', digests: digestsOf('one') }, { ...itemOf('x'), more: 1 }, { ...itemOf('x'), size: -1 }, { ...itemOf('x'), size: 1.5 }, 7, null, [], 'x',
    ];
    for (const item of wrong) {
      const { json } = await ask([itemOf('a'), item], [400, 'parameter-invalid'], {}, { invalid: true });
      assert.ok(json.detail.startsWith('items[1]'), json.detail);
    }
    for (const items of [[], {}, 'x', null, 7]) await ask(items, [400, 'parameter-invalid'], {}, { invalid: true });
    const twice = JSON.stringify({ key: 'ed25519', items: [itemOf('a')] }).replace('"name":"a"', '"name":"a","name":"b"');
    await ann.post('/v1/signatures', { body: twice, type: 'application/json', invalid: true, expect: [400, 'json-invalid'] });
  });

  await it('10,000 items at once, no more', async () => {
    const items = Array.from({ length: 10000 }, (_, i) => ({ name: `f${i}`, digests: { sha256: digestsOf(`${i}`).sha256 } }));
    const before = await size();
    const started = performance.now();
    const { signatures } = await sign(items);
    console.log(`# 10,000 items: ${Math.round(performance.now() - started)} ms`);
    assert.deepEqual(signatures.map(({ name }) => name), items.map(({ name }) => name));
    assert.equal(await size(), before + 10000);
    for (const i of [0, 1, 4999, 9998, 9999]) checkSigned(signatures[i], pems.ed25519, vkey);
    await ask([...items, itemOf('more')], [400, 'parameter-invalid'], {}, { invalid: true });
  });

  await it('a body has 16 MiB at most', async () => {
    const body = JSON.stringify({ key: 'ed25519', items: [itemOf('a')] });
    await ann.post('/v1/signatures', { body: body + ' '.repeat((16 << 20) - body.length), type: 'application/json', expect: 201 });
    await ann.post('/v1/signatures', { body: body + ' '.repeat((16 << 20) - body.length + 1), type: 'application/json', expect: [413, 'too-large'] });
  });

  await it('others go on meanwhile', async () => {
    const items = Array.from({ length: 10000 }, (_, i) => itemOf(`f${i}`));
    const big = ask(items, 201, { formats: ['minisign', 'sshsig'] });
    let worst = 0;
    let over = false;
    big.then(() => (over = true), () => (over = true));
    while (!over) {
      const started = performance.now();
      await bob.get('/healthz', { expect: 200 });
      worst = Math.max(worst, performance.now() - started);
    }
    const { json } = await big;
    assert.equal(json.signatures.length, 10000);
    console.log(`# worst answer of another: ${Math.round(worst)} ms`);
  });

  await it('many at once all get numbers of their own', async () => {
    const before = await size();
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => sign([itemOf(`p${i}`), itemOf(`q${i}`)])));
    const numbers = answers.flatMap(({ signatures }) => signatures.map(({ log }) => log.index)).sort((a, b) => a - b);
    assert.deepEqual(numbers, Array.from({ length: 120 }, (_, i) => before + i));
    for (const { signatures } of answers) for (const signature of signatures) checkSigned(signature, pems.ed25519, vkey);
  });

  const good = { key: 'ed25519', items: [itemOf('a')] };
  await it('needs JSON as it is described', async () => {
    const limited = { request: (method, path, options) => (options.body?.length > 1 << 20 ? undefined : ann.request(method, path, options)) };
    await needsJson(limited, 'POST', '/v1/signatures', good);
  });
  await it('needs a token', () => needsToken(gw.client(), 'POST', '/v1/signatures', { json: good }));
  await it('needs the scope sign, and files:read for what is stored', async () => {
    await needsScope(gw, ann, 'sign', 'POST', '/v1/signatures', { json: good });
    for (const item of [{ path: 'common/one.txt' }, { prefix: 'common/d' }]) {
      await needsScope(gw, ann, 'files:read', 'POST', '/v1/signatures', { json: { ...good, items: [itemOf('a'), item] } });
    }
    await ann.post('/v1/signatures', { json: good, token: await narrowToken(gw, ann, 'sign'), expect: 201 });
  });
});
