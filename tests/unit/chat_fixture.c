/* SPDX-License-Identifier: Apache-2.0 */
/* Wires everything up for tests; nothing here is a test itself. */
#include "contract.h"

#include "chat_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void changed(void *ctx, int64_t user_id)
{
    struct chat_fixture *c = ctx;
    spaces_rights_changed(c->spaces, user_id);
}

static void wire(struct chat_fixture *c)
{
    const struct hub_config hub = {.waiters = 100, .presence_grace_ms = 50};
    const struct files_config file_rules = {.max_file_bytes = 1000000};
    const struct chat_config rules = {.retention_s = 0, .retention_count = 1000};
    struct files_store files = sqlite_store_files(c->f->sqlite);
    uint64_t head = 0;
    assert_int_equal(SG_OK, c->events.vt->head(c->events.self, &head));
    assert_int_equal(SG_OK, hub_new(&hub, head, &c->hub));
    c->spaces = spaces_new(&c->store, c->f->id, c->hub);
    assert_non_null(c->spaces);
    c->events.vt->set_sink(c->events.self, spaces_publish, c->spaces);
    identity_watch(c->f->id, changed, c);
    c->files = files_new(&files, &c->blobs, &c->events, c->spaces, &file_rules);
    assert_non_null(c->files);
    assert_int_equal(SG_OK, chat_new(&c->events, c->spaces, c->hub, c->f->id, &rules, &c->chat));
}

static void unwire(struct chat_fixture *c)
{
    c->events.vt->set_sink(c->events.self, NULL, NULL);
    chat_free(c->chat);
    files_free(c->files);
    spaces_free(c->spaces);
    hub_free(c->hub);
}

void chat_fixture_restart(struct chat_fixture *c)
{
    unwire(c);
    wire(c);
}

struct principal chat_fixture_login(struct chat_fixture *c, const char *name)
{
    struct principal who;
    struct grant grant;
    fake_identity_login(c->f, name, &grant);
    assert_int_equal(SG_OK, fake_identity_authenticate(c->f, grant.access_token, &who));
    return who;
}

int chat_fixture_set_up(void **state)
{
    struct chat_fixture *c = calloc(1, sizeof(*c));
    void *identity = NULL;
    char dir[96];
    assert_non_null(c);
    assert_int_equal(0, fake_identity_set_up(&identity));
    c->f = identity;
    c->events = sqlite_store_events(c->f->sqlite);
    c->store = sqlite_store_spaces(c->f->sqlite);
    (void)snprintf(dir, sizeof(dir), "%s/files", c->f->dir);
    assert_int_equal(SG_OK, fsblobs_open(dir, 0, &c->fs));
    c->blobs = fsblobs_store(c->fs);
    c->arena = arena_new((size_t)16 << 20);
    wire(c);
    fake_identity_add(c->f, "root", SG_ROLE_ADMIN, NULL);
    fake_identity_add(c->f, "alice", SG_ROLE_MEMBER, NULL);
    fake_identity_add(c->f, "bob", SG_ROLE_MEMBER, NULL);
    fake_identity_add(c->f, "guest", SG_ROLE_GUEST, NULL);
    c->root = chat_fixture_login(c, "root");
    c->alice = chat_fixture_login(c, "alice");
    c->bob = chat_fixture_login(c, "bob");
    c->guest = chat_fixture_login(c, "guest");
    *state = c;
    return 0;
}

int chat_fixture_tear_down(void **state)
{
    struct chat_fixture *c = *state;
    void *identity = c->f;
    char dir[96];
    (void)snprintf(dir, sizeof(dir), "%s/files", c->f->dir);
    unwire(c);
    fsblobs_close(c->fs);
    contract_dir_remove(strdup(dir));
    arena_free(c->arena);
    free(c);
    return fake_identity_tear_down(&identity);
}

/* -- messages -----------------------------------------------------------------------------------
 */

struct waiting_post {
    struct event_post post; /* first */
    sem_t done;
};

static void done(struct event_post *post)
{
    (void)sem_post(&((struct waiting_post *)(void *)post)->done);
}

