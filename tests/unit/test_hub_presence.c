/* SPDX-License-Identifier: Apache-2.0 */
/* Presence and typing: who is said to listen, who is told, and when. */
#include "core/hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "hub_fixture.h"

#define COMMON 7
#define GRACE  150

/* Somebody who hears the notes of a space. */
static void hear(struct listener *l, struct hub *h, int64_t user_id, const char *user,
                 int64_t space_id, struct hub_view *view)
{
    listener_init(l, user_id, user, space_id, view);
    l->w.types |= HUB_ALL_NOTES;
    l->w.after_note = hub_note_position(h);
    assert_int_equal(hub_enter(h, &l->w), SG_OK);
}

static void enter(struct listener *l, struct hub *h, int64_t user_id, const char *user,
                  int64_t space_id, struct hub_view *view)
{
    listener_init(l, user_id, user, space_id, view);
    assert_int_equal(hub_enter(h, &l->w), SG_OK);
}

/* Waits until there is a note, which must be the only one. */
static void expect_note(struct listener *l, struct hub *h, enum hub_note_type type,
                        int64_t space_id, const char *user)
{
    do {
        if (hub_wait(h, &l->w))
            assert_true(listener_woken(l));
        listener_collect(l, h);
    } while (l->news.note_count == 0);
    assert_int_equal(l->news.note_count, 1);
    assert_int_equal(l->notes[0].type, type);
    assert_int_equal(l->notes[0].space_id, space_id);
    assert_string_equal(l->notes[0].user, user);
}

static void expect_quiet(struct listener *l, struct hub *h, unsigned ms)
{
    listener_wait(l, h);
    hub_fixture_sleep_ms(ms);
    assert_true(listener_asleep(l));
    listener_collect(l, h);
    assert_int_equal(l->news.note_count, 0);
}

static size_t present(struct hub *h, int64_t space_id)
{
    struct hub_present all[16];

    return hub_presence(h, space_id, all, 16);
}

static void test_join_and_leave(void **state)
{
    struct hub *h = hub_fixture_new(0, GRACE);
    struct hub_present all[4];
    struct listener bob, ann;
    int64_t before = clock_now_ns();

    (void)state;
    hear(&bob, h, 2, "bob", COMMON, NULL);
    expect_quiet(&bob, h, 600); /* nobody hears of himself */
    enter(&ann, h, 1, "ann", COMMON, NULL);
    assert_int_equal(hub_presence(h, COMMON, all, 4), 2);
    assert_string_equal(all[0].user, "ann");
    assert_string_equal(all[1].user, "bob");
    assert_true(all[1].since_ns >= before && all[0].since_ns >= all[1].since_ns);
    assert_int_equal(hub_presence(h, COMMON, all, 1), 1);
    assert_string_equal(all[0].user, "ann");
    expect_note(&bob, h, SG_NOTE_PRESENCE_JOINED, COMMON, "ann");
    listener_fini(&ann, h);
    assert_int_equal(present(h, COMMON), 2);
    expect_note(&bob, h, SG_NOTE_PRESENCE_LEFT, COMMON, "ann");
    assert_int_equal(present(h, COMMON), 1);
    assert_int_equal(present(h, 99), 0);
    listener_fini(&bob, h);
    hub_fixture_sleep_ms(1000);
    assert_int_equal(present(h, COMMON), 0);
    hub_free(h);
}

/* Who polls again and again is there all the time. */
static void test_grace(void **state)
{
    struct hub *h = hub_fixture_new(0, 2000);
    struct hub_view *view = hub_fixture_view(3, COMMON, 0);
    struct hub_view *same = hub_fixture_view(3, COMMON, 0);
    struct listener bob, ann;

    (void)state;
    hear(&bob, h, 2, "bob", COMMON, NULL);
    enter(&ann, h, 1, "ann", COMMON, NULL);
    expect_note(&bob, h, SG_NOTE_PRESENCE_JOINED, COMMON, "ann");
    for (int i = 0; i < 10; i++) {
        listener_fini(&ann, h);
        hub_fixture_sleep_ms(20);
        enter(&ann, h, 1, "ann", i % 3 == 0 ? 0 : COMMON, i % 2 == 0 ? view : same);
    }
    expect_quiet(&bob, h, 600);
    listener_fini(&ann, h);
    expect_note(&bob, h, SG_NOTE_PRESENCE_LEFT, COMMON, "ann");
    listener_fini(&bob, h);
    hub_view_unref(view);
    hub_view_unref(same);
    hub_free(h);
}

static void test_all_spaces(void **state)
{
    struct hub *h = hub_fixture_new(0, GRACE);
    struct hub_view *view = hub_fixture_view(3, COMMON, 0);
    struct hub_view *less = hub_fixture_view(3, 0);
    struct listener bob, ann, room;

    (void)state;
    hear(&bob, h, 2, "bob", 0, less);
    enter(&ann, h, 1, "ann", 0, view);
    expect_note(&bob, h, SG_NOTE_PRESENCE_JOINED, 3, "ann"); /* of COMMON he does not hear */
    assert_int_equal(present(h, COMMON), 1);
    assert_int_equal(present(h, 3), 2);
    enter(&room, h, 1, "ann", 3, NULL);
    listener_wait(&ann, h);
    listener_collect(&ann, h);
    ann.w.view = less; /* no longer a member: gone without grace */
    listener_wait(&ann, h);
    hub_fixture_sleep_ms(700);
    assert_int_equal(present(h, COMMON), 0);
    assert_int_equal(present(h, 3), 2);
    ann.w.view = view; /* again */
    assert_true(hub_wait(h, &ann.w));
    assert_int_equal(present(h, COMMON), 1);
    listener_fini(&ann, h);
    hub_fixture_sleep_ms(1200);
    assert_int_equal(present(h, COMMON), 0);
    listener_collect(&bob, h);
    assert_int_equal(bob.news.note_count, 0); /* she is still in the room */
    listener_fini(&room, h);
    expect_note(&bob, h, SG_NOTE_PRESENCE_LEFT, 3, "ann");
    listener_fini(&bob, h);
    hub_view_unref(view);
    hub_view_unref(less);
    hub_free(h);
}

