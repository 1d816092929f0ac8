// SPDX-License-Identifier: Apache-2.0
// Refresh tokens in many hands at once: of one owner with many tabs, and of a thief.
import assert from 'node:assert/strict';
import { decodeJwt } from 'jose';
import { suite } from './lib/suite.mjs';

suite('refresh_races', async ({ gw, it }) => {
  const admin = await gw.admin();
  const ann = await gw.user(admin, 'ann');
  const anyone = gw.client();
  const refresh = (client, refresh_token, expect) =>
    client.post('/v1/oauth/token', { form: { grant_type: 'refresh_token', refresh_token }, expect });
  const audit = async (type) => (await admin.get('/v1/audit', { query: { type, limit: 1000 }, expect: 200 })).json.entries;

  await it('20 parallel refreshes, each on a connection and from an address of its own, give one successor', async () => {
    for (let round = 0; round < 5; round += 1) {
      const owner = await gw.login('ann', ann.password);
      const tabs = Array.from({ length: 20 }, (_, i) => gw.client({ connections: 1, localAddress: `127.0.7.${i + 1}` }));
      await Promise.all(tabs.map((tab) => tab.get('/healthz', { expect: 200 })));
      const answers = await Promise.all(tabs.map((tab) => refresh(tab, owner.session.refresh_token, 200)));
      assert.equal(new Set(answers.map(({ json }) => json.refresh_token)).size, 1);
      assert.equal(new Set(answers.map(({ json }) => json.access_token)).size, 20);
      assert.equal(new Set(answers.map(({ json }) => decodeJwt(json.access_token).sid)).size, 1);
      await Promise.all(answers.map(({ json }, i) => tabs[i].get('/v1/users/me', { token: json.access_token, expect: 200 })));
      await refresh(anyone, answers[0].json.refresh_token, 200);
    }
    assert.equal((await audit('refresh.reused')).length, 0);
  });

  await it('chains of refreshes that overtake each other end nobody who uses the newest', async () => {
    const owner = await gw.login('ann', ann.password);
    let token = owner.session.refresh_token;
    for (let i = 0; i < 30; i += 1) {
      const answers = await Promise.all(Array.from({ length: 4 }, () => refresh(anyone, token, 200)));
      assert.equal(new Set(answers.map(({ json }) => json.refresh_token)).size, 1);
      token = answers[0].json.refresh_token;
    }
  });

  await it('a thief who refreshes first is found out by the owner, and both are out', async () => {
    const owner = await gw.login('ann', ann.password);
    const thief = gw.client({ localAddress: '127.0.0.66' });
    const stolen = owner.session.refresh_token;
    const first = (await refresh(thief, stolen, 200)).json;
    const second = (await refresh(thief, first.refresh_token, 200)).json;
    await thief.get('/v1/users/me', { token: second.access_token, expect: 200 });
    await refresh(owner, stolen, [400, 'invalid_grant']);
    for (const token of [first.access_token, second.access_token, owner.token])
      await thief.get('/v1/users/me', { token, expect: [401, 'session-ended'] });
    for (const token of [stolen, first.refresh_token, second.refresh_token]) await refresh(thief, token, [400, 'invalid_grant']);
    const [entry, ...more] = await audit('refresh.reused');
    assert.equal(more.length, 0);
    assert.equal(entry.subject, 'ann');
    assert.equal(entry.actor, undefined);
    assert.equal(entry.session_id, owner.session.session_id);
    assert.equal(entry.address, '127.0.0.1');
  });

  await it('a thief who comes later is found out himself, and the others of the owner live on', async () => {
    const owner = await gw.login('ann', ann.password);
    const other = await gw.login('ann', ann.password);
    const stolen = owner.session.refresh_token;
    await owner.refresh();
    await owner.refresh();
    const thief = gw.client({ localAddress: '127.0.0.66' });
    await refresh(thief, stolen, [400, 'invalid_grant']);
    await owner.get('/v1/users/me', { expect: [401, 'session-ended'] });
    await other.get('/v1/users/me', { expect: 200 });
    await other.refresh();
    const entries = await audit('refresh.reused');
    assert.equal(entries.length, 2);
    assert.ok(entries.some(({ address }) => address === '127.0.0.66'));
  });

  await it('owner and thief at the same moment: one of them at most goes on, and not for long', async () => {
    for (let round = 0; round < 10; round += 1) {
      const owner = await gw.login('ann', ann.password);
      const before = owner.session.refresh_token;
      const { refresh_token: current } = (await refresh(owner, before, 200)).json;
      const [a, b] = await Promise.all([refresh(owner, current), refresh(anyone, before)]);
      // The old one gave the same successor if it came first; else the family has ended.
      assert.equal(a.status === 200 || a.status === 400, true);
      if (b.status === 200) assert.equal(b.json.refresh_token, current);
      else assert.equal(b.json.error, 'invalid_grant');
      if (b.status === 400 && a.status === 200)
        await anyone.get('/v1/users/me', { token: a.json.access_token, expect: [401, 'session-ended'] });
    }
  });

  await it('a refresh and a logout at the same moment: the session is over', async () => {
    for (let round = 0; round < 10; round += 1) {
      const owner = await gw.login('ann', ann.password);
      const [answer] = await Promise.all([
        refresh(anyone, owner.session.refresh_token),
        owner.delete('/v1/sessions/current', { expect: 204 }),
      ]);
      if (answer.status === 200)
        await anyone.get('/v1/users/me', { token: answer.json.access_token, expect: [401, 'session-ended'] });
      await refresh(anyone, owner.session.refresh_token, [400, 'invalid_grant']);
    }
  });
});
