/* SPDX-License-Identifier: Apache-2.0 */
/* Times as RFC 3339 and RFC 9110 text, in UTC; it never looks at the locale or at TZ. */
#include "base/clock.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define DAY_S   INT64_C(86400)
#define FIRST_S INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define LAST_S  INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char long_days[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

struct civil {
    int year;
    unsigned month; /* 1 to 12 */
    unsigned day;   /* 1 to 31 */
    unsigned hour;
    unsigned minute;
    unsigned second;
    unsigned weekday; /* 0 is Sunday */
};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned month_days(int year, unsigned month)
{
    static const unsigned char lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return lengths[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
}

/* Days from 0001-01-01 to the first day of `year` (proleptic Gregorian, year >= 1). */
static int64_t days_before_year(int year)
{
    int64_t y = year - 1;

    return y * 365 + y / 4 - y / 100 + y / 400;
}

static struct civil to_civil(int64_t s)
{
    struct civil c = {0};
    int64_t day;
    int64_t rest;

    s = s < FIRST_S ? FIRST_S : s > LAST_S ? LAST_S : s;
    s -= FIRST_S;
    day = s / DAY_S;
    rest = s % DAY_S;
    c.hour = (unsigned)(rest / 3600);
    c.minute = (unsigned)(rest % 3600 / 60);
    c.second = (unsigned)(rest % 60);
    c.weekday = (unsigned)((day + 1) % 7); /* 0001-01-01 was a Monday */
    c.year = (int)(day / 366) + 1;
    while (days_before_year(c.year + 1) <= day)
        c.year++;
    day -= days_before_year(c.year);
    for (c.month = 1; day >= (int64_t)month_days(c.year, c.month); c.month++)
        day -= (int64_t)month_days(c.year, c.month);
    c.day = (unsigned)day + 1;
    return c;
}

static char *put_digits(char *at, unsigned value, unsigned count)
{
    for (unsigned i = count; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    return at + count;
}

/* By hand: it is on the way of most answers, and printf takes five times as long. */
void clock_format_rfc3339(int64_t unix_ns, char ret[SG_RFC3339_SIZE])
{
    int64_t ns = unix_ns % SG_NS_PER_S;
    int64_t s = unix_ns / SG_NS_PER_S;
    struct civil c;

    if (ns < 0) {
        ns += SG_NS_PER_S;
        s--;
    }
    c = to_civil(s);
    {
        const struct {
            unsigned value, digits;
            char end;
        } parts[] = {{(unsigned)c.year, 4, '-'},
                     {c.month, 2, '-'},
                     {c.day, 2, 'T'},
                     {c.hour, 2, ':'},
                     {c.minute, 2, ':'},
                     {c.second, 2, '.'},
                     {(unsigned)(ns / SG_NS_PER_MS), 3, 'Z'}};
        char *at = ret;

        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            at = put_digits(at, parts[i].value, parts[i].digits);
            *at++ = parts[i].end;
        }
        *at = 0;
    }
}

void clock_format_http(int64_t unix_s, char ret[SG_HTTP_DATE_SIZE])
{
    struct civil c = to_civil(unix_s);

    (void)snprintf(ret, SG_HTTP_DATE_SIZE, "%s, %02u %s %04d %02u:%02u:%02u GMT", days[c.weekday],
                   c.day, months[c.month - 1], c.year, c.hour, c.minute, c.second);
}

/* The parsers below step through the text; each returns false at the first surprise. */

static bool take_text(const char **at, const char *text)
{
    size_t len = strlen(text);

    if (strncmp(*at, text, len) != 0)
        return false;
    *at += len;
    return true;
}

static bool take_digits(const char **at, unsigned count, unsigned *ret)
{
    unsigned value = 0;

    for (unsigned i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        value = value * 10 + (unsigned)(**at - '0');
    }
    *ret = value;
    return true;
}

static bool take_month(const char **at, unsigned *ret)
{
    for (unsigned i = 0; i < 12; i++)
        if (take_text(at, months[i])) {
            *ret = i + 1;
            return true;
        }
    return false;
}

static bool take_day_name(const char **at, const char *names, size_t width, unsigned *ret)
{
    for (unsigned i = 0; i < 7; i++)
        if (take_text(at, names + i * width)) {
            *ret = i;
            return true;
        }
    return false;
}

static bool take_time(const char **at, struct civil *c)
{
    return take_digits(at, 2, &c->hour) && take_text(at, ":") && take_digits(at, 2, &c->minute) &&
           take_text(at, ":") && take_digits(at, 2, &c->second);
}

static bool take_year(const char **at, struct civil *c)
{
    unsigned year;

    if (!take_digits(at, 4, &year))
        return false;
    c->year = (int)year;
    return true;
}

/* IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT". */
static bool parse_imf(const char *at, struct civil *c)
{
    return take_day_name(&at, days[0], sizeof days[0], &c->weekday) && take_text(&at, ", ") &&
           take_digits(&at, 2, &c->day) && take_text(&at, " ") && take_month(&at, &c->month) &&
           take_text(&at, " ") && take_year(&at, c) && take_text(&at, " ") && take_time(&at, c) &&
           take_text(&at, " GMT") && *at == '\0';
}

/* RFC 850: "Sunday, 06-Nov-94 08:49:37 GMT". A year more than 50 ahead belongs to the last century.
 */
static bool parse_850(const char *at, struct civil *c)
{
    int now_year = to_civil(clock_now_s()).year;
    unsigned short_year;

    if (!take_day_name(&at, long_days[0], sizeof long_days[0], &c->weekday) ||
        !take_text(&at, ", ") || !take_digits(&at, 2, &c->day) || !take_text(&at, "-") ||
        !take_month(&at, &c->month) || !take_text(&at, "-") || !take_digits(&at, 2, &short_year) ||
        !take_text(&at, " ") || !take_time(&at, c) || !take_text(&at, " GMT") || *at != '\0')
        return false;
    c->year = now_year - now_year % 100 + (int)short_year;
    if (c->year > now_year + 50)
        c->year -= 100;
    return true;
}

/* asctime: "Sun Nov  6 08:49:37 1994". */
static bool parse_asctime(const char *at, struct civil *c)
{
    if (!take_day_name(&at, days[0], sizeof days[0], &c->weekday) || !take_text(&at, " ") ||
        !take_month(&at, &c->month) || !take_text(&at, " "))
        return false;
    if (take_text(&at, " ")) {
        if (!take_digits(&at, 1, &c->day))
            return false;
    } else if (!take_digits(&at, 2, &c->day)) {
        return false;
    }
    return take_text(&at, " ") && take_time(&at, c) && take_text(&at, " ") && take_year(&at, c) &&
           *at == '\0';
}

enum sg_err clock_parse_http(const char *text, int64_t *ret_unix_s)
{
    struct civil c = {0};
    int64_t day;

    if (!parse_imf(text, &c) && !parse_850(text, &c) && !parse_asctime(text, &c))
        return SG_ERR_BAD_FIELD;
    /* A leap second (60) is legal in the grammar and counts as the following second. */
    if (c.year < 1 || c.day < 1 || c.day > month_days(c.year, c.month) || c.hour > 23 ||
        c.minute > 59 || c.second > 60)
        return SG_ERR_BAD_FIELD;
    day = days_before_year(c.year) + c.day - 1;
    for (unsigned m = 1; m < c.month; m++)
        day += month_days(c.year, m);
    if ((unsigned)((day + 1) % 7) != c.weekday)
        return SG_ERR_BAD_FIELD;
    *ret_unix_s = FIRST_S + day * DAY_S + c.hour * 3600 + c.minute * 60 + c.second;
    return SG_OK;
}
