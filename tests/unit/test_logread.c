/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the worker gives out of the log leads to its signed root; a bit that has changed in any
 * of its files is an error, never a wrong answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "core/logread.h"
#include "log_fixture.h"
#include "tempdir.h"

static struct logread *open_log(struct log_fixture *f)
{
    const struct logread_options options = {.dir = f->dir, .state = log_fixture_state, .ctx = f};
    struct logread *l;

    assert_int_equal(logread_new(&options, &l), SG_OK);
    return l;
}

static struct log_fixture make_log(uint64_t size)
{
    struct log_fixture f;

    log_fixture_init(&f);
    log_fixture_grow(&f, size);
    log_fixture_publish(&f);
    return f;
}

static void leaf_of(uint64_t index, merkle_hash ret)
{
    char entry[128];
    size_t len = log_fixture_entry(index, entry);

    merkle_leaf(entry, len, ret);
}

/* -- checkpoints -------------------------------------------------------------------------------
 */

static void test_no_log_yet(void **state)
{
    struct log_fixture f;
    struct logread_head head;
    struct tile tile = {.width = 1};
    SG_BUF_CLEANUP struct buf out;
    struct logread *l;

    (void)state;
    log_fixture_init(&f);
    assert_int_equal(rmdir(f.dir), 0);
    l = open_log(&f);
    buf_init(&out, 1000);
    assert_int_equal(logread_head(l, &head), SG_ERR_NOT_FOUND);
    assert_int_equal(logread_tile(l, &tile, &out), SG_ERR_NOT_FOUND);
    assert_int_equal(mkdir(f.dir, 0700), 0);
    assert_int_equal(logread_head(l, &head), SG_ERR_NOT_FOUND);
    log_fixture_publish(&f);
    assert_int_equal(logread_head(l, &head), SG_OK);
    assert_int_equal(head.of.size, 0);
    log_fixture_grow(&f, 5);
    log_fixture_publish(&f);
    assert_int_equal(logread_head(l, &head), SG_OK);
    assert_int_equal(head.of.size, 5);
    logread_free(l);
    log_fixture_fini(&f);
}

static void test_head(void **state)
{
    struct log_fixture f = make_log(10);
    struct logread *l = open_log(&f);
    struct keyring_log_state keys;
    struct logread_head head;
    SG_BUF_CLEANUP struct buf early;

    (void)state;
    buf_init(&early, SG_NOTE_MAX);
    log_fixture_note(&f, &early);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(logread_head(l, &head), SG_OK);
        assert_int_equal(head.of.size, 10);
        assert_int_equal(head.note_len, early.len);
        assert_memory_equal(head.note, early.data, early.len);
    }
    assert_int_equal(f.asked, 1);
    assert_int_equal(logread_state(l, &keys), SG_OK);
    assert_string_equal(keys.time_vkey, "time");
    assert_int_equal(f.asked, 1);
    log_fixture_grow(&f, 20);
    log_fixture_publish(&f);
    assert_int_equal(logread_head(l, &head), SG_OK);
    assert_int_equal(head.of.size, 20);
    /* An earlier one is not shown after a later one. */
    assert_int_equal(
        file_write_atomic(tempdir_path(f.dir, "checkpoint"), early.data, early.len, 0600), SG_OK);
    assert_int_equal(logread_head(l, &head), SG_OK);
    assert_int_equal(head.of.size, 20);
    logread_free(l);
    log_fixture_fini(&f);
}

static void test_damaged_checkpoint(void **state)
{
    struct log_fixture f = make_log(10);
    struct stat st;

    (void)state;
    assert_int_equal(stat(tempdir_path(f.dir, "checkpoint"), &st), 0);
    for (off_t at = 0; at < st.st_size; at++) {
        struct logread *l = open_log(&f);
        struct logread_head head;

        log_fixture_flip(&f, "checkpoint", (uint64_t)at);
        assert_int_equal(logread_head(l, &head), SG_ERR_CORRUPT);
        log_fixture_flip(&f, "checkpoint", (uint64_t)at);
        assert_int_equal(logread_head(l, &head), SG_OK);
        logread_free(l);
    }
    log_fixture_fini(&f);
}

