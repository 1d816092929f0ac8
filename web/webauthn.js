// SPDX-License-Identifier: Apache-2.0
// Passkeys of this browser (WebAuthn): from the gateway's options to what the gateway verifies. It
// sends nothing itself.

import { ApiError } from './api.js';

const able = () => window.isSecureContext && 'PublicKeyCredential' in window;

/** A passkey belongs to a name; there are none for numbers (Web Authentication, relying party identifier). */
const numeric = () => /^[\d.]+$|^\[/.test(location.hostname);

/** Whether this browser has passkeys at all, at this address. */
export const supported = () => able() && !numeric();

/** And if not, why. */
export const WHY_NOT = able()
  ? 'Passkeys need a name in the address of this page; it has a number.'
  : 'This browser has no passkeys.';

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');

const known = (list = []) => list.map((one) => ({ ...one, id: toBytes(one.id) }));

const REASONS = {
  NotAllowedError: ['No passkey was used', 'It was cancelled, or it took too long.'],
  InvalidStateError: ['There is a passkey already', 'This device has one for this account.'],
  SecurityError: ['Passkeys do not work at this address', 'Open the page under the gateway’s own name.'],
  NotSupportedError: ['This device cannot make such a passkey', 'It has to verify you, by PIN or fingerprint.'],
};

async function ask(work) {
  try {
    return await work();
  } catch (error) {
    const [title, detail] = REASONS[error.name] ?? [];
    if (!title) throw error;
    throw new ApiError({ code: error.name, title, detail });
  }
}

/** Makes a passkey. @returns {Promise<object>} `{id, client_data, attestation}`, base64url */
export async function create(options) {
  const publicKey = {
    ...options,
    challenge: toBytes(options.challenge),
    user: { ...options.user, id: toBytes(options.user.id) },
    excludeCredentials: known(options.excludeCredentials),
  };
  const made = await ask(() => navigator.credentials.create({ publicKey }));
  return {
    id: toText(made.rawId),
    client_data: toText(made.response.clientDataJSON),
    attestation: toText(made.response.attestationObject),
  };
}

/** Proves that the user holds a passkey. @returns {Promise<object>} what sessions_create takes */
export async function get(options) {
  const publicKey = {
    ...options,
    challenge: toBytes(options.challenge),
    allowCredentials: known(options.allowCredentials),
  };
  const { rawId, response } = await ask(() => navigator.credentials.get({ publicKey }));
  return {
    id: toText(rawId),
    client_data: toText(response.clientDataJSON),
    authenticator_data: toText(response.authenticatorData),
    signature: toText(response.signature),
    ...(response.userHandle && { user_handle: toText(response.userHandle) }),
  };
}
