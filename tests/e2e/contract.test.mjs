// SPDX-License-Identifier: Apache-2.0
// The document is valid OpenAPI 3.1, says what it must, and agrees with the route table of the program.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { checkExample, document, errorTable, operations, resolve } from './lib/contract.mjs';
import { secgated } from './lib/gateway.mjs';

test('contract', async (t) => {
  await t.test('the document is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document));
    assert.deepEqual(result.errors ?? [], []);
    assert.equal(result.valid, true);
  });

  await t.test('operationIds are unique, in snake case, and each has a test file', () => {
    const ids = operations.map((operation) => operation.id);
    assert.equal(new Set(ids).size, ids.length);
    ids.forEach((id) => assert.match(id, /^[a-z]+(_[a-z]+)+$/));
    const files = new Set(readdirSync(new URL('.', import.meta.url)));
    assert.deepEqual(ids.filter((id) => !files.has(`${id}.test.mjs`)), []);
  });

  await t.test('path parameters are described, for every operation', () => {
    for (const operation of operations) {
      const named = [...operation.template.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
      const described = operation.parameters.filter((p) => p.in === 'path').map((p) => p.name).sort();
      assert.deepEqual(described, named, operation.id);
    }
  });

  await t.test('objects of requests and answers are closed', () => {
    const open = Object.entries(document.components.schemas)
      .filter(([, schema]) => [schema.type].flat().includes('object') && schema.additionalProperties !== false)
      .map(([name]) => name);
    assert.deepEqual(open.sort(), ['DeviceRequest', 'TokenForm', 'TokenRequest']);
  });

  await t.test('protected operations answer 401, admin ones 403', () => {
    for (const { id, security, spec } of operations) {
      if (security.length > 0) assert.ok(spec.responses['401'], id);
      if (spec['x-role'] === 'admin') assert.ok(spec.responses['403'], id);
    }
  });

  await t.test('codes are those of the error table, each with its status', () => {
    const table = errorTable();
    for (const operation of operations) {
      for (const [status, reference] of Object.entries(operation.spec.responses)) {
        const response = resolve(reference);
        if (Number(status) < 400) continue;
        assert.ok(response['x-codes']?.length > 0, `${operation.id} ${status}`);
        if (!response.content['application/problem+json']) continue;
        for (const code of response['x-codes']) assert.equal(table.get(code), Number(status), `${operation.id} ${code}`);
      }
    }
    const known = document.components.schemas.Problem.properties.code.enum;
    const expected = [...table].filter(([, status]) => status !== 499).map(([code]) => code);
    assert.deepEqual([...known].sort(), expected.sort());
  });

  await t.test('examples fit their schemas', () => {
    let count = 0;
    const media = (content, where) => {
      for (const [type, { schema, example }] of Object.entries(content ?? {})) {
        if (example === undefined) continue;
        count += 1;
        assert.equal(checkExample(schema, example), null, `${where} ${type}`);
      }
    };
    for (const { id, spec, parameters } of operations) {
      media(resolve(spec.requestBody)?.content, `${id} request`);
      for (const [status, response] of Object.entries(spec.responses)) media(resolve(response).content, `${id} ${status}`);
      for (const { name, schema, example } of parameters) {
        if (example !== undefined) assert.equal(checkExample(schema, example), null, `${id} ${name}`);
      }
    }
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      for (const example of schema.examples ?? []) {
        count += 1;
        assert.equal(checkExample(schema, example), null, name);
      }
    }
    assert.ok(count > 30);
  });

  await t.test('the route table of the program and the document are the same', () => {
    const lines = execFileSync(secgated, ['routes'], { encoding: 'utf8' }).trim().split('\n').sort();
    const described = operations.map(({ method, template, id }) => `${method} ${template} ${id}`).sort();
    assert.deepEqual(lines.map((line) => line.trim().replace(/\s+/g, ' ')), described);
  });
});
