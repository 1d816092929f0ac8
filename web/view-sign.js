// SPDX-License-Identifier: Apache-2.0
// Sign: stored files by their path, local files by their digests; signature files to take away. What is
// local is hashed here and never sent.

import * as api from './api.js';
import { digestsOf, DIGEST_MAX } from './digest.js';
import { button, el, field, fill, icon, iconButton } from './dom.js';
import { acceptDrops, FILES_MAX } from './drop.js';
import { bytes, plural } from './format.js';
import { clear, errorBox, fail, say } from './notices.js';
import { user } from './session.js';
import { downloads, formatBox, formatsOf, KEY_TYPES, packageOf, signingNav } from './signing.js';
import { setTitle } from './title.js';
import { save } from './transfers.js';

const SHOWN_MAX = 200; // results with their buttons
const ITEMS_MAX = 500; // items in the list; there may be more of them
const REMEMBERED = 'secgate.sign'; // key and formats of the last time, in this tab

// What is chosen stays while other views are shown, so that several files can be picked from the lists.
const kept = { user: null, items: [] };

export const view = {
  name: 'sign',
  title: 'Sign',
  access: 'user',
  group: 'signing',
  mount(root, rest) {
    const sign = new Sign(root);
    sign.go(rest);
    return { update: (next) => sign.go(next), leave: () => sign.leave() };
  },
};

class Sign {
  constructor(root) {
    setTitle('Sign');
    clear();
    const me = user()?.username;
    if (kept.user !== me) Object.assign(kept, { user: me, items: [] });
    this.items = kept.items; // {path} | {file, name, directory?, digests?}, with a problem where there is one
    this.keys = [];
    this.listening = new AbortController();
    this.build(root);
    acceptDrops(this.panel, {
      allowed: () => !this.busy,
      take: (files) => this.takeLocal(files),
      failed: fail,
      signal: this.listening.signal,
    });
    this.loadKeys();
  }

  build(root) {
    this.key = el('select', { id: 'sign-key', required: true, on: { change: () => this.showFormats() } });
    this.formats = el('div', { class: 'checks' });
    this.list = el('ul', { class: 'items', id: 'sign-items' });
    this.hidden = el('p', { class: 'hint', hidden: true });
    this.empty = el(
      'p',
      { class: 'hint' },
      'Nothing chosen yet. Drop files or folders here, choose them, or name stored ones.',
    );
    this.path = field('Stored file or folder, the space first', {
      type: 'text',
      placeholder: 'common/hello.deb or common/dist/',
      autocomplete: 'off',
      spellcheck: 'false',
      autocapitalize: 'none',
      maxlength: 4096,
    });
    this.picker = el('input', {
      type: 'file',
      multiple: true,
      hidden: true,
      'aria-label': 'Local files to sign',
    });
    this.picker.addEventListener('change', () => this.picked());
    this.choose = button('Choose local files', { icon: 'add' }, () => this.picker.click());
    this.submit = el('button', { type: 'submit', class: 'button primary', form: 'sign-form' }, 'Sign');
    this.problem = el('div', { role: 'alert' });
    this.result = el('section', { class: 'panel', 'aria-labelledby': 'result-title', hidden: true });
    this.none = el('p', { class: 'lead', hidden: true });
    const add = el(
      'form',
      { class: 'inline wide', on: { submit: (event) => this.addPath(event) } },
      this.path.root,
      el('button', { type: 'submit', class: 'button' }, 'Add'),
    );
    const form = el(
      'form',
      { id: 'sign-form', on: { submit: (event) => this.send(event) } },
      el('div', { class: 'field narrow' }, el('label', { for: 'sign-key' }, 'Key'), this.key),
      el('fieldset', {}, el('legend', {}, 'Formats'), this.formats),
      this.problem,
      this.submit,
    );
    this.panel = el(
      'section',
      { class: 'panel pad drop', 'data-drop': '', 'aria-labelledby': 'what-title' },
      el(
        'p',
        { class: 'drop-hint', 'aria-hidden': 'true' },
        icon('sign'),
        ' Drop to sign; nothing is uploaded',
      ),
      el('h2', { id: 'what-title' }, 'Files'),
      this.list,
      this.hidden,
      this.empty,
      add,
      el('p', { class: 'row' }, this.choose, this.picker),
      el(
        'p',
        { class: 'hint' },
        'Local files are hashed in this browser and stay on your device: only their names, sizes and digests ' +
          'are sent. These names become part of the public log.',
      ),
    );
    this.how = el(
      'section',
      { class: 'panel pad', 'aria-labelledby': 'how-title' },
      el('h2', { id: 'how-title' }, 'How'),
      this.none,
      form,
    );
    root.append(
      el('h1', { tabindex: -1 }, 'Sign'),
      signingNav('sign'),
      el('div', { class: 'stack' }, this.panel, this.how, this.result),
    );
    this.form = form;
    this.showItems();
  }

  leave() {
    this.listening.abort();
  }

  /** Adds the stored file or folder that the address names. */
  go(rest) {
    if (rest) this.add({ path: rest });
  }

