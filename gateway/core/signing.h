/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of signing in the worker: what is named becomes digests (stored files are read and
 * hashed again), the keyring signs the batch, witnesses cosign where the key wants it, the index
 * learns of it, and only then anything is given out, with proofs. No HTTP, no SQL, no JSON, no
 * private key.
 */
#ifndef SG_CORE_SIGNING_H
#define SG_CORE_SIGNING_H

#include "core/files.h"
#include "core/keys.h"
#include "core/logread.h"
#include "core/witness.h"
#include "ipc/signing.h"
#include "ipc/signing_client.h"
#include "sigfmt/manifest.h"
#include "store/signatures.h"

struct signing;

struct signing_options { /* all borrowed for its life */
    const struct signatures_store *store;
    const struct files_store *files;
    const struct blobs_store *blobs;
    struct spaces *spaces;
    struct keys *keys;
    struct keyring_client *keyring;
    struct logread *log;
    struct witness_pool *witnesses; /* NULL: keys with a quorum sign nothing */
};
enum sg_err signing_new(const struct signing_options *options, struct signing **ret) SG_MUST_CHECK;
void signing_free(struct signing *s);

/* Enters what the log has and the index has not: leaves whose signatures were made in a process
 * that died before it could enter (and give out) them. What an accepted log has lost, the index
 * loses too. Once, at start; SG_OK when there is no log.
 * *ret_count: how many leaves. */
enum sg_err signing_reindex(struct signing *s, uint64_t *ret_count) SG_MUST_CHECK;

/* -- signing ------------------------------------------------------------------------------------
 */

enum signing_kind { SG_SIGNING_PATH, SG_SIGNING_PREFIX, SG_SIGNING_DIGESTS };

/* All strings are borrowed until signing_create returns. */
struct signing_item {
    enum signing_kind kind;
    const char *name; /* path or prefix with its space, not encoded; or the name of the file */
    int64_t size;     /* DIGESTS: bytes, -1 when not known */
    struct sig_digests digests;                   /* DIGESTS */
    const char *package, *fileset, *vrmf, *ftype; /* NULL: not given */
    const char *directory;                        /* DIGESTS: NULL none */
};
struct signing_request {
    const char *key;
    unsigned formats;
    const struct signing_item *items;
    size_t item_count; /* 1 to SG_SIGN_ITEMS_MAX */
};

/* An item that cannot be signed: `code` as in the API (not-found, is-directory, not-a-directory,
 * forbidden, path-invalid, name-invalid, field-invalid, digest-missing, duplicate-name,
 * directory-empty, too-many-files, conflict, corrupt). */
struct signing_bad {
    uint32_t index;     /* of the request's items */
    const char *code;   /* static */
    const char *detail; /* in the result's arena */
};

/* A file's place in its directory's manifest. */
struct signing_place {
    const struct signing_directory *directory; /* NULL: in none */
    size_t entry;                              /* for sig_manifest_position */
};
struct signing_directory {
    const char *name;
    struct sig_manifest *manifest;     /* lines, root, count, proofs: sigfmt/manifest.h */
    const struct keyring_manifest *of; /* its record and signatures */
};

struct signing_entry;

/* What signing_create has made. Frees as one; the records and signatures are in the memory that
 * came from the keyring, nothing of it is copied. */
struct signing_result {
    struct arena *arena;
    size_t bad_count; /* with SG_ERR_BAD_ITEMS */
    struct signing_bad *bad;
    const char *reason; /* with SG_ERR_BAD_FIELD (a format that the key does not sign) and QUORUM:
                           why; else NULL */

