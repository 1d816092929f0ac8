/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a log as they are read: what is not there, what is torn, lengths that lie. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "log_fixture.h"
#include "tempdir.h"

static struct logdir *open_dir(const struct log_fixture *f)
{
    struct logdir *d;

    assert_int_equal(logdir_open(f->dir, &d), SG_OK);
    return d;
}

static void test_nothing_there(void **state)
{
    struct log_fixture f;
    SG_BUF_CLEANUP struct buf out;
    struct merkle_source source;
    struct logdir *d = NULL;
    merkle_hash hash;

    (void)state;
    buf_init(&out, 1 << 20);
    log_fixture_init(&f);
    assert_int_equal(logdir_open("/nonexistent/log", &d), SG_ERR_NOT_FOUND);
    assert_null(d);
    d = open_dir(&f);
    source = logdir_source(d);
    assert_int_equal(logdir_checkpoint(d, &out), SG_ERR_NOT_FOUND);
    assert_int_equal(logdir_hashes(d, 0, 0, 1, &out), SG_ERR_NOT_FOUND);
    assert_int_equal(logdir_bundle(d, 0, 1, &out), SG_ERR_NOT_FOUND);
    assert_int_equal(logdir_entry(d, 0, &out), SG_ERR_NOT_FOUND);
    assert_int_equal(source.read(source.ctx, 0, 0, hash), SG_ERR_NOT_FOUND);
    assert_int_equal(out.len, 0);
    /* Files that come later are seen. */
    log_fixture_grow(&f, 3);
    log_fixture_publish(&f);
    assert_int_equal(logdir_checkpoint(d, &out), SG_OK);
    assert_int_equal(source.read(source.ctx, 1, 0, hash), SG_OK);
    assert_int_equal(source.read(source.ctx, 1, 1, hash), SG_ERR_NOT_FOUND);
    logdir_close(d);
    log_fixture_fini(&f);
}

static void test_hashes(void **state)
{
    struct log_fixture f;
    SG_BUF_CLEANUP struct buf out;
    struct merkle_source source;
    merkle_hash hash, root;
    struct logdir *d;

    (void)state;
    buf_init(&out, 1 << 20);
    log_fixture_init(&f);
    log_fixture_grow(&f, 70000);
    d = open_dir(&f);
    source = logdir_source(d);
    assert_int_equal(logdir_hashes(d, 0, 69990, 10, &out), SG_OK);
    assert_int_equal(out.len, 10 * 32);
    assert_int_equal(logdir_hashes(d, 0, 69990, 11, &out), SG_ERR_NOT_FOUND);
    assert_int_equal(logdir_hashes(d, 2, 0, 1, &out), SG_OK);
    assert_int_equal(logdir_hashes(d, 2, 1, 1, &out), SG_ERR_NOT_FOUND);
    assert_int_equal(logdir_hashes(d, 8, 0, 1, &out), SG_ERR_NOT_FOUND);
    assert_int_equal(logdir_hashes(d, 0, UINT64_MAX, 1, &out), SG_ERR_NOT_FOUND);
    assert_int_equal(logdir_hashes(d, 0, UINT64_MAX / 32, 1, &out), SG_ERR_NOT_FOUND);
    assert_int_equal(out.len, 11 * 32);
    for (unsigned level = 0; level <= 16; level++)
        assert_int_equal(source.read(source.ctx, level, 0, hash), SG_OK);
    assert_int_equal(source.read(source.ctx, 17, 0, hash), SG_ERR_NOT_FOUND);
    assert_int_equal(source.read(source.ctx, 63, UINT64_MAX, hash), SG_ERR_NOT_FOUND);
    assert_int_equal(source.read(source.ctx, 64, 0, hash), SG_ERR_NOT_FOUND);
    merkle_frontier_root(&f.tree, root);
    assert_int_equal(merkle_root(&source, 70000, hash), SG_OK);
    assert_memory_equal(hash, root, sizeof root);
    logdir_close(d);
    log_fixture_fini(&f);
}

/* Whole bundles, the beginnings of some, and the last one, whose end nothing says. */
static void test_bundles(void **state)
{
    struct log_fixture f;
    struct logdir *d;

    (void)state;
    log_fixture_init(&f);
    log_fixture_grow(&f, 600);
    d = open_dir(&f);
    for (uint64_t index = 0; index < 3; index++)
        for (unsigned width = 1; width <= 256; width += width < 250 ? 7 : 1) {
            SG_BUF_CLEANUP struct buf out;
            uint64_t last = index * 256 + width;
            enum sg_err err;
            size_t at = 0;

            buf_init(&out, 1 << 20);
            err = logdir_bundle(d, index, width, &out);
            if (last > 600) {
                assert_int_equal(err, SG_ERR_NOT_FOUND);
                continue;
            }
            assert_int_equal(err, SG_OK);
            for (uint64_t i = index * 256; i < last; i++) {
                char want[128];
                size_t len = log_fixture_entry(i, want);

                assert_int_equal(out.data[at] << 8 | out.data[at + 1], len);
                assert_memory_equal(out.data + at + 2, want, len);
                at += 2 + len;
            }
            assert_int_equal(at, out.len);
        }
    {
        SG_BUF_CLEANUP struct buf out;

        buf_init(&out, 1 << 20);
        assert_int_equal(logdir_bundle(d, 0, 0, &out), SG_ERR_NOT_FOUND);
        assert_int_equal(logdir_bundle(d, 0, 257, &out), SG_ERR_NOT_FOUND);
        assert_int_equal(logdir_bundle(d, UINT64_MAX, 1, &out), SG_ERR_NOT_FOUND);
        assert_int_equal(logdir_entry(d, UINT64_MAX, &out), SG_ERR_NOT_FOUND);
    }
    logdir_close(d);
    log_fixture_fini(&f);
}

