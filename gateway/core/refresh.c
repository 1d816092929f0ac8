/* SPDX-License-Identifier: Apache-2.0 */
/* Makes, reads and judges refresh tokens; it never stores one and never sees the clock. */
#include "core/refresh.h"

#include "base/encode.h"
#include "base/secret.h"

#include <string.h>

static const char prefix[] = "sgr_";
#define PREFIX_LEN (sizeof prefix - 1)

static void make_tag(const uint8_t session_id[SG_SESSION_ID_SIZE], const uint8_t family_key[32],
                     const uint8_t secret[32], uint8_t ret[SG_REFRESH_TAG_SIZE])
{
    static const char label[] = "sg-refresh";
    uint8_t input[sizeof label - 1 + SG_SESSION_ID_SIZE + 32];
    uint8_t mac[SG_SHA256_SIZE];

    memcpy(input, label, sizeof label - 1);
    memcpy(input + sizeof label - 1, session_id, SG_SESSION_ID_SIZE);
    memcpy(input + sizeof label - 1 + SG_SESSION_ID_SIZE, secret, 32);
    sha256_hmac(family_key, 32, input, sizeof input, mac);
    memcpy(ret, mac, SG_REFRESH_TAG_SIZE);
    secret_wipe(input, sizeof input);
    secret_wipe(mac, sizeof mac);
}

void refresh_make(struct refresh_token *ret, const uint8_t session_id[SG_SESSION_ID_SIZE],
                  const uint8_t family_key[32], const uint8_t secret[32])
{
    memcpy(ret->session_id, session_id, SG_SESSION_ID_SIZE);
    memcpy(ret->secret, secret, 32);
    make_tag(session_id, family_key, secret, ret->tag);
}

void refresh_format(const struct refresh_token *token, char ret[SG_REFRESH_TOKEN_SIZE])
{
    _Static_assert(PREFIX_LEN + SG_BASE64_SIZE(sizeof *token) <= SG_REFRESH_TOKEN_SIZE,
                   "a refresh token's text fits");
    _Static_assert(sizeof *token == 64, "three arrays of bytes without padding");

    memcpy(ret, prefix, PREFIX_LEN);
    encode_base64url(token, sizeof *token, ret + PREFIX_LEN);
}

void refresh_grant(const struct session_record *session, const uint8_t secret[32],
                   struct grant *ret)
{
    struct refresh_token token;

    refresh_make(&token, session->id, session->family_key, secret);
    refresh_format(&token, ret->refresh_token);
    secret_wipe(&token, sizeof token);
}

enum sg_err refresh_parse(const char *text, struct refresh_token *ret)
{
    struct refresh_token token;
    size_t len = 0;
    enum sg_err err;

    if (strncmp(text, prefix, PREFIX_LEN) != 0)
        return SG_ERR_TOKEN_INVALID;
    if (strnlen(text, SG_REFRESH_TOKEN_SIZE) == SG_REFRESH_TOKEN_SIZE)
        return SG_ERR_TOKEN_INVALID;
    err = encode_unbase64url(text + PREFIX_LEN, strlen(text + PREFIX_LEN), (uint8_t *)&token,
                             sizeof token, &len);
    if (err == SG_OK && len == sizeof token)
        *ret = token;
    else
        err = SG_ERR_TOKEN_INVALID;
    secret_wipe(&token, sizeof token);
    return err;
}

void refresh_digest(const uint8_t secret[32], uint8_t ret[SG_DIGEST_SIZE])
{
    sha256_digest(secret, 32, ret);
}

void refresh_next(const uint8_t secret[32], const uint8_t salt[32], uint8_t ret[32])
{
    static const char label[] = "sg-next";
    uint8_t input[sizeof label - 1 + 32];

    memcpy(input, label, sizeof label - 1);
    memcpy(input + sizeof label - 1, salt, 32);
    sha256_hmac(secret, 32, input, sizeof input, ret);
    secret_wipe(input, sizeof input);
}

enum refresh_use refresh_classify(const struct refresh_token *token,
                                  const struct session_record *session)
{
    static const uint8_t none[SG_DIGEST_SIZE];
    uint8_t tag[SG_REFRESH_TAG_SIZE];
    uint8_t digest[SG_DIGEST_SIZE];
    bool genuine;

    make_tag(token->session_id, session->family_key, token->secret, tag);
    genuine = secret_equal(token->session_id, session->id, SG_SESSION_ID_SIZE) &&
              secret_equal(tag, token->tag, sizeof tag);
    secret_wipe(tag, sizeof tag);
    if (!genuine)
        return SG_REFRESH_FORGED;
    refresh_digest(token->secret, digest);
    if (secret_equal(digest, session->current_sha256, sizeof digest))
        return SG_REFRESH_CURRENT;
    if (!secret_equal(none, session->previous_sha256, sizeof none) &&
        secret_equal(digest, session->previous_sha256, sizeof digest))
        return SG_REFRESH_PREVIOUS;
    return SG_REFRESH_REUSED;
}
