/* SPDX-License-Identifier: Apache-2.0 */
/* The text of cursors: one spelling for each, anything else is refused. */
#include "core/eventcursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SG_EVENTCURSOR_MAX (UINT64_C(1) << 53) /* numbers that JSON can carry */

/* Decimal without leading zeros, up to `end`; NULL when it is none. */
static const char *number(const char *text, char end, uint64_t *ret)
{
    uint64_t n = 0;
    size_t len = strspn(text, "0123456789");

    if (len == 0 || len > 16 || (text[0] == '0' && len > 1) || text[len] != end)
        return NULL;
    for (size_t i = 0; i < len; i++)
        n = 10 * n + (uint64_t)(text[i] - '0');
    if (n >= SG_EVENTCURSOR_MAX)
        return NULL;
    *ret = n;
    return text + len + (end != '\0');
}

enum sg_err eventcursor_parse(const char *text, const char *epoch, struct eventcursor *ret)
{
    struct eventcursor cursor = {.seq = 0};
    size_t len = strspn(text, "0123456789abcdef");
    const char *at;

    if (len != SG_EPOCH_SIZE - 1 || text[len] != '.')
        return SG_ERR_BAD_CURSOR;
    at = number(text + len + 1, '.', &cursor.seq);
    if (at != NULL) {
        cursor.has_note = true;
        at = number(at, '\0', &cursor.note);
    } else {
        at = number(text + len + 1, '\0', &cursor.seq);
    }
    if (at == NULL)
        return SG_ERR_BAD_CURSOR;
    if (strncmp(text, epoch, len) != 0 || epoch[len] != '\0')
        return SG_ERR_CURSOR_EPOCH;
    *ret = cursor;
    return SG_OK;
}

void eventcursor_format(const char *epoch, const struct eventcursor *cursor,
                        char ret[SG_EVENTCURSOR_SIZE])
{
    if (cursor->has_note)
        (void)snprintf(ret, SG_EVENTCURSOR_SIZE, "%s.%" PRIu64 ".%" PRIu64, epoch, cursor->seq,
                       cursor->note);
    else
        (void)snprintf(ret, SG_EVENTCURSOR_SIZE, "%s.%" PRIu64, epoch, cursor->seq);
}
