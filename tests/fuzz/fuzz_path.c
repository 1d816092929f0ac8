/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes paths and listing cursors. The first byte says which; what is accepted must keep the
 * promises of core/path.h and core/cursor.h, so a broken promise is a crash too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "core/cursor.h"
#include "core/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_accepted(const struct path *path)
{
    size_t len = strlen(path->rest), start = 0;
    require(path->space[0] != '\0' && !strchr(path->space, '/'));
    require(len < SG_PATH_SIZE);
    for (size_t i = 0; i <= len && len > 0; i++) {
        uint8_t c = (uint8_t)path->rest[i];
        if (c != '/' && c != '\0') {
            require(c >= 0x20 && c != 0x7f && c != '\\');
            continue;
        }
        size_t n = i - start;
        require(n > 0 && n <= SG_PATH_SEGMENT_MAX);
        require(!(n == 1 && path->rest[start] == '.'));
        require(!(n == 2 && path->rest[start] == '.' && path->rest[start + 1] == '.'));
        start = i + 1;
    }
}

/* Encoded and parsed again it is the same. */
static void check_stable(const struct path *path, struct arena *arena)
{
    struct buf text;
    struct path again;
    const char *reason = NULL;
    buf_init(&text, 65536);
    encode_percent(&text, path->space, strlen(path->space), 0);
    if (path->rest[0] != '\0')
        buf_putc(&text, '/');
    encode_percent(&text, path->rest, strlen(path->rest), 1);
    if (path->directory)
        buf_putc(&text, '/');
    require(!text.failed);
    require(path_parse(buf_str(&text), text.len, arena, &again, &reason) == SG_OK);
    require(strcmp(path->space, again.space) == 0 && strcmp(path->rest, again.rest) == 0);
    require(path->directory == again.directory);
    buf_fini(&text);
}

static void fuzz_path(const uint8_t *data, size_t size, struct arena *arena)
{
    struct path path;
    const char *reason = NULL;
    enum sg_err err = path_parse((const char *)data, size, arena, &path, &reason);
    require(err == SG_OK || err == SG_ERR_BAD_PATH);
    require((err == SG_OK) == (reason == NULL));
    if (err)
        return;
    check_accepted(&path);
    check_stable(&path, arena);
}

static void fuzz_cursor(uint8_t order, const uint8_t *data, size_t size, struct arena *arena)
{
    struct entry_query query = {.space_id = 7,
                                .dir = order & 16 ? "" : "docs/2026",
                                .prefix = order & 32 ? "a" : "",
                                .sort = (enum entry_sort)(order % 3),
                                .descending = order & 4,
                                .recursive = order & 8,
                                .limit = 10};
    const struct entry_query before = query;
    char *text = arena_memdup(arena, data, size);
    require(text != NULL);
    if (strlen(text) != size || cursor_decode(text, arena, &query) != SG_OK) {
        require(memcmp(&before, &query, sizeof(query)) == 0);
        /* The same bytes as the path of a row: what was encoded decodes. */
        struct path path;
        const char *reason;
        if (path_parse((const char *)data, size, arena, &path, &reason) || path.rest[0] == '\0' ||
            strncmp(path.rest, query.prefix, strlen(query.prefix)) != 0 ||
            (!query.recursive && strchr(path.rest, '/')) || strlen(path.rest) > 4000)
            return;
        struct entry_record last = {.size = size, .modified_ns = -(int64_t)size};
        last.path = arena_printf(arena, "%s%s%s", query.dir, query.dir[0] ? "/" : "", path.rest);
        require(last.path != NULL);
        text = cursor_encode(&query, &last, arena);
        require(text != NULL && cursor_decode(text, arena, &query) == SG_OK);
        require(strcmp(query.after_path, last.path) == 0);
        return;
    }
    /* What was accepted is exactly what encoding makes of it. */
    struct entry_record row = {.size = query.after_size, .modified_ns = query.after_modified_ns};
    row.path = arena_memdup(arena, query.after_path, strlen(query.after_path));
    char *again = cursor_encode(&query, &row, arena);
    require(again != NULL && strcmp(text, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 20000)
        return 0;
    struct arena *arena = arena_new((size_t)1 << 20);
    if (data[0] & 0x80)
        fuzz_cursor(data[0] & 0x7f, data + 1, size - 1, arena);
    else
        fuzz_path(data + 1, size - 1, arena);
    arena_free(arena);
    return 0;
}
