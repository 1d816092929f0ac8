// SPDX-License-Identifier: Apache-2.0
// Audit: who did what with accounts, keys and rights. The chain of what is shown is verified here,
// and against what this browser saw before.

import { accountNav } from './account-nav.js';
import * as api from './api.js';
import { check } from './chain.js';
import { button, el, field, fill, icon } from './dom.js';
import { longMoment, moment, plural } from './format.js';
import { clear, fail } from './notices.js';
import { setTitle } from './title.js';

const PAGE = 100;
const SEEN = 'secgate.audit'; // the last head that this browser saw: {seq, chain}

const TYPES = [
  ['', 'Everything'],
  ['login', 'Logins'],
  ['login.failed', 'Failed logins'],
  ['logout', 'Logouts'],
  ['session.ended', 'Sessions that the gateway ended'],
  ['refresh.reused', 'Refresh tokens used twice'],
  ['user.created', 'New users'],
  ['user.updated', 'Changed users'],
  ['user.removed', 'Removed users'],
  ['password.changed', 'Changed passwords'],
  ['invite.created', 'Invitations'],
  ['certificate.issued', 'New certificates'],
  ['certificate.revoked', 'Revoked certificates'],
  ['certificate.refused', 'Refused certificates'],
  ['token.created', 'New tokens'],
  ['token.revoked', 'Deleted tokens'],
  ['token.exchanged', 'Exchanged tokens'],
  ['totp.enabled', 'Second factor on'],
  ['totp.disabled', 'Second factor off'],
  ['recovery.used', 'Recovery codes used'],
  ['recovery.created', 'New recovery codes'],
  ['passkey.added', 'New passkeys'],
  ['passkey.removed', 'Removed passkeys'],
  ['device.approved', 'Devices let in'],
  ['device.denied', 'Devices refused'],
  ['client.created', 'New OAuth clients'],
  ['client.removed', 'Removed OAuth clients'],
  ['audience.created', 'New audiences'],
  ['audience.removed', 'Removed audiences'],
  ['key.created', 'New keys'],
  ['key.rotated', 'Rotated keys'],
  ['key.updated', 'Changed keys'],
  ['member.changed', 'Roles in spaces'],
  ['space.created', 'New spaces'],
  ['space.removed', 'Removed spaces'],
  ['signup.failed', 'Wrong invitation codes'],
];

export const view = {
  name: 'audit',
  title: 'Audit',
  access: 'user',
  group: 'account',
  mount(root) {
    const audit = new Audit(root);
    audit.load();
    return { update() {}, leave: () => (audit.left = true) };
  },
};

