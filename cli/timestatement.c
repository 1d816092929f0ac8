/* SPDX-License-Identifier: Apache-2.0 */
/* Signed time. It does not compare with the clock of this machine. */
#include "cli/timestatement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of the next line when it begins with `label`; moves past it. */
static bool take_line(const char **at, const char *end, const char *label, char *ret, size_t size)
{
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    size_t len = strlen(label);

    if (!stop || (size_t)(stop - *at) < len || memcmp(*at, label, len) != 0 ||
        (size_t)(stop - *at) - len >= size)
        return false;
    snprintf(ret, size, "%.*s", (int)((size_t)(stop - *at) - len), *at + len);
    *at = stop + 1;
    return true;
}

bool timestatement_read(const char *body, size_t len, const char *name, const char *nonce,
                        struct timestatement *ret, const char **ret_why)
{
    const char *at = body, *end = body + len;
    char line[SG_NOTE_NAME_SIZE], *stop;

    *ret_why = "it is malformed";
    if (!take_line(&at, end, "", line, sizeof(line)))
        return false;
    if (strcmp(line, name) != 0) {
        *ret_why = "it is about something else";
        return false;
    }
    if (!take_line(&at, end, "nonce ", line, sizeof(line)))
        return false;
    if (strcmp(line, nonce) != 0) {
        *ret_why = "it has another nonce: an old statement?";
        return false;
    }
    if (!take_line(&at, end, "time ", ret->time, sizeof(ret->time)) || !*ret->time ||
        !take_line(&at, end, "error_us ", line, sizeof(line)))
        return false;
    ret->error_us = strtoll(line, &stop, 10);
    if (stop == line || *stop || !take_line(&at, end, "synchronized ", line, sizeof(line)))
        return false;
    ret->synchronized = strcmp(line, "true") == 0;
    return ret->synchronized || strcmp(line, "false") == 0;
}

bool timestatement_verify(const char *text, const struct note_key *key, const char *nonce,
                          struct timestatement *ret, const char **ret_why)
{
    struct note note;
    bool ok = false;

    *ret_why = "there is none";
    if (note_parse(text, strlen(text), &note) != SG_OK)
        return false;
    *ret_why = "it is not signed with the key of signed time";
    if (note_verify(&note, key, NULL) == SG_OK)
        ok = timestatement_read(note.body, note.body_len, key->name, nonce, ret, ret_why);
    note_fini(&note);
    return ok;
}
