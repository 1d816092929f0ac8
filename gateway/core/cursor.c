/* SPDX-License-Identifier: Apache-2.0 */
/* The binary form of listing cursors. Decoding trusts nothing: every field must be what encoding
 * would have written. */
#include "core/cursor.h"

#include <gnutls/crypto.h>
#include <string.h>
#include <unistr.h>

#include "base/encode.h"

/* version (1), order (1), hash of the listing (8), key (8, big-endian), the row's path below the
 * directory */
#define SG_CURSOR_VERSION 1
#define SG_CURSOR_HEAD    18
#define SG_CURSOR_HASH    8
#define SG_CURSOR_MAX     (SG_CURSOR_HEAD + SG_PATH_SIZE)

static uint8_t order_byte(const struct entry_query *query)
{
    return (uint8_t)((unsigned)query->sort | (query->descending ? 4u : 0u) |
                     (query->recursive ? 8u : 0u));
}

static enum sg_err listing_hash(const struct entry_query *query, uint8_t ret[SG_CURSOR_HASH])
{
    const char *prefix = query->prefix ? query->prefix : "";
    uint8_t digest[SG_DIGEST_SIZE];
    gnutls_hash_hd_t hash;
    if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) != 0)
        return SG_ERR_INTERNAL;
    int rc = gnutls_hash(hash, &query->space_id, sizeof(query->space_id));
    rc |= gnutls_hash(hash, query->dir, strlen(query->dir) + 1);
    rc |= gnutls_hash(hash, prefix, strlen(prefix) + 1);
    gnutls_hash_deinit(hash, digest);
    if (rc != 0)
        return SG_ERR_INTERNAL;
    memcpy(ret, digest, SG_CURSOR_HASH);
    return SG_OK;
}

/* Where the part below the directory begins in a path that is in it. */
static size_t below(const struct entry_query *query)
{
    size_t len = strlen(query->dir);
    return len > 0 ? len + 1 : 0;
}

char *cursor_encode(const struct entry_query *query, const struct entry_record *last,
                    struct arena *arena)
{
    uint8_t raw[SG_CURSOR_MAX];
    const char *tail = last->path + below(query);
    size_t len = strlen(tail);
    uint64_t key = 0;
    if (query->sort == SG_SORT_SIZE)
        key = last->size;
    else if (query->sort == SG_SORT_MODIFIED)
        key = (uint64_t)last->modified_ns;
    if (len > sizeof(raw) - SG_CURSOR_HEAD)
        return NULL;
    raw[0] = SG_CURSOR_VERSION;
    raw[1] = order_byte(query);
    if (listing_hash(query, raw + 2))
        return NULL;
    encode_be64(key, raw + 10);
    memcpy(raw + SG_CURSOR_HEAD, tail, len);
    char *text = arena_alloc(arena, SG_BASE64_SIZE(SG_CURSOR_HEAD + len));
    if (text)
        encode_base64url(raw, SG_CURSOR_HEAD + len, text);
    return text;
}

/* A path below the listed directory, as a row there can have it. */
static bool is_tail(const struct entry_query *query, const uint8_t *tail, size_t len)
{
    const char *prefix = query->prefix ? query->prefix : "";
    size_t prefix_len = strlen(prefix);
    if (len == 0 || below(query) + len >= SG_PATH_SIZE || u8_check(tail, len))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (tail[i] < 0x20 || tail[i] == 0x7f)
            return false;
        if (tail[i] == '/' && (!query->recursive || i == 0 || i == len - 1 || tail[i - 1] == '/'))
            return false;
    }
    return prefix_len <= len && memcmp(tail, prefix, prefix_len) == 0;
}

enum sg_err cursor_decode(const char *text, struct arena *arena, struct entry_query *query)
{
    uint8_t raw[SG_CURSOR_MAX], hash[SG_CURSOR_HASH];
    size_t len = 0, text_len = strlen(text);
    if (text_len >= SG_BASE64_SIZE(SG_CURSOR_MAX) ||
        encode_unbase64url(text, text_len, raw, sizeof(raw), &len) || len <= SG_CURSOR_HEAD)
        return SG_ERR_BAD_CURSOR;
    if (raw[0] != SG_CURSOR_VERSION || raw[1] != order_byte(query))
        return SG_ERR_BAD_CURSOR;
    enum sg_err err = listing_hash(query, hash);
    if (err)
        return err;
    if (memcmp(hash, raw + 2, sizeof(hash)) != 0 ||
        !is_tail(query, raw + SG_CURSOR_HEAD, len - SG_CURSOR_HEAD))
        return SG_ERR_BAD_CURSOR;
    uint64_t key = encode_unbe64(raw + 10);
    if ((query->sort == SG_SORT_NAME && key != 0) ||
        (query->sort == SG_SORT_SIZE && key > INT64_MAX))
        return SG_ERR_BAD_CURSOR;
    char *path = arena_printf(arena, "%s%s%.*s", query->dir, query->dir[0] ? "/" : "",
                              (int)(len - SG_CURSOR_HEAD), (const char *)raw + SG_CURSOR_HEAD);
    if (!path)
        return SG_ERR_NO_MEMORY;
    query->after_path = path;
    query->after_size = query->sort == SG_SORT_SIZE ? key : 0;
    query->after_modified_ns = query->sort == SG_SORT_MODIFIED ? (int64_t)key : 0;
    return SG_OK;
}
