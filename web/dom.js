// SPDX-License-Identifier: Apache-2.0
// Builds elements. Text always goes in as text; nothing here ever parses markup.

const SVG = 'http://www.w3.org/2000/svg';

// Outlines on a 20 x 20 grid, drawn with the current text colour.
const ICONS = {
  folder: 'M2.5 5.5a1 1 0 0 1 1-1h4l1.8 2h7.2a1 1 0 0 1 1 1v7.5a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1z',
  file: 'M5 2.5h6.5l3.5 3.5v11.5h-10zM11.5 2.5v3.5h3.5',
  download: 'M10 3v9.5M6 9l4 4 4-4M4 16.5h12',
  upload: 'M10 13V3.5M6 7l4-4 4 4M4 16.5h12',
  trash: 'M4 5.5h12M8 5.5v-2h4v2M5.5 5.5l.7 11h7.6l.7-11M8.5 8.5v5M11.5 8.5v5',
  add: 'M10 4v12M4 10h12',
  close: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
  key: 'M13 3a4 4 0 1 0 0 8a4 4 0 0 0 0-8M10.2 9.8L3.5 16.5M6 14l2 2M14 6.2v.2',
  lock: 'M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9',
  clock: 'M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14M10 6v4l2.8 1.8',
  chat: 'M3.5 4h13v9.5h-7L6 16.5v-3H3.5z',
  people: 'M7.5 9.5a2.8 2.8 0 1 0 0-5.6a2.8 2.8 0 0 0 0 5.6M2.5 16.5c0-3 2.2-4.5 5-4.5s5 1.5 5 4.5M13 4.4a2.6 2.6 0 0 1 0 4.8M14.5 12.4c1.9.5 3 1.9 3 4.1',
  reply: 'M8 5L3.5 9.5L8 14M4 9.5h7.5a5 5 0 0 1 5 5v1',
  edit: 'M4 16l.8-3.4L13.5 4l2.5 2.5l-8.6 8.7z',
  back: 'M12 4.5L6.5 10l5.5 5.5',
  send: 'M3.5 4l13.5 6l-13.5 6l1.8-6zM5.3 10h6',
  clip: 'M14.5 8.5l-5.6 5.6a2.6 2.6 0 0 1-3.7-3.7l6.4-6.4a1.8 1.8 0 0 1 2.6 2.6l-6.2 6.2',
  down: 'M10 4v12M5 11l5 5l5-5',
  copy: 'M7 7h9v9.5H7zM13 7V3.5H4V13h3',
  sign: 'M10 2.8l5.8 2v4.6c0 3.7-2.4 6.4-5.8 7.8c-3.4-1.4-5.8-4.1-5.8-7.8V4.8zM7.3 9.8l2 2l3.6-3.9',
  good: 'M4 10.5l4 4l8-9',
  bad: 'M5 5l10 10M15 5L5 15',
  unknown: 'M10 15.5v.2M7.5 7.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1 1-1.1 2.3',
};

/**
 * Makes an element.
 * @param {string} tag element name
 * @param {object} props `class`, `on` (event name -> listener), properties of the element that
 *   are not plain attributes (`value`, `checked`, `disabled`, `hidden`), or attributes;
 *   null, undefined and false leave a name out
 * @param {...(Node|string|number|null|false|Array)} children text is added as text nodes
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') node.className = value;
    else if (name === 'on') listen(node, value);
    else if (['value', 'checked', 'disabled', 'hidden'].includes(name)) node[name] = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

function listen(node, listeners) {
  for (const [event, listener] of Object.entries(listeners)) node.addEventListener(event, listener);
}

function append(node, children) {
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces everything inside `node`. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** A decorative picture; what it means must also be said in text or in a label. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button; `props.icon` puts a picture before the text, `props.kind` is a style. */
export function button(text, { icon: picture, kind, ...props }, onclick) {
  return el(
    'button',
    { type: 'button', ...props, class: `button ${kind ?? ''}`.trim(), on: { click: onclick } },
    picture ? icon(picture) : null,
    text ? el('span', {}, text) : null,
  );
}

/** A button that shows a picture only; `label` is its accessible name and tooltip. */
export function iconButton(picture, label, onclick, props = {}) {
  return el(
    'button',
    {
      type: 'button',
      class: 'icon-button',
      'aria-label': label,
      title: label,
      ...props,
      on: { click: onclick },
    },
    icon(picture),
  );
}

let fieldCount = 0;

// What is given to a person to fill in, below its name and above what is to be known of it.
function labelled(label, input, hint) {
  return el(
    'div',
    { class: 'field' },
    el('label', { for: input.id }, label),
    input,
    hint ? el('p', { class: 'hint', id: `${input.id}-hint` }, hint) : null,
  );
}

/**
 * A labelled input.
 * @returns {{root: HTMLElement, input: HTMLInputElement}}
 */
export function field(label, { hint, ...props }) {
  fieldCount += 1;
  const id = `field-${fieldCount}`;
  const input = el('input', { id, ...props, 'aria-describedby': hint ? `${id}-hint` : null });
  return { root: labelled(label, input, hint), input };
}

/**
 * A labelled choice of one.
 * @param {Array} options `[value, words]`
 * @returns {{root: HTMLElement, input: HTMLSelectElement}}
 */
export function choice(label, options, hint) {
  fieldCount += 1;
  const id = `field-${fieldCount}`;
  const input = el(
    'select',
    { id, 'aria-describedby': hint ? `${id}-hint` : null },
    options.map(([value, words]) => el('option', { value }, words)),
  );
  return { root: labelled(label, input, hint), input };
}

/** A field for the code of a second factor. */
export const codeField = (hint) =>
  field('Code', {
    type: 'text',
    name: 'one-time-code',
    autocomplete: 'one-time-code',
    autocapitalize: 'none',
    spellcheck: 'false',
    required: true,
    maxlength: 32,
    hint,
  });

/** Terms and descriptions: `rows` is a list of [term, text or node or null]; nulls are left out. */
export function facts(rows) {
  return el(
    'dl',
    { class: 'facts' },
    rows
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([term, value]) => el('div', {}, el('dt', {}, term), el('dd', {}, value))),
  );
}

/** A value to read exactly, in fixed-width type, with a button that copies it. */
export function copyable(text, what) {
  const done = el('span', { class: 'copied', role: 'status' });
  const copy = iconButton('copy', `Copy ${what}`, async () => {
    try {
      await navigator.clipboard.writeText(text);
      done.textContent = 'Copied';
    } catch {
      done.textContent = 'The browser did not allow it';
    }
    setTimeout(() => (done.textContent = ''), 2000);
  });
  return el('span', { class: 'copyable' }, el('code', {}, text), copy, done);
}
