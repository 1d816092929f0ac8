/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens that were verified, so that a busy client costs one verification. Keyed by the
 * SHA-256 of the exact text; of fixed size; the least recently used of a small set gives way. An
 * entry says what was true under one generation of rights; whoever reads it compares. Any thread
 * may call; nothing blocks.
 */
#ifndef SG_CORE_TOKENCACHE_H
#define SG_CORE_TOKENCACHE_H

#include "core/identity.h"

#define SG_TOKENCACHE_ENTRIES 8192
#define SG_TOKENCACHE_TOUCH_S 60 /* a session's last use is noted at most this often */

struct tokencache;

struct tokencache_entry {
    struct principal who;
    unsigned token_scopes; /* what the token itself grants */
    uint64_t rights;       /* generation under which `who` was true */
    int64_t touched_ns;    /* wall time of the last noted use */
};

struct tokencache *tokencache_new(void); /* NULL without memory */
void tokencache_free(struct tokencache *c);

/* False when unknown. *ret_touch: the caller shall note the session's use now (told to one caller
 * only). */
bool tokencache_get(struct tokencache *c, const uint8_t sha256[SG_DIGEST_SIZE], int64_t now_ns,
                    struct tokencache_entry *ret, bool *ret_touch);
void tokencache_put(struct tokencache *c, const uint8_t sha256[SG_DIGEST_SIZE],
                    const struct tokencache_entry *entry);
void tokencache_drop(struct tokencache *c, const uint8_t sha256[SG_DIGEST_SIZE]);

#endif
