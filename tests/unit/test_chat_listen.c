/* SPDX-License-Identifier: Apache-2.0 */
/* Listening: nothing is skipped, nothing is shown twice, and nothing after the right to see it. */
#include "contract.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "chat_fixture.h"

static const char *cursor(struct chat_fixture *c, uint64_t seq)
{
    static char text[SG_EVENTCURSOR_SIZE];
    const struct eventcursor at = {.seq = seq};
    eventcursor_format(chat_epoch(c->chat), &at, text);
    return text;
}

static void make_team(struct chat_fixture *c)
{
    struct space_info info;
    struct member_record member;
    bool created;
    assert_int_equal(SG_OK, spaces_create(c->spaces, &c->alice, "team", NULL, &info));
    assert_int_equal(SG_OK, spaces_member_set(c->spaces, &c->alice, "team", "bob", SG_SPACE_READER,
                                              &member, &created));
}

static void assert_waits(struct chat_ear *e)
{
    assert_int_equal(SG_OK, chat_ear_next(e, true));
    for (unsigned i = 0; i < 20 && e->state == SG_CHAT_NEWS; i++)
        assert_int_equal(SG_OK, chat_ear_next(e, true));
    assert_int_equal(SG_CHAT_WAITS, e->state);
}

static void test_cursors(void **state)
{
    struct chat_fixture *c = *state;
    struct chat_ear ear;
    uint64_t first = chat_fixture_say(c, &c->alice, "common", "one");
    uint64_t last = chat_fixture_say(c, &c->alice, "~me", "two");
    for (unsigned i = 0; i < 2; i++) {
        const char *space = i == 0 ? "common" : NULL;
        assert_int_equal(SG_ERR_BAD_CURSOR, chat_ear_open(&ear, c, &c->bob, space, "1"));
        chat_ear_close(&ear);
        assert_int_equal(SG_ERR_CURSOR_EPOCH,
                         chat_ear_open(&ear, c, &c->bob, space, "0123456789ab.1"));
        assert_int_equal(last, ear.bounds.newest.seq);
        chat_ear_close(&ear);
        assert_int_equal(SG_ERR_CURSOR_FUTURE,
                         chat_ear_open(&ear, c, &c->bob, space, cursor(c, last + 1)));
        assert_int_equal(last, ear.bounds.newest.seq);
        chat_ear_close(&ear);
        assert_int_equal(SG_OK, chat_ear_open(&ear, c, &c->bob, space, cursor(c, last)));
        assert_int_equal(SG_OK, chat_ear_next(&ear, false));
        assert_int_equal(SG_CHAT_NOTHING, ear.state);
        assert_int_equal(last, ear.page.next.seq);
        chat_ear_close(&ear);
        assert_int_equal(SG_OK, chat_ear_open(&ear, c, &c->bob, space, cursor(c, 0)));
        assert_int_equal(SG_OK, chat_ear_next(&ear, false));
        assert_int_equal(SG_CHAT_NEWS, ear.state);
        assert_int_equal(1, ear.page.count);
        assert_int_equal(first, ear.page.events[0]->seq);
        assert_string_equal("common", chat_space_name(&ear.listener, ear.page.events[0]->space_id));
        chat_ear_close(&ear);
    }
    assert_int_equal(SG_ERR_NOT_FOUND, chat_ear_open(&ear, c, &c->bob, "~alice", NULL));
    chat_ear_close(&ear);
    assert_int_equal(SG_ERR_NOT_FOUND, chat_ear_open(&ear, c, &c->bob, "", NULL));
    chat_ear_close(&ear);
}

