// SPDX-License-Identifier: Apache-2.0
// Turns numbers, times and paths into what a person reads. It never touches the document.

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'];

const short = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });
const briefDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

/** 1536 -> "1.5 KB" (thousands, three significant digits). */
export function bytes(count) {
  if (count === 1) return '1 byte';
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** "Nov 20, 2026, 4:02 PM" in the reader's own locale and zone. */
export function moment(rfc3339) {
  return short.format(new Date(rfc3339));
}

export function longMoment(rfc3339) {
  return full.format(new Date(rfc3339));
}

export function date(rfc3339) {
  return day.format(new Date(rfc3339));
}

/** "4:02 PM" */
export function time(rfc3339) {
  return clock.format(new Date(rfc3339));
}

/** "4:02 PM" today, otherwise the day. */
export function timeOrDay(rfc3339, now = new Date()) {
  const then = new Date(rfc3339);
  return then.toDateString() === now.toDateString() ? clock.format(then) : briefDay.format(then);
}

/** "5 minutes ago"; anything older than a week as a date. */
export function ago(rfc3339, now = Date.now()) {
  const seconds = Math.round((new Date(rfc3339).getTime() - now) / 1000);
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
  const size = Math.abs(seconds);
  if (size < 45) return 'just now';
  if (size < 45 * 60) return relative.format(Math.round(seconds / 60), 'minute');
  if (size < 22 * 3600) return relative.format(Math.round(seconds / 3600), 'hour');
  if (size < 7 * 86400) return relative.format(Math.round(seconds / 86400), 'day');
  return moment(rfc3339);
}

/** 1,340 microseconds -> "1.3 ms". */
export function microseconds(count) {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} s`;
  if (count >= 1000) return `${(count / 1000).toFixed(1)} ms`;
  return `${count} µs`;
}

/** "1 file", "2 files". */
export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** "old_password: is wrong" -> "The old password is wrong.", as the gateway says what is wrong with a field. */
export function sentence(detail) {
  const [, name, rest] = /^([a-z][a-z0-9_]*): ((?:is|has|must|cannot) .*[^.])\.?$/s.exec(detail) ?? [];
  return name ? `The ${name.replaceAll('_', ' ')} ${rest}.` : detail;
}

/** 64 hex digits in pairs, the way certificate tools print them. */
export function fingerprint(hex) {
  return (hex.replaceAll(':', '').toUpperCase().match(/../g) ?? []).join(':');
}

/** Percent-encodes each segment of a path and keeps its slashes. */
export function encodePath(path) {
  return path.split('/').map(encodeURIComponent).join('/');
}
