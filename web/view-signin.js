// SPDX-License-Identifier: Apache-2.0
// Sign in, with a password and a second factor, with a passkey or with a client certificate, or sign up
// with a setup or invite code. It keeps the password no longer than the second factor takes.

import * as api from './api.js';
import { deviceName } from './device-name.js';
import { button, codeField, el, field, fill } from './dom.js';
import { errorBox } from './notices.js';
import * as session from './session.js';
import { setTitle } from './title.js';
import * as webauthn from './webauthn.js';

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
    this.form = el(
      'form',
      { on: { submit: (event) => this.go(event) } },
      this.name.root,
      this.password.root,
      isNew ? this.code.root : null,
      this.problem,
      this.submit,
      isNew ? null : [this.passkeyButton(), this.certificateButton()],
    );
    fill(
      this.root,
      el('h1', { tabindex: -1 }, title),
      this.reason ? el('p', { class: 'lead', role: 'status' }, this.reason) : null,
      this.form,
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
    const { form } = this;
    this.wait();
    try {
      if (this.isNew && this.created !== name) {
        await api.usersCreate(name, password, this.code.input.value.trim());
        this.created = name; // should signing in fail now, the next try only signs in
      }
      await this.begin({ username: name, password });
    } catch (error) {
      if (form !== this.form || !form.isConnected) return; // something else is shown by now
      if (error.code === 'second-factor-required') {
        this.askFactor({ username: name, password }, error.methods);
        return;
      }
      this.failed(error);
      this.password.input.focus();
    }
  }

  /** While an answer is on its way nothing else can be asked for. */
  wait() {
    for (const one of this.form.querySelectorAll('button')) one.disabled = true;
    this.problem.replaceChildren();
  }

  async begin(login) {
    session.begin(await api.sessionsCreate({ ...login, device: { name: deviceName() } }));
  }

  failed(error) {
    this.problem.replaceChildren(errorBox(error));
    for (const one of this.form.querySelectorAll('button')) one.disabled = false;
  }

  /** There once it is known that this browser shows a certificate. */
  certificateButton() {
    const show = button('Use your certificate', { icon: 'sign', kind: 'wide', hidden: true }, (event) =>
      this.without(event, async () => ({ method: 'certificate' })),
    );
    api.tlsGet().then(
      (tls) => (show.hidden = !tls.client_certificate),
      () => {}, // what is wrong with the connection shows elsewhere
    );
    return show;
  }

  passkeyButton() {
    return webauthn.supported()
      ? button('Use a passkey', { icon: 'key', kind: 'wide' }, (event) =>
          this.without(event, async () => ({
            method: 'passkey',
            passkey: await webauthn.get(await api.passkeysChallenge()),
          })),
        )
      : null;
  }

  /** Signs in without name and password, by what `login` comes up with. */
  async without({ currentTarget: pressed }, login) {
    const { form } = this;
    this.wait();
    try {
      await this.begin(await login());
    } catch (error) {
      if (form !== this.form || !form.isConnected) return;
      this.failed(error);
      pressed.focus();
    }
  }

  /** The second step; the first has been right. */
  askFactor(login, methods) {
    const code = codeField(
      'The six digits that your authenticator app shows, or one of your recovery codes.',
    );
    this.problem = el('div', { role: 'alert' });
    this.submit = el('button', { type: 'submit', class: 'button primary wide' }, 'Sign in');
    const go = async (event) => {
      event.preventDefault();
      const { form } = this;
      this.wait();
      try {
        await this.begin({ ...login, code: code.input.value.trim() });
      } catch (error) {
        if (form !== this.form || !form.isConnected) return;
        this.failed(error);
        code.input.select();
      }
    };
    this.form = el(
      'form',
      { on: { submit: go } },
      code.root,
      this.problem,
      this.submit,
      methods.includes('passkey') ? this.passkeyButton() : null,
    );
    fill(
      this.root,
      el('h1', { tabindex: -1 }, 'One more step'),
      el('p', { class: 'lead' }, 'The password was right.'),
      this.form,
      el('p', { class: 'other' }, button('Start again', { kind: 'quiet' }, () => this.restart())),
    );
    setTitle('One more step');
    code.input.focus();
  }

  restart() {
    this.show(false);
    this.name.input.focus();
  }
}
