/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of core/signing share. Included by them only. */
#ifndef SG_CORE_SIGNING_INTERNAL_H
#define SG_CORE_SIGNING_INTERNAL_H

#include "core/signing.h"

#define SG_SIGNING_MEMORY ((size_t)256 << 20) /* of one request, beside the keyring's answer */
#define SG_SIGNING_BLOCK  ((size_t)256 << 10) /* bytes of a file that are hashed at once */

struct package_info;

struct signing {
    struct signatures_store store;
    struct files_store files;
    struct blobs_store blobs;
    struct spaces *spaces;
    struct keys *keys;
    struct keyring_client *keyring;
    struct logread *log;
    struct witness_pool *witnesses;
};

/* A request on its way: what is to be signed, in the order of the items. */
struct signing_set {
    struct signing *s;
    const struct principal *who;
    const struct signing_request *request;
    const struct keyring_key *key;
    struct arena *arena;
    uint8_t *block; /* SG_SIGNING_BLOCK bytes, made with the first file that is read */

    struct keyring_sign_item *items;
    uint32_t *origin; /* of each: which of the request's items */
    size_t count, room;
    const char **directories;
    size_t directory_count;
    uint32_t *slots; /* numbers of the directories that items name; a power of two */
    size_t slot_count;
    struct signature_event *events; /* `index` is that of an item until the log's are known */
    size_t event_count, event_room;
    struct signing_bad *bad;
    size_t bad_count, bad_room;
};

/* Fills the set from the request. SG_OK also with bad items; an error when it is no item's fault.
 */
enum sg_err signing_collect(struct signing_set *set) SG_MUST_CHECK;
/* Notes a bad item. */
enum sg_err signing_bad_add(struct signing_set *set, size_t index, const char *code,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Digests of a stored file, read again; package fields from its content (unless NULL). `need` says
 * which digests besides SHA-256. SG_ERR_CORRUPT when it is not what its name says. */
enum sg_err signing_read_file(struct signing *s, const struct entry_record *entry, const char *name,
                              bool sha512, bool blake2b, uint8_t *block, struct sig_digests *ret,
                              struct package_info *ret_package) SG_MUST_CHECK;
/* The entry at a path. SG_ERR_NOT_FOUND, FORBIDDEN, BAD_PATH (with *ret_reason). */
enum sg_err signing_find_entry(struct signing *s, const struct principal *who, const char *text,
                               struct arena *arena, struct path *ret_path, int64_t *ret_space,
                               struct entry_record *ret, const char **ret_reason) SG_MUST_CHECK;
/* One manifest per directory, in order; fills places. Bad items as above. */
enum sg_err signing_make_manifests(struct signing_set *set, struct signing_place *places,
                                   struct signing_directory *directories) SG_MUST_CHECK;

/* Begins to enter a batch into the index, a large one on a thread of its own, beside the making of
 * the answer; without `with_signatures` only what the log says. signing_await ends it. */
enum sg_err signing_enter(struct signing_set *set, struct signing_result *r,
                          bool with_signatures) SG_MUST_CHECK;
/* Ends it in any case. NULL is legal. */
enum sg_err signing_entry_end(struct signing_entry *e);
/* The row of a leaf's text: strings are in `read`. SG_ERR_CORRUPT. */
enum sg_err signing_row_of_leaf(uint64_t index, const char *text, size_t len,
                                struct sig_record_read *read,
                                struct signature_row *ret) SG_MUST_CHECK;

#endif
