// SPDX-License-Identifier: Apache-2.0
// The audit log across kill -9, a flood of failures, and retention: what was answered is in it, nobody pushes it
// out, and what is left is one piece of the chain.
import assert from 'node:assert/strict';
import { readAll, verify } from '../e2e/lib/audit.mjs';
import { eventually } from '../e2e/lib/gateway.mjs';
import { suite } from '../e2e/lib/suite.mjs';

const KEPT = 1000;
const KILLS = 3;

suite('audit log', { limit: 300000, config: { audit: { 'keep-entries': KEPT, 'keep-young-seconds': 0 } } }, async ({ t, gw, it }) => {
  const admin = await gw.admin();
  const acknowledged = []; // request ids
  let stop = false;
  t.signal.addEventListener('abort', () => (stop = true));

  await it('every act that was answered is in it, whatever happened to the worker', async () => {
    let kills = 0;
    const act = async () => {
      while (!stop) {
        try {
          const answer = await admin.post('/v1/invites', { json: {} });
          if (answer.status === 201) acknowledged.push(answer.headers['x-request-id']);
        } catch (error) {
          if (error.code === 'ERR_ASSERTION') throw error; // else the worker is gone; another one takes its place
        }
      }
    };
    const actors = [act(), act(), act()];
    for (; kills < KILLS; kills += 1) {
      const before = acknowledged.length;
      await eventually(() => acknowledged.length > before + 60, 'acts between kills', 60000);
      process.kill(gw.roles().worker, 'SIGKILL');
    }
    const before = acknowledged.length;
    await eventually(() => acknowledged.length > before + 20, 'acts after the last kill', 60000);
    stop = true;
    await Promise.all(actors);
    const { entries, pruned, head } = await readAll(admin);
    assert.deepEqual(verify(pruned, entries), head);
    const noted = new Set(entries.map((entry) => entry.request_id));
    const missing = acknowledged.filter((id) => !noted.has(id));
    assert.deepEqual(missing, []);
    t.diagnostic(`${acknowledged.length} acts, ${KILLS} kills, ${head.seq} entries`);
  });

  await it('a flood of failures does not push out what users did', async () => {
    const before = (await readAll(admin)).head.seq;
    const login = { json: { username: 'root-admin', password: 'not the password' } };
    const tries = 40;
    for (let i = 0; i < tries; i += 8) {
      await Promise.all(Array.from({ length: 8 }, () => gw.client().post('/v1/sessions', login)));
    }
    await admin.post('/v1/invites', { json: {}, expect: 201 }); // written after them
    const { entries } = await readAll(admin);
    const failures = entries.filter(({ seq, type }) => seq > before && type === 'login.failed');
    const omitted = entries
      .filter(({ seq }) => seq > before)
      .reduce((sum, { details }) => sum + (details?.omitted ?? 0), 0);
    assert.equal(failures.length + omitted, tries);
  });

  await it('keeps as many as it should, and what is left is still a chain', async () => {
    const old = await readAll(admin);
    let last = old.head.seq;
    while (last < KEPT + 300) {
      await Promise.all(Array.from({ length: 20 }, () => admin.post('/v1/invites', { json: {}, expect: 201 })));
      last += 20;
    }
    const whole = await readAll(admin);
    const mark = whole.entries.find(({ seq }) => seq === whole.head.seq - KEPT); // somebody kept this value
    const page = await eventually(async () => {
      const now = (await admin.get('/v1/audit', { query: { limit: 1 }, expect: 200 })).json;
      return now.pruned.seq > 0 && now;
    }, 'the first pruning', 90000);
    assert.equal(page.oldest, page.pruned.seq + 1);
    assert.equal(page.head.seq - page.pruned.seq, KEPT);
    assert.deepEqual(page.pruned, { seq: mark.seq, chain: mark.chain });
    const left = await readAll(admin);
    assert.equal(left.entries[0].seq, page.oldest);
    assert.deepEqual(verify(left.pruned, left.entries), left.head);
    assert.deepEqual(left.entries, whole.entries.filter(({ seq }) => seq > mark.seq));
  });
});
