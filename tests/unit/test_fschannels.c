/* SPDX-License-Identifier: Apache-2.0 */
/* Channels in a mapped file: the contract, and what is its own: killed at any instant, copies,
 * other boots, damage, left answers. */
#include "contract.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/fschannels.h"
#include "tempdir.h"

#define KILLS      40
#define HEAD_BOOT  24 /* where these stand in the file */
#define HEAD_ORDER 88

static char *dir;
static struct fschannels *f;

static enum sg_err engine_open(const char *path, void **ret)
{
    struct fschannels *opened = NULL;
    enum sg_err err = fschannels_open(path, &opened, NULL);

    if (err == SG_OK)
        *ret = opened;
    return err;
}

static void engine_close(void *handle)
{
    fschannels_close(handle);
}

static void engine_drop(void *handle)
{
    fschannels_drop(handle);
}

static struct channels_store engine_channels(void *handle)
{
    return fschannels_store(handle);
}

static const struct contract_channels_engine engine = {"a mapped file", engine_open, engine_close,
                                                       engine_drop, engine_channels};

static bool open_again(void)
{
    bool lost = false;

    assert_int_equal(SG_OK, fschannels_open(dir, &f, &lost));
    return lost;
}

static int setup(void **state)
{
    (void)state;
    dir = tempdir_make();
    assert_false(open_again());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fschannels_close(f);
    tempdir_remove(dir);
    return 0;
}

static enum sg_err count_one(void *ctx, size_t slot, const struct channel_record *record)
{
    (void)slot;
    (void)record;
    ++*(size_t *)ctx;
    return SG_OK;
}

static size_t count(void)
{
    struct channels_store s = fschannels_store(f);
    size_t n = 0;

    assert_int_equal(SG_OK, s.vt->load(s.self, count_one, &n));
    return n;
}

static size_t add(uint8_t id)
{
    struct channels_store s = fschannels_store(f);
    struct channel_record r = {.session_id = {id}, .expires_s = clock_now_s() + 1000};
    size_t slot;

    assert_int_equal(SG_OK, s.vt->create(s.self, &r, &slot));
    return slot;
}

static void patch(off_t at, const void *data, size_t len)
{
    int fd = open(tempdir_path(dir, "state"), O_RDWR);

    assert_true(fd >= 0);
    assert_int_equal(len, pwrite(fd, data, len, at));
    close(fd);
}

/* -- what counts --------------------------------------------------------------------------------
 */
static void test_copy_is_void(void **state)
{
    char command[512];

    (void)state;
    (void)add(1);
    for (int orderly = 0; orderly < 2; orderly++) {
        if (orderly)
            fschannels_close(f);
        else
            fschannels_drop(f);
        (void)snprintf(command, sizeof command, "cd '%s' && cp -p state copy && mv copy state",
                       dir);
        assert_int_equal(0, system(command));
        assert_true(open_again());
        assert_int_equal(0, count());
        (void)add(2);
        assert_int_equal(1, count());
    }
}

/* A backup of an earlier run, put into the very file of this one. */
static void test_earlier_run_is_void(void **state)
{
    char command[512];

    (void)state;
    (void)add(1);
    fschannels_close(f);
    (void)snprintf(command, sizeof command, "cd '%s' && cp state backup", dir);
    assert_int_equal(0, system(command));
    assert_false(open_again());
    assert_int_equal(1, count());
    fschannels_close(f);
    (void)snprintf(command, sizeof command, "cd '%s' && cat backup > state && rm backup", dir);
    assert_int_equal(0, system(command));
    assert_true(open_again());
    assert_int_equal(0, count());
}

static void test_other_boot(void **state)
{
    static const char boot[40] = "00000000-0000-0000-0000-000000000000\0\0\0";

    (void)state;
    (void)add(1);
    fschannels_close(f);
    patch(HEAD_BOOT, boot, sizeof boot);
    /* The machine was shut down in order. */
    assert_false(open_again());
    assert_int_equal(1, count());
    fschannels_drop(f);
    patch(HEAD_BOOT, boot, sizeof boot);
    assert_true(open_again());
    assert_int_equal(0, count());
}

