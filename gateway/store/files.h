/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage of the file trees in spaces: metadata only, content is in the blob store.
 * Paths are relative to the space, normalized (core/path), without leading or trailing slash; "" is
 * the root.
 */
#ifndef SG_STORE_FILES_H
#define SG_STORE_FILES_H

#include "store/spaces.h"
#include "store/store.h"

enum entry_type { SG_ENTRY_FILE = 0, SG_ENTRY_DIRECTORY = 1 };

struct entry_record {
    char *path; /* in the caller's arena */
    enum entry_type type;
    uint64_t size;                  /* bytes; 0 for directories */
    uint8_t sha256[SG_DIGEST_SIZE]; /* zero for directories */
    int64_t modified_ns;
    uint64_t version; /* rises by one with each replacement; 1 at first; 0 for directories */
    char owner[SG_USER_NAME_SIZE]; /* who wrote this version */
    char media_type[128];
};

/* Conditions of a write, checked in its transaction (RFC 9110 section 13): after the tree, so that
 * what could not be done without them keeps its own error (section 13.2.1). Digests never match a
 * directory. */
struct entry_condition {
    bool must_not_exist; /* If-None-Match: * */
    bool must_exist;     /* If-Match: * */
    size_t match_count;  /* If-Match with digests: current must be one of them */
    uint8_t match[8][SG_DIGEST_SIZE];
};

enum entry_sort { SG_SORT_NAME, SG_SORT_SIZE, SG_SORT_MODIFIED };

struct entry_query {
    int64_t space_id;
    const char *dir;    /* directory to list; "" the root */
    const char *prefix; /* of the path below dir (recursive) or of the name; "" any */
    bool recursive;     /* files and directories below, by path */
    enum entry_sort sort;
    bool descending;
    size_t limit; /* 1 to 1000 */
    /* Keyset: strictly after this row in the order asked for; `after_path` NULL from the start. */
    const char *after_path; /* whole path of the last row */
    uint64_t after_size;
    int64_t after_modified_ns;
};

struct files_store {
    void *self;
    const struct files_vtable *vt;
};

struct files_vtable {
    enum sg_err (*get)(void *self, int64_t space_id, const char *path, struct arena *arena,
                       struct entry_record *ret) SG_MUST_CHECK;
    /* Puts a file (its blob is durable already), making parents. In one transaction checks the
     * condition and the tree. Fills version; *ret_created. SG_ERR_PRECONDITION, IS_DIRECTORY,
     * NOT_DIRECTORY, NO_SPACE, NOT_FOUND (space gone). *ret_old_sha256 is the replaced digest
     * (zero: none), for collection. Event file.stored. A version that some message links is never
     * given again at its path. */
    enum sg_err (*put)(void *self, int64_t space_id, struct entry_record *entry,
                       const struct entry_condition *condition, const struct space_actor *actor,
                       bool *ret_created, uint8_t ret_old_sha256[SG_DIGEST_SIZE]) SG_MUST_CHECK;
    /* Makes a directory and its parents; an existing one is fine (*ret_created false) unless
     * condition says otherwise. SG_ERR_NOT_DIRECTORY, CONFLICT when a file is there. */
    enum sg_err (*mkdir)(void *self, int64_t space_id, struct entry_record *entry,
                         const struct entry_condition *condition, bool *ret_created) SG_MUST_CHECK;
    /* Removes a file, or a directory (with all below if `recursive`, else SG_ERR_NOT_EMPTY). The
     * root: CONFLICT. One event file.deleted, for a tree too. */
    enum sg_err (*remove)(void *self, int64_t space_id, const char *path, bool recursive,
                          const struct entry_condition *condition,
                          const struct space_actor *actor) SG_MUST_CHECK;
    /*
     * Moves a file, or a directory with all below, making parents; `condition` is of the source.
     * With `overwrite` a file replaces a file. Content, owner, time and type stay. *ret is the
     * entry at its new place, *ret_old_sha256 the replaced digest (zero: none). SG_ERR_NOT_FOUND
     * (also a space), PRECONDITION, NOT_DIRECTORY (a parent is a file), BAD_PATH (something below
     * would get too long a path), CONFLICT: something is there, a root, a directory into itself.
     * Event file.moved within a space; else file.deleted there and file.stored here, for a
     * directory file.moved without from_path.
     */
    enum sg_err (*move)(void *self, int64_t from_space_id, const char *from_path,
                        int64_t to_space_id, const char *to_path, bool overwrite,
                        const struct entry_condition *condition, const struct space_actor *actor,
                        struct arena *arena, struct entry_record *ret,
                        uint8_t ret_old_sha256[SG_DIGEST_SIZE]) SG_MUST_CHECK;
    /* One page, at most query->limit rows into `ret`; *ret_more when others follow.
     * SG_ERR_NOT_FOUND when dir is not there, NOT_DIRECTORY when it is a file. Names are ordered by
     * bytes, recursive ones by the whole path; size and modified break ties by path; descending is
     * the exact reverse. Cost does not grow with the number of entries (exceptions: see
     * sqlite_sql.c). */
    enum sg_err (*list)(void *self, const struct entry_query *query, struct arena *arena,
                        struct entry_record *ret, size_t *ret_count, bool *ret_more) SG_MUST_CHECK;
    /* True when any entry, or link of a message, refers to this blob. */
    enum sg_err (*blob_used)(void *self, const uint8_t *sha256, bool *ret) SG_MUST_CHECK;
};

#endif
