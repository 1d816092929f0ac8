// SPDX-License-Identifier: Apache-2.0
// Apps: OAuth clients and audiences, for admins.

import { accountNav, boxes, forAdmins, item, Listing, SCOPES } from './account-nav.js';
import * as api from './api.js';
import { ask } from './dialogs.js';
import { button, choice, el, field } from './dom.js';
import { moment } from './format.js';
import { clear, fail, say } from './notices.js';
import { setTitle } from './title.js';

const GRANTS = [
  ['refresh_token', 'refresh'],
  ['urn:ietf:params:oauth:grant-type:device_code', 'sign in devices'],
  ['urn:ietf:params:oauth:grant-type:token-exchange', 'exchange tokens'],
];
const BUILT_IN = ['secctl', 'web'];
const grantName = (grant) => GRANTS.find(([id]) => id === grant)?.[1] ?? grant;

export const view = forAdmins({
  name: 'apps',
  title: 'Apps',
  access: 'user',
  group: 'account',
  mount(root) {
    setTitle('Apps');
    clear();
    const clients = new Clients();
    const audiences = new Audiences();
    root.append(
      el('h1', { tabindex: -1 }, 'Apps'),
      accountNav('apps'),
      el('div', { class: 'stack' }, clients.root, audiences.root),
    );
    clients.load();
    audiences.load();
    return { update() {}, leave() {} };
  },
});

const plain = (label, hint, more = {}) =>
  field(label, {
    type: 'text',
    required: true,
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    hint,
    ...more,
  });

class Clients extends Listing {
  none = 'None yet.';

  constructor() {
    super('clients-title', 'Clients');
  }

  below() {
    return el(
      'div',
      { class: 'row pad' },
      button('New client', { icon: 'add' }, () => this.make()),
    );
  }

  async fetch() {
    return (await api.oauthClientsList()).clients;
  }

  row(client) {
    const made = client.created_at ? `, made ${moment(client.created_at)}` : '';
    return item({
      name: client.name || client.id,
      data: client.id,
      tag: client.confidential ? 'with a secret' : null,
      text: [
        el('code', {}, client.id),
        client.grants.length ? ` may ${client.grants.map(grantName).join(', ')}` : '',
        made,
      ],
      act: 'Remove',
      label: `Remove the client ${client.id}`,
      run: BUILT_IN.includes(client.id) ? null : () => this.remove(client),
    });
  }

  async make() {
    const id = plain('Id', 'Letters, digits, dots and dashes.', { maxlength: 63 });
    const name = plain('Name', 'What users see.', { maxlength: 64, autocapitalize: 'words' });
    const grants = boxes('May', GRANTS);
    const secret = boxes('Proves itself', [['confidential', 'by a secret, as services do', true]]);
    const made = await ask({
      title: 'New client',
      fields: [id, name, grants, secret],
      yes: 'Register it',
      work: () =>
        api.oauthClientsCreate({
          id: id.input.value.trim(),
          name: name.input.value.trim(),
          grants: grants.chosen(),
          confidential: secret.input.checked,
        }),
    });
    if (!made) return;
    if (made.secret) this.showOnce(['The secret of ', el('strong', {}, made.id), ', shown this once:'], made.secret, 'the secret');
    say(`The client ${made.id} was registered.`);
    await this.load();
  }

  remove(client) {
    return this.end({
      title: 'Remove this client?',
      text: [el('strong', {}, client.name || client.id), ' will be refused from now on. Audiences that were registered for it go with it.'],
      yes: 'Remove it',
      work: () => api.oauthClientsDelete(client.id),
      done: `The client ${client.id} was removed.`,
    });
  }
}

class Audiences extends Listing {
  none = 'None yet. A service that is registered here gets tokens of its own by exchange.';

  constructor() {
    super('audiences-title', 'Audiences');
  }

  below() {
    return el(
      'div',
      { class: 'row pad' },
      button('New audience', { icon: 'add' }, (event) => this.make(event.currentTarget)),
    );
  }

  async fetch() {
    return (await api.oauthAudiencesList()).audiences;
  }

  row(audience) {
    const scopes = [audience.scopes].flat().join(', ');
    const client = audience.client ? `, for the client ${audience.client}` : '';
    return item({
      name: audience.name || audience.audience,
      data: audience.audience,
      text: [
        el('code', {}, audience.audience),
        ` with ${scopes || 'no scopes'}${client}, made ${moment(audience.created_at)}`,
      ],
      act: 'Remove',
      label: `Remove the audience ${audience.audience}`,
      run: () => this.remove(audience),
    });
  }

  /** Clients with a secret, any of which may be the service; null: they could not be had. */
  async services() {
    try {
      return (await api.oauthClientsList()).clients.filter(({ confidential }) => confidential);
    } catch (error) {
      fail(error);
      return null;
    }
  }

  async make(pressed) {
    pressed.disabled = true;
    const services = await this.services();
    pressed.disabled = false;
    if (!services || !this.root.isConnected) return;
    pressed.focus(); // it is given back when the dialog ends
    const audience = plain('Audience', 'The address of the service, as its tokens name it.', {
      maxlength: 255,
    });
    const name = plain('Name', 'What it is.', { maxlength: 64, autocapitalize: 'words' });
    const client = choice(
      'Client',
      [['', 'The one whose id is the audience'], ...services.map(({ id, name: words }) => [id, words || id])],
      'Which client is the service: it may ask about its tokens, and exchange them.',
    );
    const scopes = boxes('Its tokens may at most', SCOPES, true);
    const made = await ask({
      title: 'New audience',
      fields: [audience, name, client, scopes],
      yes: 'Register it',
      work: () =>
        api.oauthAudiencesCreate({
          audience: audience.input.value.trim(),
          name: name.input.value.trim(),
          scopes: scopes.chosen(),
          ...(client.input.value && { client: client.input.value }),
        }),
    });
    if (!made) return;
    say(`The audience ${made.audience} was registered.`);
    await this.load();
  }

  remove(audience) {
    return this.end({
      title: 'Remove this audience?',
      text: [el('strong', {}, audience.name || audience.audience), ' gets no more tokens.'],
      yes: 'Remove it',
      work: () => api.oauthAudiencesDelete(audience.audience),
      done: `The audience ${audience.audience} was removed.`,
    });
  }
}
