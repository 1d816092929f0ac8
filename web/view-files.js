// SPDX-License-Identifier: Apache-2.0
// Files: spaces, a directory's entries, upload, new folder, download, move, delete. The table's roles are
// written out because its narrow layout gives up the table's own display.

import * as api from './api.js';
import { askName, confirm } from './dialogs.js';
import { button, el, fill, icon, iconButton } from './dom.js';
import { acceptDrops, FILES_MAX } from './drop.js';
import { bytes, encodePath, longMoment, moment, plural } from './format.js';
import { clear, fail, say } from './notices.js';
import { user } from './session.js';
import { setTitle } from './title.js';
import { download, upload } from './transfers.js';

const PAGE = 200; // entries asked for at a time
const PAGE_MAX = 1000; // the gateway's own limit
const RELOAD_MS = 250; // uploads that end together cause one reload

const COLUMNS = [
  { key: 'name', label: 'Name' },
  { key: 'size', label: 'Size', class: 'number' },
  { key: 'modified', label: 'Modified', class: 'when' },
  { key: null, label: 'Owner', class: 'owner' },
];

const linkTo = (path) => `#/files/${encodePath(path)}`;

export const view = {
  name: 'files',
  title: 'Files',
  access: 'user',
  mount(root, rest) {
    const files = new Files(root);
    files.go(rest);
    return { update: (next) => files.go(next), leave: () => files.leave() };
  },
};

class Files {
  constructor(root) {
    this.directory = ''; // space first, slash at the end
    this.sort = 'name';
    this.entries = [];
    this.cursor = null;
    this.role = 'writer'; // until the gateway says otherwise; it decides in any case
    this.asked = 0; // numbers the requests, so that a late answer is not shown
    this.listening = new AbortController();
    this.build(root);
    acceptDrops(this.drop, {
      allowed: () => this.writable,
      take: (dropped) => this.dropped(dropped),
      failed: fail,
      signal: this.listening.signal,
    });
  }

  build(root) {
    this.spaces = el('ul', {});
    this.crumbs = el('ol', {});
    this.picker = el('input', {
      type: 'file',
      multiple: true,
      hidden: true,
      id: 'picker',
      'aria-label': 'Files to upload',
    });
    this.picker.addEventListener('change', () => this.picked());
    this.uploadButton = button('Upload', { icon: 'upload', kind: 'primary' }, () => this.picker.click());
    this.folderButton = button('New folder', { icon: 'add' }, () => this.makeDirectory());
    this.count = el('p', { class: 'count' });
    this.root = root;
    this.problem = null; // why nothing could be listed
    this.more = button('Show more', {}, () => this.loadMore());
    this.head = el('tr', { role: 'row' });
    this.body = el('tbody', { role: 'rowgroup' });
    this.table = el(
      'table',
      { class: 'files', role: 'table' },
      el('caption', { class: 'visually-hidden' }, 'Files'),
      el('thead', { role: 'rowgroup' }, this.head),
      this.body,
    );
    this.empty = el('div', { class: 'empty', hidden: true });
    this.drop = el(
      'section',
      { class: 'panel drop', 'data-drop': '', 'aria-label': 'Directory' },
      el('p', { class: 'drop-hint', 'aria-hidden': 'true' }, icon('upload'), ' Drop to upload here'),
      this.table,
      this.empty,
      el('footer', {}, this.count, this.more),
    );
    root.append(
      el(
        'div',
        { class: 'with-rail' },
        el('nav', { class: 'rail', 'aria-label': 'Spaces' }, el('h2', {}, 'Spaces'), this.spaces),
        el(
          'div',
          { class: 'stack' },
          el(
            'div',
            { class: 'toolbar' },
            el('nav', { class: 'crumbs', 'aria-label': 'Path' }, this.crumbs),
            el(
              'div',
              { class: 'buttons', 'data-writes': '' },
              this.folderButton,
              this.uploadButton,
              this.picker,
            ),
          ),
          this.drop,
        ),
      ),
    );
  }

  leave() {
    this.listening.abort();
    delete this.root.dataset.role;
    clearTimeout(this.timer);
  }

  /** Shows the directory that the address names; the space `common` when it names none. */
  async go(rest) {
    const path = rest || 'common/';
    this.directory = path.endsWith('/') ? path : `${path}/`;
    clear();
    this.showPath();
    this.showHead();
    this.showSpaces();
    await this.load(PAGE);
  }

  get writable() {
    return this.role !== 'reader';
  }

