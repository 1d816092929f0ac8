/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of the event log under load: pages against a plain model, many who post at once,
 * what the sink sees, closing with posts on their way, a killed process. */
#include "events_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static struct events_fixture f;
static const struct contract_engine *tested;

static int setup(void **state)
{
    (void)state;
    events_fixture_init(&f, tested);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    events_fixture_fini(&f);
    return 0;
}

static size_t check_chains(void)
{
    size_t all = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t count = 0;
        assert_true(events_chain_holds(&f, f.space[i], &count));
        all += count;
    }
    return all;
}

/* -- pages ----------------------------------------------------------------------------------------
 */

#define PAGED 300

struct model_event {
    uint64_t seq;
    size_t space;
    enum event_type type;
    size_t len;
};
static struct model_event model[2 * PAGED];
static size_t model_count;
static uint64_t seed = 20261121;

static void model_fill(void)
{
    uint64_t head;
    assert_int_equal(SG_OK, EVENTS(&f, head, &head));
    model_count = 0;
    for (unsigned i = 0; i < PAGED; i++) {
        static const char long_text[] = "0123456789012345678901234567890123456789";
        size_t space = contract_random(&seed) % 3;
        uint64_t seq = events_say(&f, f.space[space], long_text + contract_random(&seed) % 40);
        model[model_count++] = (struct model_event){seq, space, SG_EVENT_MESSAGE, 0};
        if (contract_random(&seed) % 4)
            continue;
        bool update = contract_random(&seed) % 2;
        struct event_revision r = {.space_id = f.space[space],
                                   .target = seq,
                                   .actor_id = f.alice.id,
                                   .actor = f.alice.name,
                                   .text = update ? "changed" : NULL,
                                   .text_len = update ? 7 : 0,
                                   .now_ns = 1};
        struct event *e = NULL;
        assert_int_equal(SG_OK, EVENTS(&f, revise, &r, &e));
        model[model_count++] = (struct model_event){
            e->seq, space, update ? SG_EVENT_MESSAGE_UPDATED : SG_EVENT_MESSAGE_DELETED, 0};
        event_unref(e);
    }
    for (size_t i = 0; i < model_count; i++) {
        struct event *e = events_get(&f, f.space[model[i].space], model[i].seq);
        assert_non_null(e);
        model[i].len = e->len;
        event_unref(e);
    }
}

/* Which of the model a query must give; more: others follow. */
static size_t model_page(const struct event_query *q, const size_t *spaces, size_t *ret,
                         bool *ret_more)
{
    size_t count = 0, bytes = 0;
    *ret_more = false;
    for (size_t i = 0; i < model_count; i++) {
        const struct model_event *m = &model[q->newest ? model_count - 1 - i : i];
        bool wanted = false;
        for (size_t s = 0; s < q->space_count; s++)
            wanted = wanted || spaces[s] == m->space;
        if (!wanted || !(q->types & 1U << m->type) || m->seq <= q->after ||
            (q->before && m->seq >= q->before))
            continue;
        if (count == q->limit || (count > 0 && bytes + m->len > q->bytes)) {
            *ret_more = true;
            break;
        }
        bytes += m->len;
        ret[count++] = (size_t)(m - model);
    }
    for (size_t i = 0; q->newest && i < count / 2; i++) {
        size_t other = ret[i];
        ret[i] = ret[count - 1 - i];
        ret[count - 1 - i] = other;
    }
    return count;
}

static void check_page(const struct event_query *q, const size_t *spaces)
{
    static struct event *page[1000];
    static size_t expected[2 * PAGED];
    size_t got = 0;
    uint64_t seen = 0, head = 0;
    bool more;
    size_t count = model_page(q, spaces, expected, &more);
    assert_int_equal(SG_OK, EVENTS(&f, list, q, page, &got, &seen));
    assert_int_equal(count, got);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(model[expected[i]].seq, page[i]->seq);
        assert_int_equal(model[expected[i]].type, page[i]->type);
        assert_int_equal(f.space[model[expected[i]].space], page[i]->space_id);
        event_unref(page[i]);
    }
    if (q->newest || q->before)
        return;
    assert_int_equal(SG_OK, EVENTS(&f, head, &head));
    assert_int_equal(more ? model[expected[count - 1]].seq : head, seen);
}

