/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a signature: what was signed, with what, when. Its canonical text (RFC 8785) is
 * three things in one: the payload that the record's `signature` covers (as DSSE, type
 * SG_RECORD_TYPE), the leaf of the transparency log, and what the answer shows.
 */
#ifndef SG_SIGFMT_RECORD_H
#define SG_SIGFMT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sigfmt/sigfmt.h"

#define SG_RECORD_TYPE      "application/vnd.secgate.record+json"
#define SG_RECORD_NAME_MAX  1024 /* bytes; UTF-8 without control characters */
#define SG_RECORD_FIELD_MAX 256  /* of package, fileset, vrmf, ftype */
#define SG_RECORD_TEXT_MAX  8192 /* bytes of a canonical text */
#define SG_KEY_NAME_SIZE    65   /* [a-z0-9][a-z0-9._-]{0,63} and NUL */

/* Digests of one content; sha256 is always there. */
struct sig_digests {
    uint8_t sha256[32];
    bool has_sha512, has_blake2b;
    uint8_t sha512[64];
    uint8_t blake2b[64]; /* BLAKE2b-512 */
};

/* Where package, fileset, vrmf and ftype come from. */
enum sig_source { SG_SOURCE_CONTENT = 1, SG_SOURCE_REQUEST = 2, SG_SOURCE_NAME = 3 };

/* All strings are borrowed; "" (never NULL) leaves fileset and vrmf empty. */
struct sig_record {
    const char *key; /* name of the key */
    uint32_t key_version;
    uint8_t keyid[32]; /* SHA-256 of the SubjectPublicKeyInfo */
    enum sig_key_type type;
    int64_t timestamp_ns; /* shown with milliseconds */
    const char *name;     /* of the file: its base name, or the path below the directory */
    int64_t size;         /* bytes; -1: not known, and not shown */
    struct sig_digests digests;
    const char *package, *fileset, *vrmf, *ftype;
    enum sig_source source;
};
const char *sig_source_name(enum sig_source source); /* "content", "request", "name" */
enum sg_err sig_source_parse(const char *text, enum sig_source *ret) SG_MUST_CHECK;

/*
 * Appends the canonical text, e.g. (in one line, members sorted):
 * {"algorithm":"ed25519","digest":{"blake2b-512":"..","sha256":"..","sha512":".."},"fileset":"",
 *  "ftype":"deb","key":"release","key_version":1,"keyid":"HEX64","name":"hello.deb",
 *  "package":"hello","size":123,"source":"content","timestamp":"2026-11-21T12:00:00.000Z",
 *  "vrmf":"2.10-3"}
 * SG_ERR_BAD_FIELD for a name, field or text that is not allowed.
 */
enum sg_err sig_record_put(struct buf *out, const struct sig_record *r) SG_MUST_CHECK;

/* A record read from its canonical text, with its own copies of the strings. Large. */
struct sig_record_read {
    struct sig_record record; /* points into `text` */
    char text[SG_RECORD_TEXT_MAX];
};
/* SG_ERR_BAD_FIELD unless it is exactly what sig_record_put would write. */
enum sg_err sig_record_parse(const char *text, size_t len,
                             struct sig_record_read *ret) SG_MUST_CHECK;

/* Whether a name may be signed: 1 to SG_RECORD_NAME_MAX bytes of UTF-8 without control characters,
 * not beginning with "/", without "//", "." or ".." as a part. */
bool sig_record_name_valid(const char *name);
/* Whether a key may have this name: [a-z0-9][a-z0-9._-]{0,63}. */
bool sig_key_name_valid(const char *name);

#endif