  async showSpaces() {
    try {
      const { spaces } = await api.spacesList();
      if (this.listening.signal.aborted) return;
      const here = this.directory.split('/')[0];
      const own = `~${user()?.username}`;
      const current = here === '~me' ? own : here;
      this.role = spaces.find((space) => space.name === current)?.role ?? 'reader';
      fill(
        this.spaces,
        spaces.map((space) =>
          el(
            'li',
            {},
            el(
              'a',
              { href: linkTo(`${space.name}/`), 'aria-current': space.name === current ? 'true' : null },
              el('span', {}, space.name),
              el(
                'small',
                {},
                space.name === own ? 'only you' : space.name === 'common' ? 'everyone' : space.role,
              ),
            ),
          ),
        ),
      );
      this.root.dataset.role = this.role;
      if (!this.empty.hidden) this.showState(this.problem);
    } catch (error) {
      fail(error);
    }
  }

  showPath() {
    const names = this.directory.split('/').filter(Boolean);
    setTitle(names.at(-1));
    fill(
      this.crumbs,
      names.map((name, i) => {
        const last = i === names.length - 1;
        const path = `${names.slice(0, i + 1).join('/')}/`;
        return el(
          'li',
          {},
          last
            ? el('h1', { 'aria-current': 'page', tabindex: -1 }, name)
            : el('a', { href: linkTo(path) }, name),
        );
      }),
    );
  }

  showHead() {
    const key = this.sort.replace('-', '');
    const down = this.sort.startsWith('-');
    const heads = COLUMNS.map((column) => {
      if (!column.key)
        return el('th', { scope: 'col', role: 'columnheader', class: column.class }, column.label);
      const sorted = column.key === key;
      return el(
        'th',
        {
          scope: 'col',
          role: 'columnheader',
          class: column.class,
          'aria-sort': sorted ? (down ? 'descending' : 'ascending') : null,
        },
        el(
          'button',
          {
            type: 'button',
            class: 'sort',
            'data-key': column.key,
            on: { click: () => this.sortBy(column.key) },
          },
          column.label,
        ),
      );
    });
    fill(
      this.head,
      heads,
      el(
        'th',
        { scope: 'col', role: 'columnheader', class: 'acts' },
        el('span', { class: 'visually-hidden' }, 'Actions'),
      ),
    );
  }

  sortBy(key) {
    const first = key === 'name' ? key : `-${key}`; // largest and newest first
    this.sort = this.sort === first ? (first === key ? `-${key}` : key) : first;
    this.showHead();
    this.head.querySelector(`[data-key=${key}]`).focus();
    this.load(PAGE);
  }

  async page(limit, cursor) {
    this.asked += 1;
    const mine = this.asked;
    this.drop.setAttribute('aria-busy', 'true');
    try {
      const page = await api.filesList(this.directory, { limit, cursor, sort: this.sort });
      return mine === this.asked ? page : null;
    } finally {
      if (mine === this.asked) this.drop.removeAttribute('aria-busy');
    }
  }

  async load(limit) {
    try {
      const page = await this.page(limit);
      if (!page) return;
      this.entries = page.entries;
      this.cursor = page.next_cursor;
      fill(
        this.body,
        page.entries.map((entry) => this.row(entry)),
      );
      this.showState();
    } catch (error) {
      this.entries = [];
      this.cursor = null;
      this.body.replaceChildren();
      this.showState(
        error.status === 404 ? 'There is no such directory.' : 'The directory could not be listed.',
      );
      fail(error);
    }
  }

  async loadMore() {
    try {
      const page = await this.page(PAGE, this.cursor);
      if (!page) return;
      const rows = page.entries.map((entry) => this.row(entry));
      this.entries.push(...page.entries);
      this.cursor = page.next_cursor;
      this.body.append(...rows);
      this.showState();
      rows[0]?.querySelector('a, button').focus();
    } catch (error) {
      fail(error);
    }
  }

  /** After a change: the same entries again, as many as were shown. */
  reload() {
    return this.load(Math.min(Math.max(PAGE, this.entries.length), PAGE_MAX));
  }

  reloadSoon() {
    clearTimeout(this.timer);
    if (!this.listening.signal.aborted) this.timer = setTimeout(() => this.reload(), RELOAD_MS);
  }

