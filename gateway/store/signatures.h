/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage of the index of signatures: what the log's leaves say, and what was given out with them.
 * Rows are the log's leaves by their number; they are never changed, and removed only when the log
 * has lost them.
 */
#ifndef SG_STORE_SIGNATURES_H
#define SG_STORE_SIGNATURES_H

#include "store/spaces.h"
#include "store/store.h"

#define SG_SIGNATURE_FORMATS 8

/* A file's place in the manifest of its directory, or what a manifest is about. */
struct signature_place {
    const char *directory; /* NULL: neither */
    uint64_t manifest;     /* index of the manifest's own leaf */
    uint64_t position;     /* the file's line, from 0; of a manifest 0 */
    uint64_t files;        /* lines */
    const uint8_t *proof;  /* of a file: hashes, 32 bytes each */
    size_t proof_len;
    const char *lines; /* of a manifest; NULL: of a file */
    size_t lines_len;
};

struct signature_row {
    uint64_t index;
    int64_t timestamp_ns;
    const char *key;
    uint8_t sha256[SG_DIGEST_SIZE];
    const char *package;
    const char *record; /* canonical text */
    size_t record_len;
    const uint8_t *signature; /* NULL: only the log is left of it */
    size_t signature_len;
    struct signature_format {
        const uint8_t *data; /* NULL: not there */
        size_t len;
    } formats[SG_SIGNATURE_FORMATS]; /* by bit number of enum sig_format; left out in lists */
    struct signature_place place;    /* left out in lists */
};

/* An event signature.created in a space. */
struct signature_event {
    int64_t space_id;
    const char *path; /* in the space; "" the space itself */
    const char *key;
    uint32_t key_version;
    uint64_t index; /* of the first signature */
    uint64_t count;
};

/* Leaves that follow each other, as one write. */
struct signature_batch {
    uint64_t first; /* index of rows[0]; the others follow without gap */
    const struct signature_row *rows;
    size_t count;
    const char *key;
    int64_t timestamp_ns;
    uint64_t tree_size;
    const char *note; /* the checkpoint, when it is cosigned; NULL: not kept */
    size_t note_len;
    const struct signature_event *events;
    size_t event_count;
    struct space_actor actor; /* of the events */
};

/* Which rows: in falling order of index. */
struct signature_query {
    const uint8_t *sha256; /* NULL: any */
    const char *package;   /* NULL: any */
    const char *key;       /* NULL: any */
    int64_t since_ns;      /* timestamp >= */
    int64_t until_ns;      /* timestamp < */
    uint64_t before;       /* index < */
    size_t limit;          /* 1 to 1001 */
};

struct signatures_store {
    void *self;
    const struct signatures_vtable *vt;
};

struct signatures_vtable {
    /* All or none; events of spaces that are gone are left out. SG_ERR_CONFLICT when one is there.
     */
    enum sg_err (*add)(void *self, const struct signature_batch *batch) SG_MUST_CHECK;
    /* Everything of one; *ret_note: the cosigned checkpoint of its batch and *ret_tree_size its
     * size, NULL when none is kept. NOT_FOUND. */
    enum sg_err (*get)(void *self, uint64_t index, struct arena *arena, struct signature_row *ret,
                       const char **ret_note, uint64_t *ret_tree_size) SG_MUST_CHECK;
    /* At most query->limit rows. */
    enum sg_err (*list)(void *self, const struct signature_query *query, struct arena *arena,
                        struct signature_row *ret, size_t *ret_count) SG_MUST_CHECK;
    /* The first index >= `from` that has no row, and how many follow it that have none either
     * (UINT64_MAX - *ret: no row comes after). */
    enum sg_err (*gap)(void *self, uint64_t from, uint64_t *ret, uint64_t *ret_count) SG_MUST_CHECK;
    /* Removes all from index `from` on; *ret_count: how many. */
    enum sg_err (*cut)(void *self, uint64_t from, uint64_t *ret_count) SG_MUST_CHECK;
};

#endif
