/* SPDX-License-Identifier: Apache-2.0 */
/* Reads forms; what does not decode exactly is refused, never guessed. */
#include "api/form_in.h"

#include <stdbool.h>
#include <string.h>

#include "api/utf8.h"
#include "base/encode.h"
#include "base/secret.h"

#define BASIC_MAX 1024 /* bytes of a client's name and secret */

/* Decodes one name or value into the arena. */
static enum sg_err decode(struct arena *arena, const char *text, size_t len, char **ret,
                          const char **ret_reason)
{
    char *decoded = arena_alloc(arena, len + 1);
    size_t size;

    if (decoded == NULL)
        return SG_ERR_NO_MEMORY;
    *ret_reason = "The form has a broken escape.";
    if (encode_unpercent(text, len, true, decoded, &size) != SG_OK)
        return SG_ERR_BAD_FIELD;
    *ret_reason = "The form has a control character.";
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)decoded[i] < 0x20 || decoded[i] == 0x7f)
            return SG_ERR_BAD_FIELD;
    *ret_reason = "The form is not valid UTF-8.";
    if (utf8_length(decoded) == SIZE_MAX)
        return SG_ERR_BAD_FIELD;
    *ret = decoded;
    return SG_OK;
}

struct seen {
    char *name[SG_FORM_PARAMETERS];
    size_t count;
};

/* Remembers a name; an error when it is there already. */
static enum sg_err note_name(struct seen *seen, char *name, const char **ret_reason)
{
    *ret_reason = "The form has a parameter twice.";
    for (size_t i = 0; i < seen->count; i++)
        if (strcmp(seen->name[i], name) == 0)
            return SG_ERR_BAD_FIELD;
    *ret_reason = "The form has too many parameters.";
    if (seen->count == SG_FORM_PARAMETERS)
        return SG_ERR_BAD_FIELD;
    seen->name[seen->count++] = name;
    return SG_OK;
}

static enum sg_err read_pair(struct arena *arena, const char *pair, size_t len, struct seen *seen,
                             struct form_field *fields, size_t count, const char **ret_reason)
{
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - pair) : len;
    char *name = NULL, *value = NULL;
    enum sg_err err = decode(arena, pair, name_len, &name, ret_reason);

    if (err == SG_OK)
        err = note_name(seen, name, ret_reason);
    if (err == SG_OK && equals != NULL)
        err = decode(arena, equals + 1, len - name_len - 1, &value, ret_reason);
    if (err != SG_OK || value == NULL || value[0] == 0)
        return err;
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            fields[i].value = value;
    return SG_OK;
}

enum sg_err form_in_parse(const uint8_t *body, size_t len, struct arena *arena,
                          struct form_field *fields, size_t count, const char **ret_reason)
{
    const char *p = (const char *)body, *end = p + len;
    struct seen seen = {.count = 0};

    for (size_t i = 0; i < count; i++)
        fields[i].value = NULL;
    while (p < end) {
        const char *next = memchr(p, '&', (size_t)(end - p));
        const char *stop = next != NULL ? next : end;
        enum sg_err err = SG_OK;

        if (stop > p)
            err = read_pair(arena, p, (size_t)(stop - p), &seen, fields, count, ret_reason);
        if (err != SG_OK)
            return err;
        p = next != NULL ? next + 1 : end;
    }
    return SG_OK;
}

enum sg_err form_in_basic(const char *text, struct arena *arena, char **ret_id, char **ret_secret)
{
    char plain[BASIC_MAX], *id = NULL, *secret = NULL;
    const char *reason, *colon = NULL;
    size_t len = 0;
    enum sg_err err =
        encode_unbase64(text, strlen(text), (uint8_t *)plain, sizeof plain, &len) == SG_OK
            ? SG_OK
            : SG_ERR_BAD_FIELD;

    if (err == SG_OK)
        colon = memchr(plain, ':', len);
    if (colon == NULL)
        err = SG_ERR_BAD_FIELD;
    if (err == SG_OK)
        err = decode(arena, plain, (size_t)(colon - plain), &id, &reason);
    if (err == SG_OK)
        err = decode(arena, colon + 1, len - (size_t)(colon - plain) - 1, &secret, &reason);
    secret_wipe(plain, sizeof plain);
    if (err != SG_OK)
        return err;
    *ret_id = id;
    *ret_secret = secret;
    return SG_OK;
}
