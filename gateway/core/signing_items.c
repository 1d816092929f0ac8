/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request wants signed, as digests: stored files are read again, directories are listed, the
 * rest is checked. Every item that cannot be signed is noted with its reason, so that all of them
 * are answered together.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/signing_internal.h"
#include "package/package.h"
#include "sigfmt/compose.h"

#define OPEN_TRIES 3
#define LIST_MAX   (2 * SG_SIGN_ITEMS_MAX) /* entries of one directory, others than files too */
#define BAD_MAX    1000                    /* bad files of one directory that are told */

enum sg_err signing_bad_add(struct signing_set *set, size_t index, const char *code,
                            const char *format, ...)
{
    va_list ap;
    char *detail;

    if (set->bad_count == set->bad_room) {
        size_t room = set->bad_room > 0 ? 4 * set->bad_room : 16;
        struct signing_bad *bad = arena_alloc(set->arena, room * sizeof *bad);

        if (bad == NULL)
            return SG_ERR_NO_MEMORY;
        if (set->bad_count > 0)
            memcpy(bad, set->bad, set->bad_count * sizeof *bad);
        set->bad = bad;
        set->bad_room = room;
    }
    va_start(ap, format);
    detail = arena_vprintf(set->arena, format, ap);
    va_end(ap);
    if (detail == NULL)
        return SG_ERR_NO_MEMORY;
    set->bad[set->bad_count++] =
        (struct signing_bad){.index = (uint32_t)index, .code = code, .detail = detail};
    return SG_OK;
}

/* -- one more to sign ---------------------------------------------------------------------------
 */

static enum sg_err make_room(struct signing_set *set)
{
    size_t room = 2 * set->room;
    struct keyring_sign_item *items;
    uint32_t *origin;

    if (set->count < set->room)
        return SG_OK;
    if (room > SG_SIGN_ITEMS_MAX)
        room = SG_SIGN_ITEMS_MAX;
    items = arena_alloc(set->arena, room * sizeof *items);
    origin = arena_alloc(set->arena, room * sizeof *origin);
    if (items == NULL || origin == NULL)
        return SG_ERR_NO_MEMORY;
    memcpy(items, set->items, set->count * sizeof *items);
    memcpy(origin, set->origin, set->count * sizeof *origin);
    set->items = items;
    set->origin = origin;
    set->room = room;
    return SG_OK;
}

static bool field_ok(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return len <= SG_RECORD_FIELD_MAX;
}

/* Package fields: from the content, else what the request says (the rest from the name), else from
 * the name. */
static enum sg_err describe(struct arena *arena, const struct signing_item *asked,
                            const struct package_info *known, struct keyring_sign_item *item)
{
    bool request = known->source != SG_PACKAGE_FROM_CONTENT &&
                   (asked->package != NULL || asked->fileset != NULL || asked->vrmf != NULL ||
                    asked->ftype != NULL);
    const char *package = request && asked->package != NULL ? asked->package : known->package;
    const char *ftype = request && asked->ftype != NULL ? asked->ftype : known->ftype;
    const char *fileset = request ? asked->fileset : known->fileset;
    const char *vrmf = request ? asked->vrmf : known->vrmf;

    item->source = request                                    ? SG_SOURCE_REQUEST
                   : known->source == SG_PACKAGE_FROM_CONTENT ? SG_SOURCE_CONTENT
                                                              : SG_SOURCE_NAME;
    /* What the request says lives long enough; `known` does not. */
    item->package = package == known->package ? arena_strdup(arena, package) : package;
    item->ftype = ftype == known->ftype ? arena_strdup(arena, ftype) : ftype;
    item->fileset = fileset == NULL || fileset[0] == '\0' ? ""
                    : request                             ? fileset
                                                          : arena_strdup(arena, fileset);
    item->vrmf = vrmf == NULL || vrmf[0] == '\0' ? "" : request ? vrmf : arena_strdup(arena, vrmf);
    return item->package != NULL && item->ftype != NULL && item->fileset != NULL &&
                   item->vrmf != NULL
               ? SG_OK
               : SG_ERR_NO_MEMORY;
}

static enum sg_err add(struct signing_set *set, size_t index, const struct package_info *known,
                       struct keyring_sign_item *item)
{
    const char *obstacle;
    enum sg_err err;

