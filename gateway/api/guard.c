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

static enum sg_err authenticate(struct request *r, struct principal **ret)
{
    const struct api *api = request_app(r);
    const char *token = bearer_token(r);
    struct principal *who;
    enum sg_err err;

    if (request_header_repeated(r, "Authorization"))
        return request_fail(r, SG_ERR_BAD_REQUEST, "Authorization: given more than once");
    if (token == NULL)
        return answer_error(r, SG_ERR_UNAUTHENTICATED, 0);
    who = arena_alloc(request_arena(r), sizeof *who);
    if (who == NULL)
        return SG_ERR_NO_MEMORY;
    err = identity_authenticate(api->identity, token, strcspn(token, " "), who);
    if (err == SG_OK && token[strcspn(token, " ")] != 0)
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

enum sg_err api_guard(struct request *r, const struct route *route)
{
    const struct api *api = request_app(r);
    struct principal *who = NULL;
    enum sg_err err;

    if (route->access == SG_ACCESS_PUBLIC)
        return SG_OK;
    if (route->access == SG_ACCESS_LOCAL && (api->metrics_public || request_loopback(r)))
        return SG_OK;
    err = authenticate(r, &who);
    if (err != SG_OK)
        return err;
    request_set_principal(r, who, who->user);
    if (route->access != SG_ACCESS_USER && who->role != SG_ROLE_ADMIN)
        return request_fail(r, SG_ERR_FORBIDDEN, "The role admin is needed.");
    return check_scopes(r, route->scopes, who->scopes);
}
