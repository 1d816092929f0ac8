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
#include "core/tokenverify.h"

struct later;

struct identity {
    struct users_store users;
    struct sessions_store sessions;
    struct tokens_store tokens; /* vt NULL: there are none */
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
    struct identity_hooks hooks;
    bool (*revoked)(void *ctx, const char *part);
    void *revoked_ctx;
    struct later *later; /* identity_later.c */
};

/* Call after the commit that takes rights away and before answering. `user_id`: whose; 0: not of
 * one user only. */
void identity_rights_changed(struct identity *id, int64_t user_id);

/* Removes every setup code and the file. */
enum sg_err identity_remove_setup_code(struct identity *id) SG_MUST_CHECK;

/* An attempt to show who one is. All borrowed. */
struct attempt {
    const char *name, *password, *address;
    bool factor;      /* the second one counts, too, if the user has one */
    const char *code; /* NULL: none was given */
};

/* Finds the user and checks the password: one hash, whoever asks. SG_ERR_BAD_CREDENTIALS,
 * SG_ERR_THROTTLED, SG_ERR_OVERLOADED; with `factor` SG_ERR_FACTOR_NEEDED, SG_ERR_BAD_FACTOR and,
 * before these, SG_ERR_USER_DISABLED; without it a disabled user is returned, too. *ret_recovery: a
 * recovery code was used up. Wipe ret->password_hash. */
enum sg_err identity_check_password(struct identity *id, const struct attempt *attempt,
                                    struct user_record *ret, bool *ret_recovery,
                                    unsigned *ret_retry_after_s) SG_MUST_CHECK;

/* Hashes a password in turn. `code_address`, if not NULL, must not be throttled for codes when its
 * turn has come. */
enum sg_err identity_hash_password(struct identity *id, const char *password,
                                   const char *code_address, char ret[SG_PASSWORD_HASH_SIZE],
                                   unsigned *ret_retry_after_s) SG_MUST_CHECK;

/* Removes what the outside must not see. */
void identity_hide_user(struct user_record *user);
void identity_hide_session(struct session_record *session);

/* Mints the access token of a session, with at most `scopes` (0: all that the session has).
 * SG_ERR_SESSION_EXPIRED when it has less than a second to live. */
enum sg_err identity_mint(struct identity *id, const struct user_record *user,
                          const struct session_record *session, unsigned scopes,
                          struct grant *ret) SG_MUST_CHECK;
/* What a token with these scopes says of its user's role: without the scope of admins it does not
 * say that it is an admin's. */
const char *identity_claimed_role(enum user_role role, unsigned scopes);
/* A key that the keyring has just begun to use is fetched before anybody shows this token. */
void identity_learn_key(struct identity *id, const char *token);

/* Who a verified access token stands for, and what is true of its session or script token now.
 * `sub` is the name that the token was made for; session_id or token_id, jti, and
 * entry->token_scopes are given. */
enum sg_err identity_read_rights(struct identity *id, const char *sub,
                                 struct tokencache_entry *entry) SG_MUST_CHECK;
/* Fills the identifying half of *ret from the claims of a token whose signature is right.
 * SG_ERR_TOKEN_INVALID. */
enum sg_err identity_read_claims(const struct token_claims *claims,
                                 struct tokencache_entry *ret) SG_MUST_CHECK;
/* Why a token that is too old is refused: SG_ERR_SESSION_EXPIRED, SESSION_ENDED or TOKEN_EXPIRED.
 */
enum sg_err identity_why_expired(struct identity *id, const struct principal *who) SG_MUST_CHECK;

/* Ends a session because of what was done with it (`session`: its id and user_id, `user`: that
 * one's name), and notes it. SG_OK when it had ended already. Blocks. */
enum sg_err identity_end(struct identity *id, const struct session_record *session,
                         const char *user, enum audit_type type, const char *address,
                         enum sg_err why) SG_MUST_CHECK;

/* Tells whoever wants to know that a session is over. */
void identity_session_over(const struct identity *id, const uint8_t session_id[SG_SESSION_ID_SIZE]);

/* The sessions of a user that a change is about to end: collected before it, told of after it. NULL
 * when nobody wants to know. */
struct ending;
struct ending *identity_ending(const struct identity *id, int64_t user_id, const uint8_t *keep);
/* Tells of them if `ended`; frees. */
void identity_ended(const struct identity *id, struct ending *ending, bool ended);

/* -- what a thread of its own does, because who sees the need must not block --------------------
 */
struct later *later_new(struct identity *id); /* NULL without memory or thread */
void later_free(struct later *l);
/* The session of `who` ends because it was used from this address: from now on for
 * identity_read_rights, in the store soon. */
void later_end(struct later *l, const struct principal *who, const char *address);
bool later_is_ending(struct later *l, const uint8_t session_id[SG_SESSION_ID_SIZE]);
/* A script's token was used. Lost if there is too much to do. */
void later_used(struct later *l, const uint8_t token_id[SG_TOKEN_ID_SIZE], int64_t now_ns,
                const char *address);

#endif
