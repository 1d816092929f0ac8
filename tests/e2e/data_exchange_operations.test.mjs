// SPDX-License-Identifier: Apache-2.0
// Every operation of the document inside a sealed message: each is answered as documented or refused, for an admin and
// for a stranger to everything, and the gateway goes on.
import assert from 'node:assert/strict';
import { openChannel } from './lib/channel.mjs';
import { document, operations } from './lib/contract.mjs';
import { suite } from './lib/suite.mjs';

// What cannot be enclosed: exchanges themselves, and what speaks to browsers by cookies.
const open = new Set(['data_exchange', 'events_cookie']);

function example(operation) {
  const path = operation.template.replace(/\{(\w+)\}/g, (_, name) => {
    const { example: value } = operation.parameters.find((p) => p.in === 'path' && p.name === name) ?? {};
    return operation.id === 'sessions_delete' || value === undefined ? 'x' : String(value);
  });
  const inner = { method: operation.method, path };
  const content = operation.spec.requestBody?.content;
  if (content !== undefined) {
    const type = Object.keys(content)[0];
    inner.headers = { 'Content-Type': type.includes('*') ? 'application/octet-stream' : type };
    inner.body = type === 'application/json' ? '{}' : '';
  }
  return inner;
}

suite('data_exchange of every operation', async ({ gw, it }) => {
  const admin = await gw.admin();
  const gus = await gw.user(admin, 'gus', { role: 'guest' });

  for (const user of [admin, gus]) {
    await it(`for ${user.username}`, async () => {
      const { client, channel } = await openChannel(gw, user.username, user.password);
      const { worker } = gw.roles();
      for (const operation of operations) {
        const inner = await channel.exchange(client, example(operation));
        const where = `${operation.id}: ${inner.status} ${inner.body?.slice(0, 300)}`;
        assert.ok(inner.status < 500, where);
        const documented = Object.keys(operation.spec.responses);
        if (open.has(operation.id)) {
          assert.equal(inner.status, 400, where);
          assert.equal(JSON.parse(inner.body).code, 'not-enclosable', where);
        } else {
          assert.ok(documented.includes(String(inner.status)) || inner.status === 403, where);
        }
        assert.equal(gw.roles().worker, worker, where);
      }
      assert.ok(operations.length > 80 && document.openapi.startsWith('3.'));
    });
  }
});
