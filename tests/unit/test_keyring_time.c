/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of signed time: what is stated, and that it never runs backwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "ipc/signing.h"
#include "keyring/kek.h"
#include "keyring/timesign.h"
#include "keyring/translog_key.h"
#include "tempdir.h"

static const struct kek kek = {.key = "a key of thirty-two bytes, so so"};
static const uint8_t nonce[SG_TIME_NONCE_MAX] = "a nonce of more than sixteen bytes";
static char *data;
static struct timesign *signer;
static int64_t now_ns;
static struct clock_state clock_says;
static _Thread_local int64_t stated; /* by the last statement */

static int64_t fake_now(void)
{
    return now_ns;
}

static struct clock_state fake_state(void)
{
    return clock_says;
}

static const struct clock_source source = {.now_ns = fake_now, .state = fake_state};

static void open_it(void)
{
    const struct timesign_options options = {
        .data = data, .issuer = "https://time.example:8443", .kek = &kek};

    assert_int_equal(timesign_open(&options, &signer), SG_OK);
}

static int set_up(void **state)
{
    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    data = tempdir_make();
    assert_int_equal(file_mkdirs(tempdir_path(data, "keyring"), 0700), SG_OK);
    now_ns = INT64_C(1795262400123456789); /* 2026-11-21T12:00:00.123456789Z */
    clock_says = (struct clock_state){.synchronized = true, .max_error_us = 250};
    clock_set_source(&source);
    open_it();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clock_set_source(NULL);
    timesign_close(signer);
    tempdir_remove(data);
    return 0;
}

/* The body of a statement, after its signature was verified. */
static void state_time(char ret[SG_TIME_NOTE_MAX])
{
    struct buf text;
    struct note note;

    buf_init(&text, SG_TIME_NOTE_MAX);
    assert_int_equal(timesign_make(signer, nonce, 16, &text, &stated), SG_OK);
    assert_int_equal(note_parse(buf_str(&text), text.len, &note), SG_OK);
    assert_int_equal(note_verify(&note, timesign_key(signer), NULL), SG_OK);
    memcpy(ret, note.body, note.body_len);
    ret[note.body_len] = '\0';
    note_fini(&note);
    buf_fini(&text);
}

static void assert_time(const char *expected)
{
    char body[SG_TIME_NOTE_MAX];

    state_time(body);
    if (strstr(body, expected) == NULL)
        fail_msg("no %s in %s", expected, body);
}

static void statement_is_as_documented(void **state)
{
    char body[SG_TIME_NOTE_MAX];

    (void)state;
    state_time(body);
    assert_int_equal(stated, now_ns);
    assert_string_equal(body, "time.example:8443/time\n"
                              "nonce YSBub25jZSBvZiBtb3JlIA\n"
                              "time 2026-11-21T12:00:00.123456789Z\n"
                              "error_us 250\n"
                              "synchronized true\n");
    clock_says = (struct clock_state){.synchronized = false, .max_error_us = -1};
    now_ns += SG_NS_PER_S;
    assert_time("error_us 16000000\nsynchronized false\n");
}

static void altered_statement_does_not_verify(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, SG_TIME_NOTE_MAX);
    assert_int_equal(timesign_make(signer, nonce, 64, &text, &stated), SG_OK);
    for (size_t i = 0; i < text.len; i += 7) {
        struct note note;

        text.data[i] ^= 1;
        if (note_parse(buf_str(&text), text.len, &note) == SG_OK) {
            assert_int_not_equal(note_verify(&note, timesign_key(signer), NULL), SG_OK);
            note_fini(&note);
        }
        text.data[i] ^= 1;
    }
    buf_fini(&text);
}

static void nonces_of_other_lengths(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, SG_TIME_NOTE_MAX);
    assert_int_equal(timesign_make(signer, nonce, 0, &text, &stated), SG_ERR_BAD_FIELD);
    assert_int_equal(timesign_make(signer, nonce, 15, &text, &stated), SG_ERR_BAD_FIELD);
    assert_int_equal(timesign_make(signer, nonce, 65, &text, &stated), SG_ERR_BAD_FIELD);
    assert_int_equal(text.len, 0);
    buf_fini(&text);
}

static void later_than_the_one_before(void **state)
{
    struct buf unused;

    (void)state;
    buf_init(&unused, SG_TIME_NOTE_MAX);
    assert_time("12:00:00.123456789Z");
    assert_time("12:00:00.123456790Z\nerror_us 251\n"); /* the same reading of the clock */
    now_ns -= SG_NS_PER_S / 2;
    assert_time("12:00:00.123456791Z\nerror_us 500251\n");
    now_ns -= SG_NS_PER_S;
    assert_int_equal(timesign_make(signer, nonce, 16, &unused, &stated), SG_ERR_CLOCK);
    assert_int_equal(unused.len, 0);
    now_ns += 2 * SG_NS_PER_S;
    assert_time("12:00:00.623456789Z\nerror_us 250\n");
    buf_fini(&unused);
}

