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
#include "store/audit.h"
#include "store/sessions.h"
#include "store/tokens.h"
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

#define SG_LIMIT_DIGEST 16 /* of a key's name: the first bytes of its SHA-256 */
/* The `jti` of a login's token: 32 hex digits. Of an exchanged one: an 'x', or a 't' if what was
 * exchanged first is a script's, then a part of each exchange that led to it, its own last. So a
 * token that was revoked is found in all that was made of it. */
#define SG_JTI_PART      12 /* characters of base64url */
#define SG_EXCHANGES_MAX 5  /* in a row */
#define SG_JTI_SIZE      64
_Static_assert(SG_JTI_SIZE > 1 + SG_EXCHANGES_MAX * SG_JTI_PART, "it holds all parts");

/* Where a token counts: in these spaces, with these keys. Small, because every request copies it:
 * of keys' names it holds digests. */
struct principal_limits {
    bool spaces_only, keys_only; /* false: everywhere that the user may */
    uint8_t space_count, key_count;
    int64_t space[SG_LIMIT_SPACES];
    uint8_t key[SG_LIMIT_KEYS][SG_LIMIT_DIGEST];
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
    int64_t session_expires_s; /* SG_AUTHORITY_SCRIPT: as token_expires_s */
    uint64_t rights;           /* generation of rights under which all this was true; identity's */
    enum authority authority;
    bool narrowed; /* has fewer scopes than the user's role; never so with the scopes of a login */
    bool scripted; /* token_id is set: the token is a script's, or was exchanged for one */
    uint8_t token_id[SG_TOKEN_ID_SIZE]; /* `scripted`: which; it has no session */
    char jti[SG_JTI_SIZE];              /* "" for a script's */
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
/* What is kept of a key's name in the limits of a principal. */
void principal_key_digest(const char *key, uint8_t ret[SG_LIMIT_DIGEST]);

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

/* What identity asks of others, or tells them; all may be NULL. Called from any thread. */
struct identity_hooks {
    void *ctx;
    /* Second factors (core/secondfactor.h). Both block. */
    enum sg_err (*factor_needed)(void *ctx, int64_t user_id, bool *ret);
    enum sg_err (*factor_check)(void *ctx, int64_t user_id, const char *code, bool *ret_recovery);
    /* A session was ended by the gateway itself, or all of it is over; may block, never called on
     * an event loop. */
    void (*session_over)(void *ctx, const uint8_t session_id[SG_SESSION_ID_SIZE]);
    /* For the audit log: what the gateway did to somebody's session, and why (REFRESH_REUSED,
     * SESSION_ENDED with SG_ERR_ADDRESS_MISMATCH ...). May block, never on an event loop. */
    void (*note)(void *ctx, enum audit_type type, const char *user,
                 const uint8_t session_id[SG_SESSION_ID_SIZE], const char *address,
                 enum sg_err why);
};

struct identity;

struct identity *identity_new(const struct users_store *users,
                              const struct sessions_store *sessions, struct keyring_client *keyring,
                              const struct identity_config *config);
void identity_free(struct identity *id);
/* After the last request and before the stores are closed: writes down what it still has to. NULL
 * is legal. */
void identity_stop(struct identity *id);
/* Once, after identity_new and before requests. */
void identity_set_hooks(struct identity *id, const struct identity_hooks *hooks);
/* Where tokens for scripts are stored; without, there are none. Likewise. */
void identity_set_tokens(struct identity *id, const struct tokens_store *tokens);
/* Whether an exchanged token, or one that led to it, has been revoked before its time: `part` is
 * that of one exchange, SG_JTI_PART characters without NUL. Must not block. Set once, before
 * requests; who revokes one calls identity_rights_changed (core/identity_internal.h) after. */
void identity_set_revoked(struct identity *id, bool (*revoked)(void *ctx, const char *part),
                          void *ctx);

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
enum sg_err identity_user_by_id(struct identity *id, int64_t user_id,
                                struct user_record *ret) SG_MUST_CHECK;
/* The user's own password once more, before something that a stolen token must not do; with `code`
 * (NULL: not asked for; "": none was given) the second factor, too, if the user has one:
 * SG_ERR_BAD_FACTOR, FACTOR_NEEDED; *ret_recovery: a recovery code was used up. Blocks (argon2).
 * SG_ERR_BAD_CREDENTIALS, throttled like a login; SG_ERR_SESSION_ENDED when the user is
 * gone. */
enum sg_err identity_confirm_password(struct identity *id, const struct principal *who,
                                      const char *password, const char *code, const char *address,
                                      bool *ret_recovery,
                                      unsigned *ret_retry_after_s) SG_MUST_CHECK;
/* Takes one of the tries of a second factor that a user has, for a code that no password goes with.
 * SG_ERR_THROTTLED. Blocks (reads). */
enum sg_err identity_try_factor(struct identity *id, const struct principal *who,
                                const char *address, unsigned *ret_retry_after_s) SG_MUST_CHECK;
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
    bool recovery_used; /* a recovery code was used up to log in */
};
/* Who wants to log in, and how. All borrowed; what is NULL or 0 was not given. */
struct login {
    enum session_method method;
    const char *username, *password; /* SG_METHOD_PASSWORD */
    const char *code;                /* of a second factor, with a password */
    int64_t user_id; /* all other methods: who it is, proved to the caller (by a passkey, a client
                        certificate, or by approving a device) */
    const struct session_proof *proof; /* passkeys and devices: what proved it, and has to be there
                                          still when the session begins */
    const char *device_name, *device_mac;
    const char *client_id;        /* of an OAuth client that the session is for */
    unsigned scopes;              /* that its tokens may have at most; 0: all of the role */
    const struct presented *with; /* address; the session is bound to the certificate if that is the
                                     method, else to the DPoP key if there is one */
    bool bind_address;            /* the session counts from this address only */
    unsigned lifetime_s;          /* of the session, at most; 0: as configured */
};
/* Blocks (argon2 for passwords; commit). Of a password: SG_ERR_BAD_CREDENTIALS alike for unknown
 * name and wrong password, with equal work; FACTOR_NEEDED and BAD_FACTOR only after the right one
 * (wrong codes are throttled as wrong passwords are). USER_DISABLED only after the right proof;
 * THROTTLED with *ret_retry_after_s; CERT_NEEDED for the method certificate without one;
 * BAD_CREDENTIALS also when `proof` has gone meanwhile; BAD_FIELD. Wipe *ret. */
