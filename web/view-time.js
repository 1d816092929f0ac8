// SPDX-License-Identifier: Apache-2.0
// Time: the gateway's clock in any zone, and how far it can be trusted.

import * as clock from './clock.js';
import { copyable, el, facts, field, fill } from './dom.js';
import { microseconds } from './format.js';
import { clear, fail } from './notices.js';
import { setTitle } from './title.js';

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const view = {
  name: 'time',
  title: 'Time',
  access: 'public',
  mount(root) {
    const time = new Time(root);
    time.choose('UTC');
    const stop = clock.everySecond(() => time.tick());
    return { update() {}, leave: stop };
  },
};

class Time {
  constructor(root) {
    setTitle('Time');
    this.zone = 'UTC';
    const zones = el(
      'datalist',
      { id: 'zones' },
      ['UTC', ...zoneNames()].map((name) => el('option', { value: name })),
    );
    this.choice = field('Time zone', {
      type: 'text',
      list: 'zones',
      autocomplete: 'off',
      spellcheck: 'false',
      required: true,
      value: 'UTC',
      maxlength: 64,
    });
    this.big = el('p', { class: 'clock' });
    this.day = el('p', { class: 'clock-day' });
    this.state = el('div', {});
    const quick =
      here === 'UTC'
        ? []
        : ['UTC', here].map((name) =>
            el('button', { type: 'button', class: 'button', on: { click: () => this.choose(name) } }, name),
          );
    root.append(
      el('h1', { tabindex: -1 }, 'Time'),
      el(
        'section',
        { class: 'panel pad', 'aria-label': 'Clock' },
        this.big,
        this.day,
        el(
          'form',
          { class: 'inline', on: { submit: (event) => this.submitted(event) } },
          this.choice.root,
          zones,
          el('button', { type: 'submit', class: 'button' }, 'Show'),
          quick,
        ),
        this.state,
      ),
    );
    this.choice.input.addEventListener('change', () => this.choice.input.form.requestSubmit());
  }

  submitted(event) {
    event.preventDefault();
    const zone = this.choice.input.value.trim();
    if (zone !== this.zone) this.choose(zone);
  }

  async choose(zone) {
    clear();
    this.choice.input.value = zone;
    try {
      const answer = await clock.ask(zone);
      this.zone = answer.timezone;
      this.formats = formatsFor(answer.timezone);
      this.tick();
      this.showState(answer);
    } catch (error) {
      this.choice.input.value = this.zone;
      fail(error);
    }
  }

  tick() {
    const now = clock.now();
    if (!now || !this.formats) return;
    this.big.textContent = this.formats.time.format(now);
    this.day.textContent = `${this.formats.day.format(now)}, ${this.zone}`;
  }

  showState(answer) {
    const { synchronized, max_error_us: error } = answer.clock;
    const ahead = clock.ahead();
    const known = answer.round_trip / 2;
    fill(
      this.state,
      facts([
        [
          'Gateway’s clock',
          synchronized
            ? el('span', { class: 'good' }, `Synchronized, off by at most ${microseconds(error)}`)
            : el('span', { class: 'warn' }, 'Not synchronized: nobody corrects this clock'),
        ],
        [
          'Your device',
          Math.abs(ahead) <= known
            ? `Agrees within ${Math.max(1, Math.round(known))} ms`
            : `${Math.abs(Math.round(ahead))} ms ${ahead > 0 ? 'behind' : 'ahead of'} the gateway, give or take ${Math.max(1, Math.round(known))} ms`,
        ],
        ['Daytime', el('code', {}, answer.daytime)],
        ['RFC 3339', el('code', {}, answer.rfc3339)],
        ['Unix', el('code', {}, String(answer.unix))],
        [
          'With curl',
          copyable(
            `curl --cacert ca.pem '${location.origin}/v1/daytime?tz=${answer.timezone}'`,
            'the command',
          ),
        ],
      ]),
    );
  }
}

function zoneNames() {
  return Intl.supportedValuesOf?.('timeZone') ?? [];
}

/** The browser may know fewer zones than the gateway; then the time is shown in UTC. */
function formatsFor(timeZone) {
  const make = (zone) => ({
    time: new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: zone }),
    day: new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeZone: zone }),
  });
  try {
    return make(timeZone);
  } catch {
    return make('UTC');
  }
}
