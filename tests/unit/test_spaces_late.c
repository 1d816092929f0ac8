/* SPDX-License-Identifier: Apache-2.0 */
/* Spaces at the moment when somebody loses a role: what is read and what is changed right then. */
#include "contract.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chat_fixture.h"
#include "store/sqlite_internal.h"

static void make(struct chat_fixture *c, const struct principal *who, const char *name)
{
    struct space_info info;
    assert_int_equal(SG_OK, spaces_create(c->spaces, who, name, "", &info));
    assert_string_equal(name, info.space.name);
}

static enum sg_err set(struct chat_fixture *c, const struct principal *who, const char *space,
                       const char *user, enum space_role role)
{
    struct member_record member;
    bool created;
    return spaces_member_set(c->spaces, who, space, user, role, &member, &created);
}

/* What somebody who is still there would read, while events go. */
static struct {
    struct chat_fixture *c;
    const char *space;
    unsigned sweeps;
    enum sg_err found;
} sweeping;

static enum sg_err bob_in_space(void)
{
    struct principal bob = sweeping.c->bob;
    struct space_record space;
    enum space_role role;
    bool changed;
    enum sg_err err = identity_confirm(sweeping.c->f->id, &bob, &changed);
    return err ? err
               : spaces_authorize(sweeping.c->spaces, &bob, sweeping.space, SG_SPACE_READER, &space,
                                  &role);
}

static void sweep_and_look(void *self)
{
    sweeping.sweeps++;
    sweeping.found = bob_in_space();
    sweeping.c->store.vt->sweep(self);
}

/* The removal of many events takes its time: nobody may read a space by then. */
static void test_rights_end_before_events_go(void **state)
{
    struct chat_fixture *c = *state;
    const struct spaces_vtable *vt = c->store.vt;
    struct spaces_vtable slow = *vt;
    slow.sweep = sweep_and_look;
    sweeping.c = c;
    sweeping.sweeps = 0;
    c->store.vt = &slow;
    chat_fixture_restart(c);
    c->store.vt = vt;
    make(c, &c->alice, "team");
    assert_int_equal(SG_OK, set(c, &c->alice, "team", "bob", SG_SPACE_WRITER));
    chat_fixture_say(c, &c->bob, "team", "hello");
    chat_fixture_say(c, &c->bob, "@alice", "hello");
    sweeping.space = "team";
    assert_int_equal(SG_OK, bob_in_space());
    assert_int_equal(SG_OK, spaces_remove(c->spaces, &c->alice, "team"));
    assert_int_equal(1, sweeping.sweeps);
    assert_int_equal(SG_ERR_NOT_FOUND, sweeping.found);
    sweeping.space = "@alice";
    assert_int_equal(SG_OK, bob_in_space());
    assert_int_equal(SG_OK, identity_remove_user(c->f->id, "alice"));
    assert_int_equal(2, sweeping.sweeps);
    assert_int_equal(SG_ERR_NOT_FOUND, sweeping.found);
    sweeping.space = "common";
    assert_int_equal(SG_OK, bob_in_space());
    assert_int_equal(SG_OK, identity_remove_user(c->f->id, "bob"));
    assert_int_equal(SG_ERR_SESSION_ENDED, sweeping.found);
}

/* -- changes behind the loss of the right -------------------------------------------------------
 */

#define LATE 6

/* While the sink holds the engine's thread, everything that comes is written in one batch. */
static struct {
    struct chat_fixture *c;
    atomic_bool armed;
    sem_t reached, go;
    struct path paths[4];
    enum sg_err err[LATE];
} held;

static void publish_late(void *ctx, struct event *const *events, size_t count)
{
    if (atomic_exchange(&held.armed, false)) {
        (void)sem_post(&held.reached);
        (void)sem_wait(&held.go);
    }
    spaces_publish(ctx, events, count);
}

static void *hold(void *arg)
{
    struct chat_fixture *c = arg;
    chat_fixture_say(c, &c->alice, "common", "x");
    return NULL;
}

static enum sg_err upload_late(struct chat_fixture *c, struct arena *arena)
{
    struct file_upload *u = NULL;
    struct entry_record entry;
    bool created;
    enum sg_err err = files_upload_begin(c->files, &c->bob, &held.paths[3], -1, NULL, &u);
    if (!err)
        err = files_upload_commit(&u, NULL, arena, &entry, &created);
    files_upload_abort(&u);
    return err;
}