  async loadKeys() {
    try {
      const { keys } = await api.keysList();
      const me = user()?.username;
      this.keys = keys.filter((key) => !key.disabled && key.signers.includes(me));
    } catch (error) {
      this.keys = [];
      fail(error);
    }
    const last = this.remembered();
    fill(
      this.key,
      this.keys.map((key) =>
        el('option', { value: key.name }, `${key.name} (${KEY_TYPES[key.type] ?? key.type})`),
      ),
    );
    if (this.keys.some((key) => key.name === last.key)) this.key.value = last.key;
    this.form.hidden = this.keys.length === 0;
    this.none.hidden = this.keys.length > 0;
    fill(
      this.none,
      'There is no key that you may sign with. ',
      user()?.role === 'admin'
        ? el('a', { href: '#/keys' }, 'Make one')
        : 'An admin, or who manages a key, can let you.',
    );
    this.showFormats();
  }

  remembered() {
    try {
      return JSON.parse(sessionStorage.getItem(REMEMBERED)) ?? {};
    } catch {
      return {};
    }
  }

  get chosenKey() {
    return this.keys.find((key) => key.name === this.key.value);
  }

  get chosenFormats() {
    return Array.from(this.formats.querySelectorAll('input:checked:not(:disabled)'), (box) => box.value);
  }

  /** The formats of the key; the choice stays where it can. */
  showFormats() {
    const key = this.chosenKey;
    const shown = this.formats.childElementCount > 0;
    const before = shown ? this.chosenFormats : (this.remembered().formats ?? []);
    if (!key) return;
    fill(
      this.formats,
      formatsOf(key).map((format) => formatBox(format, before.includes(format.id)).root),
    );
    this.localHint = el('p', { class: 'hint', id: 'local-hint' });
    this.formats.append(
      this.localHint,
      el('p', { class: 'hint' }, 'A proof from the log and the signed record come with every signature.'),
    );
    this.showLimits();
  }

  /** What cannot be made for files that stay here: browsers have no BLAKE2b, and large files no SHA-512. */
  showLimits() {
    const local = this.items.some((item) => item.file);
    const large = this.items.some((item) => item.file?.size > DIGEST_MAX);
    const off = { minisign: local, cms: large && this.chosenKey?.type === 'ed25519' };
    for (const box of this.formats.querySelectorAll('input')) {
      box.disabled = off[box.value] === true;
      box.toggleAttribute('aria-describedby', false);
      if (box.disabled) box.setAttribute('aria-describedby', 'local-hint');
    }
    if (!this.localHint) return;
    this.localHint.textContent = [
      off.minisign && this.formats.querySelector('[value=minisign]')
        ? 'minisign is not there for local files: it needs BLAKE2b, which browsers cannot compute. Use secctl, or store the files first.'
        : '',
      off.cms
        ? `cms with this key needs SHA-512, which is computed here for files up to ${bytes(DIGEST_MAX)} only.`
        : '',
    ]
      .filter(Boolean)
      .join(' ');
    this.localHint.hidden = this.localHint.textContent === '';
  }

  addPath(event) {
    event.preventDefault();
    const path = this.path.input.value.trim();
    if (!path) return;
    if (!path.includes('/')) {
      this.path.input.setCustomValidity('The space comes first: common/hello.deb');
      this.path.input.reportValidity();
      this.path.input.addEventListener('input', () => this.path.input.setCustomValidity(''), { once: true });
      return;
    }
    this.add({ path });
    this.path.input.value = '';
    this.path.input.focus();
  }

  add(...items) {
    const known = new Set(this.items.map((item) => item.path).filter(Boolean));
    this.items.push(...items.filter((item) => !item.path || !known.has(item.path)));
    this.showItems();
  }

  picked() {
    const files = Array.from(this.picker.files, (file) => ({ file, path: file.name }));
    this.picker.value = '';
    this.takeLocal(files);
  }

  /** A dropped folder is one directory with all its files; it is signed as a whole too. */
  async takeLocal(files) {
    if (files.length === FILES_MAX) say(`Only the first ${FILES_MAX.toLocaleString()} files were taken.`);
    this.add(
      ...files.map(({ file, path }) => {
        const slash = path.indexOf('/');
        return slash < 0
          ? { file, name: path }
          : { file, name: path.slice(slash + 1), directory: path.slice(0, slash) };
      }),
    );
  }

  showItems() {
    const hidden = this.items.length - ITEMS_MAX;
    fill(
      this.list,
      // Those with a problem come first: all of them have to be seen.
      [...this.items]
        .sort((a, b) => Boolean(b.problem) - Boolean(a.problem))
        .slice(0, ITEMS_MAX)
        .map((item) => {
          const label = item.path ?? [item.directory, item.name].filter(Boolean).join('/');
          item.state = el('small', { class: item.problem ? 'bad' : '' }, this.stateOf(item));
          return el(
            'li',
            {},
            icon(item.path?.endsWith('/') ? 'folder' : 'file'),
            el('div', {}, el('span', {}, label), item.state),
            iconButton('close', `Remove ${label}`, () => this.remove(item)),
          );
        }),
    );
    this.hidden.textContent = hidden > 0 ? `and ${plural(hidden, 'more', 'more')}` : '';
    this.hidden.hidden = hidden <= 0;
    this.empty.hidden = this.items.length > 0;
    this.submit.disabled = this.items.length === 0;
    this.submit.textContent = this.items.length ? `Sign ${plural(this.items.length, 'item')}` : 'Sign';
    this.showLimits();
  }

