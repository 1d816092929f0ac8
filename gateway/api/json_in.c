/* SPDX-License-Identifier: Apache-2.0 */
/* Reads bodies by table, straight from the text that json_scan has accepted: it builds no tree, and
 * never lets a value through that it did not check. */
#include "api/json_in.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "api/json_scan.h"
#include "api/json_text.h"
#include "base/encode.h"
#include "base/secret.h"
#include "http/request.h"

#define PATH_SIZE 64 /* of objects in a table */

struct reader {
    struct arena *arena;
    const struct json_field *fields;
    size_t count;
    uint64_t seen;     /* bit per field */
    const char *array; /* the array that this is an object of; NULL: the body */
    size_t index;
    char *detail;
};

/* "items[3].digests.sha256: must be ..." */
static void describe(struct reader *in, const char *object, const char *name, const char *text)
{
    char element[48] = "";

    if (in->array != NULL)
        (void)snprintf(element, sizeof element, "%s[%zu]%s", in->array, in->index,
                       name[0] != 0 ? "." : "");
    (void)snprintf(in->detail, SG_JSON_DETAIL_SIZE, "%s%s%s%s: %s", element,
                   object != NULL ? object : "", object != NULL ? "." : "", name, text);
}

static enum sg_err refuse_value(struct reader *in, const struct json_field *f)
{
    char text[96] = "must be an object";

    if (f->kind == SG_JSON_STRING)
        (void)snprintf(text, sizeof text, "must be a string of %lld to %lld characters",
                       (long long)f->min, (long long)f->max);
    else if (f->kind == SG_JSON_INTEGER || f->kind == SG_JSON_INTEGER_OR_NULL)
        (void)snprintf(text, sizeof text, "must be an integer from %lld to %lld%s",
                       (long long)f->min, (long long)f->max,
                       f->kind == SG_JSON_INTEGER ? "" : ", or null");
    else if (f->kind == SG_JSON_STRINGS)
        (void)snprintf(text, sizeof text,
                       "must be an array of %lld to %lld strings of 1 to %d characters",
                       (long long)f->min, (long long)f->max, SG_JSON_ITEM_MAX);
    else if (f->kind == SG_JSON_OBJECTS)
        (void)snprintf(text, sizeof text, "must be an array of %lld to %lld objects",
                       (long long)f->min, (long long)f->max);
    else if (f->kind == SG_JSON_HEX)
        (void)snprintf(text, sizeof text, "must be a string of %lld hexadecimal digits",
                       (long long)(2 * f->max));
    else if (f->kind == SG_JSON_BOOLEAN)
        (void)snprintf(text, sizeof text, "must be true or false");
    describe(in, f->in, f->name, text);
    return SG_ERR_BAD_FIELD;
}

static enum sg_err copy_string(struct reader *in, const struct json_field *f, const uint8_t *value,
                               int64_t min, int64_t max, char **ret)
{
    struct json_span s;
    size_t len, characters;
    char *text;

    if (*value != '"')
        return refuse_value(in, f);
    (void)json_text_string(value, &s);
    len = json_text_length(s, &characters);
    if ((int64_t)characters < min || (int64_t)characters > max)
        return refuse_value(in, f);
    text = arena_alloc(in->arena, len + 1);
    if (text == NULL)
        return SG_ERR_NO_MEMORY;
    json_text_copy(s, text);
    *ret = text;
    return SG_OK;
}

/* Elements of an array, none beyond `max` + 1 being counted; SIZE_MAX when it is no array. */
static size_t count_elements(const uint8_t *p, int64_t max)
{
    size_t count = 0;
    bool more;

    if (*p != '[')
        return SIZE_MAX;
    for (p = json_text_open(p, &more); more && (int64_t)count <= max;
         p = json_text_next(json_text_skip(p), &more))
        count++;
    return count;
}

static enum sg_err read_strings(struct reader *in, const struct json_field *f, const uint8_t *p)
{
    struct json_strings *to = f->to.strings;
    size_t count = count_elements(p, f->max), i = 0;
    enum sg_err err = SG_OK;
    bool more;

    if (count == SIZE_MAX || (int64_t)count < f->min || (int64_t)count > f->max)
        return refuse_value(in, f);
    to->items = arena_alloc(in->arena, (count + 1) * sizeof *to->items);
    if (to->items == NULL)
        return SG_ERR_NO_MEMORY;
    for (p = json_text_open(p, &more); err == SG_OK && more;
         p = json_text_next(json_text_skip(p), &more))
        err = copy_string(in, f, p, 1, SG_JSON_ITEM_MAX, &to->items[i++]);
    to->count = count;
    return err;
}

