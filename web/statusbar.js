// SPDX-License-Identifier: Apache-2.0
// The line at the foot of every view: how the connection is encrypted and what time it is there.

import { tlsGet } from './api.js';
import * as clock from './clock.js';
import { versionName } from './view-connection.js';

const format = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: 'UTC' });

export async function start() {
  const tls = document.getElementById('status-tls');
  const time = document.getElementById('status-time');
  clock.everySecond(() => {
    const now = clock.now();
    time.textContent = now ? `${format.format(now)} UTC` : 'Time';
  });
  const [state] = await Promise.allSettled([tlsGet(), clock.ask()]);
  if (state.status === 'fulfilled') {
    const { version, group } = state.value;
    tls.textContent = group ? `${versionName(version)}, ${group}` : versionName(version);
  }
}