  stateOf(item) {
    if (item.problem) return item.problem;
    if (item.path) return item.path.endsWith('/') ? 'stored, with all that is in it' : 'stored';
    return `local, ${bytes(item.file.size)}${item.digests ? ', hashed' : ''}`;
  }

  remove(item) {
    if (this.busy) return;
    const at = Array.from(this.list.querySelectorAll('button')).indexOf(document.activeElement);
    this.items.splice(this.items.indexOf(item), 1);
    this.showItems();
    const buttons = this.list.querySelectorAll('button');
    (buttons[Math.min(Math.max(at, 0), buttons.length - 1)] ?? this.path.input).focus();
  }

  async hash(item) {
    item.digests ??= await digestsOf(item.file, {
      signal: this.listening.signal,
      onProgress: (done) => {
        const share = Math.floor((100 * done) / Math.max(item.file.size, 1));
        if (item.state) item.state.textContent = `local, hashing ${share}% of ${bytes(item.file.size)}`;
      },
    }).catch((error) => {
      if (error.name === 'AbortError') throw error;
      throw new Error(`${item.name} cannot be read: ${error.message}`);
    });
    if (item.state) item.state.textContent = this.stateOf(item);
    const { name, digests, directory, file } = item;
    return { name, size: file.size, digests, ...(directory && { directory }) };
  }

  async send(event) {
    event.preventDefault();
    if (this.busy || this.items.length === 0) return;
    this.busy = true;
    this.submit.disabled = true;
    this.submit.textContent = 'Signing …';
    this.problem.replaceChildren();
    this.result.hidden = true;
    const chosen = [...this.items];
    for (const item of chosen) item.problem = null;
    const formats = this.chosenFormats;
    const key = this.key.value;
    sessionStorage.setItem(REMEMBERED, JSON.stringify({ key, formats }));
    try {
      const asked = [];
      for (const [i, item] of chosen.entries()) {
        if (item.file) this.submit.textContent = `Hashing ${i + 1} of ${chosen.length} …`;
        if (item.file) asked.push(await this.hash(item));
        else asked.push(item.path.endsWith('/') ? { prefix: item.path } : { path: item.path });
      }
      this.submit.textContent = 'Signing …';
      const batch = await api.signaturesCreate(key, asked, formats);
      const rest = this.items.filter((item) => !chosen.includes(item));
      this.items.splice(0, this.items.length, ...rest);
      this.show(batch);
      say(`${plural(batch.signatures.length, 'file')} signed.`);
    } catch (error) {
      this.explain(error, chosen);
    }
    this.busy = false;
    this.showItems();
  }

  /** Says it where it belongs: at the items, or below the form. */
  explain(error, chosen) {
    if (this.listening.signal.aborted) return;
    for (const { index, code, detail } of error.items ?? []) {
      const slash = code === 'is-directory' ? ' End it with a slash to sign all that is in it.' : '';
      if (chosen[index]) chosen[index].problem = detail + slash;
    }
    this.problem.replaceChildren(errorBox(error));
  }

  show({ signatures, manifests = [] }) {
    const all = [...manifests, ...signatures];
    this.result.hidden = false;
    fill(
      this.result,
      el(
        'h2',
        { id: 'result-title', class: 'pad', tabindex: -1 },
        `${plural(signatures.length, 'file')} signed`,
      ),
      el('ul', { class: 'signed' }, all.slice(0, SHOWN_MAX).map(resultRow)),
      all.length > 1
        ? el(
            'p',
            { class: 'row pad' },
            button('Save all records', { icon: 'download' }, () => saveAll(all)),
            all.length > SHOWN_MAX ? el('small', {}, `The first ${SHOWN_MAX} are shown.`) : null,
          )
        : null,
    );
    this.result.querySelector('h2').focus();
  }
}

/* One record with its formats and its proof in each line. */
function saveAll(signatures) {
  const lines = signatures.map((signature) => `${JSON.stringify(signature)}\n`);
  save(new Blob(lines, { type: 'application/jsonl' }), 'signatures.jsonl');
}

function resultRow(signature) {
  const about = signature.lines
    ? `the directory ${signature.directory || signature.name}, ${plural(signature.files, 'file')}`
    : packageOf(signature);
  return el(
    'li',
    {},
    el(
      'div',
      {},
      el('strong', {}, signature.name),
      about ? el('small', {}, about) : null,
      el(
        'small',
        {},
        `${signature.key}, version ${signature.key_version}, `,
        el('a', { href: `#/log/${signature.log.index}` }, `entry ${signature.log.index} of the log`),
      ),
    ),
    downloads(signature),
  );
}