static enum sg_err read_integer(struct reader *in, const struct json_field *f, const uint8_t *p)
{
    bool negative = *p == '-';
    int64_t number = 0;

    p += negative;
    if (*p < '0' || *p > '9')
        return refuse_value(in, f);
    for (; *p >= '0' && *p <= '9'; p++) {
        int64_t digit = *p - '0';

        /* The scanner has seen that integers fit; what has a fraction is refused below. */
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, negative ? -digit : digit, &number))
            return refuse_value(in, f);
    }
    if (*p == '.' || *p == 'e' || *p == 'E' || number < f->min || number > f->max)
        return refuse_value(in, f);
    *f->to.integer = number;
    return SG_OK;
}

static enum sg_err read_hex(struct reader *in, const struct json_field *f, const uint8_t *p)
{
    struct json_span s;

    if (*p != '"')
        return refuse_value(in, f);
    (void)json_text_string(p, &s);
    if (encode_unhex((const char *)s.p, (size_t)(s.end - s.p), f->to.bytes, (size_t)f->max) !=
        SG_OK)
        return refuse_value(in, f);
    return SG_OK;
}

static enum sg_err read_object(struct reader *in, const char *object, const uint8_t *p);

static enum sg_err read_objects(struct reader *in, const struct json_field *f, const uint8_t *p)
{
    struct json_objects *to = f->to.objects;
    size_t count = count_elements(p, f->max);
    enum sg_err err = SG_OK;
    uint8_t *items;
    bool more;

    if (count == SIZE_MAX || (int64_t)count < f->min || (int64_t)count > f->max)
        return refuse_value(in, f);
    items = arena_alloc(in->arena, count * to->size + 1);
    if (items == NULL)
        return SG_ERR_NO_MEMORY;
    to->items = items;
    to->count = 0;
    for (p = json_text_open(p, &more); err == SG_OK && more;
         p = json_text_next(json_text_skip(p), &more)) {
        struct reader one = {.arena = in->arena,
                             .fields = to->fields,
                             .count = to->field_count,
                             .array = f->name,
                             .index = to->count,
                             .detail = in->detail};

        memset(to->one, 0, to->size);
        if (*p != '{') {
            describe(&one, NULL, "", "must be an object");
            return SG_ERR_BAD_FIELD;
        }
        err = read_object(&one, NULL, p);
        memcpy(items + to->count * to->size, to->one, to->size);
        to->count++;
    }
    return err;
}

static enum sg_err read_inner(struct reader *in, const struct json_field *f, const uint8_t *p)
{
    char path[PATH_SIZE];

    if (*p != '{')
        return refuse_value(in, f);
    (void)snprintf(path, sizeof path, "%s%s%s", f->in != NULL ? f->in : "",
                   f->in != NULL ? "." : "", f->name);
    return read_object(in, path, p);
}

static enum sg_err read_value(struct reader *in, const struct json_field *f, const uint8_t *p)
{
    switch (f->kind) {
    case SG_JSON_STRING:
        return copy_string(in, f, p, f->min, f->max, f->to.string);
    case SG_JSON_STRINGS:
        return read_strings(in, f, p);
    case SG_JSON_INTEGER_OR_NULL:
        if (*p == 'n') {
            *f->to.integer = 0;
            return SG_OK;
        }
        return read_integer(in, f, p);
    case SG_JSON_INTEGER:
        return read_integer(in, f, p);
    case SG_JSON_BOOLEAN:
        if (*p != 't' && *p != 'f')
            return refuse_value(in, f);
        *f->to.boolean = *p == 't';
        return SG_OK;
    case SG_JSON_OBJECT:
        return read_inner(in, f, p);
    case SG_JSON_HEX:
        return read_hex(in, f, p);
    case SG_JSON_OBJECTS:
        return read_objects(in, f, p);
    case SG_JSON_ANY:
        return SG_OK;
    }
    return SG_ERR_INTERNAL;
}

