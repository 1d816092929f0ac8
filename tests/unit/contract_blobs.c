/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of blobs: publication, pins, collection, races, crashes, a full disk. */
#include "contract.h"

#include <gnutls/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct contract_blobs_engine *tested;
static char *dir;
static void *handle;
static struct blobs_store blobs;

#define BLOBS(call, ...) blobs.vt->call(blobs.self, __VA_ARGS__)

static void attach(void)
{
    assert_int_equal(SG_OK, tested->open(dir, 0, &handle));
    blobs = tested->blobs(handle);
}

static int setup(void **state)
{
    (void)state;
    dir = contract_dir_new();
    attach();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tested->close(handle);
    contract_dir_remove(dir);
    return 0;
}

static enum sg_err add(const void *data, size_t len, const uint8_t *expected,
                       uint8_t ret[SG_DIGEST_SIZE])
{
    struct blob_writer *w = NULL;
    uint64_t size = 0;
    enum sg_err err = BLOBS(start, (int64_t)len, &w);
    if (!err)
        err = BLOBS(write, w, data, len);
    if (err) {
        BLOBS(abort, &w);
        return err;
    }
    return BLOBS(finish, &w, expected, ret, &size);
}

static bool is_there(const uint8_t *sha256)
{
    int fd = -1;
    uint64_t size;
    enum sg_err err = BLOBS(open, sha256, &fd, &size);
    if (!err)
        (void)close(fd);
    return err == SG_OK;
}

static enum sg_err used_flag(void *ctx, const uint8_t *sha256, bool *ret)
{
    (void)sha256;
    *ret = *(bool *)ctx;
    return SG_OK;
}

static enum sg_err used_error(void *ctx, const uint8_t *sha256, bool *ret)
{
    (void)ctx;
    (void)sha256;
    *ret = false;
    return SG_ERR_UNAVAILABLE;
}

static void collect(const uint8_t *sha256, bool used)
{
    assert_int_equal(SG_OK, BLOBS(collect, sha256, used_flag, &used));
}

static void test_write_and_read(void **state)
{
    (void)state;
    struct blob_writer *w = NULL;
    uint8_t sha256[SG_DIGEST_SIZE], reference[SG_DIGEST_SIZE];
    char data[100000], back[100000];
    uint64_t size = 0;
    int fd = -1;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 31 + i / 256);
    assert_int_equal(0, gnutls_hash_fast(GNUTLS_DIG_SHA256, data, sizeof(data), reference));
    assert_int_equal(SG_OK, BLOBS(start, -1, &w));
    for (size_t i = 0, n = 1; i < sizeof(data); i += n, n = n * 3 + 1) {
        n = n < sizeof(data) - i ? n : sizeof(data) - i;
        assert_int_equal(SG_OK, BLOBS(write, w, data + i, n));
    }
    assert_false(is_there(reference)); /* nothing half-written is ever visible */
    assert_int_equal(SG_OK, BLOBS(finish, &w, reference, sha256, &size));
    assert_null(w);
    assert_int_equal(sizeof(data), size);
    assert_memory_equal(reference, sha256, sizeof(sha256));
    BLOBS(unpin, sha256);
    assert_int_equal(0, tested->unfinished(dir));
    tested->close(handle);
    attach();
    assert_int_equal(SG_OK, BLOBS(open, sha256, &fd, &size));
    assert_int_equal(sizeof(data), size);
    assert_int_equal(sizeof(data), read(fd, back, sizeof(back)));
    assert_memory_equal(data, back, sizeof(data));
    collect(sha256, false);
    assert_int_equal(sizeof(data), pread(fd, back, sizeof(back), 0)); /* readers keep it */
    (void)close(fd);
    assert_int_equal(SG_ERR_NOT_FOUND, BLOBS(open, sha256, &fd, &size));
}

static void test_empty_twice_and_wrong(void **state)
{
    (void)state;
    uint8_t sha256[SG_DIGEST_SIZE], wrong[SG_DIGEST_SIZE] = {1};
    struct blob_writer *w = NULL;
    uint64_t size = 1;
    assert_int_equal(SG_OK, BLOBS(start, 0, &w));
    assert_int_equal(SG_OK, BLOBS(finish, &w, NULL, sha256, &size));
    assert_int_equal(0, size);
    BLOBS(unpin, sha256);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(SG_OK, add("same", 4, NULL, sha256));
        BLOBS(unpin, sha256);
    }
    assert_int_equal(SG_ERR_BAD_DIGEST, add("other", 5, wrong, sha256));
    assert_int_equal(0, gnutls_hash_fast(GNUTLS_DIG_SHA256, "other", 5, sha256));
    assert_false(is_there(sha256));
    assert_int_equal(SG_OK, BLOBS(start, 3, &w));
    assert_int_equal(1, tested->unfinished(dir));
    BLOBS(abort, &w);
    BLOBS(abort, &w); /* of nothing */
    assert_int_equal(0, tested->unfinished(dir));
}

