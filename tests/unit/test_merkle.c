/* SPDX-License-Identifier: Apache-2.0 */
/* The hash tree against its definition for every small size, and against published proofs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/encode.h"
#include "tlog/merkle.h"

#define LEAVES  40
#define VECTORS "../shared/vectors/merkle/"

/* The hash of leaf i is that of the byte i. */
static void leaf(uint64_t i, merkle_hash ret)
{
    const uint8_t byte = (uint8_t)i;

    merkle_leaf(&byte, 1, ret);
}

/* MTH of section 2.1, by its definition. */
static void tree(uint64_t begin, uint64_t end, merkle_hash ret)
{
    merkle_hash left, right;
    uint64_t middle = 1;

    if (end == begin) {
        merkle_empty(ret);
    } else if (end - begin == 1) {
        leaf(begin, ret);
    } else {
        while (middle * 2 < end - begin)
            middle *= 2;
        tree(begin, begin + middle, left);
        tree(begin + middle, end, right);
        merkle_node(left, right, ret);
    }
}

static enum sg_err source_read(void *ctx, unsigned level, uint64_t index, merkle_hash ret)
{
    const uint64_t *size = ctx;

    assert_true((index + 1) << level <= *size); /* nothing beyond the tree is asked for */
    tree(index << level, (index + 1) << level, ret);
    return SG_OK;
}

