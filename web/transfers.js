// SPDX-License-Identifier: Apache-2.0
// Carries files up and down, a few at a time, and shows how far each is. Transfers go on while the
// user looks at another view. It never replaces a file without asking.

import * as api from './api.js';
import { askReplace } from './dialogs.js';
import { DIGEST_MAX, sha256, toBase64, toHex } from './digest.js';
import { button, el, fill, iconButton } from './dom.js';
import { bytes, plural } from './format.js';
import { fail, say } from './notices.js';

const AT_ONCE = 3;
const SHOWN_MAX = 100; // rows in the panel
const STREAM_FROM = DIGEST_MAX; // larger downloads go straight to disk where the browser can
const DISMISS_MS = 3000;
const REVOKE_MS = 60_000;
const ASIDE_MAX = 100; // names tried for a file whose name is taken

const panel = document.getElementById('transfers');
const list = el('ul', {});
const summary = el('h2', { id: 'transfers-title' });
const clearButton = button('Clear', { kind: 'quiet' }, clearFinished);
panel.append(el('header', {}, summary, clearButton), list);

const transfers = [];
let running = 0;
let hidden = 0; // finished rows that were dropped to keep the panel small

/** The user chose to leave what is there. */
class Kept extends Error {}

/** A file on its way. States: waiting, checking, running, done, failed, cancelled. */
class Transfer {
  constructor(verb, name, size, work) {
    Object.assign(this, { verb, name, size, work, sent: 0, state: 'waiting', note: '' });
    this.controller = new AbortController();
    this.finished = new Promise((resolve) => (this.finish = resolve));
    this.bar = el('progress', { max: Math.max(size, 1), value: 0, 'aria-label': `${verb} ${name}` });
    this.text = el('span', { class: 'transfer-state' });
    this.cancel = iconButton('close', `Cancel ${name}`, () => this.stop());
    this.row = el(
      'li',
      {},
      el('span', { class: 'transfer-name', title: name }, name),
      this.cancel,
      this.bar,
      this.text,
    );
  }

  get over() {
    return ['done', 'failed', 'cancelled'].includes(this.state);
  }

  stop() {
    this.controller.abort();
    if (this.state === 'waiting') this.end('cancelled', 'Cancelled');
  }

  progress(sent) {
    this.sent = sent;
    this.become('running');
  }

  become(state, note = '') {
    this.state = state;
    this.note = note;
    this.draw();
  }

  end(state, note) {
    this.become(state, note);
    this.cancel.hidden = true;
    this.finish(this);
  }

  draw() {
    const share = this.size > 0 ? Math.floor((100 * this.sent) / this.size) : 100;
    const words = {
      waiting: 'Waiting',
      checking: 'Computing the digest',
      running: this.sent < this.size ? `${share}% of ${bytes(this.size)}` : 'Waiting for the gateway',
    };
    this.row.dataset.state = this.state;
    this.text.textContent = this.note || words[this.state];
    this.bar.value = this.state === 'done' ? this.bar.max : this.sent;
    this.bar.hidden = this.over;
  }
}

function add(transfer) {
  transfers.push(transfer);
  transfer.draw();
  panel.hidden = false;
  pump();
  return transfer.finished;
}

function pump() {
  for (const transfer of transfers) {
    if (running >= AT_ONCE) break;
    if (transfer.state === 'waiting') run(transfer);
  }
  show();
}

async function run(transfer) {
  running += 1;
  transfer.become('checking', 'Starting');
  try {
    const note = await transfer.work(transfer);
    transfer.end('done', note);
  } catch (error) {
    if (error instanceof Kept) transfer.end('cancelled', 'Kept the old one');
    else if (error.name === 'AbortError') transfer.end('cancelled', 'Cancelled');
    else {
      transfer.end('failed', error.title ?? 'Failed');
      fail(error, transfer.name);
    }
  }
  running -= 1;
  pump();
}

function show() {
  const open = transfers.filter((transfer) => !transfer.over);
  while (transfers.length > SHOWN_MAX && transfers.some((transfer) => transfer.over)) {
    transfers.splice(
      transfers.findIndex((transfer) => transfer.over),
      1,
    );
    hidden += 1;
  }
  const rows = [...open, ...transfers.filter((transfer) => transfer.over).reverse()];
  fill(
    list,
    rows.slice(0, SHOWN_MAX).map((transfer) => transfer.row),
  );
  const all = transfers.length + hidden;
  summary.textContent = open.length
    ? `${plural(open.length, 'transfer')} of ${all.toLocaleString()} to go`
    : `${plural(all, 'transfer')} finished`;
  clearButton.hidden = open.length === transfers.length;
}

function clearFinished() {
  hidden = 0;
  dismiss(transfers.filter((transfer) => transfer.over));
}

function dismiss(some) {
  for (const transfer of some) {
    const at = transfers.indexOf(transfer);
    if (at >= 0) transfers.splice(at, 1);
  }
  panel.hidden = transfers.length === 0;
  show();
}

/** Ends everything that is under way and empties the panel, for signing out. */
export function stopAll() {
  for (const transfer of transfers) transfer.stop();
  transfers.length = 0;
  hidden = 0;
  panel.hidden = true;
  list.replaceChildren();
}

addEventListener('beforeunload', (event) => {
  if (transfers.some((transfer) => !transfer.over)) event.preventDefault();
});

/** One question at a time, and none any more after "for the rest". */
class Replacing {
  constructor(several) {
    this.several = several;
    this.always = null;
    this.turn = Promise.resolve();
  }

