/* SPDX-License-Identifier: Apache-2.0 */
/* Finds configuration keys, reads and writes their values. It never reads a file. */
#include "app/config_keys.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t config_key_index(const struct config_key *key)
{
    return (size_t)(key - config_keys);
}

/* Compares names; `_` and `-` are the same in files. */
static bool same_name(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return false;
    }
    return *a == *b;
}

const struct config_key *config_key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0 && same_name(config_keys[i].name, name))
            return &config_keys[i];
    }
    return NULL;
}

const struct config_key *config_key_by_variable(const char *variable, size_t len)
{
    for (size_t i = 0; i < config_key_count; i++) {
        char name[80];

        config_key_variable(&config_keys[i], name, sizeof name);
        if (strlen(name) == len && memcmp(name, variable, len) == 0)
            return &config_keys[i];
    }
    return NULL;
}

void config_key_flag(const struct config_key *key, char *ret, size_t size)
{
    bool top = strcmp(key->section, "server") == 0;

    snprintf(ret, size, "%s%s%s", top ? "" : key->section, top ? "" : "-", key->name);
}

void config_key_variable(const struct config_key *key, char *ret, size_t size)
{
    char flag[64];

    config_key_flag(key, flag, sizeof flag);
    for (char *c = flag; *c != '\0'; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    snprintf(ret, size, "SECGATE_%s", flag);
}

/* -- values ------------------------------------------------------------------------------------ */

static void *field(const struct config_key *key, struct config *c)
{
    return (char *)c + key->offset;
}

static const void *field_const(const struct config_key *key, const struct config *c)
{
    return (const char *)c + key->offset;
}

static enum sg_err parse_number(const struct config_key *key, const char *text, uint64_t *ret,
                                char *why, size_t why_size)
{
    static const char units[] = "KMGT";
    char *end;
    uintmax_t n;
    const char *unit;

    errno = 0;
    n = strtoumax(text, &end, 10);
    if (isdigit((unsigned char)text[0]) && errno == 0 && key->type == SG_KEY_SIZE && *end != '\0' &&
        (unit = strchr(units, toupper((unsigned char)*end))) != NULL && end[1] == '\0') {
        if (__builtin_mul_overflow(n, UINT64_C(1) << (10 * (unit - units + 1)), &n))
            errno = ERANGE;
        end++;
    }
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || n < key->min ||
        n > key->max) {
        snprintf(why, why_size, "must be a number from %" PRIu64 " to %" PRIu64 "%s, not '%.40s'",
                 key->min, key->max, key->type == SG_KEY_SIZE ? " (K, M, G, T allowed)" : "", text);
        return SG_ERR_BAD_FIELD;
    }
    *ret = n;
    return SG_OK;
}

static enum sg_err parse_choice(const struct config_key *key, const char *text, unsigned *ret,
                                char *why, size_t why_size)
{
    unsigned n = 0;
    size_t len = strlen(text);

    for (const char *at = key->choices;; n++) {
        size_t this_len = strcspn(at, "|");

        if (this_len == len && strncmp(at, text, len) == 0) {
            *ret = n;
            return SG_OK;
        }
        if (at[this_len] == '\0')
            break;
        at += this_len + 1;
    }
    snprintf(why, why_size, "must be one of %s, not '%.40s'", key->choices, text);
    return SG_ERR_BAD_FIELD;
}

static enum sg_err parse_bool(const char *text, bool *ret, char *why, size_t why_size)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};

    for (size_t i = 0; i < 4; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *ret = strcmp(text, yes[i]) == 0;
            return SG_OK;
        }
    }
    snprintf(why, why_size, "must be yes or no, not '%.40s'", text);
    return SG_ERR_BAD_FIELD;
}