static void test_pages(void **state)
{
    (void)state;
    print_message("random log from seed %llu\n", (unsigned long long)seed);
    model_fill();
    uint64_t first = model[0].seq, last = model[model_count - 1].seq;
    for (unsigned i = 0; i < 3000; i++) {
        int64_t ids[3];
        size_t spaces[3], count = 0;
        unsigned which = contract_random(&seed) % 8;
        for (size_t s = 0; s < 3; s++) {
            if (!(which & 1U << s))
                continue;
            spaces[count] = s;
            ids[count++] = f.space[s];
        }
        unsigned kind = contract_random(&seed);
        struct event_query q = {
            .space_ids = ids,
            .space_count = count,
            .after = first - 1 + contract_random(&seed) % (last - first + 3),
            .before = kind % 2 ? first + contract_random(&seed) % (last - first + 3) : 0,
            .newest = kind / 2 % 2,
            .types = kind / 4 % 2 ? EVENTS_ALL_TYPES : contract_random(&seed) % 8,
            .limit = 1 + contract_random(&seed) % (kind / 8 % 2 ? 10 : 1000),
            .bytes = kind / 16 % 2 ? SIZE_MAX : contract_random(&seed) % 4000};
        check_page(&q, spaces);
    }
}

/* -- many at once ---------------------------------------------------------------------------------
 */

#define WRITERS 64
#define EACH    40

static struct {
    pthread_mutex_t lock;
    uint64_t last;
    size_t seen, disorder;
} sunk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void sink(void *ctx, struct event *const *events, size_t count)
{
    (void)ctx;
    pthread_mutex_lock(&sunk.lock);
    for (size_t i = 0; i < count; i++) {
        sunk.disorder += sunk.last && events[i]->seq != sunk.last + 1;
        sunk.last = events[i]->seq;
        sunk.seen++;
    }
    pthread_mutex_unlock(&sunk.lock);
}

struct writers {
    _Atomic size_t failed, too_early, entered;
    uint64_t seq[WRITERS][EACH];
};

static void write_many(void *ctx, size_t index)
{
    struct writers *w = ctx;
    for (size_t i = 0; i < EACH; i++) {
        char text[32], key[32];
        (void)snprintf(text, sizeof(text), "message %zu of %zu", i, index);
        (void)snprintf(key, sizeof(key), "%zu-%zu", index, i);
        struct event_post post = events_post_make(&f, text);
        post.space_id = f.space[index % 3];
        post.idempotency_key = key;
        if (i % 5 == 4) /* these fail after others have gone before them in the batch */
            post.reply_to = UINT32_MAX;
        enum sg_err err = events_post_wait(&f, &post);
        if (err != (i % 5 == 4 ? SG_ERR_NOT_FOUND : SG_OK))
            atomic_fetch_add(&w->failed, 1);
        if (err)
            continue;
        atomic_fetch_add(&w->entered, 1);
        w->seq[index][i] = post.event->seq;
        pthread_mutex_lock(&sunk.lock);
        if (sunk.last < post.event->seq)
            atomic_fetch_add(&w->too_early, 1);
        pthread_mutex_unlock(&sunk.lock);
        event_unref(post.event);
        if (i % 8 == 0) {
            struct event_revision r = {.space_id = f.space[index % 3],
                                       .target = w->seq[index][i],
                                       .actor_id = f.alice.id,
                                       .actor = f.alice.name,
                                       .now_ns = 1};
            struct event *e = NULL;
            if (EVENTS(&f, revise, &r, &e))
                atomic_fetch_add(&w->failed, 1);
            atomic_fetch_add(&w->entered, 1);
            event_unref(e);
        }
    }
}

