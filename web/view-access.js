// SPDX-License-Identifier: Apache-2.0
// Access: tokens for scripts and client certificates; what they are good for, and how to end them.

import { accountNav, boxes, item, Listing, SCOPES } from './account-nav.js';
import * as api from './api.js';
import { ask } from './dialogs.js';
import { button, el, field } from './dom.js';
import { ago, fingerprint, moment } from './format.js';
import { clear } from './notices.js';
import { user } from './session.js';
import { setTitle } from './title.js';

const DAY_S = 86_400;

export const view = {
  name: 'access',
  title: 'Access',
  access: 'user',
  group: 'account',
  mount(root, rest, { query }) {
    setTitle('Access');
    clear();
    const tokens = new Tokens();
    let certificates = new Certificates(query.get('user'));
    root.append(
      el('h1', { tabindex: -1 }, 'Access'),
      accountNav('access'),
      el('div', { class: 'stack' }, tokens.root, certificates.root),
    );
    tokens.load();
    certificates.load();
    const update = (next, { query: changed }) => {
      const others = new Certificates(changed.get('user'));
      certificates.root.replaceWith(others.root);
      certificates = others;
      certificates.load();
    };
    return { update, leave() {} };
  },
};

const words = ({ input }) => [...new Set(input.value.split(/[\s,]+/).filter(Boolean))];

const names = (label, hint) =>
  field(label, {
    type: 'text',
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    maxlength: 1024,
    hint,
  });

/** Of all scopes those that the user has. */
const myScopes = () => SCOPES.filter(([scope]) => scope !== 'admin' || user().role === 'admin');

class Tokens extends Listing {
  none = 'None yet. A script shows such a token instead of signing in; it can do only what you choose.';

  constructor() {
    super('tokens-title', 'Tokens for scripts');
  }

  below() {
    return el(
      'div',
      { class: 'row pad' },
      button('New token', { icon: 'add' }, () => this.make()),
    );
  }

  async fetch() {
    return (await api.tokensList()).tokens;
  }

  row(token) {
    const only = [token.spaces && `in ${token.spaces.join(', ')}`, token.keys && `with ${token.keys.join(', ')}`];
    const used = token.last_used_at
      ? `last used ${ago(token.last_used_at)} from ${token.last_address}`
      : 'not used yet';
    const over = new Date(token.expires_at) < new Date();
    return item({
      name: token.name,
      tag: over ? 'expired' : null,
      text: [
        [token.scopes.join(', '), ...only].filter(Boolean).join(', '),
        el('br'),
        `${used}, ${over ? 'ended' : 'until'} ${moment(token.expires_at)}`,
      ],
      act: 'Delete',
      label: `Delete the token ${token.name}`,
      run: () => this.remove(token),
    });
  }

  async make() {
    const name = field('Name', {
      type: 'text',
      required: true,
      autocomplete: 'off',
      maxlength: 64,
      hint: 'What it is for.',
    });
    const scopes = boxes('May', myScopes(), true);
    const spaces = names('Spaces', 'Names with spaces between them; empty: all that you see.');
    const keys = names('Keys', 'Likewise; empty: all that you may sign with.');
    const days = field('Good for how many days', {
      type: 'number',
      required: true,
      min: 1,
      max: 366,
      value: 90,
    });
    const made = await ask({
      title: 'New token',
      fields: [name, scopes, spaces, keys, days],
      yes: 'Make it',
      work: () =>
        api.tokensCreate({
          name: name.input.value.trim(),
          scopes: scopes.chosen(),
          ...(words(spaces).length && { spaces: words(spaces) }),
          ...(words(keys).length && { keys: words(keys) }),
          expires_in: Number(days.input.value) * DAY_S,
        }),
    });
    if (!made) return;
    this.showOnce(['The token ', el('strong', {}, made.name), ', shown this once:'], made.token, 'the token');
    await this.load();
  }

  remove(token) {
    return this.end({
      title: 'Delete this token?',
      text: ['Whatever uses ', el('strong', {}, token.name), ' is refused from now on.'],
      yes: 'Delete it',
      work: () => api.tokensDelete(token.id),
      done: `The token ${token.name} was deleted.`,
    });
  }
}

class Certificates extends Listing {
  none = 'There are none.';

  /** @param {string|null} whose another user's, for admins */
  constructor(whose) {
    super('certificates-title', whose ? `Client certificates of ${whose}` : 'Client certificates');
    this.whose = whose;
    if (!whose) return;
    this.root.querySelector('h2').dataset.focus = '';
    this.root.querySelector('.check')?.replaceWith(
      el('p', { class: 'hint pad' }, el('a', { href: '#/access' }, 'Show mine')),
    );
  }

  above() {
    this.all = el('input', { type: 'checkbox', id: 'all-certificates', on: { change: () => this.load() } });
    return user().role === 'admin'
      ? el('p', { class: 'check pad' }, this.all, el('label', { for: 'all-certificates' }, 'Of all users'))
      : null;
  }

  below() {
    return el(
      'p',
      { class: 'hint pad' },
      'With ',
      el('code', {}, 'secctl enroll'),
      ' a device gets a certificate of its own and signs in with it.',
    );
  }

  async fetch() {
    const { certificates } = await api.certificatesList({
      user: this.whose,
      all: this.all.checked || null,
    });
    return certificates;
  }

  row(certificate) {
    const { name, expires_at: expires, revoked_at: revoked } = certificate;
    const over = new Date(expires) < new Date();
    const state = revoked ? 'revoked' : over ? 'expired' : certificate.current ? 'this connection' : null;
    const whose = certificate.user === user().username ? '' : `${certificate.user}, `;
    return item({
      name: name || certificate.subject,
      data: certificate.id,
      tag: state,
      text: [
        `${whose}${certificate.subject}, made ${moment(certificate.created_at)}, good until ${moment(expires)}`,
        revoked ? `, revoked ${moment(revoked)}` : '',
        el('br'),
        el('code', {}, fingerprint(certificate.sha256)),
      ],
      act: 'Revoke',
      label: `Revoke the certificate ${name || certificate.subject}`,
      run: revoked || over ? null : () => this.revoke(certificate),
    });
  }

  revoke(certificate) {
    return this.end({
      title: 'Revoke this certificate?',
      text: [
        'Nobody can sign in with ',
        el('strong', {}, certificate.name || certificate.subject),
        ' any more, and its sessions end.',
        certificate.current
          ? ' This browser shows it right now: it will get no answer until it shows another one, or none.'
          : '',
      ],
      yes: 'Revoke it',
      work: () => api.certificatesDelete(certificate.id),
      done: 'The certificate was revoked.',
    });
  }
}
