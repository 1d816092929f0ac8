/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form of JSON (RFC 8785). It never guesses: what has no canonical form is refused.
 */
#include "cli/canon.h"

#include "base/buf.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define SG_CANON_INTEGER_MAX ((INT64_C(1) << 53) - 1)

/* An object or array that is being written. */
struct frame {
    struct json_object *json;
    const char *keys[SG_CANON_MEMBERS]; /* sorted; of an object */
    size_t count;
    size_t at;
};

/* Order of UTF-16 code units. It is that of UTF-8's bytes, but that what needs two units (0xf0 and
 * more) comes before U+E000 to U+FFFF (0xee, 0xef). */
static int compare_keys(const void *a, const void *b)
{
    const unsigned char *x = *(const unsigned char *const *)a,
                        *y = *(const unsigned char *const *)b;

    while (*x && *x == *y) {
        x++;
        y++;
    }
    if (*x >= 0xee && *y >= 0xee && (*x >= 0xf0) != (*y >= 0xf0))
        return *x >= 0xf0 ? -1 : 1;
    return (int)*x - (int)*y;
}

static bool is_left_out(const char *key, const char *const *without)
{
    for (; without && *without; without++) {
        if (strcmp(key, *without) == 0)
            return true;
    }
    return false;
}

static bool collect_keys(struct frame *f, const char *const *without)
{
    struct json_object_iterator it = json_object_iter_begin(f->json);
    struct json_object_iterator end = json_object_iter_end(f->json);

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *key = json_object_iter_peek_name(&it);

        if (is_left_out(key, without))
            continue;
        if (f->count == SG_CANON_MEMBERS)
            return false;
        f->keys[f->count++] = key;
    }
    qsort(f->keys, f->count, sizeof(f->keys[0]), compare_keys);
    return true;
}

static void put_string(struct buf *b, const char *text, size_t len)
{
    static const char escaped[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";

    buf_putc(b, '"');
    for (size_t i = 0; i < len; i++) {
        const char *known = text[i] ? strchr(escaped, text[i]) : NULL;

        if (known)
            buf_printf(b, "\\%c", letters[known - escaped]);
        else if ((unsigned char)text[i] < 0x20)
            buf_printf(b, "\\u%04x", (unsigned)(unsigned char)text[i]);
        else
            buf_putc(b, text[i]);
    }
    buf_putc(b, '"');
}

static bool put_integer(struct buf *b, struct json_object *json)
{
    int64_t value = json_object_get_int64(json);

    if (value > SG_CANON_INTEGER_MAX || value < -SG_CANON_INTEGER_MAX)
        return false;
    buf_printf(b, "%lld", (long long)value);
    return true;
}

/* Writes what holds nothing else. */
static bool put_scalar(struct buf *b, struct json_object *json)
{
    switch (json_object_get_type(json)) {
    case json_type_null:
        buf_puts(b, "null");
        return true;
    case json_type_boolean:
        buf_puts(b, json_object_get_boolean(json) ? "true" : "false");
        return true;
    case json_type_int:
        return put_integer(b, json);
    case json_type_string:
        put_string(b, json_object_get_string(json), (size_t)json_object_get_string_len(json));
        return true;
    case json_type_double:
    case json_type_object:
    case json_type_array:
        break;
    }
    return false;
}

static bool is_container(struct json_object *json)
{
    return json_object_is_type(json, json_type_object) ||
           json_object_is_type(json, json_type_array);
}

static bool begin(struct buf *b, struct frame *f, struct json_object *json,
                  const char *const *without)
{
    f->json = json;
    f->count = f->at = 0;
    if (json_object_is_type(json, json_type_object)) {
        buf_putc(b, '{');
        return collect_keys(f, without);
    }
    buf_putc(b, '[');
    f->count = json_object_array_length(json);
    return true;
}

/* Writes what comes before the next value of `f`, which it returns. */
static struct json_object *next_value(struct buf *b, struct frame *f)
{
    struct json_object *value = NULL;
    size_t at = f->at++;

    if (at > 0)
        buf_putc(b, ',');
    if (json_object_is_type(f->json, json_type_array))
        return json_object_array_get_idx(f->json, at);
    put_string(b, f->keys[at], strlen(f->keys[at]));
    buf_putc(b, ':');
    (void)json_object_object_get_ex(f->json, f->keys[at], &value);
    return value;
}

bool canon_append(struct buf *b, struct json_object *object, const char *const *without)
{
    struct frame frames[SG_CANON_DEPTH];
    size_t depth = 1;

    if (!json_object_is_type(object, json_type_object) || !begin(b, &frames[0], object, without))
        return false;
    while (depth > 0) {
        struct frame *f = &frames[depth - 1];

        if (f->at == f->count) {
            buf_putc(b, json_object_is_type(f->json, json_type_object) ? '}' : ']');
            depth--;
            continue;
        }
        struct json_object *value = next_value(b, f);
        if (!is_container(value)) {
            if (!put_scalar(b, value))
                return false;
        } else if (depth == SG_CANON_DEPTH || !begin(b, &frames[depth++], value, NULL)) {
            return false;
        }
    }
    return !b->failed;
}
