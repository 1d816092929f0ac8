// SPDX-License-Identifier: Apache-2.0
// What the views of the account share: links between them, lists with one act each, boxes to check.

import { usersMe } from './api.js';
import { confirm } from './dialogs.js';
import { button, copyable, el, fill } from './dom.js';
import { fail, say } from './notices.js';
import { update, user } from './session.js';
import { setTitle } from './title.js';

const VIEWS = [
  { name: 'account', title: 'Account' },
  { name: 'security', title: 'Security' },
  { name: 'access', title: 'Access' },
  { name: 'users', title: 'Users', admin: true },
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

/**
 * Makes a view one for admins: others are told that it is. What this tab knows of the role may be old.
 * @param {object} view as app.js takes it
 */
export function forAdmins(view) {
  const mount = (root, rest, options) => {
    if (user().role === 'admin') return view.mount(root, rest, options);
    setTitle(view.title);
    root.append(
      el('h1', { tabindex: -1 }, view.title),
      accountNav(view.name),
      el('p', { class: 'lead' }, 'This is for admins.'),
    );
    let handle = null;
    let left = false;
    usersMe().then((me) => {
      update(me);
      if (left || me.role !== 'admin') return;
      root.replaceChildren();
      handle = view.mount(root, rest, options);
    }, fail);
    return {
      update: (...changed) => handle?.update(...changed),
      leave: () => {
        left = true;
        handle?.leave();
      },
    };
  };
  return { ...view, mount };
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
function itemList(items, none) {
  return items.length
    ? el('ul', { class: 'sessions' }, items)
    : el('p', { class: 'hint pad none' }, none);
}

/**
 * A section with things that the gateway lists. What it is made for adds `fetch()`, which resolves to the
 * things, `row(thing)`, an item, and `none`, what to say when there are none.
 */
export class Listing {
  constructor(id, title) {
    this.shown = el('div', { role: 'status' }); // a secret that was just made
    this.list = el('div', { 'aria-busy': 'true' });
    this.root = section(id, title, this.above(), this.shown, this.list, this.below());
  }

  above() {
    return null;
  }

  below() {
    return null;
  }

  async load() {
    const asked = (this.asked = Symbol('asked'));
    try {
      const things = await this.fetch();
      if (asked !== this.asked) return; // a later answer counts
      fill(this.list, itemList(things.map((thing) => this.row(thing)), this.none));
    } catch (error) {
      if (asked !== this.asked || !this.root.isConnected) return;
      fail(error);
    }
    this.list.removeAttribute('aria-busy');
  }

  /**
   * Shows a secret that the gateway never tells again, until it has been kept or the view is left.
   * @param {string|Array} text nodes or strings
   */
  showOnce(text, secret, what) {
    fill(
      this.shown,
      el(
        'div',
        { class: 'pad once' },
        el('p', { class: 'lead' }, text),
        copyable(secret, what),
        el(
          'div',
          { class: 'row' },
          button('I have kept it', {}, () => {
            fill(this.shown);
            this.focus();
          }),
        ),
      ),
    );
  }

  /** Asks, ends one of the things by `work()`, and says so. */
  async end({ title, text, yes, work, done }) {
    if (!(await confirm({ title, text, yes, danger: true }))) return;
    try {
      await work();
      say(done);
      fill(this.shown);
      await this.load();
      this.focus();
    } catch (error) {
      fail(error);
    }
  }

  focus() {
    this.root.querySelector('h2').focus();
  }
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
 * @param {boolean} required whether one at least has to be chosen
 * @returns {{root: HTMLElement, input: HTMLInputElement, chosen: () => string[]}}
 */
export function boxes(legend, options, required = false) {
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
  if (required) {
    const judge = () => all[0].input.setCustomValidity(chosen().length ? '' : 'Choose one at least.');
    root.addEventListener('change', judge);
    judge();
  }
  return { root, input: all[0].input, chosen };
}
