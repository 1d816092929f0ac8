/* SPDX-License-Identifier: Apache-2.0 */
/* Decides who may call an operation, from its row, the client's certificate and the token; it never
 * blocks and never looks at the body. */
#include <string.h>
#include <strings.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/client_request.h"
#include "api/dpop_request.h"
#include "core/identity.h"
#include "http/enclose.h"
#include "http/request.h"

/* X's order is the order in which missing scopes are named. */
static const struct {
    unsigned bit;
    const char *text;
} scopes[] = {
#define X(name, bit, text) {1U << (bit), text},
    SG_SCOPE_TABLE(X)
#undef X
};

/* The token of `Authorization: Bearer TOKEN` (RFC 6750, section 2.1) or `DPoP TOKEN` (RFC 9449,
 * section 7.1); NULL when there is none. */
static const char *header_token(const struct request *r, bool *ret_dpop)
{
    static const char bearer[] = "Bearer", dpop[] = "DPoP";
    const char *value = request_header(r, "Authorization");

    if (value == NULL)
        return NULL;
    *ret_dpop = strncasecmp(value, dpop, sizeof dpop - 1) == 0;
    if (*ret_dpop)
        value += sizeof dpop - 1;
    else if (strncasecmp(value, bearer, sizeof bearer - 1) == 0)
        value += sizeof bearer - 1;
    else
        return NULL;
    if (*value != ' ')
        return NULL;
    while (*value == ' ')
        value++;
    return *value != 0 ? value : NULL;
}

/* The token that `events_cookie` gave to a browser, for requests that its script cannot give a
 * header; NULL when there is none, or when the browser says that another site asks. */
static const char *cookie_token(const struct request *r)
{
    static const char name[] = SG_EVENTS_COOKIE "=";
    const char *cookie = request_header(r, "Cookie"), *site = request_header(r, "Sec-Fetch-Site");

    if (cookie == NULL || request_header_repeated(r, "Cookie") ||
        request_header_repeated(r, "Sec-Fetch-Site") ||
        (site != NULL && strcmp(site, "same-origin") != 0))
        return NULL;
    while (*cookie != 0) {
        cookie += strspn(cookie, " \t");
        if (strncmp(cookie, name, sizeof name - 1) == 0)
            return cookie[sizeof name - 1] != 0 ? cookie + sizeof name - 1 : NULL;
        cookie += strcspn(cookie, ";");
        cookie += *cookie == ';';
    }
    return NULL;
}

static size_t token_length(const char *token, bool cookie)
{
    return cookie ? strcspn(token, "; \t") : (size_t)(strchrnul(token, ' ') - token);
}

/* What a token is worth that came with the scheme DPoP and a proof, which is used up then. */
static enum sg_err check_proof(struct request *r, const struct principal *who,
                               const struct dpop_proof *proof)
{
    enum sg_err err = SG_ERR_TOKEN_MISMATCH;

    /* A proof for a token that is bound to none says nothing of who holds the token. */
    if (who->confirmation == SG_CONFIRM_DPOP)
        err = dpop_request_use(r, proof);
    return err != SG_OK ? answer_error(r, err, SG_DPOP_AGE_S) : SG_OK;
}

static enum sg_err authenticate(struct request *r, const struct route *route,
                                struct presented *with, struct principal **ret)
{
    const struct api *api = request_app(r);
    bool cookie = route->cookie && request_header(r, "Authorization") == NULL, dpop = false;
    const char *token = cookie ? cookie_token(r) : header_token(r, &dpop);
    size_t len = token != NULL ? token_length(token, cookie) : 0;
    struct dpop_proof proof;
    struct principal *who;
    enum sg_err err = SG_OK;

    if (request_header_repeated(r, "Authorization"))
        return request_fail(r, SG_ERR_BAD_REQUEST, "Authorization: given more than once");
    if (token == NULL)
        return answer_error(r, SG_ERR_UNAUTHENTICATED, 0);
    /* Of other schemes no proof is looked at, so that a bound token is not taken from them. */
    if (dpop) {
        err = dpop_request_shown(r, token, len, &proof);
        with->dpop_sha256 = proof.key_sha256;
    }
    if (err != SG_OK)
        return answer_error(r, err, 0);
    who = arena_alloc(request_arena(r), sizeof *who);
    if (who == NULL)
        return SG_ERR_NO_MEMORY;
    err = identity_authenticate(api->identity, token, len, with, who);
    if (err == SG_OK && !cookie && token[len] != 0)
        err = SG_ERR_TOKEN_INVALID;
    if (err != SG_OK)
        return answer_error(r, err, 0);
    if (dpop)
        err = check_proof(r, who, &proof);
    if (err == SG_OK)
        *ret = who;
    return err;
}

static enum sg_err check_scopes(struct request *r, unsigned needed, unsigned held)
{
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++)
        if ((needed & scopes[i].bit) != 0 && (held & scopes[i].bit) == 0)
            return answer_lacks_scope(r, scopes[i].text);
    return SG_OK;
}

static enum sg_err check_access(struct request *r, enum route_access access,
                                const struct principal *who)
{
    bool admin = access == SG_ACCESS_ADMIN || access == SG_ACCESS_LOCAL;

    if (admin && who->role != SG_ROLE_ADMIN)
        return request_fail(r, SG_ERR_FORBIDDEN, "The role admin is needed.");
    /* It would see what is outside of them, and could make somebody who has none. */
    if (admin && (who->limits.spaces_only || who->limits.keys_only))
        return request_fail(r, SG_ERR_FORBIDDEN, "The token is for some spaces or keys only.");
    if (access == SG_ACCESS_LOGIN && who->authority == SG_AUTHORITY_SCRIPT)
        return request_fail(r, SG_ERR_LOGIN_NEEDED, "The token is one for scripts.");
    if (access == SG_ACCESS_LOGIN && who->authority == SG_AUTHORITY_EXCHANGED)
        return request_fail(r, SG_ERR_LOGIN_NEEDED, "The token was exchanged for another.");
    /* Else who has little could make something that has more, such as a certificate. */
    if (access == SG_ACCESS_LOGIN && who->narrowed)
        return request_fail(r, SG_ERR_LOGIN_NEEDED, "The token has fewer scopes than its user.");
    return SG_OK;
}

enum sg_err api_guard(struct request *r, const struct route *route)
{
    const struct api *api = request_app(r);
    bool enclosed = request_is_enclosed(r);
    struct client_request client;
    struct principal *who = NULL;
    enum sg_err err = SG_OK;

    /* Whatever is asked: who shows a certificate that does not count, or none where one is
     * demanded, is refused before it. What came enclosed has been through this. */
    if (!enclosed)
        err = client_request(r, &client);
    if (err != SG_OK)
        return err;
    if (route == NULL || route->access == SG_ACCESS_PUBLIC)
        return SG_OK;
    if (route->access == SG_ACCESS_LOCAL && (api->metrics_public || request_loopback(r)))
        return SG_OK;
    if (enclosed) {
        who = request_principal(r);
    } else {
        err = authenticate(r, route, &client.with, &who);
        if (err != SG_OK)
            return err;
        request_set_principal(r, who, who->user);
    }
    err = check_access(r, route->access, who);
    return err == SG_OK ? check_scopes(r, route->scopes, who->scopes) : err;
}
