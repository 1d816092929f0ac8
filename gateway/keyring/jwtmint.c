/* SPDX-License-Identifier: Apache-2.0 */
/* Composes and signs access tokens; it never signs a claim that it has not checked. */
#include "keyring/jwtmint.h"

#include <jwt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"
#define UPPER   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SUB_MAX 64
#define SID_LEN 32
#define JTI_MIN 13 /* of a token that was exchanged once */

#define TOKEN_MAX 4096 /* bytes of a token */

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

/* A user or a client of OAuth. */
static bool is_party(const char *text)
{
    return consists_of(text, LOWER UPPER DIGITS "._:/-", 1, 63);
}

enum sg_err jwtmint_check(const struct keyring_claims *c)
{
    if (!consists_of(c->sub, LOWER DIGITS "._-", 1, SUB_MAX) || strchr("._-", c->sub[0]) != NULL)
        return SG_ERR_BAD_FIELD;
    if (!consists_of(c->sid, DIGITS "abcdef", SID_LEN, SID_LEN))
        return SG_ERR_BAD_FIELD;
    if (!consists_of(c->jti, LOWER UPPER DIGITS "_-", JTI_MIN, sizeof c->jti - 1))
        return SG_ERR_BAD_FIELD;
    if (!is_scope(c->scope) || !is_role(c->role))
        return SG_ERR_BAD_FIELD;
    if (!consists_of(c->aud, LOWER UPPER DIGITS "._:/-", 1, SG_CLAIM_SIZE - 1))
        return SG_ERR_BAD_FIELD;
    if (c->client_id[0] != '\0' && !is_party(c->client_id))
        return SG_ERR_BAD_FIELD;
    if (c->actor_count > SG_ACTORS_MAX)
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < c->actor_count; i++)
        if (!is_party(c->actor[i]))
            return SG_ERR_BAD_FIELD;
    return c->lifetime_s > 0 ? SG_OK : SG_ERR_BAD_FIELD;
}

/* `act`, one who acts within the other, the one who acts now outermost (RFC 8693, 4.1); `cnf`
 * (RFC 7800). What stands in them was checked: nothing needs to be escaped. */
static void put_objects(const struct keyring_claims *c, struct buf *out)
{
    char digest[SG_BASE64_SIZE(sizeof c->confirmation_sha256)];

    buf_puts(out, "{");
    for (size_t i = 0; i < c->actor_count; i++)
        buf_printf(out, "%s\"act\":{\"sub\":\"%s\"", i > 0 ? "," : "", c->actor[i]);
    for (size_t i = 0; i < c->actor_count; i++)
        buf_puts(out, "}");
    encode_base64url(c->confirmation_sha256, sizeof c->confirmation_sha256, digest);
    if (c->confirmation != SG_CONFIRM_NOTHING)
        buf_printf(out, "%s\"cnf\":{\"%s\":\"%s\"}", c->actor_count > 0 ? "," : "",
                   c->confirmation == SG_CONFIRM_CERTIFICATE ? "x5t#S256" : "jkt", digest);
    buf_puts(out, "}");
    buf_putc(out, '\0');
}

static bool add_objects(jwt_t *jwt, const struct keyring_claims *c)
{
    SG_BUF_CLEANUP struct buf json;

    buf_init(&json, 1024);
    if (c->actor_count == 0 && c->confirmation == SG_CONFIRM_NOTHING)
        return true;
    put_objects(c, &json);
    return buf_status(&json) == SG_OK && jwt_add_grants_json(jwt, (const char *)json.data) == 0;
}

static bool add_claims(jwt_t *jwt, const char *issuer, const struct keyring_claims *c,
                       int64_t now_s)
{
    uint32_t life = c->lifetime_s < SG_TOKEN_LIFE_MAX_S ? c->lifetime_s : SG_TOKEN_LIFE_MAX_S;

    return jwt_add_grant(jwt, "iss", issuer) == 0 && jwt_add_grant(jwt, "sub", c->sub) == 0 &&
           jwt_add_grant(jwt, "aud", c->aud) == 0 && jwt_add_grant(jwt, "sid", c->sid) == 0 &&
           jwt_add_grant(jwt, "jti", c->jti) == 0 && jwt_add_grant(jwt, "scope", c->scope) == 0 &&
           jwt_add_grant(jwt, "role", c->role) == 0 &&
           (c->client_id[0] == '\0' || jwt_add_grant(jwt, "client_id", c->client_id) == 0) &&
           jwt_add_grant_int(jwt, "iat", now_s) == 0 &&
           jwt_add_grant_int(jwt, "exp", now_s + life) == 0 && add_objects(jwt, c);
}

/* The claims as JSON, by libjwt; NULL without memory. Free it. */
static char *compose(const char *issuer, const struct keyring_claims *claims, int64_t now_s)
{
    char *json = NULL;
    jwt_t *jwt;

    if (jwt_new(&jwt) != 0)
        return NULL;
    if (add_claims(jwt, issuer, claims, now_s))
        json = jwt_get_grants_json(jwt, NULL);
    jwt_free(jwt);
    return json;
}

static void put_base64url(const void *data, size_t len, struct buf *out)
{
    char *to = (char *)buf_reserve(out, SG_BASE64_SIZE(len));

    if (to == NULL)
        return;
    encode_base64url(data, len, to);
    buf_commit(out, strlen(to));
}

/* Appends "." and the signature of all that stands in `token`. */
static enum sg_err sign(gnutls_privkey_t key, struct buf *token)
{
    gnutls_datum_t data = {.data = token->data, .size = (unsigned)token->len};
    gnutls_datum_t signature = {0};

    if (buf_status(token) != SG_OK)
        return buf_status(token);
    if (gnutls_privkey_sign_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, &data, &signature) < 0)
        return SG_ERR_INTERNAL;
    buf_puts(token, ".");
    put_base64url(signature.data, signature.size, token);
    gnutls_free(signature.data);
    return buf_status(token);
}

/* libjwt always writes the type "JWT"; a token for access says that it is one (RFC 9068, 2.1), so
 * that no other of our signatures passes for it. So header and signature are made here. */
enum sg_err jwtmint_make(const struct tokenkeys_entry *key, const char *issuer,
                         const struct keyring_claims *claims, int64_t now_s, struct buf *out)
{
    struct buf token;
    char header[128];
    char *payload;
    enum sg_err err = jwtmint_check(claims);

    if (err != SG_OK)
        return err;
    payload = compose(issuer, claims, now_s);
    if (payload == NULL)
        return SG_ERR_INTERNAL;
    (void)snprintf(header, sizeof header, "{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
                   key->public_key.kid);
    buf_init(&token, TOKEN_MAX);
    put_base64url(header, strlen(header), &token);
    buf_puts(&token, ".");
    put_base64url(payload, strlen(payload), &token);
    free(payload);
    err = sign(key->key, &token);
    if (err == SG_OK)
        buf_append(out, token.data, token.len);
    buf_wipe(&token);
    return err == SG_OK ? buf_status(out) : err;
}