static void test_many(void **state)
{
    (void)state;
    static struct writers w;
    uint64_t before, after;
    assert_int_equal(SG_OK, EVENTS(&f, head, &before));
    sunk.last = before;
    EVENTS(&f, set_sink, sink, NULL);
    contract_threads(WRITERS, write_many, &w);
    assert_int_equal(0, w.failed);
    assert_int_equal(0, w.too_early);
    assert_int_equal(0, sunk.disorder);
    assert_int_equal(SG_OK, EVENTS(&f, head, &after));
    assert_int_equal(after, sunk.last);
    assert_int_equal(after - before, sunk.seen);
    assert_int_equal(w.entered, sunk.seen);
    assert_true(check_chains() >= sunk.seen);
    for (size_t i = 0; i < WRITERS * EACH; i++) {
        char text[32];
        size_t index = i / EACH, n = i % EACH;
        if (n % 5 == 4 || n % 8 == 0)
            continue;
        struct event *e = events_get(&f, f.space[index % 3], w.seq[index][n]);
        assert_non_null(e);
        (void)snprintf(text, sizeof(text), "message %zu of %zu", n, index);
        assert_string_equal(text, events_member(e, "text"));
        event_unref(e);
    }
}

/* -- closing --------------------------------------------------------------------------------------
 */

#define QUEUED 500

static _Atomic size_t answered, accepted;

static void count_done(struct event_post *post)
{
    atomic_fetch_add(&accepted, post->result == SG_OK);
    atomic_fetch_add(&answered, 1);
    event_unref(post->event);
}

static void test_close(void **state)
{
    (void)state;
    static struct event_post posts[QUEUED];
    size_t before = check_chains(), sent = 0;
    answered = 0;
    accepted = 0;
    for (size_t i = 0; i < QUEUED; i++) {
        posts[i] = events_post_make(&f, "on its way");
        posts[i].done = count_done;
        sent += EVENTS(&f, post, &posts[i]) == SG_OK;
    }
    contract_store_reopen(&f.store);
    assert_int_equal(sent, answered);
    assert_int_equal(before + accepted, check_chains());
}

/* -- crash ----------------------------------------------------------------------------------------
 */

#define OUTSTANDING 64

struct ack {
    uint64_t seq, number;
};

struct crash {
    const char *dir;
    int64_t space;
    int fd;
    _Atomic uint64_t next;
};

struct crash_post {
    struct event_post post; /* first */
    struct crash *crash;
    struct events_store events;
    uint64_t number;
    char text[32];
};

static void crash_send(struct crash_post *p)
{
    struct crash *crash = p->crash;
    p->number = atomic_fetch_add(&crash->next, 1);
    (void)snprintf(p->text, sizeof(p->text), "number %llu", (unsigned long long)p->number);
    p->post.text = p->text;
    p->post.text_len = strlen(p->text);
    p->post.space_id = crash->space;
    if (p->events.vt->post(p->events.self, &p->post))
        _exit(4);
}

static void crash_done(struct event_post *post)
{
    struct crash_post *p = (struct crash_post *)post;
    if (post->result)
        _exit(3);
    struct ack ack = {post->event->seq, p->number};
    if (write(p->crash->fd, &ack, sizeof(ack)) != (ssize_t)sizeof(ack))
        _exit(2);
    event_unref(post->event);
    crash_send(p);
}

static void crash_run(void *ctx, int fd)
{
    static struct crash_post posts[OUTSTANDING];
    struct crash *crash = ctx;
    void *handle = NULL;
    if (tested->open(crash->dir, &handle))
        _exit(1);
    crash->fd = fd;
    for (size_t i = 0; i < OUTSTANDING; i++) {
        posts[i] = (struct crash_post){.post = {.sender_id = 1, .sender = "alice", .now_ns = 1},
                                       .crash = crash,
                                       .events = tested->events(handle)};
        posts[i].post.done = crash_done;
        crash_send(&posts[i]);
    }
    for (;;)
        (void)pause();
}

