// SPDX-License-Identifier: Apache-2.0
// A device that waits to be let in (RFC 8628): who asks for what, and from where. Nobody is let in
// without having been seen here.

import { SCOPES } from './account-nav.js';
import * as api from './api.js';
import { button, el, facts, field, fill } from './dom.js';
import { ago, moment } from './format.js';
import { clear, errorBox } from './notices.js';
import { user } from './session.js';
import { setTitle } from './title.js';

export const view = {
  name: 'device',
  title: 'Device',
  access: 'user',
  hidden: true, // nothing to go to without a code
  mount(root, rest, { query }) {
    const device = new Device(root);
    device.ask(query.get('code') ?? '');
    return { update: (next, { query: changed }) => device.ask(changed.get('code') ?? ''), leave() {} };
  },
};

/** A code as devices show it, however it was typed. */
function shape(code) {
  const letters = code.toUpperCase().replace(/[^A-Z0-9]/g, '');
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

/** What a device would be able to do, in words. */
const rights = (scopes) =>
  el(
    'ul',
    { class: 'rights' },
    scopes.map((scope) => el('li', {}, `${new Map(SCOPES).get(scope) ?? ''} `, el('code', {}, scope))),
  );

class Device {
  constructor(root) {
    setTitle('Let a device in');
    clear();
    this.content = el('div', { class: 'stack' });
    root.append(el('h1', { tabindex: -1 }, 'Let a device in'), this.content);
  }

  show(...content) {
    fill(this.content, el('section', { class: 'panel pad' }, content));
  }

  ask(given) {
    const code = field('Code', {
      type: 'text',
      name: 'user-code',
      autocomplete: 'off',
      autocapitalize: 'characters',
      spellcheck: 'false',
      required: true,
      maxlength: 16,
      value: given,
      'data-focus': true,
      hint: 'The letters that the device shows.',
    });
    const problem = el('div', { role: 'alert' });
    const submit = el('button', { type: 'submit', class: 'button primary' }, 'Go on');
    const form = el('form', { class: 'narrow' }, code.root, problem, submit);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      submit.disabled = true;
      problem.replaceChildren();
      try {
        const wanted = code.input.value.trim();
        const device = await api.oauthDeviceGet(wanted);
        if (!form.isConnected) return; // left, or another code is asked about by now
        this.decide(wanted, device, shape(wanted) === shape(given));
      } catch (error) {
        problem.replaceChildren(errorBox(error));
        code.input.select();
        submit.disabled = false;
      }
    });
    this.show(form);
    if (given) form.requestSubmit();
  }

  /**
   * @param {boolean} linked the code came with a link, which anybody may have sent: letting the device in
   *   takes a look at what it shows
   */
  decide(code, device, linked) {
    const heading = el('h2', { tabindex: -1 }, device.client_name || device.client_id);
    const problem = el('div', { role: 'alert' });
    const seen = el('input', { type: 'checkbox', on: { change: () => (approve.disabled = !seen.checked) } });
    const answer = async (yes) => {
      approve.disabled = refuse.disabled = true;
      problem.replaceChildren();
      try {
        await api.oauthDeviceDecide(code, yes);
        if (heading.isConnected) this.done(yes, device);
      } catch (error) {
        problem.replaceChildren(errorBox(error));
        approve.disabled = linked && !seen.checked;
        refuse.disabled = false;
      }
    };
    const approve = button('Let it in', { kind: 'primary', disabled: linked }, () => answer(true));
    const refuse = button('Refuse', { kind: 'danger' }, () => answer(false));
    this.show(
      heading,
      el('p', { class: 'lead' }, `wants to sign in as ${user().username}.`),
      facts([
        ['Code', el('code', {}, shape(code))],
        ['Asked from', device.address],
        ['Asked', `${ago(device.created_at)}, good until ${moment(device.expires_at)}`],
        ['May', rights(device.scopes)],
      ]),
      el(
        'p',
        { class: 'hint warn' },
        'Go on only if you asked for this yourself, and your device shows this very code. Whoever sent you a link may want to use your account.',
      ),
      linked
        ? el('label', { class: 'check' }, seen, el('span', {}, `I asked for this: my device shows ${shape(code)}`))
        : null,
      problem,
      el('div', { class: 'row', role: 'group', 'aria-label': 'Decide' }, approve, refuse),
    );
    heading.focus();
  }

  done(approved, device) {
    const name = device.client_name || device.client_id;
    const heading = el('h2', { tabindex: -1 }, approved ? 'It is in' : 'It was refused');
    this.show(
      heading,
      el(
        'p',
        { class: 'lead' },
        approved
          ? [
              `${name} signs in now. You can close this page; the session is in `,
              el('a', { href: '#/account' }, 'the list of your account'),
              '.',
            ]
          : `${name} was not let in.`,
      ),
    );
    heading.focus();
  }
}
