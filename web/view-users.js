// SPDX-License-Identifier: Apache-2.0
// Users: who has an account, with which role; what admins may change about them, and invites.

import { accountNav, forAdmins, section } from './account-nav.js';
import * as api from './api.js';
import { confirm } from './dialogs.js';
import { button, copyable, el, facts, field, fill } from './dom.js';
import { date, moment, plural } from './format.js';
import { clear, errorBox, fail, say } from './notices.js';
import { rove } from './rove.js';
import * as session from './session.js';
import { setTitle } from './title.js';

const PAGE = 1000; // of what is asked for at once
const ROWS = 100; // of what is shown at once
const DAY_S = 86_400;

const ROLES = [
  ['member', 'Members write what is common and have spaces of their own.'],
  ['guest', 'Guests only read what is common, and make no spaces.'],
  ['admin', 'Admins may everything: users, keys, apps, the audit log.'],
];
const KINDS = [
  ['', 'Everybody', () => true],
  ['admin', 'Admins', ({ role }) => role === 'admin'],
  ['member', 'Members', ({ role }) => role === 'member'],
  ['guest', 'Guests', ({ role }) => role === 'guest'],
  ['disabled', 'Disabled', ({ disabled }) => disabled],
];

export const view = forAdmins({
  name: 'users',
  title: 'Users',
  access: 'user',
  group: 'account',
  mount(root) {
    setTitle('Users');
    clear();
    const users = new Users();
    root.append(
      el('h1', { tabindex: -1 }, 'Users'),
      accountNav('users'),
      el('div', { class: 'stack' }, users.root, invitePanel()),
    );
    users.load();
    return { update() {}, leave: () => (users.left = true) };
  },
});

/** A choice of roles with a line that says what the chosen one is. */
function roleField(id, label, chosen) {
  const hint = el('p', { class: 'hint', id: `${id}-hint` });
  const input = el(
    'select',
    { id, 'aria-describedby': hint.id, on: { change: describe } },
    ROLES.map(([name]) => el('option', { value: name }, name)),
  );
  input.value = chosen;
  function describe() {
    hint.textContent = new Map(ROLES).get(input.value) ?? '';
  }
  describe();
  return { input, hint, root: el('div', { class: 'field' }, el('label', { for: id }, label), input) };
}

class Users {
  constructor() {
    this.users = []; // by name
    this.rows = new Map(); // name -> row, of what is shown
    this.limit = ROWS;
    this.list = el('ul', { class: 'sessions users', 'aria-busy': 'true' });
    this.settle = rove(this.list);
    this.count = el('span', { class: 'count', role: 'status' });
    this.more = button('Show more', { hidden: true }, () => this.showMore());
    this.root = section(
      'users-title',
      'Accounts',
      this.filters(),
      this.list,
      el('footer', { class: 'pad row' }, this.count, this.more),
    );
  }

  filters() {
    this.find = field('Find', {
      type: 'search',
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      maxlength: 32,
      on: { input: () => this.changed() },
    });
    this.kind = el(
      'select',
      { id: 'users-kind', on: { change: () => this.changed() } },
      KINDS.map(([value, text]) => el('option', { value }, text)),
    );
    return el(
      'form',
      {
        class: 'inline pad',
        role: 'search',
        'aria-label': 'Filter',
        on: { submit: (event) => event.preventDefault() },
      },
      this.find.root,
      el('div', { class: 'field' }, el('label', { for: 'users-kind' }, 'Show'), this.kind),
    );
  }

  /** All of them; the first are shown as soon as they are there. */
  async load() {
    let cursor = null;
    try {
      do {
        const page = await api.usersList({ limit: PAGE, cursor });
        if (this.left) return;
        this.users.push(...page.users);
        cursor = page.next_cursor;
        this.show();
      } while (cursor);
    } catch (error) {
      if (this.left) return;
      fail(error);
    }
    this.list.removeAttribute('aria-busy');
  }

  changed() {
    this.limit = ROWS;
    this.show();
  }

  showMore() {
    const first = this.limit;
    this.limit += ROWS;
    this.show();
    this.list.children[first]?.querySelector('summary').focus();
  }

