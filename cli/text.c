/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people: escaping for terminals, width, sizes, dates, durations. It never prints. */
#include "cli/text.h"

#include "base/buf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#define SG_TEXT_DURATION_MAX (INT64_C(10) * 366 * 86400)

/* Decodes one character of valid UTF-8; 0 for anything else. */
static size_t decode(const uint8_t *s, size_t len, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7fU >> n);

    if (n == 0 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fU);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret = c;
    return n;
}

/* Characters that reorder or hide their neighbours, or end the line, without being C0 or C1. */
static bool is_deceptive(uint32_t c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

void text_escape(struct buf *b, const char *text, size_t len)
{
    const uint8_t *s = (const uint8_t *)text;

    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t n = decode(s + i, len - i, &c);

        if (n > 0 && is_deceptive(c)) {
            buf_printf(b, "\\u{%x}", c);
        } else if (n > 0 && !is_control(c)) {
            buf_append(b, s + i, n);
        } else {
            n = n > 0 ? n : 1;
            for (size_t k = 0; k < n; k++)
                buf_printf(b, "\\x%02x", s[i + k]);
        }
        i += n;
    }
}

void text_escape_json(struct buf *b, const char *json, size_t len)
{
    const uint8_t *s = (const uint8_t *)json;

    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t n = decode(s + i, len - i, &c);

        if (n == 0)
            buf_puts(b, "\\ufffd");
        else if (c >= 0x20 && (is_control(c) || is_deceptive(c)))
            buf_printf(b, "\\u%04x", c);
        else
            buf_append(b, s + i, n);
        i += n > 0 ? n : 1;
    }
}

static size_t char_width(uint32_t c)
{
    int width = wcwidth((wchar_t)c);

    return width < 0 ? 1 : (size_t)width;
}

size_t text_fit(const char *text, size_t columns)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t len = strlen(text), used = 0, i = 0;

    while (i < len) {
        uint32_t c = '?';
        size_t n = decode(s + i, len - i, &c);
        size_t width = char_width(c);

        if (used + width > columns)
            break;
        used += width;
        i += n > 0 ? n : 1;
    }
    return i;
}

size_t text_width(const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t len = strlen(text), width = 0;

    for (size_t i = 0; i < len;) {
        uint32_t c = '?';
        size_t n = decode(s + i, len - i, &c);

        width += char_width(c);
        i += n > 0 ? n : 1;
    }
    return width;
}

void text_size(int64_t bytes, bool human, char ret[SG_TEXT_SIZE])
{
    static const char units[] = "KMGTPE";
    double value = (double)bytes;
    size_t unit = 0;

    if (!human || bytes < 1024) {
        snprintf(ret, SG_TEXT_SIZE, "%lld", (long long)bytes);
        return;
    }
    for (value /= 1024; value >= 1023.5 && unit + 1 < sizeof(units) - 1; unit++)
        value /= 1024;
    snprintf(ret, SG_TEXT_SIZE, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

bool text_parse_time(const char *rfc3339, int64_t *ret_unix_s)
{
    struct tm tm = {0};
    const char *rest = strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!rest)
        return false;
    if (*rest == '.') {
        do
            rest++;
        while (isdigit((unsigned char)*rest));
    }
    if (strcmp(rest, "Z") != 0)
        return false;
    *ret_unix_s = (int64_t)timegm(&tm);
    return true;
}

bool text_parse_moment(const char *text, int64_t now, int64_t *ret_unix_s)
{
    struct tm tm = {.tm_isdst = -1};
    const char *rest;
    int64_t ago;

    if (text_parse_time(text, ret_unix_s))
        return true;
    rest = strptime(text, "%Y-%m-%d", &tm);
    if (rest && !*rest) {
        int day = tm.tm_mday;

        *ret_unix_s = (int64_t)mktime(&tm);
        return tm.tm_mday == day; /* there is no 31st of February */
    }
    if (!text_parse_duration(text, &ago))
        return false;
    *ret_unix_s = now - ago;
    return true;
}

enum local_form { SG_LOCAL_RECENT, SG_LOCAL_OLD, SG_LOCAL_FULL };

static void format_local(int64_t unix_s, enum local_form form, char ret[SG_TEXT_SIZE])
{
    time_t when = (time_t)unix_s;
    struct tm tm;
    size_t len = 0;

    if (localtime_r(&when, &tm)) {
        if (form == SG_LOCAL_RECENT)
            len = strftime(ret, SG_TEXT_SIZE, "%b %e %H:%M", &tm);
        else if (form == SG_LOCAL_OLD)
            len = strftime(ret, SG_TEXT_SIZE, "%b %e  %Y", &tm);
        else
            len = strftime(ret, SG_TEXT_SIZE, "%Y-%m-%d %H:%M", &tm);
    }
    if (len == 0)
        snprintf(ret, SG_TEXT_SIZE, "?");
}

void text_date(int64_t unix_s, int64_t now, char ret[SG_TEXT_SIZE])
{
    const int64_t half_year = INT64_C(31556952) / 2;
    bool recent = unix_s > now - half_year && unix_s <= now + 60;

    format_local(unix_s, recent ? SG_LOCAL_RECENT : SG_LOCAL_OLD, ret);
}

void text_datetime(int64_t unix_s, char ret[SG_TEXT_SIZE])
{
    format_local(unix_s, SG_LOCAL_FULL, ret);
}

void text_duration(int64_t seconds, char ret[SG_TEXT_SIZE])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;

    if (seconds < 0)
        seconds = 0;
    while (i < 3 && seconds < units[i].seconds)
        i++;
    int64_t count = seconds / units[i].seconds;
    snprintf(ret, SG_TEXT_SIZE, "%lld %s%s", (long long)count, units[i].name,
             count == 1 ? "" : "s");
}

bool text_parse_duration(const char *text, int64_t *ret_seconds)
{
    int64_t value = 0, unit = 1;
    const char *p = text;

    for (; isdigit((unsigned char)*p); p++) {
        value = value * 10 + (*p - '0');
        if (value > SG_TEXT_DURATION_MAX)
            return false;
    }
    if (p == text || (*p && p[1]))
        return false;
    switch (*p) {
    case 0:
    case 's':
        break;
    case 'm':
        unit = 60;
        break;
    case 'h':
        unit = 3600;
        break;
    case 'd':
        unit = 86400;
        break;
    case 'w':
        unit = 7 * INT64_C(86400);
        break;
    default:
        return false;
    }
    if (value < 1 || value > SG_TEXT_DURATION_MAX / unit)
        return false;
    *ret_seconds = value * unit;
    return true;
}
