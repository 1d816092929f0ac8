/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON input. Whatever the scanner accepts, json-c must accept whole and read as the reader does;
 * what the reader makes of it keeps the limits that its table states.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "api/json_in.h"
#include "api/json_out.h"
#include "api/json_scan.h"
#include "api/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

/* What json-c makes of it; the caller's. */
static struct json_object *library_reads(const char *text, size_t len)
{
    struct json_tokener *t = json_tokener_new_ex(SG_JSON_DEPTH + 2);
    struct json_object *value;

    check(t != NULL);
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    value = json_tokener_parse_ex(t, text, (int)len + 1);
    check(json_tokener_get_error(t) == json_tokener_success);
    json_tokener_free(t);
    return value;
}

static void same_string(struct json_object *object, const char *name, const char *text)
{
    struct json_object *value;

    if (text == NULL)
        return;
    check(json_object_object_get_ex(object, name, &value));
    check(strcmp(json_object_get_string(value), text) == 0);
}

static void check_string(const char *text, size_t min, size_t max)
{
    struct json_out o;
    const char *reason;
    size_t offset, length;

    if (text == NULL)
        return;
    length = utf8_length(text);
    check(length != SIZE_MAX && length >= min && length <= max);
    json_out_init(&o, 65536);
    json_out_string(&o, NULL, text);
    check(buf_status(&o.buf) == SG_OK &&
          json_scan(o.buf.data, o.buf.len, &reason, &offset) == SG_OK);
    json_out_fini(&o);
}

struct item {
    char *name;
    int64_t size;
    bool has_size, has_digest;
    uint8_t digest[4];
};

static void same_items(struct json_object *body, const struct json_objects *items)
{
    const struct item *all = items->items;
    struct json_object *array, *value;

    if (!json_object_object_get_ex(body, "items", &array))
        return;
    check(json_object_array_length(array) == items->count);
    for (size_t i = 0; i < items->count; i++) {
        struct json_object *item = json_object_array_get_idx(array, i);

        check(all[i].name != NULL);
        check_string(all[i].name, 1, 8);
        same_string(item, "name", all[i].name);
        check(json_object_object_get_ex(item, "size", &value) == all[i].has_size);
        check(!all[i].has_size || json_object_get_int64(value) == all[i].size);
        check(json_object_object_get_ex(item, "digests", &value) || !all[i].has_digest);
    }
}

static enum sg_err read_body(const char *text, size_t len, struct arena *a,
                             struct json_object *known)
{
    char detail[SG_JSON_DETAIL_SIZE], *name = NULL, *inner = NULL;
    int64_t number = 7;
    bool flag = false, has_inner = false;
    struct item one;
    const struct json_field item[] = {
        {NULL, "name", SG_JSON_STRING, true, 1, 8, {.string = &one.name}, NULL},
        {NULL, "size", SG_JSON_INTEGER, false, 0, 99, {.integer = &one.size}, &one.has_size},
        {NULL, "digests", SG_JSON_OBJECT, false, 0, 0, {NULL}, NULL},
        {"digests", "d", SG_JSON_HEX, true, 4, 4, {.bytes = one.digest}, &one.has_digest},
    };
    struct json_objects items = {.fields = item,
                                 .field_count = sizeof item / sizeof item[0],
                                 .one = &one,
                                 .size = sizeof one};
    const struct json_field fields[] = {
        {NULL, "name", SG_JSON_STRING, false, 1, 32, {.string = &name}, NULL},
        {NULL, "number", SG_JSON_INTEGER, false, -10, 31536000, {.integer = &number}, NULL},
        {NULL, "flag", SG_JSON_BOOLEAN, false, 0, 0, {.boolean = &flag}, NULL},
        {NULL, "inner", SG_JSON_OBJECT, false, 0, 0, {NULL}, &has_inner},
        {"inner", "name", SG_JSON_STRING, true, 0, 64, {.string = &inner}, NULL},
        {NULL, "items", SG_JSON_OBJECTS, false, 0, 16, {.objects = &items}, NULL},
        {NULL, "any", SG_JSON_ANY, false, 0, 0, {NULL}, NULL},
    };
    enum sg_err err = json_in_parse((const uint8_t *)text, len, a, fields,
                                    sizeof fields / sizeof fields[0], detail);

    check(err == SG_OK || detail[0] != 0);
    check(utf8_length(detail) != SIZE_MAX);
    check(number >= -10 && number <= 31536000);
    check_string(name, 1, 32);
    check_string(inner, 0, 64);
    check(err != SG_OK || !has_inner || inner != NULL);
    if (err == SG_OK) {
        same_string(known, "name", name);
        same_items(known, &items);
    }
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(1024 * 1024);
    char *text = malloc(size + 1);
    const char *reason = NULL;
    struct json_object *known = NULL;
    size_t offset = 0;
    enum sg_err scanned, read;

    check(a != NULL && text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    scanned = json_scan((const uint8_t *)text, size, &reason, &offset);
    check(scanned == SG_OK || (reason != NULL && offset <= size));
    if (scanned == SG_OK)
        known = library_reads(text, size);
    read = read_body(text, size, a, known);
    check(scanned == SG_OK || read == SG_ERR_BAD_JSON);
    json_object_put(known);
    free(text);
    arena_free(a);
    return 0;
}
