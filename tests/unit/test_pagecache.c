/* SPDX-License-Identifier: Apache-2.0 */
/* Shared answers: found by the very events that they show, and freed with their last reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "api/pagecache.h"

static struct event *make_event(uint64_t seq, int64_t space_id)
{
    struct event *e = calloc(1, sizeof *e + 1);

    assert_non_null(e);
    atomic_init(&e->refs, 1);
    e->seq = seq;
    e->space_id = space_id;
    return e;
}

static struct pagecache_body *put(const struct pagecache_key *key, const char *text)
{
    struct pagecache_body *body;
    struct buf b;

    buf_init(&b, 100);
    buf_puts(&b, text);
    body = pagecache_put(key, &b);
    buf_fini(&b);
    assert_non_null(body);
    return body;
}

static bool says(struct pagecache_body *body, const char *text)
{
    bool same = body != NULL && pagecache_len(body) == strlen(text) &&
                memcmp(pagecache_data(body), text, strlen(text)) == 0;

    pagecache_unref(body);
    return same;
}

static void found_by_its_events(void **state)
{
    struct chat_page page = {.count = 1, .next = {.seq = 5}}, other = page;
    struct pagecache_key key = {.space = "common", .page = &page};
    struct pagecache_key later = {.space = "common", .page = &other};

    (void)state;
    page.events[0] = make_event(5, 1);
    other.events[0] = make_event(5, 1); /* as it is shown after a change */
    assert_true(pagecache_wants(&key));
    assert_null(pagecache_get(&key));
    pagecache_unref(put(&key, "before"));
    assert_true(says(pagecache_get(&key), "before"));
    assert_null(pagecache_get(&later));
    pagecache_unref(put(&later, "after"));
    assert_true(says(pagecache_get(&later), "after"));
    assert_null(pagecache_get(&key));
    event_unref(page.events[0]);
    event_unref(other.events[0]);
}

static void only_what_is_the_same(void **state)
{
    struct chat_page page = {.count = 2, .next = {.seq = 9}};
    struct chat_page changed = page;
    struct pagecache_key key = {.space = "lab", .page = &page}, other = key;

    (void)state;
    page.events[0] = make_event(8, 2);
    page.events[1] = make_event(9, 2);
    pagecache_unref(put(&key, "page"));
    other.space = "@lab";
    assert_null(pagecache_get(&other));
    other = key;
    other.notes = true;
    assert_null(pagecache_get(&other));
    other = key;
    other.page = &changed;
    changed = page;
    changed.bounds.oldest.seq = 3;
    assert_null(pagecache_get(&other));
    changed = page;
    changed.next = (struct eventcursor){.seq = 9, .note = 1, .has_note = true};
    assert_null(pagecache_get(&other));
    changed = page;
    changed.count = 1;
    assert_null(pagecache_get(&other));
    changed = page;
    assert_true(says(pagecache_get(&other), "page"));
    event_unref(page.events[0]);
    event_unref(page.events[1]);
}

static void not_worth_it(void **state)
{
    struct chat_page page = {.count = 0};
    struct pagecache_key key = {.space = "common", .page = &page};

    (void)state;
    assert_false(pagecache_wants(&key));
    page.count = 2;
    page.events[0] = make_event(1, 1);
    page.events[1] = make_event(2, 7);
    assert_false(pagecache_wants(&key));
    page.events[1]->space_id = 1;
    assert_true(pagecache_wants(&key));
    page.note_count = 1;
    assert_false(pagecache_wants(&key));
    page.note_count = 0;
    key.space = NULL;
    assert_false(pagecache_wants(&key));
    key.space = "common";
    page.count = SG_PAGECACHE_EVENTS + 1;
    assert_false(pagecache_wants(&key));
    event_unref(page.events[0]);
    event_unref(page.events[1]);
}

/* Whoever still sends an answer keeps it, however many newer ones there are. */
static void outlives_its_place(void **state)
{
    struct chat_page page = {.count = 1, .next = {.seq = 1000}};
    struct pagecache_key key = {.space = "common", .page = &page};
    struct pagecache_body *first;

    (void)state;
    page.events[0] = make_event(1000, 1);
    first = put(&key, "first");
    for (uint64_t seq = 1001; seq < 1400; seq++) {
        event_unref(page.events[0]);
        page.next.seq = seq;
        page.events[0] = make_event(seq, 1);
        pagecache_unref(put(&key, "newer"));
    }
    assert_true(says(first, "first"));
    event_unref(page.events[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_by_its_events),
        cmocka_unit_test(only_what_is_the_same),
        cmocka_unit_test(not_worth_it),
        cmocka_unit_test(outlives_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
