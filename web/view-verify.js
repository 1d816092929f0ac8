// SPDX-License-Identifier: Apache-2.0
// Verify: files dropped with their signatures or proofs, or alone and looked up at the gateway. Files are
// hashed here and never sent; what can be proved in the browser is.

import * as api from './api.js';
import { digestsOf } from './digest.js';
import { button, el, fill, icon } from './dom.js';
import { acceptDrops } from './drop.js';
import { bytes, plural } from './format.js';
import { clear, errorBox, fail } from './notices.js';
import { checkFormat, checkProofFile, checkRecord, classify, subjectsOf, verdict } from './proving.js';
import { user } from './session.js';
import { checkRow, recordFacts, signingNav } from './signing.js';
import { setTitle } from './title.js';

const FILES_AT_ONCE = 100;
const FOUND_MAX = 5; // signatures of one content that are looked at

const WORDS = {
  good: 'Verified',
  bad: 'Not valid',
  unknown: 'Not fully checked',
};

export const view = {
  name: 'verify',
  title: 'Verify',
  access: 'public',
  group: 'signing',
  mount(root) {
    const verify = new Verify(root);
    return { update() {}, leave: () => verify.leave() };
  },
};

class Verify {
  constructor(root) {
    setTitle('Verify');
    clear();
    this.listening = new AbortController();
    this.picker = el('input', {
      type: 'file',
      multiple: true,
      hidden: true,
      'aria-label': 'Files to verify',
    });
    this.picker.addEventListener('change', () => {
      const files = Array.from(this.picker.files, (file) => ({ file, path: file.name }));
      this.picker.value = '';
      this.take(files).catch(fail);
    });
    this.choose = button('Choose files', { icon: 'add', kind: 'primary' }, () => this.picker.click());
    this.state = el('p', { class: 'count', role: 'status' });
    this.results = el('div', { class: 'stack' });
    const panel = el(
      'section',
      { class: 'panel pad drop', 'data-drop': '', 'aria-labelledby': 'verify-title' },
      el(
        'p',
        { class: 'drop-hint', 'aria-hidden': 'true' },
        icon('sign'),
        ' Drop to verify; nothing is uploaded',
      ),
      el('h2', { id: 'verify-title' }, 'Files and their signatures'),
      el(
        'p',
        { class: 'lead' },
        'Drop a file with its .tlog-proof, .record.json, or a signature file of any format. ',
        user()
          ? 'Of a file alone, the gateway is asked for signatures of its digest.'
          : 'When you are signed in, a file alone is looked up by its digest, and signature files of all formats are checked.',
      ),
      el('p', { class: 'row' }, this.choose, this.picker, this.state),
      el(
        'p',
        { class: 'hint' },
        'Files are hashed in this browser and stay on your device. The public keys come from this gateway; ' +
          'secctl verify --offline checks with keys that you hold yourself.',
      ),
    );
    root.append(
      el('h1', { tabindex: -1 }, 'Verify'),
      signingNav('verify'),
      el('div', { class: 'stack' }, panel, this.results),
    );
    acceptDrops(panel, {
      allowed: () => !this.busy,
      take: (files) => this.take(files),
      failed: fail,
      signal: this.listening.signal,
    });
  }

  leave() {
    this.listening.abort();
  }

  async take(dropped) {
    this.busy = true;
    this.choose.disabled = true;
    this.results.replaceChildren();
    try {
      const contents = [];
      const claims = [];
      for (const { file } of dropped.slice(0, FILES_AT_ONCE)) {
        const what = await classify(file);
        if (what.kind === 'content') contents.push({ file, claims: [] });
        else claims.push({ ...what, file, list: await listOf(what) });
      }
      for (const content of contents) content.digests = await this.hash(content.file);
      const alone = claims.filter((claim) => !assign(claim, contents));
      for (const content of contents) await this.show(content.file, content.digests, content.claims);
      for (const claim of alone) await this.show(claim.file, null, [claim]);
      this.state.textContent = `${plural(this.results.childElementCount, 'result')}`;
      this.results.querySelector('h2')?.focus();
    } catch (error) {
      this.state.textContent = '';
      if (error.name !== 'AbortError') throw error;
    } finally {
      this.busy = false;
      this.choose.disabled = false;
    }
  }

  hash(file) {
    return digestsOf(file, {
      signal: this.listening.signal,
      onProgress: (done) => {
        const share = Math.floor((100 * done) / Math.max(file.size, 1));
        this.state.textContent = `Hashing ${file.name}: ${share}% of ${bytes(file.size)}`;
      },
    });
  }

