/* SPDX-License-Identifier: Apache-2.0 */
/* The Ed25519 keys of the log and of signed time, and the notes that they sign. */
#ifndef SG_KEYRING_TRANSLOG_KEY_H
#define SG_KEYRING_TRANSLOG_KEY_H

#include <gnutls/abstract.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "tlog/note.h"

struct kek;

struct notekey {
    gnutls_privkey_t key; /* NULL: none */
    struct note_key public_key;
};

/* The name of a key of this gateway: the issuer without its scheme, and `suffix` ("/log"). What a
 * note does not allow in a name is percent-encoded. */
enum sg_err notekey_name(const char *issuer, const char *suffix,
                         char ret[SG_NOTE_NAME_SIZE]) SG_MUST_CHECK;

/* Loads DATA/keyring/FILE.key and names it, or makes it when `make` is set. `file` is "log" or
 * "time". SG_ERR_NOT_FOUND. */
enum sg_err notekey_open(const struct kek *kek, const char *data, const char *file,
                         const char *name, bool make, struct notekey *ret) SG_MUST_CHECK;
void notekey_fini(struct notekey *k);

/* Appends the note over a body that ends with its newline. */
enum sg_err notekey_sign(const struct notekey *k, const struct buf *body,
                         struct buf *out) SG_MUST_CHECK;

#endif
