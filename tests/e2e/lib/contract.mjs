// SPDX-License-Identifier: Apache-2.0
// Reads openapi.yaml and checks requests and answers against it. Never talks to the network.
import { randomUUID } from 'node:crypto';
import { readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import YAML from 'yaml';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];
const NO_BODY = new Set([204, 304]);

export const documentPath = fileURLToPath(new URL('../../../openapi/openapi.yaml', import.meta.url));
export const document = YAML.parse(readFileSync(documentPath, 'utf8'));

const ajv = new Ajv2020.default({ strict: false, allErrors: true, validateSchema: false });
addFormats.default(ajv);
for (const format of ['int64', 'binary', 'password']) ajv.addFormat(format, true);
ajv.addSchema(document, 'doc');

// A copy of a schema whose references lead into the document.
function anchor(node) {
  if (Array.isArray(node)) return node.map(anchor);
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string' && value.startsWith('#') ? `doc${value}` : anchor(value),
    ])
  );
}

const compiled = new Map();
function violations(schema, value) {
  if (schema === undefined) return null;
  let check = compiled.get(schema);
  if (!check) compiled.set(schema, (check = ajv.compile(anchor(schema))));
  return check(value) ? null : ajv.errorsText(check.errors, { separator: '\n  ' });
}

// What is wrong with an example, or null.
export function checkExample(schema, example) {
  return violations(schema, example);
}

