// SPDX-License-Identifier: Apache-2.0
// Speaks to the gateway: one function per operation, named like its operationId. It sends the
// access token, refreshes it once on 401, and turns every failure into an ApiError.

import * as session from './session.js';
import { encodePath } from './format.js';

/** What went wrong, as the gateway says it (RFC 9457), or as the network does. */
export class ApiError extends Error {
  constructor({ status = 0, code = 'network', title, detail = '', requestId = '', retryAfter = 0, ...more }) {
    super(detail || title);
    const { items = [], methods = [] } = more;
    Object.assign(this, { status, code, title, detail, requestId, retryAfter, items, methods });
  }
}

export const unreachable = () =>
  new ApiError({
    title: 'The gateway did not answer',
    detail: 'Check the network and try again.',
  });

function fromAnswer(status, header, text) {
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // Not ours, for example from a proxy: the status has to do.
  }
  return new ApiError({
    status,
    code: problem.code ?? 'unknown',
    title: problem.title ?? `The gateway answered ${status}`,
    detail: problem.detail?.replace(/\.$/, '') === problem.title ? '' : problem.detail,
    requestId: problem.request_id ?? header('X-Request-Id') ?? '',
    retryAfter: Number(header('Retry-After') ?? 0),
    items: problem.items,
    methods: problem.methods, // of a second factor
  });
}

async function currentToken(stale) {
  try {
    return await (stale === undefined ? session.token() : session.refresh(stale));
  } catch (error) {
    if (error instanceof session.SessionEnded) throw error;
    throw unreachable();
  }
}

/**
 * Sends a request and gives back a successful Response. Requests without credentials would not show the
 * browser's client certificate either (Fetch, "credentials"), to which a session may be bound.
 * @param {object} options `json` (a value to send), `body`, `headers`, `auth` (default true), `signal`
 */
async function send(method, path, { json, body, headers = {}, auth = true, signal } = {}) {
  const attempt = async (token) => {
    const sent = new Headers(headers);
    if (token) sent.set('Authorization', `Bearer ${token}`);
    if (json !== undefined) sent.set('Content-Type', 'application/json');
    try {
      return await fetch(path, {
        method,
        headers: sent,
        body: json === undefined ? body : JSON.stringify(json),
        cache: 'no-store',
        credentials: 'same-origin',
        signal,
      });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw unreachable();
    }
  };

  let token = auth ? await currentToken() : null;
  const response = await attempt(token);
  if (response.ok) return response;
  const error = await fromResponse(response);
  if (auth && error.code === 'certificate-revoked') {
    session.forget(session.REVOKED);
    throw new session.SessionEnded();
  }
  if (!auth || !isStale(error)) throw error;

  token = await currentToken(token);
  const again = await attempt(token);
  if (again.ok) return again;
  throw await fromResponse(again);
}

async function fromResponse(response) {
  return fromAnswer(response.status, (name) => response.headers.get(name), await response.text());
}

/** Whether a new access token may help; a wrong password or code answers 401 too. */
function isStale(error) {
  return error.status === 401 && !ANSWERS.includes(error.code);
}
const ANSWERS = ['credentials-invalid', 'second-factor-required', 'second-factor-invalid'];

async function sendJson(method, path, options) {
  const response = await send(method, path, options);
  return response.status === 204 ? null : response.json();
}

function query(values) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, value);
  }
  const text = search.toString();
  return text ? `?${text}` : '';
}

const userUrl = (name) => `/v1/users/${encodeURIComponent(name)}`;
const spaceUrl = (space) => `/v1/spaces/${encodeURIComponent(space)}`;
const chatUrl = (space) => `/v1/chat/${encodeURIComponent(space)}`;
const filesUrl = (path) => `/v1/files/${encodePath(path)}`;

export const daytimeGet = (tz) =>
  sendJson('GET', `/v1/daytime${query({ tz })}`, { auth: false, headers: { Accept: 'application/json' } });

