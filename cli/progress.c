/* SPDX-License-Identifier: Apache-2.0 */
/* The progress bar of transfers. It never writes to anything but a terminal. */
#include "cli/progress.h"

#include "base/buf.h"
#include "base/clock.h"
#include "cli/term.h"
#include "cli/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SG_PROGRESS_INTERVAL_NS (100 * SG_NS_PER_MS)
#define SG_PROGRESS_NAME_WIDTH  24
#define SG_PROGRESS_BAR_MAX     40
#define SG_PROGRESS_LINE_MAX    1024

void progress_init(struct progress *p)
{
    memset(p, 0, sizeof(*p));
    p->started_ns = clock_monotonic_ns();
}

static void put_bar(struct buf *line, size_t width, int percent)
{
    size_t full = width * (size_t)percent / 100;

    buf_putc(line, '[');
    for (size_t i = 0; i < width; i++)
        buf_putc(line, i < full ? '#' : i == full ? '>' : '.');
    buf_putc(line, ']');
}

/* The name of the only file, or how many are done. */
static void put_label(struct buf *line, const struct progress *p)
{
    SG_BUF_CLEANUP struct buf name = {0};

    if (p->files > 1) {
        buf_printf(line, "%zu/%zu files", p->files_done, p->files);
        return;
    }
    buf_init(&name, 65536);
    text_escape(&name, p->name, strlen(p->name));
    buf_append(line, buf_str(&name), text_fit(buf_str(&name), SG_PROGRESS_NAME_WIDTH));
}

void progress_format(const struct progress *p, size_t columns, int64_t elapsed_ns, char *ret,
                     size_t size)
{
    SG_BUF_CLEANUP struct buf line = {0}, tail = {0};
    char moved[SG_TEXT_SIZE], expected[SG_TEXT_SIZE], rate_text[SG_TEXT_SIZE];
    double seconds = (double)(elapsed_ns > 1 ? elapsed_ns : 1) / (double)SG_NS_PER_S;
    int64_t fresh = p->moved - p->initial;
    double rate = fresh > 0 ? (double)fresh / seconds : 0;
    int64_t left = p->expected > p->moved ? p->expected - p->moved : 0;

    buf_init(&line, SG_PROGRESS_LINE_MAX);
    buf_init(&tail, SG_PROGRESS_LINE_MAX);
    text_size(p->moved, true, moved);
    text_size(p->expected, true, expected);
    text_size((int64_t)rate, true, rate_text);
    if (p->expected > 0) {
        int percent = p->moved >= p->expected ? 100 : (int)(p->moved * 100 / p->expected);
        int64_t eta = rate > 0 ? (int64_t)((double)left / rate) : 0;

        buf_printf(&tail, " %3d%%  %s/%s  %s/s  %lld:%02lld", percent, moved, expected, rate_text,
                   (long long)(eta / 60), (long long)(eta % 60));
        put_label(&line, p);
        size_t used = text_width(buf_str(&line)) + tail.len + 4;
        if (used + 10 <= columns) {
            size_t room = columns - used;

            buf_puts(&line, "  ");
            put_bar(&line, room < SG_PROGRESS_BAR_MAX ? room : SG_PROGRESS_BAR_MAX, percent);
        }
    } else {
        buf_printf(&tail, "  %s  %s/s", moved, rate_text);
        put_label(&line, p);
    }
    buf_puts(&line, buf_str(&tail));
    snprintf(ret, size, "%s", buf_str(&line));
}

void progress_draw(struct progress *p, int now)
{
    char line[SG_PROGRESS_LINE_MAX];
    int64_t time_ns = clock_monotonic_ns();

    if (!term_has_status() || (!now && time_ns - p->drawn_ns < SG_PROGRESS_INTERVAL_NS))
        return;
    p->drawn_ns = time_ns;
    progress_format(p, term_columns(STDERR_FILENO) - 1, time_ns - p->started_ns, line,
                    sizeof(line));
    term_status(line);
}
