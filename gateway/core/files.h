/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of files: atomic publication, conditional writes, moving, listing with opaque cursors,
 * collection of blobs that nothing refers to. Who may do what in which space, core/spaces.h says.
 * No HTTP, no SQL. Functions block unless they say otherwise.
 */
#ifndef SG_CORE_FILES_H
#define SG_CORE_FILES_H

#include "core/identity.h"
#include "core/path.h"
#include "core/spaces.h"
#include "store/blobs.h"
#include "store/events.h"
#include "store/files.h"

struct files;

struct files_config {
    uint64_t max_file_bytes; /* of one upload */
};

/* `events`: for versions that messages link. */
struct files *files_new(const struct files_store *store, const struct blobs_store *blobs,
                        const struct events_store *events, struct spaces *spaces,
                        const struct files_config *config);
void files_free(struct files *f);

/* Starts the background collection (a thread): at once, then every hour; stopped by files_free. */
enum sg_err files_start_collector(struct files *f) SG_MUST_CHECK;
/* Asks the collector for a pass within a minute (a user and its space were removed). Never blocks.
 */
void files_collect_soon(struct files *f);
/* One pass of the collection in this thread: removes every blob that nothing refers to. Blocks. */
enum sg_err files_collect(struct files *f) SG_MUST_CHECK;

/* In all entries that the functions below return, `path` includes the space's name
 * ("common/docs/a.txt", never
 * "~me"); the root is "common". Paths with `directory` set (a slash at the end) name directories
 * only: upload answers IS_DIRECTORY, open and remove of a file NOT_DIRECTORY. */

/* An upload in progress. begin: authority, early conditions and size (`expected` -1 unknown)
 * without touching the disk: may run on an event loop. SG_ERR_TOO_LARGE, NO_SPACE, PRECONDITION,
 * FORBIDDEN, NOT_FOUND, IS_DIRECTORY. The condition is checked again, for good, at commit. */
struct file_upload;
enum sg_err files_upload_begin(struct files *f, const struct principal *who,
                               const struct path *path, int64_t expected,
                               const struct entry_condition *condition,
                               struct file_upload **ret) SG_MUST_CHECK;
/* Blocks (hash and write). SG_ERR_TOO_LARGE past the limit, NO_SPACE. */
enum sg_err files_upload_write(struct file_upload *u, const void *data, size_t len) SG_MUST_CHECK;
/* Durable and visible after SG_OK; entry strings in `arena`. `sha256` NULL: not checked, else
 * SG_ERR_BAD_DIGEST when it differs. SG_ERR_INCOMPLETE when `expected` bytes were announced and
 * others came. Frees *u in every case. */
enum sg_err files_upload_commit(struct file_upload **u, const uint8_t *sha256, struct arena *arena,
                                struct entry_record *ret, bool *ret_created) SG_MUST_CHECK;
/* For rights that may have changed meanwhile: may `who` still publish it? SG_ERR_FORBIDDEN,
 * NOT_FOUND. */
enum sg_err files_upload_authorize(struct file_upload *u,
                                   const struct principal *who) SG_MUST_CHECK;
/* Nothing of it stays. *u NULL is legal. Frees *u. */
void files_upload_abort(struct file_upload **u);

/* An existing directory is fine (*ret_created false). SG_ERR_CONFLICT when a file is there. */
enum sg_err files_mkdir(struct files *f, const struct principal *who, const struct path *path,
                        const struct entry_condition *condition, struct arena *arena,
                        struct entry_record *ret, bool *ret_created) SG_MUST_CHECK;

/* Looks up and opens the content (fd is the caller's). IS_DIRECTORY for one. `version`: 0 the
 * current one; else that one, if it is current or some message links it (NOT_FOUND). With
 * `ret_small` not NULL, small content comes in memory instead (a reference; *ret_fd is then -1,
 * else *ret_small NULL). Reads only: may run on an event loop. */
struct smallblob;
enum sg_err files_open(struct files *f, const struct principal *who, const struct path *path,
                       uint64_t version, struct arena *arena, struct entry_record *ret,
                       struct smallblob **ret_small, int *ret_fd) SG_MUST_CHECK;

/* SG_ERR_NOT_EMPTY for a directory with entries unless `recursive`; CONFLICT for a space itself. */
enum sg_err files_remove(struct files *f, const struct principal *who, const struct path *path,
                         bool recursive, const struct entry_condition *condition) SG_MUST_CHECK;

/* Moves a file or a directory with all below, also to another space; `condition` is of what is
 * moved. With `overwrite` a file replaces a file. *ret: the entry at its new place.
 * SG_ERR_NOT_FOUND, FORBIDDEN, PRECONDITION, NOT_DIRECTORY, IS_DIRECTORY (a file to a path with a
 * slash at the end), BAD_PATH (something below would get too long a path), CONFLICT (something is
 * there; a space itself; a directory into itself). */
enum sg_err files_move(struct files *f, const struct principal *who, const struct path *from,
                       const struct path *to, bool overwrite,
                       const struct entry_condition *condition, struct arena *arena,
                       struct entry_record *ret) SG_MUST_CHECK;

struct files_list_options {
    size_t limit;       /* 1 to 1000 */
    const char *cursor; /* NULL or "" from the start; SG_ERR_BAD_CURSOR when of another listing */
    enum entry_sort sort;
    bool descending;
    bool recursive;
    const char *prefix; /* "" any */
};
/* One page; *ret_cursor NULL at the end. Orders by size or modified break ties by path; descending
 * is the exact reverse. A recursive listing orders names by the whole path, in bytes. Cost depends
 * on the limit only, except: a prefix with an order by size or modified, and such an order below a
 * directory that is not the root, filter as they go. SG_ERR_BAD_FIELD (limit, prefix), BAD_CURSOR,
 * NOT_FOUND, NOT_DIRECTORY. The arena needs about 512 bytes and twice the path for each row. Only
 * reads. */
enum sg_err files_list(struct files *f, const struct principal *who, const struct path *dir,
                       const struct files_list_options *options, struct arena *arena,
                       struct entry_record **ret, size_t *ret_count,
                       char **ret_cursor) SG_MUST_CHECK;

#endif
