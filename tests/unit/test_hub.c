/* SPDX-License-Identifier: Apache-2.0 */
/* The hub: what listeners are shown, when they are woken, and what is refused. */
#include "core/hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hub_fixture.h"

#define COMMON 7
#define OTHER  9

static void enter(struct listener *l, struct hub *h)
{
    assert_int_equal(hub_enter(h, &l->w), SG_OK);
}

/* Collects and compares the seqs; ended by 0. */
static void expect(struct listener *l, struct hub *h, ...)
{
    size_t count = 0;
    va_list ap;

    listener_collect(l, h);
    assert_false(l->news.recheck);
    assert_false(l->news.behind);
    va_start(ap, h);
    for (int seq = va_arg(ap, int); seq != 0; seq = va_arg(ap, int)) {
        assert_true(count < l->news.count);
        assert_int_equal(l->events[count++]->seq, seq);
    }
    va_end(ap);
    assert_int_equal(l->news.count, count);
}

static void test_one_space(void **state)
{
    struct hub *h = hub_fixture_new(0, 0);
    struct listener l;

    (void)state;
    listener_init(&l, 1, "ann", COMMON, NULL);
    hub_fixture_publish(h, 1, COMMON);
    hub_fixture_publish(h, 2, OTHER);
    hub_fixture_publish(h, 3, COMMON);
    assert_int_equal(hub_position(h), 3);
    expect(&l, h, 1, 3, 0); /* without having entered */
    assert_int_equal(l.w.after, 3);
    enter(&l, h);
    assert_int_equal(hub_count(h), 1);
    listener_wait(&l, h);
    hub_fixture_publish(h, 4, OTHER);
    assert_true(listener_asleep(&l));
    hub_fixture_publish(h, 5, COMMON);
    assert_true(listener_woken(&l));
    expect(&l, h, 5, 0);
    expect(&l, h, 0);
    hub_fixture_publish(h, 6, COMMON);
    assert_false(hub_wait(h, &l.w));
    expect(&l, h, 6, 0);
    listener_wait(&l, h);
    listener_fini(&l, h);
    assert_int_equal(hub_count(h), 0);
    hub_fixture_publish(h, 7, COMMON);
    hub_fixture_sleep_ms(20);
    assert_int_equal(atomic_load(&l.wakes), 1);
    hub_free(h);
}

static void test_all_spaces(void **state)
{
    struct hub *h = hub_fixture_new(0, 0);
    struct hub_view *view = hub_fixture_view(3, COMMON, 0);
    struct listener l;

    (void)state;
    listener_init(&l, 1, "ann", 0, view);
    l.w.types = HUB_ALL_EVENTS & ~(1u << SG_EVENT_FILE_STORED);
    hub_fixture_publish(h, 1, OTHER);
    hub_fixture_publish(h, 2, COMMON);
    hub_fixture_publish_as(h, 3, COMMON, SG_EVENT_FILE_STORED, 0);
    hub_fixture_publish(h, 4, 3);
    hub_fixture_publish(h, 5, OTHER);
    enter(&l, h);
    expect(&l, h, 2, 4, 0);
    assert_int_equal(l.w.after, 5);
    listener_wait(&l, h);
    hub_fixture_publish(h, 6, OTHER);
    hub_fixture_publish_as(h, 7, COMMON, SG_EVENT_FILE_STORED, 0);
    assert_true(listener_asleep(&l));
    hub_fixture_publish(h, 8, COMMON);
    assert_true(listener_woken(&l));
    expect(&l, h, 8, 0);
    listener_wait(&l, h);
    listener_collect(&l, h); /* as after the end of its time: no longer waits */
    hub_fixture_publish(h, 9, COMMON);
    assert_true(listener_asleep(&l));
    expect(&l, h, 9, 0);
    listener_fini(&l, h);
    hub_view_unref(view);
    hub_free(h);
}

