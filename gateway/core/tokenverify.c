/* SPDX-License-Identifier: Apache-2.0 */
/* Reads tokens strictly before any key is touched; it never lets a token choose how it is checked.
 */
#include "core/tokenverify.h"

#include "base/encode.h"
#include "core/flatjson.h"

#include <string.h>

/* The three parts' ends; false unless there are exactly two dots and no part is empty. */
static bool split(const char *token, size_t len, const char **ret_dot1, const char **ret_dot2)
{
    const char *end = token + len;
    const char *dot1 = memchr(token, '.', len);
    const char *dot2 = dot1 != NULL ? memchr(dot1 + 1, '.', (size_t)(end - dot1 - 1)) : NULL;

    if (dot2 == NULL || memchr(dot2 + 1, '.', (size_t)(end - dot2 - 1)) != NULL)
        return false;
    if (dot1 == token || dot2 == dot1 + 1 || dot2 + 1 == end)
        return false;
    *ret_dot1 = dot1;
    *ret_dot2 = dot2;
    return true;
}

static enum sg_err parse_header(const char *text, size_t len, char ret_kid[SG_TOKEN_KID_SIZE])
{
    char alg[8], typ[8];
    struct flatjson header;

    if (flatjson_parse(text, len, &header) != SG_OK)
        return SG_ERR_TOKEN_INVALID;
    /* Exactly these members: crit, jwk, jku, x5u and whatever else may come are refused. */
    if (header.count != 3 || !flatjson_text(&header, "alg", alg, sizeof alg) ||
        !flatjson_text(&header, "typ", typ, sizeof typ) ||
        !flatjson_text(&header, "kid", ret_kid, SG_TOKEN_KID_SIZE))
        return SG_ERR_TOKEN_INVALID;
    if (strcmp(alg, "RS256") != 0 || (strcmp(typ, "at+jwt") != 0 && strcmp(typ, "JWT") != 0) ||
        ret_kid[0] == '\0')
        return SG_ERR_TOKEN_INVALID;
    return SG_OK;
}

enum sg_err tokenverify_form(const char *token, size_t len, struct token_form *ret)
{
    const char *dot1, *dot2;
    char header[256];
    size_t header_len = 0;

    if (len == 0 || len > SG_TOKEN_TEXT_MAX || !split(token, len, &dot1, &dot2))
        return SG_ERR_TOKEN_INVALID;
    if (encode_unbase64url(token, (size_t)(dot1 - token), (uint8_t *)header, sizeof header,
                           &header_len) != SG_OK ||
        parse_header(header, header_len, ret->kid) != SG_OK)
        return SG_ERR_TOKEN_INVALID;
    if (encode_unbase64url(dot1 + 1, (size_t)(dot2 - dot1 - 1), (uint8_t *)ret->payload,
                           sizeof ret->payload, &ret->payload_len) != SG_OK)
        return SG_ERR_TOKEN_INVALID;
    if (encode_unbase64url(dot2 + 1, (size_t)(token + len - dot2 - 1), ret->signature,
                           sizeof ret->signature, &ret->signature_len) != SG_OK)
        return SG_ERR_TOKEN_INVALID;
    ret->text = token;
    ret->signed_len = (size_t)(dot2 - token);
    return SG_OK;
}

enum sg_err tokenverify_signature(const struct token_form *form, gnutls_pubkey_t key,
                                  size_t key_bytes)
{
    gnutls_datum_t data = {.data = (unsigned char *)(uintptr_t)form->text,
                           .size = (unsigned)form->signed_len};
    gnutls_datum_t signature = {.data = (unsigned char *)(uintptr_t)form->signature,
                                .size = (unsigned)form->signature_len};

    if (form->signature_len != key_bytes)
        return SG_ERR_TOKEN_INVALID;
    if (gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, &data, &signature) < 0)
        return SG_ERR_TOKEN_INVALID;
    return SG_OK;
}

/* RFC 7519, sections 4.1.5 and 4.1.6: not before `nbf`, if there is one, and not made later than
 * now.
 */
static bool has_come(const struct flatjson *payload, int64_t iat_s, int64_t now_s)
{
    int64_t nbf_s = 0;

    if (flatjson_get(payload, "nbf") != NULL &&
        (!flatjson_number(payload, "nbf", &nbf_s) || nbf_s > now_s))
        return false;
    return iat_s <= now_s || iat_s - now_s <= SG_TOKEN_SKEW_S;
}

