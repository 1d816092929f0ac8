/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OAuth beyond login and refresh: clients and audiences, token exchange (RFC 8693), introspection
 * (RFC 7662), revocation (RFC 7009), devices without a browser (RFC 8628). No HTTP, no SQL, no
 * JSON. An exchanged token has no scope, no audience and no second more than the one it was made
 * of. Any thread may call; functions that end in SG_MUST_CHECK block.
 */
#ifndef SG_CORE_OAUTH_H
#define SG_CORE_OAUTH_H

#include "core/identity.h"
#include "core/identity_oauth.h"
#include "store/oauth.h"

#define SG_OAUTH_SECRET_SIZE  52 /* "sgc_" and 43 characters, with NUL */
#define SG_DEVICE_CODE_SIZE   52 /* "sgd_" and 43 characters, with NUL */
#define SG_USER_CODE_SIZE     10 /* XXXX-XXXX with NUL */
#define SG_DEVICE_LIFETIME_S  600
#define SG_DEVICE_INTERVAL_S  5
#define SG_DEVICES_WAITING    2000
#define SG_DEVICES_OF_ADDRESS 50
#define SG_OAUTH_REVOKED_MAX  65536

/* X(name, bit, text of grant_type) */
#define SG_OAUTH_GRANT_TABLE(X)                                                                    \
    X(REFRESH, 0, "refresh_token")                                                                 \
    X(EXCHANGE, 1, "urn:ietf:params:oauth:grant-type:token-exchange")                              \
    X(DEVICE, 2, "urn:ietf:params:oauth:grant-type:device_code")
enum oauth_grant {
#define X(name, bit, text) SG_GRANT_##name = 1 << (bit),
    SG_OAUTH_GRANT_TABLE(X)
#undef X
};
#define SG_GRANTS_ALL 7U
/* The text of a single bit; static. */
const char *oauth_grant_name(unsigned bit);
/* SG_ERR_BAD_FIELD. */
enum sg_err oauth_grant_parse(const char *text, unsigned *ret_bit) SG_MUST_CHECK;

/* What the client did wrong, in the words of the RFCs: goes with SG_ERR_BAD_REQUEST. Static texts.
 */
struct oauth_refusal {
    const char *error, *description;
};

struct oauth_config {
    const char *issuer;   /* borrowed for life */
    const char *audience; /* our own */
};

struct oauth;
/* Reads the tokens that are revoked, and tells `identity` of them (identity_set_revoked). */
enum sg_err oauth_new(const struct oauth_store *store, struct identity *identity,
                      const struct oauth_config *config, struct oauth **ret) SG_MUST_CHECK;
/* `identity` must not be asked any more. NULL is legal. */
void oauth_free(struct oauth *o);
/* Removes what has expired. */
void oauth_prune(struct oauth *o);
const char *oauth_issuer(const struct oauth *o);
/* The address of a path (with its leading slash) of the issuer; cut when `ret` is too small. */
void oauth_uri(const struct oauth *o, const char *path, char *ret, size_t size);

/* -- clients and audiences --------------------------------------------------------------------- */
/* Finds a client: a built-in one ("secctl", "web", which are public) or a registered one. `secret`
 * NULL: none was shown. SG_ERR_BAD_CREDENTIALS: unknown, wrong secret, or one is needed. */
enum sg_err oauth_client_check(struct oauth *o, const char *id, const char *secret,
                               struct oauth_client *ret) SG_MUST_CHECK;
/* Name of a client for people: of one that is gone its id. */
void oauth_client_name(struct oauth *o, const char *id, char ret[SG_OAUTH_NAME_SIZE]);
/* `id`: [A-Za-z0-9][A-Za-z0-9._-]{0,62}; NULL: made here. Fills the rest and, for a confidential
 * one, its secret, which is told once. SG_ERR_BAD_FIELD with a static *ret_reason, NAME_TAKEN,
 * LIMIT. */
enum sg_err oauth_client_create(struct oauth *o, const char *id, const char *name,
                                bool confidential, unsigned grants, struct oauth_client *ret,
                                char ret_secret[SG_OAUTH_SECRET_SIZE],
                                const char **ret_reason) SG_MUST_CHECK;
enum sg_err oauth_clients(struct oauth *o, size_t limit, struct oauth_client *ret,
                          size_t *ret_count) SG_MUST_CHECK;
