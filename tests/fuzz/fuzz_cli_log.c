/* SPDX-License-Identifier: Apache-2.0 */
/* What secctl reads of a log and of signed time: bundles of entries, and bodies of statements. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/logfollow.h"
#include "cli/timestatement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bundle, with the hashes that belong to it: nothing is missing, nothing is left over. */
static void bundle(const uint8_t *data, size_t size)
{
    static uint8_t hashes[SG_TILE_WIDTH * SG_MERKLE_SIZE];
    struct tile tile = {.level = SG_TILE_ENTRIES};
    struct logfollow f = {0}, other = {0};
    const uint8_t *at = data, *entry;
    size_t left = size, len, used = 0;

    while (tile.width < SG_TILE_WIDTH && logfollow_entry(&at, &left, &entry, &len)) {
        assert(entry >= data && entry + len <= data + size);
        merkle_leaf(entry, len, hashes + (size_t)tile.width++ * SG_MERKLE_SIZE);
        used += 2 + len;
    }
    assert(used + left == size);
    enum logfollow_fault found =
        logfollow_take(&f, &tile, data, size, hashes, (size_t)tile.width * SG_MERKLE_SIZE);
    assert(found == (left == 0 ? SG_LOGFOLLOW_HOLDS : SG_LOGFOLLOW_ENTRIES));
    assert(f.frontier.size == (left == 0 ? tile.width : 0));
    if (tile.width == 0)
        return;
    hashes[0] ^= 1;
    assert(logfollow_take(&other, &tile, data, size, hashes, (size_t)tile.width * SG_MERKLE_SIZE) ==
           SG_LOGFOLLOW_TILE);
}

static void statement(const uint8_t *data, size_t size)
{
    struct timestatement s;
    const char *why = NULL;

    if (timestatement_read((const char *)data, size, "gw.example/time", "AAAAAAAAAAAAAAAAAAAAAA",
                           &s, &why))
        assert(*s.time && strlen(s.time) < sizeof(s.time));
    else
        assert(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        bundle(data + 1, size - 1);
    else
        statement(data + 1, size - 1);
    return 0;
}
