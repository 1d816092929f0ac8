/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured log on standard error: one line per record, text (logfmt) or JSON, written with a
 * single write(2). Control characters are escaped. It never takes a secret: pass ids, not tokens.
 * Thread safe.
 */
#ifndef SG_BASE_LOG_H
#define SG_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { SG_LOG_DEBUG, SG_LOG_INFO, SG_LOG_WARN, SG_LOG_ERROR };
enum log_format { SG_LOG_TEXT, SG_LOG_JSON };

struct log_field {
    const char *key;  /* NULL ends the list */
    const char *text; /* NULL: `number` counts */
    int64_t number;
};

/* A text for SG_STR: NULL becomes "". */
static inline const char *log_text(const char *text)
{
    return text != NULL ? text : "";
}

#define SG_STR(k, v)                                                                               \
    (struct log_field)                                                                             \
    {                                                                                              \
        .key = (k), .text = log_text(v)                                                            \
    }
#define SG_INT(k, v)                                                                               \
    (struct log_field)                                                                             \
    {                                                                                              \
        .key = (k), .number = (int64_t)(v)                                                         \
    }

/* Sets the process's role ("parent", "worker", "keyring"; static storage), format and least level.
 */
void log_setup(const char *role, enum log_format format, enum log_level least);
bool log_enabled(enum log_level level);

/* Writes a record: log_write(SG_LOG_INFO, "event.name", SG_STR("k", v), SG_INT("n", 1)). At most 24
 * fields. Records of level WARN and above with one event name are limited to 50 in 10 seconds; what
 * was dropped is counted in the next one. */
void log_fields(enum log_level level, const char *event, const struct log_field *fields);
#define log_write(level, event, ...)                                                               \
    log_fields((level), (event),                                                                   \
               (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})

#endif
