/* SPDX-License-Identifier: Apache-2.0 */
/* Reads bodies by table: json_scan first, then json-c; it never lets a value through that it did
 * not check. */
#include "api/json_in.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "api/json_scan.h"
#include "api/json_text.h"
#include "api/utf8.h"
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

static enum sg_err copy_string(struct reader *in, const struct json_field *f,
                               struct json_object *value, int64_t min, int64_t max, char **ret)
{
    const char *text;
    size_t characters;

    if (json_object_get_type(value) != json_type_string)
        return refuse_value(in, f);
    text = json_object_get_string(value);
    characters = utf8_length(text);
    if (strlen(text) != (size_t)json_object_get_string_len(value) || characters == SIZE_MAX ||
        (int64_t)characters < min || (int64_t)characters > max)
        return refuse_value(in, f);
    *ret = arena_strdup(in->arena, text);
    return *ret != NULL ? SG_OK : SG_ERR_NO_MEMORY;
}

static enum sg_err read_strings(struct reader *in, const struct json_field *f,
                                struct json_object *value)
{
    struct json_strings *to = f->to.strings;
    size_t count;
    enum sg_err err = SG_OK;

    if (json_object_get_type(value) != json_type_array)
        return refuse_value(in, f);
    count = json_object_array_length(value);
    if ((int64_t)count < f->min || (int64_t)count > f->max)
        return refuse_value(in, f);
    to->items = arena_alloc(in->arena, (count + 1) * sizeof *to->items);
    if (to->items == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; err == SG_OK && i < count; i++)
        err = copy_string(in, f, json_object_array_get_idx(value, i), 1, SG_JSON_ITEM_MAX,
                          &to->items[i]);
    to->count = count;
    return err;
}

static enum sg_err read_integer(struct reader *in, const struct json_field *f,
                                struct json_object *value)
{
    int64_t number;

    if (json_object_get_type(value) != json_type_int)
        return refuse_value(in, f);
    number = json_object_get_int64(value);
    if (number < f->min || number > f->max)
        return refuse_value(in, f);
    *f->to.integer = number;
    return SG_OK;
}

static enum sg_err read_hex(struct reader *in, const struct json_field *f,
                            struct json_object *value)
{
    if (json_object_get_type(value) != json_type_string ||
        encode_unhex(json_object_get_string(value), (size_t)json_object_get_string_len(value),
                     f->to.bytes, (size_t)f->max) != SG_OK)
        return refuse_value(in, f);
    return SG_OK;
}

static enum sg_err read_object(struct reader *in, const char *name, struct json_object *object);

static enum sg_err read_objects(struct reader *in, const struct json_field *f,
                                struct json_object *array)
{
    struct json_objects *to = f->to.objects;
    enum sg_err err = SG_OK;
    uint8_t *items;
    size_t count;

    if (json_object_get_type(array) != json_type_array)
        return refuse_value(in, f);
    count = json_object_array_length(array);
    if ((int64_t)count < f->min || (int64_t)count > f->max)
        return refuse_value(in, f);
    items = arena_alloc(in->arena, count * to->size + 1);
    if (items == NULL)
        return SG_ERR_NO_MEMORY;
    to->items = items;
    for (to->count = 0; err == SG_OK && to->count < count; to->count++) {
        struct json_object *value = json_object_array_get_idx(array, to->count);
        struct reader one = {.arena = in->arena,
                             .fields = to->fields,
                             .count = to->field_count,
                             .array = f->name,
                             .index = to->count,
                             .detail = in->detail};

        memset(to->one, 0, to->size);
        if (json_object_get_type(value) != json_type_object) {
            describe(&one, NULL, "", "must be an object");
            return SG_ERR_BAD_FIELD;
        }
        err = read_object(&one, NULL, value);
        memcpy(items + to->count * to->size, to->one, to->size);
    }
    return err;
}

static enum sg_err read_inner(struct reader *in, const struct json_field *f,
                              struct json_object *value)
{
    char path[PATH_SIZE];

