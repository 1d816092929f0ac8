/* SPDX-License-Identifier: Apache-2.0 */
/* Digest fields (RFC 9530): a structured-field dictionary (RFC 8941) read strictly; what is of no
 * interest in it is checked and skipped. */
#include "http/fields.h"

#include <string.h>

#include "base/encode.h"

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool skip_key(const char **p)
{
    if (!is_lower(**p) && **p != '*')
        return false;
    while (is_lower(**p) || is_digit(**p) || (**p != '\0' && strchr("_-.*", **p) != NULL))
        (*p)++;
    return true;
}

static bool skip_number(const char **p)
{
    size_t digits = 0;

    if (**p == '-')
        (*p)++;
    for (; is_digit(**p); (*p)++)
        digits++;
    if (digits == 0 || digits > 15)
        return false;
    if (**p != '.')
        return true;
    (*p)++;
    if (digits > 12)
        return false;
    for (digits = 0; is_digit(**p); (*p)++)
        digits++;
    return digits >= 1 && digits <= 3;
}

static bool skip_string(const char **p)
{
    for ((*p)++; **p != '"'; (*p)++) {
        if (**p == '\\') {
            (*p)++;
            if (**p != '"' && **p != '\\')
                return false;
        } else if (**p < 0x20 || **p == 0x7F) {
            return false; /* the end of the text, too */
        }
    }
    (*p)++;
    return true;
}

static bool skip_bytes(const char **p)
{
    const char *q = *p + 1;

    while (is_alpha(*q) || is_digit(*q) || *q == '+' || *q == '/' || *q == '=')
        q++;
    if (*q != ':')
        return false;
    *p = q + 1;
    return true;
}

static bool skip_bare_item(const char **p)
{
    char c = **p;

    if (c == '"')
        return skip_string(p);
    if (c == ':')
        return skip_bytes(p);
    if (c == '-' || is_digit(c))
        return skip_number(p);
    if (c == '?') {
        if ((*p)[1] != '0' && (*p)[1] != '1')
            return false;
        *p += 2;
        return true;
    }
    if (!is_alpha(c) && c != '*')
        return false;
    while (**p == ':' || **p == '/' || fields_token(*p, **p != '\0'))
        (*p)++;
    return true;
}

static bool skip_parameters(const char **p)
{
    while (**p == ';') {
        (*p)++;
        *p += strspn(*p, " ");
        if (!skip_key(p))
            return false;
        if (**p == '=') {
            (*p)++;
            if (!skip_bare_item(p))
                return false;
        }
    }
    return true;
}

static bool skip_inner_list(const char **p)
{
    (*p)++;
    for (;;) {
        *p += strspn(*p, " ");
        if (**p == ')') {
            (*p)++;
            return true;
        }
        if (!skip_bare_item(p) || !skip_parameters(p) || (**p != ' ' && **p != ')'))
            return false;
    }
}

/* One `key[=value]`; *ret_value NULL for a key without a value, else where the value begins. */
static bool skip_member(const char **p, size_t *ret_key_len, const char **ret_value)
{
    const char *key = *p;

    if (!skip_key(p))
        return false;
    *ret_key_len = (size_t)(*p - key);
    *ret_value = NULL;
    if (**p == '=') {
        (*p)++;
        *ret_value = *p;
        if (!(**p == '(' ? skip_inner_list(p) : skip_bare_item(p)))
            return false;
    }
    return skip_parameters(p);
}

static enum sg_err decode_sha256(const char *value, uint8_t digest[32])
{
    size_t len;

    if (value == NULL || *value != ':')
        return SG_ERR_BAD_FIELD;
    value++;
    if (encode_unbase64(value, strcspn(value, ":"), digest, 32, &len) != SG_OK || len != 32)
        return SG_ERR_BAD_FIELD;
    return SG_OK;
}

enum sg_err fields_digest(const char *value, uint8_t ret[32], bool *ret_present)
{
    uint8_t digest[32] = {0};
    bool present = false;
    const char *p = value;

    if (value == NULL) {
        *ret_present = false;
        return SG_OK;
    }
    p += strspn(p, " ");
    while (*p != '\0') {
        const char *key = p;
        const char *item;
        size_t key_len;

        if (!skip_member(&p, &key_len, &item))
            return SG_ERR_BAD_FIELD;
        if (key_len == 7 && memcmp(key, "sha-256", 7) == 0) {
            if (decode_sha256(item, digest) != SG_OK)
                return SG_ERR_BAD_FIELD;
            present = true;
        } else if (item == NULL || *item != ':') {
            return SG_ERR_BAD_FIELD; /* every digest is a byte sequence */
        }
        p += strspn(p, " \t");
        if (*p == '\0')
            break;
        if (*p++ != ',')
            return SG_ERR_BAD_FIELD;
        p += strspn(p, " \t");
        if (*p == '\0')
            return SG_ERR_BAD_FIELD; /* a trailing comma */
    }
    if (present)
        memcpy(ret, digest, sizeof digest);
    *ret_present = present;
    return SG_OK;
}
