/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON input. Whatever the scanner accepts, json-c must accept whole; what the reader makes of it
 * keeps the limits that its table states.
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

static void library_agrees(const char *text, size_t len)
{
    struct json_tokener *t = json_tokener_new_ex(SG_JSON_DEPTH + 2);
    struct json_object *value;

    check(t != NULL);
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    value = json_tokener_parse_ex(t, text, (int)len + 1);
    check(json_tokener_get_error(t) == json_tokener_success);
    json_object_put(value);
    json_tokener_free(t);
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

static enum sg_err read_body(const char *text, size_t len, struct arena *a)
{
    char detail[SG_JSON_DETAIL_SIZE], *name = NULL, *inner = NULL;
    int64_t number = 7;
    bool flag = false, has_inner = false;
    const struct json_field fields[] = {
        {NULL, "name", SG_JSON_STRING, false, 1, 32, {.string = &name}, NULL},
        {NULL, "number", SG_JSON_INTEGER, false, -10, 31536000, {.integer = &number}, NULL},
        {NULL, "flag", SG_JSON_BOOLEAN, false, 0, 0, {.boolean = &flag}, NULL},
        {NULL, "inner", SG_JSON_OBJECT, false, 0, 0, {NULL}, &has_inner},
        {"inner", "name", SG_JSON_STRING, true, 0, 64, {.string = &inner}, NULL},
    };
    enum sg_err err = json_in_parse((const uint8_t *)text, len, a, fields,
                                    sizeof fields / sizeof fields[0], detail);

    check(err == SG_OK || detail[0] != 0);
    check(utf8_length(detail) != SIZE_MAX);
    check(number >= -10 && number <= 31536000);
    check_string(name, 1, 32);
    check_string(inner, 0, 64);
    check(err != SG_OK || !has_inner || inner != NULL);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(1024 * 1024);
    char *text = malloc(size + 1);
    const char *reason = NULL;
    size_t offset = 0;
    enum sg_err scanned, read;

    check(a != NULL && text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    scanned = json_scan((const uint8_t *)text, size, &reason, &offset);
    check(scanned == SG_OK || (reason != NULL && offset <= size));
    if (scanned == SG_OK)
        library_agrees(text, size);
    read = read_body(text, size, a);
    check(scanned == SG_OK || read == SG_ERR_BAD_JSON);
    free(text);
    arena_free(a);
    return 0;
}
