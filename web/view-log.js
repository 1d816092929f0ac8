// SPDX-License-Identifier: Apache-2.0
// Log: the checkpoint, the entries from the newest on as they stand in the log's tiles, and one entry with
// its proof, which is put together from tiles and checked here.

import * as api from './api.js';
import { toHex } from './digest.js';
import { button, copyable, el, facts, field, fill } from './dom.js';
import { longMoment, moment, plural } from './format.js';
import { clear, fail } from './notices.js';
import { checkPlace } from './proving.js';
import { checkRow, packageOf, recordFacts, recordOf, signingNav } from './signing.js';
import { setTitle } from './title.js';
import { leafHash, parseBundle, proofFromTiles, tilePath, tileWidth } from './tlog.js';

const BUNDLE = 256;
const PAGE = 50; // entries shown at a time

export const view = {
  name: 'log',
  title: 'Log',
  access: 'public',
  group: 'signing',
  mount(root, rest) {
    const log = new Log(root);
    log.go(rest);
    return { update: (next) => log.go(next), leave: () => (log.left = true) };
  },
};

class Log {
  constructor(root) {
    this.left = false;
    this.asked = 0; // numbers the requests, so that a late answer is not shown
    this.bundles = new Map(); // "index/width" -> promise of entries
    this.content = el('div', { class: 'stack' });
    this.heading = el('h1', { tabindex: -1 }, 'Log');
    root.append(this.heading, signingNav('log'), this.content);
  }

  /** Shows the list, or the entry that the address names. */
  async go(rest) {
    clear();
    this.asked += 1;
    const mine = this.asked;
    this.content.setAttribute('aria-busy', 'true');
    try {
      const log = await api.logGet();
      if (this.left || mine !== this.asked) return;
      this.log = log;
      if (/^\d{1,15}$/.test(rest)) await this.showEntry(Number(rest), mine);
      else await this.showList();
    } catch (error) {
      fail(error);
    }
    if (mine === this.asked) this.content.removeAttribute('aria-busy');
  }

  async entry(index) {
    const bundle = Math.floor(index / BUNDLE);
    const width = tileWidth(bundle, this.log.size);
    const id = `${bundle}/${width}`;
    if (!this.bundles.has(id)) {
      this.bundles.set(id, api.logTile(tilePath('entries', bundle, width)).then(parseBundle));
    }
    return (await this.bundles.get(id))[index % BUNDLE];
  }

  async showList() {
    setTitle('Log');
    this.heading.textContent = 'Log';
    this.next = this.log.size - 1;
    this.rows = el('tbody', { role: 'rowgroup' });
    this.more = button('Show more', {}, () => this.showMore(true).catch(fail));
    this.count = el('p', { class: 'count' });
    const number = field('Entry', {
      type: 'number',
      min: 0,
      max: Math.max(this.log.size - 1, 0),
      required: true,
    });
    fill(
      this.content,
      this.checkpointPanel(),
      this.log.size === 0
        ? el(
            'section',
            { class: 'panel' },
            el('div', { class: 'empty' }, el('p', {}, 'Nothing has been signed yet.')),
          )
        : el(
            'section',
            { class: 'panel drop', 'aria-label': 'Entries' },
            el(
              'form',
              {
                class: 'inline pad',
                on: {
                  submit: (event) => {
                    event.preventDefault();
                    location.hash = `#/log/${number.input.value}`;
                  },
                },
              },
              number.root,
              el('button', { type: 'submit', class: 'button' }, 'Show'),
            ),
            this.table(),
            el('footer', {}, this.count, this.more),
          ),
    );
    if (this.log.size > 0) await this.showMore(false);
  }

