/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the log as the keyring writes it: batches, recovery, what a commit costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/translog.h"
#include "translog_fixture.h"

static struct translog_fixture f;

static int set_up_group(void **state)
{
    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    translog_fixture_begin(&f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clock_set_source(NULL);
    translog_fixture_end(&f);
    return 0;
}

static void reopen(void)
{
    translog_fixture_close(&f);
    translog_fixture_open(&f);
}

/* -- batches ----------------------------------------------------------------------------------- */

static void empty_log_has_a_checkpoint(void **state)
{
    merkle_hash empty;
    struct checkpoint c = translog_fixture_check(&f, translog_key(f.log));

    (void)state;
    merkle_empty(empty);
    assert_int_equal(c.size, 0);
    assert_memory_equal(c.root, empty, sizeof empty);
    assert_false(translog_is_closed(f.log));
}

static void batches_follow_each_other(void **state)
{
    struct translog_receipt r;
    struct note_key key = *translog_key(f.log);
    uint64_t at = 0;

    (void)state;
    for (size_t count = 1; count <= 600; count += 149) {
        assert_int_equal(translog_fixture_append(&f, at, count, &r), SG_OK);
        assert_int_equal(r.first, at);
        at += count;
        assert_int_equal(r.of.size, at);
        assert_int_equal(strlen(r.note), r.note_len);
        assert_int_equal(translog_fixture_check(&f, &key).size, at);
    }
    assert_int_equal(translog_size(f.log), at);
    reopen();
    assert_memory_equal(translog_key(f.log), &key, sizeof key);
    assert_int_equal(translog_size(f.log), at);
    assert_int_equal(translog_fixture_append(&f, at, 1, &r), SG_OK);
    assert_int_equal(r.first, at);
    assert_int_equal(translog_fixture_check(&f, &key).size, at + 1);
}

static void batch_longer_than_a_scan(void **state)
{
    struct translog_receipt r;

    (void)state;
    assert_int_equal(translog_fixture_append(&f, 0, SG_TRANSLOG_BATCH_MAX, &r), SG_OK);
    assert_int_equal(r.of.size, SG_TRANSLOG_BATCH_MAX);
    assert_int_equal(translog_fixture_append(&f, SG_TRANSLOG_BATCH_MAX, 3, &r), SG_OK);
    reopen();
    assert_int_equal(translog_fixture_check(&f, translog_key(f.log)).size,
                     SG_TRANSLOG_BATCH_MAX + 3);
}

static void leaves_that_are_none(void **state)
{
    static const struct translog_leaf good = {"{}", 2};
    static char huge[SG_TRANSLOG_LEAF_MAX + 1];
    const struct translog_leaf bad[] = {
        {"", 0}, {"{", 1}, {"[]", 2}, {"{}\n", 3}, {"{\x01}", 3}, {"{\0}", 3}, {huge, sizeof huge},
    };
    struct translog_receipt r;

    (void)state;
    memset(huge, ' ', sizeof huge);
    huge[0] = '{';
    huge[sizeof huge - 1] = '}';
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct translog_leaf both[] = {good, bad[i]};

        assert_int_equal(translog_append(f.log, both, 2, 1, &r), SG_ERR_BAD_FIELD);
    }
    assert_int_equal(translog_append(f.log, &good, 0, 1, &r), SG_ERR_BAD_FIELD);
    assert_int_equal(translog_size(f.log), 0);
}

/* -- many at once ------------------------------------------------------------------------------ */

#define THREADS 8
#define ROUNDS  40

static uint8_t taken[THREADS * ROUNDS * 4];
static pthread_mutex_t taken_lock = PTHREAD_MUTEX_INITIALIZER;

