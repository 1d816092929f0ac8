/* SPDX-License-Identifier: Apache-2.0 */
/* The worker pool: everything taken is run once, the queue is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/pool.h"

struct work {
    struct pool_job job; /* first */
    atomic_int runs;
};

static atomic_int gate; /* 0: jobs wait */
static atomic_int running;

static void run(struct pool_job *job)
{
    struct work *w = (struct work *)job;

    atomic_fetch_add(&running, 1);
    while (atomic_load(&gate) == 0)
        usleep(500);
    atomic_fetch_add(&w->runs, 1);
    atomic_fetch_sub(&running, 1);
}

static void test_all_run(void **state)
{
    static struct work work[500];
    struct pool *p;

    (void)state;
    atomic_store(&gate, 1);
    assert_int_equal(pool_new(4, 1000, &p), SG_OK);
    for (int i = 0; i < 500; i++) {
        work[i].job.run = run;
        assert_int_equal(pool_submit(p, &work[i].job, false), SG_OK);
    }
    pool_free(p);
    for (int i = 0; i < 500; i++)
        assert_int_equal(atomic_load(&work[i].runs), 1);
}

static void test_bounded(void **state)
{
    static struct work work[6];
    struct pool *p;

    (void)state;
    atomic_store(&gate, 0);
    assert_int_equal(pool_new(2, 2, &p), SG_OK);
    for (int i = 0; i < 6; i++)
        work[i].job.run = run;
    assert_int_equal(pool_submit(p, &work[0].job, false), SG_OK);
    assert_int_equal(pool_submit(p, &work[1].job, false), SG_OK);
    while (atomic_load(&running) < 2)
        usleep(500);
    assert_int_equal(pool_submit(p, &work[2].job, false), SG_OK);
    assert_int_equal(pool_submit(p, &work[3].job, false), SG_OK);
    assert_int_equal(pool_submit(p, &work[4].job, false), SG_ERR_OVERLOADED);
    assert_int_equal(pool_submit(p, &work[5].job, true), SG_OK);
    assert_false(pool_cancelled(p));
    pool_cancel(p);
    assert_true(pool_cancelled(p));
    atomic_store(&gate, 1);
    pool_free(p);
    assert_int_equal(atomic_load(&work[3].runs), 1);
    assert_int_equal(atomic_load(&work[4].runs), 0);
    assert_int_equal(atomic_load(&work[5].runs), 1);
}

static void test_arguments(void **state)
{
    struct pool *p = NULL;

    (void)state;
    assert_int_equal(pool_new(0, 1, &p), SG_ERR_BAD_FIELD);
    assert_int_equal(pool_new(257, 1, &p), SG_ERR_BAD_FIELD);
    pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_run),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