  table() {
    const head = ['Entry', 'File', 'Package', 'Key', 'Signed'].map((title, i) =>
      el(
        'th',
        { scope: 'col', role: 'columnheader', class: ['number', null, 'owner', 'key', 'when'][i] },
        title,
      ),
    );
    return el(
      'table',
      { class: 'files entries', role: 'table' },
      el('caption', { class: 'visually-hidden' }, 'Entries of the log, newest first'),
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, head)),
      this.rows,
    );
  }

  checkpointPanel() {
    const { origin, size, root, key, time_key: timeKey } = this.log;
    return el(
      'section',
      { class: 'panel pad', 'aria-labelledby': 'checkpoint-title' },
      el('h2', { id: 'checkpoint-title' }, 'Checkpoint'),
      el(
        'p',
        { class: 'lead' },
        'Every signature is an entry here before it is given out, and no entry is ever taken back.',
      ),
      facts([
        ['Origin', origin],
        ['Entries', size.toLocaleString()],
        ['Root', el('code', {}, root)],
        ['Verifier key', copyable(key, 'the verifier key')],
        ['Key of signed time', copyable(timeKey, 'the key of signed time')],
        ['Tiles', el('a', { href: '/log/checkpoint' }, '/log/checkpoint')],
      ]),
    );
  }

  async showMore(focus) {
    const last = Math.max(this.next - PAGE + 1, 0);
    const list = this.rows;
    const rows = [];
    for (let index = this.next; index >= last; index -= 1) rows.push(row(index, await this.entry(index)));
    if (this.left || list !== this.rows) return;
    this.next = last - 1;
    this.rows.append(...rows);
    this.more.hidden = this.next < 0;
    this.count.textContent = `${plural(this.log.size, 'entry', 'entries')}${this.next >= 0 ? `, ${this.rows.rows.length} shown` : ''}`;
    if (focus) rows[0]?.querySelector('a').focus();
  }

  async showEntry(index, mine) {
    setTitle(`Entry ${index}`);
    this.heading.textContent = `Entry ${index.toLocaleString()}`;
    const back = el('p', {}, el('a', { href: '#/log' }, 'All entries'));
    if (index >= this.log.size) {
      fill(
        this.content,
        el('section', { class: 'panel pad' }, el('p', {}, 'There is no such entry yet.'), back),
      );
      return;
    }
    const entry = await this.entry(index);
    const leaf = toHex(await leafHash(entry));
    if (mine !== this.asked) return;
    const record = recordOf(entry);
    const checks = el('ul', { class: 'checklist' });
    const text = new TextDecoder().decode(entry);
    fill(
      this.content,
      el(
        'section',
        { class: 'panel pad', 'aria-labelledby': 'record-title' },
        el('h2', { id: 'record-title' }, record ? 'Record' : 'Not a record'),
        record ? recordFacts(record) : null,
        el(
          'details',
          {},
          el('summary', {}, 'The entry as it stands in the log'),
          el('pre', {}, el('code', {}, text)),
        ),
      ),
      el(
        'section',
        { class: 'panel pad', 'aria-labelledby': 'proof-title' },
        el('h2', { id: 'proof-title' }, 'Proof'),
        checks,
        facts([['Leaf hash', el('code', {}, leaf)]]),
        el('nav', { class: 'row', 'aria-label': 'Entries' }, this.neighbours(index)),
      ),
    );
    fill(checks, (await this.prove(index, entry)).map(checkRow));
  }

  neighbours(index) {
    return [
      index > 0 ? el('a', { href: `#/log/${index - 1}`, class: 'button' }, 'Older') : null,
      index + 1 < this.log.size ? el('a', { href: `#/log/${index + 1}`, class: 'button' }, 'Newer') : null,
      el('a', { href: '#/log', class: 'button' }, 'All entries'),
    ];
  }

  async prove(index, entry) {
    const tile = (level, at, width) => api.logTile(tilePath(level, at, width));
    const hashes = await proofFromTiles(index, this.log.size, tile);
    return checkPlace(entry, index, hashes, this.log.checkpoint);
  }
}

function row(index, entry) {
  const record = recordOf(entry);
  const name = record?.name ?? 'not a record';
  const cell = (kind, ...content) => el('td', { role: 'cell', class: kind }, ...content);
  return el(
    'tr',
    { role: 'row', 'data-index': index },
    cell('number', String(index)),
    el(
      'th',
      { scope: 'row', role: 'rowheader' },
      el('a', { href: `#/log/${index}` }, name),
      record
        ? el('small', { class: 'narrow-only' }, `${index}, ${record.key}, ${moment(record.timestamp)}`)
        : null,
    ),
    cell('owner', record ? packageOf(record) : ''),
    cell('key', record?.key ?? ''),
    cell(
      'when',
      record
        ? el(
            'time',
            { datetime: record.timestamp, title: longMoment(record.timestamp) },
            moment(record.timestamp),
          )
        : '',
    ),
  );
}
