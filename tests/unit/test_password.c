/* SPDX-License-Identifier: Apache-2.0 */
/* Password hashing: the algorithm, its costs and its memory, equal work, turns. */
#include "core/password.h"

#include <argon2.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct password_params cheap = {
    .memory_kib = 64, .passes = 1, .parallel = 1, .concurrent = 1};

static struct password_hasher *make(const struct password_params *params)
{
    struct password_hasher *h = password_new(params);

    assert_non_null(h);
    return h;
}

static bool matches(struct password_hasher *h, const char *encoded, const char *password)
{
    bool match = true, stale = true;

    assert_int_equal(password_verify(h, encoded, password, &match, &stale), SG_OK);
    return match;
}

static void test_hash_and_verify(void **state)
{
    struct password_hasher *h = make(&cheap);
    char hash[SG_PASSWORD_HASH_SIZE], other[SG_PASSWORD_HASH_SIZE];
    bool match = false, stale = true;

    (void)state;
    assert_int_equal(password_enter(h), SG_OK);
    assert_int_equal(password_hash(h, "correct horse", hash), SG_OK);
    assert_int_equal(password_hash(h, "correct horse", other), SG_OK);
    assert_string_not_equal(hash, other);
    assert_memory_equal(hash, "$argon2id$v=19$m=64,t=1,p=1$", 28);
    assert_int_equal(password_verify(h, hash, "correct horse", &match, &stale), SG_OK);
    assert_true(match);
    assert_false(stale);
    assert_false(matches(h, hash, "correct horsf"));
    assert_false(matches(h, hash, ""));
    password_leave(h);
    password_free(h);
}

static void test_recommended_parameters(void **state)
{
    struct password_params params = {
        .memory_kib = 19456, .passes = 2, .parallel = 1, .concurrent = 2};
    struct password_hasher *h = make(&params);
    char hash[SG_PASSWORD_HASH_SIZE];

    (void)state;
    assert_int_equal(password_hash(h, "correct horse", hash), SG_OK);
    assert_memory_equal(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    assert_true(matches(h, hash, "correct horse"));
    password_free(h);
}

/* Whichever library hashes, it is argon2id as its authors made it. */
static void test_same_as_the_reference(void **state)
{
    static const struct password_params costs[] = {
        {.memory_kib = 8, .passes = 1, .parallel = 1},
        {.memory_kib = 1021, .passes = 3, .parallel = 1},
        {.memory_kib = 19456, .passes = 2, .parallel = 1},
        {.memory_kib = 64, .passes = 2, .parallel = 4},
    };
    static const char password[] = "correct horse";
    char hash[SG_PASSWORD_HASH_SIZE];
    uint8_t salt[16];

    (void)state;
    memset(salt, 0xa5, sizeof salt);
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        const struct password_params *c = &costs[i];
        struct password_hasher *h = make(c);

        assert_int_equal(password_hash(h, password, hash), SG_OK);
        assert_int_equal(argon2id_verify(hash, password, strlen(password)), ARGON2_OK);
        assert_int_equal(argon2id_verify(hash, "", 0), ARGON2_VERIFY_MISMATCH);
        assert_int_equal(argon2id_hash_encoded(c->passes, c->memory_kib, c->parallel, password,
                                               strlen(password), salt, sizeof salt, 32, hash,
                                               sizeof hash),
                         ARGON2_OK);
        assert_true(matches(h, hash, password));
        assert_false(matches(h, hash, "correct horsf"));
        password_free(h);
    }
}

static size_t pages(bool resident)
{
    unsigned long all = 0, here = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &all, &here), 2);
    (void)fclose(f);
    return resident ? here : all;
}

static void *hash_once(void *arg)
{
    char hash[SG_PASSWORD_HASH_SIZE];

    return password_hash(arg, "correct horse", hash) == SG_OK ? arg : NULL;
}

/* What hashes took is the system's again when they are done, in threads that live on, too. */
static void test_memory_at_rest(void **state)
{
    struct password_params params = {
        .memory_kib = 19456, .passes = 1, .parallel = 1, .concurrent = 2};
    struct password_hasher *h = make(&params);
    pthread_t thread[2];
    size_t before = pages(true), after;
    void *done = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, hash_once, h), 0);
    assert_ptr_equal(hash_once(h), h);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(thread[i], &done), 0);
        assert_ptr_equal(done, h);
    }
    after = pages(true);
    assert_true(after <= before || (after - before) * (size_t)sysconf(_SC_PAGESIZE) < 8 << 20);
    password_free(h);
}

static void test_no_memory(void **state)
{
    struct password_params params = {
        .memory_kib = 262144, .passes = 1, .parallel = 1, .concurrent = 1};
    struct password_hasher *h = make(&params);
    char hash[SG_PASSWORD_HASH_SIZE] = "untouched";
    bool match = true, stale = true;
    struct rlimit former, tight;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_AS, &former), 0);
    tight = former;
    tight.rlim_cur = pages(false) * (size_t)sysconf(_SC_PAGESIZE) + (64 << 20);
    assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
    assert_int_equal(password_hash(h, "correct horse", hash), SG_ERR_NO_MEMORY);
    assert_int_equal(password_verify(h, NULL, "correct horse", &match, &stale), SG_ERR_NO_MEMORY);
    assert_null(password_new(&params));
    assert_int_equal(setrlimit(RLIMIT_AS, &former), 0);
    assert_string_equal(hash, "untouched");
    assert_true(match && stale);
    password_free(h);
}

