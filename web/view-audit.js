// SPDX-License-Identifier: Apache-2.0
// Audit: who did what with accounts, keys and rights. The chain of what is shown is verified here,
// and against what this browser saw before.

import { accountNav, forAdmins } from './account-nav.js';
import * as api from './api.js';
import { TYPES, WORDS } from './audit-types.js';
import { check } from './chain.js';
import { button, copyable, el, facts, field, fill, icon } from './dom.js';
import { longMoment, moment, plural } from './format.js';
import { clear, fail } from './notices.js';
import { rove } from './rove.js';
import { setTitle } from './title.js';

const PAGE = 100;
const SEEN = 'secgate.audit'; // the last head that this browser saw: {seq, chain}

export const view = forAdmins({
  name: 'audit',
  title: 'Audit',
  access: 'user',
  group: 'account',
  mount(root, rest, { query }) {
    const audit = new Audit(root);
    audit.ask(query);
    return { update: (next, { query: changed }) => audit.ask(changed), leave: () => (audit.left = true) };
  },
});

class Audit {
  constructor(root) {
    setTitle('Audit');
    clear();
    this.left = false;
    this.entries = []; // as shown: newest first
    this.state = el('p', { class: 'lead chain', role: 'status' });
    this.rows = el('tbody', {});
    this.settle = rove(this.rows);
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
    const option = ([value, text]) => el('option', { value }, text);
    this.type = el(
      'select',
      { id: 'audit-type' },
      option(['', 'Everything']),
      TYPES.map(([label, types]) => el('optgroup', { label }, types.map(option))),
    );
    this.actor = field('Who', {
      type: 'text',
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      maxlength: 64,
    });
    this.since = field('Since', { type: 'datetime-local' });
    this.until = field('Until', { type: 'datetime-local' });
    this.all = button('Show everything', { kind: 'quiet', hidden: true }, () => this.go(new URLSearchParams()));
    const form = el(
      'form',
      { class: 'filters', role: 'search', 'aria-label': 'Filter' },
      el('div', { class: 'field' }, el('label', { for: 'audit-type' }, 'What'), this.type),
      this.actor.root,
      this.since.root,
      this.until.root,
      el('div', { class: 'row' }, el('button', { type: 'submit', class: 'button' }, 'Show'), this.all),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.go(this.typed());
    });
    return form;
  }

  /** What the fields say, as the address and the gateway take it. */
  typed() {
    const query = new URLSearchParams();
    const put = (name, value) => value && query.set(name, value);
    put('type', this.type.value);
    put('actor', this.actor.input.value.trim());
    put('since', fromLocal(this.since.input.value));
    put('until', fromLocal(this.until.input.value));
    return query;
  }

  /** Asks, and keeps what is asked in the address. The focus stays. */
  go(query) {
    const address = query.size ? `#/audit?${query}` : '#/audit';
    if (location.hash !== address) history.pushState(null, '', address);
    if (!query.size && document.activeElement === this.all) this.type.focus(); // it goes away
    this.ask(query);
  }

  /** Asks what an address says. */
  ask(query) {
    const given = (name) => query.get(name) ?? '';
    this.type.value = WORDS.has(given('type')) ? given('type') : '';
    this.actor.input.value = given('actor');
    this.since.input.value = toLocal(given('since'));
    this.until.input.value = toLocal(given('until'));
    this.filter = Object.fromEntries(this.typed());
    this.all.hidden = Object.keys(this.filter).length === 0;
    this.load();
  }

  async load() {
    this.asked = { ...this.filter }; // also for what is older
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
      this.settle();
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
    if (Object.keys(asked).length) {
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

/** A time of the fields, which is one of this device's zone, as RFC 3339 in UTC. */
function fromLocal(value) {
  return value ? new Date(value).toISOString() : '';
}

/** And back; '' for what is no time. */
function toLocal(rfc3339) {
  const at = new Date(rfc3339);
  if (!rfc3339 || Number.isNaN(at.getTime())) return '';
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** A link to all that a user did. */
const whatElse = (actor) =>
  actor ? el('a', { href: `#/audit?${new URLSearchParams({ actor })}` }, `All that ${actor} did`) : null;

/** What the log has of an entry beyond its line. */
function more(entry) {
  const code = (value) => (value ? el('code', {}, value) : null);
  return facts([
    ['Number', entry.seq],
    ['About', WORDS.get(entry.type)],
    ['When', longMoment(entry.at)],
    ['Who', whatElse(entry.actor)],
    ['Result', entry.result],
    ['Request', code(entry.request_id)],
    ['Session', code(entry.session_id)],
    ['Chain value', copyable(entry.chain, 'the chain value')],
  ]);
}

function entryRow(entry) {
  const details = Object.entries(entry.details ?? {})
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`)
    .join(', ');
  const failed = entry.result !== 'ok';
  const line = el(
    'summary',
    { on: { click: () => line.nextSibling ?? line.after(more(entry)) } },
    el('strong', {}, entry.type),
    entry.subject ? [' ', el('span', { class: 'subject' }, entry.subject)] : null,
    failed ? [' ', el('span', { class: 'tag off' }, entry.result)] : null,
    details ? el('small', {}, details) : null,
  );
  return el(
    'tr',
    { 'data-type': entry.type, 'data-seq': entry.seq },
    el('th', { scope: 'row' }, el('details', {}, line)),
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
