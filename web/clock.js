// SPDX-License-Identifier: Apache-2.0
// Follows the gateway's clock: asks now and then, and reckons in between. It never sets anything.

import { daytimeGet } from './api.js';

const AGAIN_MS = 60_000;

const listeners = new Set();
let offset = null; // gateway minus device, milliseconds
let state = null; // the last answer of daytime_get with `round_trip` in milliseconds

/** Asks for the time in `tz` (UTC when left out) and measures how far the device's clock is off. */
export async function ask(tz) {
  const sent = Date.now();
  const from = performance.now();
  const answer = await daytimeGet(tz);
  const roundTrip = performance.now() - from;
  offset = answer.unix_ns / 1e6 - (sent + roundTrip / 2);
  state = { ...answer, round_trip: roundTrip };
  return state;
}

/** The gateway's time, or null before the first answer. */
export function now() {
  return offset === null ? null : new Date(Date.now() + offset);
}

/** How far the gateway is ahead of this device, in milliseconds, known to half a round trip. */
export function ahead() {
  return offset;
}

/** Calls `listener()` every second while the page is visible; gives back a function that stops. */
export function everySecond(listener) {
  listeners.add(listener);
  listener();
  return () => listeners.delete(listener);
}

setInterval(() => {
  if (document.visibilityState === 'visible') for (const listener of listeners) listener();
}, 1000);

setInterval(() => {
  if (document.visibilityState === 'visible' && state) ask(state.timezone).catch(() => {});
}, AGAIN_MS);
