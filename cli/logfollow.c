/* SPDX-License-Identifier: Apache-2.0 */
/* Following a log. It believes nothing but hashes that it has made itself. */
#include "cli/logfollow.h"

#include "base/encode.h"
#include "cli/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

const char *logfollow_text(enum logfollow_fault fault)
{
    switch (fault) {
    case SG_LOGFOLLOW_HOLDS:
        return "it holds";
    case SG_LOGFOLLOW_SHRUNK:
        return "entries that were there before are gone: the log has become smaller";
    case SG_LOGFOLLOW_FORKED:
        return "the log has the same size as before, but other entries";
    case SG_LOGFOLLOW_REWRITTEN:
        return "the entries do not lead from what was seen before to what is signed now";
    case SG_LOGFOLLOW_ENTRIES:
        return "entries of the log are missing or damaged";
    case SG_LOGFOLLOW_TILE:
        return "entries of the log are not those that its hashes are of";
    case SG_LOGFOLLOW_CONSISTENCY:
        return "the proof that the log only grew does not hold";
    case SG_LOGFOLLOW_OTHER_LOG:
        return "it is another log (another origin)";
    }
    return "?";
}

void logfollow_root(const struct logfollow *f, merkle_hash ret)
{
    merkle_frontier_root(&f->frontier, ret);
}

enum logfollow_fault logfollow_begin(const struct logfollow *f, const struct checkpoint *now)
{
    merkle_hash root = {0};

    if (*f->origin && strcmp(f->origin, now->origin) != 0)
        return SG_LOGFOLLOW_OTHER_LOG;
    if (now->size < f->frontier.size)
        return SG_LOGFOLLOW_SHRUNK;
    logfollow_root(f, root);
    if (now->size == f->frontier.size && memcmp(root, now->root, sizeof(root)) != 0)
        return SG_LOGFOLLOW_FORKED;
    return SG_LOGFOLLOW_HOLDS;
}

bool logfollow_next(const struct logfollow *f, uint64_t size, struct tile *ret)
{
    if (f->frontier.size >= size)
        return false;
    ret->level = SG_TILE_ENTRIES;
    ret->index = f->frontier.size / SG_TILE_WIDTH;
    uint64_t left = size - ret->index * SG_TILE_WIDTH;
    ret->width = left < SG_TILE_WIDTH ? (unsigned)left : SG_TILE_WIDTH;
    return true;
}

bool logfollow_entry(const uint8_t **at, size_t *left, const uint8_t **ret, size_t *ret_len)
{
    size_t len;

    if (*left < 2)
        return false;
    len = (size_t)(*at)[0] << 8 | (*at)[1];
    if (*left - 2 < len)
        return false;
    *ret = *at + 2;
    *ret_len = len;
    *at += 2 + len;
    *left -= 2 + len;
    return true;
}

enum logfollow_fault logfollow_take(struct logfollow *f, const struct tile *bundle,
                                    const uint8_t *entries, size_t len, const uint8_t *hashes,
                                    size_t hashes_len)
{
    struct merkle_frontier next = f->frontier;
    uint64_t first = bundle->index * SG_TILE_WIDTH;
    const uint8_t *entry;
    size_t size;

    if (hashes_len != (size_t)bundle->width * SG_MERKLE_SIZE)
        return SG_LOGFOLLOW_TILE;
    for (unsigned i = 0; i < bundle->width; i++) {
        merkle_hash leaf;

        if (!logfollow_entry(&entries, &len, &entry, &size))
            return SG_LOGFOLLOW_ENTRIES;
        merkle_leaf(entry, size, leaf);
        if (memcmp(leaf, hashes + (size_t)i * SG_MERKLE_SIZE, sizeof(leaf)) != 0)
            return SG_LOGFOLLOW_TILE;
        if (first + i == next.size)
            merkle_frontier_add(&next, leaf);
    }
    if (len != 0)
        return SG_LOGFOLLOW_ENTRIES;
    f->frontier = next;
    return SG_LOGFOLLOW_HOLDS;
}

enum logfollow_fault logfollow_end(const struct logfollow *f, const struct checkpoint *now)
{
    merkle_hash root = {0};

    logfollow_root(f, root);
    return f->frontier.size == now->size && memcmp(root, now->root, sizeof(root)) == 0
               ? SG_LOGFOLLOW_HOLDS
               : SG_LOGFOLLOW_REWRITTEN;
}

bool logfollow_load(struct json_object *json, struct logfollow *ret)
{
    struct logfollow f = {0};
    int64_t size = json_int(json, "size", -1);
    struct json_object *hashes = json_array(json, "frontier");
    const char *origin = json_text(json, "origin", ""), *root = json_text(json, "root", "");
    size_t at = 0, len = 0;
    merkle_hash stored, made;

    if (size < 0 || !hashes || strlen(origin) >= sizeof(f.origin))
        return false;
    snprintf(f.origin, sizeof(f.origin), "%s", origin);
    f.frontier.size = (uint64_t)size;
    for (unsigned level = 0; level < SG_MERKLE_LEVELS; level++) {
        if (!(f.frontier.size >> level & 1))
            continue;
        const char *text = at < json_object_array_length(hashes)
                               ? json_object_get_string(json_object_array_get_idx(hashes, at))
                               : NULL;
        at++;
        if (!text ||
            encode_unbase64(text, strlen(text), f.frontier.hash[level], SG_MERKLE_SIZE, &len) !=
                SG_OK ||
            len != SG_MERKLE_SIZE)
            return false;
    }
    merkle_frontier_root(&f.frontier, made);
    if (encode_unbase64(root, strlen(root), stored, sizeof(stored), &len) != SG_OK ||
        len != sizeof(stored) || memcmp(stored, made, sizeof(made)) != 0)
        return false;
    *ret = f;
    return true;
}

bool logfollow_store(const struct logfollow *f, struct json_object *json)
{
    struct json_object *hashes = json_object_new_array();
    char text[SG_BASE64_SIZE(SG_MERKLE_SIZE)];
    bool ok = hashes != NULL;
    merkle_hash root = {0};

    for (unsigned level = 0; ok && level < SG_MERKLE_LEVELS; level++) {
        if (!(f->frontier.size >> level & 1))
            continue;
        encode_base64(f->frontier.hash[level], SG_MERKLE_SIZE, text);
        ok = json_object_array_add(hashes, json_object_new_string(text)) == 0;
    }
    logfollow_root(f, root);
    encode_base64(root, sizeof(root), text);
    return json_put(json, "frontier", hashes) && ok && json_put_text(json, "root", text) &&
           json_put_text(json, "origin", f->origin) &&
           json_put_int(json, "size", (int64_t)f->frontier.size);
}
