// SPDX-License-Identifier: Apache-2.0
// An HTTPS client that checks each exchange against the OpenAPI document, both ways.
import assert from 'node:assert/strict';
import { Agent } from 'undici';
import * as contract from './contract.mjs';

const LIMIT_MS = 30000;

function encodeQuery(query) {
  if (query === undefined || query === null) return '';
  const text = typeof query === 'string' ? query : new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}

function bodyOf({ json, form, body, type }) {
  if (json !== undefined) return { body: JSON.stringify(json), type: type ?? 'application/json' };
  if (form !== undefined) {
    return { body: new URLSearchParams(form).toString(), type: type ?? 'application/x-www-form-urlencoded' };
  }
  return { body, type };
}

export class Client {
  // localAddress: where connections come from (127.0.0.0/8). connections: how many at most.
  constructor(gateway, { localAddress, token, connections = 32, tls = {} } = {}) {
    this.gateway = gateway;
    this.token = token;
    this.agent = new Agent({
      connections,
      pipelining: 1,
      localAddress,
      connect: { ca: gateway.ca, timeout: LIMIT_MS, ...tls },
      headersTimeout: LIMIT_MS,
      bodyTimeout: LIMIT_MS,
    });
  }

  async destroy() {
    await this.agent.destroy();
  }

  headersFor(options, type) {
    const headers = { ...(options.headers ?? {}) };
    const token = options.token === undefined ? this.token : options.token;
    if (token) headers.authorization ??= `Bearer ${token}`;
    if (type) headers['content-type'] ??= type;
    return headers;
  }

  // options: query, headers, json | form | body (+ type), token (null = none), signal,
  //   expect: status, or [status, problem code or RegExp]; left out, any documented answer will do
  //   invalid: the request breaks the document on purpose; outside: no operation fits, on purpose
  async request(method, path, options = {}) {
    const where = `${method} ${path}${encodeQuery(options.query)}`;
    const operation = options.outside ? null : contract.match(method, path);
    assert.ok(operation || options.outside || method === 'OPTIONS', `${where}: fits no operation`);
    const { body, type } = bodyOf(options);
    if (operation && !options.invalid) {
      const checked = Buffer.isBuffer(body) || typeof body === 'string' || body === undefined ? body : '';
      contract.checkRequest(operation, { path, query: options.query, type, body: checked, where });
    }
    const answer = await this.agent.request({
      origin: this.gateway.origin,
      path: path + encodeQuery(options.query),
      method,
      headers: this.headersFor(options, type),
      body,
      signal: options.signal,
      highWaterMark: options.highWaterMark,
    });
    if (options.stream) return answer;
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    return this.check({ method, where, operation, options, answer, bytes });
  }

  check({ method, where, operation, options, answer, bytes }) {
    const headers = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')])
    );
    const result = { status: answer.statusCode, headers, bytes };
    if (operation) {
      const what = { method, status: result.status, headers: result.headers, body: bytes, where };
      result.json = contract.checkResponse(operation, what);
    } else {
      contract.checkCommonHeaders(result.headers, where);
      if (result.headers['content-type'] === 'application/problem+json' && method !== 'HEAD') {
        result.json = JSON.parse(bytes.toString('utf8'));
        contract.checkProblem(result.json, result.status, result.headers, where);
      }
    }
    result.code = result.json?.code ?? result.json?.error;
    if (typeof result.code !== 'string') result.code = undefined;
    if (operation) contract.record(operation, result.status, result.status >= 400 ? result.code : undefined);
    if (options.expect !== undefined) this.compare(options.expect, result, where, method);
    return result;
  }

  compare(expect, result, where, method) {
    const [status, code] = Array.isArray(expect) ? expect : [expect];
    const said = result.bytes.toString('utf8').slice(0, 400);
    assert.equal(result.status, status, `${where}: ${said}`);
    if (code === undefined || method === 'HEAD') return;
    if (code instanceof RegExp) assert.match(result.code ?? '', code, `${where}: ${said}`);
    else assert.equal(result.code, code, `${where}: ${said}`);
  }

  get(path, options) {
    return this.request('GET', path, options);
  }

  head(path, options) {
    return this.request('HEAD', path, options);
  }

  put(path, options) {
    return this.request('PUT', path, options);
  }

  post(path, options) {
    return this.request('POST', path, options);
  }

  patch(path, options) {
    return this.request('PATCH', path, options);
  }

  delete(path, options) {
    return this.request('DELETE', path, options);
  }

  options(path, options) {
    return this.request('OPTIONS', path, options);
  }

  // The next access token of this client's session.
  async refresh({ expect = 200, token = this.session.refresh_token } = {}) {
    const form = { grant_type: 'refresh_token', refresh_token: token };
    const answer = await this.post('/v1/oauth/token', { form, token: null, expect });
    if (answer.status === 200) {
      this.token = answer.json.access_token;
      this.session = { ...this.session, refresh_token: answer.json.refresh_token };
    }
    return answer;
  }
}