    if (!sig_record_name_valid(item->name))
        return signing_bad_add(set, index, "name-invalid",
                               "the name '%.256s' is empty, too long, or has parts or characters "
                               "that are not allowed",
                               item->name);
    obstacle =
        sig_compose_obstacle(set->request->formats, set->key->type, item->name, &item->digests);
    if (obstacle != NULL)
        return signing_bad_add(set, index,
                               strncmp(obstacle, "the digest", 10) == 0 ? "digest-missing"
                                                                        : "name-invalid",
                               "%s", obstacle);
    if (set->count == SG_SIGN_ITEMS_MAX)
        return signing_bad_add(set, index, "too-many-files", "only %d files can be signed at once",
                               SG_SIGN_ITEMS_MAX);
    err = make_room(set);
    if (err == SG_OK)
        err = describe(set->arena, &set->request->items[index], known, item);
    if (err != SG_OK)
        return err;
    set->origin[set->count] = (uint32_t)index;
    set->items[set->count++] = *item;
    return SG_OK;
}

static enum sg_err add_event(struct signing_set *set, int64_t space_id, const char *path,
                             size_t first)
{
    if (set->event_count == set->event_room) {
        size_t room = set->event_room > 0 ? 4 * set->event_room : 16;
        struct signature_event *events = arena_alloc(set->arena, room * sizeof *events);

        if (events == NULL)
            return SG_ERR_NO_MEMORY;
        if (set->event_count > 0)
            memcpy(events, set->events, set->event_count * sizeof *events);
        set->events = events;
        set->event_room = room;
    }
    set->events[set->event_count++] =
        (struct signature_event){.space_id = space_id,
                                 .path = path,
                                 .key = set->key->name,
                                 .key_version = 0, /* the keyring's answer says */
                                 .index = first,
                                 .count = set->count - first};
    return SG_OK;
}

/* What is in the way of an item, unless it is none of its own faults. */
static enum sg_err refuse(struct signing_set *set, size_t index, enum sg_err err, const char *what,
                          const char *reason)
{
    switch ((int)err) {
    case SG_ERR_BAD_PATH:
        return signing_bad_add(set, index, "path-invalid", "%.512s: %s", what, reason);
    case SG_ERR_NOT_FOUND:
        return signing_bad_add(set, index, "not-found", "%.512s: there is no such entry", what);
    case SG_ERR_FORBIDDEN:
        return signing_bad_add(set, index, "forbidden", "%.512s: not allowed", what);
    case SG_ERR_IS_DIRECTORY:
        return signing_bad_add(set, index, "is-directory",
                               "%.512s: is a directory; name it as a prefix", what);
    case SG_ERR_NOT_DIRECTORY:
        return signing_bad_add(set, index, "not-a-directory", "%.512s: is no directory", what);
    case SG_ERR_CONFLICT:
        return signing_bad_add(set, index, "conflict", "%.512s: changed while it was read", what);
    case SG_ERR_CORRUPT:
        return signing_bad_add(set, index, "corrupt",
                               "%.512s: the stored content does not have its digest", what);
    default:
        return err;
    }
}

static enum sg_err read_item(struct signing_set *set, const struct entry_record *entry,
                             struct keyring_sign_item *item, struct package_info *ret_package)
{
    unsigned formats = set->request->formats;
    bool sha512 = (formats & SG_FORMAT_CMS) != 0 && set->key->type == SG_KEY_ED25519;
    bool blake2b = (formats & SG_FORMAT_MINISIGN) != 0;

    if (set->block == NULL)
        set->block = arena_alloc(set->arena, SG_SIGNING_BLOCK);
    if (set->block == NULL)
        return SG_ERR_NO_MEMORY;
    item->size = (int64_t)entry->size;
    return signing_read_file(set->s, entry, item->name, sha512, blake2b, set->block, &item->digests,
                             ret_package);
}

/* Reads a file of the set; one that was replaced meanwhile is looked up again. */
static enum sg_err add_file(struct signing_set *set, size_t index, int64_t space_id,
                            struct entry_record *entry, const char *name, uint32_t directory)
{
    struct keyring_sign_item item = {.name = name, .directory = directory};
    struct package_info package;
    enum sg_err err = SG_ERR_NOT_FOUND;

    for (unsigned i = 0; i < OPEN_TRIES; i++) {
        err = read_item(set, entry, &item, &package);
        if (err != SG_ERR_NOT_FOUND)
            break;
        err = set->s->files.vt->get(set->s->files.self, space_id, entry->path, set->arena, entry);
        if (err == SG_OK && entry->type != SG_ENTRY_FILE)
            err = SG_ERR_CONFLICT;
        if (err != SG_OK)
            break;
        err = SG_ERR_CONFLICT;
    }
    return err == SG_OK ? add(set, index, &package, &item)
                        : refuse(set, index, err, entry->path, "");
}

