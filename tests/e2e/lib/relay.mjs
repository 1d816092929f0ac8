// SPDX-License-Identifier: Apache-2.0
// A TLS server with a CA of its own that passes requests on to a gateway, and can spoil what comes back: for
// tests of what a client does when the other side lies, breaks off or is somebody else.
import { createHash, X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { temporaryDirectory } from './gateway.mjs';

// A new CA and a server certificate for localhost and 127.0.0.1 from it.
export function makeAuthority(name = 'relay') {
  const directory = temporaryDirectory();
  const file = (leaf) => join(directory, leaf);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  writeFileSync(file('ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  openssl('req', '-x509', ...ec, '-subj', `/CN=${name} CA`, '-days', '30', '-keyout', file('ca.key'), '-out', file('ca.pem'),
    '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
  openssl('req', ...ec, '-subj', '/CN=localhost', '-keyout', file('key.pem'), '-out', file('csr.pem'));
  openssl('x509', '-req', '-in', file('csr.pem'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial',
    '-days', '20', '-extfile', file('ext'), '-out', file('cert.pem'));
  const ca = readFileSync(file('ca.pem'), 'utf8');
  return {
    ca,
    caFile: file('ca.pem'),
    fingerprint: fingerprintOf(ca),
    key: readFileSync(file('key.pem')),
    cert: readFileSync(file('cert.pem'), 'utf8') + ca,
  };
}

export function fingerprintOf(pem) {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
}

export class Relay {
  // gateway: where requests go. authority: of makeAuthority. port: 0 = any.
  // answer(request, response): if it returns true, it has dealt with the request itself.
  // spoil({ request, status, headers, body }): changes the answer in place; body is a Buffer or null to stream.
  constructor({ gateway, authority = makeAuthority(), answer, spoil, port = 0 } = {}) {
    Object.assign(this, { gateway, authority, answer, spoil, port });
    this.requests = [];
    this.connections = 0;
    this.resumed = 0;
    this.active = 0;
    this.mostActive = 0;
  }

  static async start(options) {
    const relay = new Relay(options);
    relay.server = https.createServer({ key: relay.authority.key, cert: relay.authority.cert }, (request, response) =>
      relay.handle(request, response).catch((error) => response.destroy(error))
    );
    relay.server.on('checkContinue', (request, response) =>
      relay.handle(request, response).catch((error) => response.destroy(error))
    );
    relay.server.on('secureConnection', (socket) => {
      relay.connections += 1;
      if (socket.isSessionReused()) relay.resumed += 1;
      socket.on('error', () => {});
    });
    await new Promise((done) => relay.server.listen(relay.port, '127.0.0.1', done));
    relay.port = relay.server.address().port;
    relay.origin = `https://127.0.0.1:${relay.port}`;
    return relay;
  }

  async handle(request, response) {
    this.requests.push({ method: request.method, path: request.url, headers: request.headers });
    this.active += 1;
    this.mostActive = Math.max(this.mostActive, this.active);
    response.on('close', () => (this.active -= 1));
    if (this.answer && (await this.answer(request, response))) return;
    await this.pass(request, response);
  }

  pass(request, response) {
    return new Promise((done, fail) => {
      const { host, ...headers } = request.headers;
      const upstream = https.request(
        `${this.gateway.origin}${request.url}`,
        { method: request.method, headers, ca: this.gateway.ca, agent: false },
        (answer) => this.giveBack(request, answer, response).then(done, fail)
      );
      upstream.on('error', fail);
      if (!headers.expect) request.pipe(upstream);
      else upstream.flushHeaders();
      upstream.on('continue', () => {
        response.writeContinue();
        request.pipe(upstream);
      });
    });
  }

  async giveBack(request, answer, response) {
    const what = { request, status: answer.statusCode, headers: { ...answer.headers }, body: null };
    if (this.spoil) {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      what.body = Buffer.concat(chunks);
      await this.spoil(what);
    }
    delete what.headers['transfer-encoding'];
    delete what.headers.connection;
    response.writeHead(what.status, what.headers);
    if (what.cutAt !== undefined) {
      response.write(what.body.subarray(0, what.cutAt), () => setTimeout(() => response.destroy(), 50));
    } else if (what.body) {
      response.end(what.body);
    } else {
      answer.pipe(response);
    }
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}
