/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of stored files: decoding, normalization and checks. Pure functions; it never touches a
 * file system. */
#include "core/path.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/encode.h"
#include "base/text.h"

/* Most bytes that are decoded at all: three for each of the longest path, and one slash. */
#define SG_ENCODED_MAX (3 * (SG_PATH_MAX + 1))

static bool is_ascii(const char *text, size_t len)
{
    uint8_t all = 0;
    for (size_t i = 0; i < len; i++)
        all |= (uint8_t)text[i];
    return all < 0x80;
}

static bool has_encoded_slash(const char *text, size_t len)
{
    for (size_t i = 0; i + 2 < len; i++) {
        if (text[i] != '%')
            continue;
        char low = text[i + 2];
        if (text[i + 1] == '2' && (low == 'f' || low == 'F'))
            return true;
        if (text[i + 1] == '5' && (low == 'c' || low == 'C'))
            return true;
    }
    return false;
}

/* What is wrong with decoded text, apart from its segments; NULL: nothing. */
static const char *check_text(const char *text, size_t len)
{
    if (!is_ascii(text, len) && u8_check((const uint8_t *)text, len))
        return "it is not valid UTF-8";
    if (text_has_control(text, len))
        return "it has a control character";
    if (memchr(text, '\\', len))
        return "it has a backslash";
    return NULL;
}

static const char *check_segments(const char *text, size_t len)
{
    size_t start = 0, count = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != '/')
            continue;
        const char *segment = text + start;
        size_t n = i - start;
        if (n == 0)
            return "a segment is empty";
        if ((n == 1 && segment[0] == '.') || (n == 2 && segment[0] == '.' && segment[1] == '.'))
            return "a segment is . or ..";
        if (n > SG_PATH_SEGMENT_MAX)
            return "a segment is longer than 255 bytes";
        if (++count > SG_PATH_DEPTH_MAX)
            return "it has more than 128 segments";
        start = i + 1;
    }
    return NULL;
}

/* NFC into the arena; most text is ASCII and stays as it is. */
static enum sg_err normalize(const char **text, size_t *len, struct arena *arena)
{
    if (is_ascii(*text, *len))
        return SG_OK;
    size_t size = 0;
    uint8_t *nfc = u8_normalize(UNINORM_NFC, (const uint8_t *)*text, *len, NULL, &size);
    if (!nfc)
        return SG_ERR_NO_MEMORY;
    char *copy = arena_memdup(arena, nfc, size);
    free(nfc);
    if (!copy)
        return SG_ERR_NO_MEMORY;
    *text = copy;
    *len = size;
    return SG_OK;
}

/* `text` holds the path and, for a directory, its last slash. */
static enum sg_err split(const char *text, size_t len, struct arena *arena, struct path *ret,
                         const char **ret_reason)
{
    struct path path = {.rest = ""};
    if (text[len - 1] == '/') {
        path.directory = true;
        len--;
    }
    if (len > SG_PATH_MAX)
        *ret_reason = "it is longer than 4096 bytes";
    else
        *ret_reason = check_segments(text, len);
    if (*ret_reason)
        return SG_ERR_BAD_PATH;
    const char *slash = memchr(text, '/', len);
    size_t space = slash ? (size_t)(slash - text) : len;
    if (space >= sizeof(path.space)) {
        *ret_reason = "the name of the space is too long";
        return SG_ERR_BAD_PATH;
    }
    memcpy(path.space, text, space);
    if (slash)
        path.rest = arena_memdup(arena, slash + 1, len - space - 1);
    if (!path.rest)
        return SG_ERR_NO_MEMORY;
    *ret = path;
    return SG_OK;
}

static enum sg_err parse_decoded(const char *text, size_t len, struct arena *arena,
                                 struct path *ret, const char **ret_reason)
{
    *ret_reason = check_text(text, len);
    if (*ret_reason)
        return SG_ERR_BAD_PATH;
    enum sg_err err = normalize(&text, &len, arena);
    return err ? err : split(text, len, arena, ret, ret_reason);
}

enum sg_err path_parse(const char *encoded, size_t len, struct arena *arena, struct path *ret,
                       const char **ret_reason)
{
    *ret_reason = NULL;
    if (len == 0)
        *ret_reason = "it is empty";
    else if (len > SG_ENCODED_MAX)
        *ret_reason = "it is longer than 4096 bytes";
    else if (has_encoded_slash(encoded, len))
        *ret_reason = "it has an encoded slash or backslash";
    if (*ret_reason)
        return SG_ERR_BAD_PATH;

    char *decoded = arena_alloc(arena, len + 1);
    size_t size = 0;
    if (!decoded)
        return SG_ERR_NO_MEMORY;
    if (encode_unpercent(encoded, len, 0, decoded, &size)) {
        *ret_reason = "it has a broken escape";
        return SG_ERR_BAD_PATH;
    }
    return parse_decoded(decoded, size, arena, ret, ret_reason);
}

enum sg_err path_text(const char *text, size_t len, struct arena *arena, struct path *ret,
                      const char **ret_reason)
{
    *ret_reason = NULL;
    if (len == 0)
        *ret_reason = "it is empty";
    else if (len > SG_PATH_MAX + 1)
        *ret_reason = "it is longer than 4096 bytes";
    return *ret_reason ? SG_ERR_BAD_PATH : parse_decoded(text, len, arena, ret, ret_reason);
}

enum sg_err path_prefix(const char *text, struct arena *arena, const char **ret)
{
    size_t len = strlen(text);
    if (len > SG_PATH_MAX || check_text(text, len))
        return SG_ERR_BAD_FIELD;
    const char *nfc = text;
    enum sg_err err = normalize(&nfc, &len, arena);
    if (err)
        return err;
    if (len > SG_PATH_MAX)
        return SG_ERR_BAD_FIELD;
    *ret = nfc;
    return SG_OK;
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