  async show(file, digests, claims) {
    const panel = el('section', { class: 'panel pad verdict', 'aria-busy': 'true', 'data-name': file.name });
    this.results.append(panel);
    try {
      const found = claims.length > 0 ? await proveAll(claims, digests, file.name) : await lookUp(digests);
      fillResult(panel, file, found, claims.length > 0);
    } catch (error) {
      if (!(error instanceof api.ApiError)) console.error(error);
      fill(panel, el('h2', { tabindex: -1 }, file.name), errorBox(error));
    }
    panel.removeAttribute('aria-busy');
  }
}

/*
 * A claim belongs to the contents that it names, by digest or name (a list names many), else to the one whose name
 * it begins with, or to the only one. A list is looked up, not held against itself.
 */
function assign(claim, contents) {
  claim.subjects = subjectsOf(claim);
  const named = ({ file }) => claim.subjects.some(({ name }) => name?.split('/').at(-1) === file.name);
  let owners = contents.filter((content) => subjectIn(claim, content.digests) || named(content));
  if (owners.length === 0) {
    const others = contents.filter((content) => content.digests.sha256 !== claim.list);
    const beside = others.filter(({ file }) => claim.file.name.startsWith(`${file.name}.`));
    owners = beside.length > 0 || others.length > 1 ? beside : others;
  }
  for (const { claims } of owners) claims.push(claim);
  return owners.length > 0;
}

const subjectIn = (claim, digests) => claim.subjects.find(({ sha256 }) => sha256 === digests?.sha256);

/* The SHA-256 of the list that a signify file signs: of all after its second line. */
async function listOf({ format, signature }) {
  if (format !== 'signify') return null;
  const [, list] = /^[^\n]*\n[^\n]*\n([^]*)$/.exec(signature) ?? [];
  return list ? (await digestsOf(new Blob([list]))).sha256 : null;
}

async function proveAll(claims, digests, name) {
  const results = [];
  for (const claim of claims) {
    const from = claim.file.name;
    if (claim.kind === 'proof') results.push({ from, ...(await checkProofFile(claim.text, digests)) });
    else if (claim.kind === 'record') results.push({ from, ...(await checkRecord(claim.record, digests)) });
    else if (user())
      results.push({ from, ...(await checkFormat(claim, digests, subjectIn(claim, digests)?.name ?? name)) });
    else {
      const text = `Sign in to have ${claim.format} signatures checked, or use the format’s own tool`;
      results.push({ from, record: null, checks: [{ state: 'unknown', text }] });
    }
  }
  return results;
}

/** Signatures of a digest that the gateway knows, each proved here. */
async function lookUp(digests) {
  if (!user()) return null;
  const { signatures } = await api.signaturesList({ digest: digests.sha256, limit: FOUND_MAX });
  const results = [];
  for (const { log } of signatures) {
    const record = await api.signaturesGet(log.index);
    results.push({ from: `entry ${log.index} of the log`, ...(await checkRecord(record, digests)) });
  }
  return results;
}

function fillResult(panel, file, found, claimed) {
  if (!found || found.length === 0) {
    const text = found
      ? 'The gateway has signed no file with this content.'
      : 'Nothing to check it with: drop its proof or record too, or sign in to look it up.';
    fill(panel, heading(file.name, 'unknown', found ? 'Not signed here' : 'Not checked'), el('p', {}, text));
    panel.dataset.state = 'unknown';
    return;
  }
  const states = found.map(({ checks }) => verdict(checks));
  // Of several signatures that were looked up one is enough; of those that came with the file all must hold.
  const all = claimed
    ? verdict(found.flatMap(({ checks }) => checks))
    : states.includes('good')
      ? 'good'
      : states[0];
  panel.dataset.state = all;
  fill(
    panel,
    heading(file.name, all, WORDS[all]),
    found.map(({ from, record, checks }) => [
      el('h3', {}, from),
      el('ul', { class: 'checklist' }, checks.map(checkRow)),
      record
        ? el('details', { open: found.length === 1 }, el('summary', {}, 'The record'), recordFacts(record))
        : null,
    ]),
  );
}

function heading(name, state, word) {
  return el('h2', { tabindex: -1 }, icon(state), el('span', { class: `word ${state}` }, word), ` ${name}`);
}
