/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes what strangers may send as a token: the form of an access token, the flat JSON inside, a
 * refresh token, an invite code. The first byte chooses. What is accepted must be the one spelling
 * of what it means. */
#include "base/encode.h"
#include "core/flatjson.h"
#include "core/invitecode.h"
#include "core/refresh.h"
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

static void fuzz_json(const char *text, size_t len)
{
    struct flatjson json;

    if (flatjson_parse(text, len, &json) != SG_OK)
        return;
    must(json.count <= SG_FLATJSON_MEMBERS && len >= 2);
    for (size_t i = 0; i < json.count; i++) {
        must(json.member[i].name >= text &&
             json.member[i].name + json.member[i].name_len < text + len);
        must(json.member[i].text != NULL || json.member[i].number >= 0);
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
    switch (data[0] & 3) {
    case 0:
        fuzz_form((const char *)data + 1, size - 1);
        break;
    case 1:
        fuzz_json((const char *)data + 1, size - 1);
        break;
    case 2:
        fuzz_refresh(text);
        break;
    default:
        fuzz_code(text);
        break;
    }
    free(text);
    return 0;
}
