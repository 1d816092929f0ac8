// SPDX-License-Identifier: Apache-2.0
// The time of day.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from './lib/suite.mjs';
import { noteIsSigned, parseNote } from './lib/tlog.mjs';

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

// What a signed note over the nonce states, after a look at every line of it and its signature.
function opened(note, key, nonce) {
  assert.ok(noteIsSigned(note, key), note);
  const [name, ...lines] = parseNote(note).body.split('\n');
  assert.equal(name, key.split('+')[0]);
  const [, said, day, fraction, error, synchronized] =
    /^nonce (\S+)\ntime (\S{19})\.([0-9]{9})Z\nerror_us ([0-9]+)\nsynchronized (true|false)\n$/.exec(lines.join('\n'));
  assert.equal(said, nonce);
  const ns = BigInt(Date.parse(`${day}Z`)) * 1000000n + BigInt(fraction);
  return { ns, error: Number(error), synchronized: synchronized === 'true' };
}

const unixNs = (bytes) => BigInt(/"unix_ns": ?([0-9]+)/.exec(bytes.toString())[1]);
const fresh = (length = 16) => randomBytes(length).toString('base64url');

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

  await it('states the time over a nonce, signed with the published key', async () => {
    const { time_key: key, origin } = (await anyone.get('/v1/log', { expect: 200 })).json;
    assert.equal(key.split('+')[0], origin.replace(/\/log$/, '/time'));
    for (const length of [16, 17, 33, 64]) {
      const nonce = fresh(length);
      const { json, bytes } = await get({ nonce, tz: 'Asia/Tokyo' });
      assert.equal(json.statement.key, key);
      const { ns, error, synchronized } = opened(json.statement.note, key, nonce);
      assert.equal(ns, unixNs(bytes));
      assert.equal(json.timezone, 'Asia/Tokyo');
      assert.equal(Math.floor(Date.parse(json.rfc3339) / 1000), json.unix);
      assert.equal(synchronized, json.clock.synchronized);
      assert.ok(error >= 0);
      assert.ok(Math.abs(json.unix * 1000 - Date.now()) < NEAR_MS);
    }
    assert.equal((await get()).json.statement, undefined);
    assert.equal((await get({}, { expect: 200 })).json.statement, undefined);
  });

  await it('gives the note alone to those who prefer text', async () => {
    const { time_key: key } = (await anyone.get('/v1/log', { expect: 200 })).json;
    const nonce = fresh();
    const { bytes, headers } = await get({ nonce }, { headers: { accept: 'text/plain' } });
    assert.match(headers['content-type'], /^text\/plain/);
    opened(bytes.toString(), key, nonce);
    const altered = bytes.toString().replace(/error_us [0-9]+/, 'error_us 1');
    assert.ok(!noteIsSigned(altered, key));
  });

  await it('refuses other nonces', async () => {
    const bad = ['', 'A', fresh(15), fresh(65), `${fresh()}=`, `${fresh(17).slice(0, -1)}+`, `${'A'.repeat(21)}B`, 'A'.repeat(25)];
    for (const nonce of bad) await get({ nonce }, { invalid: true, expect: [400, 'parameter-invalid'] });
    const nonce = fresh();
    await get(`nonce=${nonce}&nonce=${nonce}`, { expect: [400, 'parameter-invalid'] });
    await get({ nonce, tz: 'Mars/Olympus' }, { expect: [400, 'timezone-unknown'] });
    await get({ nonce }, { headers: { accept: 'image/png' }, expect: [406, 'not-acceptable'] });
  });

  const state = async (client) => {
    const nonce = fresh();
    const { json } = await client.get('/v1/daytime', { query: { nonce }, expect: 200 });
    return opened(json.statement.note, json.statement.key, nonce).ns;
  };

  await it('is never earlier than what was stated, over restarts too', async () => {
    let last = 0n;
    for (let i = 0; i < 30; i++) {
      const now = await state(anyone);
      assert.ok(now > last);
      last = now;
    }
    const clients = Array.from({ length: 8 }, () => gw.client({ connections: 1 }));
    const all = (await Promise.all(clients.map(async (client) => [await state(client), await state(client)]))).flat();
    assert.equal(new Set(all).size, 16);
    assert.ok(all.every((one) => one > last));
    await gw.restart();
    const later = await state(gw.client());
    assert.ok(all.every((one) => one < later));
  });

  await it('states nothing when the clock was set back', async () => {
    await gw.stop();
    const file = join(gw.data, 'keyring', 'time.state');
    const kept = readFileSync(file);
    const ahead = Buffer.from(kept);
    ahead.writeBigInt64BE(BigInt(Date.now() + 3600e3) * 1000000n, ahead.length - 8);
    writeFileSync(file, ahead);
    gw.listen = `${gw.host}:${gw.port}`;
    await gw.start();
    const client = gw.client();
    await client.get('/v1/daytime', { query: { nonce: fresh() }, expect: [503, 'clock-unreliable'] });
    await client.get('/v1/daytime', { expect: 200 });
    assert.match(gw.log, /keyring\.clock_behind_statements/);
    await gw.stop();
    writeFileSync(file, kept);
    await gw.start();
    await state(gw.client());
  });
});
