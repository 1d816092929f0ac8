/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what is to be signed; it asks neither store nor keyring. */
#include "api/sign_request.h"

#include "api/json_in.h"
#include "api/key_request.h"
#include "http/request.h"

#define PATH_CHARACTERS 4096
#define SIZE_MAX_JSON   ((INT64_C(1) << 53) - 1)

/* An item as it was sent. */
struct item {
    char *path, *prefix, *name;
    char *package, *fileset, *vrmf, *ftype, *directory;
    int64_t size;
    bool has_size, has_digests;
    struct sig_digests digests;
};

static enum sg_err refuse(struct request *r, size_t index, const char *what)
{
    return request_fail(r, SG_ERR_BAD_FIELD, "items[%zu]: %s", index, what);
}

/* An item is a stored file, a stored directory, or a name with digests. */
static enum sg_err check_item(struct request *r, const struct item *item, size_t index)
{
    bool fields =
        item->package != NULL || item->fileset != NULL || item->vrmf != NULL || item->ftype != NULL;

    if ((item->path != NULL) + (item->prefix != NULL) + (item->name != NULL) != 1)
        return refuse(r, index, "must have one of path, prefix and name");
    if (item->name != NULL)
        return item->has_digests ? SG_OK : refuse(r, index, "a name needs digests");
    if (item->has_digests || item->has_size || item->directory != NULL)
        return refuse(r, index, "digests, size and directory go with a name");
    return item->prefix != NULL && fields
               ? refuse(r, index, "package, fileset, vrmf and ftype do not go with a prefix")
               : SG_OK;
}

static void convert(const struct item *from, struct signing_item *to)
{
    to->kind = from->path != NULL     ? SG_SIGNING_PATH
               : from->prefix != NULL ? SG_SIGNING_PREFIX
                                      : SG_SIGNING_DIGESTS;
    to->name = from->path != NULL ? from->path : from->prefix != NULL ? from->prefix : from->name;
    to->size = from->has_size ? from->size : -1;
    to->digests = from->digests;
    to->package = from->package;
    to->fileset = from->fileset;
    to->vrmf = from->vrmf;
    to->ftype = from->ftype;
    to->directory = from->directory;
}

static enum sg_err take_items(struct request *r, struct arena *arena, const struct json_objects *in,
                              struct signing_request *ret, bool *ret_stored)
{
    const struct item *items = in->items;
    struct signing_item *to = arena_alloc(arena, in->count * sizeof *to);
    bool stored = false;

    if (to == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < in->count; i++) {
        enum sg_err err = check_item(r, &items[i], i);

        if (err != SG_OK)
            return err;
        convert(&items[i], &to[i]);
        stored = stored || to[i].kind != SG_SIGNING_DIGESTS;
    }
    ret->items = to;
    ret->item_count = in->count;
    *ret_stored = stored;
    return SG_OK;
}

enum sg_err sign_request_read(struct request *r, struct arena *arena, struct signing_request *ret,
                              bool *ret_stored)
{
    char *key = NULL;
    struct item one = {.path = NULL};
    struct json_strings formats = {.count = 0};
    const struct json_field item[] = {
        {NULL, "path", SG_JSON_STRING, false, 1, PATH_CHARACTERS, {.string = &one.path}, NULL},
        {NULL, "prefix", SG_JSON_STRING, false, 1, PATH_CHARACTERS, {.string = &one.prefix}, NULL},
        {NULL, "name", SG_JSON_STRING, false, 1, SG_RECORD_NAME_MAX, {.string = &one.name}, NULL},
        {NULL,
         "size",
         SG_JSON_INTEGER,
         false,
         0,
         SIZE_MAX_JSON,
         {.integer = &one.size},
         &one.has_size},
        {NULL, "digests", SG_JSON_OBJECT, false, 0, 0, {NULL}, &one.has_digests},
        {"digests", "sha256", SG_JSON_HEX, true, 32, 32, {.bytes = one.digests.sha256}, NULL},
        {"digests",
         "sha512",
         SG_JSON_HEX,
         false,
         64,
         64,
         {.bytes = one.digests.sha512},
         &one.digests.has_sha512},
        {"digests",
         "blake2b-512",
         SG_JSON_HEX,
         false,
         64,
         64,
         {.bytes = one.digests.blake2b},
         &one.digests.has_blake2b},
        {NULL,
         "package",
         SG_JSON_STRING,
         false,
         1,
         SG_RECORD_FIELD_MAX,
         {.string = &one.package},
         NULL},
        {NULL,
         "fileset",
         SG_JSON_STRING,
         false,
         0,
         SG_RECORD_FIELD_MAX,
         {.string = &one.fileset},
         NULL},
        {NULL, "vrmf", SG_JSON_STRING, false, 0, SG_RECORD_FIELD_MAX, {.string = &one.vrmf}, NULL},
        {NULL,
         "ftype",
         SG_JSON_STRING,
         false,
         0,
         SG_RECORD_FIELD_MAX,
         {.string = &one.ftype},
         NULL},
        {NULL, "directory", SG_JSON_STRING, false, 1, 1000, {.string = &one.directory}, NULL},
    };
    struct json_objects items = {.fields = item,
                                 .field_count = sizeof item / sizeof item[0],
                                 .one = &one,
                                 .size = sizeof one};
    const struct json_field fields[] = {
        {NULL, "key", SG_JSON_STRING, true, 1, SG_KEY_NAME_SIZE - 1, {.string = &key}, NULL},
        {NULL, "items", SG_JSON_OBJECTS, true, 1, SG_SIGN_ITEMS_MAX, {.objects = &items}, NULL},
        {NULL, "formats", SG_JSON_STRINGS, false, 0, 6, {.strings = &formats}, NULL},
    };
    enum sg_err err = json_in_read_into(r, arena, fields, sizeof fields / sizeof fields[0]);

    if (err != SG_OK)
        return err;
    if (!sig_key_name_valid(key))
        return request_fail(r, SG_ERR_BAD_FIELD, "key: is not the name of a key");
    ret->key = key;
    err = key_request_formats(r, &formats, &ret->formats);
    return err == SG_OK ? take_items(r, arena, &items, ret, ret_stored) : err;
}
