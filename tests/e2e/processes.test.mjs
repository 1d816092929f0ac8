// SPDX-License-Identifier: Apache-2.0
// Parent, worker and keyring: restarts, and private keys in one place only.
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { eventually } from './lib/gateway.mjs';
import { needles, privateKeys } from './lib/keyfiles.mjs';
import { findInMemory } from './lib/memory.mjs';
import { suite } from './lib/suite.mjs';

suite('processes', async ({ gw, it }) => {
  const admin = await gw.admin();
  await admin.put('/v1/files/common/kept', { body: 'kept', expect: 201 });
  const parent = gw.pid;
  const first = gw.roles();
  const alive = async () => (await gw.client().get('/v1/users/me', { token: admin.token }).catch(() => null))?.status === 200;
  const keyFiles = privateKeys(gw.data);

  await it('there is a worker and a keyring', () => {
    assert.ok(first.worker, 'worker');
    assert.ok(first.keyring, 'keyring');
  });

  await it('private keys are in one directory that only its owner can read', () => {
    assert.ok(keyFiles.length >= 3, 'keys of the CA, the server and the tokens');
    const directories = new Set(keyFiles.map(({ file }) => dirname(file)));
    assert.equal(directories.size, 1, [...directories].join(' '));
    for (const { file } of keyFiles) assert.equal(statSync(file).mode & 0o777, 0o600, file);
    assert.equal(statSync([...directories][0]).mode & 0o777, 0o700);
  });

  await it('no descriptor of the worker leads to the keys', () => {
    const directory = dirname(keyFiles[0].file);
    for (const pid of [gw.roles().worker, parent]) {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        let target = '';
        try {
          target = readlinkSync(`/proc/${pid}/fd/${fd}`);
        } catch {
          continue;
        }
        assert.ok(target !== directory && !target.startsWith(`${directory}/`), target);
      }
    }
  });

  await it('no private key is in the memory of the worker or the parent, while in use', async () => {
    const clients = Array.from({ length: 10 }, () => gw.client({ connections: 1 }));
    await Promise.all(clients.map((client) => client.get('/healthz', { expect: 200 })));
    await gw.login('root-admin', 'the first password');
    const wanted = keyFiles.flatMap(needles);
    const { worker, keyring } = gw.roles();
    assert.deepEqual(findInMemory(worker, wanted), []);
    assert.deepEqual(findInMemory(parent, wanted), []);
    assert.notEqual(findInMemory(keyring, wanted).length, 0, 'the scan finds nothing even where the keys are');
  });

  for (const role of ['worker', 'keyring']) {
    await it(`a killed ${role} comes back and the parent stays`, async () => {
      for (let round = 0; round < 2; round += 1) {
        const victim = gw.roles()[role];
        process.kill(victim, 'SIGKILL');
        await eventually(() => gw.roles()[role] && gw.roles()[role] !== victim, `a new ${role}`);
        await eventually(alive, 'an answer');
        assert.equal(gw.pid, parent);
        assert.ok(gw.roles().worker && gw.roles().keyring);
      }
      await gw.login('root-admin', 'the first password');
      const later = gw.client({ token: admin.token });
      assert.equal((await later.get('/v1/files/common/kept', { expect: 200 })).bytes.toString(), 'kept');
    });
  }

  await it('a keyring that hangs for a moment serves again', async () => {
    const { keyring } = gw.roles();
    process.kill(keyring, 'SIGSTOP');
    // More handshakes than there are channels to the keyring.
    const waiting = Array.from({ length: 12 }, () => gw.client({ connections: 1 }).get('/healthz').catch(() => null));
    setTimeout(() => process.kill(keyring, 'SIGCONT'), 3500);
    await Promise.all(waiting);
    await eventually(alive, 'an answer');
    assert.equal(gw.roles().keyring, keyring);
  });

  await it('a keyring that hangs is replaced', async () => {
    const { keyring } = gw.roles();
    process.kill(keyring, 'SIGSTOP');
    await eventually(() => gw.roles().keyring && gw.roles().keyring !== keyring, 'a new keyring', 20000);
    await eventually(alive, 'an answer');
    assert.equal(gw.pid, parent);
  });

  await it('both killed at once come back', async () => {
    const { worker, keyring } = gw.roles();
    process.kill(worker, 'SIGKILL');
    process.kill(keyring, 'SIGKILL');
    await eventually(() => {
      const now = gw.roles();
      return now.worker && now.keyring && now.worker !== worker && now.keyring !== keyring;
    }, 'new roles');
    await eventually(alive, 'an answer');
    await gw.login('root-admin', 'the first password');
  });
});