static void reopen(void)
{
    timesign_close(signer);
    open_it();
}

static void also_over_a_restart(void **state)
{
    struct note_key key = *timesign_key(signer);
    struct buf unused;

    (void)state;
    buf_init(&unused, SG_TIME_NOTE_MAX);
    assert_time("12:00:00.123456789Z");
    reopen();
    assert_memory_equal(timesign_key(signer), &key, sizeof key);
    /* The mark is ahead: the statement is too, and says how wrong it may be. */
    assert_time("12:00:00.623456790Z\nerror_us 500251\n");
    now_ns -= SG_NS_PER_S * 3600; /* set back while it was down */
    reopen();
    assert_int_equal(timesign_make(signer, nonce, 16, &unused, &stated), SG_ERR_CLOCK);
    now_ns += SG_NS_PER_S * 3602;
    assert_time("12:00:02.123456789Z\nerror_us 250\n");
    for (int i = 0; i < 100; i++) { /* restarts in a row: not carried away from the clock */
        reopen();
        buf_clear(&unused);
        assert_int_equal(timesign_make(signer, nonce, 16, &unused, &stated), SG_OK);
        assert_true(stated < now_ns + SG_NS_PER_S);
    }
    now_ns += SG_NS_PER_S;
    assert_time("12:00:03.123456789Z\nerror_us 250\n");
    buf_fini(&unused);
}

static void nothing_is_stated_with_a_damaged_mark(void **state)
{
    struct buf unused;
    char body[SG_TIME_NOTE_MAX];

    (void)state;
    buf_init(&unused, SG_TIME_NOTE_MAX);
    state_time(body);
    assert_int_equal(truncate(tempdir_path(data, "keyring/time.state"), 9), 0);
    reopen();
    assert_int_equal(timesign_make(signer, nonce, 16, &unused, &stated), SG_ERR_CLOCK);
    assert_int_equal(unlink(tempdir_path(data, "keyring/time.state")), 0);
    reopen();
    state_time(body);
}

#define THREADS 4
#define EACH    200

static void *state_often(void *arg)
{
    char(*times)[40] = arg;

    for (size_t i = 0; i < EACH; i++) {
        struct buf text;
        const char *at;

        buf_init(&text, SG_TIME_NOTE_MAX);
        if (timesign_make(signer, nonce, 20, &text, &stated) != SG_OK)
            return "failed";
        at = strstr(buf_str(&text), "\ntime ");
        if (at == NULL)
            return "no time";
        memcpy(times[i], at + 6, 30);
        buf_fini(&text);
    }
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void no_instant_is_stated_twice(void **state)
{
    static char times[THREADS * EACH][40];
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, state_often, times[i * EACH]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    qsort(times, THREADS * EACH, sizeof times[0], by_text);
    for (size_t i = 1; i < THREADS * EACH; i++)
        assert_true(strcmp(times[i - 1], times[i]) < 0);
}

static void names_of_keys(void **state)
{
    static const struct {
        const char *issuer, *name;
    } rows[] = {
        {"https://localhost:8443", "localhost:8443/log"},
        {"https://a.example/", "a.example/log"},
        {"http://a.example/b//", "a.example/b/log"},
        {"plain", "plain/log"},
        {"https://a+b", "a%2Bb/log"},
        {"https://a b%", "a%20b%25/log"},
    };
    char long_issuer[400];
    char name[SG_NOTE_NAME_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(notekey_name(rows[i].issuer, "/log", name), SG_OK);
        assert_string_equal(name, rows[i].name);
    }
    assert_int_equal(notekey_name("https://", "/log", name), SG_ERR_BAD_FIELD);
    memset(long_issuer, 'a', sizeof long_issuer - 1);
    long_issuer[sizeof long_issuer - 1] = '\0';
    assert_int_equal(notekey_name(long_issuer, "/log", name), SG_ERR_BAD_FIELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(statement_is_as_documented, set_up, tear_down),
        cmocka_unit_test_setup_teardown(altered_statement_does_not_verify, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nonces_of_other_lengths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(later_than_the_one_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(also_over_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_stated_with_a_damaged_mark, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_instant_is_stated_twice, set_up, tear_down),
        cmocka_unit_test(names_of_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