/* What was pruned is an error, for a space and for all of which it is one. */
static void test_pruned(void **state)
{
    struct chat_fixture *c = *state;
    const uint64_t two = 2;
    const struct space_change few = {.retention_count = &two};
    struct space_info info;
    struct chat_ear ear, early;
    uint64_t seq[6];
    assert_int_equal(SG_OK, spaces_update(c->spaces, &c->alice, "~me", &few, &info));
    for (unsigned i = 0; i < 6; i++)
        seq[i] = chat_fixture_say(c, &c->alice, "~me", "something");
    chat_fixture_restart(c); /* so that only the store has them */
    assert_int_equal(SG_OK, chat_ear_open(&early, c, &c->alice, "~me", cursor(c, seq[0])));
    assert_false(chat_prune(c->chat));
    /* Began before, reads after: no silent gap. */
    assert_int_equal(SG_ERR_CURSOR_PRUNED, chat_ear_next(&early, false));
    assert_int_equal(seq[3], early.page.bounds.oldest.seq);
    chat_ear_close(&early);
    for (unsigned i = 0; i < 2; i++) {
        const char *space = i == 0 ? "~me" : NULL;
        assert_int_equal(SG_ERR_CURSOR_PRUNED,
                         chat_ear_open(&ear, c, &c->alice, space, cursor(c, seq[2])));
        assert_int_equal(seq[3], ear.bounds.oldest.seq);
        assert_int_equal(seq[5], ear.bounds.newest.seq);
        chat_ear_close(&ear);
        assert_int_equal(SG_OK, chat_ear_open(&ear, c, &c->alice, space, cursor(c, seq[3])));
        assert_int_equal(SG_OK, chat_ear_next(&ear, false));
        assert_int_equal(2, ear.page.count);
        assert_int_equal(seq[4], ear.page.events[0]->seq);
        assert_int_equal(seq[3], ear.page.bounds.oldest.seq);
        chat_ear_close(&ear);
    }
    /* Others do not see that space: for them nothing is missing. */
    assert_int_equal(SG_OK, chat_ear_open(&ear, c, &c->bob, NULL, cursor(c, seq[0])));
    chat_ear_close(&ear);
}

static void test_waits_and_wakes(void **state)
{
    struct chat_fixture *c = *state;
    struct chat_ear room, all;
    assert_int_equal(SG_OK, chat_ear_open(&room, c, &c->bob, "common", NULL));
    assert_int_equal(SG_OK, chat_ear_open(&all, c, &c->bob, NULL, NULL));
    assert_waits(&room);
    assert_waits(&all);
    (void)chat_fixture_say(c, &c->alice, "~me", "to nobody");
    assert_true(chat_ear_asleep(&room));
    uint64_t seq = chat_fixture_say(c, &c->alice, "common", "to all");
    assert_true(chat_ear_woken(&room));
    assert_int_equal(SG_OK, chat_ear_next(&room, true));
    assert_int_equal(SG_CHAT_NEWS, room.state);
    assert_int_equal(seq, room.page.events[0]->seq);
    assert_int_equal(seq, room.page.next.seq);
    assert_true(chat_ear_woken(&all));
    assert_int_equal(SG_OK, chat_ear_next(&all, true));
    assert_int_equal(1, all.page.count);
    /* A direct talk that did not exist when it began to listen. */
    assert_waits(&all);
    seq = chat_fixture_say(c, &c->alice, "@bob", "psst");
    assert_true(chat_ear_woken(&all));
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(SG_OK, chat_ear_next(&all, true));
        if (all.page.count > 0)
            break;
        (void)chat_ear_woken(&all);
    }
    assert_int_equal(seq, all.page.events[0]->seq);
    assert_string_equal("@alice", chat_space_name(&all.listener, all.page.events[0]->space_id));
    chat_ear_close(&room);
    chat_ear_close(&all);
}

