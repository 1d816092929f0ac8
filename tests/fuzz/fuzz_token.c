/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes what strangers may send as a token: the form of an access token, the JSON inside, its
 * claims, a refresh token, an invite code, a token for scripts. The first byte chooses. What is
 * accepted must be the one spelling of what it means. */
#include "base/encode.h"
#include "core/flatjson.h"
#include "core/invitecode.h"
#include "core/refresh.h"
#include "core/scripttokens.h"
#include "core/tokenverify.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void fuzz_form(const char *text, size_t len)
{
    struct token_form form;
    struct token_claims claims;
    char again[SG_BASE64_SIZE(sizeof form.signature)];

    if (tokenverify_form(text, len, &form) != SG_OK)
        return;
    must(form.signed_len < len && form.kid[0] != '\0');
    encode_base64url(form.signature, form.signature_len, again);
    must(strlen(again) == len - form.signed_len - 1);
    must(memcmp(again, text + form.signed_len + 1, strlen(again)) == 0);
    if (tokenverify_claims(&form, "https://gateway.test", "secgate", 1500, &claims) == SG_OK)
        must(claims.exp_s > 1500 && strcmp(claims.aud, "secgate") == 0);
}

/* A payload as if its signature were right. */
static void fuzz_claims(const char *text, size_t len)
{
    struct token_form form = {.payload_len = len};
    struct token_claims claims;
    enum sg_err err;

    if (len > sizeof form.payload)
        return;
    memcpy(form.payload, text, len);
    err = tokenverify_claims(&form, "i", NULL, 1500, &claims);
    if (err != SG_OK && err != SG_ERR_TOKEN_EXPIRED)
        return;
    must((err == SG_OK) == (claims.exp_s > 1500));
    must(claims.actor_count <= SG_ACTORS_MAX);
    for (size_t i = 0; i < SG_ACTORS_MAX; i++)
        must(i < claims.actor_count || claims.actor[i][0] == '\0');
    must(claims.confirmation == SG_CONFIRM_NOTHING || memmem(text, len, "\"cnf\":{", 7) != NULL);
}

static void fuzz_script(const char *text, size_t len)
{
    uint8_t random[32];
    char again[SG_SCRIPT_TOKEN_SIZE];
    size_t random_len = 0;

    if (!scripttokens_form_ok(text, len))
        return;
    must(scripttokens_is(text, len) && len == sizeof again - 1);
    must(encode_unbase64url(text + 4, 43, random, sizeof random, &random_len) == SG_OK);
    scripttokens_format(random, again);
    must(memcmp(text, again, len) == 0);
}

static void fuzz_json(const char *text, size_t len)
{
    struct flatjson json, inner;

    if (flatjson_parse(text, len, &json) != SG_OK)
        return;
    must(json.count <= SG_FLATJSON_MEMBERS && len >= 2);
    for (size_t i = 0; i < json.count; i++) {
        must(json.member[i].name >= text &&
             json.member[i].name + json.member[i].name_len < text + len);
        must(json.member[i].text != NULL || json.member[i].number >= 0);
        if (!json.member[i].object)
            continue;
        must(json.member[i].text[0] == '{' &&
             json.member[i].text[json.member[i].text_len - 1] == '}');
        if (flatjson_parse(json.member[i].text, json.member[i].text_len, &inner) == SG_OK)
            must(inner.count <= SG_FLATJSON_MEMBERS);
    }
}

static void fuzz_refresh(const char *text)
{
    char again[SG_REFRESH_TOKEN_SIZE];
    struct refresh_token token;

    if (refresh_parse(text, &token) != SG_OK)
        return;
    refresh_format(&token, again);
    must(strcmp(text, again) == 0);
}

static void fuzz_code(const char *text)
{
    uint8_t digest[SG_DIGEST_SIZE];
    enum sg_err err = invitecode_digest(text, digest);

    must(err == SG_OK || err == SG_ERR_BAD_CODE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0)
        return 0;
    text = malloc(size); /* exact, so that reading past the end shows */
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 6) {
    case 0:
        fuzz_form((const char *)data + 1, size - 1);
        break;
    case 1:
        fuzz_json((const char *)data + 1, size - 1);
        break;
    case 2:
        fuzz_refresh(text);
        break;
    case 4:
        fuzz_claims((const char *)data + 1, size - 1);
        break;
    case 5:
        fuzz_script((const char *)data + 1, size - 1);
        break;
    default:
        fuzz_code(text);
        break;
    }
    free(text);
    return 0;
}
