/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of users, invites, sessions and tokens. No HTTP, no SQL, no JSON. A change that takes
 * rights away (logout, disable, role, password, removal) takes effect before the function returns:
 * every verified token that is remembered is checked against the store again.
 */
#ifndef SG_CORE_IDENTITY_H
#define SG_CORE_IDENTITY_H

#include "base/err.h"
#include "ipc/keyring_client.h"
#include "store/sessions.h"
#include "store/users.h"

enum signup_mode { SG_SIGNUP_OPEN, SG_SIGNUP_INVITE, SG_SIGNUP_CLOSED };

/* X(name, bit, text in the `scope` claim) */
#define SG_SCOPE_TABLE(X)                                                                          \
    X(FILES_READ, 0, "files:read")                                                                 \
    X(FILES_WRITE, 1, "files:write")                                                               \
    X(CHAT_READ, 2, "chat:read")                                                                   \
    X(CHAT_WRITE, 3, "chat:write")                                                                 \
    X(SIGN, 4, "sign")                                                                             \
    X(VERIFY, 5, "verify")                                                                         \
    X(ADMIN, 6, "admin")
enum scope {
    SG_SCOPE_NONE = 0,
#define X(name, bit, text) SG_SCOPE_##name = 1 << (bit),
    SG_SCOPE_TABLE(X)
#undef X
};

/* What kind of token somebody showed: one of a login, one that such a token was exchanged for
 * (RFC 8693), or one made for scripts. Only a login may change who may log in. */
enum authority { SG_AUTHORITY_LOGIN, SG_AUTHORITY_EXCHANGED, SG_AUTHORITY_SCRIPT };

#define SG_LIMIT_SPACES   16
#define SG_LIMIT_KEYS     8
#define SG_LIMIT_KEY_SIZE 65 /* of a key's name, with NUL */
#define SG_TOKEN_ID_SIZE  8

/* Where a token counts: in these spaces, with these keys. */
struct principal_limits {
    bool spaces_only, keys_only; /* false: everywhere that the user may */
    size_t space_count, key_count;
    int64_t space[SG_LIMIT_SPACES];
    char key[SG_LIMIT_KEYS][SG_LIMIT_KEY_SIZE];
};

/* What came with a token on its connection; all that a token or its session may be bound to. */
struct presented {
    const char *address;
    const uint8_t *certificate_sha256; /* of a client certificate that verifies and is not revoked;
                                          NULL: none */
    const uint8_t
        *dpop_sha256; /* thumbprint of the key of a valid DPoP proof for this token; NULL: none */
};

/* Who is asking, after authentication. Plain data, copied into the request. */
struct principal {
    int64_t user_id;
    int64_t user_created_ns;
    char user[SG_USER_NAME_SIZE];
    enum user_role role;
    unsigned scopes; /* bits of enum scope */
    uint8_t session_id[SG_SESSION_ID_SIZE];
    int64_t token_expires_s;
    uint64_t rights; /* generation of rights under which all this was true; identity's */
    enum authority authority;
    uint8_t token_id[SG_TOKEN_ID_SIZE]; /* SG_AUTHORITY_SCRIPT: which; it has no session */
    char client_id[SG_CLIENT_ID_SIZE];  /* "": none */
    char actor[SG_USER_NAME_SIZE];      /* who acts for the user (RFC 8693); "": the user */
    enum confirmation confirmation;     /* what the token is bound to */
    uint8_t confirmation_sha256[SG_DIGEST_SIZE];
    char bound_address[46]; /* of the session; "": any */
    struct principal_limits limits;
};

/* Whether the token of `who` counts in a space, for a key. Pure. */
bool principal_may_space(const struct principal *who, int64_t space_id);
bool principal_may_key(const struct principal *who, const char *key);

struct identity_config {
    enum signup_mode signup;
    const char *issuer;                                         /* `iss`; borrowed for life */
    const char *audience;                                       /* `aud`, "secgate" */
    unsigned access_token_s;                                    /* 60 to 3600, default 600 */
    unsigned session_s;                                         /* default 30 days */
    unsigned argon2_memory_kib, argon2_passes, argon2_parallel; /* 19456, 2, 1 */
    unsigned argon2_concurrent;                                 /* default 2 */
    const char *setup_code_file; /* DATA/setup-code; borrowed for life */
    /* Writes that file (`line`, 0600) or removes it (`line` NULL) for a process that may not; NULL:
     * it may. Any thread. */
    enum sg_err (*set_setup_code)(void *ctx, const char *line);
    void *setup_ctx;
};

struct identity;

struct identity *identity_new(const struct users_store *users,
                              const struct sessions_store *sessions, struct keyring_client *keyring,
                              const struct identity_config *config);
void identity_free(struct identity *id);

/* First start: while there is no enabled admin, makes a setup code (an invite with role admin) and
 * its file (0600), or keeps the one that stands. Once there is an admin, removes both. Also loads
 * the token keys from the keyring. Call once at start, before requests; the keyring must answer
 * (SG_ERR_UNAVAILABLE). */
enum sg_err identity_start(struct identity *id) SG_MUST_CHECK;

/* -- users ------------------------------------------------------------------------------------- */
/* [a-z0-9][a-z0-9._-]{0,31}, and not "me". */
bool identity_user_name_ok(const char *name);
/* 10 to 256 characters (code points), valid UTF-8, not the name; *ret_reason static text. */
enum sg_err identity_password_ok(const char *name, const char *password,
                                 const char **ret_reason) SG_MUST_CHECK;

/* Blocks (argon2). `code` may be NULL. SG_ERR_BAD_FIELD, NAME_TAKEN, SIGNUP_CLOSED, BAD_CODE,
 * THROTTLED (codes guessed, or accounts made without one, from one address; *ret_retry_after_s). */