/* What the process no longer has in memory comes from the store, in order, page by page. */
static void test_behind(void **state)
{
    struct chat_fixture *c = *state;
    struct chat_ear ear;
    struct chat_page page;
    enum chat_state at_once;
    uint64_t seq[7], seen = 0;
    for (unsigned i = 0; i < 7; i++)
        seq[i] = chat_fixture_say(c, &c->alice, i % 2 ? "~me" : "common", "something");
    chat_fixture_restart(c);
    assert_int_equal(SG_OK, chat_ear_open(&ear, c, &c->alice, NULL, cursor(c, 0)));
    assert_int_equal(SG_OK, chat_next(&ear.listener, false, true, 2, &page, &at_once));
    assert_int_equal(SG_CHAT_BLOCKS, at_once);
    for (unsigned i = 0; i < 20 && seen < 7; i++) {
        assert_int_equal(SG_OK, chat_next(&ear.listener, true, false, 2, &ear.page, &ear.state));
        assert_int_equal(SG_CHAT_NEWS, ear.state);
        for (size_t k = 0; k < ear.page.count; k++)
            assert_int_equal(seq[seen++], ear.page.events[k]->seq);
        chat_page_fini(&ear.page);
    }
    assert_int_equal(7, seen);
    assert_waits(&ear);
    chat_ear_close(&ear);
}

/* -- authority ----------------------------------------------------------------------------------
 */

static enum sg_err ended(struct chat_ear *e)
{
    enum sg_err err;
    assert_true(chat_ear_woken(e));
    err = chat_ear_next(e, true);
    assert_int_equal(0, e->page.count);
    return err;
}

static void logout(struct chat_fixture *c)
{
    assert_int_equal(SG_OK, identity_logout(c->f->id, &c->bob, c->bob.session_id));
}

static void disable(struct chat_fixture *c)
{
    const bool disabled = true;
    struct user_record user;
    assert_int_equal(SG_OK, identity_update_user(c->f->id, "bob", NULL, &disabled, &user));
}

static void remove_user(struct chat_fixture *c)
{
    assert_int_equal(SG_OK, identity_remove_user(c->f->id, "bob"));
}

static void remove_member(struct chat_fixture *c)
{
    assert_int_equal(SG_OK, spaces_member_remove(c->spaces, &c->alice, "team", "bob"));
}

static void remove_space(struct chat_fixture *c)
{
    assert_int_equal(SG_OK, spaces_remove(c->spaces, &c->alice, "team"));
}

static void remove_peer(struct chat_fixture *c)
{
    assert_int_equal(SG_OK, identity_remove_user(c->f->id, "alice"));
}

static void change_password(struct chat_fixture *c)
{
    struct principal other = chat_fixture_login(c, "bob");
    unsigned retry;
    assert_int_equal(SG_OK,
                     identity_change_password(c->f->id, &other, FAKE_PASSWORD,
                                              "another long password", FAKE_ADDRESS, &retry));
}

/* Each way to lose the right, at a listener that waits, that has not begun to, and in between. */
static const struct loss {
    void (*lose)(struct chat_fixture *c);
    const char *space; /* NULL: all */
    enum sg_err expected;
} losses[] = {
    {logout, "team", SG_ERR_SESSION_ENDED},
    {logout, NULL, SG_ERR_SESSION_ENDED},
    {disable, "common", SG_ERR_USER_DISABLED},
    {disable, NULL, SG_ERR_USER_DISABLED},
    {remove_user, "common", SG_ERR_SESSION_ENDED},
    {change_password, "common", SG_ERR_SESSION_ENDED},
    {remove_member, "team", SG_ERR_NOT_FOUND},
    {remove_space, "team", SG_ERR_NOT_FOUND},
    {remove_peer, "@alice", SG_ERR_NOT_FOUND},
};

static void test_losses(void **state)
{
    struct chat_fixture *c = *state;
    (void)c;
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        void *fresh = NULL;
        assert_int_equal(0, chat_fixture_set_up(&fresh));
        struct chat_fixture *one = fresh;
        struct chat_ear waits, begun, other;
        make_team(one);
        assert_int_equal(SG_OK, chat_ear_open(&waits, one, &one->bob, losses[i].space, NULL));
        assert_waits(&waits);
        assert_int_equal(SG_OK, chat_ear_open(&begun, one, &one->bob, losses[i].space, NULL));
        assert_int_equal(SG_OK, chat_ear_open(&other, one, &one->root, "common", NULL));
        assert_waits(&other);
        losses[i].lose(one);
        (void)chat_fixture_say(one, &one->root, "common", "later");
        assert_int_equal(losses[i].expected, ended(&waits));
        assert_int_equal(losses[i].expected, chat_ear_next(&begun, true));
        assert_true(chat_ear_woken(&other)); /* by the message, or to prove itself */
        assert_int_equal(SG_OK, chat_ear_next(&other, true));
        chat_ear_close(&waits);
        chat_ear_close(&begun);
        chat_ear_close(&other);
        assert_int_equal(0, chat_fixture_tear_down(&fresh));
    }
}