/* Two views at a time, as while membership changes: none pushes the other out. */
static void test_two_views(void **state)
{
    struct hub *h = hub_fixture_new(0, GRACE);
    struct hub_view *old = hub_fixture_view(3, 0);
    struct hub_view *new = hub_fixture_view(3, COMMON, 0);
    struct listener a, b;

    (void)state;
    enter(&a, h, 1, "ann", 0, old);
    enter(&b, h, 1, "ann", 0, new);
    listener_wait(&a, h);
    listener_wait(&b, h);
    hub_fixture_publish(h, 1, COMMON);
    assert_true(listener_woken(&b));
    assert_true(listener_asleep(&a));
    listener_fini(&b, h);
    hub_fixture_sleep_ms(1200);
    assert_int_equal(present(h, COMMON), 0);
    assert_int_equal(present(h, 3), 1);
    listener_fini(&a, h);
    hub_view_unref(old);
    hub_view_unref(new);
    hub_free(h);
}

/* In a crowd nobody is told who comes, goes or types. */
static void test_crowd(void **state)
{
    enum { CROWD = SG_PRESENCE_ANNOUNCED + 5 };
    static struct listener all[CROWD];
    static char names[CROWD][8];
    static struct hub_present listed[CROWD];
    struct hub *h = hub_fixture_new(0, 1);
    struct listener bob;

    (void)state;
    for (int i = 0; i < CROWD; i++) {
        (void)snprintf(names[i], sizeof names[i], "u%03d", CROWD - i);
        enter(&all[i], h, 100 + i, names[i], COMMON, NULL);
    }
    hear(&bob, h, 2, "bob", COMMON, NULL);
    expect_quiet(&bob, h, 1200); /* but perhaps of those in the first moment, before he came */
    hub_typing(h, COMMON, 100, names[0]);
    expect_quiet(&bob, h, 0);
    assert_int_equal(hub_presence(h, COMMON, listed, 3), 3);
    assert_string_equal(listed[0].user, "bob");
    assert_string_equal(listed[2].user, "u002");
    for (int i = 0; i < CROWD - 4; i++)
        listener_fini(&all[i], h);
    do {
        if (hub_wait(h, &bob.w))
            assert_true(listener_woken(&bob));
        listener_collect(&bob, h);
    } while (present(h, COMMON) != 5);
    assert_in_range(atomic_load(&bob.wakes), 1, 6); /* in batches, not one by one */
    for (int i = CROWD - 4; i < CROWD; i++)
        listener_fini(&all[i], h);
    listener_fini(&bob, h);
    hub_free(h);
}

static void test_typing(void **state)
{
    struct hub *h = hub_fixture_new(0, GRACE);
    struct hub_view *view = hub_fixture_view(3, COMMON, 0);
    struct listener bob, all;

    (void)state;
    hub_typing(h, COMMON, 1, "ann"); /* nobody is there */
    assert_int_equal(hub_note_position(h), 0);
    hear(&bob, h, 2, "bob", COMMON, NULL);
    hear(&all, h, 3, "eve", 0, view);
    hub_fixture_sleep_ms(1100);
    listener_collect(&bob, h);
    listener_collect(&all, h);
    hub_typing(h, COMMON, 1, "ann");
    expect_note(&bob, h, SG_NOTE_TYPING, COMMON, "ann");
    expect_note(&all, h, SG_NOTE_TYPING, COMMON, "ann");
    hub_typing(h, COMMON, 1, "ann");
    expect_quiet(&bob, h, 0);
    hub_typing(h, 3, 1, "ann");
    expect_note(&all, h, SG_NOTE_TYPING, 3, "ann");
    hub_typing(h, COMMON, 2, "bob");
    expect_note(&all, h, SG_NOTE_TYPING, COMMON, "bob");
    expect_quiet(&bob, h, 2000);
    hub_typing(h, COMMON, 1, "ann");
    expect_note(&bob, h, SG_NOTE_TYPING, COMMON, "ann");
    listener_fini(&bob, h);
    listener_fini(&all, h);
    hub_view_unref(view);
    hub_free(h);
}

/* Who is too slow misses notes, and goes on. */
static void test_many_notes(void **state)
{
    struct hub *h = hub_fixture_new(0, GRACE);
    struct listener bob;
    size_t count = 0;

    (void)state;
    hear(&bob, h, 2, "bob", COMMON, NULL);
    for (int i = 0; i < 1500; i++)
        hub_typing(h, COMMON, 1000 + i, "somebody");
    do {
        listener_collect(&bob, h);
        assert_int_equal(bob.news.more, bob.news.note_count == 16 && count < 1008);
        count += bob.news.note_count;
    } while (bob.news.more);
    assert_in_range(count, 1023, 1024); /* his own join may be one of them */
    assert_int_equal(bob.w.after_note, hub_note_position(h));
    listener_fini(&bob, h);
    hub_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_and_leave), cmocka_unit_test(test_grace),
        cmocka_unit_test(test_all_spaces),     cmocka_unit_test(test_two_views),
        cmocka_unit_test(test_crowd),          cmocka_unit_test(test_typing),
        cmocka_unit_test(test_many_notes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
