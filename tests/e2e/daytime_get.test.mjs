// SPDX-License-Identifier: Apache-2.0
// The time of day.
import assert from 'node:assert/strict';
import { suite } from './lib/suite.mjs';

const NEAR_MS = 600e3;

// "Friday, November 20, 2026 16:02:14" of a moment in a zone, made by Node's own zone data.
function spelled(unix, timeZone) {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'long',
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const p = Object.fromEntries(format.formatToParts(new Date(unix * 1000)).map(({ type, value }) => [type, value]));
  return `${p.weekday}, ${p.month} ${p.day}, ${p.year} ${p.hour}:${p.minute}:${p.second}`;
}

suite('daytime_get', async ({ gw, it }) => {
  const anyone = gw.client();
  const get = (query, options) => anyone.get('/v1/daytime', { query, expect: 200, ...options });

  await it('tells the time in UTC, in every form the same', async () => {
    const { json, bytes, headers } = await get();
    assert.equal(headers['content-type'].split(';')[0], 'application/json');
    assert.ok(Math.abs(json.unix * 1000 - Date.now()) < NEAR_MS);
    const ns = BigInt(/"unix_ns": ?([0-9]+)/.exec(bytes.toString())[1]);
    assert.equal(ns / 1000000000n, BigInt(json.unix));
    assert.equal(Math.floor(Date.parse(json.rfc3339) / 1000), json.unix);
    assert.match(json.rfc3339, /\.[0-9]{3}(Z|\+00:00)$/);
    assert.equal(json.timezone, 'UTC');
    assert.equal(json.daytime, `${spelled(json.unix, 'UTC')}-UTC`);
  });

  await it('knows time zones', async () => {
    for (const tz of ['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Kiritimati', 'America/Argentina/Buenos_Aires', 'Etc/GMT+12']) {
      const { json } = await get({ tz });
      assert.equal(json.timezone, tz);
      assert.ok(json.daytime.startsWith(`${spelled(json.unix, tz)}-`), `${tz}: ${json.daytime}`);
      assert.equal(Math.floor(Date.parse(json.rfc3339) / 1000), json.unix);
    }
    assert.match((await get({ tz: 'Asia/Kathmandu' })).json.rfc3339, /\+05:45$/);
    assert.match((await get({ tz: 'Asia/Tokyo' })).json.daytime, /-JST$/);
  });

  await it('refuses what is no time zone', async () => {
    for (const tz of ['Mars/Olympus', 'Europe', '../../../etc/passwd', '/etc/localtime', 'Europe/../Europe/Berlin', 'europe/berlin/', 'UTC\n', 'posix/./UTC', '*']) {
      await get({ tz }, { expect: [400, 'timezone-unknown'] });
    }
    await get({ tz: 'x'.repeat(65) }, { invalid: true, expect: [400, /^(timezone-unknown|parameter-invalid)$/] });
    await get('tz=%00', { invalid: true, expect: [400, /^(timezone-unknown|parameter-invalid)$/] });
    await get('tz=%ff', { invalid: true, expect: [400, /^(timezone-unknown|parameter-invalid)$/] });
    await get('tz=UTC&tz=UTC', { expect: [400, 'parameter-invalid'] });
  });

  await it('gives the line of RFC 867 to those who prefer text', async () => {
    for (const accept of ['text/plain', 'text/plain, application/json;q=0.5', 'application/json;q=0.1, text/*;q=0.9', 'text/plain;charset=utf-8']) {
      const { bytes, headers } = await get({ tz: 'UTC' }, { headers: { accept } });
      assert.match(headers['content-type'], /^text\/plain/, accept);
      assert.match(bytes.toString(), /-UTC\r\n$/);
    }
  });

  await it('gives JSON to those who prefer it or do not care', async () => {
    for (const accept of ['*/*', 'application/json', 'application/*', 'text/plain;q=0.2, application/json', 'text/plain;q=0, */*']) {
      const { headers } = await get({}, { headers: { accept } });
      assert.match(headers['content-type'], /^application\/json/, accept);
    }
  });

  await it('has nothing for those who want neither', async () => {
    await get({}, { headers: { accept: 'image/png' }, expect: [406, 'not-acceptable'] });
    await get({}, { headers: { accept: 'application/json;q=0, text/plain;q=0' }, expect: [406, 'not-acceptable'] });
  });

  await it('a token that is sent is not looked at', async () => {
    await get({}, { token: 'nonsense' });
  });

  await it('twenty clients at once, each on a connection of its own', async () => {
    const clients = Array.from({ length: 20 }, () => gw.client({ connections: 1 }));
    const answers = await Promise.all(clients.map((client) => client.get('/v1/daytime', { expect: 200 })));
    assert.equal(new Set(answers.map(({ headers }) => headers['x-request-id'])).size, 20);
    await Promise.all(clients.map((client) => client.destroy()));
  });
});