/* -- items --------------------------------------------------------------------------------------
 */

static enum sg_err collect_path(struct signing_set *set, size_t index)
{
    const struct signing_item *asked = &set->request->items[index];
    size_t bad = set->bad_count;
    struct entry_record entry;
    struct path path;
    int64_t space_id = 0;
    const char *reason = "";
    enum sg_err err = signing_find_entry(set->s, set->who, asked->name, set->arena, &path,
                                         &space_id, &entry, &reason);

    if (err == SG_OK && entry.type == SG_ENTRY_DIRECTORY)
        err = SG_ERR_IS_DIRECTORY;
    else if (err == SG_OK && path.directory)
        err = SG_ERR_NOT_DIRECTORY;
    if (err != SG_OK)
        return refuse(set, index, err, asked->name, reason);
    err = add_file(set, index, space_id, &entry, path_name(path.rest), 0);
    return err == SG_OK && set->bad_count == bad
               ? add_event(set, space_id, path.rest, set->count - 1)
               : err;
}

/* Whether directories may be named so: the name of the manifest's record is made of it. */
static enum sg_err check_directory(struct signing_set *set, size_t index, const char *name)
{
    static const struct sig_digests all = {.has_sha512 = true, .has_blake2b = true};
    char full[SG_RECORD_NAME_MAX + 16];
    int len = snprintf(full, sizeof full, "%s/SHA256", name);

    if (len > 0 && (size_t)len < sizeof full && sig_record_name_valid(full) &&
        sig_compose_obstacle(set->request->formats, set->key->type, full, &all) == NULL)
        return SG_OK;
    return signing_bad_add(set, index, "name-invalid",
                           "the name '%.256s' cannot be that of a signed directory", name);
}

static enum sg_err new_directory(struct signing_set *set, const char *name, uint32_t *ret)
{
    if (set->directories == NULL)
        set->directories =
            arena_alloc(set->arena, set->request->item_count * sizeof *set->directories);
    if (set->directories == NULL)
        return SG_ERR_NO_MEMORY;
    set->directories[set->directory_count++] = name;
    *ret = (uint32_t)set->directory_count;
    return SG_OK;
}

/* All that is below, in byte order of paths and as it was at one moment: a page is one statement.
 * Without room for the files there is nothing to be read. */
static enum sg_err list_files(struct signing_set *set, size_t index, const char *what,
                              const struct entry_query *query, struct entry_record *page,
                              size_t *ret_count)
{
    size_t count = 0, files = 0;
    bool more = false;
    enum sg_err err =
        set->s->files.vt->list(set->s->files.self, query, set->arena, page, &count, &more);

    for (size_t i = 0; err == SG_OK && i < count; i++)
        if (page[i].type == SG_ENTRY_FILE)
            page[files++] = page[i];
    if (err != SG_OK)
        return err;
    *ret_count = files;
    if (set->count + files > SG_SIGN_ITEMS_MAX)
        return signing_bad_add(set, index, "too-many-files", "only %d files can be signed at once",
                               SG_SIGN_ITEMS_MAX);
    return more ? signing_bad_add(set, index, "too-many-files",
                                  "%.512s: there are more than %d entries in it", what, LIST_MAX)
                : SG_OK;
}

static enum sg_err collect_files(struct signing_set *set, size_t index, int64_t space_id,
                                 const char *dir, uint32_t directory)
{
    size_t skip = dir[0] != '\0' ? strlen(dir) + 1 : 0;
    size_t bad = set->bad_count, count = 0;
    struct entry_query query = {
        .space_id = space_id, .dir = dir, .prefix = "", .recursive = true, .limit = LIST_MAX};
    /* Not in the arena, which would touch all of it for each prefix. */
    struct entry_record *page = malloc(LIST_MAX * sizeof *page);
    enum sg_err err =
        page != NULL ? list_files(set, index, set->request->items[index].name, &query, page, &count)
                     : SG_ERR_NO_MEMORY;

    if (set->bad_count > bad)
        count = 0;
    for (size_t i = 0; err == SG_OK && i < count; i++) {
        err = add_file(set, index, space_id, &page[i], page[i].path + skip, directory);
        if (set->bad_count - bad >= BAD_MAX) /* enough said about this one */
            break;
    }
    free(page);
    return err;
}

