// SPDX-License-Identifier: Apache-2.0
// Dialogs on rooms: make a space, talk to somebody, who is in a space. What the gateway refuses is
// said in the dialog.

import * as api from './api.js';
import { ask, confirm, sheet } from './dialogs.js';
import { button, el, field } from './dom.js';
import { timeOrDay } from './format.js';
import { errorBox, say } from './notices.js';
import * as rooms from './rooms.js';

const PAGE = 200; // members asked for at a time
const ROLES = ['reader', 'writer', 'owner'];
const NAME = '[a-z0-9][a-z0-9._\\-]{0,31}';
const PLAIN = { type: 'text', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' };

/** @returns {Promise<string|null>} the name of the new space */
export function createSpace() {
  const name = field('Name', {
    ...PLAIN,
    required: true,
    maxlength: 32,
    pattern: NAME,
    hint: 'Lower-case letters, digits, dot, dash and underscore.',
  });
  const about = field('What it is for', { type: 'text', autocomplete: 'off', maxlength: 256 });
  return ask({
    title: 'New space',
    fields: [name, about],
    yes: 'Create',
    work: async () => {
      const space = await api.spacesCreate(name.input.value, about.input.value.trim());
      rooms.add(space);
      return space.name;
    },
  });
}

/** @returns {Promise<string|null>} the name of the room with that user */
export function talkTo() {
  const name = field('Name of the user', { ...PLAIN, required: true, maxlength: 32, pattern: NAME });
  return ask({
    title: 'Talk to somebody',
    fields: [name],
    yes: 'Open',
    work: async () => {
      const room = `@${name.input.value}`;
      await api.messagesList(room, { limit: 1 }); // the gateway knows whether there is such a user
      return room;
    },
  });
}

function roleChoice(label, value) {
  return el(
    'select',
    { 'aria-label': label },
    ROLES.map((role) => el('option', { value: role, selected: role === value }, role)),
  );
}

/**
 * Shows who is in a space; its owners change that.
 * @param {object} room
 * @param {string} me the user's own name
 */
export function showMembers(room, me) {
  const members = new Members(room, me);
  members.load();
}

class Members {
  constructor(room, me) {
    Object.assign(this, { room, me, owns: room.kind === 'shared' && room.role === 'owner' });
    this.list = el('ul', { class: 'members', 'aria-label': 'Members' });
    this.more = button('Show more', { hidden: true }, () => this.load(this.next));
    this.problem = el('div', { role: 'alert' });
    this.said = el('p', { class: 'hint', role: 'status' });
    this.dialog = sheet(
      `Members of ${room.name}`,
      room.description ? el('p', { class: 'lead' }, room.description) : null,
      this.list,
      this.more,
      this.problem,
      this.said,
      this.owns ? this.addForm() : null,
      room.kind === 'shared' ? this.leaveButtons() : null,
    );
    this.dialog.classList.add('sheet');
  }

  addForm() {
    const name = field('Add a user', { ...PLAIN, required: true, maxlength: 32, pattern: NAME });
    const role = roleChoice('Role of the new member', 'writer');
    return el(
      'form',
      {
        class: 'inline',
        on: {
          submit: async (event) => {
            event.preventDefault();
            const user = name.input.value;
            const done = await this.change(() => api.membersSet(this.room.name, user, role.value), `${user} was added.`);
            if (done) name.input.value = '';
            name.input.focus();
          },
        },
      },
      name.root,
      role,
      el('button', { type: 'submit', class: 'button primary' }, 'Add'),
    );
  }

  leaveButtons() {
    const { name } = this.room;
    return el(
      'div',
      { class: 'buttons leave' },
      button('Leave this space', { kind: 'danger' }, () =>
        this.end({
          title: 'Leave the space?',
          text: [el('strong', {}, name), ' can then only be entered again when an owner adds you.'],
          yes: 'Leave',
          work: () => api.membersDelete(name, 'me'),
          said: `You left ${name}.`,
        }),
      ),
      this.owns
        ? button('Delete this space', { kind: 'danger' }, () =>
            this.end({
              title: 'Delete the space?',
              text: [el('strong', {}, name), ', all its messages and files will be gone for good, for everybody.'],
              yes: 'Delete',
              work: () => api.spacesDelete(name),
              said: `${name} was deleted.`,
            }),
          )
        : null,
    );
  }

  async end({ title, text, yes, work, said }) {
    if (!(await confirm({ title, text, yes, danger: true }))) return;
    if (!(await this.change(work, ''))) return;
    this.dialog.close();
    say(said);
  }

  /** Does something, says what came of it, and shows the members as they are then. */
  async change(work, said) {
    this.problem.replaceChildren();
    this.said.textContent = '';
    try {
      await work();
    } catch (error) {
      this.problem.replaceChildren(errorBox(error));
      return false;
    }
    this.said.textContent = said;
    if (said) await this.load();
    return true;
  }

  /** Shows the first members again, or with a cursor those that follow. */
  async load(cursor = null) {
    try {
      const page = await api.membersList(this.room.name, { cursor, limit: PAGE });
      const here = document.activeElement?.dataset?.of;
      if (!cursor) this.list.replaceChildren();
      this.list.append(...page.members.map((member) => this.row(member)));
      this.next = page.next_cursor;
      this.more.hidden = !this.next;
      if (here) (this.list.querySelector(`[data-of="${here}"]`) ?? this.dialog.querySelector('h2')).focus();
    } catch (error) {
      this.problem.replaceChildren(errorBox(error));
    }
  }

  row({ username, role, added_at: since }) {
    return el(
      'li',
      {},
      el(
        'span',
        {},
        el('strong', {}, username),
        username === this.me ? ' (you)' : null,
        since ? el('small', {}, `since ${timeOrDay(since)}`) : null,
      ),
      this.owns ? this.roleOf(username, role) : el('small', {}, role),
      this.owns && username !== this.me
        ? button('Remove', { kind: 'quiet', 'aria-label': `Remove ${username}`, 'data-of': username }, () =>
            this.change(() => api.membersDelete(this.room.name, username), `${username} was removed.`),
          )
        : null,
    );
  }

  roleOf(username, role) {
    const choice = roleChoice(`Role of ${username}`, role);
    choice.dataset.of = `role-${username}`;
    choice.addEventListener('change', () =>
      this.change(
        () => api.membersSet(this.room.name, username, choice.value),
        `${username} is now ${choice.value}.`,
      ).then((done) => done || (choice.value = role)),
    );
    return choice;
  }
}
