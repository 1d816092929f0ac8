/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors of the event log and of file listings: what is taken is exactly what would be given. The
 * first line says what is listed, the rest is the cursor. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "core/cursor.h"
#include "core/eventcursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_event(const char *text)
{
    static const char epoch[] = "00ff12ab9c3d";
    char again[SG_EVENTCURSOR_SIZE];
    struct eventcursor cursor;
    enum sg_err err = eventcursor_parse(text, epoch, &cursor);

    if (err == SG_OK) {
        eventcursor_format(epoch, &cursor, again);
        if (strcmp(text, again) != 0)
            abort();
    } else if (err == SG_ERR_CURSOR_EPOCH) {
        if (strncmp(text, epoch, strlen(epoch)) == 0)
            abort();
    } else if (err != SG_ERR_BAD_CURSOR) {
        abort();
    }
}

/* One that was taken says of the row what made it. */
static void check_listing(struct arena *a, const char *text, struct entry_query *query)
{
    struct entry_record last = {.path = NULL};
    char *again;
    enum sg_err err = cursor_decode(text, a, query);

    if (err != SG_OK) {
        if (err != SG_ERR_BAD_CURSOR && err != SG_ERR_NO_MEMORY)
            abort();
        return;
    }
    last.path = arena_strdup(a, query->after_path);
    last.size = query->after_size;
    last.modified_ns = query->after_modified_ns;
    again = last.path != NULL ? cursor_encode(query, &last, a) : NULL;
    if (again != NULL && strcmp(text, again) != 0)
        abort();
}

/* Cursors that are made are taken, and mean the same row. */
static void check_made(struct arena *a, const char *name, struct entry_query *query)
{
    struct entry_record last = {.size = 12345, .modified_ns = INT64_C(-5)};
    char *text;

    if (name[0] == '\0' || strchr(name, '/') != NULL)
        return;
    last.path = arena_printf(a, "%s%s%s", query->dir, query->dir[0] != '\0' ? "/" : "", name);
    text = last.path != NULL ? cursor_encode(query, &last, a) : NULL;
    if (text != NULL && cursor_decode(text, a, query) == SG_OK &&
        strcmp(query->after_path, last.path) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena *a = arena_new(1 << 20);
    char *dir = a != NULL ? arena_memdup(a, data, len) : NULL;
    char *text = dir != NULL ? strchr(dir, '\n') : NULL;

    if (dir != NULL)
        check_event(dir);
    if (text != NULL) {
        struct entry_query query = {.space_id = 7, .dir = dir};

        *text++ = '\0';
        query.sort = (enum entry_sort)(len % 3);
        query.descending = len % 2 != 0;
        query.recursive = len % 5 == 0;
        check_event(text);
        check_listing(a, text, &query);
        check_made(a, text, &query);
    }
    arena_free(a);
    return 0;
}
