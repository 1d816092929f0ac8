/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON; it never builds a tree and never writes invalid UTF-8. */
#include "api/json_out.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/utf8.h"
#include "base/clock.h"
#include "base/encode.h"
#include "http/request.h"

#define BINARY_MAX 512 /* bytes of one hex or base64url value */

void json_out_init(struct json_out *o, size_t max)
{
    buf_init(&o->buf, max);
    o->comma = false;
}

void json_out_fini(struct json_out *o)
{
    buf_wipe(&o->buf);
}

static void put_escape(struct buf *b, uint8_t c)
{
    switch (c) {
    case '"':
        buf_puts(b, "\\\"");
        break;
    case '\\':
        buf_puts(b, "\\\\");
        break;
    case '\n':
        buf_puts(b, "\\n");
        break;
    case '\r':
        buf_puts(b, "\\r");
        break;
    case '\t':
        buf_puts(b, "\\t");
        break;
    default:
        buf_printf(b, "\\u%04x", c);
    }
}

static void put_text(struct buf *b, const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t start = 0, i = 0;

    buf_putc(b, '"');
    while (i < len) {
        bool escape = p[i] < 0x20 || p[i] == '"' || p[i] == '\\';
        size_t n = escape ? 0 : p[i] < 0x80 ? 1 : utf8_next(p + i, len - i);

        if (n > 0) {
            i += n;
            continue;
        }
        buf_append(b, p + start, i - start);
        if (p[i] < 0x80)
            put_escape(b, p[i]);
        else
            buf_puts(b, "\xef\xbf\xbd"); /* U+FFFD */
        start = ++i;
    }
    buf_append(b, p + start, len - start);
    buf_putc(b, '"');
}

static void begin_value(struct json_out *o, const char *name)
{
    if (o->comma)
        buf_putc(&o->buf, ',');
    o->comma = true;
    if (name != NULL) {
        put_text(&o->buf, name, strlen(name));
        buf_putc(&o->buf, ':');
    }
}

void json_out_object(struct json_out *o, const char *name)
{
    begin_value(o, name);
    buf_putc(&o->buf, '{');
    o->comma = false;
}

void json_out_object_from(struct json_out *o, const char *name, const char *json, size_t len)
{
    begin_value(o, name);
    buf_append(&o->buf, json, len - 1); /* its brace comes with json_out_close */
    o->comma = len > 2;
}

void json_out_array(struct json_out *o, const char *name)
{
    begin_value(o, name);
    buf_putc(&o->buf, '[');
    o->comma = false;
}

void json_out_close(struct json_out *o, char close)
{
    buf_putc(&o->buf, close);
    o->comma = true;
}

void json_out_string(struct json_out *o, const char *name, const char *text)
{
    begin_value(o, name);
    if (text != NULL)
        put_text(&o->buf, text, strlen(text));
    else
        buf_puts(&o->buf, "null");
}

void json_out_text(struct json_out *o, const char *name, const char *text, size_t len)
{
    begin_value(o, name);
    put_text(&o->buf, text, len);
}

void json_out_raw(struct json_out *o, const char *name, const char *json, size_t len)
{
    begin_value(o, name);
    buf_append(&o->buf, json, len);
}

void json_out_integer(struct json_out *o, const char *name, int64_t value)
{
    begin_value(o, name);
    buf_printf(&o->buf, "%lld", (long long)value);
}

void json_out_boolean(struct json_out *o, const char *name, bool value)
{
    begin_value(o, name);
    buf_puts(&o->buf, value ? "true" : "false");
}

void json_out_null(struct json_out *o, const char *name)
{
    json_out_string(o, name, NULL);
}

void json_out_hex(struct json_out *o, const char *name, const void *data, size_t len)
{
    char text[SG_HEX_SIZE(BINARY_MAX)];

    assert(len <= BINARY_MAX);
    encode_hex(data, len, text);
    json_out_string(o, name, text);
}

void json_out_base64url(struct json_out *o, const char *name, const void *data, size_t len)
{
    char text[SG_BASE64_SIZE(BINARY_MAX)];

    assert(len <= BINARY_MAX);
    encode_base64url(data, len, text);
    json_out_string(o, name, text);
}

void json_out_base64(struct json_out *o, const char *name, const void *data, size_t len)
{
    uint8_t *to;

    begin_value(o, name);
    buf_putc(&o->buf, '"');
    to = buf_reserve(&o->buf, SG_BASE64_SIZE(len));
    if (to != NULL) {
        encode_base64(data, len, (char *)to);
        buf_commit(&o->buf, SG_BASE64_SIZE(len) - 1);
    }
    buf_putc(&o->buf, '"');
}

void json_out_time(struct json_out *o, const char *name, int64_t unix_ns)
{
    char text[SG_RFC3339_SIZE];

    clock_format_rfc3339(unix_ns, text);
    json_out_string(o, name, text);
}

static void free_buf(void *arg)
{
    struct buf *b = arg;

    buf_wipe(b);
    free(b);
}

static void free_large(void *arg)
{
    struct buf *b = arg;

    buf_fini(b);
    free(b);
}

static enum sg_err reply(struct request *r, unsigned status, struct json_out *o,
                         const char *cache_control, void (*free_fn)(void *))
{
    enum sg_err err = buf_status(&o->buf);
    struct buf *b = err == SG_OK ? malloc(sizeof *b) : NULL;

    if (b == NULL) {
        json_out_fini(o);
        return err != SG_OK ? err : SG_ERR_NO_MEMORY;
    }
    *b = o->buf;
    buf_init(&o->buf, 0);
    reply_header(r, "Cache-Control", cache_control);
    reply_take(r, status, "application/json", b->data, b->len, free_fn, b);
    return SG_OK;
}

enum sg_err json_out_reply_cached(struct request *r, unsigned status, struct json_out *o,
                                  const char *cache_control)
{
    return reply(r, status, o, cache_control, free_buf);
}

enum sg_err json_out_reply(struct request *r, unsigned status, struct json_out *o)
{
    return reply(r, status, o, "no-store", free_buf);
}

enum sg_err json_out_reply_large(struct request *r, unsigned status, struct json_out *o)
{
    return reply(r, status, o, "no-store", free_large);
}
