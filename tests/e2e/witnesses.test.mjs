// SPDX-License-Identifier: Apache-2.0
// Keys with a quorum: no signature leaves before k of n witnesses have cosigned the log that holds it.
import assert from 'node:assert/strict';
import { checkSigned, itemOf, publicPem } from './lib/signing.mjs';
import { suite } from './lib/suite.mjs';
import { noteIsSigned, parseProof } from './lib/tlog.mjs';
import { Witness } from './lib/witness.mjs';

suite('witnesses', async ({ gw, it }) => {
  const admin = await gw.admin();
  const { key: vkey } = (await admin.get('/v1/log', { expect: 200 })).json;
  const witnesses = await Promise.all(['w1.example', 'w2.example', 'w3.example'].map((name) => Witness.start(name, () => vkey)));
  const sign = (names, expect = 201, key = 'k') =>
    admin.post('/v1/signatures', { json: { key, items: names.map((name) => itemOf(name)), formats: key === 'k' ? ['raw'] : [] }, expect });
  const uses = async () => (await admin.get('/v1/keys/k', { expect: 200 })).json.versions[0].uses;
  const cosigners = (signature) => witnesses.filter(({ vkey: key }) => noteIsSigned(parseProof(signature.log.proof).note, key)).map(({ name }) => name);
  const honest = () => witnesses.forEach((witness) => (witness.answer = undefined));
  try {
    await admin.post('/v1/keys', { json: { name: 'k', type: 'ed25519' }, expect: 201 });
    await admin.post('/v1/keys', { json: { name: 'free', type: 'ed25519' }, expect: 201 });
    await admin.patch('/v1/keys/k', { json: { witnesses: witnesses.map(({ listed }) => listed), quorum: 2 }, expect: 200 });
    const pem = await publicPem(admin, 'k');

    await it('are shown with the key', async () => {
      const { json } = await admin.get('/v1/keys/k', { expect: 200 });
      assert.equal(json.quorum, 2);
      assert.deepEqual(json.witnesses, witnesses.map(({ listed }) => listed));
    });

    await it('cosign, and their lines are in the proof', async () => {
      for (let round = 0; round < 3; round++) {
        const { signatures } = (await sign(['a', 'b', 'c'])).json;
        for (const signature of signatures) {
          checkSigned(signature, pem, vkey);
          assert.ok(cosigners(signature).length >= 2);
          assert.match(signature.formats.raw, /^[A-Za-z0-9+/]+=*$/);
        }
      }
      for (const { requests } of witnesses) assert.ok(requests.every(({ path }) => path === '/submit/add-checkpoint'));
    });

    await it('are told what has grown without them', async () => {
      for (let i = 0; i < 5; i++) await sign([`free ${i}`], 201, 'free');
      const before = witnesses.map(({ requests }) => requests.length);
      const { signatures } = (await sign(['after'])).json;
      checkSigned(signatures[0], pem, vkey);
      witnesses.forEach(({ requests }, i) => assert.ok(requests.length - before[i] <= 1, 'one request is enough'));
    });

    await it('k of n are enough, whatever the others do', async (t) => {
      t.after(honest);
      const misdeeds = {
        refuses: (say) => say(403, 'no'),
        breaks: (say) => say(500, ''),
        lies: (say, body) => say(200, witnesses[0].cosign(body.slice(body.indexOf('\n\n') + 2))),
        'signs something else': (say, body, self) => say(200, self.cosign(`${body.slice(body.indexOf('\n\n') + 2).replace(/\n(\d+)\n/, '\n1\n')}`)),
        'talks nonsense': (say) => say(200, '\u2014 nonsense\n'.repeat(200)),
        'says too much': (say) => say(200, 'x'.repeat(1 << 20)),
        'conflicts for ever': (say) => say(409, '0\n', 'text/x.tlog.size'),
        'has seen more': (say) => say(409, '999999999\n', 'text/x.tlog.size'),
        'says nothing': () => {},
      };
      for (const [what, answer] of Object.entries(misdeeds)) {
        witnesses[2].answer = answer;
        const begin = Date.now();
        const { signatures } = (await sign([what])).json;
        assert.ok(Date.now() - begin < 3000, what);
        checkSigned(signatures[0], pem, vkey);
        assert.deepEqual(cosigners(signatures[0]), ['w1.example', 'w2.example'], what);
      }
      honest();
    });

    await it('fewer than k are not: nothing is given out, and nothing can be fetched', async (t) => {
      t.after(honest);
      for (const answer of [(say) => say(403, 'no'), (say, body) => say(200, witnesses[0].cosign(body.slice(body.indexOf('\n\n') + 2)))]) {
        witnesses[1].answer = answer;
        witnesses[2].answer = answer;
        const { json, bytes } = await sign(['withheld'], [503, 'quorum-not-reached']);
        assert.match(json.detail ?? '', /1 of 2|1 .* 2/);
        assert.doesNotMatch(bytes.toString(), /signature"/);
        const { size } = (await admin.get('/v1/log', { expect: 200 })).json;
        const { status, json: got } = await admin.get(`/v1/signatures/${size - 1}`);
        if (status === 200) assert.equal(got.signature, undefined, 'a withheld signature is not given out later');
      }
      honest();
      checkSigned((await sign(['again'])).json.signatures[0], pem, vkey);
    });

    await it('are not asked for other keys', async () => {
      const before = witnesses.map(({ requests }) => requests.length);
      await sign(['x'], 201, 'free');
      assert.deepEqual(witnesses.map(({ requests }) => requests.length), before);
    });

    await it('serve many requests at once', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => sign([`parallel ${i}`])));
      for (const { json } of answers) {
        checkSigned(json.signatures[0], pem, vkey);
        assert.ok(cosigners(json.signatures[0]).length >= 2);
      }
      assert.ok((await uses()) >= 20);
    });

    await it('must be witnesses, over https unless they are on this host', async () => {
      const [{ key, url }] = witnesses.map(({ listed }) => listed);
      for (const witness of [{ key: vkey, url }, { key, url: 'http://witness.example/' }, { key, url: 'https://user:secret@witness.example/' }]) {
        await admin.patch('/v1/keys/free', { json: { witnesses: [witness], quorum: 1 }, expect: [400, 'parameter-invalid'] });
      }
      await admin.patch('/v1/keys/free', { json: { witnesses: [{ key, url }], quorum: 2 }, expect: [400, 'parameter-invalid'] });
    });

    await it('are chosen by admins, not by managers of the key', async () => {
      const ann = await gw.user(admin, 'ann');
      await admin.patch('/v1/keys/free', { json: { managers: ['ann'] }, expect: 200 });
      await ann.patch('/v1/keys/free', { json: { formats: ['raw'] }, expect: 200 });
      await ann.patch('/v1/keys/free', { json: { witnesses: [witnesses[0].listed], quorum: 1 }, expect: [403, 'forbidden'] });
      await ann.patch('/v1/keys/free', { json: { quorum: 0 }, expect: [403, 'forbidden'] });
    });
  } finally {
    await Promise.all(witnesses.map((witness) => witness.stop()));
  }
});