  ask(name) {
    const answer = this.turn.then(async () => {
      if (this.always) return this.always;
      const { choice, all } = await askReplace(name, this.several);
      if (all) this.always = choice;
      return choice;
    });
    this.turn = answer;
    return answer;
  }
}

/** The entry at `path`, or null. */
async function existing(path) {
  const cut = path.lastIndexOf('/') + 1;
  try {
    const page = await api.filesList(path.slice(0, cut), { prefix: path.slice(cut), sort: 'name', limit: 1 });
    return page.entries.find((entry) => entry.path === path.normalize('NFC')) ?? null;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

/**
 * Uploads files into `directory` (space first, slash at the end).
 * @param {Array<{file: File, path: string}>} files paths below the directory
 * @param {Set<string>} missing directories known not to be there yet, as paths below `directory`
 * @param {function(object)} onStored called with the entry of each file that the gateway has
 *   acknowledged
 * @param {boolean} aside true: a name that is taken is changed, nobody is asked, and what is done does
 *   not stay in the panel
 */
export async function upload(directory, files, missing, onStored, aside = false) {
  const replacing = new Replacing(files.length > 1);
  const ended = files.map(({ file, path }) => {
    const target = directory + path;
    const isNew = missing.has(path.split('/')[0]) && path.includes('/');
    return add(
      new Transfer('Upload', path, file.size, async (transfer) => {
        const { entry, note } = aside
          ? await storeAside(transfer, file, target)
          : await store(transfer, file, target, isNew, replacing);
        onStored(entry);
        return note;
      }),
    );
  });
  const done = (await Promise.all(ended)).filter((transfer) => transfer.state === 'done');
  if (aside) setTimeout(() => dismiss(done), DISMISS_MS);
  else if (done.length) say(`${plural(done.length, 'file')} uploaded.`);
}

async function store(transfer, file, target, isNew, replacing) {
  const old = isNew ? null : await existing(target);
  if (old?.type === 'file') {
    transfer.become('checking', 'Waiting for your answer');
    if ((await replacing.ask(transfer.name)) === 'skip') throw new Kept();
  }
  return put(transfer, file, target, old?.sha256);
}

async function storeAside(transfer, file, target) {
  for (let i = 2, free = target; ; i += 1) {
    try {
      return await put(transfer, file, free, null);
    } catch (error) {
      if (error.status !== 412 || i > ASIDE_MAX) throw error;
      free = numbered(target, i);
    }
  }
}

/** "a/b.txt" -> "a/b (2).txt" */
function numbered(path, number) {
  const [, stem, end] = /^(.*?)((?:\.[^./]{1,16})?)$/su.exec(path);
  return `${stem} (${number})${end}`;
}

async function put(transfer, file, target, replaces) {
  transfer.become('checking');
  const digest = await sha256(file);
  transfer.progress(0);
  const entry = await api.filesPut(target, file, {
    digest: digest && toBase64(digest),
    replaces,
    onProgress: (sent) => transfer.progress(Math.min(sent, file.size)),
    signal: transfer.controller.signal,
  });
  const same = digest && entry.sha256 === toHex(digest);
  return { entry, note: same ? 'Stored, SHA-256 checked' : 'Stored' };
}

/**
 * Downloads a file. Must be called from a click, because a large one asks where to save first.
 * @param {object} entry as in files_list; `pinned`: that version and no other
 */
export async function download(entry) {
  let target = null;
  if (entry.size > STREAM_FROM && 'showSaveFilePicker' in window) {
    try {
      target = await window.showSaveFilePicker({ suggestedName: entry.name });
    } catch (error) {
      if (error.name === 'AbortError') return; // the user closed the picker
    }
  }
  await add(
    new Transfer('Download', entry.name, entry.size, (transfer) =>
      target ? toDisk(transfer, entry, target) : toBlob(transfer, entry),
    ),
  );
}

async function receive(transfer, entry, take) {
  const response = await api.filesGet(entry.path, entry.pinned, transfer.controller.signal);
  const expected = Number(response.headers.get('Content-Length') ?? entry.size);
  transfer.size = expected;
  transfer.bar.max = Math.max(expected, 1);
  const reader = response.body.getReader();
  let received = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw error.name === 'AbortError' ? error : api.unreachable();
    });
    if (done) break;
    await take(value);
    received += value.length;
    transfer.progress(received);
  }
  if (received !== expected) throw api.unreachable();
  return response.headers.get('ETag')?.replaceAll('"', '');
}

async function toDisk(transfer, entry, handle) {
  const file = await handle.createWritable();
  try {
    await receive(transfer, entry, (chunk) => file.write(chunk));
    await file.close();
  } catch (error) {
    await file.abort().catch(() => {});
    throw error;
  }
  return 'Saved';
}

async function toBlob(transfer, entry) {
  const chunks = [];
  const version = await receive(transfer, entry, (chunk) => chunks.push(chunk));
  const blob = new Blob(chunks, { type: 'application/octet-stream' });
  const digest = await sha256(blob);
  if (digest && version && toHex(digest) !== version) {
    throw new api.ApiError({
      code: 'digest-mismatch',
      title: 'The download was damaged',
      detail: `The SHA-256 of ${entry.name} is not the one that the gateway stored. Nothing was saved.`,
    });
  }
  save(blob, entry.name);
  return digest ? 'Saved, SHA-256 checked' : 'Saved';
}

/** Gives the user a content as a file. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = el('a', { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_MS);
}
