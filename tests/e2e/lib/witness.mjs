// SPDX-License-Identifier: Apache-2.0
// A witness as in c2sp.org/tlog-witness on 127.0.0.1, written from the specification: it checks what it cosigns.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { extendsTree, noteIsSigned, openCheckpoint, parseNote } from './tlog.mjs';

export class Witness {
  // logKey: function that gives the verifier key of the log that it knows.
  static async start(name, logKey) {
    const witness = new Witness();
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const data = Buffer.concat([Buffer.from([4]), Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url')]);
    const id = createHash('sha256').update(`${name}\n`).update(data).digest().subarray(0, 4);
    Object.assign(witness, { name, id, privateKey, logKey, requests: [], size: 0, root: undefined, answer: undefined });
    witness.vkey = `${name}+${id.toString('hex')}+${data.toString('base64')}`;
    witness.server = createServer((request, response) => witness.serve(request, response));
    await new Promise((done) => witness.server.listen(0, '127.0.0.1', done));
    witness.url = `http://127.0.0.1:${witness.server.address().port}/submit`;
    return witness;
  }

  // As a key lists it.
  get listed() {
    return { key: this.vkey, url: this.url };
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  async serve(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    this.requests.push({ path: request.url, body });
    const say = (status, text, type = 'text/plain') => response.writeHead(status, { 'content-type': type }).end(text);
    if (this.answer) return this.answer(say, body, this);
    return this.judge(say, body);
  }

  judge(say, body) {
    const split = body.indexOf('\n\n');
    const [first, ...proof] = body.slice(0, split).split('\n');
    const note = body.slice(split + 2);
    const [, old] = /^old (0|[1-9][0-9]*)$/.exec(first) ?? [];
    if (old === undefined) return say(400, 'no old size');
    if (!noteIsSigned(note, this.logKey())) return say(403, 'not the log');
    const { size, root } = openCheckpoint(note, this.logKey());
    if (Number(old) > size) return say(400, 'the old size is beyond the new one');
    if (Number(old) !== this.size) return say(409, `${this.size}\n`, 'text/x.tlog.size');
    const hashes = proof.map((text) => Buffer.from(text, 'base64'));
    const holds = this.size === 0 ? hashes.length === 0 : extendsTree(this.size, size, hashes, this.root, root);
    if (!holds) return say(422, 'the proof does not hold');
    Object.assign(this, { size, root });
    return say(200, this.cosign(note));
  }

  cosign(note, time = Math.floor(Date.now() / 1000)) {
    const { body } = parseNote(note);
    const at = Buffer.alloc(8);
    at.writeBigUInt64BE(BigInt(time));
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${body}`), this.privateKey);
    return `\u2014 ${this.name} ${Buffer.concat([this.id, at, signature]).toString('base64')}\n`;
  }
}
