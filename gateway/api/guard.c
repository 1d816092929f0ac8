/* SPDX-License-Identifier: Apache-2.0 */
/* Decides who may call an operation, from its row and the bearer token; it never blocks and never
 * looks at the body. */
#include <string.h>
#include <strings.h>

#include "api/answer.h"
#include "api/api.h"
#include "core/identity.h"
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

/* The token of `Authorization: Bearer TOKEN` (RFC 6750, section 2.1); NULL when there is none. */
static const char *bearer_token(const struct request *r)
{
    static const char scheme[] = "Bearer";
    const char *value = request_header(r, "Authorization");

    if (value == NULL || strncasecmp(value, scheme, sizeof scheme - 1) != 0)
        return NULL;
    value += sizeof scheme - 1;
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

static enum sg_err authenticate(struct request *r, const struct route *route,
                                struct principal **ret)
{
    const struct api *api = request_app(r);
    bool cookie = route->cookie && request_header(r, "Authorization") == NULL;
    const struct presented with = {.address = request_address(r)};
    const char *token = cookie ? cookie_token(r) : bearer_token(r);
    size_t len = token != NULL ? strcspn(token, cookie ? "; \t" : " ") : 0;
    struct principal *who;
    enum sg_err err;

    if (request_header_repeated(r, "Authorization"))
        return request_fail(r, SG_ERR_BAD_REQUEST, "Authorization: given more than once");
    if (token == NULL)
        return answer_error(r, SG_ERR_UNAUTHENTICATED, 0);
    who = arena_alloc(request_arena(r), sizeof *who);
    if (who == NULL)
        return SG_ERR_NO_MEMORY;
    err = identity_authenticate(api->identity, token, len, &with, who);
    if (err == SG_OK && !cookie && token[len] != 0)
        err = SG_ERR_TOKEN_INVALID;
    if (err != SG_OK)
        return answer_error(r, err, 0);
    *ret = who;
    return SG_OK;
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
    struct principal *who = NULL;
    enum sg_err err;

    if (route->access == SG_ACCESS_PUBLIC)
        return SG_OK;
    if (route->access == SG_ACCESS_LOCAL && (api->metrics_public || request_loopback(r)))
        return SG_OK;
    err = authenticate(r, route, &who);
    if (err != SG_OK)
        return err;
    request_set_principal(r, who, who->user);
    err = check_access(r, route->access, who);
    if (err != SG_OK)
        return err;
    return check_scopes(r, route->scopes, who->scopes);
}