static void test_check(void **state)
{
    struct log_fixture f = make_log(10);
    struct log_signer other;
    struct logread *l = open_log(&f);
    struct checkpoint c;
    SG_BUF_CLEANUP struct buf note, foreign;
    uint8_t signature[64];

    (void)state;
    buf_init(&note, SG_NOTE_MAX);
    buf_init(&foreign, SG_NOTE_MAX);
    log_fixture_note(&f, &note);
    assert_int_equal(logread_check(l, (char *)note.data, note.len, &c), SG_OK);
    assert_int_equal(c.size, 10);
    assert_int_equal(logread_check(l, (char *)note.data, note.len - 1, &c), SG_ERR_BAD_FIELD);
    /* The same text signed with another key of the same name. */
    log_signer_init(&other, f.signer.key.name, SG_NOTE_ED25519);
    checkpoint_put(&foreign, &c);
    log_signer_sign(&other, foreign.data, foreign.len, signature);
    buf_putc(&foreign, '\n');
    note_put_signature(&foreign, &other.key, signature, sizeof signature);
    assert_int_equal(logread_check(l, (char *)foreign.data, foreign.len, &c), SG_ERR_NOT_FOUND);
    /* Another origin, signed with the log's key. */
    buf_clear(&foreign);
    (void)snprintf(c.origin, sizeof c.origin, "other.example/log");
    checkpoint_put(&foreign, &c);
    log_signer_sign(&f.signer, foreign.data, foreign.len, signature);
    buf_putc(&foreign, '\n');
    note_put_signature(&foreign, &f.signer.key, signature, sizeof signature);
    assert_int_equal(logread_check(l, (char *)foreign.data, foreign.len, &c), SG_ERR_BAD_FIELD);
    log_signer_fini(&other);
    logread_free(l);
    log_fixture_fini(&f);
}

/* -- proofs ------------------------------------------------------------------------------------
 */

/* Every proof of a range is the one that the tree's own function makes. */
static void compare_proofs(struct log_fixture *f, struct logread *l, const struct checkpoint *of,
                           uint64_t first, size_t count)
{
    struct logdir *files;
    struct merkle_source source;
    struct merkle_range *range;
    uint64_t step = count > 1000 ? 97 : 1;

    assert_int_equal(logdir_open(f->dir, &files), SG_OK);
    source = logdir_source(files);
    assert_int_equal(logread_proofs(l, of, first, count, NULL, &range), SG_OK);
    for (uint64_t i = first; i < first + count; i += step) {
        merkle_hash want[SG_MERKLE_PROOF], got[SG_MERKLE_PROOF], leaf;
        size_t want_count, got_count;

        assert_int_equal(merkle_inclusion(&source, i, of->size, want, &want_count), SG_OK);
        assert_int_equal(merkle_range_inclusion(range, i, got, &got_count), SG_OK);
        assert_int_equal(got_count, want_count);
        assert_memory_equal(got, want, want_count * sizeof want[0]);
        leaf_of(i, leaf);
        assert_int_equal(merkle_verify_inclusion(i, of->size, leaf, (const merkle_hash *)got,
                                                 got_count, of->root),
                         SG_OK);
    }
    {
        merkle_hash none[SG_MERKLE_PROOF];
        size_t n;

        assert_int_equal(merkle_range_inclusion(range, first + count, none, &n), SG_ERR_BAD_FIELD);
        if (first > 0)
            assert_int_equal(merkle_range_inclusion(range, first - 1, none, &n), SG_ERR_BAD_FIELD);
    }
    merkle_range_free(range);
    logdir_close(files);
}

static void test_every_range(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= 19; size++) {
        struct log_fixture f = make_log(size);
        struct logread *l = open_log(&f);
        struct logread_head head;

        assert_int_equal(logread_head(l, &head), SG_OK);
        for (uint64_t first = 0; first < size; first++)
            for (size_t count = 1; count <= size - first; count++)
                compare_proofs(&f, l, &head.of, first, count);
        logread_free(l);
        log_fixture_fini(&f);
    }
}

