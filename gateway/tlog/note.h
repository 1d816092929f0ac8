/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed notes (c2sp.org/signed-note) with Ed25519 keys (type 0x01) and timestamped cosignatures of
 * witnesses (c2sp.org/tlog-cosignature, type 0x04). Reads and verifies; it signs nothing itself.
 */
#ifndef SG_TLOG_NOTE_H
#define SG_TLOG_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SG_NOTE_MAX        65536 /* bytes of a note */
#define SG_NOTE_NAME_SIZE  256   /* of a key's name, with its NUL: no space, no "+" */
#define SG_NOTE_SIGNATURES 100   /* in one note */
#define SG_NOTE_VKEY_SIZE  384   /* text of a verifier key, with its NUL */

enum note_type { SG_NOTE_ED25519 = 0x01, SG_NOTE_COSIGNATURE = 0x04 };

/* A verifier key: `NAME+HHHHHHHH+base64(type | public key)`. */
struct note_key {
    char name[SG_NOTE_NAME_SIZE];
    enum note_type type;
    uint8_t id[4]; /* SHA-256(name | LF | type | key), first four bytes */
    uint8_t public_key[32];
};
/* SG_ERR_BAD_FIELD for a name that is not allowed. */
enum sg_err note_key_make(const char *name, enum note_type type, const uint8_t public_key[32],
                          struct note_key *ret) SG_MUST_CHECK;
enum sg_err note_key_parse(const char *text, struct note_key *ret) SG_MUST_CHECK;
void note_key_format(const struct note_key *key, char ret[SG_NOTE_VKEY_SIZE]);

/* Appends the line `EM-DASH NAME base64(id | signature)` LF. */
void note_put_signature(struct buf *out, const struct note_key *key, const uint8_t *signature,
                        size_t len);

/* A parsed note; borrows the text. */
struct note {
    const char *body; /* ends with its newline */
    size_t body_len;
    size_t count;
    struct note_signature {
        char name[SG_NOTE_NAME_SIZE];
        uint8_t id[4];
        uint8_t bytes[256]; /* after the id */
        size_t len;
    } * signatures; /* heap; note_fini */
};
enum sg_err note_parse(const char *text, size_t len, struct note *ret) SG_MUST_CHECK;
void note_fini(struct note *n);
/* SG_OK when one of the note's signatures is a valid one of this key; *ret_time_s (may be NULL) is
 * a cosignature's own time, else 0. SG_ERR_NOT_FOUND: none of that key; SG_ERR_BAD_DIGEST: there is
 * one, and it is not valid. */
enum sg_err note_verify(const struct note *n, const struct note_key *key,
                        int64_t *ret_time_s) SG_MUST_CHECK;
/* What a cosignature signs: "cosignature/v1\ntime T\n" and the body. */
void note_put_cosigned(struct buf *out, int64_t time_s, const char *body, size_t len);

#endif