static void test_orderly_is_not_for_ever(void **state)
{
    uint64_t orderly = 7;
    int fd;

    (void)state;
    fschannels_close(f);
    assert_false(open_again());
    fd = open(tempdir_path(dir, "state"), O_RDONLY);
    assert_int_equal(sizeof orderly, pread(fd, &orderly, sizeof orderly, HEAD_ORDER));
    close(fd);
    assert_int_equal(0, orderly);
}

static void test_damage_is_void(void **state)
{
    const char *path = tempdir_path(dir, "state");

    (void)state;
    (void)add(1);
    fschannels_close(f);
    patch(0, "x", 1);
    assert_true(open_again());
    fschannels_close(f);
    assert_int_equal(0, truncate(path, 5000));
    assert_true(open_again());
    fschannels_close(f);
    assert_int_equal(0, truncate(path, 0));
    assert_true(open_again());
    fschannels_close(f);
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, symlink("/etc/passwd", path));
    assert_true(open_again());
    assert_int_equal(0, count());
    fschannels_close(f);
    assert_int_equal(0, unlink(path));
    assert_false(open_again());
}

/* -- answers in files ---------------------------------------------------------------------------
 */
static size_t answer_files(void)
{
    DIR *d = opendir(tempdir_path(dir, "answers"));
    size_t n = 0;

    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void test_answer_files(void **state)
{
    struct channels_store s = fschannels_store(f);
    struct channel_record r = {.session_id = {9}, .expires_s = clock_now_s() + 1000};
    static char data[20000];
    struct stat st;
    size_t slot;
    FILE *stray;

    (void)state;
    assert_int_equal(SG_OK, s.vt->create(s.self, &r, &slot));
    for (r.last_sequence = 1; r.last_sequence < 5; r.last_sequence++) {
        r.last_len = sizeof data;
        assert_int_equal(SG_OK, s.vt->update(s.self, slot, &r, data));
        assert_int_equal(1, answer_files());
    }
    stray = fopen(tempdir_path(dir, "answers/00.1"), "w");
    assert_non_null(stray);
    fclose(stray);
    fschannels_drop(f);
    assert_false(open_again());
    s = fschannels_store(f);
    assert_int_equal(1, answer_files());
    r.last_len = 1;
    assert_int_equal(SG_OK, s.vt->update(s.self, 0, &r, data));
    assert_int_equal(0, answer_files());
    r.last_sequence++;
    r.last_len = sizeof data;
    assert_int_equal(SG_OK, s.vt->update(s.self, 0, &r, data));
    assert_int_equal(1, answer_files());
    s.vt->remove(s.self, 0);
    assert_int_equal(0, answer_files());
    assert_int_equal(0, stat(tempdir_path(dir, "state"), &st));
    assert_int_equal(0600, st.st_mode & 0777);
    assert_int_equal(0, stat(tempdir_path(dir, "answers"), &st));
    assert_int_equal(0700, st.st_mode & 0777);
}

/* The start does not look at all records for each file. */
static void test_many_answers(void **state)
{
    enum { RECORDS = 20000, FILES = 1000 };
    struct channels_store s = fschannels_store(f);
    struct channel_record r = {.expires_s = clock_now_s() + 1000, .last_len = 1500};
    char name[32];
    struct timespec from, to;
    size_t slot;
    int fd;

    (void)state;
    for (unsigned i = 0; i < RECORDS; i++) {
        memcpy(r.session_id, &i, sizeof i);
        r.last_sequence = 1;
        assert_int_equal(SG_OK, s.vt->create(s.self, &r, &slot));
    }
    for (unsigned i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "answers/%u", i);
        fd = open(tempdir_path(dir, name), O_WRONLY | O_CREAT, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    fschannels_drop(f);
    assert_int_equal(0, clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from));
    assert_false(open_again());
    assert_int_equal(0, clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to));
    assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 1500);
    assert_int_equal(0, answer_files());
}

/* -- killed -------------------------------------------------------------------------------------
 */