    if (json_object_get_type(value) != json_type_object)
        return refuse_value(in, f);
    (void)snprintf(path, sizeof path, "%s%s%s", f->in != NULL ? f->in : "",
                   f->in != NULL ? "." : "", f->name);
    return read_object(in, path, value);
}

static enum sg_err read_value(struct reader *in, const struct json_field *f,
                              struct json_object *value)
{
    switch (f->kind) {
    case SG_JSON_STRING:
        return copy_string(in, f, value, f->min, f->max, f->to.string);
    case SG_JSON_STRINGS:
        return read_strings(in, f, value);
    case SG_JSON_INTEGER_OR_NULL:
        if (value == NULL) {
            *f->to.integer = 0;
            return SG_OK;
        }
        return read_integer(in, f, value);
    case SG_JSON_INTEGER:
        return read_integer(in, f, value);
    case SG_JSON_BOOLEAN:
        if (json_object_get_type(value) != json_type_boolean)
            return refuse_value(in, f);
        *f->to.boolean = json_object_get_boolean(value);
        return SG_OK;
    case SG_JSON_OBJECT:
        return read_inner(in, f, value);
    case SG_JSON_HEX:
        return read_hex(in, f, value);
    case SG_JSON_OBJECTS:
        return read_objects(in, f, value);
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
                                           const char *name)
{
    for (size_t i = 0; i < in->count; i++)
        if (strcmp(in->fields[i].name, name) == 0 && same_object(in->fields[i].in, object))
            return &in->fields[i];
    return NULL;
}

/* The detail names an unknown member only if that is harmless to show. */
static enum sg_err refuse_unknown(struct reader *in, const char *object, const char *name)
{
    bool plain = name[0] != 0 && strlen(name) <= 32;

    for (const char *p = name; *p != 0; p++)
        plain = plain && *p > 0x20 && *p < 0x7f && *p != '"' && *p != '\\';
    describe(in, object, plain ? name : "?", "unknown member");
    return SG_ERR_BAD_FIELD;
}

/* Reads the members of one object; `name` NULL is the outermost. It calls itself as deep as its
 * table goes. */
static enum sg_err read_object(struct reader *in, const char *name, struct json_object *object)
{
    enum sg_err err;

    json_object_object_foreach(object, key, value)
    {
        const struct json_field *f = find_field(in, name, key);

        if (f == NULL)
            return refuse_unknown(in, name, key);
        err = read_value(in, f, value);
        if (err != SG_OK)
            return err;
        in->seen |= UINT64_C(1) << (f - in->fields);
        if (f->given != NULL)
            *f->given = true;
    }
    for (size_t i = 0; i < in->count; i++) {
        const struct json_field *f = &in->fields[i];

        if (f->required && (in->seen >> i & 1) == 0 && same_object(f->in, name)) {
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
    struct json_object *body;
    const char *reason;
    size_t offset;
    enum sg_err err;

    assert(count <= SG_JSON_FIELDS);
    ret_detail[0] = 0;
    if (len >= INT32_MAX)
        return SG_ERR_TOO_LARGE;
    if (json_scan(text, len, &reason, &offset) != SG_OK) {
        (void)snprintf(ret_detail, SG_JSON_DETAIL_SIZE,
                       "The body is not valid JSON: %s (byte %zu).", reason, offset);
        return SG_ERR_BAD_JSON;
    }
    err = json_text_parse(text, len, &body);
    if (err != SG_OK)
        return err;
    if (json_object_get_type(body) == json_type_object) {
        err = read_object(&in, NULL, body);
    } else {
        (void)snprintf(ret_detail, SG_JSON_DETAIL_SIZE, "The body must be a JSON object.");
        err = SG_ERR_BAD_JSON;
    }
    json_text_free(body);
    return err;
}

bool json_in_has(const uint8_t *text, size_t len, const char *name)
{
    struct json_object *body;
    const char *reason;
    size_t offset;
    bool has;

    if (len >= INT32_MAX || json_scan(text, len, &reason, &offset) != SG_OK ||
        json_text_parse(text, len, &body) != SG_OK)
        return false;
    has = json_object_get_type(body) == json_type_object &&
          json_object_object_get_ex(body, name, NULL);
    json_text_free(body);
    return has;
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
