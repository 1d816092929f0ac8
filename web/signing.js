// SPDX-License-Identifier: Apache-2.0
// What the views of signing share: the formats and their files, links between the views, a record in
// words. It asks the gateway for nothing.

import { fromBase64 } from './digest.js';
import { button, el, facts, icon } from './dom.js';
import { bytes, moment } from './format.js';
import { recordText } from './record.js';
import { user } from './session.js';
import { save } from './transfers.js';

/** The formats; `tool` reads it, `end` is what its file is called after the signed one. */
export const FORMATS = [
  { id: 'minisign', tool: 'minisign', end: '.minisig' },
  { id: 'signify', tool: 'signify', end: '.sig', long: '.signify.sig' },
  { id: 'sshsig', tool: 'ssh-keygen', end: '.sig', long: '.sshsig.sig' },
  { id: 'cms', tool: 'certtool, openssl', end: '.p7s', binary: true },
  { id: 'dsse', tool: 'in-toto', end: '.intoto.jsonl' },
  { id: 'raw', tool: 'openssl', end: '.sig', long: '.raw.sig', binary: true },
];

export const KEY_TYPES = { ed25519: 'Ed25519', 'ecdsa-p256': 'ECDSA P-256', 'rsa-3072': 'RSA 3072' };

/** A checkbox for a format. @returns {{root: HTMLElement, input: HTMLInputElement}} */
export function formatBox({ id, tool }, checked) {
  const input = el('input', { type: 'checkbox', value: id, checked });
  const hint = tool === id ? null : el('small', {}, ` for ${tool}`);
  return { root: el('label', { class: 'check' }, input, el('span', {}, id, hint)), input };
}

/** The formats that a key may sign in. */
export function formatsOf(key) {
  const only = key.type === 'ed25519' ? [] : ['minisign', 'signify'];
  return FORMATS.filter(({ id }) => key.formats.includes(id) && !only.includes(id));
}

const baseName = (name) => name.split('/').at(-1);

/** The files that a signature (or a directory's manifest) is kept in: `[{name, label, blob}]`. */
export function filesOf(signature) {
  const base = baseName(signature.name);
  const formats = signature.formats ?? {};
  const given = FORMATS.filter(({ id }) => formats[id] !== undefined);
  const sigs = given.filter(({ end }) => end === '.sig').length;
  const files = given.map(({ id, end, long, binary }) => ({
    name: base + (end === '.sig' && sigs > 1 ? long : end),
    label: id,
    blob: new Blob([binary ? fromBase64(formats[id]) : formats[id]], { type: 'application/octet-stream' }),
  }));
  if (signature.lines) files.unshift({ name: base, label: 'list', blob: new Blob([signature.lines]) });
  if (signature.log?.proof) {
    files.push({ name: `${base}.tlog-proof`, label: 'proof', blob: new Blob([signature.log.proof]) });
  }
  files.push({
    name: `${base}.record.json`,
    label: 'record',
    blob: new Blob([`${JSON.stringify(signature)}\n`], { type: 'application/json' }),
  });
  return files;
}

/** Buttons that save the files of a signature. */
export function downloads(signature) {
  return el(
    'ul',
    { class: 'downloads', 'aria-label': `Files for ${signature.name}` },
    filesOf(signature).map(({ name, label, blob }) =>
      el(
        'li',
        {},
        button(label, { icon: 'download', 'aria-label': `Download ${name}`, title: name }, () =>
          save(blob, name),
        ),
      ),
    ),
  );
}

/** Links between the views of signing. */
export function signingNav(current) {
  const views = [
    ['sign', 'Sign', true],
    ['verify', 'Verify', false],
    ['log', 'Log', false],
    ['keys', 'Keys', true],
  ].filter(([, , needsUser]) => !needsUser || user());
  return el(
    'nav',
    { class: 'tabs', 'aria-label': 'Signing' },
    el(
      'ul',
      {},
      views.map(([name, title]) =>
        el('li', {}, el('a', { href: `#/${name}`, 'aria-current': name === current ? 'page' : null }, title)),
      ),
    ),
  );
}

/** "hello 2.10-3, deb": what kind of thing it says it is; empty when it says nothing. */
export function packageOf({ package: name, vrmf, ftype }) {
  return [[name, vrmf].filter(Boolean).join(' '), ftype === 'file' ? '' : ftype].filter(Boolean).join(', ');
}

const SOURCES = { content: 'the content', request: 'whoever signed', name: 'the file’s name' };

/** A record, line by line. */
export function recordFacts(record) {
  return facts([
    ['File', el('strong', {}, record.name)],
    ['Signed', `${moment(record.timestamp)} with ${record.key}, version ${record.key_version}`],
    ['Size', record.size === undefined ? null : bytes(record.size)],
    [
      'Package',
      packageOf(record) ? `${packageOf(record)} (says ${SOURCES[record.source] ?? record.source})` : null,
    ],
    ['Fileset', record.fileset || null],
    ['SHA-256', el('code', {}, record.digest.sha256)],
    ['Key id', el('code', {}, record.keyid)],
    ['Algorithm', record.algorithm],
  ]);
}

/** The record that an entry of the log holds; null when it is none. */
export function recordOf(entry) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(entry);
    const record = JSON.parse(text);
    return recordText(record) === text ? record : null;
  } catch {
    return null;
  }
}

/** A check as a line: `{state: 'good'|'bad'|'unknown', text}`. */
export function checkRow({ state, text }) {
  const words = { good: 'Good: ', bad: 'Wrong: ', unknown: 'Open: ' };
  return el(
    'li',
    { 'data-state': state },
    icon(state),
    el('span', {}, el('span', { class: 'visually-hidden' }, words[state]), text),
  );
}
