/* SPDX-License-Identifier: Apache-2.0 */
/* The blob store on a file system: the contract, and what is its own: modes, stale files, the
 * reserve, damage. */
#include "contract.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "store/fsblobs.h"

static enum sg_err engine_open(const char *dir, uint64_t reserve, void **ret)
{
    struct fsblobs *b = NULL;
    enum sg_err err = fsblobs_open(dir, reserve, &b);
    if (!err)
        *ret = b;
    return err;
}

static void engine_close(void *handle)
{
    fsblobs_close(handle);
}

static struct blobs_store engine_blobs(void *handle)
{
    return fsblobs_store(handle);
}

static size_t engine_unfinished(const char *dir)
{
    size_t count = 0;
    char *path = file_join(dir, "tmp");
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        count += e->d_name[0] != '.';
    closedir(d);
    free(path);
    return count;
}

static const struct contract_blobs_engine engine = {"a file system", engine_open, engine_close,
                                                    engine_blobs, engine_unfinished};

static struct fsblobs *opened;

static void add(const char *text, uint8_t ret[SG_DIGEST_SIZE])
{
    struct blobs_store s = fsblobs_store(opened);
    struct blob_writer *w = NULL;
    uint64_t size;
    assert_int_equal(SG_OK, s.vt->start(s.self, -1, &w));
    assert_int_equal(SG_OK, s.vt->write(s.self, w, text, strlen(text)));
    assert_int_equal(SG_OK, s.vt->finish(s.self, &w, NULL, ret, &size));
    s.vt->unpin(s.self, ret);
}

static char *path_of(const char *dir, const uint8_t *sha256)
{
    char hex[SG_HEX_SIZE(SG_DIGEST_SIZE)], *path = NULL;
    encode_hex(sha256, SG_DIGEST_SIZE, hex);
    assert_true(asprintf(&path, "%s/blobs/%.2s/%s", dir, hex, hex) > 0);
    return path;
}

static void test_layout(void **state)
{
    (void)state;
    char *dir = contract_dir_new();
    uint8_t sha256[SG_DIGEST_SIZE];
    struct stat st;
    assert_int_equal(SG_OK, fsblobs_open(dir, 0, &opened));
    add("hello", sha256);
    char *path = path_of(dir, sha256);
    assert_int_equal(0, stat(path, &st));
    assert_int_equal(0600, st.st_mode & 0777);
    char *blobs = file_join(dir, "blobs");
    assert_int_equal(0, stat(blobs, &st));
    assert_int_equal(0700, st.st_mode & 0777);
    free(blobs);

    /* Damage that changed the size heals with the next upload of the same content. */
    assert_int_equal(0, truncate(path, 2));
    add("hello", sha256);
    assert_int_equal(0, stat(path, &st));
    assert_int_equal(5, st.st_size);
    /* A link in place of a blob is not followed. */
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, symlink("/etc/passwd", path));
    struct blobs_store s = fsblobs_store(opened);
    int fd = -1;
    uint64_t size;
    assert_int_not_equal(SG_OK, s.vt->open(s.self, sha256, &fd, &size));
    fsblobs_close(opened);
    free(path);
    contract_dir_remove(dir);
}

static void test_stale_files(void **state)
{
    (void)state;
    char *dir = contract_dir_new();
    assert_int_equal(SG_OK, fsblobs_open(dir, 0, &opened));
    fsblobs_close(opened);
    char *stale = NULL;
    assert_true(asprintf(&stale, "%s/tmp/0123456789abcdef-7", dir) > 0);
    assert_int_equal(SG_OK, file_write_atomic(stale, "x", 1, 0600));
    assert_int_equal(1, engine_unfinished(dir));
    assert_int_equal(SG_OK, fsblobs_open(dir, 0, &opened));
    assert_int_equal(0, engine_unfinished(dir));
    fsblobs_close(opened);
    free(stale);
    contract_dir_remove(dir);
}

static void test_reserve(void **state)
{
    (void)state;
    char *dir = contract_dir_new();
    struct statvfs fs;
    uint64_t without = 0, with = 0, most = 0;
    assert_int_equal(0, statvfs(dir, &fs));
    uint64_t total = (uint64_t)fs.f_frsize * fs.f_blocks;
    const uint64_t reserves[] = {0, (uint64_t)1 << 20, UINT64_MAX};
    uint64_t *left[] = {&without, &with, &most};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(SG_OK, fsblobs_open(dir, reserves[i], &opened));
        struct blobs_store s = fsblobs_store(opened);
        assert_int_equal(SG_OK, s.vt->space_left(s.self, left[i]));
        fsblobs_close(opened);
    }
    /* Others use the disk at the same time: a tolerance of 64 MiB. */
    assert_true(without > most);
    assert_true(without - most < total / 20 + ((uint64_t)64 << 20));
    contract_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_stale_files),
        cmocka_unit_test(test_reserve),
    };
    int failed = contract_blobs(&engine);
    return failed + cmocka_run_group_tests_name("fsblobs", tests, NULL, NULL);
}