/* Who loses one space goes on to listen to the others, and hears nothing of it. */
static void test_smaller_view(void **state)
{
    struct chat_fixture *c = *state;
    struct chat_ear ear;
    make_team(c);
    assert_int_equal(SG_OK, chat_ear_open(&ear, c, &c->bob, NULL, NULL));
    assert_waits(&ear);
    remove_member(c);
    (void)chat_fixture_say(c, &c->alice, "team", "secret");
    uint64_t seq = chat_fixture_say(c, &c->alice, "common", "open");
    for (unsigned i = 0; i < 100 && ear.page.count == 0; i++) {
        (void)chat_ear_woken(&ear);
        assert_int_equal(SG_OK, chat_ear_next(&ear, true));
    }
    assert_int_equal(1, ear.page.count);
    assert_int_equal(seq, ear.page.events[0]->seq);
    chat_ear_close(&ear);
}

static void test_expiry(void **state)
{
    struct chat_fixture *c = *state;
    struct chat_ear ear;
    assert_int_equal(SG_OK, chat_ear_open(&ear, c, &c->bob, "common", NULL));
    assert_waits(&ear);
    fake_identity_pass(601);
    c->alice = chat_fixture_login(c, "alice");
    (void)chat_fixture_say(c, &c->alice, "common", "late");
    assert_true(chat_ear_woken(&ear));
    assert_int_equal(SG_ERR_TOKEN_EXPIRED, chat_ear_next(&ear, true));
    assert_int_equal(0, ear.page.count);
    chat_ear_close(&ear);
    assert_int_equal(SG_ERR_TOKEN_EXPIRED, chat_ear_open(&ear, c, &c->bob, "common", NULL));
    chat_ear_close(&ear);
}

static void test_scope(void **state)
{
    struct chat_fixture *c = *state;
    struct chat_ear ear;
    c->bob.scopes &= ~(unsigned)SG_SCOPE_FILES_READ;
    assert_int_equal(SG_OK, chat_ear_open(&ear, c, &c->bob, NULL, NULL));
    assert_waits(&ear);
    assert_int_equal(SG_OK, chat_fixture_upload(c, &c->alice, "common/a", "one"));
    assert_true(chat_ear_asleep(&ear));
    chat_ear_close(&ear);
    c->bob.scopes &= ~(unsigned)SG_SCOPE_CHAT_READ;
    assert_int_equal(SG_ERR_FORBIDDEN, chat_ear_open(&ear, c, &c->bob, NULL, NULL));
    chat_ear_close(&ear);
}

static void test_at_once(void **state)
{
    struct chat_fixture *c = *state;
    struct chat_listener l = {0};
    struct chat_bounds bounds;
    bool ready = true;
    assert_int_equal(SG_OK, chat_listen(c->chat, &c->bob, "@alice", NULL, CHAT_ALL_TYPES, "::1",
                                        true, &l, &bounds, &ready));
    assert_false(ready); /* the space must be made */
    chat_listen_end(&l);
    assert_int_equal(SG_OK, chat_listen(c->chat, &c->bob, "@alice", NULL, CHAT_ALL_TYPES, "::1",
                                        false, &l, &bounds, &ready));
    assert_true(ready);
    chat_listen_end(&l);
    assert_int_equal(SG_OK, chat_listen(c->chat, &c->bob, "@alice", NULL, CHAT_ALL_TYPES, "::1",
                                        true, &l, &bounds, &ready));
    assert_true(ready);
    chat_listen_end(&l);
}

