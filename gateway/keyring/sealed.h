/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that only the keyring can read and nobody can exchange: AES-256-GCM under a key of their
 * own, derived (HKDF-SHA-256) from the key-encryption key and a random salt. `kind` and `name`
 * (which file this is) are part of what is authenticated, so that one file does not pass for
 * another. Layout: "SGSEAL1\n", salt (32), nonce (12), ciphertext, tag (16).
 */
#ifndef SG_KEYRING_SEALED_H
#define SG_KEYRING_SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct kek; /* the key-encryption key; keyring/kek.h */

#define SG_SEALED_OVERHEAD 68
#define SG_SEALED_MAX      (1 << 20) /* bytes of a sealed file */

/* Appends `data` sealed. */
enum sg_err sealed_seal(const struct kek *kek, const char *kind, const char *name, const void *data,
                        size_t len, struct buf *out) SG_MUST_CHECK;
/* Appends the content to `out` (wipe it). SG_ERR_CORRUPT: altered, of another kind or name, or
 * under another key. */
enum sg_err sealed_open(const struct kek *kek, const char *kind, const char *name, const void *data,
                        size_t len, struct buf *out) SG_MUST_CHECK;
/* Whether the bytes begin as a sealed file does. */
bool sealed_is(const void *data, size_t len);

/* As sealed_seal into a file (0600): written beside it, synced, renamed, directory synced. */
enum sg_err sealed_save(const struct kek *kek, const char *path, const char *kind, const char *name,
                        const void *data, size_t len) SG_MUST_CHECK;
/* Reads a file that sealed_save has written. SG_ERR_NOT_FOUND; SG_ERR_FORBIDDEN (logged) for its
 * owner or mode; SG_ERR_CORRUPT (logged). */
enum sg_err sealed_load(const struct kek *kek, const char *path, const char *kind, const char *name,
                        struct buf *out) SG_MUST_CHECK;

#endif