export const tlsGet = () => sendJson('GET', '/v1/tls', { auth: false });

export const usersCreate = (username, password, code) =>
  sendJson('POST', '/v1/users', { auth: false, json: { username, password, ...(code && { code }) } });

export const usersMe = () => sendJson('GET', '/v1/users/me');

export const usersUpdateMe = (oldPassword, newPassword) =>
  sendJson('PATCH', '/v1/users/me', {
    json: { old_password: oldPassword, new_password: newPassword },
  });

/** One page of all users, by name. */
export const usersList = (options = {}) => sendJson('GET', `/v1/users${query(options)}`);

/** @param {object} change `{role?, disabled?, reset_second_factor?}` */
export const usersUpdate = (name, change) => sendJson('PATCH', userUrl(name), { json: change });

export const usersDelete = (name) => sendJson('DELETE', userUrl(name));

export const invitesCreate = (role, expiresIn) =>
  sendJson('POST', '/v1/invites', { json: { role, expires_in: expiresIn } });

/** @param {object} login `{username, password, code?, device}` or `{method: 'passkey', passkey, device}` */
export const sessionsCreate = (login) => sendJson('POST', '/v1/sessions', { auth: false, json: login });

export const sessionsList = () => sendJson('GET', '/v1/sessions');

export const sessionsDelete = (id) => sendJson('DELETE', `/v1/sessions/${encodeURIComponent(id)}`);

export const spacesList = () => sendJson('GET', '/v1/spaces');

export const spacesCreate = (name, description) =>
  sendJson('POST', '/v1/spaces', { json: { name, ...(description && { description }) } });

export const spacesDelete = (space) => sendJson('DELETE', spaceUrl(space));

/** One page of the members, by name. */
export const membersList = (space, options = {}) =>
  sendJson('GET', `${spaceUrl(space)}/members${query(options)}`);

export const membersSet = (space, name, role) =>
  sendJson('PUT', `${spaceUrl(space)}/members/${encodeURIComponent(name)}`, { json: { role } });

/** Takes a member out; `me` leaves. */
export const membersDelete = (space, name) =>
  sendJson('DELETE', `${spaceUrl(space)}/members/${encodeURIComponent(name)}`);

/** Events of a space: the newest, or with `before` (an event's id) those before it, or `after` it. */
export const messagesList = (space, options = {}, signal) =>
  sendJson('GET', `${chatUrl(space)}/messages${query(options)}`, { signal });

export const messagesGet = (space, seq) => sendJson('GET', `${chatUrl(space)}/messages/${seq}`);

/** Posts `{text, reply_to?, files?}`; under one `key` it is posted once, however often this is called. */
export const messagesCreate = (space, message, key) =>
  sendJson('POST', `${chatUrl(space)}/messages`, { json: message, headers: { 'Idempotency-Key': key } });

export const messagesUpdate = (space, seq, text) =>
  sendJson('PATCH', `${chatUrl(space)}/messages/${seq}`, { json: { text } });

export const messagesDelete = (space, seq) => sendJson('DELETE', `${chatUrl(space)}/messages/${seq}`);

export const presenceList = (space) => sendJson('GET', `${chatUrl(space)}/presence`);

export const typingCreate = (space) => sendJson('POST', `${chatUrl(space)}/typing`);

export const readSet = (space, seq) => sendJson('PUT', `${chatUrl(space)}/read`, { json: { seq } });

/** Events of all spaces; without `after` none, but the cursor to start from. */
export const eventsList = (options = {}, signal) =>
  sendJson('GET', `/v1/events${query(options)}`, { signal, headers: { Accept: 'application/json' } });

/** Lets this browser's EventSource in, which can send no Authorization header. */
export const eventsCookie = () => sendJson('POST', '/v1/events/cookie');

export const eventsUrl = (after) => `/v1/events${query({ after })}`;

