/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of tokens for scripts. It never holds a token, only the digest of its text. */
#ifndef SG_STORE_TOKENS_H
#define SG_STORE_TOKENS_H

#include "store/store.h"

#define SG_TOKEN_ID_SIZE   8
#define SG_TOKEN_NAME_SIZE 257 /* 64 characters as bytes of UTF-8, with NUL */
#define SG_LIMIT_SPACES    16
#define SG_LIMIT_KEYS      8
#define SG_LIMIT_KEY_SIZE  65 /* of a key's name, with NUL */

struct token_record {
    uint8_t id[SG_TOKEN_ID_SIZE];
    int64_t user_id;
    char name[SG_TOKEN_NAME_SIZE];
    uint8_t sha256[SG_DIGEST_SIZE]; /* of its text */
    unsigned scopes;                /* bits of enum scope */
    bool spaces_only, keys_only;    /* counts in these spaces, for these keys only */
    size_t space_count, key_count;
    int64_t space[SG_LIMIT_SPACES]; /* ids */
    char key[SG_LIMIT_KEYS][SG_LIMIT_KEY_SIZE];
    int64_t created_ns, expires_ns;
    int64_t last_used_ns;  /* 0: never */
    char last_address[46]; /* "": none */
};

struct tokens_store {
    void *self;
    const struct tokens_vtable *vt;
};

struct tokens_vtable {
    /* SG_ERR_NOT_FOUND when the user is gone, USER_DISABLED, NAME_TAKEN (among that user's),
     * LIMIT when the user has `limit` already: checked in the same transaction. */
    enum sg_err (*create)(void *self, const struct token_record *token, size_t limit) SG_MUST_CHECK;
    /* By the digest of its text; SG_ERR_NOT_FOUND. */
    enum sg_err (*find)(void *self, const uint8_t *sha256, struct token_record *ret) SG_MUST_CHECK;
    /* By its id; SG_ERR_NOT_FOUND. */
    enum sg_err (*get)(void *self, const uint8_t *id, struct token_record *ret) SG_MUST_CHECK;
    /* A user's tokens, by name, at most `limit`. */
    enum sg_err (*list)(void *self, int64_t user_id, size_t limit, struct token_record *ret,
                        size_t *ret_count) SG_MUST_CHECK;
    /* That user's token; SG_ERR_NOT_FOUND. */
    enum sg_err (*remove)(void *self, const uint8_t *id, int64_t user_id) SG_MUST_CHECK;
    /* Notes the last use; SG_ERR_NOT_FOUND. */
    enum sg_err (*touch)(void *self, const uint8_t *id, int64_t now_ns,
                         const char *address) SG_MUST_CHECK;
    /* Removes tokens that expired before `now_ns`. */
    enum sg_err (*prune)(void *self, int64_t now_ns) SG_MUST_CHECK;
};

#endif