static void test_unknown_user_never_matches(void **state)
{
    struct password_hasher *h = make(&cheap);

    (void)state;
    assert_false(matches(h, NULL, "correct horse"));
    assert_false(matches(h, NULL, ""));
    password_free(h);
}

static void test_other_parameters_are_stale(void **state)
{
    struct password_params more = cheap;
    struct password_hasher *h = make(&cheap), *now;
    char hash[SG_PASSWORD_HASH_SIZE];
    bool match = false, stale = false;

    (void)state;
    assert_int_equal(password_hash(h, "correct horse", hash), SG_OK);
    more.passes = 2;
    now = make(&more);
    assert_int_equal(password_verify(now, hash, "correct horse", &match, &stale), SG_OK);
    assert_true(match);
    assert_true(stale);
    password_free(now);
    password_free(h);
}

static void test_damaged_hash(void **state)
{
    struct password_hasher *h = make(&cheap);
    bool match = false, stale = false;

    (void)state;
    assert_int_equal(password_verify(h, "", "x", &match, &stale), SG_ERR_CORRUPT);
    assert_int_equal(password_verify(h, "$2y$10$abc", "x", &match, &stale), SG_ERR_CORRUPT);
    assert_int_equal(password_verify(h, "$argon2id$v=19$m=64,t=1,p=1$AAAA", "x", &match, &stale),
                     SG_ERR_CORRUPT);
    /* A terabyte is refused, not taken. */
    assert_int_equal(password_verify(h,
                                     "$argon2id$v=19$m=1073741824,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                     "x", &match, &stale),
                     SG_ERR_CORRUPT);
    password_free(h);
}

static void test_normal_form(void **state)
{
    struct password_hasher *h = make(&cheap);
    char hash[SG_PASSWORD_HASH_SIZE];

    (void)state;
    assert_int_equal(password_hash(h, "caf\xc3\xa9 au lait", hash), SG_OK);
    assert_true(matches(h, hash, "cafe\xcc\x81 au lait"));
    assert_false(matches(h, hash, "cafe au lait"));
    assert_false(matches(h, hash, "caf\xe9 au lait")); /* Latin-1 is no UTF-8 */
    password_free(h);
}

static void test_overlong_never_matches(void **state)
{
    struct password_hasher *h = make(&cheap);
    char hash[SG_PASSWORD_HASH_SIZE];
    char *text = calloc(1, SG_PASSWORD_BYTES_MAX + 2);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', SG_PASSWORD_BYTES_MAX);
    assert_int_equal(password_hash(h, text, hash), SG_OK);
    assert_true(matches(h, hash, text));
    text[SG_PASSWORD_BYTES_MAX] = 'a';
    assert_int_equal(password_hash(h, text, hash), SG_OK);
    assert_false(matches(h, hash, text));
    assert_int_equal(password_hash(h, "", hash), SG_OK);
    assert_false(matches(h, hash, text));
    free(text);
    password_free(h);
}

static void test_bad_parameters(void **state)
{
    struct password_params params = cheap;

    (void)state;
    params.memory_kib = 1;
    assert_null(password_new(&params));
    params = cheap;
    params.passes = 0;
    assert_null(password_new(&params));
    params = cheap;
    params.parallel = 9; /* of 8 KiB each */
    assert_null(password_new(&params));
}

struct crowd {
    struct password_hasher *h;
    atomic_uint inside, most, entered, refused;
};

static void *enter_and_leave(void *arg)
{
    struct crowd *c = arg;

    if (password_enter(c->h) != SG_OK) {
        atomic_fetch_add(&c->refused, 1);
        return NULL;
    }
    unsigned now = atomic_fetch_add(&c->inside, 1) + 1;
    unsigned most = atomic_load(&c->most);
    while (now > most && !atomic_compare_exchange_weak(&c->most, &most, now))
        ;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    atomic_fetch_sub(&c->inside, 1);
    atomic_fetch_add(&c->entered, 1);
    password_leave(c->h);
    return NULL;
}

static void test_turns(void **state)
{
    struct password_params params = cheap;
    struct crowd c = {0};
    pthread_t thread[SG_PASSWORD_WAITERS + 16];
    size_t count = sizeof thread / sizeof thread[0];

    (void)state;
    params.concurrent = 2;
    c.h = make(&params);
    assert_int_equal(password_enter(c.h), SG_OK);
    assert_int_equal(password_enter(c.h), SG_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, enter_and_leave, &c), 0);
    /* Both places are taken: all but the waiters that fit are turned away. */
    while (atomic_load(&c.refused) < count - SG_PASSWORD_WAITERS)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(password_enter(c.h), SG_ERR_OVERLOADED);
    password_leave(c.h);
    password_leave(c.h);
    for (size_t i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&c.refused), count - SG_PASSWORD_WAITERS);
    assert_int_equal(atomic_load(&c.entered), SG_PASSWORD_WAITERS);
    assert_in_range(atomic_load(&c.most), 1, 2);
    password_free(c.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_and_verify),
        cmocka_unit_test(test_recommended_parameters),
        cmocka_unit_test(test_same_as_the_reference),
        cmocka_unit_test(test_memory_at_rest),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_unknown_user_never_matches),
        cmocka_unit_test(test_other_parameters_are_stale),
        cmocka_unit_test(test_damaged_hash),
        cmocka_unit_test(test_normal_form),
        cmocka_unit_test(test_overlong_never_matches),
        cmocka_unit_test(test_bad_parameters),
        cmocka_unit_test(test_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
