/* SPDX-License-Identifier: Apache-2.0 */
/* Reads clientDataJSON byte by byte; it keeps only what has to be checked. */
#include "core/passkeys_data.h"

#include <string.h>
#include <unistr.h>

struct cursor {
    const char *at, *end;
};

struct text {
    const char *data;
    size_t len;
    bool plain; /* printable ASCII, no escapes */
};

static bool take(struct cursor *c, char expected)
{
    if (c->at == c->end || *c->at != expected)
        return false;
    c->at++;
    return true;
}

static bool take_escape(struct cursor *c)
{
    if (c->at == c->end)
        return false;
    if (*c->at != 'u')
        return *c->at != '\0' && strchr("\"\\/bfnrt", *c->at++) != NULL;
    c->at++;
    for (int i = 0; i < 4; i++, c->at++)
        if (c->at == c->end || *c->at == '\0' || strchr("0123456789abcdefABCDEF", *c->at) == NULL)
            return false;
    return true;
}

static bool take_text(struct cursor *c, struct text *ret)
{
    bool plain = true;
    const char *start;

    if (!take(c, '"'))
        return false;
    start = c->at;
    while (c->at < c->end && *c->at != '"') {
        unsigned char byte = (unsigned char)*c->at++;

        if (byte < 0x20)
            return false;
        if (byte >= 0x7f || byte == '\\')
            plain = false;
        if (byte == '\\' && !take_escape(c))
            return false;
    }
    *ret = (struct text){.data = start, .len = (size_t)(c->at - start), .plain = plain};
    return take(c, '"');
}

static bool take_word(struct cursor *c, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
        return false;
    c->at += len;
    return true;
}

/* What no rule asks for: a number's grammar is not checked, only its characters. */
static bool take_number(struct cursor *c)
{
    const char *start = c->at;

    while (c->at < c->end && *c->at != '\0' && strchr("0123456789+-.eE", *c->at) != NULL)
        c->at++;
    return c->at > start;
}

static bool take_object_of_texts(struct cursor *c)
{
    struct text text;

    if (!take(c, '{'))
        return false;
    if (take(c, '}'))
        return true;
    do
        if (!take_text(c, &text) || !take(c, ':') || !take_text(c, &text))
            return false;
    while (take(c, ','));
    return take(c, '}');
}

static bool take_other(struct cursor *c)
{
    struct text text;

    if (c->at == c->end)
        return false;
    if (*c->at == '"')
        return take_text(c, &text);
    if (*c->at == '{')
        return take_object_of_texts(c);
    return take_word(c, "true") || take_word(c, "false") || take_word(c, "null") || take_number(c);
}

static bool is(const struct text *text, const char *name)
{
    return text->len == strlen(name) && memcmp(text->data, name, text->len) == 0;
}

static bool take_plain(struct cursor *c, const char **ret, size_t *ret_len)
{
    struct text text;

    if (!take_text(c, &text) || !text.plain)
        return false;
    *ret = text.data;
    *ret_len = text.len;
    return true;
}

static bool take_member(struct cursor *c, const struct text *name, struct passkey_client_data *ret)
{
    struct text text;

    if (is(name, "type"))
        return take_plain(c, &ret->type, &ret->type_len);
    if (is(name, "challenge"))
        return take_plain(c, &ret->challenge, &ret->challenge_len);
    if (is(name, "origin"))
        return take_plain(c, &ret->origin, &ret->origin_len);
    if (is(name, "topOrigin")) {
        ret->cross_origin = true;
        return take_text(c, &text);
    }
    if (is(name, "crossOrigin")) {
        if (take_word(c, "false"))
            return true;
        ret->cross_origin = true;
        return take_word(c, "true");
    }
    return take_other(c);
}

static bool read_object(struct cursor *c, struct passkey_client_data *ret)
{
    struct text names[SG_PASSKEY_MEMBERS];
    size_t count = 0;

    if (!take(c, '{'))
        return false;
    do {
        if (count == SG_PASSKEY_MEMBERS || !take_text(c, &names[count]) || !names[count].plain ||
            !take(c, ':'))
            return false;
        for (size_t i = 0; i < count; i++)
            if (names[i].len == names[count].len &&
                memcmp(names[i].data, names[count].data, names[i].len) == 0)
                return false;
        if (!take_member(c, &names[count], ret))
            return false;
        count++;
    } while (take(c, ','));
    return take(c, '}') && c->at == c->end;
}

enum sg_err passkeys_client_data(const uint8_t *text, size_t len, struct passkey_client_data *ret)
{
    struct cursor c = {.at = (const char *)text, .end = (const char *)text + len};
    struct passkey_client_data data = {.type = NULL};

    if (len > SG_PASSKEY_CLIENT_DATA_MAX || u8_check(text, len) != NULL || !read_object(&c, &data))
        return SG_ERR_BAD_FACTOR;
    if (data.type == NULL || data.challenge == NULL || data.origin == NULL)
        return SG_ERR_BAD_FACTOR;
    *ret = data;
    return SG_OK;
}
