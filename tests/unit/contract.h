/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every storage engine must do, as tests that know the vtables only. A new engine takes part
 * with one row: a program fills the struct below and calls the suites. State is kept in a directory
 * that a suite makes anew.
 */
#ifndef SG_TESTS_CONTRACT_H
#define SG_TESTS_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/audit.h"
#include "store/blobs.h"
#include "store/channels.h"
#include "store/certificates.h"
#include "store/events.h"
#include "store/factors.h"
#include "store/files.h"
#include "store/oauth.h"
#include "store/sessions.h"
#include "store/signatures.h"
#include "store/spaces.h"
#include "store/tokens.h"
#include "store/users.h"

/* An engine of users, sessions, files, spaces, events and signatures. */
struct contract_engine {
    const char *name;
    enum sg_err (*open)(const char *dir, void **ret);
    void (*close)(void *handle);
    enum sg_err (*status)(void *handle);
    struct users_store (*users)(void *handle);
    struct sessions_store (*sessions)(void *handle);
    struct files_store (*files)(void *handle);
    struct spaces_store (*spaces)(void *handle);
    struct events_store (*events)(void *handle);
    struct signatures_store (*signatures)(void *handle);
    struct audit_store (*audit)(void *handle);
    struct factors_store (*factors)(void *handle);
    struct tokens_store (*tokens)(void *handle);
    struct oauth_store (*oauth)(void *handle);
    struct certificates_store (*certificates)(void *handle);
};

/* An engine of blobs. */
struct contract_blobs_engine {
    const char *name;
    enum sg_err (*open)(const char *dir, uint64_t reserve, void **ret);
    void (*close)(void *handle);
    struct blobs_store (*blobs)(void *handle);
    /* Number of temporary files of unfinished content that are stored now. */
    size_t (*unfinished)(const char *dir);
};

/* An engine of channels. `drop` ends it as a killed process does. */
struct contract_channels_engine {
    const char *name;
    enum sg_err (*open)(const char *dir, void **ret);
    void (*close)(void *handle);
    void (*drop)(void *handle);
    struct channels_store (*channels)(void *handle);
};

/* The suites: number of failed tests. */
int contract_users(const struct contract_engine *engine);
int contract_sessions(const struct contract_engine *engine);
int contract_files(const struct contract_engine *engine);
int contract_files_order(const struct contract_engine *engine);
int contract_files_move(const struct contract_engine *engine);
int contract_spaces(const struct contract_engine *engine);
int contract_members(const struct contract_engine *engine);
int contract_events(const struct contract_engine *engine);
int contract_events_race(const struct contract_engine *engine);
int contract_signatures(const struct contract_engine *engine);
int contract_audit(const struct contract_engine *engine);
int contract_tokens(const struct contract_engine *engine);
int contract_factors(const struct contract_engine *engine);
int contract_oauth(const struct contract_engine *engine);
int contract_certificates(const struct contract_engine *engine);
int contract_blobs(const struct contract_blobs_engine *engine);
int contract_channels(const struct contract_channels_engine *engine);

/* -- tools --------------------------------------------------------------------------------------
 */

/* One engine opened on a fresh directory; fails the test when it does not open. */
struct contract_store {
    const struct contract_engine *engine;
    char *dir;
    void *handle;
    struct users_store users;
    struct sessions_store sessions;
    struct files_store files;
    struct spaces_store spaces;
    struct events_store events;
    struct signatures_store signatures;
};
void contract_store_init(struct contract_store *s, const struct contract_engine *engine);
/* Closes and opens again. */
void contract_store_reopen(struct contract_store *s);
/* Closes and removes the directory. */
void contract_store_fini(struct contract_store *s);

/* A fresh directory (free with contract_dir_remove). */
char *contract_dir_new(void);
void contract_dir_remove(char *dir);
/* Mounts a file system of `bytes` over the directory. False, with the reason printed, without the
 * right to. */
bool contract_disk_mount(const char *dir, size_t bytes);
void contract_disk_unmount(const char *dir);

/* Runs `run(ctx, index)` in `count` threads at the same time and waits for all. No cmocka
 * assertions in them. */
void contract_threads(size_t count, void (*run)(void *ctx, size_t index), void *ctx);

/* Somebody who does things. */
extern const struct space_actor contract_actor;

/* Adds a user of that name and role; fails the test when it can't. */
struct user_record contract_user_add(struct contract_store *s, const char *name,
                                     enum user_role role);

/* The id of a space by its name as the user names it; fails the test when there is none. */
int64_t contract_space_id(struct contract_store *s, const char *name, int64_t user_id);

/* Events of a space, all types, at most 1000. */
size_t contract_event_count(struct contract_store *s, int64_t space_id);
/* The last event of a space (`back` 0), the one before (1), ...: it has this type, and this part in
 * its JSON. */
void contract_event_expect(struct contract_store *s, int64_t space_id, size_t back,
                           enum event_type type, const char *part);
/* Posts a message and waits; the event's seq. `file` NULL: without. */
uint64_t contract_say(struct contract_store *s, int64_t space_id, const struct user_record *user,
                      const char *text, const char *file);

/* Starts `run(ctx, fd)` in a process of its own, which writes one byte group of `size` bytes per
 * acknowledged effect to fd; kills it with SIGKILL after `count` groups; returns all groups that
 * came (free) and their number. */
uint8_t *contract_crash(void (*run)(void *ctx, int fd), void *ctx, size_t size, size_t count,
                        size_t *ret_groups);

/* A small generator with a printed seed: same numbers on every run. */
uint32_t contract_random(uint64_t *state);

#endif