class Audit {
  constructor(root) {
    setTitle('Audit');
    clear();
    this.left = false;
    this.entries = []; // as shown: newest first
    this.state = el('p', { class: 'lead chain', role: 'status' });
    this.rows = el('tbody', {});
    this.older = button('Older', {}, () => this.more());
    this.count = el('span', { class: 'count' });
    this.panel = el(
      'section',
      { class: 'panel drop', 'aria-label': 'Entries', 'aria-busy': 'true' },
      el(
        'table',
        { class: 'files entries audit' },
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            ['What', 'Who', 'From', 'When', 'No.'].map((name) => el('th', { scope: 'col' }, name)),
          ),
        ),
        this.rows,
      ),
      el('footer', {}, this.count, this.older),
    );
    root.append(
      el('h1', { tabindex: -1 }, 'Audit'),
      accountNav('audit'),
      el('div', { class: 'stack' }, this.filters(), this.state, this.panel),
    );
  }

  filters() {
    this.type = el(
      'select',
      { id: 'audit-type' },
      TYPES.map(([value, text]) => el('option', { value }, text)),
    );
    this.actor = field('Who', {
      type: 'text',
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      maxlength: 32,
    });
    const form = el(
      'form',
      { class: 'inline', role: 'search', 'aria-label': 'Filter' },
      el('div', { class: 'field' }, el('label', { for: 'audit-type' }, 'What'), this.type),
      this.actor.root,
      el('button', { type: 'submit', class: 'button' }, 'Show'),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.load();
    });
    return form;
  }

  query() {
    return { type: this.type.value, actor: this.actor.input.value.trim() };
  }

  async load() {
    this.asked = this.query(); // also for what is older
    this.entries = [];
    this.head = this.mark = null;
    this.rows.replaceChildren();
    this.count.textContent = '';
    this.say('', '');
    await this.more();
  }

  /** One entry more than is shown is asked for: what the chain is before the oldest one. */
  async more() {
    const { asked } = this;
    this.panel.setAttribute('aria-busy', 'true');
    this.older.disabled = true;
    try {
      const before = this.entries.at(-1)?.seq;
      const page = await api.auditList({ ...asked, limit: PAGE + 1, before });
      if (this.left || asked !== this.asked) return; // a later answer counts
      const newest = page.entries.reverse();
      const next = newest.splice(PAGE)[0];
      this.head ??= page.head; // others go on while this is read
      if (next || newest.length || !this.mark) this.mark = next ?? page.pruned;
      this.entries.push(...newest);
      this.rows.append(...newest.map(entryRow));
      this.older.hidden = !next;
      this.count.textContent = plural(this.entries.length, 'entry', 'entries');
      await this.verify(asked);
    } catch (error) {
      if (this.left || asked !== this.asked) return;
      this.say('unknown', 'The chain could not be verified.');
      fail(error);
    }
    this.older.disabled = false;
    this.panel.removeAttribute('aria-busy');
  }

  /** Says whether what is shown is one piece of the chain, and the one that was seen before. */
  async verify(asked) {
    if (asked.type || asked.actor) {
      this.say('', 'A selection has gaps; show everything to have the chain verified.');
      return;
    }
    const { head } = this;
    const rising = [...this.entries].reverse();
    const last = rising.at(-1) ?? this.mark;
    const broken = await check(rising, this.mark);
    const seen = lastSeen();
    const same = broken || (await this.holds(seen));
    if (asked !== this.asked) return;
    if (broken || last.chain !== head.chain || last.seq !== head.seq) {
      this.say('bad', `The chain breaks at entry ${broken || head.seq}: the log is not what it was.`);
      return;
    }
    if (!same) {
      this.say('bad', 'An entry that this browser saw before is not in the log any more, or another one is in its place.');
      return;
    }
    if (!(seen?.seq > head.seq)) localStorage.setItem(SEEN, JSON.stringify(head));
    this.say('good', `The chain of ${plural(rising.length, 'entry', 'entries')} holds, up to number ${head.seq}.`);
  }

  /** Whether the log still has what was seen before. */
  async holds(seen) {
    if (!seen?.seq) return true;
    const shown = this.entries.find(({ seq }) => seq === seen.seq);
    if (shown) return shown.chain === seen.chain;
    const page = await api.auditList({ after: seen.seq - 1, limit: 1 });
    if (page.pruned.seq > seen.seq) return true; // too old to be there
    if (page.pruned.seq === seen.seq) return page.pruned.chain === seen.chain;
    return page.entries[0]?.seq === seen.seq && page.entries[0].chain === seen.chain;
  }

  say(state, text) {
    this.state.dataset.state = state;
    fill(this.state, state ? icon(state) : null, el('span', {}, text));
  }
}

function lastSeen() {
  try {
    return JSON.parse(localStorage.getItem(SEEN));
  } catch {
    return null;
  }
}

const NAMES = new Map(TYPES.slice(1));

function entryRow(entry) {
  const details = Object.entries(entry.details ?? {})
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`)
    .join(', ');
  const failed = entry.result !== 'ok';
  return el(
    'tr',
    { 'data-type': entry.type, 'data-seq': entry.seq },
    el(
      'th',
      { scope: 'row' },
      el('strong', { title: NAMES.get(entry.type) }, entry.type),
      entry.subject ? [' ', el('span', { class: 'subject' }, entry.subject)] : null,
      failed ? [' ', el('span', { class: 'tag off' }, entry.result)] : null,
      details ? el('small', {}, details) : null,
    ),
    el('td', {}, entry.actor ?? el('span', { class: 'hint' }, 'nobody known')),
    el('td', { class: 'address' }, entry.address ?? ''),
    el(
      'td',
      { class: 'moment' },
      el('time', { datetime: entry.at, title: longMoment(entry.at) }, moment(entry.at)),
    ),
    el('td', { class: 'number' }, entry.seq),
  );
}
