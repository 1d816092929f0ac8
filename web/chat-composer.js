// SPDX-License-Identifier: Apache-2.0
// Where one writes: Enter sends, Shift+Enter begins a line, what is not sent stays as a draft. It says
// that somebody types, now and then, and sends nothing itself.

import { excerpt } from './chat-message.js';
import { button, el, fill, iconButton } from './dom.js';
import * as outbox from './outbox.js';

const BYTES_MAX = 16_384; // of UTF-8, as the gateway takes it
const ROWS_MAX = 8;
const TYPING_MS = 2500; // between two notices; the gateway takes one in two seconds

const utf8 = new TextEncoder();

/** A field for text that grows with it; Enter calls `done(text)`, Escape `cancel()`. */
export function textField({ label, value = '', done, cancel, changed = () => {} }) {
  const input = el('textarea', { rows: 1, 'aria-label': label, value, enterkeyhint: 'send', dir: 'auto' });
  const problem = el('p', { class: 'hint warn', role: 'status' });
  const grow = () => {
    const lines = input.value.split('\n').length;
    input.rows = Math.min(lines, ROWS_MAX);
    const over = utf8.encode(input.value).length - BYTES_MAX;
    problem.textContent = over > 0 ? `Too long by ${over.toLocaleString()} bytes.` : '';
  };
  const finish = () => {
    const text = input.value.trimEnd();
    if (text.trim() && !problem.textContent) done(text);
  };
  input.addEventListener('input', () => {
    grow();
    changed(input.value);
  });
  input.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      finish();
    } else if (event.key === 'Escape') cancel();
  });
  const set = (text) => {
    input.value = text;
    grow();
  };
  set(value);
  return { input, problem, finish, set };
}

export class Composer {
  /** @param {object} options `space`, `label`, `send(text, replyTo)`, `typing()`, `pick()`, `editLast()` */
  constructor(options) {
    this.options = options;
    this.replyTo = null;
    this.told = -TYPING_MS;
    this.reply = el('p', { class: 'replying', hidden: true });
    this.field = textField({
      label: options.label,
      value: outbox.draft(options.space),
      done: (text) => this.send(text),
      cancel: () => this.answer(null),
      changed: (text) => this.changed(text),
    });
    if (matchMedia('(hover: hover)').matches) this.field.input.dataset.focus = ''; // no keyboard pops up
    this.field.input.placeholder = options.label;
    this.field.input.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowUp' || this.field.input.value || event.isComposing) return;
      event.preventDefault();
      options.editLast();
    });
    const clip = iconButton('clip', 'Send a file', options.pick);
    const submit = button('Send', { icon: 'send', kind: 'primary' }, () => {
      this.field.finish();
      this.field.input.focus();
    });
    this.root = el(
      'div',
      { class: 'composer', role: 'group', 'aria-label': 'Write' },
      this.reply,
      el('div', { class: 'composer-row' }, clip, this.field.input, submit),
      this.field.problem,
    );
  }

  /** The message that what is written replies to; null: none. */
  answer(event) {
    this.replyTo = event?.seq ?? null;
    this.reply.hidden = !event;
    if (!event) return;
    fill(
      this.reply,
      el('span', {}, 'Reply to ', el('strong', {}, event.sender), `: ${excerpt(event)}`),
      iconButton('close', 'Do not reply', () => {
        this.answer(null);
        this.field.input.focus();
      }),
    );
    this.field.input.focus();
  }

  changed(text) {
    outbox.setDraft(this.options.space, text);
    if (!text || performance.now() - this.told < TYPING_MS) return;
    this.told = performance.now();
    this.options.typing();
  }

  send(text) {
    const { replyTo } = this;
    this.field.set('');
    outbox.setDraft(this.options.space, '');
    this.answer(null);
    this.options.send(text, replyTo);
  }
}
