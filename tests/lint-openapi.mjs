// SPDX-License-Identifier: Apache-2.0
// The OpenAPI document is valid 3.1 and names every operation once.
import { Validator } from '@seriousme/openapi-schema-validator';
import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import YAML from 'yaml';

const file = fileURLToPath(new URL('../openapi/openapi.yaml', import.meta.url));
const result = await new Validator().validate(file);
const problems = result.valid ? [] : [JSON.stringify(result.errors, null, 1)];
const seen = new Set();
const document = YAML.parse(readFileSync(file, 'utf8'));
for (const [path, item] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(item)) {
    if (method === 'parameters') continue;
    const where = `${method.toUpperCase()} ${path}`;
    if (!operation.operationId) problems.push(`${where}: no operationId`);
    if (seen.has(operation.operationId)) problems.push(`${where}: operationId ${operation.operationId} is used twice`);
    if (!operation.summary) problems.push(`${where}: no summary`);
    seen.add(operation.operationId);
  }
}
// What the specification allows and widespread generators do not take.
(function walk(node, where) {
  if (node === null || typeof node !== 'object') return;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'schema' && typeof value === 'boolean') problems.push(`${where}: a boolean schema, write {}`);
    if (key === 'externalValue') problems.push(`${where}: an example outside of the document`);
    walk(value, `${where}/${key}`);
  }
})(document, '');
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
