// SPDX-License-Identifier: Apache-2.0
// Tells the user what happened: news in a polite live region, errors in an alert that stays until
// it is closed. It never hides a request id, because that is what the operator needs.

import { el, iconButton } from './dom.js';
import { ApiError } from './api.js';
import { sentence } from './format.js';
import { SessionEnded } from './session.js';

const NEWS_MS = 6000;
const ERRORS_MAX = 4;

const news = document.getElementById('news');
const errors = document.getElementById('errors');
let timer = 0;

/** Says something that needs no answer; the newest replaces the one before. */
export function say(text) {
  clearTimeout(timer);
  news.replaceChildren(el('p', { class: 'notice' }, text));
  timer = setTimeout(() => news.replaceChildren(), NEWS_MS);
}

/**
 * Shows an error. What the user did themselves (cancel, a session that is over) is none.
 * @param {Error} error
 * @param {string} about the name of what it happened to, if that is not plain to see
 */
export function fail(error, about = '') {
  if (error instanceof SessionEnded || error.name === 'AbortError') return;
  if (!(error instanceof ApiError)) console.error(error);
  const notice = errorBox(error, () => notice.remove(), about);
  errors.append(notice);
  while (errors.children.length > ERRORS_MAX) errors.firstElementChild.remove();
}

export function clear() {
  errors.replaceChildren();
}

/** An error as an element: what it is about, title, detail, request id. */
export function errorBox(error, onClose = null, about = '') {
  const known = error instanceof ApiError;
  const wait = known && error.retryAfter > 0 ? `Try again in ${error.retryAfter} s.` : '';
  const title = known ? error.title : 'Something went wrong in this page';
  const text = [known ? sentence(error.detail) : error.message, wait].filter(Boolean).join(' ');
  return el(
    'div',
    { class: 'notice error' },
    el(
      'div',
      {},
      el('p', { class: 'notice-title' }, about ? `${about}: ${title}` : title),
      text ? el('p', {}, text) : null,
      known && error.requestId
        ? el('p', { class: 'request-id' }, 'Request ', el('code', {}, error.requestId))
        : null,
    ),
    onClose ? iconButton('close', 'Close this message', onClose) : null,
  );
}