static void *append_often(void *arg)
{
    const size_t number = (size_t)(uintptr_t)arg;

    for (size_t i = 0; i < ROUNDS; i++) {
        const size_t count = 1 + (number + i) % 4;
        struct translog_leaf leaves[4];
        struct translog_receipt r;

        for (size_t j = 0; j < count; j++)
            leaves[j] = (struct translog_leaf){"{\"of\":\"a thread\"}", 17};
        if (translog_append(f.log, leaves, count, 1, &r) != SG_OK || r.first + count > r.of.size)
            return "failed";
        (void)pthread_mutex_lock(&taken_lock);
        for (size_t j = 0; j < count; j++)
            taken[r.first + j]++;
        (void)pthread_mutex_unlock(&taken_lock);
    }
    return NULL;
}

static void threads_share_checkpoints(void **state)
{
    pthread_t threads[THREADS];
    uint64_t size;

    (void)state;
    memset(taken, 0, sizeof taken);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_often, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    size = translog_size(f.log);
    for (size_t i = 0; i < sizeof taken; i++)
        assert_int_equal(taken[i], i < size ? 1 : 0);
    assert_true(translog_counts(f.log).commits <= THREADS * ROUNDS + 1);
    reopen();
    assert_int_equal(translog_size(f.log), size);
}

/* -- what is found at a start ------------------------------------------------------------------ */

/* As after a kill between `entries` and the state: some bytes of a batch are there. */
static void tail_cut_at_every_byte(void **state)
{
    const struct note_key key = *translog_key(f.log);
    uint8_t *all;
    size_t begin;
    size_t len;
    char *former;

    (void)state;
    assert_int_equal(translog_fixture_append(&f, 0, 255, NULL), SG_OK);
    translog_fixture_close(&f);
    free(translog_fixture_read(&f, "log/entries", &begin));
    former = strdup(translog_fixture_path(&f, "keyring/log.kept"));
    assert_int_equal(link(translog_fixture_path(&f, "keyring/log.state"), former), 0);
    translog_fixture_copy(&f, "log/checkpoint", "log/checkpoint.kept");
    translog_fixture_open(&f);
    assert_int_equal(translog_fixture_append(&f, 255, 4, NULL), SG_OK);
    translog_fixture_close(&f);
    all = translog_fixture_read(&f, "log/entries", &len);
    for (size_t cut = begin; cut <= len; cut++) {
        uint64_t whole = 255;
        size_t at = begin;

        while (at + 2 <= cut && at + 2 + ((size_t)all[at] << 8 | all[at + 1]) <= cut) {
            at += 2 + ((size_t)all[at] << 8 | all[at + 1]);
            whole++;
        }
        translog_fixture_write(&f, "log/entries", all, cut);
        translog_fixture_copy(&f, "log/checkpoint.kept", "log/checkpoint");
        (void)unlink(translog_fixture_path(&f, "keyring/log.state"));
        assert_int_equal(link(former, translog_fixture_path(&f, "keyring/log.state")), 0);
        translog_fixture_open(&f);
        assert_false(translog_is_closed(f.log));
        assert_int_equal(translog_fixture_check(&f, &key).size, whole);
        assert_int_equal(translog_fixture_append(&f, whole, 2, NULL), SG_OK);
        if (cut % 16 == 0)
            assert_int_equal(translog_fixture_check(&f, &key).size, whole + 2);
        translog_fixture_close(&f);
    }
    free(all);
    free(former);
}

static void zeroes_behind_the_state_are_cut(void **state)
{
    static const uint8_t zeroes[5000];
    struct stat st;
    FILE *file;

    (void)state;
    assert_int_equal(translog_fixture_append(&f, 0, 10, NULL), SG_OK);
    translog_fixture_close(&f);
    file = fopen(translog_fixture_path(&f, "log/entries"), "ab");
    assert_non_null(file);
    assert_int_equal(fwrite(zeroes, 1, sizeof zeroes, file), sizeof zeroes);
    assert_int_equal(fclose(file), 0);
    translog_fixture_open(&f);
    assert_int_equal(translog_fixture_check(&f, translog_key(f.log)).size, 10);
    assert_int_equal(stat(translog_fixture_path(&f, "log/entries"), &st), 0);
    assert_true(st.st_size < (off_t)sizeof zeroes);
}