enum sg_err identity_login(struct identity *id, const struct login *login, struct grant *ret,
                           unsigned *ret_retry_after_s) SG_MUST_CHECK;
/* Refresh with rotation (RFC 6749 section 6, RFC 9700 section 4.14): a token works until its
 * successor is first used; parallel uses give the same successor; any later reuse ends the family:
 * SG_ERR_SESSION_ENDED. SG_ERR_TOKEN_INVALID for what never was one, or was given to another client
 * than `client_id` (NULL: not said; a session for no client may be refreshed by any).
 * SG_ERR_SESSION_EXPIRED. What the session is bound to must be in `with`: SG_ERR_TOKEN_MISMATCH;
 * ADDRESS_MISMATCH, and the session has ended. `scopes`: of the access token, at most; 0: all. */
enum sg_err identity_refresh(struct identity *id, const char *refresh_token,
                             const struct presented *with, const char *client_id, unsigned scopes,
                             struct grant *ret) SG_MUST_CHECK;
enum sg_err identity_sessions(struct identity *id, const struct principal *who, size_t limit,
                              struct session_record *ret, size_t *ret_count) SG_MUST_CHECK;
enum sg_err identity_session(struct identity *id, const struct principal *who,
                             const uint8_t session_id[SG_SESSION_ID_SIZE],
                             struct session_record *ret) SG_MUST_CHECK;
/* Anybody's session, also one that has expired and is still there. */
enum sg_err identity_any_session(struct identity *id, const uint8_t session_id[SG_SESSION_ID_SIZE],
                                 struct session_record *ret) SG_MUST_CHECK;
/* CLOSE, at once. */
enum sg_err identity_logout(struct identity *id, const struct principal *who,
                            const uint8_t session_id[SG_SESSION_ID_SIZE]) SG_MUST_CHECK;

/* The same for anybody's: `user_id` 0, or only that user's. SG_ERR_NOT_FOUND. Blocks (commit). */
enum sg_err identity_end_session(struct identity *id, const uint8_t session_id[SG_SESSION_ID_SIZE],
                                 int64_t user_id) SG_MUST_CHECK;

/* Runs `act`, which may end sessions of a user in the store (a passkey goes, and with it the
 * sessions that it opened), and tells whoever has to hear of those that are gone. The result of
 * `act`. Blocks. */
enum sg_err identity_ending_by(struct identity *id, int64_t user_id, enum sg_err (*act)(void *ctx),
                               void *ctx) SG_MUST_CHECK;

/* -- tokens ------------------------------------------------------------------------------------ */
/* Verifies a token: an access token (RFC 9068 profile: form, header with alg exactly RS256 and a
 * known kid, signature, iss, aud, exp; session alive, user enabled) or a script's
 * (core/scripttokens.h). What it is bound to must be in `with`, at every use:
 * SG_ERR_TOKEN_MISMATCH; SG_ERR_ADDRESS_MISMATCH, and the session ends. Does not block; reads the
 * store only when the token is new or rights have changed. SG_ERR_TOKEN_INVALID, TOKEN_EXPIRED,
 * SESSION_ENDED, SESSION_EXPIRED, UNAVAILABLE. */
enum sg_err identity_authenticate(struct identity *id, const char *token, size_t len,
                                  const struct presented *with,
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

/* Bits of enum scope that a role may have, and their text for the `scope` claim. */
unsigned identity_role_scopes(enum user_role role);
/* Unknown words are left out. */
unsigned identity_scopes_parse(const char *text);
void identity_scopes_format(unsigned scopes, char ret[SG_CLAIM_SIZE]);

const char *identity_role_name(enum user_role role);
const char *identity_method_name(enum session_method method); /* "password" and so on */
enum sg_err identity_role_parse(const char *text, enum user_role *ret) SG_MUST_CHECK;

#endif