// Public code -> status, from the one table of errors in the sources.
export function errorTable() {
  const source = readFileSync(new URL('../../../gateway/base/err.h', import.meta.url), 'utf8');
  return new Map([...source.matchAll(/X\(\w+, (\d+), "([a-z-]+)",/g)].map((m) => [m[2], Number(m[1])]));
}

export function resolve(node) {
  let at = node;
  while (at && at.$ref) {
    at = at.$ref
      .slice(2)
      .split('/')
      .reduce((parent, key) => parent[key.replaceAll('~1', '/').replaceAll('~0', '~')], document);
  }
  return at;
}

function templateRegExp(template, parameters) {
  const multi = new Set(parameters.filter((p) => p.in === 'path' && p['x-multi-segment']).map((p) => p.name));
  const escaped = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  const body = escaped.replace(/\{(\w+)\}/g, (_, name) => (multi.has(name) ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`));
  return new RegExp(`^${body}$`);
}

export const operations = [];
for (const [template, item] of Object.entries(document.paths)) {
  for (const method of METHODS.filter((m) => item[m])) {
    const parameters = [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map(resolve);
    operations.push({
      method: method.toUpperCase(),
      template,
      parameters,
      pattern: templateRegExp(template, parameters),
      id: item[method].operationId,
      spec: item[method],
      security: item[method].security ?? document.security,
    });
  }
}

// How closely a template fits: fewer parameters first, then the longer fixed part.
function looseness(operation) {
  const names = operation.template.match(/\{\w+\}/g) ?? [];
  return names.length * 10000 - operation.template.replace(/\{\w+\}/g, '').length;
}

// The one operation that a method and path belong to, or null.
export function match(method, path) {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const fits = operations.filter((o) => o.method === wanted && o.pattern.test(path));
  if (fits.length === 0) return null;
  fits.sort((a, b) => looseness(a) - looseness(b));
  if (fits.length > 1) {
    assert.notEqual(looseness(fits[0]), looseness(fits[1]), `${method} ${path} fits two operations`);
  }
  return fits[0];
}

// Whether the path belongs to any operation, whatever the method.
export function methodsOf(path) {
  const found = operations.filter((o) => o.pattern.test(path));
  const literal = found.filter((o) => !o.template.includes('{'));
  const names = new Set((literal.length ? literal : found).map((o) => o.method));
  if (names.has('GET')) names.add('HEAD');
  names.add('OPTIONS');
  return names;
}

function coerce(schema, text) {
  const type = resolve(schema)?.type;
  if (type === 'integer' || type === 'number') return /^-?[0-9]+$/.test(text) ? Number(text) : text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

function checkParameters(operation, path, query, where) {
  const groups = operation.pattern.exec(path).groups ?? {};
  for (const [name, raw] of Object.entries(groups)) {
    const parameter = operation.parameters.find((p) => p.in === 'path' && p.name === name);
    assert.ok(parameter, `${where}: path parameter ${name} is not described`);
    const bad = violations(parameter.schema, coerce(parameter.schema, decodeURIComponent(raw)));
    assert.equal(bad, null, `${where}: path parameter ${name}: ${bad}`);
  }
  for (const [name, text] of new URLSearchParams(query ?? '')) {
    const parameter = operation.parameters.find((p) => p.in === 'query' && p.name === name);
    assert.ok(parameter, `${where}: query parameter ${name} is not described`);
    const bad = violations(parameter.schema, coerce(parameter.schema, text));
    assert.equal(bad, null, `${where}: query parameter ${name}: ${bad}`);
  }
}

function mediaFor(content, type) {
  if (!content) return undefined;
  const bare = type.split(';')[0].trim().toLowerCase();
  return content[bare] ?? content[`${bare.split('/')[0]}/*`] ?? content['*/*'];
}

// Throws unless the request is one that the document allows.
export function checkRequest(operation, { path, query, type, body, where }) {
  checkParameters(operation, path, query, where);
  const described = resolve(operation.spec.requestBody);
  if (body === undefined || body === null) {
    assert.ok(!described?.required, `${where}: a body is required`);
    return;
  }
  assert.ok(described, `${where}: no body is described`);
  const media = mediaFor(described.content, type ?? 'application/octet-stream');
  assert.ok(media, `${where}: content type ${type} is not described`);
  if (type === 'application/json') {
    const bad = violations(media.schema, JSON.parse(body));
    assert.equal(bad, null, `${where}: request body: ${bad}`);
  } else if (type === 'application/x-www-form-urlencoded' && described.content[type]) {
    const bad = violations(media.schema, Object.fromEntries(new URLSearchParams(body)));
    assert.equal(bad, null, `${where}: request body: ${bad}`);
  }
}

function checkHeaders(described, headers, where) {
  for (const [name, reference] of Object.entries(described ?? {})) {
    const header = resolve(reference);
    const value = headers[name.toLowerCase()];
    if (value === undefined) {
      assert.ok(!header.required, `${where}: header ${name} is missing`);
      continue;
    }
    const bad = violations(header.schema, String(value));
    assert.equal(bad, null, `${where}: header ${name}: ${value}: ${bad}`);
  }
}

// Headers that every answer has, whatever was asked.
export function checkCommonHeaders(headers, where) {
  const common = document['x-common-headers'].map((name) => [name, document.components.headers[name]]);
  checkHeaders(Object.fromEntries(common), headers, where);
}

// Throws unless a problem document agrees with the answer that it came in.
export function checkProblem(problem, status, headers, where) {
  const bad = violations(document.components.schemas.Problem, problem);
  assert.equal(bad, null, `${where}: problem: ${bad}\n${JSON.stringify(problem)}`);
  assert.equal(problem.status, status, `${where}: status in the problem`);
  assert.equal(problem.type, `urn:secgate:error:${problem.code}`, `${where}: type of the problem`);
  assert.equal(problem.request_id, headers['x-request-id'], `${where}: request id in the problem`);
}

// A refusal that any operation can answer with (of tokens: any that takes one), or undefined.
function commonProblem(operation, { method, status, headers, body, where }) {
  const codes = document['x-common-codes'][String(status)];
  const open = operation.spec.security?.length === 0;
  if (!codes || method === 'HEAD' || headers['content-type'] !== 'application/problem+json') return undefined;
  const problem = JSON.parse(body.toString('utf8'));
  if (!codes.includes(problem.code) || (open && !/^certificate-|^user-disabled$/.test(problem.code))) return undefined;
  checkProblem(problem, status, headers, where);
  if (status === 401) assert.ok(headers['www-authenticate'], `${where}: 401 without WWW-Authenticate`);
  return problem;
}

// Throws unless the answer is one that the document describes; body is a Buffer. Returns parsed JSON if it is.
export function checkResponse(operation, { method, status, headers, body, where }) {
  checkCommonHeaders(headers, where);
  const refused = commonProblem(operation, { method, status, headers, body, where });
  if (refused) return refused;
  const response = resolve(operation.spec.responses[String(status)]);
  assert.ok(response, `${where}: status ${status} is not described: ${body.toString('utf8').slice(0, 400)}`);
  checkHeaders(response.headers, headers, where);
  const type = headers['content-type'];
  if (!response.content || NO_BODY.has(status)) {
    assert.equal(body.length, 0, `${where}: status ${status} has a body`);
    return undefined;
  }
  assert.ok(type, `${where}: no content type`);
  const media = mediaFor(response.content, type);
  assert.ok(media, `${where}: content type ${type} is not described`);
  if (method === 'HEAD') {
    assert.equal(body.length, 0, `${where}: a HEAD answer has a body`);
    return undefined;
  }
  const bare = type.split(';')[0].trim();
  const isJson = bare === 'application/json' || bare === 'application/problem+json';
  if (!isJson || (response.content['*/*'] && status < 300)) {
    if (bare.startsWith('text/')) {
      const bad = violations(media.schema, body.toString('utf8'));
      assert.equal(bad, null, `${where}: ${bad}`);
    }
    return undefined;
  }
  const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  const value = JSON.parse(text);
  const bad = violations(media.schema, value);
  assert.equal(bad, null, `${where}: answer: ${bad}\n${text.slice(0, 800)}`);
  if (bare === 'application/problem+json') {
    checkProblem(value, status, headers, where);
    assert.ok(response['x-codes'].includes(value.code), `${where}: code ${value.code} is not described for ${status}`);
  }
  return value;
}

const hits = new Map();

// Remembers that an operation gave this answer.
export function record(operation, status, code) {
  const key = code ? `${status} ${code}` : String(status);
  if (!hits.has(operation.id)) hits.set(operation.id, new Set());
  hits.get(operation.id).add(key);
}

process.on('exit', () => {
  const directory = process.env.SECGATE_E2E_REPORT;
  if (!directory || hits.size === 0) return;
  mkdirSync(directory, { recursive: true });
  const plain = Object.fromEntries([...hits].map(([id, set]) => [id, [...set].sort()]));
  // Numbers of processes come again in a long run.
  writeFileSync(join(directory, `${randomUUID()}.json`), JSON.stringify(plain));
});
