/* SPDX-License-Identifier: Apache-2.0 */
/* Writes log records to standard error, one write(2) each; it never blocks on anything but that
 * write. */
#include "base/log.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"

#define FIELDS_MAX   24
#define VALUE_MAX    2048 /* bytes of one value; the rest is cut off */
#define RECORD_MAX   (512 * 1024)
#define EVENTS_MAX   64 /* event names with a limit of their own; the others share the last slot */
#define WINDOW_NS    (10 * SG_NS_PER_S)
#define WINDOW_LIMIT 50

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static struct {
    const char *role;
    enum log_format format;
    enum log_level least;
} settings = {.role = "main", .format = SG_LOG_TEXT, .least = SG_LOG_INFO};

struct limit {
    char event[64];
    int64_t window_start_ns;
    unsigned written;
    int64_t dropped;
};
static pthread_mutex_t limits_lock = PTHREAD_MUTEX_INITIALIZER;
static struct limit limits[EVENTS_MAX]; /* under limits_lock */

void log_setup(const char *role, enum log_format format, enum log_level least)
{
    settings.role = role;
    settings.format = format;
    settings.least = least;
}

bool log_enabled(enum log_level level)
{
    return level >= settings.least;
}

static struct limit *limit_for(const char *event)
{
    for (size_t i = 0; i < EVENTS_MAX - 1; i++) {
        if (limits[i].event[0] == '\0') {
            strncpy(limits[i].event, event, sizeof limits[i].event - 1);
            limits[i].window_start_ns = INT64_MIN;
        }
        if (strncmp(limits[i].event, event, sizeof limits[i].event - 1) == 0)
            return &limits[i];
    }
    return &limits[EVENTS_MAX - 1];
}

/* Whether the record may be written; how many were dropped before it. */
static bool within_limit(const char *event, int64_t *ret_dropped)
{
    int64_t now = clock_monotonic_ns();
    struct limit *l;
    bool ok;

    (void)pthread_mutex_lock(&limits_lock);
    l = limit_for(event);
    if (l->window_start_ns == INT64_MIN || now - l->window_start_ns >= WINDOW_NS) {
        l->window_start_ns = now;
        l->written = 0;
    }
    ok = l->written < WINDOW_LIMIT;
    if (ok) {
        l->written++;
        *ret_dropped = l->dropped;
        l->dropped = 0;
    } else {
        l->dropped++;
    }
    (void)pthread_mutex_unlock(&limits_lock);
    return ok;
}

/* Length of the well-formed UTF-8 sequence at `s` (RFC 3629), 0 when it is none. */
static size_t utf8_len(const uint8_t *s, size_t left)
{
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t len;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] == 0xe0)
        low = 0xa0;
    else if (s[0] == 0xed)
        high = 0x9f;
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4)
        high = 0x8f;
    if (left < len || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* C0 and C1 controls, DEL, and the line and paragraph separators, that some viewers obey. */
static bool is_control(const uint8_t *s, size_t len)
{
    if (len == 1)
        return s[0] < 0x20 || s[0] == 0x7f;
    if (len == 2)
        return s[0] == 0xc2 && s[1] < 0xa0;
    return len == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9);
}

static unsigned code_point(const uint8_t *s, size_t len)
{
    if (len == 1)
        return s[0];
    if (len == 2)
        return (s[0] & 0x1fU) << 6 | (s[1] & 0x3fU);
    return (s[0] & 0x0fU) << 12 | (s[1] & 0x3fU) << 6 | (s[2] & 0x3fU);
}

/* Appends a quoted string that is valid in JSON; bytes that are no UTF-8 become U+FFFD. */
static void put_quoted(struct buf *b, const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t left = strlen(text);
    bool cut = left > VALUE_MAX;

    if (cut)
        left = VALUE_MAX;
    buf_putc(b, '"');
    while (left > 0) {
        size_t len = utf8_len(s, left);

        if (len == 0) {
            buf_puts(b, "\\ufffd");
            len = 1;
        } else if (is_control(s, len)) {
            buf_printf(b, "\\u%04x", code_point(s, len));
        } else {
            if (s[0] == '"' || s[0] == '\\')
                buf_putc(b, '\\');
            buf_append(b, s, len);
        }
        s += len;
        left -= len;
    }
    buf_puts(b, cut ? "...\"" : "\"");
}

static void put_text_value(struct buf *b, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~:/@+,%[]*?&;!#$()";
    size_t len = strlen(text);

    if (len > 0 && len <= VALUE_MAX && strspn(text, plain) == len)
        buf_append(b, text, len);
    else
        put_quoted(b, text);
}

static void put_field(struct buf *b, const struct log_field *f)
{
    if (settings.format == SG_LOG_JSON) {
        buf_puts(b, b->len > 0 ? "," : "{");
        put_quoted(b, f->key);
        buf_putc(b, ':');
    } else {
        if (b->len > 0)
            buf_putc(b, ' ');
        buf_puts(b, f->key);
        buf_putc(b, '=');
    }
    if (f->text == NULL)
        buf_printf(b, "%lld", (long long)f->number);
    else if (settings.format == SG_LOG_JSON)
        put_quoted(b, f->text);
    else
        put_text_value(b, f->text);
}

void log_fields(enum log_level level, const char *event, const struct log_field *fields)
{
    SG_BUF_CLEANUP struct buf b;
    char time[SG_RFC3339_SIZE];
    int64_t dropped = 0;

    buf_init(&b, RECORD_MAX);
    if (!log_enabled(level) || (level >= SG_LOG_WARN && !within_limit(event, &dropped)))
        return;
    clock_format_rfc3339(clock_now_ns(), time);
    put_field(&b, &SG_STR("time", time));
    put_field(&b, &SG_STR("level", level_names[level]));
    put_field(&b, &SG_STR("role", settings.role));
    put_field(&b, &SG_STR("event", event));
    for (size_t i = 0; i < FIELDS_MAX && fields[i].key != NULL; i++)
        put_field(&b, &fields[i]);
    if (dropped > 0)
        put_field(&b, &SG_INT("dropped_before", dropped));
    buf_puts(&b, settings.format == SG_LOG_JSON ? "}\n" : "\n");
    if (buf_status(&b) == SG_OK && write(STDERR_FILENO, b.data, b.len) < 0)
        return; /* nowhere to report it */
}
