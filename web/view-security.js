// SPDX-License-Identifier: Apache-2.0
// Security: the second factor (codes of an authenticator app, recovery codes) and passkeys.

import { accountNav, item, Listing, section } from './account-nav.js';
import * as api from './api.js';
import { ask } from './dialogs.js';
import { button, codeField, copyable, el, facts, field, fill } from './dom.js';
import { ago, moment, plural } from './format.js';
import { clear, errorBox, fail, say } from './notices.js';
import { qrCode } from './qr.js';
import { user } from './session.js';
import { setTitle } from './title.js';
import { save } from './transfers.js';
import * as webauthn from './webauthn.js';

export const view = {
  name: 'security',
  title: 'Security',
  access: 'user',
  group: 'account',
  mount(root) {
    setTitle('Security');
    clear();
    const totp = new Totp();
    const passkeys = new Passkeys();
    root.append(
      el('h1', { tabindex: -1 }, 'Security'),
      accountNav('security'),
      el('div', { class: 'stack' }, totp.root, passkeys.root),
    );
    totp.load();
    passkeys.load();
    return { update() {}, leave() {} };
  },
};

const passwordField = () =>
  field('Your password', {
    type: 'password',
    name: 'password',
    autocomplete: 'current-password',
    required: true,
    maxlength: 256,
  });

class Totp {
  constructor() {
    this.content = el('div', { class: 'pad', 'aria-busy': 'true' });
    this.root = section('totp-title', 'Authenticator app', this.content);
  }

  show(...content) {
    fill(this.content, content);
    this.content.removeAttribute('aria-busy');
  }

  /** What was there goes first: it may have been a secret. */
  async load() {
    this.show();
    this.content.setAttribute('aria-busy', 'true');
    try {
      const state = await api.totpGet();
      if (state.enabled) this.showOn(state);
      else this.showOff();
    } catch (error) {
      this.content.removeAttribute('aria-busy');
      if (this.root.isConnected) fail(error);
    }
  }

  /** After what had the focus has gone. */
  async reload() {
    await this.load();
    this.root.querySelector('h2').focus();
  }

  showOff() {
    this.show(
      el(
        'p',
        { class: 'lead' },
        'With a second factor, your password alone lets nobody in: an app on your phone shows a new code every 30 seconds.',
      ),
      el('div', { class: 'row' }, button('Set it up', { kind: 'primary' }, () => this.begin())),
    );
  }

  showOn(state) {
    const left = state.recovery_codes;
    this.show(
      facts([
        ['State', el('span', { class: 'good' }, 'On')],
        ['Since', state.created_at ? moment(state.created_at) : null],
        [
          'Recovery codes',
          el('span', { class: left < 3 ? 'warn' : null }, `${plural(left, 'code')} left`),
        ],
      ]),
      el(
        'div',
        { class: 'row', role: 'group', 'aria-label': 'Change the second factor' },
        button('New recovery codes', {}, () => this.renew()),
        button('Turn it off', { kind: 'danger' }, () => this.turnOff()),
      ),
    );
  }

  async begin() {
    const password = passwordField();
    const made = await ask({
      title: 'Set up an authenticator app',
      fields: [password],
      yes: 'Go on',
      work: () => api.totpCreate(password.input.value),
    });
    if (made) this.showNew(made);
  }

