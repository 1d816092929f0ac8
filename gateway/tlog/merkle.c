/* SPDX-License-Identifier: Apache-2.0 */
/* The hash tree of RFC 6962; it reads hashes of complete subtrees from a source and keeps none. */
#include "tlog/merkle.h"

#include <assert.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <string.h>

void merkle_empty(merkle_hash ret)
{
    struct sha256_ctx ctx;

    sha256_init(&ctx);
    sha256_digest(&ctx, SG_MERKLE_SIZE, ret);
}

void merkle_leaf(const void *data, size_t len, merkle_hash ret)
{
    static const uint8_t prefix = 0;
    struct sha256_ctx ctx;

    sha256_init(&ctx);
    sha256_update(&ctx, 1, &prefix);
    sha256_update(&ctx, len, data);
    sha256_digest(&ctx, SG_MERKLE_SIZE, ret);
}

void merkle_node(const merkle_hash left, const merkle_hash right, merkle_hash ret)
{
    uint8_t both[1 + 2 * SG_MERKLE_SIZE];
    struct sha256_ctx ctx;

    both[0] = 1;
    memcpy(both + 1, left, SG_MERKLE_SIZE);
    memcpy(both + 1 + SG_MERKLE_SIZE, right, SG_MERKLE_SIZE);
    sha256_init(&ctx);
    sha256_update(&ctx, sizeof both, both);
    sha256_digest(&ctx, SG_MERKLE_SIZE, ret);
}

void merkle_reduce(merkle_hash *hashes, size_t width)
{
    for (; width > 1; width /= 2)
        for (size_t i = 0; i < width / 2; i++)
            merkle_node(hashes[2 * i], hashes[2 * i + 1], hashes[i]);
}

/* -- the right edge ----------------------------------------------------------------------------
 */

void merkle_frontier_add(struct merkle_frontier *f, const merkle_hash leaf)
{
    unsigned level = 0;
    merkle_hash hash = {0};

    memcpy(hash, leaf, sizeof hash);
    for (; (f->size >> level & 1) != 0; level++)
        merkle_node(f->hash[level], hash, hash);
    memcpy(f->hash[level], hash, sizeof hash);
    f->size++;
}

void merkle_frontier_root(const struct merkle_frontier *f, merkle_hash ret)
{
    bool some = false;
    merkle_hash hash = {0};

    for (unsigned level = 0; level < SG_MERKLE_LEVELS; level++) {
        if ((f->size >> level & 1) == 0)
            continue;
        if (some)
            merkle_node(f->hash[level], hash, hash);
        else
            memcpy(hash, f->hash[level], sizeof hash);
        some = true;
    }
    if (some)
        memcpy(ret, hash, sizeof hash);
    else
        merkle_empty(ret);
}

/* -- proofs ------------------------------------------------------------------------------------
 */

/* The greatest level whose complete subtree fits into `size` leaves, size > 0. */
static unsigned floor_level(uint64_t size)
{
    return 63 - (unsigned)__builtin_clzll(size);
}

/* Complete subtrees joined from the right. */
enum sg_err merkle_subtree(const struct merkle_source *s, uint64_t begin, uint64_t end,
                           merkle_hash ret)
{
    merkle_hash parts[SG_MERKLE_LEVELS] = {{0}};
    size_t count = 0;
    merkle_hash hash = {0};

    assert(begin < end);
    while (begin < end) {
        unsigned level = floor_level(end - begin);
        enum sg_err err = s->read(s->ctx, level, begin >> level, parts[count++]);

        if (err != SG_OK)
            return err;
        begin += UINT64_C(1) << level;
    }
    memcpy(hash, parts[--count], sizeof hash);
    while (count > 0)
        merkle_node(parts[--count], hash, hash);
    memcpy(ret, hash, sizeof hash);
    return SG_OK;
}

enum sg_err merkle_root(const struct merkle_source *s, uint64_t size, merkle_hash ret)
{
    if (size > 0)
        return merkle_subtree(s, 0, size, ret);
    merkle_empty(ret);
    return SG_OK;
}

/* Where the tree over `size` leaves is split: the greatest power of two below it. */
static uint64_t split(uint64_t size)
{
    return UINT64_C(1) << floor_level(size - 1);
}

/* Proofs are found from the root down, and are in the order from the leaf up. */
static void reverse(merkle_hash *hashes, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        merkle_hash held = {0};

        memcpy(held, hashes[i], sizeof held);
        memcpy(hashes[i], hashes[count - 1 - i], sizeof held);
        memcpy(hashes[count - 1 - i], held, sizeof held);
    }
}