static void test_too_many(void **state)
{
    enum { WAITERS = 100 };
    struct chat_fixture *c = *state;
    static struct chat_ear ears[WAITERS + 1];
    for (unsigned i = 0; i <= WAITERS; i++)
        assert_int_equal(SG_OK, chat_ear_open(&ears[i], c, &c->bob, "common", NULL));
    /* Every other one counts without waiting. */
    for (unsigned i = 0; i < WAITERS; i++)
        if (i % 2 == 0)
            assert_waits(&ears[i]);
        else
            assert_int_equal(SG_OK, chat_listen_enter(&ears[i].listener));
    assert_int_equal(SG_OK, chat_listen_enter(&ears[1].listener));
    assert_int_equal(WAITERS, hub_count(c->hub));
    assert_int_equal(SG_ERR_TOO_MANY_WAITERS, chat_ear_next(&ears[WAITERS], true));
    assert_int_equal(SG_ERR_TOO_MANY_WAITERS, chat_listen_enter(&ears[WAITERS].listener));
    for (unsigned i = 0; i <= WAITERS; i++)
        chat_ear_close(&ears[i]);
}

/* -- in between ---------------------------------------------------------------------------------
 */

/* Engines that come in between: once, right before or after a reading, bob loses the team, and
 * something is said there that he must not see. */
static struct {
    struct chat_fixture *c;
    bool armed;
    const struct events_vtable *events;
    const struct spaces_vtable *spaces;
} between;

static void lose_between(void)
{
    if (!between.armed)
        return;
    between.armed = false;
    remove_member(between.c);
    (void)chat_fixture_say(between.c, &between.c->alice, "team", "secret");
}

static enum sg_err list_late(void *self, const struct event_query *query, struct event **ret,
                             size_t *ret_count, uint64_t *ret_seq)
{
    lose_between();
    return between.events->list(self, query, ret, ret_count, ret_seq);
}

static enum sg_err get_early(void *self, const char *name, int64_t user_id,
                             struct space_record *ret)
{
    struct space_record found;
    enum sg_err err = between.spaces->get(self, name, user_id, &found);
    lose_between();
    if (!err)
        *ret = found;
    return err;
}

static void test_in_between(void **state)
{
    struct chat_fixture *c = *state;
    struct events_vtable events = *c->events.vt;
    struct spaces_vtable spaces = *c->store.vt;
    struct space_record record;
    struct chat_page page;
    struct chat_ear ear;
    between.c = c;
    between.events = c->events.vt;
    between.spaces = c->store.vt;
    events.list = list_late;
    spaces.get = get_early;
    c->events.vt = &events;
    c->store.vt = &spaces;
    for (unsigned i = 0; i < 5; i++) {
        struct member_record member;
        bool created;
        if (i == 0)
            make_team(c);
        else
            assert_int_equal(SG_OK, spaces_member_set(c->spaces, &c->alice, "team", "bob",
                                                      SG_SPACE_READER, &member, &created));
        (void)chat_fixture_say(c, &c->alice, "team", "open");
        chat_fixture_restart(c); /* nothing in memory: the store is read */
        between.armed = i != 1;
        if (i == 2) { /* a page */
            assert_int_equal(SG_ERR_NOT_FOUND, chat_page(c->chat, &c->bob, "team", NULL, 10,
                                                         CHAT_ALL_TYPES, &page, &record));
            continue;
        }
        if (i == 4) { /* the second event from now on: what bob must not see */
            struct event *event;
            struct chat_bounds bounds;
            uint64_t secret = hub_position(c->hub) + 2;
            assert_int_equal(SG_ERR_NOT_FOUND,
                             chat_get(c->chat, &c->bob, "team", secret, &event, &record, &bounds));
            continue;
        }
        if (i == 3) /* all spaces: the others go on */
            between.armed = false;
        assert_int_equal(SG_OK,
                         chat_ear_open(&ear, c, &c->bob, i == 3 ? NULL : "team", cursor(c, 0)));
        between.armed = i != 0; /* 0: while it began; else while it reads */
        assert_int_equal(i == 3 ? SG_OK : SG_ERR_NOT_FOUND, chat_ear_next(&ear, true));
        assert_int_equal(0, ear.page.count);
        chat_ear_close(&ear);
    }
    c->events.vt = between.events;
    c->store.vt = between.spaces;
}

