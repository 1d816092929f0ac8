/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens that were verified, so that a busy client costs one verification. Keyed by the
 * exact text, which is not kept; of fixed size; the least recently used of a small set gives way.
 * An entry says what was true under one generation of rights; whoever reads it compares. Any thread
 * may call; nothing blocks.
 */
#ifndef SG_CORE_TOKENCACHE_H
#define SG_CORE_TOKENCACHE_H

#include "core/identity.h"
#include "core/sha256.h"

#define SG_TOKENCACHE_ENTRIES 8192
#define SG_TOKENCACHE_TOUCH_S 60 /* a session's last use is noted at most this often */

#define SG_TOKENCACHE_MAC 16

struct tokencache;

/*
 * What stands for a token's text. SHA-256 of all of a long token would cost more than the rest of
 * its check, so it is taken of the end alone, which nobody can guess: the last bits of a signature,
 * or the random part of a token for scripts. GMAC (SP 800-38D) with a key that the cache draws for
 * its life binds all of the text: without that key nobody finds another text with the same value
 * (below 2^-119 a try, whatever they choose), and who could read it in this memory still lacks
 * the end.
 */
struct tokencache_key {
    uint8_t mac[SG_TOKENCACHE_MAC];
    uint8_t end_sha256[SG_SHA256_SIZE];
};

struct tokencache_entry {
    struct principal who;
    unsigned token_scopes; /* what the token itself grants */
    uint64_t rights;       /* generation under which `who` was true */
    int64_t touched_ns;    /* wall time of the last noted use */
};

struct tokencache *tokencache_new(void); /* NULL without memory */
void tokencache_free(struct tokencache *c);

/* The key of a token's text in this cache, and in no other. */
void tokencache_key_of(const struct tokencache *c, const char *token, size_t len,
                       struct tokencache_key *ret);

/* False when unknown. *ret_touch: the caller shall note the session's use now (told to one caller
 * only). */
bool tokencache_get(struct tokencache *c, const struct tokencache_key *key, int64_t now_ns,
                    struct tokencache_entry *ret, bool *ret_touch);
void tokencache_put(struct tokencache *c, const struct tokencache_key *key,
                    const struct tokencache_entry *entry);
void tokencache_drop(struct tokencache *c, const struct tokencache_key *key);

#endif