/* Its sessions end; audiences that were made for it go with it. */
enum sg_err oauth_client_remove(struct oauth *o, const char *id) SG_MUST_CHECK;
/* `audience`: 1 to 255 letters, digits and ._:/-, not our own. `client_id`: of the confidential
 * client that is this service; NULL: the one whose id is the audience, if there is one. SG_ERR_-
 * BAD_FIELD with a static *ret_reason, NAME_TAKEN, LIMIT. */
enum sg_err oauth_audience_create(struct oauth *o, const char *audience, const char *name,
                                  unsigned scopes, const char *client_id,
                                  struct oauth_audience *ret,
                                  const char **ret_reason) SG_MUST_CHECK;
enum sg_err oauth_audiences(struct oauth *o, size_t limit, struct oauth_audience *ret,
                            size_t *ret_count) SG_MUST_CHECK;
enum sg_err oauth_audience_remove(struct oauth *o, const char *audience) SG_MUST_CHECK;

/* Words of a `scope` parameter; SG_ERR_BAD_FIELD for an unknown one, or none at all. */
enum sg_err oauth_scopes_parse(const char *text, unsigned *ret) SG_MUST_CHECK;

/* -- tokens ------------------------------------------------------------------------------------ */
/* What was asked; NULL where absent. */
struct oauth_exchange {
    const char *subject_token, *subject_token_type;
    const char *actor_token, *actor_token_type;
    const char *requested_token_type, *audience, *resource, *scope;
    const struct presented *with;
    const struct oauth_client *client; /* NULL: not said */
};
/* SG_ERR_BAD_REQUEST with *ret_refusal. *ret_what: the token as made, its `who` being the subject's
 * and its own confirmation. */
enum sg_err oauth_exchange(struct oauth *o, const struct oauth_exchange *ask, struct grant *ret,
                           struct inspected *ret_subject,
                           struct oauth_refusal *ret_refusal) SG_MUST_CHECK;

/* A token of whatever kind: access token, refresh token, script's token. `client` learns of those
 * that were given to it, and of those for an audience whose service it is; NULL: an admin asks, who
 * learns of all. *ret_active false: expired, ended, revoked, never one of ours, or nothing for this
 * client; *ret is not set then. */
enum sg_err oauth_introspect(struct oauth *o, const char *token, const struct oauth_client *client,
                             struct inspected *ret, bool *ret_active) SG_MUST_CHECK;

/* The session of a refresh token or of a login's access token ends; of an exchanged token, and a
 * script's, it and what was exchanged from it. What is no token (any more) is no error. `client`
 * NULL: not said. *ret_what: what it was, if *ret_done. SG_ERR_BAD_REQUEST with *ret_refusal: the
 * token is another client's. */
enum sg_err oauth_revoke(struct oauth *o, const char *token, const struct oauth_client *client,
                         struct inspected *ret_what, bool *ret_done,
                         struct oauth_refusal *ret_refusal) SG_MUST_CHECK;

/* -- devices ----------------------------------------------------------------------------------- */
struct device_codes {
    char device_code[SG_DEVICE_CODE_SIZE];
    char user_code[SG_USER_CODE_SIZE];
};
/* `scopes` 0: all that the user may. SG_ERR_THROTTLED: too many wait. */
enum sg_err oauth_device_begin(struct oauth *o, const struct oauth_client *client, unsigned scopes,
                               const char *address, struct device_codes *ret) SG_MUST_CHECK;
/* What waits under a user code, however it is spelt (case, hyphen, blanks). SG_ERR_NOT_FOUND;
 * THROTTLED after too many wrong ones with *ret_retry_after_s. */
enum sg_err oauth_device_get(struct oauth *o, const char *user_code, const char *address,
                             struct device_grant *ret, unsigned *ret_retry_after_s) SG_MUST_CHECK;
/* The device gets no more scopes than `who` has. *ret: what was decided about. As above, and
 * SG_ERR_SESSION_ENDED, FORBIDDEN (no scope would be left). */
enum sg_err oauth_device_decide(struct oauth *o, const struct principal *who, const char *user_code,
                                bool approve, const char *address, struct device_grant *ret,
                                unsigned *ret_retry_after_s) SG_MUST_CHECK;
/* The device asks for its tokens: a session of its own. SG_ERR_BAD_REQUEST with *ret_refusal
 * (authorization_pending, slow_down, access_denied, expired_token, invalid_grant). */
enum sg_err oauth_device_token(struct oauth *o, const char *device_code,
                               const struct oauth_client *client, const struct presented *with,
                               struct grant *ret, struct oauth_refusal *ret_refusal) SG_MUST_CHECK;

#endif