enum sg_err identity_signup(struct identity *id, const char *name, const char *password,
                            const char *code, const char *address, struct user_record *ret,
                            unsigned *ret_retry_after_s) SG_MUST_CHECK;
/* Who may sign up at all, for texts. */
enum signup_mode identity_signup_mode(const struct identity *id);
/* Records given out hold no password hash, no refresh state and no family key. */
enum sg_err identity_user(struct identity *id, const char *name,
                          struct user_record *ret) SG_MUST_CHECK;
enum sg_err identity_users(struct identity *id, const char *after, size_t limit,
                           struct user_record *ret, size_t *ret_count) SG_MUST_CHECK;
/* Wrong old password: SG_ERR_BAD_CREDENTIALS, throttled like a login. Ends the user's other
 * sessions. */
enum sg_err identity_change_password(struct identity *id, const struct principal *who,
                                     const char *old_password, const char *new_password,
                                     const char *address,
                                     unsigned *ret_retry_after_s) SG_MUST_CHECK;
enum sg_err identity_update_user(struct identity *id, const char *name, const enum user_role *role,
                                 const bool *disabled, struct user_record *ret) SG_MUST_CHECK;
enum sg_err identity_remove_user(struct identity *id, const char *name) SG_MUST_CHECK;
#define SG_CODE_SIZE 32
enum sg_err identity_invite(struct identity *id, const struct principal *who, enum user_role role,
                            unsigned lifetime_s, char ret_code[SG_CODE_SIZE],
                            int64_t *ret_expires_ns) SG_MUST_CHECK;

/* -- sessions ---------------------------------------------------------------------------------- */
#define SG_SESSIONS_PER_USER  1000 /* a login beyond ends the oldest */
#define SG_REFRESH_TOKEN_SIZE 128
struct grant {
    struct session_record session;
    struct user_record user;
    char access_token[SG_TOKEN_SIZE];
    char refresh_token[SG_REFRESH_TOKEN_SIZE];
    char scope[SG_CLAIM_SIZE];
    unsigned expires_in_s;
};
/* Blocks (argon2, commit). SG_ERR_BAD_CREDENTIALS alike for unknown name and wrong password, with
 * equal work; USER_DISABLED only after the right password; THROTTLED with *ret_retry_after_s.
 * `device_name`, `device_mac` may be NULL. Wipe *ret. */
enum sg_err identity_login(struct identity *id, const char *name, const char *password,
                           const char *address, const char *device_name, const char *device_mac,
                           struct grant *ret, unsigned *ret_retry_after_s) SG_MUST_CHECK;
/* Refresh with rotation (RFC 6749 section 6, RFC 9700 section 4.14): a token works until its
 * successor is first used; parallel uses give the same successor; any later reuse ends the family:
 * SG_ERR_SESSION_ENDED. SG_ERR_TOKEN_INVALID for what never was one. */
enum sg_err identity_refresh(struct identity *id, const char *refresh_token, const char *address,
                             struct grant *ret) SG_MUST_CHECK;
enum sg_err identity_sessions(struct identity *id, const struct principal *who, size_t limit,
                              struct session_record *ret, size_t *ret_count) SG_MUST_CHECK;
enum sg_err identity_session(struct identity *id, const struct principal *who,
                             const uint8_t session_id[SG_SESSION_ID_SIZE],
                             struct session_record *ret) SG_MUST_CHECK;
/* CLOSE, at once. */
enum sg_err identity_logout(struct identity *id, const struct principal *who,
                            const uint8_t session_id[SG_SESSION_ID_SIZE]) SG_MUST_CHECK;

/* -- tokens ------------------------------------------------------------------------------------ */
/* Verifies a bearer token (RFC 9068 profile): form, header (alg exactly RS256, known kid),
 * signature, iss, aud, exp, session alive, user enabled. Does not block; reads the store only when
 * the token is new or rights have changed. SG_ERR_TOKEN_INVALID, TOKEN_EXPIRED, SESSION_ENDED,
 * UNAVAILABLE. */
enum sg_err identity_authenticate(struct identity *id, const char *token, size_t len,
                                  struct principal *ret) SG_MUST_CHECK;
/* For what lasts, before it takes effect (an upload): is `who` still alive, and with which rights?
 * Brings role and scopes up to date; *ret_changed when they were read again. Blocks only if rights
 * have changed since `who` was made or confirmed. That the token itself has expired meanwhile does
 * not count. SG_ERR_SESSION_ENDED. */
enum sg_err identity_confirm(struct identity *id, struct principal *who,
                             bool *ret_changed) SG_MUST_CHECK;
/* Public keys for the JWKS; fetched from the keyring again when older than a minute or a kid is
 * unknown. */
enum sg_err identity_token_keys(struct identity *id, struct token_key ret[SG_TOKEN_KEYS_MAX],
                                size_t *ret_count) SG_MUST_CHECK;
/* Why a principal that identity_confirm no longer finds has lost its rights: SG_ERR_USER_DISABLED
 * or SESSION_ENDED. Only reads. */
enum sg_err identity_why_ended(struct identity *id, const struct principal *who) SG_MUST_CHECK;
/* Whoever must hear of that at once: called after the commit that changed the rights of a user (0:
 * of anybody) and before it is answered, in the thread that changed them. Set once, before
 * requests. */
void identity_watch(struct identity *id, void (*rights_changed)(void *ctx, int64_t user_id),
                    void *ctx);
/* Removes what has expired; call now and then from a pool thread. */
void identity_prune(struct identity *id);

const char *identity_role_name(enum user_role role);
enum sg_err identity_role_parse(const char *text, enum user_role *ret) SG_MUST_CHECK;

#endif