/* -- at the commit of a change of members --------------------------------------------------------
 */

/* A look of bob's right after a change of his membership was published, before the call that made
 * it returns. */
static struct {
    struct chat_fixture *c;
    struct chat_ear ear;
    unsigned looks, shown;
    enum sg_err err;
} moment;

static void publish_and_look(void *ctx, struct event *const *events, size_t count)
{
    spaces_publish(ctx, events, count);
    if (events[0]->member_id != moment.c->bob.user_id)
        return;
    moment.looks++;
    moment.err = chat_ear_next(&moment.ear, false);
    moment.shown = (unsigned)moment.ear.page.count;
}

static void test_change_of_members(void **state)
{
    struct chat_fixture *c = *state;
    struct member_record member;
    bool created;
    moment.c = c;
    moment.looks = 0;
    make_team(c);
    c->events.vt->set_sink(c->events.self, publish_and_look, c->spaces);
    assert_int_equal(SG_OK, chat_ear_open(&moment.ear, c, &c->bob, "team", NULL));
    assert_waits(&moment.ear);
    remove_member(c);
    assert_int_equal(1, moment.looks);
    assert_int_equal(SG_ERR_NOT_FOUND, moment.err);
    assert_int_equal(0, moment.shown);
    chat_ear_close(&moment.ear);

    assert_int_equal(SG_OK, chat_ear_open(&moment.ear, c, &c->bob, NULL, NULL));
    assert_waits(&moment.ear);
    assert_int_equal(SG_OK, spaces_member_set(c->spaces, &c->alice, "team", "bob", SG_SPACE_READER,
                                              &member, &created));
    assert_int_equal(2, moment.looks);
    assert_int_equal(SG_OK, moment.err);
    assert_int_equal(1, moment.shown);
    assert_int_equal(SG_EVENT_MEMBER_ADDED, moment.ear.page.events[0]->type);
    chat_ear_close(&moment.ear);
}

/* -- races --------------------------------------------------------------------------------------
 */

struct race {
    struct chat_fixture *c;
    atomic_bool stop;
    atomic_uint round; /* rises before bob is taken back */
    atomic_uint looks, bad;
};

/* Says something in the team, and removes and takes back bob in between; what is said while he is
 * out names the round. */
static void *change_all_the_time(void *arg)
{
    struct race *race = arg;
    struct chat_fixture *c = race->c;
    struct member_record member;
    bool created;
    for (unsigned i = 0; i < 150; i++) {
        (void)chat_fixture_say(c, &c->alice, "team", "for all");
        assert_int_equal(SG_OK, spaces_member_remove(c->spaces, &c->alice, "team", "bob"));
        char words[32];
        (void)snprintf(words, sizeof(words), "secret %u.", i);
        (void)chat_fixture_say(c, &c->alice, "team", words);
        (void)chat_fixture_say(c, &c->alice, "team", words);
        atomic_fetch_add(&race->round, 1);
        assert_int_equal(SG_OK, spaces_member_set(c->spaces, &c->alice, "team", "bob",
                                                  SG_SPACE_READER, &member, &created));
    }
    atomic_store(&race->stop, true);
    return NULL;
}

/* A secret of this very round, while nobody has begun to take bob back. */
static void look_for_leaks(struct race *race, const struct chat_ear *ear)
{
    char words[32];
    (void)snprintf(words, sizeof(words), "secret %u.", atomic_load(&race->round));
    for (size_t i = 0; i < ear->page.count; i++)
        if (strstr(ear->page.events[i]->json, words))
            atomic_fetch_add(&race->bad, 1);
}

