/* SPDX-License-Identifier: Apache-2.0 */
/* Channels used, opened, ended and pruned by many threads at once: no sequence number is taken
 * twice, and nothing that ended is used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/thread.h"
#include "channels_fixture.h"

#define THREADS  4
#define SHARED   3
#define ROUNDS   3000
#define SEQUENCE 4096

static struct channels_fixture f;
static struct channels_client shared[SHARED];
static _Atomic unsigned char taken[SHARED][SEQUENCE];
static _Atomic uint64_t next_sequence[SHARED];
static _Atomic unsigned twice, broken;

static void take_one(unsigned which, uint64_t sequence, const char *text)
{
    struct channel_request q = {.sequence = sequence};
    struct channel_message m = {.direction = SG_CHANNEL_REQUEST, .sequence = sequence};
    struct channel_exchange *x = NULL;
    struct channel_answer a;
    struct buf sealed, inner;
    bool at_once;
    enum sg_err err;

    memcpy(q.session_id, shared[which].terms.session_id, sizeof q.session_id);
    memcpy(m.session_id, q.session_id, sizeof q.session_id);
    buf_init(&sealed, 256);
    buf_init(&inner, 256);
    if (text != NULL) {
        if (channel_seal(&shared[which].epoch, &m, NULL, text, strlen(text), &sealed) != SG_OK)
            broken++;
        q.has_epoch = true;
        q.data = sealed.data;
        q.data_len = sealed.len;
    }
    err = channels_take(f.channels, &q, "plain", 5, &inner, &x, &a, &at_once);
    if (err == SG_OK && !at_once) { /* somebody else has the channel: as on a pool thread */
        buf_fini(&inner);
        buf_init(&inner, 256);
        err = channels_take(f.channels, &q, "plain", 5, &inner, &x, &a, NULL);
    }
    if (x != NULL) {
        if (atomic_fetch_add(&taken[which][sequence], 1) != 0)
            twice++;
        if (sequence % 5 == 0)
            channels_abandon(f.channels, &x);
        else if (channels_answer(f.channels, &x, "done", 4, &a) != SG_OK)
            broken++;
        else
            buf_fini(&a.data);
    } else if (err == SG_OK) {
        buf_fini(&a.data);
    } else if (err != SG_ERR_REPLAYED && err != SG_ERR_SEQUENCE_GAP &&
               err != SG_ERR_SEQUENCE_BUSY && err != SG_ERR_INTERRUPTED) {
        broken++;
    }
    buf_fini(&sealed);
    buf_fini(&inner);
}

/* Channels that come and go meanwhile. */
static void open_and_close(bool close_it)
{
    struct session_record s = {.expires_ns = clock_now_ns() + 3600 * SG_NS_PER_S};
    struct channel_offer offer;

    rng_bytes(s.id, sizeof s.id);
    if (channels_open(f.channels, &s, NULL, &offer) != SG_OK)
        broken++;
    if (close_it)
        channels_close(f.channels, s.id);
    else
        channels_prune(f.channels);
}

static void *work(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned which = (unsigned)rand_r(&seed) % SHARED;
        uint64_t sequence = atomic_fetch_add(&next_sequence[which], (uint64_t)rand_r(&seed) % 2);

        /* Each number is tried several times, by several threads. */
        take_one(which, sequence % (SEQUENCE - 1) + 1, "do it");
        if (i % 50 == 0)
            open_and_close(i % 100 == 0);
    }
    return NULL;
}

static void test_each_number_once(void **state)
{
    pthread_t thread[THREADS];

    (void)state;
    channels_fixture_init(&f);
    channels_fixture_stop(&f, true);
    f.options.responses = 1000000;
    channels_fixture_start(&f);
    for (unsigned i = 0; i < SHARED; i++)
        channels_fixture_open(&f, true, &shared[i]);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(SG_OK, thread_start(&thread[i], work, (void *)(uintptr_t)(i + 1)));
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(0, pthread_join(thread[i], NULL));
    assert_int_equal(0, twice);
    assert_int_equal(0, broken);
    assert_true(channels_count(f.channels) >= SHARED);
    channels_fixture_fini(&f);
}

/* Ended while others use it: they are told so, or were in time. */
static void *use_until_ended(void *arg)
{
    struct channel_request q = {.sequence = (uint64_t)(uintptr_t)arg};
    struct channel_exchange *x = NULL;
    struct channel_answer a;
    struct buf inner;
    enum sg_err err;

    memcpy(q.session_id, shared[0].terms.session_id, sizeof q.session_id);
    buf_init(&inner, 16);
    for (;; q.sequence += THREADS) {
        err = channels_take(f.channels, &q, "plain", 5, &inner, &x, &a, NULL);
        if (err == SG_OK)
            buf_fini(&a.data);
        else if (err == SG_ERR_NO_CHANNEL)
            return NULL;
        else if (err != SG_ERR_SEQUENCE_GAP && err != SG_ERR_REPLAYED)
            broken++;
    }
}

static void test_ended_in_use(void **state)
{
    pthread_t thread[THREADS];

    (void)state;
    broken = 0;
    channels_fixture_init(&f);
    for (unsigned round = 0; round < 20; round++) {
        channels_fixture_open(&f, true, &shared[0]);
        for (unsigned i = 0; i < THREADS; i++)
            assert_int_equal(SG_OK,
                             thread_start(&thread[i], use_until_ended, (void *)(uintptr_t)(i + 1)));
        for (unsigned i = 0; i < 20; i++)
            open_and_close(true);
        channels_close(f.channels, shared[0].terms.session_id);
        for (unsigned i = 0; i < THREADS; i++)
            assert_int_equal(0, pthread_join(thread[i], NULL));
    }
    assert_int_equal(0, broken);
    assert_int_equal(0, channels_count(f.channels));
    channels_fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_number_once),
        cmocka_unit_test(test_ended_in_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
