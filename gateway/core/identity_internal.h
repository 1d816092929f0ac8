/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of core/identity share and nobody else sees. */
#ifndef SG_CORE_IDENTITY_INTERNAL_H
#define SG_CORE_IDENTITY_INTERNAL_H

#include <stdatomic.h>

#include "core/identity.h"
#include "core/password.h"
#include "core/throttle.h"
#include "core/tokencache.h"
#include "core/keyset.h"

struct identity {
    struct users_store users;
    struct sessions_store sessions;
    struct keyring_client *keyring;
    struct identity_config config;
    struct password_hasher *passwords;
    struct throttle *throttle;
    struct keyset *keys;
    struct tokencache *cache;
    /* Generation of rights: goes up whenever somebody loses any. What was true under an older one
     * is read from the store again. */
    _Atomic uint64_t rights;
    void (*watcher)(void *ctx, int64_t user_id);
    void *watcher_ctx;
};

/* Call after the commit that takes rights away and before answering. `user_id`: whose; 0: not of
 * one user only. */
void identity_rights_changed(struct identity *id, int64_t user_id);

/* Removes every setup code and the file. */
enum sg_err identity_remove_setup_code(struct identity *id) SG_MUST_CHECK;

/* Finds the user and checks the password: one hash, whoever asks. SG_ERR_BAD_CREDENTIALS,
 * SG_ERR_THROTTLED, SG_ERR_OVERLOADED. A disabled user is returned, too. Wipe ret->password_hash.
 */
enum sg_err identity_check_password(struct identity *id, const char *name, const char *password,
                                    const char *address, struct user_record *ret,
                                    unsigned *ret_retry_after_s) SG_MUST_CHECK;

/* Hashes a password in turn. `code_address`, if not NULL, must not be throttled for codes when its
 * turn has come. */
enum sg_err identity_hash_password(struct identity *id, const char *password,
                                   const char *code_address, char ret[SG_PASSWORD_HASH_SIZE],
                                   unsigned *ret_retry_after_s) SG_MUST_CHECK;

/* Removes what the outside must not see. */
void identity_hide_user(struct user_record *user);
void identity_hide_session(struct session_record *session);

/* Bits of enum scope that a role may have, and their text for the `scope` claim. */
unsigned identity_role_scopes(enum user_role role);
unsigned identity_scopes_parse(const char *text);
void identity_scopes_format(unsigned scopes, char ret[SG_CLAIM_SIZE]);

/* Mints the access token of a session. SG_ERR_SESSION_ENDED when it has less than a second to live.
 */
enum sg_err identity_mint(struct identity *id, const struct user_record *user,
                          const struct session_record *session, struct grant *ret) SG_MUST_CHECK;

#endif
