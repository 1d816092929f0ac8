/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refresh tokens: their text, and how one leads to the next (RFC 6749 section 6, RFC 9700
 * section 4.14). Pure: no storage, no clock.
 *
 * Text: "sgr_" and base64url of session id (16 bytes) | secret (32) | tag (16), where
 * tag = HMAC-SHA-256(family key, "sg-refresh" | session id | secret), cut to 16 bytes. The store
 * holds only SHA-256 of a secret. The successor of a secret T is HMAC-SHA-256(T, "sg-next" | salt):
 * whoever presents T once more gets the same successor, and the store alone cannot make it.
 */
#ifndef SG_CORE_REFRESH_H
#define SG_CORE_REFRESH_H

#include "core/identity.h"
#include "core/sha256.h"

#define SG_REFRESH_TAG_SIZE 16

struct refresh_token {
    uint8_t session_id[SG_SESSION_ID_SIZE];
    uint8_t secret[32];
    uint8_t tag[SG_REFRESH_TAG_SIZE];
};

/* What a presented token is to its session. */
enum refresh_use {
    SG_REFRESH_FORGED,   /* the tag is not ours */
    SG_REFRESH_CURRENT,  /* never used: rotate */
    SG_REFRESH_PREVIOUS, /* used, but its successor was not: same answer again */
    SG_REFRESH_REUSED,   /* genuine and older than that: the family ends */
};

/* Fills `ret` for a session with this secret. */
void refresh_make(struct refresh_token *ret, const uint8_t session_id[SG_SESSION_ID_SIZE],
                  const uint8_t family_key[32], const uint8_t secret[32]);
void refresh_format(const struct refresh_token *token, char ret[SG_REFRESH_TOKEN_SIZE]);
/* Puts the text of the refresh token of `session` with this secret into ret->refresh_token. */
void refresh_grant(const struct session_record *session, const uint8_t secret[32],
                   struct grant *ret);
/* Exact form only; SG_ERR_TOKEN_INVALID otherwise. */
enum sg_err refresh_parse(const char *text, struct refresh_token *ret) SG_MUST_CHECK;

/* SHA-256 of a secret, as stored. */
void refresh_digest(const uint8_t secret[32], uint8_t ret[SG_DIGEST_SIZE]);
/* The secret that follows `secret` under `salt`. */
void refresh_next(const uint8_t secret[32], const uint8_t salt[32], uint8_t ret[32]);
enum refresh_use refresh_classify(const struct refresh_token *token,
                                  const struct session_record *session);

#endif
