// SPDX-License-Identifier: Apache-2.0
// Keys: all signing keys with their public parts; for admins and managers also what may be done with them.

import * as api from './api.js';
import { ask, confirm } from './dialogs.js';
import { button, el, facts, field, fill } from './dom.js';
import { ago, longMoment, moment, plural } from './format.js';
import { clear, fail, say } from './notices.js';
import { update, user } from './session.js';
import { formatBox, FORMATS, formatsOf, KEY_TYPES, signingNav } from './signing.js';
import { setTitle } from './title.js';

const DAY_S = 86_400;
const USERS_MAX = 64;

/** Public keys as files: `plain` ones are for Ed25519 only. */
const PUBLIC = [
  { format: 'pem', end: '.pem' },
  { format: 'ssh', end: '.ssh.pub' },
  { format: 'minisign', end: '.minisign.pub', plain: true },
  { format: 'signify', end: '.signify.pub', plain: true },
  { format: 'jwk', end: '.jwk' },
  { format: 'x509', end: '.crt' },
];

export const view = {
  name: 'keys',
  title: 'Keys',
  access: 'user',
  group: 'signing',
  mount(root) {
    const keys = new Keys(root);
    keys.load();
    return { update() {}, leave: () => (keys.left = true) };
  },
};

class Keys {
  constructor(root) {
    setTitle('Keys');
    clear();
    this.left = false;
    this.create = button('New key', { icon: 'add', kind: 'primary', hidden: true }, () => this.make());
    this.list = el('div', { class: 'stack', 'aria-busy': 'true' });
    root.append(
      el('h1', { tabindex: -1 }, 'Keys'),
      signingNav('keys'),
      el(
        'div',
        { class: 'stack' },
        el(
          'div',
          { class: 'toolbar' },
          el('p', { class: 'lead' }, 'Private keys are made in the gateway and never leave it.'),
          el('div', { class: 'buttons' }, this.create),
        ),
        this.list,
      ),
    );
  }

  async load() {
    try {
      const [me, { keys }] = await Promise.all([api.usersMe(), api.keysList()]);
      if (this.left) return;
      update(me);
      this.me = me;
      this.create.hidden = me.role !== 'admin';
      fill(
        this.list,
        keys.length
          ? keys.map((key) => this.panel(key))
          : el(
              'section',
              { class: 'panel' },
              el('div', { class: 'empty' }, el('p', {}, 'There are no keys yet.')),
            ),
      );
    } catch (error) {
      fail(error);
    }
    this.list.removeAttribute('aria-busy');
  }

  manages(key) {
    return this.me.role === 'admin' || key.managers.includes(this.me.username);
  }

  panel(key) {
    const id = `key-${key.name}`;
    const current = key.versions.find(({ version }) => version === key.current_version);
    const uses = key.versions.reduce((sum, version) => sum + version.uses, 0);
    return el(
      'section',
      { class: 'panel pad', 'aria-labelledby': id, 'data-key': key.name },
      el(
        'h2',
        { id, tabindex: -1 },
        key.name,
        key.disabled ? el('span', { class: 'tag off' }, 'disabled') : null,
        key.signers.includes(this.me.username) ? el('span', { class: 'tag' }, 'you may sign') : null,
      ),
      facts([
        ['Type', KEY_TYPES[key.type] ?? key.type],
        [
          'Formats',
          formatsOf(key)
            .map(({ id: format }) => format)
            .join(', ') || 'the signed record only',
        ],
        ['May sign', key.signers.join(', ') || 'nobody'],
        ['Managers', key.managers.join(', ') || 'admins only'],
        ['Witnesses', key.quorum > 0 ? `${key.quorum} of ${key.witnesses.length}` : null],
        ['Where', key.uri ? el('code', {}, key.uri) : null],
        ['Signatures', uses.toLocaleString()],
        ['Key id', current ? el('code', {}, current.keyid) : null],
        ['Public key', this.publicLinks(key, key.current_version)],
      ]),
      this.versions(key),
      this.manages(key) ? this.buttons(key) : null,
    );
  }

  publicLinks(key, version) {
    return el(
      'ul',
      { class: 'links' },
      PUBLIC.filter(({ plain }) => !plain || key.type === 'ed25519').map(({ format, end }) =>
        el(
          'li',
          {},
          el(
            'a',
            {
              href: api.keysPublicUrl(key.name, version, format),
              download: `${key.name}${end}`,
              'aria-label': `Public key ${key.name}, version ${version}, as ${format}`,
            },
            format,
          ),
        ),
      ),
    );
  }

  versions(key) {
    return el(
      'details',
      {},
      el('summary', {}, plural(key.versions.length, 'version')),
      el(
        'ul',
        { class: 'versions' },
        [...key.versions]
          .reverse()
          .map((version) =>
            el(
              'li',
              {},
              el('strong', {}, `Version ${version.version}`),
              el(
                'small',
                {},
                el(
                  'time',
                  { datetime: version.created_at, title: longMoment(version.created_at) },
                  `made ${ago(version.created_at)}`,
                ),
                `, ${plural(version.uses, 'signature')}`,
                version.expires_at ? `, signs until ${moment(version.expires_at)}` : '',
                version.version < key.oldest_version ? ', verifies no more' : '',
              ),
              el('code', {}, version.keyid),
              this.publicLinks(key, version.version),
            ),
          ),
      ),
    );
  }