static bool same_object(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const struct json_field *find_field(const struct reader *in, const char *object,
                                           struct json_span name)
{
    for (size_t i = 0; i < in->count; i++)
        if (json_text_is(name, in->fields[i].name, strlen(in->fields[i].name)) &&
            same_object(in->fields[i].in, object))
            return &in->fields[i];
    return NULL;
}

/* The detail names an unknown member only if that is harmless to show. */
static enum sg_err refuse_unknown(struct reader *in, const char *object, struct json_span name)
{
    struct json_bytes b = json_text_bytes(name);
    char shown[34];
    size_t len = 0;
    int c = json_text_byte(&b);
    bool plain = c >= 0;

    for (; plain && c >= 0; c = json_text_byte(&b)) {
        plain = len < sizeof shown - 2 && c > 0x20 && c < 0x7f && c != '"' && c != '\\';
        shown[len++] = (char)c;
    }
    shown[len] = 0;
    describe(in, object, plain ? shown : "?", "unknown member");
    return SG_ERR_BAD_FIELD;
}

/* Reads the members of one object, whose brace is at p; `object` NULL is the outermost. It calls
 * itself as deep as its table goes. */
static enum sg_err read_object(struct reader *in, const char *object, const uint8_t *p)
{
    enum sg_err err;
    bool more;

    for (p = json_text_open(p, &more); more; p = json_text_next(json_text_skip(p), &more)) {
        const struct json_field *f;
        struct json_span name;

        p = json_text_colon(json_text_string(p, &name));
        f = find_field(in, object, name);
        if (f == NULL)
            return refuse_unknown(in, object, name);
        err = read_value(in, f, p);
        if (err != SG_OK)
            return err;
        in->seen |= UINT64_C(1) << (f - in->fields);
        if (f->given != NULL)
            *f->given = true;
    }
    for (size_t i = 0; i < in->count; i++) {
        const struct json_field *f = &in->fields[i];

        if (f->required && (in->seen >> i & 1) == 0 && same_object(f->in, object)) {
            describe(in, f->in, f->name, "is missing");
            return SG_ERR_BAD_FIELD;
        }
    }
    return SG_OK;
}

enum sg_err json_in_parse(const uint8_t *text, size_t len, struct arena *arena,
                          const struct json_field *fields, size_t count,
                          char ret_detail[SG_JSON_DETAIL_SIZE])
{
    struct reader in = {.arena = arena, .fields = fields, .count = count, .detail = ret_detail};
    const char *reason;
    size_t offset;

    assert(count <= SG_JSON_FIELDS);
    ret_detail[0] = 0;
    if (json_scan(text, len, &reason, &offset) != SG_OK) {
        (void)snprintf(ret_detail, SG_JSON_DETAIL_SIZE,
                       "The body is not valid JSON: %s (byte %zu).", reason, offset);
        return SG_ERR_BAD_JSON;
    }
    text = json_text_skip_space(text);
    if (*text != '{') {
        (void)snprintf(ret_detail, SG_JSON_DETAIL_SIZE, "The body must be a JSON object.");
        return SG_ERR_BAD_JSON;
    }
    return read_object(&in, NULL, text);
}

bool json_in_has(const uint8_t *text, size_t len, const char *name)
{
    const char *reason;
    size_t offset;
    const uint8_t *p;
    bool more;

    if (json_scan(text, len, &reason, &offset) != SG_OK)
        return false;
    p = json_text_skip_space(text);
    if (*p != '{')
        return false;
    for (p = json_text_open(p, &more); more; p = json_text_next(json_text_skip(p), &more)) {
        struct json_span member;

        p = json_text_colon(json_text_string(p, &member));
        if (json_text_is(member, name, strlen(name)))
            return true;
    }
    return false;
}

enum sg_err json_in_read_into(struct request *r, struct arena *arena,
                              const struct json_field *fields, size_t count)
{
    char detail[SG_JSON_DETAIL_SIZE];
    size_t len;
    const uint8_t *body = request_body(r, &len);
    enum sg_err err =
        json_in_parse(body != NULL ? body : (const uint8_t *)"", len, arena, fields, count, detail);

    return err == SG_OK || detail[0] == 0 ? err : request_fail(r, err, "%s", detail);
}

enum sg_err json_in_read(struct request *r, const struct json_field *fields, size_t count)
{
    enum sg_err err = json_in_read_into(r, request_arena(r), fields, count);

    json_in_wipe_body(r);
    return err;
}

void json_in_wipe_body(struct request *r)
{
    size_t len;
    const uint8_t *body = request_body(r, &len);

    secret_wipe((void *)(uintptr_t)body, body != NULL ? len : 0);
}

void json_in_wipe(char *text)
{
    if (text != NULL)
        secret_wipe(text, strlen(text));
}
