/* SPDX-License-Identifier: Apache-2.0 */
/* Rows with aligned columns. It never prints a cell that was not escaped. */
#include "cli/table.h"

#include "base/buf.h"
#include "cli/term.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>

#define SG_TABLE_CELL_MAX (size_t)65536
#define SG_TABLE_LINE_MAX ((size_t)1 << 20)
#define SG_TABLE_GAP      2

void table_init(struct table *t, size_t columns, const char *right)
{
    memset(t, 0, sizeof(*t));
    t->columns = columns;
    for (; *right; right++)
        t->right[*right - '0'] = true;
}

static void forget(struct table *t)
{
    for (size_t i = 0; i < t->rows * t->columns; i++)
        free(t->cells[i]);
    t->rows = 0;
}

void table_fini(struct table *t)
{
    forget(t);
    free(t->cells);
    free(t->colours);
    memset(t, 0, sizeof(*t));
}

static bool grow(struct table *t)
{
    size_t room = t->room ? t->room * 2 : 64;
    char **cells;
    const char **colours;

    if (t->rows < t->room)
        return true;
    cells = reallocarray(t->cells, room, t->columns * sizeof(*cells));
    if (cells)
        t->cells = cells;
    colours = reallocarray(t->colours, room, sizeof(*colours));
    if (colours)
        t->colours = colours;
    if (!cells || !colours)
        return false;
    t->room = room;
    return true;
}

void table_row(struct table *t, const char *const *cells, const char *colour)
{
    if (!grow(t)) {
        t->failed = true;
        return;
    }
    for (size_t i = 0; i < t->columns; i++) {
        struct buf cell;

        buf_init(&cell, SG_TABLE_CELL_MAX);
        text_escape(&cell, cells[i], strlen(cells[i]));
        char *text = cell.len ? buf_take(&cell, NULL) : strdup("");
        buf_fini(&cell);
        if (!text && !(text = strdup("?"))) {
            t->failed = true;
            while (i > 0)
                free(t->cells[t->rows * t->columns + --i]);
            return;
        }
        size_t width = text_width(text);
        if (width > t->width[i])
            t->width[i] = width;
        t->cells[t->rows * t->columns + i] = text;
    }
    t->colours[t->rows++] = colour;
}

static void pad(struct buf *line, size_t count)
{
    while (count-- > 0)
        buf_putc(line, ' ');
}

static void put_last(const struct table *t, size_t row, struct buf *line)
{
    const char *text = t->cells[row * t->columns + t->columns - 1];
    const char *colour = t->colours[row];

    if (colour)
        buf_puts(line, colour);
    buf_puts(line, text);
    if (colour)
        buf_puts(line, "\033[0m");
}

void table_print(struct table *t)
{
    SG_BUF_CLEANUP struct buf line = {0};

    buf_init(&line, SG_TABLE_LINE_MAX);
    for (size_t row = 0; row < t->rows; row++) {
        buf_clear(&line);
        for (size_t i = 0; i + 1 < t->columns; i++) {
            const char *text = t->cells[row * t->columns + i];
            size_t gap = t->width[i] - text_width(text);

            if (t->right[i])
                pad(&line, gap);
            buf_puts(&line, text);
            pad(&line, t->right[i] ? 1 : gap + 1 + (i + 2 < t->columns && !t->right[i + 1]));
        }
        put_last(t, row, &line);
        buf_putc(&line, '\n');
        term_write(buf_str(&line), line.len);
    }
    forget(t);
}

/* Columns of names: the most that fit, all as wide as the widest name. */
void table_print_names(struct table *t, size_t width)
{
    size_t cell = t->width[t->columns - 1] + SG_TABLE_GAP;
    size_t across = (width + SG_TABLE_GAP) / cell > 0 ? (width + SG_TABLE_GAP) / cell : 1;
    size_t down = (t->rows + across - 1) / across;
    SG_BUF_CLEANUP struct buf line = {0};

    buf_init(&line, SG_TABLE_LINE_MAX);
    for (size_t y = 0; y < down; y++) {
        buf_clear(&line);
        for (size_t row = y; row < t->rows; row += down) {
            const char *text = t->cells[row * t->columns + t->columns - 1];

            put_last(t, row, &line);
            if (row + down < t->rows)
                pad(&line, cell - text_width(text));
        }
        buf_putc(&line, '\n');
        term_write(buf_str(&line), line.len);
    }
    forget(t);
}
