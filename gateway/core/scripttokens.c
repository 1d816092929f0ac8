/* SPDX-License-Identifier: Apache-2.0 */
/* Makes, lists and removes tokens for scripts; their text leaves it once and is kept nowhere. */
#include "core/scripttokens.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/text.h"
#include "core/identity_internal.h"
#include "core/sha256.h"

#include <string.h>
#include <unistr.h>

#define PREFIX_LEN 4
#define RANDOM_LEN 43 /* characters */
#define CHECK_LEN  6
#define NAME_CHARS 64 /* characters */

bool scripttokens_is(const char *text, size_t len)
{
    return len >= PREFIX_LEN && memcmp(text, SG_SCRIPT_PREFIX, PREFIX_LEN) == 0;
}

/* The check digits of the first PREFIX_LEN + RANDOM_LEN characters. */
static void put_check(const char *text, char ret[CHECK_LEN])
{
    uint8_t digest[SG_DIGEST_SIZE];
    char digits[SG_BASE64_SIZE(SG_DIGEST_SIZE)];

    sha256_digest(text, PREFIX_LEN + RANDOM_LEN, digest);
    encode_base64url(digest, sizeof digest, digits);
    memcpy(ret, digits, CHECK_LEN);
}

bool scripttokens_form_ok(const char *text, size_t len)
{
    uint8_t random[32];
    size_t random_len = 0;
    char check[CHECK_LEN];

    if (len != SG_SCRIPT_TOKEN_SIZE - 1 || !scripttokens_is(text, len))
        return false;
    if (encode_unbase64url(text + PREFIX_LEN, RANDOM_LEN, random, sizeof random, &random_len) !=
            SG_OK ||
        random_len != sizeof random)
        return false;
    secret_wipe(random, sizeof random);
    put_check(text, check);
    return memcmp(text + PREFIX_LEN + RANDOM_LEN, check, CHECK_LEN) == 0;
}

void scripttokens_format(const uint8_t random[32], char ret[SG_SCRIPT_TOKEN_SIZE])
{
    memcpy(ret, SG_SCRIPT_PREFIX, PREFIX_LEN);
    encode_base64url(random, 32, ret + PREFIX_LEN);
    put_check(ret, ret + PREFIX_LEN + RANDOM_LEN);
    ret[SG_SCRIPT_TOKEN_SIZE - 1] = '\0';
}

void scripttokens_limits(const struct token_record *token, struct principal_limits *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->spaces_only = token->spaces_only;
    ret->keys_only = token->keys_only;
    ret->space_count = (uint8_t)token->space_count;
    ret->key_count = (uint8_t)token->key_count;
    memcpy(ret->space, token->space, sizeof ret->space);
    for (size_t i = 0; i < token->key_count; i++)
        principal_key_digest(token->key[i], ret->key[i]);
}

/* 1 to 64 characters of UTF-8, none a control character. */
static bool name_ok(const char *name)
{
    const uint8_t *text = (const uint8_t *)name;
    size_t len = strnlen(name, SG_TOKEN_NAME_SIZE);

    if (len == 0 || len == SG_TOKEN_NAME_SIZE || u8_check(text, len) != NULL ||
        u8_mbsnlen(text, len) > NAME_CHARS)
        return false;
    return !text_has_control(name, len);
}

static const char *wrong_with(const struct token_record *token, unsigned lifetime_s)
{
    if (!name_ok(token->name))
        return "name: must be 1 to 64 characters without control characters";
    if (token->scopes == 0)
        return "scopes: at least one is needed";
    if (lifetime_s < SG_SCRIPT_LIFETIME_MIN || lifetime_s > SG_SCRIPT_LIFETIME_MAX)
        return "expires_in: must be 60 seconds to 366 days";
    if (token->space_count > SG_LIMIT_SPACES)
        return "spaces: at most 16";
    if (token->key_count > SG_LIMIT_KEYS)
        return "keys: at most 8";
    return NULL;
}

enum sg_err scripttokens_create(struct identity *id, const struct principal *who,
                                unsigned lifetime_s, struct token_record *token,
                                char ret_text[SG_SCRIPT_TOKEN_SIZE], const char **ret_reason)
{
    char text[SG_SCRIPT_TOKEN_SIZE];
    uint8_t random[32];
    const char *reason = wrong_with(token, lifetime_s);
    enum sg_err err;

    if (reason != NULL) {
        *ret_reason = reason;
        return SG_ERR_BAD_FIELD;
    }
    if (id->tokens.vt == NULL)
        return SG_ERR_UNAVAILABLE;
    if ((token->scopes & ~who->scopes) != 0)
        return SG_ERR_FORBIDDEN;
    rng_bytes(random, sizeof random);
    rng_bytes(token->id, sizeof token->id);
    scripttokens_format(random, text);
    sha256_digest(text, SG_SCRIPT_TOKEN_SIZE - 1, token->sha256);
    token->user_id = who->user_id;
    token->created_ns = clock_now_ns();
    token->expires_ns = token->created_ns + (int64_t)lifetime_s * SG_NS_PER_S;
    token->last_used_ns = 0;
    token->last_address[0] = '\0';
    err = id->tokens.vt->create(id->tokens.self, token, SG_SCRIPT_TOKENS_MAX);
    if (err == SG_OK)
        memcpy(ret_text, text, sizeof text);
    secret_wipe(random, sizeof random);
    secret_wipe(text, sizeof text);
    return err == SG_ERR_NOT_FOUND ? SG_ERR_SESSION_ENDED : err;
}

enum sg_err scripttokens_list(struct identity *id, const struct principal *who,
                              struct token_record ret[SG_SCRIPT_TOKENS_MAX], size_t *ret_count)
{
    int64_t now_ns = clock_now_ns();
    size_t count = 0, kept = 0;
    enum sg_err err;

    if (id->tokens.vt == NULL)
        return SG_ERR_UNAVAILABLE;
    err = id->tokens.vt->list(id->tokens.self, who->user_id, SG_SCRIPT_TOKENS_MAX, ret, &count);
    if (err != SG_OK)
        return err;
    for (size_t i = 0; i < count; i++) {
        if (ret[i].expires_ns <= now_ns)
            continue;
        if (kept != i)
            ret[kept] = ret[i];
        kept++;
    }
    *ret_count = kept;
    return SG_OK;
}

enum sg_err scripttokens_remove(struct identity *id, const struct principal *who,
                                const uint8_t token_id[SG_TOKEN_ID_SIZE], struct token_record *ret)
{
    struct token_record token;
    enum sg_err err;

    if (id->tokens.vt == NULL)
        return SG_ERR_UNAVAILABLE;
    err = id->tokens.vt->get(id->tokens.self, token_id, &token);
    if (err == SG_OK && token.user_id != who->user_id)
        err = SG_ERR_NOT_FOUND;
    if (err == SG_OK)
        err = id->tokens.vt->remove(id->tokens.self, token_id, who->user_id);
    if (err != SG_OK)
        return err;
    identity_rights_changed(id, who->user_id);
    *ret = token;
    return SG_OK;
}
