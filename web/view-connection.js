// SPDX-License-Identifier: Apache-2.0
// Connection: what TLS has really agreed on between this browser and the gateway.

import * as api from './api.js';
import { copyable, el, facts, fill } from './dom.js';
import { date, fingerprint, plural } from './format.js';
import { clear, fail } from './notices.js';
import { setTitle } from './title.js';

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

export const view = {
  name: 'connection',
  title: 'Connection',
  access: 'public',
  mount(root) {
    setTitle('Connection');
    const content = el('div', { class: 'stack' });
    root.append(el('h1', { tabindex: -1 }, 'Connection'), content);
    clear();
    api.tlsGet().then((tls) => show(content, tls), fail);
    return { update() {}, leave() {} };
  },
};

/** "TLS1.3" -> "TLS 1.3". */
export function versionName(version) {
  return version.replace(/^TLSv?\s*/, 'TLS ');
}

function show(content, tls) {
  const { server_certificate: server, client_certificate: client } = tls;
  fill(
    content,
    el(
      'section',
      { class: 'panel pad', 'aria-labelledby': 'tls-title' },
      el('h2', { id: 'tls-title' }, 'Encryption'),
      el(
        'p',
        { class: 'lead' },
        `What you send and receive here is encrypted with ${versionName(tls.version)}.`,
      ),
      facts([
        ['Version', versionName(tls.version)],
        ['Cipher', el('code', {}, tls.cipher)],
        ['Key exchange', tls.group ? el('code', {}, tls.group) : null],
        ['Handshake', tls.resumed ? 'Resumed from an earlier one' : 'Full'],
      ]),
    ),
    el(
      'section',
      { class: 'panel pad', 'aria-labelledby': 'server-title' },
      el('h2', { id: 'server-title' }, 'The gateway’s certificate'),
      facts([
        ['Subject', server.subject],
        ['Names', server.names.join(', ')],
        ['Valid', validity(server)],
        ['SHA-256', copyable(fingerprint(server.sha256), 'the fingerprint')],
      ]),
      el(
        'p',
        { class: 'hint' },
        'Compare the fingerprint with the one in your browser’s certificate viewer. If they differ, somebody between you and the gateway reads along.',
      ),
    ),
    el(
      'section',
      { class: 'panel pad', 'aria-labelledby': 'client-title' },
      el('h2', { id: 'client-title' }, 'Your certificate'),
      client
        ? facts([
            ['Subject', client.subject],
            ['Valid until', date(client.not_after)],
            ['SHA-256', copyable(fingerprint(client.sha256), 'the fingerprint')],
          ])
        : el('p', {}, 'Your browser has not shown one.'),
    ),
  );
}

function validity({ not_before: from, not_after: until }) {
  const left = Math.floor((new Date(until).getTime() - Date.now()) / DAY_MS);
  const text = `${date(from)} to ${date(until)}, ${plural(Math.max(left, 0), 'day')} left`;
  return el('span', { class: left < SOON_DAYS ? 'warn' : null }, text);
}