static void test_long_ranges(void **state)
{
    static const struct {
        uint64_t first;
        size_t count;
    } ranges[] = {{0, 1},     {0, 70000}, {255, 2},      {256, 256},   {65535, 2},
                  {1, 69999}, {69999, 1}, {65536, 4464}, {60000, 9999}};
    struct log_fixture f = make_log(70000);
    struct logread *l = open_log(&f);
    struct logread_head head;
    struct merkle_range *range;

    (void)state;
    assert_int_equal(logread_head(l, &head), SG_OK);
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        compare_proofs(&f, l, &head.of, ranges[i].first, ranges[i].count);
    assert_int_equal(logread_proofs(l, &head.of, 0, 0, NULL, &range), SG_ERR_BAD_FIELD);
    assert_int_equal(logread_proofs(l, &head.of, 70000, 1, NULL, &range), SG_ERR_BAD_FIELD);
    assert_int_equal(logread_proofs(l, &head.of, 69999, 2, NULL, &range), SG_ERR_BAD_FIELD);
    assert_int_equal(logread_proofs(l, &head.of, UINT64_MAX, 2, NULL, &range), SG_ERR_BAD_FIELD);
    logread_free(l);
    log_fixture_fini(&f);
}

/* A batch of 10,000 costs a pass over its leaves, and not one a proof. */
static void test_batch_is_fast(void **state)
{
    struct log_fixture f = make_log(70000);
    struct logread *l = open_log(&f);
    merkle_hash proof[SG_MERKLE_PROOF];
    struct logread_head head;
    int64_t best_ns = INT64_MAX;

    (void)state;
    assert_int_equal(logread_head(l, &head), SG_OK);
    for (int round = 0; round < 5; round++) {
        int64_t begin = clock_monotonic_ns();
        struct merkle_range *range;
        int64_t took;

        assert_int_equal(logread_proofs(l, &head.of, 59000, 10000, NULL, &range), SG_OK);
        for (uint64_t i = 59000; i < 69000; i++) {
            size_t count;

            assert_int_equal(merkle_range_inclusion(range, i, proof, &count), SG_OK);
        }
        took = clock_monotonic_ns() - begin;
        best_ns = took < best_ns ? took : best_ns;
        merkle_range_free(range);
    }
    print_message("10,000 proofs: %lld us\n", (long long)(best_ns / 1000));
    assert_true(best_ns < 500 * SG_NS_PER_MS); /* generous: sanitizers, a busy machine */
    logread_free(l);
    log_fixture_fini(&f);
}

static void test_wrong_leaves(void **state)
{
    struct log_fixture f = make_log(300);
    struct logread *l = open_log(&f);
    struct logread_head head;
    struct merkle_range *range;
    merkle_hash leaves[4];

    (void)state;
    assert_int_equal(logread_head(l, &head), SG_OK);
    for (uint64_t i = 0; i < 4; i++)
        leaf_of(100 + i, leaves[i]);
    assert_int_equal(logread_proofs(l, &head.of, 100, 4, (const merkle_hash *)leaves, &range),
                     SG_OK);
    merkle_range_free(range);
    assert_int_equal(logread_proofs(l, &head.of, 101, 4, (const merkle_hash *)leaves, &range),
                     SG_ERR_CORRUPT);
    leaves[2][7] ^= 1;
    assert_int_equal(logread_proofs(l, &head.of, 100, 4, (const merkle_hash *)leaves, &range),
                     SG_ERR_CORRUPT);
    logread_free(l);
    log_fixture_fini(&f);
}

/* -- entries, tiles, growth ---------------------------------------------------------------------
 */

