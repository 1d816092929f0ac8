/* SPDX-License-Identifier: Apache-2.0 */
/* Signing with all that belongs to it: the real keyring and its log, SQLite, blobs, spaces. */
#ifndef SG_TESTS_SIGNING_FIXTURE_H
#define SG_TESTS_SIGNING_FIXTURE_H

#include "contract.h"
#include "core/signing.h"
#include "real_keyring.h"
#include "store/fsblobs.h"
#include "store/sqlite.h"

struct signing_fixture {
    char *dir;
    struct real_keyring process;
    struct keyring_client *keyring;
    struct sqlite_store *db;
    struct fsblobs *fs;
    struct signatures_store index;
    struct files_store store;
    struct spaces *spaces;
    struct files *files;
    struct keys *keys;
    struct logread *log;
    struct witness_pool *witnesses;
    struct signing *signing;
    struct principal alice, bob; /* admin, member */
    struct arena *arena;
    struct note_key log_key;
};

/* For groups and tests: one at a time. */
extern struct signing_fixture signing_fixture;
int signing_fixture_set_up(void **state);
int signing_fixture_tear_down(void **state);

/* The database anew, or (`empty`) without what was in it, as after a restart. */
void signing_fixture_reopen(bool empty);
/* Makes a key; alice signs and manages. */
void signing_fixture_key(const char *name, enum sig_key_type type);
/* Changes it as alice. */
void signing_fixture_update(const char *name, const struct key_change *change);
/* Stores a file as `who`; the path is not encoded. */
void signing_fixture_store(const struct principal *who, const char *path, const char *content);
/* An item of text that stays with the client, with all digests. */
struct signing_item signing_fixture_item(const char *name, const char *content);
/* Signs as alice; what it says. */
enum sg_err signing_fixture_create(const char *key, unsigned formats,
                                   const struct signing_item *items, size_t count,
                                   struct signing_result *ret);
/* Asserts that a record of a result verifies, has this name, is proved in the log and in the
 * index. */
void signing_fixture_check(const struct signing_result *r, const struct keyring_signed *of,
                           const char *name);

#endif
