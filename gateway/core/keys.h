/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named keys as users see them. The keyring keeps keys and lists of user ids, and holds each
 * request against them itself; here ids become names and names ids. No HTTP, no JSON.
 */
#ifndef SG_CORE_KEYS_H
#define SG_CORE_KEYS_H

#include "core/identity.h"
#include "ipc/signing.h"
#include "store/users.h"

struct keys;

/* All borrowed for its life. */
struct keys *keys_new(const struct users_store *users, struct keyring_client *keyring);
void keys_free(struct keys *k);

/* On whose behalf the keyring is asked. */
void keys_actor(const struct principal *who, struct keyring_actor *ret);

/* Users that are there still, by name in byte order. */
struct key_users {
    size_t count;
    char name[SG_KEY_USERS_MAX][SG_USER_NAME_SIZE];
};
/* Large: not on small stacks. */
struct key_info {
    struct keyring_key key;
    struct key_users signers, managers;
};

/* A key that the token of `who` does not count for is one that does not exist, here and below.
 * Names of all others in byte order. Blocks, as all of these. */
enum sg_err keys_names(struct keys *k, const struct principal *who,
                       char ret[SG_KEYS_MAX][SG_KEY_NAME_SIZE], size_t *ret_count) SG_MUST_CHECK;
enum sg_err keys_get(struct keys *k, const struct principal *who, const char *name,
                     struct key_info *ret) SG_MUST_CHECK;
/* Only the keyring's part of it. */
enum sg_err keys_find(struct keys *k, const struct principal *who, const char *name,
                      struct keyring_key *ret) SG_MUST_CHECK;

/* `uri` "": made in the keyring. `lifetime_s` 0: without end. The creator signs and manages.
 * SG_ERR_FORBIDDEN, NAME_TAKEN, LIMIT, UNAVAILABLE, BAD_FIELD with a reason that names the member.
 */
enum sg_err keys_create(struct keys *k, const struct principal *who, const char *name,
                        enum sig_key_type type, const char *uri, int64_t lifetime_s,
                        struct key_info *ret, const char **ret_reason) SG_MUST_CHECK;
enum sg_err keys_rotate(struct keys *k, const struct principal *who, const char *name,
                        const char *uri, int64_t lifetime_s, struct key_info *ret,
                        const char **ret_reason) SG_MUST_CHECK;

/* What is NULL stays. */
struct key_change {
    const bool *disabled;
    const uint32_t *oldest;
    const unsigned *formats;
    const char *const *signers, *const *managers; /* names; NULL: stay */
    size_t signer_count, manager_count;
    const uint32_t *quorum; /* with the witnesses, or without when they stay */
    const struct keyring_witness *witnesses;
    size_t witness_count;
};
enum sg_err keys_update(struct keys *k, const struct principal *who, const char *name,
                        const struct key_change *change, struct key_info *ret,
                        const char **ret_reason) SG_MUST_CHECK;

/* Everybody's. `version` 0: the current one. SG_ERR_NOT_FOUND. */
enum sg_err keys_public(struct keys *k, const char *name, uint32_t version,
                        struct keyring_public *ret) SG_MUST_CHECK;

#endif
