// SPDX-License-Identifier: Apache-2.0
// The audit log: every act is in it with who and from where, and its chain can be verified by docs/audit.md alone.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readAll, verify } from './lib/audit.mjs';
import { selfSigned, showing } from './lib/certs.mjs';
import { needsAdmin, needsToken } from './lib/refusals.mjs';
import { suite } from './lib/suite.mjs';
import { eventually } from './lib/gateway.mjs';

suite('audit_list', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const last = async (type) => (await admin.get('/v1/audit', { query: { type, limit: 1 }, expect: 200 })).json.entries[0];

  await it('knows who did what to whom, from where', async () => {
    await admin.patch('/v1/users/ann', { json: { role: 'admin', disabled: false }, expect: 200 });
    const answer = await admin.patch('/v1/users/ann', { json: { role: 'member' }, expect: 200 });
    const entry = await last('user.updated');
    assert.equal(entry.actor, 'root-admin');
    assert.equal(entry.subject, 'ann');
    assert.equal(entry.address, '127.0.0.1');
    assert.equal(entry.result, 'ok');
    assert.equal(entry.request_id, answer.headers['x-request-id']);
    assert.match(entry.session_id, /^[0-9a-f]{32}$/);
    assert.deepEqual(entry.details, { role: 'member' });
    assert.ok(Math.abs(Date.parse(entry.at) - Date.now()) < 60000);
  });

  await it('has the acts on users, invitations, keys, spaces and members', async () => {
    const before = (await admin.get('/v1/audit', { query: { limit: 1 }, expect: 200 })).json.head.seq;
    await admin.post('/v1/invites', { json: { role: 'guest' }, expect: 201 });
    await gw.user(admin, 'bob');
    await ann.patch('/v1/users/me', { json: { old_password: ann.password, new_password: 'another good password' }, expect: 200 });
    await ann.patch('/v1/users/me', { json: { old_password: 'not the password', new_password: 'yet another password' }, expect: [401, 'credentials-invalid'] });
    await ann.post('/v1/spaces', { json: { name: 'team' }, expect: 201 });
    await ann.put('/v1/spaces/team/members/bob', { json: { role: 'writer' }, expect: 201 });
    await ann.delete('/v1/spaces/team/members/bob', { expect: 204 });
    await ann.delete('/v1/spaces/team', { expect: 204 });
    await admin.post('/v1/keys', { json: { name: 'release', type: 'ed25519' }, expect: 201 });
    await admin.post('/v1/keys/release/rotate', { json: {}, expect: 201 });
    await admin.patch('/v1/keys/release', { json: { disabled: true, signers: ['ann', 'root-admin'] }, expect: 200 });
    await admin.delete('/v1/users/bob', { expect: 204 });
    const { entries } = (await admin.get('/v1/audit', { query: { after: before, limit: 1000 }, expect: 200 })).json;
    const found = entries
      .filter((entry) => !entry.type.startsWith('login'))
      .map(({ type, actor, subject, result, details = {} }) => [type, actor, subject, result, details]);
    const expected = [
      ['invite.created', 'root-admin', undefined, 'ok', { role: 'guest' }],
      ['invite.created', 'root-admin', undefined, 'ok', { role: 'member' }],
      ['user.created', 'bob', 'bob', 'ok', { by: 'code', role: 'member' }],
      ['password.changed', 'ann', 'ann', 'ok', {}],
      ['password.changed', 'ann', 'ann', 'credentials-invalid', {}],
      ['space.created', 'ann', 'team', 'ok', {}],
      ['member.changed', 'ann', 'bob', 'ok', { role: 'writer', space: 'team' }],
      ['member.changed', 'ann', 'bob', 'ok', { role: 'none', space: 'team' }],
      ['space.removed', 'ann', 'team', 'ok', {}],
      ['key.created', 'root-admin', 'release', 'ok', { type: 'ed25519' }],
      ['key.rotated', 'root-admin', 'release', 'ok', { version: 2 }],
      ['key.updated', 'root-admin', 'release', 'ok', { disabled: 'true', signers: 'ann root-admin' }],
      ['user.removed', 'root-admin', 'bob', 'ok', {}],
    ];
    // How this test's gateway invites users is not its subject.
    const rest = (list) => list.filter(([type]) => type !== 'invite.created' && type !== 'session.ended');
    assert.deepEqual(rest(found), rest(expected));
    assert.deepEqual(found.find(([type]) => type === 'invite.created'), expected[0]);
  });

  await it('has logins, logouts and their failures', async () => {
    const bea = await gw.user(admin, 'bea');
    const login = await last('login');
    assert.equal(login.actor, 'bea');
    assert.equal(login.details.method, 'password');
    assert.equal(login.session_id, bea.session.session_id);
    await gw.client().post('/v1/sessions', { json: { username: 'bea', password: 'a wrong password' }, expect: [401, 'credentials-invalid'] });
    const failed = await eventually(() => last('login.failed'));
    assert.equal(failed.actor, undefined);
    assert.equal(failed.subject, 'bea');
    assert.equal(failed.result, 'credentials-invalid');
    await bea.delete('/v1/sessions/current', { expect: 204 });
    const logout = await last('logout');
    assert.equal(logout.actor, 'bea');
    assert.equal(logout.session_id, bea.session.session_id);
  });

  await it('has the reuse of a refresh token', async () => {
    const cy = await gw.user(admin, 'cy');
    const first = cy.session.refresh_token;
    await cy.refresh();
    await cy.refresh();
    await cy.refresh({ token: first, expect: [400, 'invalid_grant'] });
    const entry = await eventually(() => last('refresh.reused'));
    assert.equal(entry.actor, undefined);
    assert.equal(entry.subject, 'cy');
    assert.equal(entry.session_id, cy.session.session_id);
    assert.equal(entry.address, '127.0.0.1');
  });

  await it('has client certificates that were refused', async () => {
    const stranger = selfSigned('/CN=root-admin');
    await gw.client(showing(stranger)).get('/v1/daytime', { expect: [403, 'certificate-unknown'] });
    const entry = await eventually(() => last('certificate.refused'));
    assert.equal(entry.actor, undefined);
    assert.equal(entry.subject, new X509Certificate(stranger.cert).fingerprint256.replaceAll(':', '').toLowerCase());
    assert.equal(entry.result, 'certificate-unknown');
  });

  await it('is one chain, in pages of any size', async () => {
    const whole = await readAll(admin);
    assert.equal(whole.oldest, 1);
    assert.deepEqual(whole.pruned, { seq: 0, chain: '0'.repeat(64) });
    assert.deepEqual(verify(whole.pruned, whole.entries), whole.head);
    for (const limit of [1, 7]) {
      const paged = await readAll(admin, limit);
      assert.deepEqual(paged.entries, whole.entries.slice(0, paged.entries.length));
    }
    const { entries: newest } = (await admin.get('/v1/audit', { query: { limit: 3 }, expect: 200 })).json;
    assert.deepEqual(newest, whole.entries.slice(-3));
    const { entries: older } = (await admin.get('/v1/audit', { query: { limit: 3, before: newest[0].seq }, expect: 200 })).json;
    assert.deepEqual(older, whole.entries.slice(-6, -3));
  });

  await it('an entry that is altered, left out or moved breaks it', async () => {
    const { entries, pruned, head } = await readAll(admin);
    const broken = (change) => {
      const copy = structuredClone(entries);
      change(copy);
      try {
        assert.deepEqual(verify(pruned, copy), head);
      } catch {
        return true;
      }
      return false;
    };
    assert.ok(!broken(() => {}));
    assert.ok(broken((copy) => (copy[2].actor = 'mallory')));
    assert.ok(broken((copy) => (copy[2].at = copy[3].at.replace(/.Z$/, (z) => (z === '0Z' ? '1Z' : '0Z')))));
    assert.ok(broken((copy) => copy.splice(2, 1)));
    assert.ok(broken((copy) => copy.pop()));
    assert.ok(broken((copy) => ([copy[1], copy[2]] = [copy[2], copy[1]])));
  });

  await it('what docs/audit.md says verifies it', async () => {
    const text = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');
    const program = /```python\n(.*?)```/s.exec(text)[1];
    const [, example] = /```\n(\{.*?)```/s.exec(text);
    const run = (input) => execFileSync('python3', ['-c', program], { input, encoding: 'utf8' }).trim();
    assert.ok(text.includes(`It prints \`${run(example)}\``));
    const page = (await admin.get('/v1/audit', { query: { after: 0, limit: 1000 }, expect: 200 })).json;
    assert.equal(run(JSON.stringify(page)), `${page.head.seq} ${page.head.chain}`);
  });

  await it('finds by type, actor and time', async () => {
    const { entries } = await readAll(admin);
    const query = async (filter) => (await admin.get('/v1/audit', { query: { after: 0, limit: 1000, ...filter }, expect: 200 })).json.entries;
    assert.deepEqual(await query({ actor: 'ann' }), entries.filter((entry) => entry.actor === 'ann'));
    assert.deepEqual(await query({ type: 'key.updated' }), entries.filter((entry) => entry.type === 'key.updated'));
    assert.deepEqual(await query({ type: 'login', actor: 'ann' }), entries.filter((entry) => entry.type === 'login' && entry.actor === 'ann'));
    assert.deepEqual(await query({ actor: 'nobody' }), []);
    const [from, to] = [entries[3].at, entries[6].at];
    const between = await query({ since: from, until: to });
    assert.deepEqual(between, entries.filter((entry) => entry.at >= from && entry.at < to));
  });

  await it('refuses what makes no sense', async () => {
    const bad = ['limit=0', 'limit=1001', 'after=-1', 'before=0', 'type=nothing', 'since=yesterday', 'until=', 'after=x', 'limit=1&limit=2'];
    for (const query of bad) await admin.get('/v1/audit', { query, invalid: true, expect: [400, 'parameter-invalid'] });
  });

  await it('is for admins', async () => {
    await needsToken(gw.client(), 'GET', '/v1/audit');
    const dan = await gw.user(admin, 'dan');
    await needsAdmin(dan, 'GET', '/v1/audit');
  });
});
