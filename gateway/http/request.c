/* SPDX-License-Identifier: Apache-2.0 */
/* What operations read from and note on their request; it never waits and never answers. */
#include "http/request.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "http/fields.h"
#include "http/head.h"
#include "http/internal.h"
#include "http/peer.h"
#include "http/uri.h"

enum http_method request_method(const struct request *r)
{
    return r->method;
}

const char *request_path(const struct request *r)
{
    return r->path;
}

enum sg_err request_param(struct request *r, const char *name, const char **ret)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < r->match.captures; i++) {
        enum sg_err err;

        if (r->match.capture[i].name_len != len || memcmp(r->match.capture[i].name, name, len) != 0)
            continue;
        err = uri_decode(r->arena, r->match.capture[i].value, r->match.capture[i].value_len, false,
                         true, ret);
        return err == SG_ERR_BAD_FIELD ? SG_ERR_NOT_FOUND : err;
    }
    return SG_ERR_NOT_FOUND;
}

enum sg_err request_query(struct request *r, const char *name, const char **ret)
{
    enum sg_err err = uri_query_find(r->arena, r->query, name, ret);

    return err == SG_ERR_BAD_FIELD ? request_fail(r, err, "%s: malformed or given twice", name)
                                   : err;
}

enum sg_err request_query_int(struct request *r, const char *name, int64_t min, int64_t max,
                              int64_t absent, int64_t *ret)
{
    const char *text;
    bool negative;
    int64_t n;
    enum sg_err err = request_query(r, name, &text);

    if (err != SG_OK)
        return err;
    if (text == NULL) {
        *ret = absent;
        return SG_OK;
    }
    negative = text[0] == '-';
    if (!fields_number(text + negative, &n) || (negative ? -n : n) < min ||
        (negative ? -n : n) > max)
        return request_fail(r, SG_ERR_BAD_FIELD, "%s: an integer from %lld to %lld", name,
                            (long long)min, (long long)max);
    *ret = negative ? -n : n;
    return SG_OK;
}

enum sg_err request_query_bool(struct request *r, const char *name, bool *ret)
{
    const char *text;
    enum sg_err err = request_query(r, name, &text);

    if (err != SG_OK)
        return err;
    if (text != NULL && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return request_fail(r, SG_ERR_BAD_FIELD, "%s: true or false", name);
    *ret = text != NULL && text[0] == 't';
    return SG_OK;
}

const char *request_header(const struct request *r, const char *name)
{
    return head_field(r, name, 0);
}

bool request_header_repeated(const struct request *r, const char *name)
{
    return head_field(r, name, 1) != NULL;
}

const char *request_content_type(const struct request *r)
{
    return r->content_type;
}

int64_t request_content_length(const struct request *r)
{
    return r->content_length;
}

const uint8_t *request_body(const struct request *r, size_t *ret_len)
{
    *ret_len = r->body.len;
    return r->body.data != NULL ? r->body.data : (const uint8_t *)"";
}

const char *request_id(const struct request *r)
{
    return r->id;
}

const char *request_address(const struct request *r)
{
    return r->conn->address;
}

bool request_loopback(const struct request *r)
{
    return r->conn->loopback;
}

void request_tls(struct request *r, struct request_tls *ret)
{
    tls_session_describe(r->conn->session, r->conn->bundle, ret);
}

void request_certificate(const struct request *r, struct request_certificate *ret)
{
    peer_certificate(r->conn, ret);
}

void *request_app(const struct request *r)
{
    return r->server->config.app;
}

void request_set_principal(struct request *r, void *principal, const char *name_for_log)
{
    r->principal = principal;
    r->principal_name = name_for_log;
}

void *request_principal(const struct request *r)
{
    return r->principal;
}

void *request_state(struct request *r)
{
    return r->state;
}

struct arena *request_arena(struct request *r)
{
    return r->arena;
}

enum sg_err request_fail(struct request *r, enum sg_err err, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    r->detail = arena_vprintf(r->arena, format, ap);
    va_end(ap);
    return err;
}

void request_problem(struct request *r, const char *members)
{
    r->problem = members;
}
