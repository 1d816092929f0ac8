/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of channels' state: records as a whole, the last answer, what outlives the process.
 */
#include "contract.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const struct contract_channels_engine *tested;
static char *dir;
static void *handle;
static struct channels_store store;

#define STORE(call, ...) store.vt->call(store.self, __VA_ARGS__)

static void attach(void)
{
    assert_int_equal(SG_OK, tested->open(dir, &handle));
    store = tested->channels(handle);
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

static void reopen(bool orderly)
{
    if (orderly)
        tested->close(handle);
    else
        tested->drop(handle);
    attach();
}

static struct channel_record record_of(uint8_t id)
{
    struct channel_record r = {.session_id = {id, 1, 2},
                               .expires_s = clock_now_s() + 1000,
                               .highest = 70,
                               .taken = UINT64_MAX,
                               .answered = 0x55,
                               .epoch = 7,
                               .responses = 3,
                               .former_until = 80,
                               .wrapped_len = 20};

    memset(r.wrapped, id, r.wrapped_len);
    return r;
}

/* What load has found. */
struct found {
    size_t count;
    size_t slot[64];
    struct channel_record record[64];
};

static enum sg_err note(void *ctx, size_t slot, const struct channel_record *record)
{
    struct found *f = ctx;

    assert_true(f->count < 64);
    f->slot[f->count] = slot;
    f->record[f->count++] = *record;
    return SG_OK;
}

static struct found load(void)
{
    struct found f = {.count = 0};

    assert_int_equal(SG_OK, STORE(load, note, &f));
    return f;
}

/* The slot of the record; fails when it is not there as a whole. */
static size_t find(const struct channel_record *expected)
{
    struct found f = load();

    for (size_t i = 0; i < f.count; i++)
        if (memcmp(f.record[i].session_id, expected->session_id, SG_SESSION_ID_SIZE) == 0) {
            assert_memory_equal(expected, &f.record[i], sizeof *expected);
            return f.slot[i];
        }
    fail_msg("no record");
    return 0;
}

static void assert_answer(size_t slot, const void *expected, size_t len)
{
    struct buf b;

    buf_init(&b, SG_CHANNEL_ANSWER_MAX);
    assert_int_equal(SG_OK, STORE(answer, slot, &b));
    assert_int_equal(len, b.len);
    assert_memory_equal(expected, b.data, len);
    buf_fini(&b);
}

static void test_records(void **state)
{
    struct channel_record a = record_of(1), b = record_of(2);
    size_t slot_a, slot_b;
    struct buf none;

    (void)state;
    assert_int_equal(0, load().count);
    assert_int_equal(SG_OK, STORE(create, &a, &slot_a));
    assert_int_equal(SG_OK, STORE(create, &b, &slot_b));
    assert_int_not_equal(slot_a, slot_b);
    assert_int_equal(2, load().count);
    assert_int_equal(slot_a, find(&a));
    assert_int_equal(slot_b, find(&b));
    buf_init(&none, 16);
    assert_int_equal(SG_ERR_NOT_FOUND, STORE(answer, slot_a, &none));
    for (unsigned i = 0; i < 100; i++) {
        a.highest++;
        assert_int_equal(SG_OK, STORE(update, slot_a, &a, NULL));
    }
    (void)find(&a);
    (void)find(&b);
    STORE(remove, slot_b);
    assert_int_equal(1, load().count);
    b = record_of(3);
    assert_int_equal(SG_OK, STORE(create, &b, &slot_b));
    (void)find(&b);
    assert_int_equal(SG_ERR_NOT_FOUND, STORE(answer, slot_b, &none));
}

static void outlives(bool orderly)
{
    struct channel_record a = record_of(1), b = record_of(2), gone = record_of(3);
    size_t slot;

    assert_int_equal(SG_OK, STORE(create, &gone, &slot));
    STORE(remove, slot);
    assert_int_equal(SG_OK, STORE(create, &a, &slot));
    a.last_sequence = 71;
    a.last_len = 5;
    assert_int_equal(SG_OK, STORE(update, slot, &a, "hello"));
    assert_int_equal(SG_OK, STORE(create, &b, &slot));
    reopen(orderly);
    assert_int_equal(2, load().count);
    (void)find(&b);
    slot = find(&a);
    assert_answer(slot, "hello", 5);
    a.highest++;
    assert_int_equal(SG_OK, STORE(update, slot, &a, NULL));
    reopen(orderly);
    assert_answer(find(&a), "hello", 5);
}

static void test_outlives_close(void **state)
{
    (void)state;
    outlives(true);
}

static void test_outlives_kill(void **state)
{
    (void)state;
    outlives(false);
}

/* Of all sizes, large after small and the other way. */
static void test_answers(void **state)
{
    static const size_t sizes[] = {0,    1,      100, 900,     1000, 1023, 1024, 1025,
                                   5000, 100000, 3,   1 << 20, 1200, 1100, 12};
    uint8_t *data = malloc(1 << 20);
    struct channel_record r = record_of(1);
    size_t slot;

    (void)state;
    assert_int_equal(SG_OK, STORE(create, &r, &slot));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(data, (int)i + 1, sizes[i]);
        r.last_sequence = r.highest = 100 + i;
        r.last_len = sizes[i];
        assert_int_equal(SG_OK, STORE(update, slot, &r, data));
        assert_answer(slot, data, sizes[i]);
        /* It stays while the record changes. */
        r.taken = i;
        assert_int_equal(SG_OK, STORE(update, slot, &r, NULL));
        assert_int_equal(SG_OK, STORE(update, slot, &r, NULL));
        assert_answer(slot, data, sizes[i]);
        if (i % 2 == 0) {
            reopen(i % 4 == 0);
            slot = find(&r);
            assert_answer(slot, data, sizes[i]);
        }
    }
    free(data);
}

static void test_too_large(void **state)
{
    struct channel_record r = record_of(1), before = r;
    size_t slot;

    (void)state;
    assert_int_equal(SG_OK, STORE(create, &r, &slot));
    r.last_sequence = 1;
    r.last_len = SG_CHANNEL_ANSWER_MAX + 1;
    assert_int_equal(SG_ERR_TOO_LARGE, STORE(update, slot, &r, "x"));
    (void)find(&before);
}

static void test_expired(void **state)
{
    struct channel_record r = record_of(1), old = record_of(2);
    size_t slot;

    (void)state;
    old.expires_s = clock_now_s() - 1;
    assert_int_equal(SG_OK, STORE(create, &old, &slot));
    assert_int_equal(SG_OK, STORE(create, &r, &slot));
    reopen(true);
    assert_int_equal(1, load().count);
    (void)find(&r);
}

static enum sg_err refuse(void *ctx, size_t slot, const struct channel_record *record)
{
    (void)ctx;
    (void)slot;
    (void)record;
    return SG_ERR_NO_MEMORY;
}

static void test_load_ends(void **state)
{
    struct channel_record r = record_of(1);
    size_t slot;

    (void)state;
    assert_int_equal(SG_OK, STORE(create, &r, &slot));
    assert_int_equal(SG_ERR_NO_MEMORY, STORE(load, refuse, NULL));
}

int contract_channels(const struct contract_channels_engine *engine)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_records),   T(test_outlives_close), T(test_outlives_kill), T(test_answers),
        T(test_too_large), T(test_expired),        T(test_load_ends),
    };

    tested = engine;
    return cmocka_run_group_tests_name(engine->name, tests, NULL, NULL);
}