/** One page of a directory; `path` ends in a slash. */
export const filesList = (path, options = {}) => sendJson('GET', `${filesUrl(path)}${query(options)}`);

/** The content of a file as a Response whose body is still to be read; `version` null: the current. */
export const filesGet = (path, version, signal) =>
  send('GET', `${filesUrl(path)}${query({ version })}`, { signal });

export const filesMakeDirectory = (path) => sendJson('PUT', filesUrl(`${path}/`));

/** A file goes only in the version that the user saw; a directory goes with all that is in it. */
export const filesDelete = (entry) =>
  entry.type === 'directory'
    ? sendJson('DELETE', `${filesUrl(entry.path)}/?recursive=true`)
    : sendJson('DELETE', filesUrl(entry.path), { headers: { 'If-Match': `"${entry.sha256}"` } });

/** Gives a file or a directory another path, in its space or in another one. */
export const filesMove = (entry, path) =>
  sendJson('PATCH', filesUrl(entry.path), {
    json: { path },
    headers: entry.type === 'file' ? { 'If-Match': `"${entry.sha256}"` } : {},
  });

const keyUrl = (name) => `/v1/keys/${encodeURIComponent(name)}`;

export const keysList = () => sendJson('GET', '/v1/keys');

/** @param {object} key `{name, type, expires_in?}` */
export const keysCreate = (key) => sendJson('POST', '/v1/keys', { json: key });

export const keysUpdate = (name, change) => sendJson('PATCH', keyUrl(name), { json: change });

export const keysRotate = (name, options) => sendJson('POST', `${keyUrl(name)}/rotate`, { json: options });

/** Where the public key is, in one of its formats. */
export const keysPublicUrl = (name, version, format) => `${keyUrl(name)}/public${query({ version, format })}`;

export const keysPublicJwk = (name, version) =>
  sendJson('GET', keysPublicUrl(name, version, 'jwk'), { auth: false });

/** Signs all of `items`, or none of them. */
export const signaturesCreate = (key, items, formats) =>
  sendJson('POST', '/v1/signatures', { json: { key, items, ...(formats.length && { formats }) } });

export const signaturesGet = (index) => sendJson('GET', `/v1/signatures/${index}`);

export const signaturesList = (options) => sendJson('GET', `/v1/signatures${query(options)}`);

export const signaturesVerify = (claim) => sendJson('POST', '/v1/signatures/verify', { json: claim });

export const logGet = () => sendJson('GET', '/v1/log', { auth: false });

/** A tile of the log's hashes or entries; `path` as tlog.js makes it. */
export const logTile = async (path) =>
  new Uint8Array(await (await send('GET', `/log/${path}`, { auth: false })).arrayBuffer());

export const totpGet = () => sendJson('GET', '/v1/users/me/totp');

export const totpCreate = (password) => sendJson('POST', '/v1/users/me/totp', { json: { password } });

export const totpConfirm = (code) => sendJson('POST', '/v1/users/me/totp/confirm', { json: { code } });

export const totpDisable = (password, code) =>
  sendJson('POST', '/v1/users/me/totp/disable', { json: { password, code } });

export const recoveryCreate = (password, code) =>
  sendJson('POST', '/v1/users/me/totp/recovery', { json: { password, code } });

export const passkeysList = () => sendJson('GET', '/v1/passkeys');

/** What a browser needs to make a passkey (WebAuthn, as JSON). `code`: if the second factor is on. */
export const passkeysOptions = (password, code) =>
  sendJson('POST', '/v1/passkeys/options', { json: { password, ...(code && { code }) } });

/** @param {object} passkey `{name, id, client_data, attestation}` */
export const passkeysCreate = (passkey) => sendJson('POST', '/v1/passkeys', { json: passkey });

export const passkeysDelete = (id) => sendJson('DELETE', `/v1/passkeys/${encodeURIComponent(id)}`);

