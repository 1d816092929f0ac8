/* SPDX-License-Identifier: Apache-2.0 */
/* Guesses media types with GLib's view of the shared MIME database. It never reads a stored file.
 */
#include "core/mediatype.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <gio/gio.h>
#include <unistr.h>

static const char fallback[] = "application/octet-stream";

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$&-^_.+", c));
}

/* type "/" subtype of RFC 6838 section 4.2, short enough for a charset to follow. */
static bool is_media_type(const char *text)
{
    size_t type = 0, subtype = 0;
    while (is_token_char(text[type]))
        type++;
    if (type == 0 || text[type] != '/')
        return false;
    text += type + 1;
    while (is_token_char(text[subtype]))
        subtype++;
    return subtype > 0 && text[subtype] == '\0' && type + 1 + subtype < SG_MEDIATYPE_SIZE - 16;
}

/* True for UTF-8 whose last character may be cut off, without NUL. */
static bool is_utf8(const uint8_t *data, size_t len)
{
    if (len == 0)
        return true;
    if (memchr(data, 0, len))
        return false;
    const uint8_t *bad = u8_check(data, len);
    if (!bad)
        return true;
    size_t rest = len - (size_t)(bad - data);
    ucs4_t c;
    return rest < 4 && u8_mbtoucr(&c, bad, rest) == -2;
}

void mediatype_guess(const char *name, const void *data, size_t len, char ret[SG_MEDIATYPE_SIZE])
{
    static const uint8_t nothing[1];
    if (len > SG_MEDIATYPE_SNIFF)
        len = SG_MEDIATYPE_SNIFF;
    if (!data)
        data = nothing;
    g_autofree char *type = g_content_type_guess(name, data, len, NULL);
    g_autofree char *mime = type ? g_content_type_get_mime_type(type) : NULL;
    const char *found = mime && is_media_type(mime) ? mime : fallback;
    /* Kinds of the database that are no media types of content. */
    if (strncmp(found, "inode/", 6) == 0 || strcmp(found, "application/x-zerosize") == 0)
        found = fallback;
    bool text = strncmp(found, "text/", 5) == 0 && is_utf8(data, len);
    (void)snprintf(ret, SG_MEDIATYPE_SIZE, "%s%s", found, text ? "; charset=utf-8" : "");
}
