/* SPDX-License-Identifier: Apache-2.0 */
/* The table of configuration keys and what can be done with a single key. Private to app/config. */
#ifndef SG_APP_CONFIG_KEYS_H
#define SG_APP_CONFIG_KEYS_H

#include "app/config.h"

#define SG_CONFIG_KEYS_MAX 96

enum config_key_type {
    SG_KEY_TEXT,
    SG_KEY_LIST,
    SG_KEY_UINT,
    SG_KEY_SIZE,
    SG_KEY_BOOL,
    SG_KEY_CHOICE
};

struct config_key {
    const char *section;
    const char *name;
    enum config_key_type type;
    size_t offset;        /* in struct config */
    const char *fallback; /* default, as text */
    uint64_t min, max;    /* of numbers */
    const char *choices;  /* "text|json": position = value */
    bool reloads;         /* a new value counts after SIGHUP */
    const char *value;    /* placeholder in the help */
    const char *help;
    bool (*check)(const char *text); /* of each text or list item; NULL: anything */
    const char *check_fail;          /* what is wrong when it fails */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

size_t config_key_index(const struct config_key *key);
/* By section and name of the file; NULL when there is none. */
const struct config_key *config_key_find(const char *section, const char *name);
/* "SECGATE_LOG_FORMAT", of `len` bytes. */
const struct config_key *config_key_by_variable(const char *variable, size_t len);
/* "log-format"; keys of [server] go without the section. */
void config_key_flag(const struct config_key *key, char *ret, size_t size);
void config_key_variable(const struct config_key *key, char *ret, size_t size);
/* Parses a value into the struct; lists grow, and start anew with `first`. SG_ERR_BAD_FIELD with
 * the reason in `why`. */
enum sg_err config_key_set(const struct config_key *key, struct config *c, const char *text,
                           bool first, char *why, size_t why_size) SG_MUST_CHECK;
/* How many values there are to format: 1, or a list's length. */
size_t config_key_values(const struct config_key *key, const struct config *c);
/* Appends value number `i` as text that config_key_set takes back. */
void config_key_format(const struct config_key *key, const struct config *c, size_t i,
                       struct buf *out);
void config_key_clear(const struct config_key *key, struct config *c);

#endif