static enum sg_err collect_prefix(struct signing_set *set, size_t index)
{
    const struct signing_item *asked = &set->request->items[index];
    size_t bad = set->bad_count, first = set->count;
    struct entry_record entry;
    struct path path;
    int64_t space_id = 0;
    uint32_t directory = 0;
    const char *reason = "", *name;
    enum sg_err err = signing_find_entry(set->s, set->who, asked->name, set->arena, &path,
                                         &space_id, &entry, &reason);

    if (err == SG_OK && entry.type != SG_ENTRY_DIRECTORY)
        err = SG_ERR_NOT_DIRECTORY;
    if (err != SG_OK)
        return refuse(set, index, err, asked->name, reason);
    name = path.rest[0] != '\0' ? path_name(path.rest) : arena_strdup(set->arena, path.space);
    if (name == NULL)
        return SG_ERR_NO_MEMORY;
    err = check_directory(set, index, name);
    if (err == SG_OK && set->bad_count == bad)
        err = new_directory(set, name, &directory);
    if (err == SG_OK && set->bad_count == bad)
        err = collect_files(set, index, space_id, path.rest, directory);
    if (err != SG_OK || set->bad_count > bad)
        return err;
    if (set->count == first)
        return signing_bad_add(set, index, "directory-empty", "%.512s: there is no file in it",
                               asked->name);
    return add_event(set, space_id, path.rest, first);
}

/* Where a directory that items name stands in the table, or the free place for it. FNV-1a: with no
 * more than 10,000 names, whoever finds many of one place gains some milliseconds. */
static uint32_t *directory_slot(struct signing_set *set, const char *name)
{
    uint32_t hash = UINT32_C(2166136261);

    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT32_C(16777619);
    for (;; hash++) {
        uint32_t *slot = &set->slots[hash & (set->slot_count - 1)];

        if (*slot == 0 || strcmp(set->directories[*slot - 1], name) == 0)
            return slot;
    }
}

/* The number of a directory that items name. */
static enum sg_err find_directory(struct signing_set *set, size_t index, const char *name,
                                  uint32_t *ret)
{
    size_t bad = set->bad_count;
    uint32_t *slot;
    enum sg_err err;

    if (set->slots == NULL) {
        for (set->slot_count = 16; set->slot_count < 2 * set->request->item_count;)
            set->slot_count *= 2;
        set->slots = arena_alloc(set->arena, set->slot_count * sizeof *set->slots);
    }
    if (set->slots == NULL)
        return SG_ERR_NO_MEMORY;
    slot = directory_slot(set, name);
    if (*slot == 0) {
        err = check_directory(set, index, name);
        if (err == SG_OK && set->bad_count == bad)
            err = new_directory(set, name, slot);
        if (err != SG_OK)
            return err;
    }
    *ret = *slot;
    return SG_OK;
}

static enum sg_err collect_digests(struct signing_set *set, size_t index)
{
    const struct signing_item *asked = &set->request->items[index];
    struct keyring_sign_item item = {
        .name = asked->name, .size = asked->size, .digests = asked->digests};
    size_t bad = set->bad_count;
    struct package_info package;
    enum sg_err err = SG_OK;

    if (asked->directory != NULL)
        err = find_directory(set, index, asked->directory, &item.directory);
    if (err != SG_OK || set->bad_count > bad)
        return err;
    package_from_name(asked->name, &package);
    return add(set, index, &package, &item);
}

static enum sg_err collect_item(struct signing_set *set, size_t index)
{
    const struct signing_item *asked = &set->request->items[index];

    if (!field_ok(asked->package) || !field_ok(asked->fileset) || !field_ok(asked->vrmf) ||
        !field_ok(asked->ftype))
        return signing_bad_add(set, index, "field-invalid",
                               "package, fileset, vrmf and ftype have at most %d bytes and no "
                               "control characters",
                               SG_RECORD_FIELD_MAX);
    switch (asked->kind) {
    case SG_SIGNING_PATH:
        return collect_path(set, index);
    case SG_SIGNING_PREFIX:
        return collect_prefix(set, index);
    case SG_SIGNING_DIGESTS:
        break;
    }
    return collect_digests(set, index);
}

enum sg_err signing_collect(struct signing_set *set)
{
    enum sg_err err = SG_OK;

    set->room = set->request->item_count;
    set->items = arena_alloc(set->arena, set->room * sizeof *set->items);
    set->origin = arena_alloc(set->arena, set->room * sizeof *set->origin);
    if (set->items == NULL || set->origin == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; err == SG_OK && i < set->request->item_count; i++)
        err = collect_item(set, i);
    return err;
}