/* The view is replaced: events of the new space wake, those of the old one do not. */
static void test_view_changes(void **state)
{
    struct hub *h = hub_fixture_new(0, 0);
    struct hub_view *view = hub_fixture_view(3, 4, 0);
    struct hub_view *next = hub_fixture_view(4, 5, 0);
    struct listener l, other;

    (void)state;
    listener_init(&l, 1, "ann", 0, view);
    listener_init(&other, 1, "ann", 0, view);
    enter(&l, h);
    enter(&other, h);
    listener_wait(&other, h);
    l.w.view = next;
    listener_wait(&l, h);
    hub_fixture_publish(h, 1, 3);
    assert_true(listener_woken(&other));
    assert_true(listener_asleep(&l));
    hub_fixture_publish(h, 2, 5);
    assert_true(listener_woken(&l));
    expect(&l, h, 2, 0);
    expect(&other, h, 1, 0);
    hub_view_unref(view);
    other.w.view = next;
    listener_wait(&other, h);
    listener_wait(&l, h);
    hub_fixture_publish(h, 3, 4);
    assert_true(listener_woken(&other));
    assert_true(listener_woken(&l));
    listener_fini(&l, h);
    listener_fini(&other, h);
    hub_view_unref(next);
    hub_free(h);
}

static void test_limits_of_an_answer(void **state)
{
    struct hub *h = hub_fixture_new(0, 0);
    struct hub_view *view = hub_fixture_view(COMMON, 0);
    struct listener l;

    (void)state;
    for (uint64_t seq = 1; seq <= 20; seq++)
        hub_fixture_publish(h, seq, COMMON);
    for (int all = 0; all < 2; all++) {
        listener_init(&l, 1, "ann", all ? 0 : COMMON, all ? view : NULL);
        listener_collect_bytes(&l, h, 25);
        assert_int_equal(l.news.count, 2);
        assert_true(l.news.more);
        assert_int_equal(l.w.after, 2);
        listener_collect(&l, h);
        assert_int_equal(l.news.count, 16);
        assert_true(l.news.more);
        assert_int_equal(l.events[0]->seq, 3);
        expect(&l, h, 19, 20, 0);
        assert_false(l.news.more);
        l.w.after = 18;
        listener_collect_bytes(&l, h, 1);
        assert_int_equal(l.news.count, 1);
        listener_fini(&l, h);
    }
    hub_view_unref(view);
    hub_free(h);
}

static void test_behind(void **state)
{
    struct hub *h = hub_fixture_new(100, 0);
    struct hub_view *quiet = hub_fixture_view(3, OTHER, 0);
    struct listener l, parked, all, late;
    uint64_t seq = 101;

    (void)state;
    listener_init(&l, 1, "ann", COMMON, NULL);
    l.w.after = 99;
    listener_collect(&l, h);
    assert_true(l.news.behind);
    assert_int_equal(l.w.after, 99);
    listener_init(&parked, 1, "ann", OTHER, NULL);
    listener_init(&all, 1, "ann", 0, quiet);
    listener_init(&late, 1, "ann", OTHER, NULL);
    late.w.after = parked.w.after = all.w.after = 100;
    enter(&parked, h);
    enter(&all, h);
    listener_wait(&parked, h);
    listener_wait(&all, h);
    for (; seq <= 5100; seq++)
        hub_fixture_publish(h, seq, COMMON);
    assert_int_equal(atomic_load(&parked.wakes) + atomic_load(&all.wakes), 0);
    hub_fixture_publish(h, seq, OTHER);
    assert_true(listener_woken(&parked));
    assert_true(listener_woken(&all));
    expect(&parked, h, 5101, 0); /* others have filled the ring, nothing is missing */
    expect(&all, h, 5101, 0);
    expect(&late, h, 5101, 0);
    l.w.after = 200;
    listener_collect(&l, h);
    assert_true(l.news.behind);
    l.w.after = 5098;
    expect(&l, h, 5099, 5100, 0);
    late.w.space_id = 4;
    late.w.after = 200;
    listener_collect(&late, h); /* nobody knows what was in that space */
    assert_true(late.news.behind);
    listener_fini(&l, h);
    listener_fini(&parked, h);
    listener_fini(&all, h);
    listener_fini(&late, h);
    hub_view_unref(quiet);
    hub_free(h);
}

