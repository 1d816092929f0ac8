/* SPDX-License-Identifier: Apache-2.0 */
/* Gives text that json_scan has accepted to json-c, and wipes what that makes of it. */
#include "api/json_text.h"

#include <json-c/json.h>
#include <json-c/json_visit.h>
#include <json-c/printbuf.h>

#include "api/json_scan.h"
#include "base/secret.h"

static int wipe_value(struct json_object *value, int flags, struct json_object *parent,
                      const char *name, size_t *index, void *arg)
{
    (void)flags;
    (void)parent;
    (void)name;
    (void)index;
    (void)arg;
    if (json_object_get_type(value) == json_type_string)
        secret_wipe((void *)(uintptr_t)json_object_get_string(value),
                    (size_t)json_object_get_string_len(value));
    return JSON_C_VISIT_RETURN_CONTINUE;
}

void json_text_free(struct json_object *value)
{
    if (value == NULL)
        return;
    (void)json_c_visit(value, 0, wipe_value, NULL);
    json_object_put(value);
}

enum sg_err json_text_parse(const uint8_t *text, size_t len, struct json_object **ret)
{
    /* The library counts one level more than there are containers. */
    struct json_tokener *t = json_tokener_new_ex(SG_JSON_DEPTH + 2);
    struct json_object *value;
    bool whole;

    if (t == NULL)
        return SG_ERR_NO_MEMORY;
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    /* Room for the longest string at once: no copy of a secret stays behind in memory that grew. */
    if (printbuf_memset(t->pb, 0, 0, (int)len + 1) < 0) {
        json_tokener_free(t);
        return SG_ERR_NO_MEMORY;
    }
    json_tokener_reset(t);
    value = json_tokener_parse_ex(t, (const char *)text, (int)len + 1);
    whole = json_tokener_get_error(t) == json_tokener_success;
    secret_wipe(t->pb->buf, (size_t)t->pb->size);
    json_tokener_free(t);
    if (!whole) {
        json_text_free(value);
        return SG_ERR_BAD_JSON;
    }
    *ret = value;
    return SG_OK;
}
