/* SPDX-License-Identifier: Apache-2.0 */
/* The hub under many threads: whatever they do, every listener sees exactly the events it should,
 * in order, none twice, hears of every recheck, and is never woken after it has left. */
#include "core/hub.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "hub_fixture.h"

#define EVENTS    6000
#define SPACES    6
#define USERS     4
#define LISTENERS 24

/* The log: what has been published, which is what a store would give. */
static struct {
    int64_t space[EVENTS + 1];
    atomic_uint_fast64_t head;
    atomic_uint started[USERS], done[USERS]; /* rechecks of a user */
    atomic_bool quiet;                       /* nothing more is published, nobody disturbs */
    atomic_uint complete;                    /* readers that have seen everything */
    atomic_bool over;
} journal;

static struct hub *hub;

struct reader {
    unsigned number;
    unsigned random;
    int64_t user_id;
    char user[8];
    int64_t space_id;
    struct hub_view *view;
    uint64_t last; /* seq of the last one that was shown */
    unsigned seen; /* rechecks that were heard of */
    bool complete;
    unsigned shown, rechecks, waits, behind;
    const char *broken;
};

/* Memory of one poll: freed as soon as it has left. */
struct poll {
    struct hub_waiter w;
    atomic_int armed;
    atomic_bool twice;
    sem_t woken;
};

static unsigned roll(unsigned *state, unsigned sides)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 16) % sides;
}

static void on_wake(struct hub_waiter *w)
{
    struct poll *p = (struct poll *)w;

    if (atomic_exchange(&p->armed, 0) != 1)
        atomic_store(&p->twice, true);
    sem_post(&p->woken);
}

static bool concerns(const struct reader *r, int64_t space_id)
{
    return r->space_id != 0 ? r->space_id == space_id : hub_view_name(r->view, space_id) != NULL;
}

/* The next one that it should see; 0 when there is none up to the head. */
static uint64_t next_of(const struct reader *r)
{
    for (uint64_t seq = r->last + 1; seq <= atomic_load(&journal.head); seq++)
        if (concerns(r, journal.space[seq]))
            return seq;
    return 0;
}

static void see(struct reader *r, uint64_t seq)
{
    if (seq != next_of(r))
        r->broken = "an event was skipped, repeated or not its own";
    r->last = seq;
    r->shown++;
}

static void read_store(struct reader *r, struct poll *p)
{
    uint64_t seq;

    r->behind++;
    for (unsigned i = 0; i < 50 && (seq = next_of(r)) != 0; i++)
        see(r, seq);
    p->w.after = r->last;
    if (next_of(r) == 0)
        p->w.after = hub_position(hub) < r->last ? r->last : p->w.after;
}

/* True when there was nothing. */
static bool collect(struct reader *r, struct poll *p)
{
    struct event *events[8];
    struct hub_note notes[8];
    struct hub_news news;
    unsigned done = atomic_load(&journal.done[r->user_id]);
    size_t max = 1 + roll(&r->random, 8);

    hub_collect(hub, &p->w, max, 1 << 20, events, 8, notes, &news);
    if (news.recheck) {
        r->seen = atomic_load(&journal.started[r->user_id]);
        r->rechecks++;
        return false;
    }
    if (done > r->seen)
        r->broken = "a recheck was lost";
    for (size_t i = 0; i < news.count; i++) {
        see(r, events[i]->seq);
        event_unref(events[i]);
    }
    for (size_t i = 0; i < news.note_count; i++)
        if (notes[i].user_id == r->user_id || !concerns(r, notes[i].space_id))
            r->broken = "a note of others";
    if (news.behind)
        read_store(r, p);
    if (!r->complete && r->last == EVENTS + 1 - (uint64_t)(r->space_id != 0 ? r->space_id : 1)) {
        r->complete = true;
        atomic_fetch_add(&journal.complete, 1);
    }
    if (r->number % 5 == 4) /* a slow one */
        hub_fixture_sleep_ms(roll(&r->random, 20));
    return !news.behind && news.count == 0 && news.note_count == 0;
}

