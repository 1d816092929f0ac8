/* SPDX-License-Identifier: Apache-2.0 */
/* Paths on the gateway as they are typed. It never asks the gateway. */
#include "cli/remote.h"

#include "base/buf.h"
#include "base/encode.h"

#include <stdint.h>
#include <string.h>

static bool names_space(const char *typed)
{
    size_t len = strcspn(typed, "/");

    return (len == 6 && strncmp(typed, "common", 6) == 0) || (len > 1 && typed[0] == '~') ||
           (len > 1 && typed[0] == '@');
}

void remote_resolve(struct buf *b, const char *typed)
{
    if (typed[0] == '/') {
        buf_puts(b, typed + strspn(typed, "/"));
        return;
    }
    if (names_space(typed)) {
        buf_puts(b, typed);
        return;
    }
    while (typed[0] == '.' && (typed[1] == '/' || typed[1] == 0))
        typed += typed[1] ? 2 : 1;
    if (typed[0] == '~')
        typed += typed[1] == '/' ? 2 : 1;
    buf_puts(b, "~me/");
    buf_puts(b, typed);
}

void remote_target(struct buf *b, const char *path)
{
    buf_puts(b, "/v1/files/");
    encode_percent(b, path, strlen(path), 1);
}

void remote_query(struct buf *target, const char *name, const char *value)
{
    buf_putc(target, memchr(buf_str(target), '?', target->len) ? '&' : '?');
    buf_puts(target, name);
    buf_putc(target, '=');
    encode_percent(target, value, strlen(value), 0);
}

void remote_basename(const char *path, const char **ret, size_t *ret_len)
{
    size_t end = strlen(path), start;

    while (end > 0 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/';)
        start--;
    *ret = path + start;
    *ret_len = end - start;
}

bool remote_is_directory_name(const char *path)
{
    size_t len = strlen(path);

    return len == 0 || path[len - 1] == '/';
}

bool remote_is_safe_relative(const char *path)
{
    for (const char *p = path;; p++) {
        size_t len = strcspn(p, "/");

        if (len == 0 || len > 255 || (len == 1 && p[0] == '.') ||
            (len == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        for (size_t i = 0; i < len; i++) {
            if ((uint8_t)p[i] < 0x20 || p[i] == 0x7f || p[i] == '\\')
                return false;
        }
        p += len;
        if (!*p)
            return strlen(path) <= SG_REMOTE_PATH_MAX;
    }
}