enum sg_err merkle_inclusion(const struct merkle_source *s, uint64_t index, uint64_t size,
                             merkle_hash ret[SG_MERKLE_PROOF], size_t *ret_count)
{
    uint64_t begin = 0;
    uint64_t end = size;
    size_t count = 0;

    if (index >= size)
        return SG_ERR_BAD_FIELD;
    while (end - begin > 1) {
        uint64_t middle = begin + split(end - begin);
        bool left = index < middle;
        enum sg_err err =
            merkle_subtree(s, left ? middle : begin, left ? end : middle, ret[count++]);

        if (err != SG_OK)
            return err;
        if (left)
            end = middle;
        else
            begin = middle;
    }
    reverse(ret, count);
    *ret_count = count;
    return SG_OK;
}

enum sg_err merkle_consistency(const struct merkle_source *s, uint64_t from, uint64_t to,
                               merkle_hash ret[SG_MERKLE_PROOF], size_t *ret_count)
{
    uint64_t begin = 0;
    uint64_t end = to;
    size_t count = 0;
    enum sg_err err = SG_OK;

    if (from > to)
        return SG_ERR_BAD_FIELD;
    while (from > 0 && from < to && from != end) {
        uint64_t middle = begin + split(end - begin);
        bool left = from <= middle;

        err = merkle_subtree(s, left ? middle : begin, left ? end : middle, ret[count++]);
        if (err != SG_OK)
            return err;
        if (left)
            end = middle;
        else
            begin = middle;
    }
    /* What remains is a complete subtree of both trees; the verifier knows it when it is the whole
     * of the first. */
    if (from > 0 && from < to && begin > 0)
        err = merkle_subtree(s, begin, end, ret[count++]);
    if (err != SG_OK)
        return err;
    reverse(ret, count);
    *ret_count = count;
    return SG_OK;
}

/* -- verification (RFC 9162, sections 2.1.3.2 and 2.1.4.2) --------------------------------------
 */

enum sg_err merkle_verify_inclusion(uint64_t index, uint64_t size, const merkle_hash leaf,
                                    const merkle_hash *proof, size_t count, const merkle_hash root)
{
    uint64_t at = index;
    uint64_t last = size - 1;
    merkle_hash hash = {0};

    if (index >= size || count > SG_MERKLE_PROOF)
        return SG_ERR_BAD_DIGEST;
    memcpy(hash, leaf, sizeof hash);
    for (size_t i = 0; i < count; i++) {
        if (last == 0)
            return SG_ERR_BAD_DIGEST;
        if ((at & 1) != 0 || at == last) {
            merkle_node(proof[i], hash, hash);
            while ((at & 1) == 0 && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            merkle_node(hash, proof[i], hash);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && memcmp(hash, root, sizeof hash) == 0 ? SG_OK : SG_ERR_BAD_DIGEST;
}

/* The rest of the proof, from the complete subtree that both trees share. */
static enum sg_err verify_growth(uint64_t at, uint64_t last, const merkle_hash *proof, size_t count,
                                 const merkle_hash shared, const merkle_hash root_from,
                                 const merkle_hash root_to)
{
    merkle_hash first = {0};
    merkle_hash second = {0};

    memcpy(first, shared, sizeof first);
    memcpy(second, shared, sizeof second);
    for (size_t i = 0; i < count; i++) {
        if (last == 0)
            return SG_ERR_BAD_DIGEST;
        if ((at & 1) != 0 || at == last) {
            merkle_node(proof[i], first, first);
            merkle_node(proof[i], second, second);
            while ((at & 1) == 0 && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            merkle_node(second, proof[i], second);
        }
        at >>= 1;
        last >>= 1;
    }
    if (last != 0 || memcmp(first, root_from, sizeof first) != 0 ||
        memcmp(second, root_to, sizeof second) != 0)
        return SG_ERR_BAD_DIGEST;
    return SG_OK;
}

enum sg_err merkle_verify_consistency(uint64_t from, uint64_t to, const merkle_hash *proof,
                                      size_t count, const merkle_hash root_from,
                                      const merkle_hash root_to)
{
    uint64_t at = from - 1;
    uint64_t last = to - 1;

    if (from == 0 || from > to || count > SG_MERKLE_PROOF)
        return SG_ERR_BAD_DIGEST;
    if (from == to)
        return count == 0 && memcmp(root_from, root_to, SG_MERKLE_SIZE) == 0 ? SG_OK
                                                                             : SG_ERR_BAD_DIGEST;
    if (count == 0)
        return SG_ERR_BAD_DIGEST;
    while ((at & 1) != 0) {
        at >>= 1;
        last >>= 1;
    }
    if ((from & (from - 1)) == 0) /* the first tree is that subtree, and not part of the proof */
        return verify_growth(at, last, proof, count, root_from, root_from, root_to);
    return verify_growth(at, last, proof + 1, count - 1, proof[0], root_from, root_to);
}
