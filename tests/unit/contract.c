/* SPDX-License-Identifier: Apache-2.0 */
/* Tools of the engine contract: directories, threads, crashing processes. It knows no engine. */
#include "contract.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

const struct space_actor contract_actor = {.user_id = 1, .name = "actor", .now_ns = 1000};

char *contract_dir_new(void)
{
    char *dir = strdup("/tmp/secgate-contract-XXXXXX");
    assert_non_null(dir);
    assert_non_null(mkdtemp(dir));
    return dir;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void contract_dir_remove(char *dir)
{
    assert_int_equal(0, nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS));
    free(dir);
}

bool contract_disk_mount(const char *dir, size_t bytes)
{
    char options[64];
    (void)snprintf(options, sizeof(options), "size=%zu,mode=0700", bytes);
    if (mount("tmpfs", dir, "tmpfs", 0, options) == 0)
        return true;
    print_message("NOT RUN: full disk, a small file system cannot be mounted: %s\n",
                  strerror(errno));
    return false;
}

void contract_disk_unmount(const char *dir)
{
    assert_int_equal(0, umount(dir));
}

static void attach(struct contract_store *s)
{
    assert_int_equal(SG_OK, s->engine->open(s->dir, &s->handle));
    s->users = s->engine->users(s->handle);
    s->sessions = s->engine->sessions(s->handle);
    s->files = s->engine->files(s->handle);
    s->spaces = s->engine->spaces(s->handle);
    s->events = s->engine->events(s->handle);
    s->signatures = s->engine->signatures(s->handle);
}

void contract_store_init(struct contract_store *s, const struct contract_engine *engine)
{
    *s = (struct contract_store){.engine = engine, .dir = contract_dir_new()};
    attach(s);
}

void contract_store_reopen(struct contract_store *s)
{
    s->engine->close(s->handle);
    attach(s);
}

void contract_store_fini(struct contract_store *s)
{
    s->engine->close(s->handle);
    contract_dir_remove(s->dir);
}

/* -- threads ------------------------------------------------------------------------------------
 */

struct worker {
    pthread_t thread;
    pthread_barrier_t *start;
    void (*run)(void *ctx, size_t index);
    void *ctx;
    size_t index;
};

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    (void)pthread_barrier_wait(w->start);
    w->run(w->ctx, w->index);
    return NULL;
}

void contract_threads(size_t count, void (*run)(void *ctx, size_t index), void *ctx)
{
    struct worker *workers = calloc(count, sizeof(*workers));
    pthread_barrier_t start;
    assert_non_null(workers);
    assert_int_equal(0, pthread_barrier_init(&start, NULL, (unsigned)count));
    for (size_t i = 0; i < count; i++) {
        workers[i] = (struct worker){.start = &start, .run = run, .ctx = ctx, .index = i};
        assert_int_equal(0, pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]));
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_barrier_destroy(&start);
    free(workers);
}

struct user_record contract_user_add(struct contract_store *s, const char *name,
                                     enum user_role role)
{
    struct user_record user = {.role = role, .created_ns = 1};
    (void)snprintf(user.name, sizeof(user.name), "%s", name);
    (void)snprintf(user.password_hash, sizeof(user.password_hash), "hash of %s", name);
    assert_int_equal(SG_OK, s->users.vt->create(s->users.self, &user, NULL, 1));
    return user;
}

int64_t contract_space_id(struct contract_store *s, const char *name, int64_t user_id)
{
    struct space_record space;
    assert_int_equal(SG_OK, s->spaces.vt->get(s->spaces.self, name, user_id, &space));
    return space.id;
}

/* -- events -------------------------------------------------------------------------------------
 */

static struct event *events[1000];

static size_t read_events(struct contract_store *s, int64_t space_id)
{
    struct event_query query = {.space_ids = &space_id,
                                .space_count = 1,
                                .newest = true,
                                .types = (1U << SG_EVENT_TYPE_COUNT) - 1,
                                .limit = 1000,
                                .bytes = SIZE_MAX};
    size_t count = 0;
    uint64_t seq;
    assert_int_equal(SG_OK, s->events.vt->list(s->events.self, &query, events, &count, &seq));
    return count;
}

static void forget_events(size_t count)
{
    while (count > 0)
        event_unref(events[--count]);
}

size_t contract_event_count(struct contract_store *s, int64_t space_id)
{
    size_t count = read_events(s, space_id);
    forget_events(count);
    return count;
}

void contract_event_expect(struct contract_store *s, int64_t space_id, size_t back,
                           enum event_type type, const char *part)
{
    size_t count = read_events(s, space_id);
    assert_true(count > back);
    const struct event *e = events[count - 1 - back];
    if (e->type != type || !strstr(e->json, part))
        fail_msg("no %s with %s: %s", event_type_name(type), part, e->json);
    forget_events(count);
}

static void say_done(struct event_post *post)
{
    (void)sem_post(post->check_ctx);
}

uint64_t contract_say(struct contract_store *s, int64_t space_id, const struct user_record *user,
                      const char *text, const char *file)
{
    sem_t done;
    struct event_post post = {.space_id = space_id,
                              .sender_id = user->id,
                              .sender = user->name,
                              .text = text,
                              .text_len = strlen(text),
                              .files = &file,
                              .file_count = file ? 1 : 0,
                              .now_ns = 1000,
                              .check_ctx = &done,
                              .done = say_done};
    assert_int_equal(0, sem_init(&done, 0, 0));
    assert_int_equal(SG_OK, s->events.vt->post(s->events.self, &post));
    (void)sem_wait(&done);
    (void)sem_destroy(&done);
    assert_int_equal(SG_OK, post.result);
    uint64_t seq = post.event->seq;
    event_unref(post.event);
    return seq;
}

/* -- crashes ------------------------------------------------------------------------------------
 */

uint8_t *contract_crash(void (*run)(void *ctx, int fd), void *ctx, size_t size, size_t count,
                        size_t *ret_groups)
{
    int fds[2];
    struct buf acks;
    buf_init(&acks, (size_t)64 << 20);
    assert_int_equal(0, pipe(fds));
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(fds[0]);
        run(ctx, fds[1]);
        _exit(0);
    }
    (void)close(fds[1]);
    bool killed = false;
    for (;;) {
        uint8_t *room = buf_reserve(&acks, 4096);
        assert_non_null(room);
        ssize_t n = read(fds[0], room, 4096);
        assert_true(n >= 0);
        if (n == 0)
            break;
        buf_commit(&acks, (size_t)n);
        if (!killed && acks.len >= size * count) {
            assert_int_equal(0, kill(pid, SIGKILL));
            killed = true;
        }
    }
    (void)close(fds[0]);
    int status = 0;
    assert_int_equal(pid, waitpid(pid, &status, 0));
    assert_true(killed);
    assert_int_equal(0, acks.len % size);
    size_t len = acks.len;
    *ret_groups = len / size;
    return (uint8_t *)buf_take(&acks, &len);
}

uint32_t contract_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}