/** What a browser needs to sign in with a passkey (WebAuthn, as JSON). */
export const passkeysChallenge = () =>
  sendJson('POST', '/v1/passkeys/challenge', { auth: false, json: {} });

export const tokensList = () => sendJson('GET', '/v1/tokens');

/** @param {object} token `{name, scopes, spaces?, keys?, expires_in}` */
export const tokensCreate = (token) => sendJson('POST', '/v1/tokens', { json: token });

export const tokensDelete = (id) => sendJson('DELETE', `/v1/tokens/${encodeURIComponent(id)}`);

/** Mine, or with `{all: true}` everybody's, or with `{user}` theirs. */
export const certificatesList = (options = {}) => sendJson('GET', `/v1/certificates${query(options)}`);

export const certificatesDelete = (id) => sendJson('DELETE', `/v1/certificates/${encodeURIComponent(id)}`);

/** What a device that waits for `user_code` wants. */
export const oauthDeviceGet = (code) => sendJson('GET', `/v1/oauth/device${query({ user_code: code })}`);

export const oauthDeviceDecide = (code, approve) =>
  sendJson('POST', '/v1/oauth/device', { json: { user_code: code, approve } });

export const oauthClientsList = () => sendJson('GET', '/v1/oauth/clients');

/** @param {object} client `{id, name, grants, confidential}` */
export const oauthClientsCreate = (client) => sendJson('POST', '/v1/oauth/clients', { json: client });

export const oauthClientsDelete = (id) =>
  sendJson('DELETE', `/v1/oauth/clients/${encodeURIComponent(id)}`);

export const oauthAudiencesList = () => sendJson('GET', '/v1/oauth/audiences');

/** @param {object} audience `{audience, name, scopes, client?}` */
export const oauthAudiencesCreate = (audience) =>
  sendJson('POST', '/v1/oauth/audiences', { json: audience });

export const oauthAudiencesDelete = (audience) =>
  sendJson('DELETE', `/v1/oauth/audiences/${encodePath(audience)}`);

/** @param {object} options `after`, `before`, `limit`, `type`, `actor`, `since`, `until` */
export const auditList = (options = {}) => sendJson('GET', `/v1/audit${query(options)}`);

/**
 * Uploads a file. XMLHttpRequest, because fetch does not report how much has been sent.
 * @param {string} path where it shall be, space first
 * @param {Blob} file
 * @param {object} options `digest` (base64 SHA-256 or null), `replaces` (hex SHA-256 of the version
 *   to replace; null: there must be none), `onProgress(sent)`, `signal`
 * @returns {Promise<object>} the entry as stored
 */
export async function filesPut(path, file, { digest, replaces, onProgress, signal }) {
  const headers = { 'Content-Type': file.type || 'application/octet-stream' };
  if (digest) headers['Repr-Digest'] = `sha-256=:${digest}:`;
  if (replaces) headers['If-Match'] = `"${replaces}"`;
  else headers['If-None-Match'] = '*';

  const token = await currentToken();
  let answer = await put(filesUrl(path), file, token, headers, onProgress, signal);
  if (answer.status === 401) {
    const next = await currentToken(token);
    answer = await put(filesUrl(path), file, next, headers, onProgress, signal);
  }
  if (answer.status >= 200 && answer.status < 300) return JSON.parse(answer.responseText);
  throw fromAnswer(answer.status, (name) => answer.getResponseHeader(name), answer.responseText);
}

function put(url, file, token, headers, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const cancelled = () => new DOMException('Cancelled', 'AbortError');
    if (signal?.aborted) {
      reject(cancelled());
      return;
    }
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open('PUT', url);
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', (event) => onProgress?.(event.loaded));
    request.addEventListener('load', () => resolve(request));
    request.addEventListener('error', () => reject(unreachable()));
    request.addEventListener('abort', () => reject(cancelled()));
    request.addEventListener('loadend', () => signal?.removeEventListener('abort', abort));
    signal?.addEventListener('abort', abort);
    request.send(file);
  });
}
