/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of core/oauth share and nobody else sees. */
#ifndef SG_CORE_OAUTH_INTERNAL_H
#define SG_CORE_OAUTH_INTERNAL_H

#include <pthread.h>

#include "core/oauth.h"
#include "core/throttle.h"

#define SG_REVOKED_SLOTS ((size_t)2 * SG_OAUTH_REVOKED_MAX)

struct oauth {
    struct oauth_store store;
    struct identity *identity;
    struct oauth_config config;
    struct throttle *codes;        /* of who guesses user codes */
    pthread_rwlock_t revoked_lock; /* of the two below */
    struct revoked_token *revoked; /* open addressing; an empty jti is a free slot */
    size_t revoked_count;
};

/* Remembers a token that is revoked, by its own part of its jti: 1 to SG_JTI_PART characters.
 * SG_ERR_OVERLOADED: there are too many. */
enum sg_err oauth_revoked_add(struct oauth *o, const char *part, int64_t expires_ns) SG_MUST_CHECK;

/* Whether `client` (NULL: none is named) is the service that tokens for `audience` are for. */
enum sg_err oauth_is_service(struct oauth *o, const struct oauth_client *client,
                             const char *audience, bool *ret) SG_MUST_CHECK;

/* SG_ERR_BAD_REQUEST in the words of an RFC. */
enum sg_err oauth_refuse(struct oauth_refusal *ret, const char *error, const char *description);

/* 1 to 64 characters of valid UTF-8 without control characters. */
bool oauth_name_ok(const char *name);

#endif