    size_t count;                       /* with SG_OK: one per file, in the order of the items */
    const struct keyring_signed *items; /* record, signature, formats, index */
    const struct signing_place *places; /* of each; NULL when there are no directories */
    size_t directory_count;
    struct signing_directory *directories;
    const char *note; /* the checkpoint of all proofs, perhaps cosigned */
    size_t note_len;
    uint64_t tree_size;
    struct merkle_range *range;  /* of all leaves, for signing_put_proof */
    struct keyring_batch batch;  /* the memory */
    struct signing_entry *entry; /* the write of the index, under way; internal */
};
/* SG_OK, or: SG_ERR_NOT_FOUND (no such key), FORBIDDEN, KEY_DISABLED, KEY_EXPIRED, BAD_FIELD (see
 * reason), BAD_ITEMS (see bad), QUORUM, LOG_CLOSED, CLOCK, UNAVAILABLE, OVERLOADED, NO_SPACE,
 * TOO_LARGE (all formats of that many items are more than one answer may be; nothing is in the
 * log). *ret is filled in every case: signing_result_fini. Blocks for long. With SG_OK the index
 * may still be being written: nobody may be told of the signatures before signing_await says SG_OK.
 */
enum sg_err signing_create(struct signing *s, const struct principal *who,
                           const struct signing_request *request,
                           struct signing_result *ret) SG_MUST_CHECK;
/* Waits until the index has them, durably; an error is the answer. */
enum sg_err signing_await(struct signing_result *r) SG_MUST_CHECK;
void signing_result_fini(struct signing_result *r);
/* Appends the offline proof of one of the result's records (of an item or a directory). */
void signing_put_proof(struct buf *out, const struct signing_result *r,
                       const struct keyring_signed *of);

/* -- reading ------------------------------------------------------------------------------------
 */

/* A stored signature (store/signatures.h), with what proves it. Strings are in the arena. */
struct signing_stored {
    struct signature_row row;
    uint64_t tree_size;
    const char *proof; /* offline proof under the cosigned checkpoint, if there is one, else under
                          the published one */
    size_t proof_len;
};
/* SG_ERR_NOT_FOUND. */
enum sg_err signing_get(struct signing *s, uint64_t index, struct arena *arena,
                        struct signing_stored *ret) SG_MUST_CHECK;

struct signing_list_options {
    size_t limit;          /* 1 to 1000 */
    const char *cursor;    /* NULL or "": from the newest; SG_ERR_BAD_CURSOR */
    const uint8_t *sha256; /* NULL: any */
    const char *package;   /* NULL: any */
    const char *key;       /* NULL: any */
    int64_t since_ns;      /* made then or later; INT64_MIN: any time */
    int64_t until_ns;      /* made before; INT64_MAX: any time */
};
/* Newest first, without formats. *ret_cursor NULL at the end. Cost depends on the limit, except
 * that what is asked for besides the first of digest, package, key filters as it goes. */
enum sg_err signing_list(struct signing *s, const struct signing_list_options *options,
                         struct arena *arena, struct signature_row **ret, size_t *ret_count,
                         char **ret_cursor) SG_MUST_CHECK;

/* -- verifying ----------------------------------------------------------------------------------
 */

struct signing_verify {
    const struct sig_record *record; /* NULL: a signature in a format */
    const char *proof;               /* of a record: tlog-proof; NULL: not given */
    size_t proof_len;
    enum sig_format format;
    const uint8_t *signature; /* bytes; text formats as they are */
    size_t signature_len;
    const char *key;                   /* NULL: any */
    uint32_t key_version;              /* 0: any */
    const struct sig_digests *digests; /* NULL: not given */
    const char *path;                  /* of a stored file whose content it is; NULL: none */
    const char *name;                  /* NULL: not given */
};
struct signing_reason {
    const char *code;   /* static */
    const char *detail; /* in the arena, or static */
};
#define SG_SIGNING_REASONS_MAX 12
struct signing_verdict { /* valid when there is no reason against it */
    size_t count;
    struct signing_reason reasons[SG_SIGNING_REASONS_MAX];
    bool found; /* `row` is the record in the log */
    struct signature_row row;
};
/* Errors are about the question: SG_ERR_NOT_FOUND, FORBIDDEN, BAD_PATH, IS_DIRECTORY of the path,
 * BAD_FIELD (a record that none could be: *ret_reason). */
enum sg_err signing_verify(struct signing *s, const struct principal *who,
                           const struct signing_verify *what, struct arena *arena,
                           struct signing_verdict *ret, const char **ret_reason) SG_MUST_CHECK;

#endif
