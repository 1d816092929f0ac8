// SPDX-License-Identifier: Apache-2.0
// Tests that many operations share: who is let in, and which bodies are refused.
import assert from 'node:assert/strict';
import { eventually } from './gateway.mjs';

// The answer to a token whose key may be unknown. A gateway that does not hear from its keyring in time (50 ms) does not call
// a key unknown: it answers 503, and whoever asks tries again.
export async function decided(ask) {
  let answer;
  await eventually(async () => (answer = await ask()).status !== 503, 'an answer of the keyring');
  return answer;
}

// A token of the right form that no key has signed.
export const strangersToken = [
  Buffer.from('{"alg":"RS256","kid":"none","typ":"at+jwt"}').toString('base64url'),
  Buffer.from('{"sub":"root-admin","exp":4102444800}').toString('base64url'),
  Buffer.alloc(256, 7).toString('base64url'),
].join('.');

// Requests without a token, with a bad one and in the wrong scheme answer 401.
export async function needsToken(client, method, path, options = {}) {
  const refused = async (token, headers, code) => {
    const answer = await decided(() => client.request(method, path, { ...options, token, headers }));
    client.compare([401, code], answer, `${method} ${path}`, method);
    return answer.headers['www-authenticate'];
  };
  assert.equal(await refused(null, {}, 'unauthenticated'), 'Bearer realm="secgate"');
  assert.equal(await refused(null, { authorization: 'Basic YW5uOmFubg==' }, 'unauthenticated'), 'Bearer realm="secgate"');
  assert.match(await refused('nonsense', {}, 'token-invalid'), /error="invalid_token"/);
  assert.match(await refused(strangersToken, {}, 'token-invalid'), /error="invalid_token"/);
}

// A member's token answers 403.
export async function needsAdmin(member, method, path, options = {}) {
  await member.request(method, path, { ...options, expect: [403, 'forbidden'] });
}

// Which of the two codes a wrong member has depends on where it is noticed.
export const BAD_MEMBER = /^(json-invalid|parameter-invalid)$/;

// A JSON operation refuses what is not the object it describes. good: a body that it would take.
export async function needsJson(client, method, path, good, options = {}) {
  const ask = (body, expect, type = 'application/json', headers = {}) =>
    client.request(method, path, { ...options, body, type, headers, invalid: true, expect });
  const text = JSON.stringify(good);
  await ask('', [400, 'json-invalid']);
  await ask('{', [400, 'json-invalid']);
  await ask('[]', [400, BAD_MEMBER]);
  await ask('null', [400, BAD_MEMBER]);
  await ask(`${text} x`, [400, 'json-invalid']);
  await ask(`${text}${text}`, [400, 'json-invalid']);
  await ask(text.replace(/\}$/, `${text === '{}' ? '' : ','}"no_such_member":1}`), [400, BAD_MEMBER]);
  await ask(text, [415, 'unsupported-media-type'], 'text/plain');
  await ask(text, [415, 'unsupported-media-type'], 'application/x-www-form-urlencoded');
  await ask(`${text}${' '.repeat(1 << 20)}`, [413, 'too-large']);
}