static void test_entries(void **state)
{
    struct log_fixture f = make_log(600);
    struct logread *l = open_log(&f);
    struct logread_head head;
    SG_BUF_CLEANUP struct buf got, proof;
    char want[128];

    (void)state;
    assert_int_equal(logread_head(l, &head), SG_OK);
    buf_init(&got, 1 << 20);
    buf_init(&proof, 1 << 20);
    for (uint64_t i = 0; i < 600; i += 7) {
        size_t len = log_fixture_entry(i, want);
        struct tlog_proof p;
        struct checkpoint of;

        buf_clear(&got);
        buf_clear(&proof);
        assert_int_equal(logread_entry(l, &head, i, &got, &proof), SG_OK);
        assert_int_equal(got.len, len);
        assert_memory_equal(got.data, want, len);
        assert_int_equal(tlog_proof_parse((char *)proof.data, proof.len, &p), SG_OK);
        assert_int_equal(p.index, i);
        assert_int_equal(p.extra_len, len);
        assert_memory_equal(p.extra, want, len);
        assert_int_equal(tlog_proof_verify(&p, want, len, &f.signer.key, &of), SG_OK);
        assert_int_equal(tlog_proof_verify(&p, "x", 1, &f.signer.key, &of), SG_ERR_BAD_DIGEST);
        assert_int_equal(of.size, 600);
        tlog_proof_fini(&p);
    }
    assert_int_equal(logread_entry(l, &head, 600, &got, NULL), SG_ERR_NOT_FOUND);
    buf_clear(&got);
    assert_int_equal(logread_entries(l, &head.of, 300, 3, &got), SG_OK);
    {
        size_t at = 0;

        for (uint64_t i = 300; i < 303; i++) {
            size_t len = log_fixture_entry(i, want);

            assert_int_equal(got.data[at] << 8 | got.data[at + 1], len);
            assert_memory_equal(got.data + at + 2, want, len);
            at += 2 + len;
        }
        assert_int_equal(at, got.len);
    }
    assert_int_equal(logread_entries(l, &head.of, 300, 213, &got), SG_ERR_NOT_FOUND);
    assert_int_equal(logread_entries(l, &head.of, 599, 2, &got), SG_ERR_NOT_FOUND);
    assert_int_equal(logread_entries(l, &head.of, 0, 0, &got), SG_ERR_NOT_FOUND);
    logread_free(l);
    log_fixture_fini(&f);
}

static enum sg_err tile(struct logread *l, const char *path, struct buf *out)
{
    struct tile t;

    assert_int_equal(tile_parse(path, &t), SG_OK);
    buf_clear(out);
    return logread_tile(l, &t, out);
}