static void test_bytes_are_bounded(void **state)
{
    struct hub *h = hub_fixture_new(0, 0);
    struct listener l;

    (void)state;
    for (uint64_t seq = 1; seq <= 100; seq++) {
        struct event *e = hub_fixture_event(seq, COMMON, SG_EVENT_MESSAGE, 0, 100000);

        hub_publish(h, &e, 1);
        event_unref(e);
    }
    listener_init(&l, 1, "ann", COMMON, NULL);
    l.w.after = 16;
    listener_collect(&l, h);
    assert_true(l.news.behind);
    l.w.after = 17;
    listener_collect(&l, h);
    assert_int_equal(l.events[0]->seq, 18);
    assert_int_equal(l.news.count, 10);
    listener_fini(&l, h);
    hub_free(h);
}

/* A store that is ahead of what was published, and a log with a hole. */
static void test_ahead_and_gap(void **state)
{
    struct hub *h = hub_fixture_new(10, 0);
    struct listener l;

    (void)state;
    listener_init(&l, 1, "ann", COMMON, NULL);
    l.w.after = 13;
    enter(&l, h);
    listener_wait(&l, h);
    hub_fixture_publish(h, 11, COMMON);
    hub_fixture_publish(h, 12, COMMON);
    hub_fixture_publish(h, 13, COMMON);
    assert_true(listener_asleep(&l));
    expect(&l, h, 0);
    assert_int_equal(l.w.after, 13);
    listener_wait(&l, h);
    hub_fixture_publish(h, 20, OTHER);
    hub_fixture_publish(h, 21, COMMON);
    assert_true(listener_woken(&l));
    listener_collect(&l, h);
    assert_true(l.news.behind);
    l.w.after = 20;
    expect(&l, h, 21, 0);
    listener_fini(&l, h);
    hub_free(h);
}

static void test_revisions_forget(void **state)
{
    struct hub *h = hub_fixture_new(0, 0);
    struct listener l;

    (void)state;
    for (uint64_t seq = 1; seq <= 5; seq++)
        hub_fixture_publish(h, seq, COMMON);
    listener_init(&l, 1, "ann", COMMON, NULL);
    hub_fixture_publish_as(h, 6, COMMON, SG_EVENT_MESSAGE_UPDATED, 2);
    l.w.after = 1;
    listener_collect(&l, h); /* the text of 2 is only in the store now, with what became of it */
    assert_true(l.news.behind);
    l.w.after = 2;
    expect(&l, h, 3, 4, 5, 6, 0);
    hub_fixture_publish_as(h, 7, COMMON, SG_EVENT_MESSAGE_DELETED, 2);
    l.w.after = 5;
    listener_collect(&l, h);
    assert_true(l.news.behind);
    l.w.after = 6;
    expect(&l, h, 7, 0);
    hub_fixture_publish_as(h, 8, COMMON, SG_EVENT_MESSAGE_DELETED, 1);
    l.w.after = 6;
    expect(&l, h, 7, 8, 0); /* nothing of 1 was left */
    listener_fini(&l, h);
    hub_free(h);
}

