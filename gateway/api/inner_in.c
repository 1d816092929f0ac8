/* SPDX-License-Identifier: Apache-2.0 */
/* Reads enclosed requests: json_scan first, then json-c, whose strings are borrowed and wiped; it
 * never lets a request through that could not have come by itself. */
#include "api/inner_in.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "api/json_scan.h"
#include "api/json_text.h"
#include "base/encode.h"
#include "base/secret.h"

/* Whatever says who asks is the session's alone; the others belong to the connection. */
static const char *const refused_headers[] = {
    "Authorization",    "Cookie",     "DPoP",    "Host",     "Content-Length", "Transfer-Encoding",
    "Connection",       "Keep-Alive", "Upgrade", "TE",       "Trailer",        "Expect",
    "Proxy-Connection", "Origin",     "Via",     "Forwarded"};

void inner_in_fini(struct inner_request *in)
{
    json_text_free(in->json);
    memset(in, 0, sizeof *in);
}

static enum sg_err refuse(char detail[SG_INNER_DETAIL_SIZE], const char *text)
{
    (void)snprintf(detail, SG_INNER_DETAIL_SIZE, "%s", text);
    return SG_ERR_BAD_FIELD;
}

static bool token_ok(const char *text, size_t max)
{
    static const char more[] = "!#$%&'*+-.^_`|~";
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              strchr(more, c) != NULL))
            return false;
    }
    return len > 0 && len <= max;
}

static bool value_ok(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            return false;
    return len <= SG_INNER_HEADER_MAX;
}

/* As in a request line: visible ASCII, and no fragment. */
static bool target_ok(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (text[i] <= 0x20 || text[i] == 0x7f || text[i] == '#')
            return false;
    return text[0] == '/' && len <= SG_INNER_TARGET_MAX;
}

static enum sg_err read_headers(struct json_object *object, struct enclosed_request *q,
                                char detail[SG_INNER_DETAIL_SIZE])
{
    if (json_object_get_type(object) != json_type_object)
        return refuse(detail, "headers: must be an object");
    json_object_object_foreach(object, name, value)
    {
        if (q->header_count == SG_ENCLOSED_HEADERS_MAX)
            return refuse(detail, "headers: at most 32");
        if (!token_ok(name, 64))
            return refuse(detail, "headers: a name is not valid");
        for (size_t i = 0; i < sizeof refused_headers / sizeof refused_headers[0]; i++)
            if (strcasecmp(name, refused_headers[i]) == 0) {
                (void)snprintf(detail, SG_INNER_DETAIL_SIZE, "headers: %s cannot be enclosed",
                               refused_headers[i]);
                return SG_ERR_BAD_FIELD;
            }
        for (size_t i = 0; i < q->header_count; i++)
            if (strcasecmp(name, q->header[i].name) == 0)
                return refuse(detail, "headers: a name is given twice");
        if (json_object_get_type(value) != json_type_string ||
            !value_ok(json_object_get_string(value)))
            return refuse(detail, "headers: a value is not valid");
        q->header[q->header_count++] =
            (struct enclosed_header){name, json_object_get_string(value)};
    }
    return SG_OK;
}

static enum sg_err read_base64(struct json_object *value, struct enclosed_request *q)
{
    /* In place: what is read is always ahead of what is written. */
    uint8_t *text = (uint8_t *)(uintptr_t)json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);

    q->body = text;
    return encode_unbase64((const char *)text, len, text, len, &q->body_len);
}

static enum sg_err read_body(struct json_object *value, bool base64, struct enclosed_request *q,
                             char detail[SG_INNER_DETAIL_SIZE])
{
    if (q->body != NULL)
        return refuse(detail, "body: given as text and in base64");
    if (json_object_get_type(value) != json_type_string)
        return refuse(detail, "body: must be a string");
    if (base64)
        return read_base64(value, q) == SG_OK ? SG_OK
                                              : refuse(detail, "body_base64: not valid base64");
    q->body = (const uint8_t *)json_object_get_string(value);
    q->body_len = (size_t)json_object_get_string_len(value);
    return SG_OK;
}

static enum sg_err read_member(const char *name, struct json_object *value,
                               struct enclosed_request *q, char detail[SG_INNER_DETAIL_SIZE])
{
    bool text = json_object_get_type(value) == json_type_string;

    if (strcmp(name, "method") == 0) {
        if (!text || !token_ok(json_object_get_string(value), 16))
            return refuse(detail, "method: must be a method of HTTP");
        q->method = json_object_get_string(value);
    } else if (strcmp(name, "path") == 0) {
        if (!text || !target_ok(json_object_get_string(value)))
            return refuse(detail, "path: must be a path of this gateway, percent-encoded");
        q->target = json_object_get_string(value);
    } else if (strcmp(name, "headers") == 0) {
        return read_headers(value, q, detail);
    } else if (strcmp(name, "body") == 0 || strcmp(name, "body_base64") == 0) {
        return read_body(value, name[4] != 0, q, detail);
    } else {
        return refuse(detail, "the enclosed request has an unknown member");
    }
    return SG_OK;
}

static enum sg_err read_all(struct json_object *json, struct enclosed_request *q,
                            char detail[SG_INNER_DETAIL_SIZE])
{
    enum sg_err err;

    if (json_object_get_type(json) != json_type_object) {
        (void)refuse(detail, "the enclosed request must be an object");
        return SG_ERR_BAD_JSON;
    }
    json_object_object_foreach(json, name, value)
    {
        err = read_member(name, value, q, detail);
        if (err != SG_OK)
            return err;
    }
    if (q->method == NULL)
        return refuse(detail, "method: is missing");
    return q->target == NULL ? refuse(detail, "path: is missing") : SG_OK;
}

enum sg_err inner_in_read(const uint8_t *text, size_t len, struct inner_request *ret,
                          char ret_detail[SG_INNER_DETAIL_SIZE])
{
    struct json_object *json = NULL;
    const char *reason = "";
    size_t offset = 0;
    enum sg_err err = json_scan(text, len, &reason, &offset);

    memset(ret, 0, sizeof *ret);
    ret_detail[0] = 0;
    if (err != SG_OK) {
        (void)snprintf(ret_detail, SG_INNER_DETAIL_SIZE, "%s (byte %zu)", reason, offset);
        return err;
    }
    err = json_text_parse(text, len, &json);
    ret->json = json;
    if (err == SG_OK)
        err = read_all(json, &ret->request, ret_detail);
    if (err != SG_OK)
        inner_in_fini(ret);
    return err;
}