  /** What is looked for; rows that stay keep what is open in them. */
  show() {
    const text = this.find.input.value.trim().toLowerCase();
    const is = KINDS.find(([value]) => value === this.kind.value)[2];
    const found = this.users.filter((user) => user.username.includes(text) && is(user));
    const shown = found.slice(0, this.limit);
    const rows = shown.map((user) => this.rows.get(user.username) ?? new Row(user, this));
    this.rows = new Map(rows.map((row) => [row.user.username, row]));
    fill(
      this.list,
      rows.map(({ root }) => root),
    );
    this.settle();
    const all = plural(this.users.length, 'user');
    this.count.textContent = found.length === this.users.length ? all : `${found.length.toLocaleString()} of ${all}`;
    this.more.hidden = found.length <= shown.length;
  }

  /** Takes over what became of a user; null: gone. */
  changedTo(name, user) {
    const at = this.users.findIndex(({ username }) => username === name);
    if (user) {
      this.users[at] = user;
      this.rows.get(name)?.update(user);
      return;
    }
    const gone = this.rows.get(name)?.root;
    const next = gone?.nextElementSibling ?? gone?.previousElementSibling ?? this.root;
    this.users.splice(at, 1);
    this.show();
    (next.querySelector('summary') ?? this.root.querySelector('h2')).focus();
  }
}

/** One user: a line, and below it, once that is opened, what can be changed. */
class Row {
  constructor(user, list) {
    Object.assign(this, { user, list });
    this.mine = user.username === session.user().username;
    // At the click, not when the browser says that it has been opened: the next key may come before that.
    this.line = el('summary', { on: { click: () => this.details.open || this.fill() } });
    this.body = el('div', { class: 'change' });
    this.details = el('details', {}, this.line, this.body);
    this.root = el('li', { 'data-name': user.username }, this.details);
    this.update(user);
  }

  update(user) {
    this.user = user;
    fill(
      this.line,
      el('strong', {}, user.username),
      this.mine ? el('span', { class: 'tag' }, 'you') : null,
      user.disabled ? el('span', { class: 'tag off' }, 'disabled') : null,
      el('small', {}, `${user.role}, since ${date(user.created_at)}`),
    );
    if (this.details.open) this.fill();
  }