static void test_pins(void **state)
{
    (void)state;
    uint8_t a[SG_DIGEST_SIZE], b[SG_DIGEST_SIZE];
    assert_int_equal(SG_OK, add("pinned", 6, NULL, a));
    assert_int_equal(SG_OK, add("pinned", 6, NULL, a));
    assert_int_equal(SG_OK, add("not", 3, NULL, b));
    BLOBS(unpin, b);
    collect(a, false);
    assert_true(is_there(a));
    BLOBS(unpin, a);
    collect(a, false);
    assert_true(is_there(a)); /* it was pinned twice */
    BLOBS(unpin, a);
    collect(a, true);
    assert_true(is_there(a));
    assert_int_equal(SG_ERR_UNAVAILABLE, BLOBS(collect, a, used_error, NULL));
    assert_true(is_there(a));
    collect(a, false);
    assert_false(is_there(a));
    collect(a, false); /* of nothing */
    assert_true(is_there(b));
}

struct seen {
    size_t count, stop_at;
    uint8_t xored[SG_DIGEST_SIZE];
};

static bool see(void *ctx, const uint8_t *sha256)
{
    struct seen *seen = ctx;
    for (unsigned i = 0; i < SG_DIGEST_SIZE; i++)
        seen->xored[i] ^= sha256[i];
    return ++seen->count != seen->stop_at;
}

static void test_scan(void **state)
{
    (void)state;
    struct seen all = {0}, few = {.stop_at = 10};
    uint8_t xored[SG_DIGEST_SIZE] = {0}, sha256[SG_DIGEST_SIZE];
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(SG_OK, add(&i, sizeof(i), NULL, sha256));
        BLOBS(unpin, sha256);
        for (unsigned k = 0; k < SG_DIGEST_SIZE; k++)
            xored[k] ^= sha256[k];
    }
    struct blob_writer *w = NULL;
    assert_int_equal(SG_OK, BLOBS(start, -1, &w));
    assert_int_equal(SG_OK, BLOBS(write, w, "x", 1));
    assert_int_equal(SG_OK, BLOBS(scan, see, &all));
    assert_int_equal(300, all.count);
    assert_memory_equal(xored, all.xored, sizeof(xored));
    assert_int_equal(SG_OK, BLOBS(scan, see, &few));
    assert_int_equal(10, few.count);
    uint64_t size;
    assert_int_equal(
        SG_OK, BLOBS(finish, &w, NULL, sha256, &size)); /* a scan spares what is being written */
    BLOBS(unpin, sha256);
    uint64_t left = 0;
    assert_int_equal(SG_OK, BLOBS(space_left, &left));
    assert_true(left > 0);
    assert_int_equal(SG_ERR_NO_SPACE, BLOBS(start, INT64_MAX, &w));
}

/* -- at the same time ---------------------------------------------------------------------------
 */

/* Everybody stores and collects the same few contents: what is pinned is there, whole. */
static void store_and_collect(void *ctx, size_t index)
{
    atomic_size_t *bad = ctx;
    uint64_t random = index + 1;
    for (unsigned i = 0; i < 150; i++) {
        unsigned content = contract_random(&random) % 4;
        uint8_t sha256[SG_DIGEST_SIZE];
        bool used = false;
        if (add(&content, sizeof(content), NULL, sha256) != SG_OK || !is_there(sha256)) {
            atomic_fetch_add(bad, 1);
            continue;
        }
        if (BLOBS(collect, sha256, used_flag, &used) != SG_OK || !is_there(sha256))
            atomic_fetch_add(bad, 1);
        BLOBS(unpin, sha256);
        if (BLOBS(collect, sha256, used_flag, &used) != SG_OK)
            atomic_fetch_add(bad, 1);
    }
}

static void test_race(void **state)
{
    (void)state;
    atomic_size_t bad = 0;
    struct seen left = {0};
    contract_threads(8, store_and_collect, &bad);
    assert_int_equal(0, bad);
    assert_int_equal(SG_OK, BLOBS(scan, see, &left));
    assert_int_equal(0, left.count);
    assert_int_equal(0, tested->unfinished(dir));
}

/* -- crashes and full disks ---------------------------------------------------------------------
 */

struct crash {
    int fd;
    unsigned round;
};

