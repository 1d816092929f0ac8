// SPDX-License-Identifier: Apache-2.0
// Pieces of configuration by what they mean, so that the names of keys stand in one place.
export const signup = (mode) => ({ users: { signup: mode } });
export const corsOrigins = (...origins) => ({ http: { cors_origins: origins.join(' ') } });
export const maxFileBytes = (bytes) => ({ files: { max_file_bytes: bytes } });
export const accessTokenSeconds = (seconds) => ({ sessions: { access_token_seconds: seconds } });
export const limits = (values) => ({ limits: values });

// Several pieces as one.
export function merge(...pieces) {
  const all = {};
  for (const piece of pieces) {
    for (const [section, keys] of Object.entries(piece)) all[section] = { ...all[section], ...keys };
  }
  return all;
}