  fill() {
    const { username: name, role, disabled, created_at: since } = this.user;
    const certificates = el('span', {}, '…');
    const choice = roleField(`role-${name}`, 'Role', role);
    const set = el('button', { type: 'submit', class: 'button', 'aria-label': `Set the role of ${name}` }, 'Set');
    const form = el('form', { class: 'inline' }, choice.root, set);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.setRole(choice.input);
    });
    fill(
      this.body,
      form,
      choice.hint,
      facts([
        ['Account since', moment(since)],
        ['Client certificates', certificates],
        ['Audit log', el('a', { href: `#/audit?actor=${encodeURIComponent(name)}` }, `What ${name} did`)],
      ]),
      el(
        'div',
        { class: 'row', role: 'group', 'aria-label': `Change ${name}` },
        disabled
          ? button('Enable', {}, () => this.enable())
          : button('Disable', {}, () => this.disable()),
        button('Reset second factor', {}, () => this.reset()),
        button('Delete', { kind: 'danger' }, () => this.remove()),
      ),
    );
    this.countCertificates(certificates);
  }

  async countCertificates(shown) {
    const { username: name } = this.user;
    try {
      const { certificates } = await api.certificatesList({ user: name });
      const good = certificates.filter(
        ({ revoked_at: revoked, expires_at: until }) => !revoked && new Date(until) > new Date(),
      ).length;
      const text = good ? `${good} valid` : 'none that is valid';
      fill(
        shown,
        certificates.length
          ? el('a', { href: `#/access?user=${encodeURIComponent(name)}` }, text)
          : 'none',
      );
    } catch (error) {
      if (shown.isConnected) fill(shown, error.title ?? 'unknown');
    }
  }

  /** Asks where `question` is given, does `work()`, says `done`; answers what it gave, or null. */
  async act({ question, work, done }) {
    const { username: name } = this.user;
    if (question && !(await confirm(question))) return null;
    try {
      const changed = await work();
      say(done);
      this.list.changedTo(name, changed);
      return changed ?? {};
    } catch (error) {
      fail(error, name);
      return null;
    }
  }

  /** What is about to happen to oneself. */
  text(...words) {
    return [...words, this.mine ? el('strong', {}, ' This is you.') : ''];
  }

  change(change) {
    return api.usersUpdate(this.user.username, change);
  }

  async setRole(input) {
    const { username: name, role: before } = this.user;
    const role = input.value;
    if (role === before) {
      say(`${name} is ${role} already.`);
      return;
    }
    const weighs = role === 'admin' || before === 'admin';
    const changed = await this.act({
      question: weighs && {
        title: role === 'admin' ? 'Make an admin?' : 'No admin any more?',
        text: this.text(
          el('strong', {}, name),
          role === 'admin'
            ? ' will be able to do everything here: also to remove you.'
            : ` will be ${role}, at once.`,
        ),
        yes: role === 'admin' ? 'Make admin' : `Make ${role}`,
        danger: true,
      },
      work: () => this.change({ role }),
      done: `${name} is ${role} now.`,
    });
    if (!changed) {
      input.value = before;
      input.dispatchEvent(new Event('change'));
    } else if (this.mine) {
      session.update(changed);
      location.hash = '#/account';
      return;
    }
    this.focus('[type="submit"]');
  }

  async disable() {
    const { username: name } = this.user;
    const done = await this.act({
      question: {
        title: 'Disable this user?',
        text: this.text(el('strong', {}, name), ' is signed out everywhere at once and cannot sign in until enabled again.'),
        yes: 'Disable',
        danger: true,
      },
      work: () => this.change({ disabled: true }),
      done: `${name} was disabled.`,
    });
    if (done && this.mine) session.forget('You have disabled your account.');
    else this.focus('.row button');
  }

  async enable() {
    const { username: name } = this.user;
    await this.act({ work: () => this.change({ disabled: false }), done: `${name} can sign in again.` });
    this.focus('.row button');
  }

  async reset() {
    const { username: name } = this.user;
    await this.act({
      question: {
        title: 'Reset the second factor?',
        text: this.text(
          'The authenticator app, the recovery codes and the passkeys of ',
          el('strong', {}, name),
          ' stop working: the password alone lets in. Be sure who asks you to.',
        ),
        yes: 'Reset it',
        danger: true,
      },
      work: () => this.change({ reset_second_factor: true }),
      done: `The second factor of ${name} was reset.`,
    });
    this.focus('.row button:nth-of-type(2)');
  }

  async remove() {
    const { username: name } = this.user;
    const done = await this.act({
      question: {
        title: 'Delete this user?',
        text: this.text(
          el('strong', {}, name),
          ' and the space ',
          el('strong', {}, `~${name}`),
          ' with all its files will be gone for good; the name becomes free.',
        ),
        yes: 'Delete for good',
        danger: true,
      },
      work: () => api.usersDelete(name),
      done: `${name} was deleted.`,
    });
    if (done && this.mine) session.forget('You have deleted your account.');
  }

  /** What did it may be another button by now. */
  focus(selector) {
    this.body.querySelector(selector)?.focus();
  }
}

function invitePanel() {
  const role = roleField('invite-role', 'Role', 'member');
  const days = field('Works for how many days', {
    type: 'number',
    required: true,
    min: 1,
    max: 365,
    value: 7,
  });
  const problem = el('div', { role: 'alert' });
  const result = el('div', { role: 'status' });
  const form = el(
    'form',
    { class: 'inline' },
    role.root,
    days.root,
    el('button', { type: 'submit', class: 'button' }, 'Make an invite'),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    fill(problem);
    try {
      const invite = await api.invitesCreate(role.input.value, Number(days.input.value) * DAY_S);
      fill(
        result,
        facts([
          ['Code', copyable(invite.code, 'the code')],
          ['Role', invite.role],
          ['Works until', moment(invite.expires_at)],
        ]),
        el('p', { class: 'hint' }, 'It is shown this once.'),
      );
    } catch (error) {
      fill(problem, errorBox(error));
    }
  });
  return el(
    'section',
    { class: 'panel pad', 'aria-labelledby': 'invite-title' },
    el('h2', { id: 'invite-title' }, 'Invite'),
    el('p', { class: 'lead' }, 'A code lets one person sign up.'),
    form,
    role.hint,
    problem,
    result,
  );
}
