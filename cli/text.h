/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people: escaping for terminals, width, sizes, dates, durations. No input or output. */
#ifndef SG_CLI_TEXT_H
#define SG_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * Appends `text` with everything that a terminal obeys or that hides what is there made visible:
 * control characters (C0, DEL, C1) and invalid UTF-8 as \xHH per byte, line separators and
 * bidirectional controls as \u{HHHH}.
 */
void text_escape(struct buf *b, const char *text, size_t len);

/*
 * Appends serialised JSON with DEL, C1 and bidirectional controls, which JSON allows inside
 * strings, as \uHHHH. The document stays the same.
 */
void text_escape_json(struct buf *b, const char *json, size_t len);

/* Columns that escaped UTF-8 text takes on a terminal. */
size_t text_width(const char *text);

/* The longest prefix of `text`, in bytes, that fits into `columns`. */
size_t text_fit(const char *text, size_t columns);

#define SG_TEXT_SIZE 32

/* "1234", or with `human` as ls -h writes it: "1.3K", "13M". */
void text_size(int64_t bytes, bool human, char ret[SG_TEXT_SIZE]);

/* Seconds since 1970 of an RFC 3339 time with offset Z; false when it is none. */
bool text_parse_time(const char *rfc3339, int64_t *ret_unix_s);

/*
 * Seconds since 1970 of a time as people type it: an RFC 3339 time with offset Z, a day
 * ("2026-11-20", its beginning in local time), or how long before `now` ("2h"); false when it is
 * none.
 */
bool text_parse_moment(const char *text, int64_t now, int64_t *ret_unix_s);

/* As ls -l: "Nov 20 16:02" within six months before `now`, else "Nov 20  2025"; local time. */
void text_date(int64_t unix_s, int64_t now, char ret[SG_TEXT_SIZE]);

/* "2026-11-20 16:02", local time. */
void text_datetime(int64_t unix_s, char ret[SG_TEXT_SIZE]);

/* "8 minutes", "29 days": one unit, rounded down. */
void text_duration(int64_t seconds, char ret[SG_TEXT_SIZE]);

/* Parses "90", "90s", "15m", "12h", "7d", "2w" into 1 to 10 years of seconds. */
bool text_parse_duration(const char *text, int64_t *ret_seconds);

#endif