/* All that follows from entries and state is made again. */
static void lost_files_are_made_again(void **state)
{
    static const char *const names[] = {"log/checkpoint", "log/hash.0", "log/hash.1",
                                        "log/bundles"};

    (void)state;
    assert_int_equal(translog_fixture_append(&f, 0, 1000, NULL), SG_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        translog_fixture_close(&f);
        assert_int_equal(unlink(translog_fixture_path(&f, names[i])), 0);
        translog_fixture_open(&f);
        assert_int_equal(translog_fixture_check(&f, translog_key(f.log)).size, 1000);
    }
    for (size_t i = 0; i < 2; i++) {
        translog_fixture_close(&f);
        translog_fixture_flip(&f, i == 0 ? "log/hash.0" : "log/hash.1", i == 0 ? -1 : 40);
        translog_fixture_open(&f);
        assert_int_equal(translog_fixture_check(&f, translog_key(f.log)).size, 1000);
    }
}

static void hash_file_damaged_before_the_synced_mark(void **state)
{
    uint64_t read;

    (void)state;
    for (uint64_t at = 0; at < 10000; at += 1000)
        assert_int_equal(translog_fixture_append(&f, at, 1000, NULL), SG_OK);
    reopen();
    read = translog_counts(f.log).read;
    translog_fixture_close(&f);
    translog_fixture_flip(&f, "log/hash.1", 100);
    translog_fixture_open(&f);
    assert_true(translog_counts(f.log).read > read + 100000); /* it read everything again */
    assert_int_equal(translog_fixture_check(&f, translog_key(f.log)).size, 10000);
}

/* -- when the disk says no --------------------------------------------------------------------- */

static void failed_write_takes_the_batch_back(void **state)
{
    const struct note_key key = *translog_key(f.log);
    struct rlimit former;
    struct rlimit tight;
    struct stat st;

    (void)state;
    assert_int_equal(translog_fixture_append(&f, 0, 300, NULL), SG_OK);
    assert_int_equal(stat(translog_fixture_path(&f, "log/entries"), &st), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &former), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    tight = (struct rlimit){.rlim_cur = (rlim_t)st.st_size + 50, .rlim_max = former.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_int_equal(translog_fixture_append(&f, 300, 20, NULL), SG_ERR_IO);
    assert_int_equal(translog_fixture_check(&f, &key).size, 300);
    assert_int_equal(translog_fixture_append(&f, 300, 20, NULL), SG_ERR_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &former), 0);
    assert_int_equal(translog_fixture_check(&f, &key).size, 300);
    assert_int_equal(translog_fixture_append(&f, 300, 20, NULL), SG_OK);
    assert_int_equal(translog_fixture_check(&f, &key).size, 320);
}

static void unwritable_state_takes_the_batch_back(void **state)
{
    const struct note_key key = *translog_key(f.log);
    char *away = strdup(translog_fixture_path(&f, "away"));

    (void)state;
    assert_int_equal(translog_fixture_append(&f, 0, 3, NULL), SG_OK);
    /* A directory in the place of the temporary file: also root cannot write it. */
    assert_int_equal(mkdir(translog_fixture_path(&f, "keyring/log.state.new"), 0700), 0);
    assert_int_equal(translog_fixture_append(&f, 3, 2, NULL), SG_ERR_IO);
    assert_int_equal(translog_fixture_check(&f, &key).size, 3);
    assert_int_equal(rmdir(translog_fixture_path(&f, "keyring/log.state.new")), 0);
    assert_int_equal(translog_fixture_append(&f, 3, 2, NULL), SG_OK);
    /* And in the place of the checkpoint's: the leaves stay, unsigned. */
    assert_int_equal(mkdir(translog_fixture_path(&f, "log/checkpoint.new"), 0700), 0);
    assert_int_equal(translog_fixture_append(&f, 5, 1, NULL), SG_ERR_IO);
    assert_int_equal(translog_fixture_check(&f, &key).size, 5);
    assert_int_equal(rmdir(translog_fixture_path(&f, "log/checkpoint.new")), 0);
    assert_int_equal(translog_fixture_append(&f, 6, 1, NULL), SG_OK);
    assert_int_equal(translog_fixture_check(&f, &key).size, 7);
    free(away);
}