static void test_limits(void **state)
{
    struct hub_config config = {.waiters = 6, .waiters_per_user = 3, .waiters_per_address = 4};
    static const char *const addresses[] = {"2001:db8::1", "2001:db8::2", "2001:db8::3",
                                            "2001:db8::4", "2001:db8::5"};
    struct hub *h = NULL;
    struct listener l[8];

    (void)state;
    assert_int_equal(hub_new(&config, 0, &h), SG_OK);
    for (int i = 0; i < 8; i++)
        listener_init(&l[i], 1, "ann", COMMON, NULL);
    for (int i = 0; i < 3; i++) {
        l[i].w.address = addresses[i];
        enter(&l[i], h);
    }
    assert_int_equal(hub_enter(h, &l[3].w), SG_ERR_TOO_MANY_WAITERS); /* a user */
    hub_leave(h, &l[3].w);
    l[3].w.user_id = l[4].w.user_id = l[5].w.user_id = 2;
    l[3].w.address = addresses[3];
    l[4].w.address = addresses[4];
    enter(&l[3], h);
    assert_int_equal(hub_enter(h, &l[4].w), SG_ERR_TOO_MANY_WAITERS); /* one /64 */
    l[4].w.address = "192.0.2.100";
    l[5].w.address = "192.0.2.100";
    enter(&l[4], h);
    enter(&l[5], h);
    l[6].w.user_id = 3;
    assert_int_equal(hub_enter(h, &l[6].w), SG_ERR_TOO_MANY_WAITERS); /* all */
    assert_int_equal(hub_count(h), 6);
    hub_leave(h, &l[0].w);
    enter(&l[6], h);
    for (int i = 0; i < 8; i++)
        listener_fini(&l[i], h);
    assert_int_equal(hub_count(h), 0);
    hub_free(h);
}

static void expect_recheck(struct listener *l, struct hub *h, bool expected)
{
    listener_collect(l, h);
    assert_int_equal(l->news.recheck, expected);
    if (expected)
        assert_int_equal(l->news.count, 0);
}

static void test_rechecks(void **state)
{
    struct hub *h = hub_fixture_new(0, 0);
    struct hub_view *view = hub_fixture_view(COMMON, 0);
    struct listener ann, bob, all;

    (void)state;
    listener_init(&ann, 1, "ann", COMMON, NULL);
    listener_init(&bob, 2, "bob", OTHER, NULL);
    listener_init(&all, 3, "eve", 0, view);
    enter(&ann, h);
    enter(&bob, h);
    enter(&all, h);
    hub_recheck_user(h, 1); /* between entering and waiting */
    assert_false(hub_wait(h, &ann.w));
    hub_fixture_publish(h, 1, COMMON);
    expect_recheck(&ann, h, true);
    expect(&ann, h, 1, 0);
    expect(&all, h, 1, 0);
    listener_wait(&ann, h);
    listener_wait(&bob, h);
    listener_wait(&all, h);
    hub_recheck_user(h, 2);
    assert_true(listener_woken(&bob));
    expect_recheck(&bob, h, true);
    expect_recheck(&bob, h, false);
    listener_wait(&bob, h);
    hub_recheck_space(h, COMMON);
    assert_true(listener_woken(&ann));
    assert_true(listener_woken(&all));
    assert_true(listener_asleep(&bob));
    expect_recheck(&ann, h, true);
    expect_recheck(&all, h, true);
    listener_wait(&ann, h);
    hub_recheck_all(h);
    assert_true(listener_woken(&ann));
    assert_true(listener_woken(&bob));
    assert_false(hub_wait(h, &all.w));
    expect_recheck(&all, h, true);
    listener_wait(&all, h);
    hub_recheck_user(h, 77);
    hub_recheck_space(h, 77);
    assert_true(listener_asleep(&all));
    listener_fini(&ann, h);
    listener_fini(&bob, h);
    listener_fini(&all, h);
    hub_view_unref(view);
    hub_free(h);
}

static void test_never_entered(void **state)
{
    struct hub *h = hub_fixture_new(0, 0);
    struct hub_waiter zeroed = {.wake = NULL};

    (void)state;
    hub_leave(h, &zeroed);
    hub_free(h);
    hub_free(NULL);
    hub_view_unref(NULL);
    event_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_space),     cmocka_unit_test(test_all_spaces),
        cmocka_unit_test(test_view_changes),  cmocka_unit_test(test_limits_of_an_answer),
        cmocka_unit_test(test_behind),        cmocka_unit_test(test_bytes_are_bounded),
        cmocka_unit_test(test_ahead_and_gap), cmocka_unit_test(test_revisions_forget),
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_rechecks),
        cmocka_unit_test(test_never_entered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
