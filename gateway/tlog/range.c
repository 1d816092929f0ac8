/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbouring nodes of a tree, row by row up to the root, with the nodes that stand at their
 * edges. A row's last node may be that of an incomplete subtree; where it has no sibling, it goes
 * up as it is. */
#include "tlog/range.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX ((size_t)1 << 20)
/* Hashes of the edges of all rows: two of each, and what rounding adds. */
#define EDGES ((size_t)6 * (SG_MERKLE_LEVELS + 1))

struct row {
    uint64_t begin;
    size_t count;
    merkle_hash *hash;
};

struct merkle_range {
    uint64_t size;
    uint64_t first;
    size_t count;
    unsigned level;
    unsigned rows;
    struct row row[SG_MERKLE_LEVELS + 1];
    merkle_hash hash[];
};

/* How many nodes a level has, the last one perhaps incomplete. */
static uint64_t width_of(uint64_t size, unsigned level)
{
    return ((size - 1) >> level) + 1;
}

static enum sg_err read_node(const struct merkle_source *s, uint64_t size, unsigned level,
                             uint64_t index, merkle_hash ret)
{
    if (index < size >> level)
        return s->read(s->ctx, level, index, ret);
    return merkle_subtree(s, index << level, size, ret);
}

/* Adds to a row the siblings that its first and last node lack; there is room for one before. */
static enum sg_err complete_row(struct merkle_range *r, const struct merkle_source *s,
                                struct row *row, unsigned level)
{
    uint64_t width = width_of(r->size, level);
    uint64_t end = row->begin + row->count;
    enum sg_err err;

    if (width == 1)
        return SG_OK;
    if ((row->begin & 1) != 0) {
        row->begin--;
        row->count++;
        row->hash--;
        err = read_node(s, r->size, level, row->begin, row->hash[0]);
        if (err != SG_OK)
            return err;
    }
    if ((end & 1) == 0 || end == width)
        return SG_OK;
    return read_node(s, r->size, level, end, row->hash[row->count++]);
}

/* The row above. */
static void join_row(const struct row *row, struct row *above)
{
    above->begin = row->begin / 2;
    above->count = (row->count + 1) / 2;
    for (size_t i = 0; i < above->count; i++)
        if (2 * i + 1 < row->count)
            merkle_node(row->hash[2 * i], row->hash[2 * i + 1], above->hash[i]);
        else
            memcpy(above->hash[i], row->hash[2 * i], SG_MERKLE_SIZE);
}

static enum sg_err build(struct merkle_range *r, const struct merkle_source *s,
                         const merkle_hash root)
{
    for (unsigned level = r->level;; level++) {
        struct row *row = &r->row[r->rows++];
        enum sg_err err = complete_row(r, s, row, level);

        if (err != SG_OK)
            return err;
        if (width_of(r->size, level) == 1)
            return memcmp(row->hash[0], root, SG_MERKLE_SIZE) == 0 ? SG_OK : SG_ERR_CORRUPT;
        row[1].hash = row->hash + row->count + 1; /* one for its sibling on the left */
        join_row(row, &row[1]);
    }
}

enum sg_err merkle_range_new(const struct merkle_source *s, uint64_t size, unsigned level,
                             uint64_t first, size_t count, const merkle_hash *nodes,
                             const merkle_hash root, struct merkle_range **ret)
{
    struct merkle_range *r;
    uint64_t end;
    enum sg_err err;

    if (count == 0 || count > COUNT_MAX || level >= SG_MERKLE_LEVELS ||
        __builtin_add_overflow(first, count, &end) || end > size >> level)
        return SG_ERR_BAD_FIELD;
    r = malloc(sizeof *r + (2 * count + EDGES) * sizeof r->hash[0]);
    if (r == NULL)
        return SG_ERR_NO_MEMORY;
    *r = (struct merkle_range){.size = size, .first = first, .count = count, .level = level};
    r->row[0] = (struct row){.begin = first, .count = count, .hash = r->hash + 1};
    memcpy(r->row[0].hash, nodes, count * sizeof *nodes);
    err = build(r, s, root);
    if (err != SG_OK) {
        merkle_range_free(r);
        return err;
    }
    *ret = r;
    return SG_OK;
}

void merkle_range_free(struct merkle_range *r)
{
    free(r);
}

enum sg_err merkle_range_inclusion(const struct merkle_range *r, uint64_t index,
                                   merkle_hash ret[SG_MERKLE_PROOF], size_t *ret_count)
{
    size_t count = 0;

    if (r->level != 0 || index < r->first || index - r->first >= r->count)
        return SG_ERR_BAD_FIELD;
    for (unsigned level = 0; level + 1 < r->rows; level++) {
        const struct row *row = &r->row[level];
        uint64_t sibling = index >> level ^ 1;

        if (sibling >= width_of(r->size, level))
            continue; /* it goes up as it is */
        assert(sibling >= row->begin && sibling - row->begin < row->count);
        memcpy(ret[count++], row->hash[sibling - row->begin], SG_MERKLE_SIZE);
    }
    *ret_count = count;
    return SG_OK;
}
