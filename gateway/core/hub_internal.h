/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the hub share. Everything here is under the hub's lock, which the callers of
 * these functions hold; none of them waits.
 *
 *   hub.c           entering, collecting, waiting, rechecks
 *   hub_ring.c      the last events, in order, and in a chain for each space
 *   hub_notes.c     the last notes
 *   hub_presence.c  who listens where, and who is told of it
 *   hub_wake.c      the thread that wakes
 *   hub_table.c     hash tables
 *
 * A space, a user, an address is in its table as long as something refers to it: a waiter, an event
 * of the ring, a presence.
 */
#ifndef SG_CORE_HUB_INTERNAL_H
#define SG_CORE_HUB_INTERNAL_H

#include <pthread.h>

#include "base/clock.h"
#include "core/hub.h"

#define SG_HUB_EVENTS      4096 /* a power of two */
#define SG_HUB_EVENT_BYTES (8u << 20)
#define SG_HUB_NOTES       1024 /* a power of two */
#define SG_HUB_BATCH       64   /* steps of the thread between two releases of the lock */
#define SG_HUB_ANNOUNCE_NS (SG_NS_PER_S / 2)
#define SG_HUB_TYPING_NS   (2 * SG_NS_PER_S)
#define SG_HUB_NOTE_BITS   (~SG_HUB_NOTES_EVENT_BITS)

/* -- lists: circular, the head is a link too ----------------------------------------------------
 */
static inline void hub_list_init(struct hub_link *head)
{
    head->prev = head->next = head;
}

static inline bool hub_list_empty(const struct hub_link *head)
{
    return head->next == head;
}

/* Before `at`: at the end of the list whose head that is. */
static inline void hub_list_add(struct hub_link *at, struct hub_link *link)
{
    link->prev = at->prev;
    link->next = at;
    at->prev->next = link;
    at->prev = link;
}

/* A link that is in no list points to itself or is zero. */
static inline bool hub_list_in(const struct hub_link *link)
{
    return link->next != NULL && link->next != link;
}

static inline void hub_list_remove(struct hub_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    hub_list_init(link);
}

