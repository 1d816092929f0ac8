/* SPDX-License-Identifier: Apache-2.0 */
/* Composes and signs access tokens; it never signs a claim that it has not checked. */
#include "keyring/jwtmint.h"

#include <jwt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"
#define UPPER   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SUB_MAX 64
#define SID_LEN 32

static bool consists_of(const char *text, const char *characters, size_t min, size_t max)
{
    size_t len = strlen(text);

    return len >= min && len <= max && strspn(text, characters) == len;
}

/* Scope tokens with single spaces between them (RFC 6749, 3.3). */
static bool is_scope(const char *text)
{
    size_t len = strlen(text);

    return consists_of(text, LOWER DIGITS ":._- ", 1, SG_CLAIM_SIZE - 1) && text[0] != ' ' &&
           text[len - 1] != ' ' && strstr(text, "  ") == NULL;
}

static bool is_role(const char *text)
{
    return strcmp(text, "admin") == 0 || strcmp(text, "member") == 0 || strcmp(text, "guest") == 0;
}

enum sg_err jwtmint_check(const struct keyring_claims *c)
{
    if (!consists_of(c->sub, LOWER DIGITS "._-", 1, SUB_MAX) || strchr("._-", c->sub[0]) != NULL)
        return SG_ERR_BAD_FIELD;
    if (!consists_of(c->sid, DIGITS "abcdef", SID_LEN, SID_LEN))
        return SG_ERR_BAD_FIELD;
    if (!consists_of(c->jti, LOWER UPPER DIGITS "_-", 16, sizeof c->jti - 1))
        return SG_ERR_BAD_FIELD;
    if (!is_scope(c->scope) || !is_role(c->role))
        return SG_ERR_BAD_FIELD;
    if (!consists_of(c->aud, LOWER UPPER DIGITS "._:/-", 1, SG_CLAIM_SIZE - 1))
        return SG_ERR_BAD_FIELD;
    return c->lifetime_s > 0 ? SG_OK : SG_ERR_BAD_FIELD;
}

static bool add_claims(jwt_t *jwt, const char *issuer, const struct keyring_claims *c,
                       int64_t now_s)
{
    uint32_t life = c->lifetime_s < SG_TOKEN_LIFE_MAX_S ? c->lifetime_s : SG_TOKEN_LIFE_MAX_S;

    return jwt_add_grant(jwt, "iss", issuer) == 0 && jwt_add_grant(jwt, "sub", c->sub) == 0 &&
           jwt_add_grant(jwt, "aud", c->aud) == 0 && jwt_add_grant(jwt, "sid", c->sid) == 0 &&
           jwt_add_grant(jwt, "jti", c->jti) == 0 && jwt_add_grant(jwt, "scope", c->scope) == 0 &&
           jwt_add_grant(jwt, "role", c->role) == 0 && jwt_add_grant_int(jwt, "iat", now_s) == 0 &&
           jwt_add_grant_int(jwt, "exp", now_s + life) == 0;
}

enum sg_err jwtmint_make(const struct tokenkeys_entry *key, const char *issuer,
                         const struct keyring_claims *claims, int64_t now_s, struct buf *out)
{
    enum sg_err err = jwtmint_check(claims);
    char *token = NULL;
    jwt_t *jwt;

    if (err != SG_OK)
        return err;
    if (jwt_new(&jwt) != 0)
        return SG_ERR_NO_MEMORY;
    /* libjwt writes `typ` itself, always "JWT", and refuses any other when it decodes. */
    if (jwt_add_header(jwt, "kid", key->public_key.kid) == 0 &&
        add_claims(jwt, issuer, claims, now_s) &&
        jwt_set_alg(jwt, JWT_ALG_RS256, key->pem.data, (int)key->pem.len) == 0)
        token = jwt_encode_str(jwt);
    jwt_free(jwt); /* overwrites its copy of the key */
    if (token == NULL)
        return SG_ERR_INTERNAL;
    buf_puts(out, token);
    secret_free_string(token);
    return buf_status(out);
}
