/* SPDX-License-Identifier: Apache-2.0 */
/* Reads points in time; it knows no time zones but offsets. */
#include "api/rfc3339_in.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "http/request.h"

#define YEAR_FIRST 1970
#define YEAR_LAST  2261 /* nanoseconds of later ones do not fit 64 bits */

/* `count` digits, then one of `ends` (0 in it: none). Moves on behind them. */
static bool number(const char **text, size_t count, char end, int *ret)
{
    int value = 0;

    for (size_t i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        value = value * 10 + (**text - '0');
    }
    if (end != 0 && *(*text)++ != end)
        return false;
    *ret = value;
    return true;
}

static bool fraction(const char **text, int64_t *ret_ns)
{
    int64_t unit = SG_NS_PER_S / 10, ns = 0;

    if (**text == '.') {
        (*text)++;
        if (**text < '0' || **text > '9')
            return false;
        for (; **text >= '0' && **text <= '9'; (*text)++, unit /= 10)
            ns += (**text - '0') * unit;
    }
    *ret_ns = ns;
    return true;
}

/* "Z", "+01:00". Seconds east of UTC. */
static bool offset(const char **text, int *ret)
{
    int hours, minutes, sign = **text == '-' ? -1 : 1;

    if (**text == 'Z' || **text == 'z') {
        (*text)++;
        *ret = 0;
        return true;
    }
    if (**text != '+' && **text != '-')
        return false;
    (*text)++;
    if (!number(text, 2, ':', &hours) || !number(text, 2, 0, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *ret = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool day_exists(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

enum sg_err rfc3339_in_parse(const char *text, int64_t *ret_unix_ns)
{
    int year, month, day, hour, minute, second, east;
    struct tm tm = {.tm_isdst = 0};
    int64_t ns;

    if (!number(&text, 4, '-', &year) || !number(&text, 2, '-', &month) ||
        !number(&text, 2, 0, &day) || (*text != 'T' && *text != 't'))
        return SG_ERR_BAD_FIELD;
    text++;
    if (!number(&text, 2, ':', &hour) || !number(&text, 2, ':', &minute) ||
        !number(&text, 2, 0, &second) || !fraction(&text, &ns) || !offset(&text, &east) ||
        *text != 0)
        return SG_ERR_BAD_FIELD;
    if (year < YEAR_FIRST || year > YEAR_LAST || !day_exists(year, month, day) || hour > 23 ||
        minute > 59 || second > 60)
        return SG_ERR_BAD_FIELD;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    tm.tm_hour = hour;
    tm.tm_min = minute;
    tm.tm_sec = second == 60 ? 59 : second;
    *ret_unix_ns = ((int64_t)timegm(&tm) - east) * SG_NS_PER_S + ns;
    return SG_OK;
}

enum sg_err rfc3339_in_query(struct request *r, const char *name, int64_t absent,
                             int64_t *ret_unix_ns)
{
    const char *text;
    enum sg_err err = request_query(r, name, &text);

    if (err != SG_OK)
        return err;
    if (text == NULL) {
        *ret_unix_ns = absent;
        return SG_OK;
    }
    if (rfc3339_in_parse(text, ret_unix_ns) != SG_OK)
        return request_fail(r, SG_ERR_BAD_FIELD,
                            "%s: must be a point in time such as 2026-11-21T12:00:00Z", name);
    return SG_OK;
}