/* -- time -------------------------------------------------------------------------------------- */

static int64_t now_ns = INT64_C(1800000000) * SG_NS_PER_S;

static int64_t fake_now(void)
{
    return now_ns;
}

static void times_never_run_backwards(void **state)
{
    static const struct clock_source source = {.now_ns = fake_now};
    static const struct translog_leaf leaf = {"{}", 2};
    struct translog_receipt r;
    int64_t first;
    int64_t t;

    (void)state;
    clock_set_source(&source);
    assert_int_equal(translog_timestamp(f.log, &first), SG_OK);
    assert_int_equal(first, now_ns);
    assert_int_equal(translog_append(f.log, &leaf, 1, first, &r), SG_OK);
    now_ns -= SG_NS_PER_S / 2;
    assert_int_equal(translog_timestamp(f.log, &t), SG_OK);
    assert_int_equal(t, first);
    now_ns -= SG_NS_PER_S;
    assert_int_equal(translog_timestamp(f.log, &t), SG_ERR_CLOCK);
    reopen();
    assert_int_equal(translog_timestamp(f.log, &t), SG_ERR_CLOCK);
    now_ns = first + 5;
    assert_int_equal(translog_timestamp(f.log, &t), SG_OK);
    assert_int_equal(t, first + 5);
}

/* -- cost -------------------------------------------------------------------------------------- */

static struct translog_counts cost_of_commits(uint64_t at, size_t commits)
{
    struct translog_counts before = translog_counts(f.log);
    struct translog_counts after;

    for (size_t i = 0; i < commits; i++)
        assert_int_equal(translog_fixture_append(&f, at + i, 1, NULL), SG_OK);
    after = translog_counts(f.log);
    assert_int_equal(after.commits - before.commits, commits);
    return (struct translog_counts){.read = after.read - before.read,
                                    .written = after.written - before.written,
                                    .syncs = after.syncs - before.syncs,
                                    .hashes = after.hashes - before.hashes};
}

static void commit_costs_the_same_in_a_long_log(void **state)
{
    const bool slow = getenv("TSAN_OPTIONS") != NULL || getenv("ASAN_OPTIONS") != NULL;
    const uint64_t long_log = slow ? 200000 : 1000000;
    struct translog_counts few;
    struct translog_counts many;
    struct stat st;

    (void)state;
    assert_int_equal(translog_fixture_append(&f, 0, 1000, NULL), SG_OK);
    few = cost_of_commits(1000, 300);
    for (uint64_t at = 1300; at < long_log; at += 20000)
        assert_int_equal(translog_fixture_append(&f, at, 20000, NULL), SG_OK);
    assert_true(translog_size(f.log) >= long_log);
    many = cost_of_commits(translog_size(f.log), 300);
    /* A tile or two more are completed among 300 leaves, and the note has longer numbers. */
    assert_in_range(many.read, few.read / 2, few.read + 20000);
    assert_in_range(many.written, few.written / 2, few.written + 300 * 16);
    assert_true(many.hashes <= few.hashes + 600);
    assert_true(many.syncs <= few.syncs + 10);

    /* Nor does a start read the log: what was not synced, and the way to the root. */
    reopen();
    assert_int_equal(stat(translog_fixture_path(&f, "log/entries"), &st), 0);
    assert_true(translog_counts(f.log).read < (uint64_t)st.st_size / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(empty_log_has_a_checkpoint, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batches_follow_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batch_longer_than_a_scan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_share_checkpoints, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tail_cut_at_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zeroes_behind_the_state_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_files_are_made_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hash_file_damaged_before_the_synced_mark, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(failed_write_takes_the_batch_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unwritable_state_takes_the_batch_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_never_run_backwards, set_up, tear_down),
        cmocka_unit_test_setup_teardown(commit_costs_the_same_in_a_long_log, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, set_up_group, NULL);
}
