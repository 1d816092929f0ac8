// SPDX-License-Identifier: Apache-2.0
// Questions to the user in a modal <dialog>. Escape and Cancel always mean "no".

import { button, el, field } from './dom.js';
import { errorBox, fail } from './notices.js';

function open(title, content, actions) {
  const heading = el('h2', { id: 'dialog-title' }, title);
  const form = el('form', {}, heading, content, el('div', { class: 'actions' }, actions));
  const dialog = el('dialog', { 'aria-labelledby': 'dialog-title' }, form);
  document.body.append(dialog);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.showModal();
  return { dialog, form };
}

/** Answers no to what is still asked: the view that did is gone, or its user is. */
export function closeAll() {
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
}

/**
 * Asks for a yes.
 * @param {object} options `title`, `text` (string or list of nodes), `yes` (the button's word),
 *   `danger` (true when it cannot be undone)
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, yes, danger = false }) {
  return new Promise((resolve) => {
    const cancel = button('Cancel', { autofocus: danger }, () => dialog.close());
    const accept = el('button', { type: 'submit', class: `button ${danger ? 'danger' : 'primary'}` }, yes);
    const { dialog, form } = open(title, el('p', {}, text), [cancel, accept]);
    let answer = false;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      answer = true;
      dialog.close();
    });
    dialog.addEventListener('close', () => resolve(answer));
  });
}

/**
 * Asks what to do with a file that is already there.
 * @returns {Promise<{choice: 'replace'|'skip', all: boolean}>}
 */
export function askReplace(name, several) {
  return new Promise((resolve) => {
    const all = el('input', { type: 'checkbox', id: 'replace-all' });
    const result = { choice: 'skip', all: false };
    const skip = button('Keep the old one', {}, () => dialog.close());
    const accept = el('button', { type: 'submit', class: 'button primary' }, 'Replace');
    const { dialog, form } = open(
      'Replace the file?',
      [
        el('p', {}, 'There is already a file called ', el('strong', {}, name), '.'),
        several
          ? el('p', { class: 'check' }, all, el('label', { for: 'replace-all' }, 'Do the same for the rest'))
          : null,
      ],
      [skip, accept],
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      result.choice = 'replace';
      dialog.close();
    });
    dialog.addEventListener('close', () => resolve({ ...result, all: all.checked }));
  });
}

/**
 * Asks for a name, `value` to begin with.
 * @returns {Promise<string|null>}
 */
export function askName({ title, label, yes, check, value = '', maxlength = 255 }) {
  return new Promise((resolve) => {
    const name = field(label, {
      type: 'text',
      required: true,
      autocomplete: 'off',
      spellcheck: 'false',
      autocapitalize: 'none',
      maxlength,
      value,
    });
    const cancel = button('Cancel', {}, () => dialog.close());
    const accept = el('button', { type: 'submit', class: 'button primary' }, yes);
    const { dialog, form } = open(title, name.root, [cancel, accept]);
    let answer = null;
    name.input.addEventListener('input', () => name.input.setCustomValidity(check(name.input.value) ?? ''));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      answer = name.input.value;
      dialog.close();
    });
    dialog.addEventListener('close', () => resolve(answer));
    name.input.focus();
  });
}

/**
 * Asks for several things and does what they are for; what goes wrong is said in the dialog. One that
 * is closed while the work is under way does not take it back: what comes out of it is answered.
 * @param {object} options `title`, `fields` (as `field` makes them), `yes`, `work()` (async), `danger` (true
 *   when it takes something away)
 * @returns {Promise<any>} what `work` gave, or null
 */
export function ask({ title, fields, yes, work, danger = false }) {
  return new Promise((resolve) => {
    const problem = el('div', { role: 'alert' });
    const cancel = button('Cancel', {}, () => dialog.close());
    const accept = el('button', { type: 'submit', class: `button ${danger ? 'danger' : 'primary'}` }, yes);
    const { dialog, form } = open(title, [fields.map(({ root }) => root), problem], [cancel, accept]);
    let busy = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      busy = accept.disabled = true;
      problem.replaceChildren();
      try {
        resolve(await work());
        dialog.close();
      } catch (error) {
        if (!dialog.open) {
          fail(error);
          resolve(null);
          return;
        }
        problem.replaceChildren(errorBox(error));
        busy = accept.disabled = false;
        // Near what was said, which may be far below the first field.
        const fits = dialog.scrollHeight <= dialog.clientHeight;
        (fits ? fields[0].input : accept).focus({ preventScroll: true });
        if (!fits) problem.scrollIntoView({ block: 'nearest' });
      }
    });
    dialog.addEventListener('close', () => busy || resolve(null));
    fields[0].input.focus();
  });
}

/** A dialog to look at and work in; it stays until it is closed. @returns {HTMLDialogElement} */
export function sheet(title, ...content) {
  const close = button('Close', {}, () => dialog.close());
  const dialog = el(
    'dialog',
    { 'aria-labelledby': 'dialog-title' },
    el('h2', { id: 'dialog-title', tabindex: -1, autofocus: true }, title),
    content,
    el('div', { class: 'actions' }, close),
  );
  document.body.append(dialog);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.showModal();
  return dialog;
}