/* False after a while without a wake. */
static bool sleep_poll(struct poll *p, unsigned ms)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_nsec -= 1000000000L;
        at.tv_sec++;
    }
    while (sem_timedwait(&p->woken, &at) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

static bool finished(const struct reader *r)
{
    return atomic_load(&journal.over) && next_of(r) == 0;
}

static void wait_in_hub(struct reader *r, struct poll *p)
{
    bool brief = roll(&r->random, 3) == 0;

    atomic_store(&p->armed, 1);
    if (!hub_wait(hub, &p->w)) {
        atomic_store(&p->armed, 0);
        return;
    }
    r->waits++;
    if (!sleep_poll(p, brief ? roll(&r->random, 3) : 30000) && !brief && !finished(r))
        r->broken = "it was never woken";
    if (atomic_load(&p->twice))
        r->broken = "it was woken twice";
}

static void poll_some(struct reader *r)
{
    struct poll *p = calloc(1, sizeof *p);

    p->w = (struct hub_waiter){.wake = on_wake,
                               .user_id = r->user_id,
                               .user = r->user,
                               .address = "192.0.2.1",
                               .space_id = r->space_id,
                               .view = r->view,
                               .after = r->last,
                               .after_note = hub_note_position(hub),
                               .types = HUB_ALL_EVENTS | (r->number % 2 ? HUB_ALL_NOTES : 0)};
    sem_init(&p->woken, 0, 0);
    if (hub_enter(hub, &p->w) != SG_OK)
        r->broken = "could not enter";
    r->seen = atomic_load(&journal.started[r->user_id]);
    for (unsigned i = roll(&r->random, 20) + 1; i > 0 && !finished(r) && !r->broken; i--)
        if (collect(r, p))
            wait_in_hub(r, p);
    if (roll(&r->random, 2) == 0) {
        atomic_store(&p->armed, 1); /* and leaves while it waits */
        (void)!hub_wait(hub, &p->w);
    }
    hub_leave(hub, &p->w);
    sem_destroy(&p->woken);
    memset(p, 0xa5, sizeof *p);
    free(p);
}

static void *read_all(void *arg)
{
    struct reader *r = arg;

    while (!finished(r) && r->broken == NULL)
        poll_some(r);
    return NULL;
}

static void *disturb(void *arg)
{
    unsigned random = 99;
    struct hub_present all[8];

    (void)arg;
    while (!atomic_load(&journal.quiet)) {
        int64_t user = roll(&random, USERS), space = 1 + roll(&random, SPACES);

        switch (roll(&random, 8)) {
        case 0:
            for (int i = 0; i < USERS; i++)
                atomic_fetch_add(&journal.started[i], 1);
            hub_recheck_all(hub);
            for (int i = 0; i < USERS; i++)
                atomic_fetch_add(&journal.done[i], 1);
            break;
        case 1:
            hub_recheck_space(hub, space);
            break;
        case 2:
        case 3:
            atomic_fetch_add(&journal.started[user], 1);
            hub_recheck_user(hub, user);
            atomic_fetch_add(&journal.done[user], 1);
            break;
        case 4:
            hub_typing(hub, space, 1000 + roll(&random, 50), "other");
            break;
        default:
            (void)hub_presence(hub, space, all, 8);
            break;
        }
        hub_fixture_sleep_ms(1);
    }
    return NULL;
}

static void publish_all(void)
{
    unsigned random = 7;
    struct event *batch[8];

    for (uint64_t seq = 1; seq <= EVENTS;) {
        size_t count = 0;

        for (unsigned n = 1 + roll(&random, 8); n > 0 && seq <= EVENTS; n--, seq++) {
            /* At the end there is something for everybody. */
            int64_t space =
                seq > EVENTS - SPACES ? (int64_t)(EVENTS - seq) + 1 : 1 + roll(&random, SPACES);
            bool revision = roll(&random, 40) == 0;

            journal.space[seq] = space;
            batch[count++] = hub_fixture_event(
                seq, space, revision ? SG_EVENT_MESSAGE_UPDATED : SG_EVENT_MESSAGE,
                revision && seq > 100 ? seq - roll(&random, 100) - 1 : 0, roll(&random, 3000));
        }
        atomic_store(&journal.head, seq - 1);
        hub_publish(hub, batch, count);
        for (size_t i = 0; i < count; i++)
            event_unref(batch[i]);
        if (roll(&random, 3) == 0)
            hub_fixture_sleep_ms(1);
    }
}

/* Everybody must have been woken by the events alone. */
static void end_all(pthread_t disturber)
{
    atomic_store(&journal.quiet, true);
    pthread_join(disturber, NULL);
    for (int i = 0; i < 2000 && atomic_load(&journal.complete) < LISTENERS; i++)
        hub_fixture_sleep_ms(10);
    assert_int_equal(atomic_load(&journal.complete), LISTENERS);
    atomic_store(&journal.over, true);
    hub_recheck_all(hub);
}

static void test_everybody_sees_everything(void **state)
{
    static struct reader readers[LISTENERS];
    pthread_t threads[LISTENERS], disturber;
    unsigned shown = 0, waits = 0, rechecks = 0, behind = 0;

    (void)state;
    hub = hub_fixture_new(0, 5);
    for (unsigned i = 0; i < LISTENERS; i++) {
        struct reader *r = &readers[i];

        *r = (struct reader){.number = i, .random = i * 7919 + 1, .user_id = i % USERS};
        (void)snprintf(r->user, sizeof r->user, "user%u", i % USERS);
        if (i % 3 == 0)
            r->view = i % 2 ? hub_fixture_view(1, 3, 5, 0) : hub_fixture_view(1, 2, 3, 4, 5, 6, 0);
        else
            r->space_id = 1 + i % SPACES;
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, r), 0);
    }
    assert_int_equal(pthread_create(&disturber, NULL, disturb, NULL), 0);
    publish_all();
    end_all(disturber);
    for (unsigned i = 0; i < LISTENERS; i++) {
        const struct reader *r = &readers[i];

        pthread_join(threads[i], NULL);
        if (r->broken != NULL)
            fail_msg("reader %u at %u: %s", i, (unsigned)r->last, r->broken);
        assert_int_equal(next_of(r), 0);
        hub_view_unref(r->view);
        shown += r->shown;
        waits += r->waits;
        rechecks += r->rechecks;
        behind += r->behind;
    }
    print_message("%u events shown, %u waits, %u rechecks, %u times behind\n", shown, waits,
                  rechecks, behind);
    assert_int_equal(hub_count(hub), 0);
    hub_free(hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_everybody_sees_everything)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
