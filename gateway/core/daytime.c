/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time of day as text. UTC is computed by hand (it is asked for most), other zones come from GLib's
 * view of the zone database and are kept. English always, whatever the locale; it never reads a
 * file outside of the database.
 */
#include "core/daytime.h"

#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define SG_ZONEINFO     "/usr/share/zoneinfo/"
#define SG_ZONES_CACHED 64
#define SG_ZONE_NAME    64 /* with NUL; the longest of the database has 33 bytes */

struct zone {
    char name[SG_ZONE_NAME];
    GTimeZone *zone;
};

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the two below */
static struct zone cache[SG_ZONES_CACHED];
static unsigned cache_next;

/* -- zones --------------------------------------------------------------------------------------
 */

static bool is_name(const char *zone)
{
    static const char *const refused[] = {"localtime", "posixrules", "Factory"};
    static const char *const refused_dirs[] = {"posix/",
                                               "right/"}; /* variants, right/ counts leap seconds */
    size_t len = strlen(zone);
    if (len == 0 || len >= SG_ZONE_NAME || strstr(zone, "//") || zone[len - 1] == '/')
        return false;
    if (!g_ascii_isalpha(zone[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!g_ascii_isalnum(zone[i]) && !strchr("_+-/", zone[i]))
            return false;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (strcmp(zone, refused[i]) == 0)
            return false;
    for (size_t i = 0; i < sizeof(refused_dirs) / sizeof(refused_dirs[0]); i++)
        if (strncmp(zone, refused_dirs[i], strlen(refused_dirs[i])) == 0)
            return false;
    return true;
}

/* GLib takes offsets and POSIX rules for zones too: only a file of the database will do. */
static bool is_in_database(const char *file)
{
    char magic[4];
    SG_FD_CLEANUP int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd >= 0 && read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
           memcmp(magic, "TZif", sizeof(magic)) == 0;
}

static GTimeZone *cache_find(const char *name)
{
    GTimeZone *found = NULL;
    pthread_mutex_lock(&cache_lock);
    for (size_t i = 0; i < SG_ZONES_CACHED && !found; i++)
        if (cache[i].zone && strcmp(cache[i].name, name) == 0)
            found = g_time_zone_ref(cache[i].zone);
    pthread_mutex_unlock(&cache_lock);
    return found;
}

static void cache_add(const char *name, GTimeZone *zone)
{
    pthread_mutex_lock(&cache_lock);
    struct zone *slot = &cache[cache_next++ % SG_ZONES_CACHED];
    g_clear_pointer(&slot->zone, g_time_zone_unref);
    (void)snprintf(slot->name, sizeof(slot->name), "%s", name);
    slot->zone = g_time_zone_ref(zone);
    pthread_mutex_unlock(&cache_lock);
}

/* A new reference, or NULL when the database has no such name. */
static GTimeZone *zone_get(const char *name)
{
    char file[sizeof(SG_ZONEINFO) + SG_ZONE_NAME];
    if (!is_name(name))
        return NULL;
    GTimeZone *zone = cache_find(name);
    if (zone)
        return zone;
    (void)snprintf(file, sizeof(file), SG_ZONEINFO "%s", name);
    if (!is_in_database(file))
        return NULL;
    zone = g_time_zone_new_identifier(file); /* the whole path: never an offset or a rule */
    if (zone)
        cache_add(name, zone);
    return zone;
}

/* -- text ---------------------------------------------------------------------------------------
 */

static char *put_text(char *at, const char *text)
{
    size_t len = strlen(text);
    memcpy(at, text, len);
    return at + len;
}

static char *put_digits(char *at, unsigned value, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--) {
        at[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + digits;
}

struct civil {
    unsigned year, month, day, weekday; /* month 1 to 12, weekday 0 = Sunday */
    unsigned hour, minute, second;
};

/* Gregorian date of seconds since 1970, by eras of 400 years that begin in March. */
static struct civil civil_from_seconds(int64_t seconds)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    unsigned doe = (unsigned)(shifted - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    unsigned month = mp < 10 ? mp + 3 : mp - 9;
    int64_t weekday = (days + 4) % 7; /* 1970-01-01 was a Thursday */
    return (struct civil){
        .year = (unsigned)(yoe + era * 400) + (month <= 2 ? 1 : 0),
        .month = month,
        .day = doy - (153 * mp + 2) / 5 + 1,
        .weekday = (unsigned)(weekday < 0 ? weekday + 7 : weekday),
        .hour = (unsigned)rest / 3600,
        .minute = (unsigned)rest / 60 % 60,
        .second = (unsigned)rest % 60,
    };
}

static void write_line(const struct civil *t, const char *abbreviation, char ret[SG_DAYTIME_SIZE])
{
    static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                           "Thursday", "Friday", "Saturday"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    char *at = put_text(ret, weekdays[t->weekday]);
    at = put_text(at, ", ");
    at = put_text(at, months[t->month - 1]);
    *at++ = ' ';
    at = put_digits(at, t->day, t->day < 10 ? 1 : 2);
    at = put_text(at, ", ");
    at = put_digits(at, t->year, 4);
    *at++ = ' ';
    at = put_digits(at, t->hour, 2);
    *at++ = ':';
    at = put_digits(at, t->minute, 2);
    *at++ = ':';
    at = put_digits(at, t->second, 2);
    *at++ = '-';
    size_t room = SG_DAYTIME_SIZE - 1 - (size_t)(at - ret), len = strlen(abbreviation);
    len = len < room ? len : room;
    memcpy(at, abbreviation, len);
    at[len] = '\0';
}

/* `offset` in seconds east of UTC; UTC itself is written Z. */
static void write_rfc3339(const struct civil *t, unsigned ms, bool utc, int offset,
                          char ret[SG_DAYTIME_SIZE])
{
    char *at = put_digits(ret, t->year, 4);
    *at++ = '-';
    at = put_digits(at, t->month, 2);
    *at++ = '-';
    at = put_digits(at, t->day, 2);
    *at++ = 'T';
    at = put_digits(at, t->hour, 2);
    *at++ = ':';
    at = put_digits(at, t->minute, 2);
    *at++ = ':';
    at = put_digits(at, t->second, 2);
    *at++ = '.';
    at = put_digits(at, ms, 3);
    if (utc) {
        *at++ = 'Z';
    } else {
        unsigned minutes = (unsigned)(offset < 0 ? -offset : offset) / 60;
        *at++ = offset < 0 ? '-' : '+';
        at = put_digits(at, minutes / 60 % 100, 2);
        *at++ = ':';
        at = put_digits(at, minutes % 60, 2);
    }
    *at = '\0';
}

enum sg_err daytime_format(int64_t unix_ns, const char *zone, struct daytime *ret)
{
    int64_t seconds = unix_ns / SG_NS_PER_S, rest = unix_ns % SG_NS_PER_S;
    if (rest < 0) {
        rest += SG_NS_PER_S;
        seconds--;
    }
    unsigned ms = (unsigned)(rest / SG_NS_PER_MS);
    if (!zone || zone[0] == '\0' || strcmp(zone, "UTC") == 0) {
        struct civil t = civil_from_seconds(seconds);
        write_line(&t, "UTC", ret->line);
        write_rfc3339(&t, ms, true, 0, ret->rfc3339);
        memcpy(ret->timezone, "UTC", sizeof("UTC"));
        return SG_OK;
    }

    GTimeZone *tz = zone_get(zone);
    if (!tz)
        return SG_ERR_BAD_TIMEZONE;
    int interval = g_time_zone_find_interval(tz, G_TIME_TYPE_UNIVERSAL, seconds);
    int offset = g_time_zone_get_offset(tz, interval);
    struct civil t = civil_from_seconds(seconds + offset);
    write_line(&t, g_time_zone_get_abbreviation(tz, interval), ret->line);
    write_rfc3339(&t, ms, false, offset, ret->rfc3339);
    (void)snprintf(ret->timezone, sizeof(ret->timezone), "%s", zone);
    g_time_zone_unref(tz);
    return SG_OK;
}