/* Moves everything to the end of `to`. */
static inline void hub_list_splice(struct hub_link *to, struct hub_link *from)
{
    if (hub_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    hub_list_init(from);
}

#define HUB_OF(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* -- tables --------------------------------------------------------------------------------------
 */
struct hub_node {
    struct hub_node *chain;
    uint64_t a, b; /* the key */
};

struct hub_table {
    struct hub_node **buckets;
    size_t size; /* a power of two; 0 before the first */
    size_t count;
    uint64_t seed; /* so that nobody can choose keys that meet */
};

void hub_table_init(struct hub_table *t);
void hub_table_fini(struct hub_table *t); /* frees what is still in it */
struct hub_node *hub_table_find(const struct hub_table *t, uint64_t a, uint64_t b);
/* Finds it, or makes one of `size` zeroed bytes that begins with the node (*ret_made, may be NULL).
 * NULL without memory. */
void *hub_table_get(struct hub_table *t, uint64_t a, uint64_t b, size_t size, bool *ret_made);
void hub_table_remove(struct hub_table *t, struct hub_node *node); /* and frees it */

/* -- who and where -------------------------------------------------------------------------------
 */
struct hub_space {
    struct hub_node node; /* a: id */
    size_t refs;          /* waiters of it, heres, events in the ring, a walk */
    uint64_t newest;      /* seq of its last event in the ring; 0: none */
    uint64_t floor;       /* of what came after this, the ring has everything */
    uint64_t last_note;
    uint64_t recheck;
    bool dirty;               /* in hub.dirty */
    struct hub_link of_dirty; /* has news that nobody was woken for */
    struct hub_link waiting;  /* hub_waiter.of_wait: those of this space alone */
    struct hub_link heres;    /* hub_here.of_space */
    size_t present;           /* number of heres */
};

struct hub_user {
    struct hub_node node; /* a: id */
    size_t refs;          /* waiters, watches, heres */
    unsigned entered;
    uint64_t recheck;
    char name[SG_USER_NAME_SIZE];
    struct hub_link waiters; /* hub_waiter.of_user */
    struct hub_link waiting; /* hub_waiter.of_wait: those of all spaces */
    struct hub_link watches; /* hub_watch.of_user */
};

struct hub_address {
    struct hub_node node; /* a, b: the place */
    unsigned entered;
};

/* A user in a space: he listens there, or did a moment ago. */
struct hub_here {
    struct hub_node node; /* a: space, b: user */
    struct hub_space *space;
    struct hub_user *user; /* NULL: the mark of a walk */
    size_t count;          /* waiters of the space, and watches; 0: it is idle */
    int64_t since_ns;
    int64_t until_ns; /* when idle: end of the grace by the monotonic clock */
    struct hub_link of_space;
    struct hub_link of_joined; /* is still to be announced */
    struct hub_link of_idle;
};

/* A view through which a user listens to all of it, or did a moment ago; each counts once in the
 * here of every space of the view. */
struct hub_watch {
    struct hub_user *user;
    struct hub_view *view; /* a reference */
    size_t count;          /* waiters; 0: it is idle */
    int64_t until_ns;
    struct hub_link of_user;
    struct hub_link of_idle;
};

struct hub_slot {
    struct event *event; /* a reference; NULL: none */
    struct hub_space *space;
    uint64_t before, behind; /* seq of the neighbours in the space's chain; 0: none */
};

struct hub_said {
    struct hub_note note;
    int64_t monotonic_ns;
};

struct hub {
    struct hub_config config;
    pthread_mutex_t lock; /* of everything but config and the next two */
    atomic_uint wanting;  /* threads at the lock: the waking one lets them in between batches */
    atomic_uint let_in;   /* how often one of them got it */
    pthread_cond_t work;  /* the thread's */
    pthread_t thread;
    bool asleep, stop;
    unsigned entered;
    uint64_t rechecks;    /* how many there have been */
    uint64_t recheck_all; /* the last that concerned everybody */

    struct hub_table spaces, users, addresses, heres;

    struct hub_slot ring[SG_HUB_EVENTS]; /* seq modulo its size */
    uint64_t head;                       /* seq of the last event */
    uint64_t floor;                      /* events up to here are not in the ring */
    uint64_t gap; /* the ring misses events up to here that no space knows of */
    size_t bytes;

    struct hub_said notes[SG_HUB_NOTES]; /* number modulo its size */
    uint64_t note_head;

    /* The thread's work. `now` are woken whatever they want; `due` when they want what happened in
     * `walked`. */
    struct hub_link now, due, dirty;
    struct hub_space *walked;
    struct hub_here mark; /* how far the walk over the heres has come */

    struct hub_link joined, idle, idle_watches; /* idle ones by until_ns */
    struct hub_link announcing;                 /* joins of the batch in progress */
    bool in_batch;
    int64_t announce_ns; /* not before */
};

static inline void hub_lock(struct hub *h)
{
    atomic_fetch_add_explicit(&h->wanting, 1, memory_order_relaxed);
    pthread_mutex_lock(&h->lock);
    atomic_fetch_sub_explicit(&h->wanting, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->let_in, 1, memory_order_relaxed);
}
static inline void hub_unlock(struct hub *h)
{
    pthread_mutex_unlock(&h->lock);
}

struct hub_space *hub_space_find(const struct hub *h, int64_t id);
struct hub_space *hub_space_get(struct hub *h, int64_t id); /* a reference; NULL without memory */
void hub_space_unref(struct hub *h, struct hub_space *s);
struct hub_user *hub_user_get(struct hub *h, int64_t id, const char *name); /* likewise */
void hub_user_unref(struct hub *h, struct hub_user *u);

/* Whether it must prove its rights. */
bool hub_recheck_due(const struct hub *h, const struct hub_waiter *w);

/* -- hub_wake.c */
void *hub_wake_run(void *hub);
void hub_wake_signal(struct hub *h);                         /* there is work */
void hub_wake_dirty(struct hub *h, struct hub_space *space); /* it has news */

/* -- hub_ring.c */
static inline struct hub_slot *hub_ring_slot(struct hub *h, uint64_t seq)
{
    return &h->ring[seq % SG_HUB_EVENTS];
}
static inline const struct hub_slot *hub_ring_peek(const struct hub *h, uint64_t seq)
{
    return &h->ring[seq % SG_HUB_EVENTS];
}
void hub_ring_add(struct hub *h, struct event *event);
void hub_ring_fini(struct hub *h);
/* The ring does not have everything of it that came after w->after. */
bool hub_ring_behind(const struct hub *h, const struct hub_waiter *w);
/* Whether there is something that it wants; in one space: it may be of no use after all. */
bool hub_ring_space_news(const struct hub *h, const struct hub_space *s,
                         const struct hub_waiter *w);
bool hub_ring_news(const struct hub *h, const struct hub_waiter *w);
/* As hub_collect, of events only. */
void hub_ring_collect(struct hub *h, struct hub_waiter *w, size_t max, size_t bytes,
                      struct event **events, struct hub_news *ret);

/* -- hub_notes.c */
void hub_notes_add(struct hub *h, enum hub_note_type type, struct hub_space *space, int64_t user_id,
                   const char *user);
/* Whether there are notes that it wants, in `s` or (NULL) anywhere. */
bool hub_notes_news(const struct hub *h, const struct hub_waiter *w, const struct hub_space *s);
/* Whether the user was said to type there a moment ago. */
bool hub_notes_typed(const struct hub *h, const struct hub_space *s, int64_t user_id);
void hub_notes_collect(struct hub *h, struct hub_waiter *w, size_t max, struct hub_note *notes,
                       struct hub_news *ret);

/* -- hub_presence.c */
enum sg_err hub_presence_enter(struct hub *h, struct hub_waiter *w) SG_MUST_CHECK;
void hub_presence_leave(struct hub *h, struct hub_waiter *w);
/* After w->view was replaced. */
enum sg_err hub_presence_follow(struct hub *h, struct hub_waiter *w) SG_MUST_CHECK;
/* Does some of what is due at `now_ns`; false when there is nothing. */
bool hub_presence_step(struct hub *h, int64_t now_ns);
/* When there will be; INT64_MAX: never. */
int64_t hub_presence_next(const struct hub *h);
void hub_presence_fini(struct hub *h);
/* Whether those in the space are told of each other. */
bool hub_presence_announced(const struct hub_space *s);

#endif
