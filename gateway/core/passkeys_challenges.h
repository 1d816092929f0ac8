/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Challenges that need no memory until they are used: 16 random bytes, the time when they end (by
 * this process's monotonic clock), their purpose, and an HMAC-SHA-256 over these and the user,
 * under a key that is made at start. Any thread may call.
 */
#ifndef SG_CORE_PASSKEYS_CHALLENGES_H
#define SG_CORE_PASSKEYS_CHALLENGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/passkeys.h"

enum challenge_purpose {
    SG_CHALLENGE_CREATE = 1, /* a passkey of this user */
    SG_CHALLENGE_GET,        /* anybody's login (user 0) */
    SG_CHALLENGE_GET_AS      /* this user's login */
};

struct passkeys_challenges;

struct passkeys_challenges *passkeys_challenges_new(void); /* NULL without memory */
void passkeys_challenges_free(struct passkeys_challenges *c);

void passkeys_challenges_make(struct passkeys_challenges *c, enum challenge_purpose purpose,
                              int64_t user_id, uint8_t ret[SG_PASSKEY_CHALLENGE_SIZE]);
/* What a challenge says that it is for; not yet whether it is one of ours. SG_ERR_BAD_FACTOR. */
enum sg_err passkeys_challenges_purpose(const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE],
                                        enum challenge_purpose *ret) SG_MUST_CHECK;
/* Whether it is ours, for this user (0: for anybody), and not over. */
bool passkeys_challenges_valid(const struct passkeys_challenges *c, int64_t user_id,
                               const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE]);
/* Uses a valid one up, with which something was proved: SG_ERR_BAD_FACTOR when it was used before.
 * There is always room for a new one: SG_PASSKEY_USED_MAX are remembered in small sets, and where
 * one is full the challenge that ends first gives way. From then on those of this set that end no
 * later are refused, too, whether used or not; so each still counts once, and who is refused for
 * that only has to begin again. */
enum sg_err
passkeys_challenges_use(struct passkeys_challenges *c,
                        const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE]) SG_MUST_CHECK;
/* Takes that back: what was proved came to nothing for another reason, and may be tried again. */
void passkeys_challenges_unuse(struct passkeys_challenges *c,
                               const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE]);

#endif
