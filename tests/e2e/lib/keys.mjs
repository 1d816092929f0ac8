// SPDX-License-Identifier: Apache-2.0
// Pieces of configuration by what they mean, so that the names of keys stand in one place.
export const signup = (mode) => ({ accounts: { signup: mode } });
export const corsOrigins = (...origins) => ({ cors: { origins: origins.join(', ') } });
export const maxFileBytes = (bytes) => ({ limits: { 'file-bytes': bytes } });
export const limits = (values) => ({ limits: values });
