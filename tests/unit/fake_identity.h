/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: an identity with a fake keyring, a store (in memory or SQLite), cheap password hashes
 * and a clock that moves on demand. */
#ifndef SG_TESTS_FAKE_IDENTITY_H
#define SG_TESTS_FAKE_IDENTITY_H

#include "core/identity.h"
#include "fake_keyring.h"
#include "fake_store.h"

#define FAKE_PASSWORD "correct horse battery"
#define FAKE_ADDRESS  "192.0.2.1"

struct sqlite_store;

struct fake_identity {
    struct fake_keyring *keyring; /* borrowed: one for all tests */
    struct fake_store *memory;    /* NULL with SQLite */
    struct sqlite_store *sqlite;
    struct users_store users;
    struct sessions_store sessions;
    struct identity_config config;
    struct identity *id;
    char dir[64], setup_file[80];
};

/* Group: the keyring, the clock, and which store (SQLite or memory). */
int fake_identity_group(void **state);
int fake_identity_group_sqlite(void **state);
int fake_identity_group_end(void **state);

/* Test: *state becomes a struct fake_identity, started, without users, sign-up by invite. */
int fake_identity_set_up(void **state);
int fake_identity_tear_down(void **state);

/* Makes the identity again over the same store (after a change of `config`, or as a restart). */
void fake_identity_restart(struct fake_identity *f);

/* Moves both clocks on. */
void fake_identity_pass(int64_t seconds);

/* Puts a user with FAKE_PASSWORD into the store; fills *ret if not NULL. */
void fake_identity_add(struct fake_identity *f, const char *name, enum user_role role,
                       struct user_record *ret);
/* What comes with a token from FAKE_ADDRESS, and nothing else. */
extern const struct presented fake_presented;
/* A login by password from an address. */
enum sg_err fake_identity_password(struct fake_identity *f, const char *name, const char *password,
                                   const char *address, const char *device_name,
                                   const char *device_mac, struct grant *ret,
                                   unsigned *ret_retry_after_s) SG_MUST_CHECK;
/* Logs in from FAKE_ADDRESS; must work. */
void fake_identity_login(struct fake_identity *f, const char *name, struct grant *ret);
enum sg_err fake_identity_try(struct fake_identity *f, const char *name, const char *password,
                              const char *address);
enum sg_err fake_identity_authenticate(struct fake_identity *f, const char *token,
                                       struct principal *ret);
enum sg_err fake_identity_refresh(struct fake_identity *f, const char *token, struct grant *ret);

#endif