enum sg_err chat_fixture_post(struct chat_fixture *c, const struct principal *who,
                              const char *space, const struct chat_message *message, uint64_t *seq,
                              bool *ret_replayed)
{
    struct waiting_post w = {.post = {.done = done}};
    struct space_record record;
    enum space_role role;
    const char *reason = NULL;
    uint64_t generation = spaces_generation(c->spaces);
    enum sg_err err = spaces_authorize(c->spaces, who, space, SG_SPACE_WRITER, &record, &role);
    if (!err && record.id == 0) {
        err = spaces_make(c->spaces, who, &record);
        generation = spaces_generation(c->spaces);
    }
    (void)sem_init(&w.done, 0, 0);
    if (!err)
        err = chat_post(c->chat, who, &record, generation, message, &w.post, &reason);
    if (!err) {
        (void)sem_wait(&w.done);
        err = w.post.result;
    }
    (void)sem_destroy(&w.done);
    if (err)
        return err;
    *seq = w.post.event->seq;
    *ret_replayed = w.post.replayed;
    event_unref(w.post.event);
    return SG_OK;
}

uint64_t chat_fixture_say(struct chat_fixture *c, const struct principal *who, const char *space,
                          const char *text)
{
    const struct chat_message message = {.text = text, .text_len = strlen(text)};
    uint64_t seq = 0;
    bool replayed = true;
    assert_int_equal(SG_OK, chat_fixture_post(c, who, space, &message, &seq, &replayed));
    assert_false(replayed);
    return seq;
}

/* -- files --------------------------------------------------------------------------------------
 */

struct path chat_fixture_path(struct chat_fixture *c, const char *text)
{
    struct path path;
    const char *reason;
    assert_int_equal(SG_OK, path_text(text, strlen(text), c->arena, &path, &reason));
    return path;
}

enum sg_err chat_fixture_upload(struct chat_fixture *c, const struct principal *who,
                                const char *text, const char *content)
{
    struct path path = chat_fixture_path(c, text);
    struct file_upload *u = NULL;
    struct entry_record entry;
    bool created;
    enum sg_err err = files_upload_begin(c->files, who, &path, -1, NULL, &u);
    if (!err)
        err = files_upload_write(u, content, strlen(content));
    if (!err)
        err = files_upload_commit(&u, NULL, c->arena, &entry, &created);
    files_upload_abort(&u);
    return err;
}

const char *chat_fixture_content(struct chat_fixture *c, const struct principal *who,
                                 const char *text, uint64_t version)
{
    struct path path = chat_fixture_path(c, text);
    struct entry_record entry;
    int fd = -1;
    enum sg_err err = files_open(c->files, who, &path, version, c->arena, &entry, NULL, &fd);
    if (err)
        return arena_printf(c->arena, "!%s", err_code(err));
    char *data = arena_alloc(c->arena, entry.size + 1);
    assert_int_equal(entry.size, read(fd, data, entry.size + 1));
    (void)close(fd);
    return data;
}

/* -- listeners ----------------------------------------------------------------------------------
 */

static void wake(struct hub_waiter *w)
{
    char *listener = (char *)w - offsetof(struct chat_listener, waiter);
    (void)sem_post(&((struct chat_ear *)(void *)listener)->woken);
}

enum sg_err chat_ear_open(struct chat_ear *e, struct chat_fixture *c, const struct principal *who,
                          const char *space, const char *after)
{
    bool ready = false;
    memset(e, 0, sizeof(*e));
    e->who = *who;
    (void)sem_init(&e->woken, 0, 0);
    enum sg_err err = chat_listen(c->chat, &e->who, space, after, CHAT_ALL_TYPES, "192.0.2.7",
                                  false, &e->listener, &e->bounds, &ready);
    assert_true(err || ready);
    e->listener.waiter.wake = wake;
    return err;
}

enum sg_err chat_ear_next(struct chat_ear *e, bool wait)
{
    chat_page_fini(&e->page);
    return chat_next(&e->listener, wait, false, 100, &e->page, &e->state);
}

static bool wait_ms(struct chat_ear *e, int64_t ms)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    int64_t ns = at.tv_nsec + ms * SG_NS_PER_MS;
    at.tv_sec += ns / SG_NS_PER_S;
    at.tv_nsec = ns % SG_NS_PER_S;
    return sem_timedwait(&e->woken, &at) == 0;
}

bool chat_ear_woken(struct chat_ear *e)
{
    return wait_ms(e, 5000);
}

bool chat_ear_asleep(struct chat_ear *e)
{
    return !wait_ms(e, 50);
}

void chat_ear_close(struct chat_ear *e)
{
    chat_page_fini(&e->page);
    chat_listen_end(&e->listener);
    (void)sem_destroy(&e->woken);
}