/* `act`: who acts for the subject, and for whom that one acts in turn. */
static bool read_actors(const struct flatjson *payload, struct token_claims *c)
{
    struct flatjson level[2];
    const struct flatjson *in = payload;

    c->actor_count = 0;
    memset(c->actor, 0, sizeof c->actor);
    while (flatjson_get(in, "act") != NULL) {
        struct flatjson *act = &level[c->actor_count % 2];
        char *sub = c->actor_count < SG_ACTORS_MAX ? c->actor[c->actor_count] : NULL;

        if (sub == NULL || !flatjson_object(in, "act", act) ||
            !flatjson_text(act, "sub", sub, sizeof c->actor[0]) ||
            act->count != (flatjson_get(act, "act") != NULL ? 2 : 1))
            return false;
        c->actor_count++;
        in = act;
    }
    return true;
}

/* `cnf` with one member of the two that we know (RFC 8705, RFC 9449). */
static bool read_confirmation(const struct flatjson *payload, struct token_claims *c)
{
    struct flatjson cnf;
    char text[64];
    size_t len = 0;

    c->confirmation = SG_CONFIRM_NOTHING;
    memset(c->confirmation_sha256, 0, sizeof c->confirmation_sha256);
    if (flatjson_get(payload, "cnf") == NULL)
        return true;
    if (!flatjson_object(payload, "cnf", &cnf) || cnf.count != 1)
        return false;
    if (flatjson_text(&cnf, "x5t#S256", text, sizeof text))
        c->confirmation = SG_CONFIRM_CERTIFICATE;
    else if (flatjson_text(&cnf, "jkt", text, sizeof text))
        c->confirmation = SG_CONFIRM_DPOP;
    else
        return false;
    return encode_unbase64url(text, strlen(text), c->confirmation_sha256,
                              sizeof c->confirmation_sha256, &len) == SG_OK &&
           len == sizeof c->confirmation_sha256;
}

/* What tokens may have beside the claims that all have. */
static bool read_more(const struct flatjson *payload, struct token_claims *c)
{
    c->client_id[0] = '\0';
    if (flatjson_get(payload, "client_id") != NULL &&
        !flatjson_text(payload, "client_id", c->client_id, sizeof c->client_id))
        return false;
    for (size_t i = 0; i < payload->count; i++) {
        const struct flatjson_member *m = &payload->member[i];

        if (m->object && m != flatjson_get(payload, "act") && m != flatjson_get(payload, "cnf"))
            return false;
    }
    return read_actors(payload, c) && read_confirmation(payload, c);
}

enum sg_err tokenverify_claims(const struct token_form *form, const char *issuer,
                               const char *audience, int64_t now_s, struct token_claims *ret)
{
    struct token_claims c;
    struct flatjson payload;

    if (flatjson_parse(form->payload, form->payload_len, &payload) != SG_OK)
        return SG_ERR_TOKEN_INVALID;
    if (!flatjson_text(&payload, "iss", c.iss, sizeof c.iss) ||
        !flatjson_text(&payload, "aud", c.aud, sizeof c.aud) ||
        !flatjson_text(&payload, "sub", c.sub, sizeof c.sub) ||
        !flatjson_text(&payload, "scope", c.scope, sizeof c.scope) ||
        !flatjson_text(&payload, "sid", c.sid, sizeof c.sid) ||
        !flatjson_text(&payload, "jti", c.jti, sizeof c.jti) ||
        !flatjson_text(&payload, "role", c.role, sizeof c.role) ||
        !flatjson_number(&payload, "iat", &c.iat_s) || !flatjson_number(&payload, "exp", &c.exp_s))
        return SG_ERR_TOKEN_INVALID;
    if (strcmp(c.iss, issuer) != 0 || (audience != NULL && strcmp(c.aud, audience) != 0))
        return SG_ERR_TOKEN_INVALID;
    if (!has_come(&payload, c.iat_s, now_s) || !read_more(&payload, &c))
        return SG_ERR_TOKEN_INVALID;
    *ret = c;
    return c.exp_s <= now_s ? SG_ERR_TOKEN_EXPIRED : SG_OK;
}