static void *change(void *arg)
{
    size_t i = (size_t)((enum sg_err *)arg - held.err);
    struct chat_fixture *c = held.c;
    struct arena *arena = arena_new(65536);
    const struct space_change named = {.description = "late"};
    struct space_info info;
    struct member_record member;
    struct entry_record entry;
    bool created;
    if (i == 0)
        held.err[i] = spaces_member_remove(c->spaces, &c->alice, "team", "bob");
    else if (i == 1)
        held.err[i] = spaces_update(c->spaces, &c->bob, "team", &named, &info);
    else if (i == 2)
        held.err[i] = spaces_member_set(c->spaces, &c->bob, "team", "guest", SG_SPACE_OWNER,
                                        &member, &created);
    else if (i == 3)
        held.err[i] = files_remove(c->files, &c->bob, &held.paths[0], false, NULL);
    else if (i == 4)
        held.err[i] = files_move(c->files, &c->bob, &held.paths[1], &held.paths[2], false, NULL,
                                 arena, &entry);
    else
        held.err[i] = upload_late(c, arena);
    arena_free(arena);
    return NULL;
}

static void wait_for_queue(struct sqlite_writer *w, size_t count)
{
    size_t queued = 0;
    while (queued != count) {
        (void)usleep(1000);
        (void)pthread_mutex_lock(&w->lock);
        queued = w->queued;
        (void)pthread_mutex_unlock(&w->lock);
    }
}

/* Whoever was allowed to when he asked, but no longer when his turn comes, changes nothing. */
static void test_changes_behind_removal(void **state)
{
    static const char *const paths[] = {"team/a", "team/b", "team/c", "team/d"};
    struct chat_fixture *c = *state;
    pthread_t holder, threads[LATE];
    make(c, &c->alice, "team");
    assert_int_equal(SG_OK, set(c, &c->alice, "team", "bob", SG_SPACE_OWNER));
    assert_int_equal(SG_OK, chat_fixture_upload(c, &c->alice, paths[0], "a"));
    assert_int_equal(SG_OK, chat_fixture_upload(c, &c->alice, paths[1], "b"));
    for (size_t i = 0; i < 4; i++)
        held.paths[i] = chat_fixture_path(c, paths[i]);
    held.c = c;
    atomic_store(&held.armed, true);
    (void)sem_init(&held.reached, 0, 0);
    (void)sem_init(&held.go, 0, 0);
    c->events.vt->set_sink(c->events.self, publish_late, c->spaces);
    assert_int_equal(0, pthread_create(&holder, NULL, hold, c));
    (void)sem_wait(&held.reached);
    for (size_t i = 0; i < LATE; i++) {
        assert_int_equal(0, pthread_create(&threads[i], NULL, change, &held.err[i]));
        wait_for_queue(&c->f->sqlite->writer, i + 1);
    }
    (void)sem_post(&held.go);
    (void)pthread_join(holder, NULL);
    for (size_t i = 0; i < LATE; i++)
        (void)pthread_join(threads[i], NULL);
    for (size_t i = 0; i < LATE; i++)
        assert_int_equal(i == 0 ? SG_OK : SG_ERR_NOT_FOUND, held.err[i]);
    assert_string_equal("a", chat_fixture_content(c, &c->alice, paths[0], 0));
    assert_string_equal("b", chat_fixture_content(c, &c->alice, paths[1], 0));
    assert_string_equal("!not-found", chat_fixture_content(c, &c->alice, paths[3], 0));
    struct space_record space;
    enum space_role role;
    assert_int_equal(SG_ERR_NOT_FOUND, spaces_authorize(c->spaces, &c->guest, "team",
                                                        SG_SPACE_READER, &space, &role));
    (void)sem_destroy(&held.reached);
    (void)sem_destroy(&held.go);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, chat_fixture_set_up, chat_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rights_end_before_events_go),
        TEST(test_changes_behind_removal),
    };
    return cmocka_run_group_tests_name("spaces-late", tests, fake_identity_group_sqlite,
                                       fake_identity_group_end);
}
