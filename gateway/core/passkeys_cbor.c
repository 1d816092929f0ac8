/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the outer map of an attestationObject (CTAP2 canonical CBOR, RFC 8949) and the layout of
 * authenticator data; what keys and extensions mean is libfido2's. */
#include "core/passkeys_data.h"

#include <string.h>

enum major { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };

#define FALSE_VALUE 20 /* simple values: false, true, null */
#define NULL_VALUE  22

struct cursor {
    const uint8_t *at, *end;
};

/* An item's head: major type and argument in its shortest form, up to 32 bits. */
static bool take_head(struct cursor *c, unsigned *ret_major, uint32_t *ret)
{
    static const uint32_t least[] = {24, 0x100, 0x10000};
    uint32_t value = 0;
    unsigned info, bytes;

    if (c->at == c->end)
        return false;
    info = *c->at & 0x1f;
    *ret_major = *c->at++ >> 5;
    if (info < 24) {
        *ret = info;
        return true;
    }
    if (info > 26)
        return false;
    bytes = 1U << (info - 24);
    if ((size_t)(c->end - c->at) < bytes)
        return false;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | *c->at++;
    *ret = value;
    return value >= least[info - 24];
}

static bool take_string(struct cursor *c, enum major expected, struct passkey_bytes *ret)
{
    unsigned major = 0;
    uint32_t len = 0;

    if (!take_head(c, &major, &len) || major != expected || (size_t)(c->end - c->at) < len)
        return false;
    *ret = (struct passkey_bytes){.data = c->at, .len = len};
    c->at += len;
    return true;
}

static bool take_map(struct cursor *c, uint32_t count)
{
    unsigned major = 0;
    uint32_t value = 0;

    return take_head(c, &major, &value) && major == MAP && value == count;
}

static bool is(const struct passkey_bytes *text, const char *name)
{
    return text->len == strlen(name) && memcmp(text->data, name, text->len) == 0;
}

/* {} or {alg: negative integer, sig: bytes} in either order. */
static bool take_statement(struct cursor *c, struct passkey_attestation_object *ret)
{
    const uint8_t *start = c->at;
    unsigned major = 0;
    uint32_t value = 0, entries = 0;
    struct passkey_bytes name, sig = {.data = NULL};
    bool alg = false;

    if (!take_head(c, &major, &entries) || major != MAP || (entries != 0 && entries != 2))
        return false;
    for (uint32_t i = 0; i < entries; i++) {
        if (!take_string(c, TEXT, &name))
            return false;
        if (!alg && is(&name, "alg")) {
            alg = take_head(c, &major, &value) && major == NEGATIVE;
            ret->algorithm = -1 - (int64_t)value;
            if (!alg)
                return false;
        } else if (sig.data != NULL || !is(&name, "sig") || !take_string(c, BYTES, &sig)) {
            return false;
        }
    }
    if (entries != 0 && (!alg || sig.data == NULL))
        return false;
    ret->statement = (struct passkey_bytes){.data = start, .len = (size_t)(c->at - start)};
    return true;
}

enum sg_err passkeys_attestation_object(const uint8_t *data, size_t len,
                                        struct passkey_attestation_object *ret)
{
    struct cursor c = {.at = data, .end = data + len};
    struct passkey_attestation_object object = {.self = false};
    struct passkey_bytes name, format = {.data = NULL};

    if (len > SG_PASSKEY_ATTESTATION_MAX || !take_map(&c, 3))
        return SG_ERR_BAD_FACTOR;
    for (int i = 0; i < 3; i++) {
        bool read = false;

        if (!take_string(&c, TEXT, &name))
            return SG_ERR_BAD_FACTOR;
        if (is(&name, "fmt") && format.data == NULL)
            read = take_string(&c, TEXT, &format);
        else if (is(&name, "attStmt") && object.statement.data == NULL)
            read = take_statement(&c, &object);
        else if (is(&name, "authData") && object.auth_data.data == NULL)
            read = take_string(&c, BYTES, &object.auth_data);
        if (!read)
            return SG_ERR_BAD_FACTOR;
    }
    object.self = is(&format, "packed");
    if (c.at != c.end || (!object.self && !is(&format, "none")) ||
        object.self != (object.statement.len > 1))
        return SG_ERR_BAD_FACTOR;
    *ret = object;
    return SG_OK;
}

/* One item without what it holds; *ret_items: how many are in it. */
static bool take_item(struct cursor *c, size_t *ret_items)
{
    unsigned major = 0;
    uint32_t value = 0;
    size_t left;

    if (!take_head(c, &major, &value))
        return false;
    left = (size_t)(c->end - c->at);
    *ret_items = 0;
    switch ((enum major)major) {
    case UNSIGNED:
    case NEGATIVE:
        return true;
    case BYTES:
    case TEXT:
        if (value > left)
            return false;
        c->at += value;
        return true;
    case ARRAY:
        *ret_items = value;
        return value <= left;
    case MAP:
        *ret_items = 2 * (size_t)value;
        return value <= left / 2;
    case SIMPLE:
        return value >= FALSE_VALUE && value <= NULL_VALUE;
    case TAG:
    default:
        return false;
    }
}

/* A whole map with all that is in it. */
static bool take_whole_map(struct cursor *c)
{
    size_t left[SG_PASSKEY_DEPTH + 1] = {1};
    size_t depth = 0;

    if (c->at == c->end || *c->at >> 5 != MAP)
        return false;
    for (;;) {
        size_t items = 0;

        while (left[depth] == 0)
            if (depth-- == 0)
                return true;
        left[depth]--;
        if (!take_item(c, &items))
            return false;
        if (items == 0)
            continue;
        if (depth == SG_PASSKEY_DEPTH)
            return false;
        left[++depth] = items;
    }
}

/* What comes before the key of a new credential. */
static bool take_credential_id(struct cursor *c)
{
    size_t left = (size_t)(c->end - c->at), len;

    if (left < 18)
        return false;
    len = (size_t)c->at[16] << 8 | c->at[17];
    if (len == 0 || len > SG_PASSKEY_ID_MAX || len > left - 18)
        return false;
    c->at += 18 + len;
    return true;
}

enum sg_err passkeys_auth_head(const uint8_t *data, size_t len, struct passkey_auth_head *ret)
{
    struct cursor c = {.at = data, .end = data + len};
    uint8_t flags;

    if (len < SG_PASSKEY_AUTH_HEAD || len > SG_PASSKEY_AUTHENTICATOR_MAX)
        return SG_ERR_BAD_FACTOR;
    flags = data[32];
    c.at += SG_PASSKEY_AUTH_HEAD;
    if (((flags & SG_PASSKEY_BS) != 0 && (flags & SG_PASSKEY_BE) == 0) ||
        ((flags & SG_PASSKEY_AT) != 0 && (!take_credential_id(&c) || !take_whole_map(&c))) ||
        ((flags & SG_PASSKEY_ED) != 0 && !take_whole_map(&c)) || c.at != c.end)
        return SG_ERR_BAD_FACTOR;
    *ret = (struct passkey_auth_head){.rp_sha256 = data,
                                      .flags = flags,
                                      .sign_count = (uint32_t)data[33] << 24 |
                                                    (uint32_t)data[34] << 16 |
                                                    (uint32_t)data[35] << 8 | data[36]};
    return SG_OK;
}
