/* SPDX-License-Identifier: Apache-2.0 */
/* A thin layer on json-c. It never trusts the type of anything that came from outside. */
#include "cli/json.h"

#include "base/buf.h"
#include "cli/term.h"
#include "cli/text.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#define SG_JSON_DEPTH      32
#define SG_JSON_OUTPUT_MAX ((size_t)256 << 20)
#define SG_JSON_FLAGS      (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

void json_cleanup(struct json_object **json)
{
    (void)json_object_put(*json);
    *json = NULL;
}

struct json_object *json_parse(const char *text, size_t len)
{
    struct json_tokener *tokener = len < INT_MAX ? json_tokener_new_ex(SG_JSON_DEPTH) : NULL;
    struct json_object *json;

    if (!tokener)
        return NULL;
    /* Strict json-c takes white space at the end for content. */
    while (len > 0 && memchr(" \t\r\n", text[len - 1], 4))
        len--;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json = json_tokener_parse_ex(tokener, text, (int)len);
    bool whole = json_tokener_get_error(tokener) == json_tokener_success &&
                 json_tokener_get_parse_end(tokener) == len;
    json_tokener_free(tokener);
    if (!whole)
        json_cleanup(&json);
    return json;
}

static struct json_object *get(struct json_object *object, const char *key, enum json_type type)
{
    struct json_object *member = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &member) || !json_object_is_type(member, type))
        return NULL;
    return member;
}

const char *json_text(struct json_object *object, const char *key, const char *fallback)
{
    struct json_object *member = get(object, key, json_type_string);

    if (!member)
        return fallback;
    const char *text = json_object_get_string(member);
    /* An embedded NUL would make it read as something else than it is. */
    return strlen(text) == (size_t)json_object_get_string_len(member) ? text : fallback;
}

int64_t json_int(struct json_object *object, const char *key, int64_t fallback)
{
    struct json_object *member = get(object, key, json_type_int);

    return member ? json_object_get_int64(member) : fallback;
}

bool json_truth(struct json_object *object, const char *key, bool fallback)
{
    struct json_object *member = get(object, key, json_type_boolean);

    return member ? json_object_get_boolean(member) != 0 : fallback;
}

struct json_object *json_member(struct json_object *object, const char *key)
{
    return get(object, key, json_type_object);
}

struct json_object *json_array(struct json_object *object, const char *key)
{
    return get(object, key, json_type_array);
}

bool json_put(struct json_object *object, const char *key, struct json_object *value)
{
    if (object && json_object_object_add(object, key, value) == 0)
        return true;
    (void)json_object_put(value);
    return false;
}

bool json_put_text(struct json_object *object, const char *key, const char *value)
{
    struct json_object *text = value ? json_object_new_string(value) : NULL;

    return (text || !value) && json_put(object, key, text);
}

bool json_put_int(struct json_object *object, const char *key, int64_t value)
{
    struct json_object *number = json_object_new_int64(value);

    return number && json_put(object, key, number);
}

bool json_put_bool(struct json_object *object, const char *key, bool value)
{
    struct json_object *truth = json_object_new_boolean(value);

    return truth && json_put(object, key, truth);
}

void json_append(struct buf *b, struct json_object *json)
{
    size_t len = 0;
    const char *text = json_object_to_json_string_length(json, SG_JSON_FLAGS, &len);

    if (text)
        text_escape_json(b, text, len);
}

void json_print(struct json_object *json)
{
    SG_BUF_CLEANUP struct buf line = {0};

    buf_init(&line, SG_JSON_OUTPUT_MAX);
    json_append(&line, json);
    buf_putc(&line, '\n');
    term_write(buf_str(&line), line.len);
}
