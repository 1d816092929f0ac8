// SPDX-License-Identifier: Apache-2.0
// Digests, ranges and paths that several tests need.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

export const sha256 = (data) => createHash('sha256').update(data).digest('hex');
export const reprDigest = (data) => `sha-256=:${createHash('sha256').update(data).digest('base64')}:`;

// What follows /v1/files/ and must be refused, as it goes over the wire.
export const badPaths = [
  'common//x',
  'common/x//y',
  '/common/x',
  'common/./x',
  'common/../x',
  'common/..',
  'common/%2e%2e/x',
  'common/%2E/x',
  '..',
  '.',
  'common/a%2fb',
  'common/a%2Fb',
  'common/a%5cb',
  'common/a%5Cb',
  'common/a\\b',
  'common/a%00b',
  'common/a%0ab',
  'common/a%1fb',
  'common/a%7fb',
  'common/a%c2%80b',
  'common/%ff',
  'common/%c3',
  'common/%c0%af',
  'common/%ed%a0%80',
  'common/%f4%90%80%80',
  'common/%',
  'common/%4',
  'common/%zz',
];

// The parts of a multipart/byteranges body.
export function parseByteranges(bytes, contentType) {
  const boundary = /^multipart\/byteranges; ?boundary="?([^";]+)"?$/i.exec(contentType)?.[1];
  assert.ok(boundary, contentType);
  const text = bytes.toString('latin1');
  assert.ok(text.replace(/\r\n$/, '').endsWith(`--${boundary}--`), 'no closing boundary');
  const pieces = text.split(new RegExp(`(?:^|\\r\\n)--${boundary.replace(/[.*+?^$()|[\]\\]/g, '\\$&')}(?:--)?(?:\\r\\n|$)`));
  return pieces.slice(1, -1).map((piece) => {
    const end = piece.indexOf('\r\n\r\n');
    const lines = piece.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
    );
    return { headers, body: Buffer.from(piece.slice(end + 4), 'latin1') };
  });
}
