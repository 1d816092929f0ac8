// SPDX-License-Identifier: Apache-2.0
// Sign in, or sign up with a setup or invite code. It never keeps the password.

import * as api from './api.js';
import { el, field, fill } from './dom.js';
import { errorBox } from './notices.js';
import * as session from './session.js';
import { setTitle } from './title.js';

const NAME = '[a-z0-9][a-z0-9._\\-]{0,31}';

export const view = {
  name: 'signin',
  title: 'Sign in',
  access: 'public',
  mount(root, rest, { reason }) {
    const form = new SignIn(root, reason);
    form.show(rest === 'new');
    return { update: (next) => form.show(next === 'new'), leave() {} };
  },
};

class SignIn {
  constructor(root, reason) {
    this.root = el('section', { class: 'signin' });
    this.reason = reason;
    root.append(this.root);
  }

  show(isNew) {
    const title = isNew ? 'Sign up' : 'Sign in';
    setTitle(title);
    this.isNew = isNew;
    this.name = field('Name', {
      type: 'text',
      name: 'username',
      autocomplete: 'username',
      autocapitalize: 'none',
      spellcheck: 'false',
      required: true,
      maxlength: 32,
      ...(isNew && { pattern: NAME, hint: 'Lower-case letters, digits, dot, dash and underscore.' }),
    });
    this.password = field('Password', {
      type: 'password',
      name: 'password',
      required: true,
      maxlength: 256,
      autocomplete: isNew ? 'new-password' : 'current-password',
      ...(isNew && { minlength: 10, hint: 'At least 10 characters. A few unrelated words do well.' }),
    });
    this.code = field('Code', {
      type: 'text',
      name: 'code',
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      maxlength: 128,
      hint: 'The setup code that the gateway printed when it first started, or an invite from an admin.',
    });
    this.problem = el('div', { role: 'alert' });
    this.submit = el('button', { type: 'submit', class: 'button primary wide' }, title);
    fill(
      this.root,
      el('h1', { tabindex: -1 }, title),
      this.reason ? el('p', { class: 'lead', role: 'status' }, this.reason) : null,
      el(
        'form',
        { on: { submit: (event) => this.go(event) } },
        this.name.root,
        this.password.root,
        isNew ? this.code.root : null,
        this.problem,
        this.submit,
      ),
      el(
        'p',
        { class: 'other' },
        isNew ? 'Have an account? ' : 'New here? ',
        el('a', { href: isNew ? '#/signin' : '#/signin/new' }, isNew ? 'Sign in' : 'Sign up'),
      ),
    );
    this.reason = null;
  }

  async go(event) {
    event.preventDefault();
    const name = this.name.input.value;
    const password = this.password.input.value;
    this.submit.disabled = true;
    this.problem.replaceChildren();
    try {
      if (this.isNew && this.created !== name) {
        await api.usersCreate(name, password, this.code.input.value.trim());
        this.created = name; // should signing in fail now, the next try only signs in
      }
      session.begin(await api.sessionsCreate(name, password, { name: deviceName() }));
    } catch (error) {
      this.problem.replaceChildren(errorBox(error));
      this.submit.disabled = false;
      this.password.input.focus();
    }
  }
}

/** What the list of sessions calls this browser, for example "Chrome on Linux". */
function deviceName() {
  const agent = navigator.userAgent;
  const pick = (names) => names.find(([mark]) => agent.includes(mark))?.[1];
  const browser =
    pick([
      ['Edg/', 'Edge'],
      ['Firefox/', 'Firefox'],
      ['Chrome/', 'Chrome'],
      ['Safari/', 'Safari'],
    ]) ?? 'Browser';
  const system = pick([
    ['Android', 'Android'],
    ['iPhone', 'iPhone'],
    ['iPad', 'iPad'],
    ['Windows', 'Windows'],
    ['Mac OS', 'macOS'],
    ['Linux', 'Linux'],
  ]);
  return system ? `${browser} on ${system}` : browser;
}
