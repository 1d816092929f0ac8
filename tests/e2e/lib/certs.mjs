// SPDX-License-Identifier: Apache-2.0
// Client certificates: keys and requests by openssl, and CAs of somebody else.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { temporaryDirectory } from './gateway.mjs';

const work = temporaryDirectory();
let counter = 0;
const fresh = (suffix) => join(work, `${(counter += 1)}.${suffix}`);

export function openssl(...args) {
  const options = typeof args.at(-1) === 'object' ? args.pop() : {};
  return execFileSync('openssl', args, { encoding: 'latin1', stdio: ['pipe', 'pipe', 'pipe'], ...options });
}

export const KINDS = {
  p256: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  p521: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  ed25519: ['ED25519'],
  rsa1024: ['RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  rsa2048: ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
};

export function makeKey(kind = 'p256') {
  return openssl('genpkey', '-algorithm', ...KINDS[kind]);
}

// A request with a subject that nobody should believe.
export function makeRequest(key, { subject = '/CN=root-admin/O=somebody else', extra = [] } = {}) {
  const keyFile = fresh('key');
  writeFileSync(keyFile, key, { mode: 0o600 });
  return openssl('req', '-new', '-key', keyFile, '-subj', subject, ...extra);
}

// A certificate for a client that is logged in: { id, cert, key, json }.
export async function enroll(client, { kind = 'p256', ...members } = {}) {
  const key = makeKey(kind);
  const json = { csr: makeRequest(key), ...members };
  const answer = await client.post('/v1/certificates', { json, expect: 201 });
  return { id: answer.json.id, cert: answer.json.certificate, key, json: answer.json };
}

// The options of gw.client() for connections that show it.
export const showing = ({ cert, key }) => ({ tls: { cert, key } });

// A certificate that its own key has signed.
export function selfSigned(subject) {
  const key = makeKey();
  const keyFile = fresh('key');
  writeFileSync(keyFile, key, { mode: 0o600 });
  return { key, cert: openssl('req', '-x509', '-new', '-key', keyFile, '-subj', subject, '-days', '2') };
}

// What openssl says of a certificate.
export function describe(pem) {
  const options = ['-noout', '-subject', '-issuer', '-nameopt', 'RFC2253', '-ext', 'subjectAltName,extendedKeyUsage,keyUsage,basicConstraints,crlDistributionPoints'];
  return openssl('x509', ...options, { input: pem });
}

// A CA of somebody else: { cert, file, issue(subject, options), revoke(cert), crl() }.
export function otherCa(name = 'Other CA') {
  const key = makeKey();
  const keyFile = fresh('key');
  const file = fresh('pem');
  const index = fresh('index');
  const serials = fresh('serial');
  const config = fresh('cnf');
  writeFileSync(keyFile, key, { mode: 0o600 });
  openssl('req', '-x509', '-new', '-key', keyFile, '-subj', `/CN=${name}`, '-days', '30', '-out', file,
    '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
  writeFileSync(index, '');
  writeFileSync(serials, '1000\n');
  writeFileSync(config, [
    '[ca]', 'default_ca = it', '[it]', `database = ${index}`, `new_certs_dir = ${work}`, `serial = ${serials}`,
    `certificate = ${file}`, `private_key = ${keyFile}`, 'default_md = sha256', 'default_crl_days = 7', 'policy = any', 'unique_subject = no',
    '[any]', 'commonName = optional', 'organizationName = optional', 'emailAddress = optional', '',
  ].join('\n'));
  return {
    file,
    issue(subject, { san, usage = 'clientAuth', start, end, authority = false } = {}) {
      const own = makeKey();
      const request = fresh('csr');
      const out = fresh('pem');
      const extensions = fresh('ext');
      writeFileSync(request, makeRequest(own, { subject }));
      const lines = authority
        ? ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']
        : ['basicConstraints=CA:FALSE', `extendedKeyUsage=${usage}`];
      if (san) lines.push(`subjectAltName=${san}`);
      writeFileSync(extensions, `${lines.join('\n')}\n`);
      const dates = [...(start ? ['-startdate', start] : []), ...(end ? ['-enddate', end] : ['-days', '5'])];
      openssl('ca', '-batch', '-notext', '-config', config, '-in', request, '-out', out, '-extfile', extensions, ...dates);
      return { cert: openssl('x509', '-in', out), key: own, file: out };
    },
    revoke({ file: certificate }) {
      openssl('ca', '-config', config, '-revoke', certificate);
    },
    crl(out = fresh('crl')) {
      openssl('ca', '-config', config, '-gencrl', '-out', out);
      return out;
    },
  };
}

// A certificate by one that a CA issued with `authority`, followed by that.
export function issueBelow({ file, key, cert }, subject) {
  const own = makeKey();
  const [request, keyFile, extensions] = [fresh('csr'), fresh('key'), fresh('ext')];
  writeFileSync(request, makeRequest(own, { subject }));
  writeFileSync(keyFile, key, { mode: 0o600 });
  writeFileSync(extensions, 'basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n');
  const made = openssl('x509', '-req', '-in', request, '-CA', file, '-CAkey', keyFile, '-set_serial', `${(counter += 1)}`, '-days', '5',
    '-extfile', extensions);
  return { cert: `${made}\n${cert}`, key: own };
}

// One request on a connection of its own: { text, status, reused, session }. With `session` of an earlier one it is
// resumed; then no certificate is sent, and the server knows the one of that time.
export function request({ port, ca, cert, key, path = '/v1/tls', session, token }) {
  return new Promise((done, fail) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca, cert, key, session });
    let text = '';
    let kept;
    const head = [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close'];
    if (token) head.push(`Authorization: Bearer ${token}`);
    socket.setEncoding('latin1');
    socket.setTimeout(20000, () => socket.destroy(new Error('no answer')));
    socket.on('session', (bytes) => (kept = bytes));
    socket.on('data', (part) => (text += part));
    socket.on('error', fail);
    socket.on('secureConnect', () => socket.write(`${head.join('\r\n')}\r\n\r\n`));
    socket.on('end', () => {
      socket.end();
      done({ text, status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), reused: socket.isSessionReused(), session: kept });
    });
  });
}
