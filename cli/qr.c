/* SPDX-License-Identifier: Apache-2.0 */
/* A QR code on a terminal. It draws what it is given and makes no code itself. */
#include "cli/qr.h"

#include "base/buf.h"

#include <json-c/json.h>
#include <string.h>

#define SG_QR_LEAST 21
#define SG_QR_MOST  177
#define SG_QR_QUIET 4

struct square {
    const char *row[SG_QR_MOST];
    int size;
};

static bool read_rows(struct json_object *rows, struct square *ret)
{
    size_t count = json_object_is_type(rows, json_type_array) ? json_object_array_length(rows) : 0;

    if (count < SG_QR_LEAST || count > SG_QR_MOST)
        return false;
    ret->size = (int)count;
    for (size_t i = 0; i < count; i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);

        ret->row[i] = json_object_is_type(row, json_type_string) ? json_object_get_string(row) : "";
        if (strlen(ret->row[i]) != count || strspn(ret->row[i], "01") != count)
            return false;
    }
    return true;
}

static bool is_dark(const struct square *s, int x, int y)
{
    return x >= 0 && y >= 0 && x < s->size && y < s->size && s->row[y][x] == '1';
}

bool qr_append(struct buf *b, struct json_object *rows, bool inverse)
{
    static const char *const block[] = {" ", "\u2580", "\u2584", "\u2588"};
    struct square s;

    if (!read_rows(rows, &s))
        return false;
    for (int y = -SG_QR_QUIET; y < s.size + SG_QR_QUIET; y += 2) {
        for (int x = -SG_QR_QUIET; x < s.size + SG_QR_QUIET; x++) {
            bool upper = is_dark(&s, x, y) == inverse;
            /* Below the last row there is nothing: the line has a half to spare. */
            bool lower = y + 1 < s.size + SG_QR_QUIET && is_dark(&s, x, y + 1) == inverse;

            buf_puts(b, block[upper + 2 * lower]);
        }
        buf_putc(b, '\n');
    }
    return !b->failed;
}