static void *listen_all_the_time(void *arg)
{
    struct race *race = arg;
    while (!atomic_load(&race->stop)) {
        struct chat_ear ear;
        enum sg_err err = chat_ear_open(&ear, race->c, &race->c->bob, "team", NULL);
        while (!err && !atomic_load(&race->stop)) {
            err = chat_ear_next(&ear, true);
            if (!err && ear.state == SG_CHAT_NEWS)
                look_for_leaks(race, &ear);
            if (!err && ear.state == SG_CHAT_WAITS && !chat_ear_woken(&ear))
                break;
            atomic_fetch_add(&race->looks, 1);
        }
        if (err && err != SG_ERR_NOT_FOUND)
            atomic_fetch_add(&race->bad, 1);
        chat_ear_close(&ear);
    }
    return NULL;
}

static void test_revocation_race(void **state)
{
    struct race race = {.c = *state};
    pthread_t writer, readers[3];
    make_team(race.c);
    assert_int_equal(0, pthread_create(&writer, NULL, change_all_the_time, &race));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(0, pthread_create(&readers[i], NULL, listen_all_the_time, &race));
    pthread_join(writer, NULL);
    for (unsigned i = 0; i < 3; i++) {
        (void)chat_fixture_say(race.c, &race.c->alice, "team", "the end");
        pthread_join(readers[i], NULL);
    }
    print_message("%u looks\n", race.looks);
    assert_int_equal(0, race.bad);
}

/* Listeners of all spaces, of one, slow and quick ones: each sees every message once, in order. */
static void *read_everything(void *arg)
{
    struct race *race = arg;
    struct chat_fixture *c = race->c;
    unsigned seen = 0;
    bool all = atomic_fetch_add(&race->looks, 1) % 2;
    char at[SG_EVENTCURSOR_SIZE];
    struct eventcursor next = {.seq = 0};
    while (seen < 600) {
        struct chat_ear ear;
        eventcursor_format(chat_epoch(c->chat), &next, at);
        assert_int_equal(SG_OK, chat_ear_open(&ear, c, &c->bob, all ? NULL : "common", at));
        for (unsigned i = 0; i < 5 && seen < 600; i++) {
            assert_int_equal(SG_OK,
                             chat_next(&ear.listener, true, false, 7, &ear.page, &ear.state));
            for (size_t k = 0; k < ear.page.count; k++) {
                char words[32];
                (void)snprintf(words, sizeof(words), "\"text\":\"number %u\"", seen++);
                if (!strstr(ear.page.events[k]->json, words))
                    atomic_fetch_add(&race->bad, 1);
            }
            next = ear.page.next;
            chat_page_fini(&ear.page);
            if (ear.state == SG_CHAT_WAITS)
                (void)chat_ear_woken(&ear);
        }
        chat_ear_close(&ear);
    }
    return NULL;
}

static void test_order(void **state)
{
    struct race race = {.c = *state};
    pthread_t readers[6];
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(0, pthread_create(&readers[i], NULL, read_everything, &race));
    for (unsigned i = 0; i < 600; i++) {
        char words[32];
        (void)snprintf(words, sizeof(words), "number %u", i);
        (void)chat_fixture_say(race.c, &race.c->alice, "common", words);
        (void)(i % 5 ? 0 : chat_fixture_say(race.c, &race.c->alice, "~me", "aside"));
    }
    for (unsigned i = 0; i < 6; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(0, race.bad);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, chat_fixture_set_up, chat_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cursors),         TEST(test_pruned),     TEST(test_waits_and_wakes),
        TEST(test_behind),          TEST(test_losses),     TEST(test_smaller_view),
        TEST(test_expiry),          TEST(test_scope),      TEST(test_at_once),
        TEST(test_too_many),        TEST(test_in_between), TEST(test_change_of_members),
        TEST(test_revocation_race), TEST(test_order),
    };
    return cmocka_run_group_tests_name("chat-listen", tests, fake_identity_group_sqlite,
                                       fake_identity_group_end);
}