  buttons(key) {
    return el(
      'div',
      { class: 'row', role: 'group', 'aria-label': `Change ${key.name}` },
      button('Who may sign', { icon: 'people' }, () => this.people(key)),
      button('Formats', {}, () => this.formats(key)),
      button('Rotate', {}, () => this.rotate(key)),
      key.current_version > key.oldest_version
        ? button('Retire old versions', {}, () => this.retire(key))
        : null,
      button(key.disabled ? 'Enable' : 'Disable', { kind: key.disabled ? '' : 'danger' }, () =>
        this.toggle(key),
      ),
    );
  }

  /** Shows the keys anew after a change, and goes back to the one that was changed. */
  async changed(key, text) {
    say(text);
    await this.load();
    document.getElementById(`key-${key.name}`)?.focus();
  }

  async make() {
    const name = field('Name', {
      type: 'text',
      required: true,
      pattern: '[a-z0-9][a-z0-9._\\-]{0,63}',
      title: 'Small letters, digits, dots, dashes, underscores',
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      maxlength: 64,
      hint: 'Small letters and digits; the name is part of every signature.',
    });
    const type = select(
      'Type',
      Object.entries(KEY_TYPES),
      'Ed25519 signs in all formats. ECDSA and RSA have neither minisign nor signify.',
    );
    const days = lifetime();
    const key = await ask({
      title: 'New key',
      fields: [name, type, days],
      yes: 'Make it',
      work: () => api.keysCreate({ name: name.input.value, type: type.input.value, ...expiry(days) }),
    });
    if (key) await this.changed(key, `The key ${key.name} was made. You may sign with it.`);
  }

  async rotate(key) {
    const days = lifetime();
    const uri = key.uri
      ? [field('PKCS#11 URI of the new version', { type: 'text', required: true, maxlength: 1024 })]
      : [];
    const rotated = await ask({
      title: `A new version of ${key.name}`,
      fields: [...uri, days],
      yes: 'Rotate',
      work: () =>
        api.keysRotate(key.name, { ...expiry(days), ...(uri.length && { uri: uri[0].input.value }) }),
    });
    if (rotated)
      await this.changed(rotated, `${rotated.name} signs with version ${rotated.current_version} now.`);
  }

  async people(key) {
    const hint = 'Names with spaces or commas between them.';
    const signers = field('May sign', { ...PEOPLE, value: key.signers.join(' '), hint });
    const managers = field('Managers', {
      ...PEOPLE,
      value: key.managers.join(' '),
      hint: 'They may change and rotate the key, as admins may.',
    });
    const after = await ask({
      title: `Who may use ${key.name}`,
      fields: [signers, managers],
      yes: 'Save',
      work: () => api.keysUpdate(key.name, { signers: names(signers), managers: names(managers) }),
    });
    if (after) await this.changed(after, `Changed who may use ${key.name}.`);
  }

  async formats(key) {
    const boxes = formatsOf({ type: key.type, formats: FORMATS.map(({ id }) => id) }).map((format) =>
      formatBox(format, key.formats.includes(format.id)),
    );
    const after = await ask({
      title: `Formats of ${key.name}`,
      fields: boxes,
      yes: 'Save',
      work: () =>
        api.keysUpdate(key.name, {
          formats: boxes.filter(({ input }) => input.checked).map(({ input }) => input.value),
        }),
    });
    if (after) await this.changed(after, `Changed the formats of ${key.name}.`);
  }

  async retire(key) {
    const yes = await confirm({
      title: `Retire old versions of ${key.name}?`,
      text: `Signatures by versions before ${key.current_version} will verify no more, here and with secctl.`,
      yes: 'Retire them',
      danger: true,
    });
    if (yes)
      await this.change(
        key,
        { oldest_version: key.current_version },
        `Only version ${key.current_version} of ${key.name} verifies now.`,
      );
  }

  async toggle(key) {
    if (
      !key.disabled &&
      !(await confirm({
        title: `Disable ${key.name}?`,
        text: 'Nobody can sign with it, and its signatures verify no more, until it is enabled again.',
        yes: 'Disable',
        danger: true,
      }))
    )
      return;
    await this.change(
      key,
      { disabled: !key.disabled },
      `${key.name} is ${key.disabled ? 'enabled' : 'disabled'}.`,
    );
  }

  async change(key, change, text) {
    try {
      await api.keysUpdate(key.name, change);
      await this.changed(key, text);
    } catch (error) {
      fail(error, key.name);
    }
  }
}

const PEOPLE = {
  type: 'text',
  autocomplete: 'off',
  autocapitalize: 'none',
  spellcheck: 'false',
  maxlength: 4096,
};

const names = ({ input }) => [...new Set(input.value.split(/[\s,]+/).filter(Boolean))].slice(0, USERS_MAX);

const lifetime = () =>
  field('Signs for how many days', {
    type: 'number',
    min: 1,
    max: 36500,
    hint: 'Empty: it does not expire. Signatures made before still verify.',
  });

const expiry = ({ input }) => (input.value ? { expires_in: Number(input.value) * DAY_S } : {});

function select(label, options, hint) {
  const input = el(
    'select',
    { id: 'key-type', 'aria-describedby': 'key-type-hint' },
    options.map(([value, text]) => el('option', { value }, text)),
  );
  const root = el(
    'div',
    { class: 'field' },
    el('label', { for: 'key-type' }, label),
    input,
    el('p', { class: 'hint', id: 'key-type-hint' }, hint),
  );
  return { root, input };
}
