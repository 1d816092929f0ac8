// SPDX-License-Identifier: Apache-2.0
// HTTP over TLS byte by byte, for requests that no well-kept client would send.
import tls from 'node:tls';
import { once } from 'node:events';

const LIMIT_MS = 60000;

// socket.changed is a promise of the next thing that happens on the socket.
function watch(socket) {
  let wake;
  const renew = () => {
    wake?.();
    socket.changed = new Promise((done) => (wake = done));
  };
  renew();
  for (const event of ['data', 'end', 'close']) socket.on(event, renew);
}

// A TLS connection; rejects if the handshake fails.
export async function connect(gateway, options = {}) {
  const socket = tls.connect({
    host: options.host ?? gateway.host,
    port: gateway.port,
    ca: gateway.ca,
    servername: undefined,
    ...options,
  });
  socket.setNoDelay(true);
  socket.received = Buffer.alloc(0);
  socket.closedBy = new Promise((done) => {
    socket.on('close', () => done(socket.failure ?? null));
  });
  socket.on('error', (error) => (socket.failure = error));
  await Promise.race([
    once(socket, 'secureConnect'),
    socket.closedBy.then((error) => {
      throw error ?? new Error('closed in the handshake');
    }),
  ]);
  socket.on('data', (bytes) => (socket.received = Buffer.concat([socket.received, bytes])));
  watch(socket);
  return socket;
}

function parseHead(text) {
  const [first, ...lines] = text.split('\r\n');
  const start = /^HTTP\/1\.1 ([0-9]{3})(?: (.*))?$/.exec(first);
  if (!start) throw new Error(`not a status line: ${first}`);
  const headers = {};
  for (const line of lines) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).toLowerCase();
    const value = line.slice(at + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return { status: Number(start[1]), headers };
}

function parseChunked(buffer) {
  const parts = [];
  let at = 0;
  for (;;) {
    const end = buffer.indexOf('\r\n', at);
    if (end < 0) return null;
    const size = parseInt(buffer.toString('latin1', at, end), 16);
    if (buffer.length < end + 2 + size + 2) return null;
    if (size === 0) return { body: Buffer.concat(parts), used: end + 4 };
    parts.push(buffer.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

// The first whole answer in the buffer and its length, or null. closed: nothing more will come.
export function parse(buffer, { head = false, closed = false } = {}) {
  const end = buffer.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const { status, headers } = parseHead(buffer.toString('latin1', 0, end));
  const start = end + 4;
  if (head || status === 204 || status === 304 || status < 200) {
    return { status, headers, body: Buffer.alloc(0), used: start };
  }
  if (/chunked/i.test(headers['transfer-encoding'] ?? '')) {
    const chunked = parseChunked(buffer.subarray(start));
    return chunked && { status, headers, body: chunked.body, used: start + chunked.used };
  }
  if (headers['content-length'] !== undefined) {
    const length = Number(headers['content-length']);
    if (buffer.length < start + length) return null;
    return { status, headers, body: buffer.subarray(start, start + length), used: start + length };
  }
  return closed ? { status, headers, body: buffer.subarray(start), used: buffer.length } : null;
}

// Waits for one answer on the connection; null if it is closed without one.
export async function answer(socket, options = {}) {
  const limit = setTimeout(() => socket.destroy(new Error('no answer in time')), options.ms ?? LIMIT_MS);
  let closed = false;
  try {
    for (;;) {
      if (socket.destroyed || socket.readableEnded) closed = true;
      const found = parse(socket.received, { ...options, closed });
      if (found) {
        socket.received = socket.received.subarray(found.used);
        if (found.status === 100 && !options.interim) continue;
        found.text = found.body.toString('utf8');
        const isJson = /json/.test(found.headers['content-type'] ?? '') && found.text !== '';
        found.json = isJson ? JSON.parse(found.text) : undefined;
        return found;
      }
      if (closed) return null;
      await socket.changed;
    }
  } finally {
    clearTimeout(limit);
  }
}

// One connection, these bytes, one answer.
export async function exchange(gateway, bytes, options = {}) {
  const socket = await connect(gateway, options.tls);
  try {
    socket.write(bytes);
    return await answer(socket, options);
  } finally {
    socket.destroy();
  }
}

// A request's text. headers is an array of lines.
export function text(method, path, headers = [], body = '') {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}