static enum sg_err checked_copy(const struct config_key *key, const char *text, size_t len,
                                char **ret, char *why, size_t why_size)
{
    char *copy = strndup(text, len);

    if (copy == NULL) {
        snprintf(why, why_size, "out of memory");
        return SG_ERR_NO_MEMORY;
    }
    if (key->check != NULL && !key->check(copy)) {
        snprintf(why, why_size, "%s, not '%.60s'", key->check_fail, copy);
        free(copy);
        return SG_ERR_BAD_FIELD;
    }
    *ret = copy;
    return SG_OK;
}

/* Comma-separated items, white space around them dropped. */
static enum sg_err parse_list(const struct config_key *key, const char *text,
                              struct config_list *list, char *why, size_t why_size)
{
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        const char *next = text[len] == ',' ? text + len + 1 : text + len;

        for (; len > 0 && isspace((unsigned char)*text); len--)
            text++;
        while (len > 0 && isspace((unsigned char)text[len - 1]))
            len--;
        if (len > 0) {
            enum sg_err err;

            if (list->count == SG_CONFIG_LIST_MAX) {
                snprintf(why, why_size, "has more than %d items", SG_CONFIG_LIST_MAX);
                return SG_ERR_BAD_FIELD;
            }
            err = checked_copy(key, text, len, &list->item[list->count], why, why_size);
            if (err != SG_OK)
                return err;
            list->count++;
        }
        text = next;
    }
    return SG_OK;
}

enum sg_err config_key_set(const struct config_key *key, struct config *c, const char *text,
                           bool first, char *why, size_t why_size)
{
    void *at = field(key, c);
    enum sg_err err = SG_OK;
    uint64_t number = 0;
    char *copy = NULL;

    switch (key->type) {
    case SG_KEY_TEXT:
        err = checked_copy(key, text, strlen(text), &copy, why, why_size);
        if (err == SG_OK) {
            free(*(char **)at);
            *(char **)at = copy;
        }
        break;
    case SG_KEY_LIST:
        if (first)
            config_key_clear(key, c);
        err = parse_list(key, text, at, why, why_size);
        break;
    case SG_KEY_UINT:
        err = parse_number(key, text, &number, why, why_size);
        if (err == SG_OK)
            *(unsigned *)at = (unsigned)number;
        break;
    case SG_KEY_SIZE:
        err = parse_number(key, text, &number, why, why_size);
        if (err == SG_OK)
            *(uint64_t *)at = number;
        break;
    case SG_KEY_BOOL:
        err = parse_bool(text, at, why, why_size);
        break;
    case SG_KEY_CHOICE:
        err = parse_choice(key, text, at, why, why_size);
        break;
    }
    return err;
}

size_t config_key_values(const struct config_key *key, const struct config *c)
{
    if (key->type == SG_KEY_LIST)
        return ((const struct config_list *)field_const(key, c))->count;
    return 1;
}

void config_key_format(const struct config_key *key, const struct config *c, size_t i,
                       struct buf *out)
{
    const void *at = field_const(key, c);

    switch (key->type) {
    case SG_KEY_TEXT:
        buf_puts(out, *(char *const *)at);
        break;
    case SG_KEY_LIST:
        buf_puts(out, ((const struct config_list *)at)->item[i]);
        break;
    case SG_KEY_UINT:
        buf_printf(out, "%u", *(const unsigned *)at);
        break;
    case SG_KEY_SIZE:
        buf_printf(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case SG_KEY_BOOL:
        buf_puts(out, *(const bool *)at ? "yes" : "no");
        break;
    case SG_KEY_CHOICE: {
        const char *choice = key->choices;

        for (unsigned n = *(const unsigned *)at; n > 0; n--)
            choice += strcspn(choice, "|") + 1;
        buf_append(out, choice, strcspn(choice, "|"));
        break;
    }
    }
}

void config_key_clear(const struct config_key *key, struct config *c)
{
    void *at = field(key, c);

    if (key->type == SG_KEY_TEXT) {
        free(*(char **)at);
        *(char **)at = NULL;
    } else if (key->type == SG_KEY_LIST) {
        config_list_fini(at);
    }
}

void config_list_fini(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->item[i]);
    list->count = 0;
}