static void test_tiles(void **state)
{
    struct log_fixture f = make_log(65536 + 300);
    struct logread *l = open_log(&f);
    SG_BUF_CLEANUP struct buf got;
    merkle_hash want;

    (void)state;
    buf_init(&got, 1 << 24);
    assert_int_equal(tile(l, "tile/0/000", &got), SG_OK);
    assert_int_equal(got.len, 256 * 32);
    leaf_of(255, want);
    assert_memory_equal(got.data + 255 * 32, want, 32);
    assert_int_equal(tile(l, "tile/0/257.p/44", &got), SG_OK);
    assert_int_equal(got.len, 44 * 32);
    leaf_of(65536 + 299, want);
    assert_memory_equal(got.data + 43 * 32, want, 32);
    assert_int_equal(tile(l, "tile/0/257.p/1", &got), SG_OK);
    assert_int_equal(tile(l, "tile/0/000.p/9", &got), SG_OK);
    assert_int_equal(tile(l, "tile/0/257.p/45", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/0/257", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/0/258.p/1", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/1/000", &got), SG_OK);
    assert_int_equal(tile(l, "tile/1/001.p/1", &got), SG_OK);
    assert_int_equal(tile(l, "tile/1/001.p/2", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/2/000.p/1", &got), SG_OK);
    assert_int_equal(tile(l, "tile/3/000.p/1", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/7/000.p/1", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/0/x018/x446/x744/x073/x709/x551/615", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/entries/000", &got), SG_OK);
    assert_int_equal(tile(l, "tile/entries/257.p/44", &got), SG_OK);
    assert_int_equal(tile(l, "tile/entries/257.p/45", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/entries/258.p/1", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(got.len, 0);
    logread_free(l);
    log_fixture_fini(&f);
}

static void test_growth(void **state)
{
    static const uint64_t sizes[] = {0, 1, 2, 3, 255, 256, 257, 511, 512, 1000, 1023};
    struct log_fixture f = make_log(1023);
    struct logread *l = open_log(&f);
    struct logread_head head;
    struct logread_growth g;

    (void)state;
    assert_int_equal(logread_head(l, &head), SG_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t j = i; j < sizeof sizes / sizeof sizes[0]; j++) {
            assert_int_equal(logread_consistency(l, &head.of, sizes[i], sizes[j], &g), SG_OK);
            if (sizes[i] > 0)
                assert_int_equal(merkle_verify_consistency(sizes[i], sizes[j],
                                                           (const merkle_hash *)g.proof, g.count,
                                                           g.root_from, g.root_to),
                                 SG_OK);
            else
                assert_int_equal(g.count, 0);
            if (sizes[j] == 1023)
                assert_memory_equal(g.root_to, head.of.root, 32);
        }
    assert_int_equal(logread_consistency(l, &head.of, 3, 2, &g), SG_ERR_BAD_FIELD);
    assert_int_equal(logread_consistency(l, &head.of, 3, 1024, &g), SG_ERR_BAD_FIELD);
    logread_free(l);
    log_fixture_fini(&f);
}

/* -- damage ------------------------------------------------------------------------------------
 */

/* Each of these reads what the bit belongs to. */
static void test_flipped_bits(void **state)
{
    struct log_fixture f = make_log(1000);
    struct logread *l = open_log(&f);
    SG_BUF_CLEANUP struct buf got;
    struct logread_growth g;
    struct logread_head head;
    struct merkle_range *range;

    (void)state;
    buf_init(&got, 1 << 24);
    assert_int_equal(logread_head(l, &head), SG_OK);
    for (uint64_t at = 256 * 32; at < 300 * 32; at += 13) {
        log_fixture_flip(&f, "hash.0", at);
        assert_int_equal(tile(l, "tile/0/001", &got), SG_ERR_CORRUPT);
        assert_int_equal(logread_proofs(l, &head.of, 250, 200, NULL, &range), SG_ERR_CORRUPT);
        log_fixture_flip(&f, "hash.0", at);
    }
    for (uint64_t at = 0; at < 3 * 32; at += 5) {
        log_fixture_flip(&f, "hash.1", at);
        assert_int_equal(tile(l, "tile/1/000.p/3", &got), SG_ERR_CORRUPT);
        assert_int_equal(tile(l, "tile/0/003.p/9", &got), SG_ERR_CORRUPT);
        assert_int_equal(logread_entry(l, &head, 900, &got, NULL), SG_ERR_CORRUPT);
        assert_int_equal(logread_consistency(l, &head.of, 900, 1000, &g), SG_ERR_CORRUPT);
        log_fixture_flip(&f, "hash.1", at);
    }
    for (uint64_t at = 0; at < 300; at++) {
        log_fixture_flip(&f, "entries", at);
        assert_int_equal(tile(l, "tile/entries/000", &got), SG_ERR_CORRUPT);
        log_fixture_flip(&f, "entries", at);
    }
    for (uint64_t at = 8; at < 16; at++) {
        log_fixture_flip(&f, "bundles", at);
        assert_int_equal(tile(l, "tile/entries/001", &got), SG_ERR_CORRUPT);
        assert_int_equal(logread_entry(l, &head, 256, &got, NULL), SG_ERR_CORRUPT);
        log_fixture_flip(&f, "bundles", at);
    }
    assert_int_equal(got.len, 0);
    assert_int_equal(tile(l, "tile/entries/001", &got), SG_OK);
    assert_int_equal(truncate(tempdir_path(f.dir, "hash.0"), 999 * 32), 0);
    assert_int_equal(tile(l, "tile/0/003.p/232", &got), SG_ERR_CORRUPT);
    assert_int_equal(tile(l, "tile/0/000", &got), SG_ERR_CORRUPT);
    logread_free(l);
    log_fixture_fini(&f);
}

/* What is beyond the checkpoint is not looked at. */
static void test_tail_is_not_published(void **state)
{
    struct log_fixture f = make_log(300);
    struct logread *l = open_log(&f);
    SG_BUF_CLEANUP struct buf got;

    (void)state;
    buf_init(&got, 1 << 24);
    log_fixture_grow(&f, 700);
    log_fixture_flip(&f, "hash.0", 650 * 32);
    assert_int_equal(tile(l, "tile/0/001.p/44", &got), SG_OK);
    assert_int_equal(tile(l, "tile/0/001.p/45", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/0/001", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/entries/001", &got), SG_ERR_NOT_FOUND);
    assert_int_equal(tile(l, "tile/entries/001.p/44", &got), SG_OK);
    logread_free(l);
    log_fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_log_yet),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_damaged_checkpoint),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_every_range),
        cmocka_unit_test(test_long_ranges),
        cmocka_unit_test(test_batch_is_fast),
        cmocka_unit_test(test_wrong_leaves),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_tail_is_not_published),
    };

    return cmocka_run_group_tests_name("logread", tests, NULL, NULL);
}