  showState(problem = null) {
    this.problem = problem;
    const none = this.entries.length === 0;
    const total = this.entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);
    this.table.hidden = none;
    this.empty.hidden = !none;
    this.more.hidden = !this.cursor;
    this.count.textContent = none
      ? ''
      : `${plural(this.entries.length, 'entry', 'entries')}${this.cursor ? ' so far' : ''}, ${bytes(total)}`;
    if (none) {
      fill(
        this.empty,
        icon('folder'),
        el('p', {}, problem ?? 'Nothing here yet.'),
        !problem && this.writable
          ? el('p', {}, 'Drop files or folders on this page, or choose Upload.')
          : null,
      );
    }
  }

  row(entry) {
    const isDirectory = entry.type === 'directory';
    const size = isDirectory ? '' : bytes(entry.size);
    const when = moment(entry.modified);
    const name = isDirectory
      ? el('a', { href: linkTo(`${entry.path}/`) }, `${entry.name}/`)
      : el('button', { type: 'button', class: 'link', on: { click: () => this.fetch(entry) } }, entry.name);
    return el(
      'tr',
      { role: 'row', 'data-name': entry.name },
      el(
        'th',
        { scope: 'row', role: 'rowheader' },
        el(
          'div',
          { class: 'entry' },
          icon(entry.type === 'directory' ? 'folder' : 'file'),
          el('div', {}, name, el('small', { class: 'narrow-only' }, [size, when].filter(Boolean).join(', '))),
        ),
      ),
      el('td', { role: 'cell', class: 'number' }, size),
      el(
        'td',
        { role: 'cell', class: 'when' },
        el('time', { datetime: entry.modified, title: longMoment(entry.modified) }, when),
      ),
      el('td', { role: 'cell', class: 'owner' }, entry.owner),
      el(
        'td',
        { role: 'cell', class: 'acts' },
        isDirectory
          ? null
          : iconButton('download', `Download ${entry.name}`, () => this.fetch(entry), { 'data-also': '' }),
        iconButton('sign', `Sign ${entry.name}`, () => this.sign(entry), { 'data-also': '' }),
        iconButton('edit', `Rename or move ${entry.name}`, () => this.move(entry), { 'data-writes': '' }),
        iconButton('trash', `Delete ${entry.name}`, () => this.remove(entry), { 'data-writes': '' }),
      ),
    );
  }

  fetch(entry) {
    download(entry).catch(fail);
  }

  sign(entry) {
    location.hash = `#/sign/${encodePath(entry.path)}${entry.type === 'directory' ? '/' : ''}`;
  }

  async remove(entry) {
    const isDirectory = entry.type === 'directory';
    const yes = await confirm({
      title: isDirectory ? 'Delete the folder?' : 'Delete the file?',
      text: [
        el('strong', {}, entry.name),
        isDirectory ? ' and everything in it will be gone for good.' : ' will be gone for good.',
      ],
      yes: 'Delete',
      danger: true,
    });
    if (!yes) return;
    const at = this.entries.indexOf(entry);
    try {
      await api.filesDelete(entry);
      say(`${entry.name} was deleted.`);
    } catch (error) {
      fail(error, entry.name);
    }
    await this.reload();
    const rows = this.body.rows;
    (
      rows[Math.min(Math.max(at, 0), rows.length - 1)]?.querySelector('th a, th button') ?? this.uploadButton
    ).focus();
  }

  /** Another name, or another place, in this space or in another one. */
  async move(entry) {
    const path = await askName({
      title: 'Rename or move',
      label: 'Path, the space first',
      yes: 'Move',
      check: pathProblem,
      value: entry.path,
      maxlength: 4096,
    });
    if (path === null || path === entry.path) return;
    try {
      const moved = await api.filesMove(entry, path);
      say(`${entry.name} is now ${moved.path}.`);
    } catch (error) {
      fail(error, entry.name);
    }
    await this.reload();
    (this.body.querySelector('th a, th button') ?? this.uploadButton).focus();
  }

  async makeDirectory() {
    const name = await askName({ title: 'New folder', label: 'Name', yes: 'Create', check: nameProblem });
    if (name === null) return;
    try {
      await api.filesMakeDirectory(this.directory + name);
      say(`The folder ${name} was created.`);
    } catch (error) {
      fail(error, name);
    }
    await this.reload();
  }

  picked() {
    const files = Array.from(this.picker.files, (file) => ({ file, path: file.name }));
    this.picker.value = '';
    this.send(files);
  }

  async send(files) {
    if (files.length === 0) return;
    const { directory } = this;
    const known = new Set(this.entries.map((entry) => entry.name));
    const missing = new Set(
      this.cursor ? [] : files.map(({ path }) => path.split('/')[0]).filter((top) => !known.has(top)),
    );
    await upload(directory, files, missing, () => {
      if (this.directory === directory) this.reloadSoon();
    });
  }

  async dropped(files) {
    if (files.length === FILES_MAX) say(`Only the first ${FILES_MAX.toLocaleString()} files were taken.`);
    await this.send(files);
  }
}

function nameProblem(name) {
  if (name === '.' || name === '..') return 'This name is taken by the file system.';
  if (/[/\\\p{Cc}]/u.test(name)) return 'A name has no slashes, backslashes or control characters.';
  if (new TextEncoder().encode(name).length > 255) return 'A name has at most 255 bytes.';
  return null;
}

function pathProblem(path) {
  const names = path.split('/');
  if (names.length < 2 || names.includes('')) return 'A path is the space, a slash and at least one name.';
  return names.map(nameProblem).find(Boolean) ?? null;
}
