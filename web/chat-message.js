// SPDX-License-Identifier: Apache-2.0
// Draws one event of a room: a message, or a small line on what else happened. What people wrote goes
// in as text; the only markup made of it are links to http and https addresses.

import { button, el, fill, icon, iconButton } from './dom.js';
import { bytes, encodePath, longMoment, plural, time } from './format.js';
import { textOf } from './history.js';
import { download } from './transfers.js';
import { fail } from './notices.js';

const EXCERPT = 140; // characters
const TINTS = 6;
const ADDRESS = /https?:\/\/[^\s<>"']*[^\s<>"'.,:;!?)\]}]/gu;
const SHOWN = ['message', 'file.', 'member.', 'space.', 'signature.'];

/** Whether an event has a line of its own; a change of a message shows in that message. */
export function isShown({ type }) {
  return SHOWN.some((start) => type.startsWith(start)) && !/^message\./.test(type);
}

/** The beginning of what a message says, in one line. */
export function excerpt(event) {
  const text = textOf(event);
  if (text === null) return 'Deleted message';
  const line = text.replace(/\s+/gu, ' ').trim();
  const letters = Array.from(line);
  return letters.length > EXCERPT ? `${letters.slice(0, EXCERPT).join('')}…` : line;
}

/** A colour for a name, always the same. */
function tint(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return `tint-${sum % TINTS}`;
}

function withLinks(text) {
  const parts = [];
  let from = 0;
  for (const { 0: address, index } of text.matchAll(ADDRESS)) {
    parts.push(text.slice(from, index));
    parts.push(el('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, address));
    from = index + address.length;
  }
  return [...parts, text.slice(from)].filter((part) => part !== '');
}

const baseName = (path) => path.slice(path.lastIndexOf('/') + 1);

function attached(space, files) {
  return el(
    'ul',
    { class: 'attached', 'aria-label': 'Files' },
    files.map((file) => {
      const name = baseName(file.path);
      const entry = { name, path: `${space}/${file.path}`, size: file.size, pinned: file.version };
      const get = el(
        'button',
        { type: 'button', class: 'attachment', on: { click: () => download(entry).catch(fail) } },
        icon('file'),
        el('span', {}, name),
        el('small', {}, bytes(file.size)),
      );
      get.setAttribute('aria-label', `Download ${name}, ${bytes(file.size)}`);
      return el('li', {}, get);
    }),
  );
}

/** The names of files are what a message says that only brings files; they are not shown twice. */
export const namesOf = (files) => files.map(({ path }) => baseName(path)).join(', ');

/**
 * Fills the row of a message.
 * @param {object} options `space`, `me`, `mayWrite`, `owns` (the user owns the room) and what to do:
 *   `reply`, `edit`, `remove`, `jump(seq)`, `quoted(seq)` (a promise of the message)
 */
export function fillMessage(row, event, options) {
  const text = textOf(event);
  const own = event.sender === options.me;
  const changes = text !== null && options.mayWrite && (own || options.owns);
  const onlyFiles = event.files?.length > 0 && text === namesOf(event.files);
  row.className = `message${own ? ' own' : ''}`;
  fill(
    row,
    el(
      'p',
      { class: 'by' },
      el('strong', { class: tint(event.sender) }, event.sender),
      ' ',
      el('time', { datetime: event.sent_at, title: longMoment(event.sent_at) }, time(event.sent_at)),
    ),
    event.reply_to && text !== null ? quote(event.reply_to, options) : null,
    text === null
      ? el('p', { class: 'text deleted' }, deletedBy(event))
      : onlyFiles
        ? null
        : el('p', { class: 'text', dir: 'auto' }, withLinks(text)),
    text !== null && event.files?.length ? attached(options.space, event.files) : null,
    text !== null && event.revision
      ? el('small', { class: 'edited', title: longMoment(event.revision.at) }, editedBy(event))
      : null,
    el(
      'div',
      { class: 'message-acts' },
      text !== null && options.mayWrite
        ? iconButton('reply', `Reply to ${event.sender}`, () => options.reply(event))
        : null,
      changes ? iconButton('edit', 'Edit the message', () => options.edit(event)) : null,
      changes ? iconButton('trash', 'Delete the message', () => options.remove(event)) : null,
    ),
  );
}

function editedBy({ sender, revision }) {
  return revision.by === sender ? 'edited' : `edited by ${revision.by}`;
}

function deletedBy({ sender, revision }) {
  return revision.by === sender ? 'This message was deleted.' : `Deleted by ${revision.by}.`;
}

function quote(seq, options) {
  const text = el('span', {}, '…');
  const jump = el(
    'button',
    { type: 'button', class: 'quote', 'data-quotes': seq, on: { click: () => options.jump(seq) } },
    el('span', { class: 'visually-hidden' }, 'In reply to '),
    text,
  );
  options.quoted(seq).then((message) => {
    text.textContent = message
      ? `${message.sender}: ${excerpt(message)}`
      : 'A message that is no longer kept';
  });
  return jump;
}

/** Fills the row of anything but a message. */
export function fillLine(row, event, space) {
  row.className = 'line';
  fill(
    row,
    el(
      'p',
      {},
      el('span', {}, ...lineOf(event, space)),
      ' ',
      el('time', { datetime: event.sent_at, title: longMoment(event.sent_at) }, time(event.sent_at)),
    ),
  );
}

function lineOf(event, space) {
  const { type, sender, member, role, path, from_path: from, size, directory, key, count } = event;
  const self = sender === member;
  const folder = path === undefined ? '' : path.slice(0, path.lastIndexOf('/') + 1);
  const link = (to) => el('a', { href: `#/files/${encodePath(`${space}/${to}`)}` }, to);
  const there = () => (directory ? link(`${path}/`) : el('a', { href: link(folder).href }, path));
  switch (type) {
    case 'member.added':
      return self ? [`${sender} joined`] : [`${sender} added ${member} as ${role}`];
    case 'member.updated':
      return [`${sender} made ${self ? 'themselves' : member} ${role}`];
    case 'member.removed':
      return self ? [`${sender} left`] : [`${sender} removed ${member}`];
    case 'file.stored':
      return [`${sender} stored `, there(), directory || size === undefined ? '' : `, ${bytes(size)}`];
    case 'file.moved':
      return [`${sender} moved ${from} to `, there()];
    case 'signature.created':
      return [
        `${sender} signed `,
        path === undefined ? 'this space' : there(),
        `${count > 1 ? `, ${plural(count, 'file')},` : ''} with ${key}`,
      ];
    case 'file.deleted':
      return [`${sender} deleted ${path}`];
    case 'space.created':
      return [`${sender} created this space`];
    case 'space.updated':
      return [`${sender} changed the settings of this space`];
    default:
      return [`${sender}: ${type}`];
  }
}

/** Fills the row of a message that has not been acknowledged. */
export function fillPending(row, item, { retry, takeBack }) {
  row.className = `message own pending${item.failed ? ' failed' : ''}`;
  fill(
    row,
    el('p', { class: 'text', dir: 'auto' }, item.message.text),
    item.failed
      ? el(
          'div',
          { class: 'failure', role: 'alert' },
          el('small', {}, `Not sent: ${item.failed}`),
          button('Try again', { kind: 'quiet' }, () => retry(item)),
          button('Take back', { kind: 'quiet' }, () => takeBack(item)),
        )
      : el('small', {}, 'Sending…'),
  );
}
