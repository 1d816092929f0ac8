// SPDX-License-Identifier: Apache-2.0
// Starts the page: routes the address's fragment to a view and keeps header and focus right.
// A new view is a module with `name`, `title`, `access`, `mount` and one line in VIEWS.

import * as api from './api.js';
import { closeAll } from './dialogs.js';
import { el, fill } from './dom.js';
import { clear, fail, say } from './notices.js';
import * as outbox from './outbox.js';
import * as rooms from './rooms.js';
import * as session from './session.js';
import { start as startStatus } from './statusbar.js';
import { stopAll } from './transfers.js';
import { view as access } from './view-access.js';
import { view as account } from './view-account.js';
import { view as apps } from './view-apps.js';
import { view as audit } from './view-audit.js';
import { view as chat } from './view-chat.js';
import { view as connection } from './view-connection.js';
import { view as device } from './view-device.js';
import { view as files } from './view-files.js';
import { view as keys } from './view-keys.js';
import { view as log } from './view-log.js';
import { view as security } from './view-security.js';
import { view as sign } from './view-sign.js';
import { view as signin } from './view-signin.js';
import { view as time } from './view-time.js';
import { view as users } from './view-users.js';
import { view as verify } from './view-verify.js';

/**
 * A view: `access` is 'user' or 'public'; `mount(root, rest, {reason, query})` fills `root` for the
 * rest of the address and answers `{update(rest, {query}), leave()}`. Of the views of a `group` the
 * first that is there for this user is in the header; they link to each other. A `hidden` one has no
 * link at all.
 */
const VIEWS = [
  ...[files, chat, sign, verify, log, keys, time, connection],
  ...[account, security, access, users, audit, apps, device, signin],
];

const main = document.getElementById('main');
const nav = document.getElementById('nav');
const unread = el('span', { class: 'badge', hidden: true }); // in the link to the chat
const whoami = document.getElementById('whoami');

let current = null; // {view, handle}
let reason = null; // why the user has to sign in, said once
let started = false;

function parse(hash) {
  const [path, search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [name = '', ...rest] = path.split('/');
  const view = VIEWS.find((candidate) => candidate.name === name);
  const query = new URLSearchParams(search);
  try {
    return { view, rest: rest.map(decodeURIComponent).join('/'), query };
  } catch {
    return { view, rest: '', query };
  }
}

/** Shows what the address asks for, or the sign-in view where that needs a user. */
function route() {
  const user = session.user();
  const asked = parse(location.hash);
  let { view } = asked;
  if (!view || (user && view === signin)) view = user ? files : signin;
  if (view.access === 'user' && !user) view = signin;
  const rest = view === asked.view ? asked.rest : '';
  const { query } = asked;

  showHeader(user, view);
  if (current?.view === view) current.handle.update(rest, { query });
  else {
    current?.handle.leave();
    closeAll();
    main.replaceChildren();
    clear();
    current = { view, handle: view.mount(main, rest, { reason, query }) };
    main.dataset.view = view.name;
  }
  if (reason && view !== signin) say(reason);
  reason = null;
  if (started || view === signin) focusHeading();
  started = true;
}

function focusHeading() {
  const heading = main.querySelector('h1');
  (main.querySelector('.signin input, [data-focus]') ?? heading)?.focus({ preventScroll: true });
}

function showHeader(user, view) {
  const seen = VIEWS.filter(
    (candidate) => candidate !== signin && !candidate.hidden && (user || candidate.access === 'public'),
  );
  const links = seen.filter(
    ({ group }, i) => !group || seen.findIndex((candidate) => candidate.group === group) === i,
  );
  if (!user) links.unshift(signin);
  fill(
    nav,
    links.map((link) =>
      el(
        'li',
        {},
        el(
          'a',
          {
            href: `#/${link.name}${link === files || link === chat ? '/' : ''}`,
            'aria-current':
              link === view ? 'page' : link.group && link.group === view.group ? 'true' : null,
          },
          link.title,
          link === chat ? unread : null,
        ),
      ),
    ),
  );
  fill(
    whoami,
    user
      ? [
          el('span', { class: 'username' }, user.username),
          el(
            'button',
            { type: 'button', class: 'button quiet', id: 'signout', on: { click: signOut } },
            'Sign out',
          ),
        ]
      : [],
  );
}

/** Forgets the session in all tabs while the gateway is told, so that none of them takes its end for an error. */
async function signOut() {
  await session.token().catch(() => {}); // one that is good for the request below
  const told = api.sessionsDelete('current');
  session.forget('You are signed out.');
  try {
    await told;
  } catch (error) {
    if (error.status !== 401) fail(error);
  }
}

function showUnread() {
  const count = rooms.unread();
  unread.hidden = count === 0;
  fill(unread, count ? [String(count), el('span', { class: 'visually-hidden' }, ' unread')] : []);
}

session.onChange((why) => {
  reason = why;
  if (!session.user()) {
    stopAll();
    outbox.clear();
  }
  rooms.follow();
  current?.handle.leave();
  current = null;
  route();
});

addEventListener('hashchange', route);
document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

rooms.listen((room, what) => what === 'list' && showUnread());

await session.restore();
rooms.follow();
if (session.user()) outbox.resume();
route();
startStatus();