static size_t crash_content(const uint32_t *name, uint8_t *ret)
{
    size_t len = 20 + (name[1] * 7919 + name[0]) % 30000;
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)(i * name[0] + name[1]);
    memcpy(ret, name, 12);
    return len;
}

static void crash_writer(void *ctx, size_t index)
{
    const struct crash *crash = ctx;
    for (uint32_t i = 0;; i++) {
        uint32_t ack[3 + 8] = {(uint32_t)index, i, crash->round};
        uint8_t data[30100];
        uint8_t sha256[SG_DIGEST_SIZE];
        size_t len = crash_content(ack, data);
        if (add(data, len, NULL, sha256) != SG_OK)
            _exit(1);
        memcpy(ack + 3, sha256, sizeof(sha256));
        if (write(crash->fd, ack, sizeof(ack)) != (ssize_t)sizeof(ack))
            _exit(1);
    }
}

static void crash_child(void *ctx, int fd)
{
    struct crash *crash = ctx;
    crash->fd = fd;
    if (tested->open(dir, 0, &handle) != SG_OK)
        _exit(1);
    blobs = tested->blobs(handle);
    contract_threads(4, crash_writer, crash);
}

static void check_acknowledged(const uint8_t *acks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t ack[3 + 8];
        static uint8_t data[30100], back[30101];
        uint64_t size = 0;
        int fd = -1;
        memcpy(ack, acks + i * sizeof(ack), sizeof(ack));
        size_t len = crash_content(ack, data);
        assert_int_equal(SG_OK, BLOBS(open, (const uint8_t *)(ack + 3), &fd, &size));
        assert_int_equal(len, size);
        assert_int_equal(len, read(fd, back, sizeof(back)));
        assert_memory_equal(data, back, len);
        (void)close(fd);
    }
}

/* Every visible blob has the content that its name says. */
static bool check_whole(void *ctx, const uint8_t *sha256)
{
    static uint8_t back[30101];
    uint8_t digest[SG_DIGEST_SIZE];
    uint64_t size = 0;
    int fd = -1;
    size_t *count = ctx;
    assert_int_equal(SG_OK, BLOBS(open, sha256, &fd, &size));
    assert_int_equal(size, read(fd, back, sizeof(back)));
    (void)close(fd);
    assert_int_equal(0, gnutls_hash_fast(GNUTLS_DIG_SHA256, back, size, digest));
    assert_memory_equal(sha256, digest, sizeof(digest));
    (*count)++;
    return true;
}

static void test_crash(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        struct crash crash = {.round = round};
        size_t count = 0, whole = 0;
        tested->close(handle);
        uint8_t *acks = contract_crash(crash_child, &crash, 44, 20 + 30 * round, &count);
        attach();
        assert_int_equal(0, tested->unfinished(dir)); /* a start removes what was left */
        check_acknowledged(acks, count);
        assert_int_equal(SG_OK, BLOBS(scan, check_whole, &whole));
        assert_true(whole >= count);
        free(acks);
    }
}

static void test_full_disk(void **state)
{
    (void)state;
    static uint8_t data[65536], sha256[SG_DIGEST_SIZE], first[SG_DIGEST_SIZE];
    tested->close(handle);
    bool mounted = contract_disk_mount(dir, (size_t)4 << 20);
    attach();
    if (mounted) {
        struct blob_writer *w = NULL;
        enum sg_err err = SG_OK;
        size_t written = 0;
        assert_int_equal(SG_OK, add("first", 5, NULL, first));
        assert_int_equal(SG_ERR_NO_SPACE, BLOBS(start, (int64_t)5 << 20, &w));
        assert_int_equal(SG_OK, BLOBS(start, -1, &w));
        for (; !err && written < 1000; written++)
            err = BLOBS(write, w, data, sizeof(data));
        assert_int_equal(SG_ERR_NO_SPACE, err);
        assert_true(written > 20);
        struct blob_writer *other = NULL;
        assert_int_equal(SG_ERR_NO_SPACE, BLOBS(start, -1, &other));
        BLOBS(abort, &w);
        assert_int_equal(0, tested->unfinished(dir));
        assert_int_equal(SG_OK, add(data, sizeof(data), NULL, sha256));
        assert_true(is_there(first) && is_there(sha256));
        tested->close(handle);
        contract_disk_unmount(dir);
        attach();
    }
}

int contract_blobs(const struct contract_blobs_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_twice_and_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scan, setup, teardown),
        cmocka_unit_test_setup_teardown(test_race, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };
    tested = engine;
    print_message("blobs contract on %s\n", engine->name);
    return cmocka_run_group_tests_name("blobs contract", tests, NULL, NULL);
}
