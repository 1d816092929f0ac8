/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of proofs of possession, byte by byte; it never allocates, never recurses, never
 * guesses. */
#include "core/dpopjwt.h"

#include <string.h>

struct cursor {
    const char *at, *end;
};

static void skip_blank(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r' || *c->at == '\n'))
        c->at++;
}

/* With the white space before it. */
static bool take(struct cursor *c, char expected)
{
    skip_blank(c);
    if (c->at == c->end || *c->at != expected)
        return false;
    c->at++;
    return true;
}

/* An escape's length after the backslash; 0: none that JSON knows. */
static size_t escape_size(const struct cursor *c)
{
    if (c->at == c->end)
        return 0;
    if (*c->at != 'u')
        return memchr("\"\\/bfnrt", *c->at, 8) != NULL ? 1 : 0;
    if (c->end - c->at < 5)
        return 0;
    for (size_t i = 1; i < 5; i++)
        if (memchr("0123456789abcdefABCDEF", c->at[i], 22) == NULL)
            return 0;
    return 5;
}

/* The text between the quotes, escapes as they stand. */
static bool take_string(struct cursor *c, const char **ret, size_t *ret_len)
{
    if (!take(c, '"'))
        return false;
    *ret = c->at;
    while (c->at < c->end && *c->at != '"') {
        if ((unsigned char)*c->at < 0x20)
            return false;
        if (*c->at++ == '\\') {
            size_t n = escape_size(c);

            if (n == 0)
                return false;
            c->at += n;
        }
    }
    *ret_len = (size_t)(c->at - *ret);
    return take(c, '"');
}

static size_t digits(struct cursor *c)
{
    const char *start = c->at;

    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return (size_t)(c->at - start);
}

/* RFC 8259, section 6. */
static bool take_number(struct cursor *c)
{
    const char *start;

    if (*c->at == '-')
        c->at++;
    start = c->at;
    if (digits(c) == 0 || (*start == '0' && c->at - start > 1))
        return false;
    if (c->at < c->end && *c->at == '.') {
        c->at++;
        if (digits(c) == 0)
            return false;
    }
    if (c->at < c->end && (*c->at == 'e' || *c->at == 'E')) {
        c->at++;
        if (c->at < c->end && (*c->at == '+' || *c->at == '-'))
            c->at++;
        return digits(c) > 0;
    }
    return true;
}

static bool take_word(struct cursor *c)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strlen(words[i]);

        if ((size_t)(c->end - c->at) >= len && memcmp(c->at, words[i], len) == 0) {
            c->at += len;
            return true;
        }
    }
    return false;
}

static bool take_scalar(struct cursor *c, struct dpopjwt_member *m)
{
    bool done;

    skip_blank(c);
    if (c->at == c->end)
        return false;
    if (*c->at == '"') {
        m->kind = SG_DPOPJWT_STRING;
        return take_string(c, &m->text, &m->text_len);
    }
    m->text = c->at;
    m->kind =
        *c->at == '-' || (*c->at >= '0' && *c->at <= '9') ? SG_DPOPJWT_NUMBER : SG_DPOPJWT_WORD;
    done = m->kind == SG_DPOPJWT_NUMBER ? take_number(c) : take_word(c);
    m->text_len = (size_t)(c->at - m->text);
    return done;
}

static bool is_named(const struct dpopjwt_member *m, const char *name, size_t len)
{
    return m->name_len == len && memcmp(m->name, name, len) == 0;
}

/* A member's name: one that no other has. One with an escape in it is refused. */
static bool take_name(struct cursor *c, struct dpopjwt_object *object)
{
    struct dpopjwt_member *m = &object->member[object->count];

    if (object->count == SG_DPOPJWT_MEMBERS || !take_string(c, &m->name, &m->name_len) ||
        memchr(m->name, '\\', m->name_len) != NULL)
        return false;
    for (size_t i = 0; i < object->count; i++)
        if (is_named(&object->member[i], m->name, m->name_len))
            return false;
    return take(c, ':');
}

/* What follows the opening brace of an object without others in it. */
static bool take_flat(struct cursor *c, struct dpopjwt_object *ret)
{
    if (take(c, '}'))
        return true;
    do {
        if (!take_name(c, ret) || !take_scalar(c, &ret->member[ret->count]))
            return false;
        ret->count++;
    } while (take(c, ','));
    return take(c, '}');
}

/* One member of the outer object. */
static bool take_member(struct cursor *c, const char *inner, struct dpopjwt_object *ret,
                        struct dpopjwt_object *ret_inner)
{
    struct dpopjwt_member *m = &ret->member[ret->count];

    if (!take_name(c, ret))
        return false;
    if (inner != NULL && is_named(m, inner, strlen(inner)) && take(c, '{')) {
        m->kind = SG_DPOPJWT_WORD; /* there, and not to be there again */
        m->text = c->at;
        m->text_len = 0;
        ret->count++;
        return take_flat(c, ret_inner);
    }
    if (!take_scalar(c, m))
        return false;
    ret->count++;
    return true;
}

enum sg_err dpopjwt_json(const char *text, size_t len, const char *inner,
                         struct dpopjwt_object *ret, struct dpopjwt_object *ret_inner)
{
    struct cursor c = {.at = text, .end = text + len};

    ret->count = 0;
    if (ret_inner != NULL)
        ret_inner->count = 0;
    if (!take(&c, '{'))
        return SG_ERR_BAD_JSON;
    if (!take(&c, '}')) {
        do {
            if (!take_member(&c, inner, ret, ret_inner))
                return SG_ERR_BAD_JSON;
        } while (take(&c, ','));
        if (!take(&c, '}'))
            return SG_ERR_BAD_JSON;
    }
    skip_blank(&c);
    return c.at == c.end ? SG_OK : SG_ERR_BAD_JSON;
}
