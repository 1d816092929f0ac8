// SPDX-License-Identifier: Apache-2.0
// Account: who I am, my sessions, my password.

import { accountNav, section } from './account-nav.js';
import * as api from './api.js';
import { confirm } from './dialogs.js';
import { button, el, facts, field, fill } from './dom.js';
import { ago, longMoment, moment } from './format.js';
import { clear, errorBox, fail, say } from './notices.js';
import { forget, update, user } from './session.js';
import { setTitle } from './title.js';

export const view = {
  name: 'account',
  title: 'Account',
  access: 'user',
  group: 'account',
  mount(root) {
    setTitle('Account');
    clear();
    const sessions = el('div', { 'aria-live': 'off' });
    const about = el('div', {});
    const nav = accountNav('account');
    const me = user();
    root.append(
      el('h1', { tabindex: -1 }, 'Account'),
      nav,
      el(
        'div',
        { class: 'stack' },
        el(
          'section',
          { class: 'panel pad', 'aria-labelledby': 'me-title' },
          el('h2', { id: 'me-title' }, me.username),
          about,
        ),
        section('sessions-title', 'Sessions', sessions),
        passwordPanel(me, () => showSessions(sessions)),
      ),
    );
    showSessions(sessions);
    showMe(about, nav);
    return { update() {}, leave() {} };
  },
};

async function showMe(about, nav) {
  try {
    const before = user()?.role;
    const me = await api.usersMe();
    update(me);
    if (me.role !== before) nav.replaceWith(accountNav('account'));
    fill(
      about,
      facts([
        ['Role', me.role],
        ['Since', moment(me.created_at)],
      ]),
    );
  } catch (error) {
    fail(error);
  }
}

async function showSessions(root) {
  try {
    const { sessions } = await api.sessionsList();
    sessions.sort(
      (a, b) => Number(b.current) - Number(a.current) || b.last_used_at.localeCompare(a.last_used_at),
    );
    fill(
      root,
      el(
        'ul',
        { class: 'sessions' },
        sessions.map((session) => sessionRow(session, root)),
      ),
    );
  } catch (error) {
    fail(error);
  }
}

function sessionRow(session, root) {
  const name = session.device?.name ?? 'Unnamed device';
  const used = el(
    'time',
    { datetime: session.last_used_at, title: longMoment(session.last_used_at) },
    ago(session.last_used_at),
  );
  return el(
    'li',
    {},
    el(
      'div',
      {},
      el('strong', {}, name),
      session.current ? el('span', { class: 'tag' }, 'this one') : null,
      el('small', {}, `${session.address}, last used `, used, `, signed in ${moment(session.created_at)}`),
      el('small', {}, howMade(session)),
    ),
    button(
      session.current ? 'Sign out' : 'End',
      { 'aria-label': session.current ? null : `End the session of ${name}` },
      () => end(session, name, root),
    ),
  );
}

const METHODS = {
  password: 'With a password',
  certificate: 'With a client certificate',
  passkey: 'With a passkey',
  device: 'Let in from another device',
};
const BOUND = { address: 'its address', certificate: 'its certificate', dpop: 'its key' };

/** How a session was made, and what keeps its tokens from being used elsewhere. */
function howMade({ method, client_id: client, bound = [] }) {
  const how = METHODS[method] ?? method ?? '';
  const whose = client ? `, for ${client}` : '';
  const to = bound.map((what) => BOUND[what] ?? what).join(' and ');
  return `${how}${whose}${to ? `, works only from ${to}` : ''}`;
}

async function end(session, name, root) {
  if (
    !session.current &&
    !(await confirm({
      title: 'End this session?',
      text: [el('strong', {}, name), ' will have to sign in again.'],
      yes: 'End it',
    }))
  )
    return;
  try {
    await api.sessionsDelete(session.session_id);
    if (session.current) forget('You are signed out.');
    else {
      say('The session was ended.');
      await showSessions(root);
    }
  } catch (error) {
    fail(error);
  }
}

function passwordPanel(me, onChanged) {
  const old = field('Present password', {
    type: 'password',
    name: 'old',
    autocomplete: 'current-password',
    required: true,
    maxlength: 256,
  });
  const next = field('New password', {
    type: 'password',
    name: 'new',
    autocomplete: 'new-password',
    required: true,
    minlength: 10,
    maxlength: 256,
    hint: 'At least 10 characters. All your other sessions will end.',
  });
  const problem = el('div', { role: 'alert' });
  const submit = el('button', { type: 'submit', class: 'button' }, 'Change password');
  // The name is for password managers, which need to know whose password this is.
  const name = el('input', {
    type: 'text',
    name: 'username',
    autocomplete: 'username',
    value: me.username,
    readonly: true,
    hidden: true,
  });
  const form = el('form', {}, name, old.root, next.root, problem, submit);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.replaceChildren();
    try {
      await api.usersUpdateMe(old.input.value, next.input.value);
      form.reset();
      say('Your password was changed.');
      onChanged();
    } catch (error) {
      problem.replaceChildren(errorBox(error));
    }
    submit.disabled = false;
  });
  return el(
    'section',
    { class: 'panel pad', 'aria-labelledby': 'password-title' },
    el('h2', { id: 'password-title' }, 'Password'),
    form,
  );
}