static void test_lying_lengths(void **state)
{
    static const uint8_t far[8] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t beyond[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    SG_BUF_CLEANUP struct buf out, bundles, entries;
    struct log_fixture f;
    struct logdir *d;

    (void)state;
    buf_init(&out, 1 << 20);
    buf_init(&bundles, 1 << 20);
    buf_init(&entries, 1 << 20);
    log_fixture_init(&f);
    log_fixture_grow(&f, 600);
    assert_int_equal(file_read(tempdir_path(f.dir, "bundles"), &bundles), SG_OK);
    assert_int_equal(file_read(tempdir_path(f.dir, "entries"), &entries), SG_OK);
    /* Where the second bundle begins. */
    for (int i = 0; i < 2; i++) {
        memcpy(bundles.data + 8, i == 0 ? far : beyond, 8);
        assert_int_equal(
            file_write_atomic(tempdir_path(f.dir, "bundles"), bundles.data, bundles.len, 0600),
            SG_OK);
        d = open_dir(&f);
        assert_int_equal(logdir_bundle(d, 0, 256, &out), SG_ERR_CORRUPT);
        assert_int_not_equal(logdir_bundle(d, 1, 256, &out), SG_OK);
        assert_int_not_equal(logdir_entry(d, 300, &out), SG_OK);
        assert_int_equal(out.len, 0);
        logdir_close(d);
    }
    /* An entry that is longer than its bundle. */
    entries.data[0] = 0xff;
    assert_int_equal(
        file_write_atomic(tempdir_path(f.dir, "entries"), entries.data, entries.len, 0600), SG_OK);
    d = open_dir(&f);
    assert_int_not_equal(logdir_bundle(d, 0, 256, &out), SG_OK);
    assert_int_equal(logdir_entry(d, 0, &out), SG_ERR_NOT_FOUND);
    logdir_close(d);
    log_fixture_fini(&f);
}

/* A reader over what a writer has open sees the same, and leaves it open. */
static void test_attached(void **state)
{
    struct log_fixture f;
    struct logdir_files files = {.dir = -1};
    struct logdir *d, *other;
    merkle_hash hash, same;
    uint64_t offset = 0;
    uint8_t length[2], like[2];
    char *path;

    (void)state;
    log_fixture_init(&f);
    log_fixture_grow(&f, 300);
    other = open_dir(&f);
    files.dir = open(f.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    path = file_join(f.dir, "entries");
    files.entries = open(path, O_RDWR | O_CLOEXEC);
    free(path);
    path = file_join(f.dir, "bundles");
    files.bundles = open(path, O_RDWR | O_CLOEXEC);
    free(path);
    for (unsigned i = 0; i < SG_LOGDIR_HASH_FILES; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "hash.%u", i);
        path = file_join(f.dir, name);
        files.hash[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(files.hash[i] >= 0);
        free(path);
    }
    assert_int_equal(logdir_attach(&files, &d), SG_OK);
    for (unsigned level = 0; level <= 8; level++) {
        const struct merkle_source a = logdir_source(d), b = logdir_source(other);

        assert_int_equal(a.read(a.ctx, level, 0, hash), SG_OK);
        assert_int_equal(b.read(b.ctx, level, 0, same), SG_OK);
        assert_memory_equal(hash, same, sizeof hash);
    }
    assert_int_equal(logdir_offset(d, 1, &offset), SG_OK);
    assert_int_equal(logdir_read(d, offset, length, 2), SG_OK);
    assert_int_equal(pread(files.entries, like, 2, (off_t)offset), 2);
    assert_memory_equal(length, like, 2);
    assert_int_equal(logdir_offset(d, 2, &offset), SG_ERR_NOT_FOUND);
    assert_int_equal(logdir_read(d, UINT64_MAX, length, 2), SG_ERR_NOT_FOUND);
    logdir_close(d);
    logdir_close(other);
    assert_int_equal(close(files.dir), 0);
    assert_int_equal(close(files.entries), 0);
    assert_int_equal(close(files.bundles), 0);
    for (unsigned i = 0; i < SG_LOGDIR_HASH_FILES; i++)
        assert_int_equal(close(files.hash[i]), 0);
    log_fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_there), cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_bundles),       cmocka_unit_test(test_lying_lengths),
        cmocka_unit_test(test_attached),
    };

    return cmocka_run_group_tests_name("logdir", tests, NULL, NULL);
}
