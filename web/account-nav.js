// SPDX-License-Identifier: Apache-2.0
// What the views of the account share: links between them, lists with one act each, boxes to check.

import { button, el } from './dom.js';
import { user } from './session.js';

const VIEWS = [
  { name: 'account', title: 'Account' },
  { name: 'security', title: 'Security' },
  { name: 'access', title: 'Access' },
  { name: 'audit', title: 'Audit', admin: true },
  { name: 'apps', title: 'Apps', admin: true },
];

/** Links between the views of the account; those for admins only where they help. */
export function accountNav(current) {
  return el(
    'nav',
    { class: 'tabs', 'aria-label': 'Account' },
    el(
      'ul',
      {},
      VIEWS.filter(({ admin }) => !admin || user()?.role === 'admin').map(({ name, title }) =>
        el(
          'li',
          {},
          el('a', { href: `#/${name}`, 'aria-current': name === current ? 'page' : null }, title),
        ),
      ),
    ),
  );
}

/** A section with a heading, a list and something below it. */
export function section(id, title, ...content) {
  return el(
    'section',
    { class: 'panel', 'aria-labelledby': id },
    el('h2', { id, class: 'pad', tabindex: -1 }, title),
    content,
  );
}

/**
 * One thing in a list, with a button for what may be done to it.
 * @param {object} item `name`, `tag`, `text` (nodes or strings), `act` (its word), `label` (its
 *   accessible name), `run()`, `data` (to find it by)
 */
export function item({ name, tag, text, act, label, run, data }) {
  return el(
    'li',
    { 'data-name': data ?? name },
    el(
      'div',
      {},
      el('strong', {}, name),
      tag ? el('span', { class: 'tag' }, tag) : null,
      el('small', {}, text),
    ),
    run ? button(act, { 'aria-label': label }, run) : null,
  );
}

/** Items, or a sentence when there are none. */
export function itemList(items, none) {
  return items.length
    ? el('ul', { class: 'sessions' }, items)
    : el('p', { class: 'hint pad none' }, none);
}

/** What a token may do: `[scope, words]`. */
export const SCOPES = [
  ['files:read', 'read files'],
  ['files:write', 'store and remove files'],
  ['chat:read', 'read messages'],
  ['chat:write', 'write messages'],
  ['sign', 'sign'],
  ['verify', 'verify signatures'],
  ['admin', 'what only admins may'],
];

/**
 * Checkboxes as a field of a form.
 * @param {Array} options `[value, words, checked?]`
 * @returns {{root: HTMLElement, input: HTMLInputElement, chosen: () => string[]}}
 */
export function boxes(legend, options) {
  const all = options.map(([value, text, checked]) => {
    const input = el('input', { type: 'checkbox', value, checked });
    return { input, root: el('label', { class: 'check' }, input, el('span', {}, text)) };
  });
  const root = el(
    'fieldset',
    {},
    el('legend', {}, legend),
    el(
      'div',
      { class: 'checks' },
      all.map((box) => box.root),
    ),
  );
  const chosen = () => all.filter(({ input }) => input.checked).map(({ input }) => input.value);
  return { root, input: all[0].input, chosen };
}