  /** The secret, to be scanned or typed, and the code that proves it arrived. */
  showNew({ secret, uri, qr }) {
    const code = codeField('The six digits that the app shows now.');
    const problem = el('div', { role: 'alert' });
    const accept = el('button', { type: 'submit', class: 'button primary' }, 'Turn it on');
    const cancel = button('Cancel', { kind: 'quiet' }, () => this.reload());
    const form = el('form', { class: 'narrow' }, code.root, problem, el('div', { class: 'row' }, accept, cancel));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      accept.disabled = cancel.disabled = true;
      problem.replaceChildren();
      try {
        const { recovery_codes: codes } = await api.totpConfirm(code.input.value.trim());
        say('The second factor is on.');
        this.showCodes(codes);
      } catch (error) {
        problem.replaceChildren(errorBox(error));
        accept.disabled = cancel.disabled = false;
        code.input.select();
      }
    });
    this.show(
      el('p', { class: 'lead' }, 'Scan this with your authenticator app, or type the secret into it.'),
      el(
        'div',
        { class: 'scan' },
        qrCode(qr, 'QR code for the authenticator app; the secret in letters follows'),
        el(
          'div',
          {},
          facts([
            ['Secret', copyable(secret.match(/.{1,4}/g).join(' '), 'the secret')],
            ['On this device', el('a', { href: uri }, 'Open in an app')],
          ]),
          form,
        ),
      ),
    );
    code.input.focus();
  }

  /** Shown this once. */
  showCodes(codes) {
    const text = `${codes.join('\n')}\n`;
    const heading = el('h3', { tabindex: -1 }, 'Recovery codes');
    this.show(
      heading,
      el(
        'p',
        { class: 'lead' },
        'Each lets you in once, should you lose the app. They are shown this once: keep them where only you can find them.',
      ),
      el(
        'ul',
        { class: 'codes' },
        codes.map((code) => el('li', {}, el('code', {}, code))),
      ),
      el(
        'div',
        { class: 'row' },
        button('Download', { icon: 'download' }, () =>
          save(new Blob([text], { type: 'text/plain' }), `secgate-recovery-${user().username}.txt`),
        ),
        button('Copy', { icon: 'copy' }, async () => {
          const copied = await navigator.clipboard.writeText(text).then(
            () => true,
            () => false,
          );
          say(copied ? 'The codes were copied.' : 'The browser did not allow copying: download them.');
        }),
        button('I have kept them', { kind: 'primary' }, () => this.reload()),
      ),
    );
    heading.focus();
  }

  async renew() {
    const password = passwordField();
    const code = codeField('Of your app. All recovery codes from before stop working.');
    const made = await ask({
      title: 'New recovery codes',
      fields: [password, code],
      yes: 'Make them',
      work: () => api.recoveryCreate(password.input.value, code.input.value.trim()),
    });
    if (made) this.showCodes(made.recovery_codes);
  }

  async turnOff() {
    const password = passwordField();
    const code = codeField('Of your app, or a recovery code.');
    const done = await ask({
      title: 'Turn the second factor off?',
      fields: [password, code],
      yes: 'Turn it off',
      danger: true,
      work: async () => {
        await api.totpDisable(password.input.value, code.input.value.trim());
        return true;
      },
    });
    if (!done) return;
    say('The second factor is off.');
    await this.reload();
  }
}

class Passkeys extends Listing {
  none = 'None yet. With a passkey this device, or a security key, signs you in: no password, no code.';

  constructor() {
    super('passkeys-title', 'Passkeys');
  }

  below() {
    return webauthn.supported()
      ? el(
          'div',
          { class: 'row pad' },
          button('Add a passkey', { icon: 'key' }, (event) => this.add(event.currentTarget)),
        )
      : el('p', { class: 'hint pad' }, webauthn.WHY_NOT);
  }

  async fetch() {
    return (await api.passkeysList()).passkeys;
  }

  row(passkey) {
    const used = passkey.last_used_at ? `, last used ${ago(passkey.last_used_at)}` : '';
    return item({
      name: passkey.name,
      text: `Added ${moment(passkey.created_at)}${used}`,
      act: 'Remove',
      label: `Remove the passkey ${passkey.name}`,
      run: () => this.remove(passkey),
    });
  }

  async add(pressed) {
    pressed.disabled = true;
    const codes = await this.codesAsked();
    pressed.disabled = false;
    if (codes === null || !this.root.isConnected) return;
    pressed.focus(); // it is given back when the dialog ends
    const name = field('Name', {
      type: 'text',
      required: true,
      autocomplete: 'off',
      maxlength: 64,
      value: suggestion(),
      hint: 'To know it by, for example the device that keeps it.',
    });
    const password = passwordField();
    const code = codes ? codeField('Of your authenticator app, or a recovery code.') : null;
    const made = await ask({
      title: 'Add a passkey',
      fields: code ? [name, password, code] : [name, password],
      yes: 'Go on',
      work: async () => {
        const typed = code?.input.value.trim();
        const passkey = await webauthn.create(await api.passkeysOptions(password.input.value, typed));
        return api.passkeysCreate({ name: name.input.value.trim(), ...passkey });
      },
    });
    if (!made) return;
    say(`The passkey ${made.name} was added.`);
    await this.load();
  }

  /** Whether the second factor is on (null: unknown): a passkey signs in without it, so adding one asks for it. */
  async codesAsked() {
    try {
      return (await api.totpGet()).enabled;
    } catch (error) {
      fail(error);
      return null;
    }
  }

  remove(passkey) {
    return this.end({
      title: 'Remove this passkey?',
      text: [
        el('strong', {}, passkey.name),
        ' will sign you in no more, and the sessions that it opened end: this one, too, if you signed in with it.',
      ],
      yes: 'Remove it',
      work: () => api.passkeysDelete(passkey.id),
      done: `The passkey ${passkey.name} was removed.`,
    });
  }
}

/** A name for a passkey of this device. */
function suggestion() {
  return navigator.userAgentData?.platform || 'This device';
}
