/* SPDX-License-Identifier: Apache-2.0 */
/* The request and the answer inside a sealed exchange. Never anything about how it is sealed. */
#include "cli/sealedbody.h"

#include "base/encode.h"
#include "base/secret.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/sealed.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SG_SEALEDBODY_CHUNK ((size_t)65536)

static enum cli_status too_large(void)
{
    return report_error(SG_CLI_USAGE, "send it without --sealed; TLS protects it all the same",
                        "that does not go into a sealed message (at most %zu MiB)",
                        SG_SEALED_CONTENT_MAX >> 20);
}

static enum cli_status read_stream(const struct http_stream *stream, struct buf *content)
{
    if (stream->size > (int64_t)SG_SEALED_CONTENT_MAX)
        return too_large();
    for (;;) {
        uint8_t *room = buf_reserve(content, SG_SEALEDBODY_CHUNK);
        int64_t got = room ? stream->read(stream->context, room, SG_SEALEDBODY_CHUNK) : 0;

        if (got < 0)
            return report_error(SG_CLI_USAGE, NULL, "the content could not be read");
        if (room)
            buf_commit(content, (size_t)got);
        if (content->len > SG_SEALED_CONTENT_MAX || !room)
            return too_large();
        if (got == 0)
            return SG_CLI_OK;
    }
}

static bool put_header(struct json_object *headers, const char *line)
{
    const char *colon = strchr(line, ':');
    char name[64];

    if (!colon || (size_t)(colon - line) >= sizeof(name))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)(colon - line), line);
    return json_put_text(headers, name, colon + 1 + strspn(colon + 1, " "));
}

static bool put_base64(struct json_object *json, const struct buf *content)
{
    char *text = malloc(SG_BASE64_SIZE(content->len));
    bool ok = text != NULL;

    if (ok) {
        encode_base64(content->data, content->len, text);
        ok = json_put_text(json, "body_base64", text);
    }
    secret_free_string(text);
    return ok;
}

static bool put_body(struct json_object *json, const struct http_request *request,
                     const struct buf *streamed)
{
    if (request->upload)
        return streamed->len == 0 || put_base64(json, streamed);
    if (!request->body)
        return true;
    /* What this program writes itself is text. */
    struct json_object *text = json_object_new_string_len(request->body, (int)request->body_len);
    return text && json_put(json, "body", text);
}

static bool compose(const struct http_request *request, const struct buf *streamed,
                    struct json_object *json)
{
    struct json_object *headers = json_object_new_object();
    bool ok = json_put_text(json, "method", request->method) &&
              json_put_text(json, "path", request->target);

    if (!json_put(json, "headers", headers))
        return false;
    for (size_t i = 0; ok && i < SG_HTTP_HEADERS && request->headers[i]; i++)
        ok = put_header(headers, request->headers[i]);
    if (ok && request->content_type)
        ok = json_put_text(headers, "Content-Type", request->content_type);
    return ok && put_body(json, request, streamed);
}

enum cli_status sealedbody_write(const struct http_request *request, struct buf *ret)
{
    SG_JSON_CLEANUP struct json_object *json = json_object_new_object();
    enum cli_status status = SG_CLI_OK;
    struct buf streamed;

    if (request->body_len > SG_SEALED_CONTENT_MAX)
        return too_large();
    buf_init(&streamed, SG_SEALED_CONTENT_MAX + 2 * SG_SEALEDBODY_CHUNK);
    if (request->upload)
        status = read_stream(request->stream, &streamed);
    if (status == SG_CLI_OK && compose(request, &streamed, json))
        json_append(ret, json);
    else if (status == SG_CLI_OK)
        status = report_no_memory();
    buf_wipe(&streamed);
    return status == SG_CLI_OK && ret->failed ? too_large() : status;
}

static void copy_header(const char *value, char *ret, size_t size)
{
    /* As with one that came by itself: cut, it would look like another one. */
    if (strlen(value) < size)
        memcpy(ret, value, strlen(value) + 1);
}

static void take_headers(struct json_object *headers, struct http_call *call)
{
    const struct {
        const char *name;
        char *ret;
        size_t size;
    } known[] = {{"ETag", call->etag, sizeof(call->etag)},
                 {"Repr-Digest", call->repr_digest, sizeof(call->repr_digest)},
                 {"Content-Range", call->content_range, sizeof(call->content_range)},
                 {"X-Request-Id", call->request_id, sizeof(call->request_id)}};

    call->etag[0] = call->repr_digest[0] = call->content_range[0] = 0;
    call->retry_after = 0;
    if (!headers)
        return;
    json_object_object_foreach(headers, name, member)
    {
        const char *value = json_text(headers, name, "");

        (void)member;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            if (strcasecmp(known[i].name, name) == 0)
                copy_header(value, known[i].ret, known[i].size);
        }
        if (strcasecmp(name, "Retry-After") == 0)
            call->retry_after = strtol(value, NULL, 10);
    }
}

static bool take_body(struct json_object *answer, struct buf *ret)
{
    struct json_object *text = NULL;
    const char *encoded = json_text(answer, "body_base64", NULL);
    size_t len = encoded ? strlen(encoded) : 0, decoded = 0;

    buf_clear(ret);
    if (encoded && len > 0) {
        uint8_t *room = buf_reserve(ret, len);

        if (!room || encode_unbase64(encoded, len, room, len, &decoded) != SG_OK)
            return false;
        buf_commit(ret, decoded);
    } else if (json_object_object_get_ex(answer, "body", &text)) {
        if (!json_object_is_type(text, json_type_string))
            return false;
        buf_append(ret, json_object_get_string(text), (size_t)json_object_get_string_len(text));
    }
    return !ret->failed;
}

bool sealedbody_read(struct json_object *answer, struct http_call *call)
{
    int64_t status = json_int(answer, "status", 0);

    if (status < 100 || status > 599)
        return false;
    call->status = (long)status;
    take_headers(json_member(answer, "headers"), call);
    if (!take_body(answer, &call->body))
        return false;
    call->length = (int64_t)call->body.len;
    return true;
}