static void test_empty_and_first(void **state)
{
    merkle_hash hash;
    char text[65];

    (void)state;
    merkle_empty(hash);
    encode_hex(hash, sizeof hash, text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    merkle_leaf("", 0, hash);
    encode_hex(hash, sizeof hash, text);
    assert_string_equal(text, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

static void test_frontier(void **state)
{
    struct merkle_frontier f = {.size = 0};

    (void)state;
    for (uint64_t size = 0; size <= LEAVES; size++) {
        merkle_hash want, got, next;
        struct merkle_source s = {.ctx = &size, .read = source_read};

        tree(0, size, want);
        merkle_frontier_root(&f, got);
        assert_memory_equal(got, want, sizeof want);
        assert_int_equal(merkle_root(&s, size, got), SG_OK);
        assert_memory_equal(got, want, sizeof want);
        leaf(size, next);
        merkle_frontier_add(&f, next);
    }
}

static void test_every_inclusion(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        struct merkle_source s = {.ctx = &size, .read = source_read};
        merkle_hash root, hash, proof[SG_MERKLE_PROOF];
        size_t count;

        tree(0, size, root);
        for (uint64_t i = 0; i < size; i++) {
            leaf(i, hash);
            assert_int_equal(merkle_inclusion(&s, i, size, proof, &count), SG_OK);
            assert_int_equal(
                merkle_verify_inclusion(i, size, hash, (const merkle_hash *)proof, count, root),
                SG_OK);
            for (uint64_t other = 0; other < size; other++)
                if (other != i)
                    assert_int_equal(merkle_verify_inclusion(other, size, hash,
                                                             (const merkle_hash *)proof, count,
                                                             root),
                                     SG_ERR_BAD_DIGEST);
            if (count > 0) {
                proof[count - 1][7] ^= 1;
                assert_int_equal(
                    merkle_verify_inclusion(i, size, hash, (const merkle_hash *)proof, count, root),
                    SG_ERR_BAD_DIGEST);
            }
        }
        assert_int_equal(merkle_inclusion(&s, size, size, proof, &count), SG_ERR_BAD_FIELD);
    }
}

static void test_every_consistency(void **state)
{
    (void)state;
    for (uint64_t to = 1; to <= LEAVES; to++) {
        struct merkle_source s = {.ctx = &to, .read = source_read};
        merkle_hash root_to, root_from, proof[SG_MERKLE_PROOF];
        size_t count;

        tree(0, to, root_to);
        for (uint64_t from = 0; from <= to; from++) {
            enum sg_err want = from == 0 ? SG_ERR_BAD_DIGEST : SG_OK;

            tree(0, from, root_from);
            assert_int_equal(merkle_consistency(&s, from, to, proof, &count), SG_OK);
            assert_int_equal(merkle_verify_consistency(from, to, (const merkle_hash *)proof, count,
                                                       root_from, root_to),
                             want);
            root_from[0] ^= 1;
            assert_int_equal(merkle_verify_consistency(from, to, (const merkle_hash *)proof, count,
                                                       root_from, root_to),
                             SG_ERR_BAD_DIGEST);
        }
        assert_int_equal(merkle_consistency(&s, to + 1, to, proof, &count), SG_ERR_BAD_FIELD);
    }
}

/* -- published proofs: transparency-dev/merkle ---------------------------------------------------
 */

static struct json_object *member(struct json_object *o, const char *name)
{
    struct json_object *value = NULL;

    json_object_object_get_ex(o, name, &value);
    return value;
}

/* False when it is not 32 bytes: no such hash can be given to the functions at all. */
static int hash_of(struct json_object *text, merkle_hash ret)
{
    uint8_t bytes[256];
    size_t len = 0;

    if (text == NULL)
        return 0;
    if (encode_unbase64(json_object_get_string(text), (size_t)json_object_get_string_len(text),
                        bytes, sizeof bytes, &len) != SG_OK ||
        len != SG_MERKLE_SIZE)
        return 0;
    memcpy(ret, bytes, len);
    return 1;
}

/* Roots that do not matter are short texts there: filled up with zeroes. */
static int root_of(struct json_object *text, merkle_hash ret)
{
    uint8_t bytes[SG_MERKLE_SIZE] = {0};
    size_t len = 0;

    if (text == NULL ||
        encode_unbase64(json_object_get_string(text), (size_t)json_object_get_string_len(text),
                        bytes, sizeof bytes, &len) != SG_OK)
        return 0;
    memcpy(ret, bytes, sizeof bytes);
    return 1;
}

/* -1 when one of them is no hash. */
static int proof_of(struct json_object *list, merkle_hash ret[SG_MERKLE_PROOF])
{
    size_t count = list != NULL ? json_object_array_length(list) : 0;

    if (count > SG_MERKLE_PROOF)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!hash_of(json_object_array_get_idx(list, i), ret[i]))
            return -1;
    return (int)count;
}

static struct json_object *vectors(const char *file)
{
    struct json_object *all = json_object_from_file(file);

    if (all == NULL) {
        print_message("%s is not there: skipped\n", file);
        skip();
    }
    assert_int_equal(json_object_array_length(all), 98);
    return all;
}

static void test_published_inclusions(void **state)
{
    struct json_object *all = vectors(VECTORS "inclusion.json");

    (void)state;
    for (size_t i = 0; i < json_object_array_length(all); i++) {
        struct json_object *o = json_object_array_get_idx(all, i);
        merkle_hash hash, root, proof[SG_MERKLE_PROOF];
        int count = proof_of(member(o, "proof"), proof);
        enum sg_err err = SG_ERR_BAD_DIGEST;

        if (count >= 0 && hash_of(member(o, "leafHash"), hash) && hash_of(member(o, "root"), root))
            err = merkle_verify_inclusion(json_object_get_uint64(member(o, "leafIdx")),
                                          json_object_get_uint64(member(o, "treeSize")), hash,
                                          (const merkle_hash *)proof, (size_t)count, root);
        if ((err != SG_OK) != json_object_get_boolean(member(o, "wantErr")))
            fail_msg("%s: %s", json_object_get_string(member(o, "name")), err_code(err));
    }
    json_object_put(all);
}

static void test_published_consistencies(void **state)
{
    struct json_object *all = vectors(VECTORS "consistency.json");

    (void)state;
    for (size_t i = 0; i < json_object_array_length(all); i++) {
        struct json_object *o = json_object_array_get_idx(all, i);
        merkle_hash from, to, proof[SG_MERKLE_PROOF];
        int count = proof_of(member(o, "proof"), proof);
        enum sg_err err = SG_ERR_BAD_DIGEST;

        if (count >= 0 && root_of(member(o, "root1"), from) && root_of(member(o, "root2"), to))
            err = merkle_verify_consistency(json_object_get_uint64(member(o, "size1")),
                                            json_object_get_uint64(member(o, "size2")),
                                            (const merkle_hash *)proof, (size_t)count, from, to);
        if ((err != SG_OK) != json_object_get_boolean(member(o, "wantErr")))
            fail_msg("%s: %s", json_object_get_string(member(o, "name")), err_code(err));
    }
    json_object_put(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_and_first),      cmocka_unit_test(test_frontier),
        cmocka_unit_test(test_every_inclusion),      cmocka_unit_test(test_every_consistency),
        cmocka_unit_test(test_published_inclusions), cmocka_unit_test(test_published_consistencies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