static int by_seq(const void *a, const void *b)
{
    uint64_t x = ((const struct ack *)a)->seq, y = ((const struct ack *)b)->seq;
    return (x > y) - (x < y);
}

static void attach(void)
{
    f.store.handle = NULL;
    assert_int_equal(SG_OK, tested->open(f.store.dir, &f.store.handle));
    f.store.events = tested->events(f.store.handle);
}

/* Three times, so that each goes on where the last was killed; numbers never come twice. */
static void test_crash(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (unsigned round = 0; round < 3; round++) {
        size_t count = 0;
        tested->close(f.store.handle);
        struct crash crash = {.dir = f.store.dir, .space = f.space[0]};
        struct ack *acks =
            (struct ack *)contract_crash(crash_run, &crash, sizeof(struct ack), 700, &count);
        attach();
        qsort(acks, count, sizeof(*acks), by_seq);
        for (size_t i = 0; i < count; i++) {
            char text[32];
            assert_true(acks[i].seq > last);
            last = acks[i].seq;
            struct event *e = events_get(&f, f.space[0], last);
            assert_non_null(e);
            (void)snprintf(text, sizeof(text), "number %llu", (unsigned long long)acks[i].number);
            assert_string_equal(text, events_member(e, "text"));
            event_unref(e);
        }
        size_t kept = check_chains();
        print_message("round %u: %zu acknowledged, %zu there\n", round, count, kept);
        uint64_t head = 0;
        assert_int_equal(SG_OK, EVENTS(&f, head, &head));
        assert_true(head >= last);
        assert_int_equal(head + 1, events_say(&f, f.space[0], "goes on"));
        last = head + 1;
        free(acks);
    }
}

/* -- full disks -----------------------------------------------------------------------------------
 */

/* Many posts at a time, until none has room: those that were accepted are there, and no others. */
static void test_full_disk(void **state)
{
    (void)state;
    static struct event_post posts[OUTSTANDING];
    static char text[2000];
    size_t sent = 0, count = 0;
    tested->close(f.store.handle);
    bool mounted = contract_disk_mount(f.store.dir, (size_t)3 << 20);
    char *ballast = file_join(f.store.dir, "ballast");
    if (mounted) {
        uint8_t block[4096] = {1};
        SG_FD_CLEANUP int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        for (unsigned i = 0; i < 256; i++)
            assert_int_equal(SG_OK, file_write_all(fd, block, sizeof(block)));
    }
    attach();
    answered = 0;
    accepted = 0;
    memset(text, 'x', sizeof(text) - 1);
    while (mounted && accepted == sent && sent < 100000) {
        for (size_t i = 0; i < OUTSTANDING; i++) {
            posts[i] = events_post_make(&f, text);
            posts[i].done = count_done;
            assert_int_equal(SG_OK, EVENTS(&f, post, &posts[i]));
        }
        sent += OUTSTANDING;
        while (answered < sent)
            (void)usleep(1000);
    }
    if (mounted) {
        print_message("%zu posts until the disk was full\n", (size_t)accepted);
        struct event_post post = events_post_make(&f, text);
        while (events_post_wait(&f, &post) == SG_OK) { /* one may fit where many do not */
            event_unref(post.event);
            accepted++;
        }
        assert_int_equal(SG_ERR_NO_SPACE, post.result);
        assert_true(events_chain_holds(&f, f.space[0], &count));
        assert_int_equal(accepted, count);
        assert_int_equal(0, unlink(ballast)); /* room again: it goes on, without help */
        assert_int_equal(accepted + 1, events_say(&f, f.space[0], "goes on"));
        contract_store_reopen(&f.store);
        assert_true(events_chain_holds(&f, f.space[0], &count));
        assert_int_equal(accepted + 1, count);
        tested->close(f.store.handle);
        contract_disk_unmount(f.store.dir);
        attach();
    }
    free(ballast);
}

int contract_events_race(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };
    tested = engine;
    print_message("events contract under load on %s\n", engine->name);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