/* Records all of whose parts say the same number. */
static void write_for_ever(int begun)
{
    struct channels_store s;
    struct channel_record r = {.session_id = {5}, .expires_s = clock_now_s() + 1000};
    static uint8_t data[3000];
    size_t slot;

    if (fschannels_open(dir, &f, NULL) != SG_OK)
        _exit(2);
    s = fschannels_store(f);
    if (s.vt->create(s.self, &r, &slot) != SG_OK)
        _exit(3);
    for (uint64_t n = 1;; n++) {
        r.highest = r.taken = r.answered = r.last_sequence = n;
        r.wrapped_len = sizeof r.wrapped;
        memset(r.wrapped, (int)n, sizeof r.wrapped);
        r.last_len = n % 64 == 0 ? sizeof data : 600 + n % 300;
        memset(data, (int)n, r.last_len);
        if (s.vt->update(s.self, slot, &r, data) != SG_OK)
            _exit(4);
        if (n == 1 && write(begun, "", 1) != 1)
            _exit(5);
    }
}

static uint64_t seen;

static enum sg_err check_whole(void *ctx, size_t slot, const struct channel_record *r)
{
    struct channels_store s = fschannels_store(f);
    struct buf b;

    (void)ctx;
    if (r->highest == 0)
        return SG_OK;
    assert_int_equal(r->highest, r->taken);
    assert_int_equal(r->highest, r->answered);
    assert_int_equal(r->highest, r->last_sequence);
    for (size_t i = 0; i < sizeof r->wrapped; i++)
        assert_int_equal((uint8_t)r->highest, r->wrapped[i]);
    buf_init(&b, 4096);
    assert_int_equal(SG_OK, s.vt->answer(s.self, slot, &b));
    assert_int_equal(r->highest % 64 == 0 ? 3000 : 600 + r->highest % 300, b.len);
    for (size_t i = 0; i < b.len; i++)
        assert_int_equal((uint8_t)r->highest, b.data[i]);
    buf_fini(&b);
    seen++;
    return SG_OK;
}

static void test_killed(void **state)
{
    (void)state;
    seen = 0;
    for (unsigned i = 0; i < KILLS; i++) {
        struct channels_store s;
        int begun[2];
        char byte;
        pid_t child;

        assert_int_equal(0, pipe(begun));
        fschannels_drop(f);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_for_ever(begun[1]);
        assert_int_equal(1, read(begun[0], &byte, 1));
        usleep(i * 97);
        assert_int_equal(0, kill(child, SIGKILL));
        assert_int_equal(child, waitpid(child, NULL, 0));
        close(begun[0]);
        close(begun[1]);
        assert_false(open_again());
        s = fschannels_store(f);
        assert_int_equal(SG_OK, s.vt->load(s.self, check_whole, NULL));
        for (size_t slot = 0; count() > 0; slot++)
            s.vt->remove(s.self, slot);
    }
    assert_int_equal(KILLS, seen);
}

static void test_limit(void **state)
{
    struct channels_store s = fschannels_store(f);
    struct channel_record r = {.session_id = {5}, .expires_s = clock_now_s() + 1000};
    size_t slot;

    (void)state;
    for (size_t i = 0; i < SG_FSCHANNELS_MAX; i++)
        assert_int_equal(SG_OK, s.vt->create(s.self, &r, &slot));
    assert_int_equal(SG_ERR_LIMIT, s.vt->create(s.self, &r, &slot));
    s.vt->remove(s.self, 17);
    assert_int_equal(SG_OK, s.vt->create(s.self, &r, &slot));
    assert_int_equal(17, slot);
    fschannels_drop(f);
    assert_false(open_again());
    assert_int_equal(SG_FSCHANNELS_MAX, count());
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_copy_is_void),
        T(test_earlier_run_is_void),
        T(test_other_boot),
        T(test_damage_is_void),
        T(test_orderly_is_not_for_ever),
        T(test_answer_files),
        T(test_many_answers),
        T(test_killed),
        T(test_limit),
    };
    int failed = contract_channels(&engine);

    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
