/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for events, and the events that were published last. It wakes whoever has news, whoever
 * must prove its rights again, and it knows who is listening where. It reads no store, checks no
 * rights and blocks nobody: one lock, held for moments; a thread of its own does the waking. Thread
 * safe. Its lock comes before that of a request (http/README.md).
 */
#ifndef SG_CORE_HUB_H
#define SG_CORE_HUB_H

#include "base/arena.h"
#include "store/events.h"
#include "store/spaces.h"

struct hub;

struct hub_config {
    unsigned waiters;             /* in all */
    unsigned waiters_per_user;    /* 0: no limit */
    unsigned waiters_per_address; /* 0: no limit */
    unsigned presence_grace_ms; /* who left a poll and comes back within it never was away; 10000 */
};

/* Starts the waking thread. `head`: seq of the last event in the log. */
enum sg_err hub_new(const struct hub_config *config, uint64_t head, struct hub **ret) SG_MUST_CHECK;
void hub_free(struct hub *h); /* no waiter may be left; NULL is legal */

/* The sink of an events store: events in order, each after its commit. Shows them to waiters. A
 * change of a message makes the hub forget the older texts that it has. */
void hub_publish(void *hub, struct event *const *events, size_t count);
/* seq up to which everything has been published. */
uint64_t hub_position(struct hub *h);
/* The number of the last note; notes begin anew with the process. */
uint64_t hub_note_position(struct hub *h);

/* The spaces that a user may read, shared by the waiters of all of them. Immutable. */
struct hub_view {
    atomic_int refs;
    size_t count;
    struct {
        int64_t id;
        char name[SG_SPACE_NAME_SIZE]; /* as the user names it */
    } space[];                         /* sorted by id */
};
void hub_view_ref(struct hub_view *v);
void hub_view_unref(struct hub_view *v);
/* The name, NULL when it is not in the view. */
const char *hub_view_name(const struct hub_view *v, int64_t space_id);

/* Presence and typing: seen by those who listen at the time, never stored. */
enum hub_note_type { SG_NOTE_PRESENCE_JOINED, SG_NOTE_PRESENCE_LEFT, SG_NOTE_TYPING };
struct hub_note {
    uint64_t number;
    enum hub_note_type type;
    int64_t space_id;
    int64_t user_id;
    char user[SG_USER_NAME_SIZE];
    int64_t at_ns;
};

#define SG_HUB_NOTES_EVENT_BITS 0xFFFFu /* bits of enum event_type in hub_waiter.types */
#define SG_HUB_NOTE_BIT(type)   (1u << (16 + (type)))

struct hub_link {
    struct hub_link *prev, *next;
};

/* One poll or stream; memory of its owner, zeroed before the first part is filled in. */
struct hub_waiter {
    void (*wake)(struct hub_waiter *w); /* under the hub's lock, any thread; must not block or call
                                           the hub; at most once for each hub_wait */
    int64_t user_id;
    const char *user; /* borrowed as long as the waiter is entered, as the next two */
    const char *address;
    int64_t space_id;      /* 0: all of `view` */
    struct hub_view *view; /* the owner's reference; may be replaced by another of its own, but not
                              while it waits */
    uint64_t after;        /* seq; moved on by hub_collect */
    uint64_t after_note;
    unsigned types; /* 1 << enum event_type, SG_HUB_NOTE_BIT: what it wants to see */
    /* The hub's, under its lock. */
    bool entered, waiting;
    uint64_t rechecked; /* number of the last recheck that it has heard of */
    struct hub_user *owner;
    struct hub_space *space;     /* of a waiter of one space */
    struct hub_watch *watch;     /* of a waiter of all spaces */
    struct hub_address *counted; /* NULL: no limit by address */
    struct hub_link of_user, of_wait;
};

/* From now on it counts: limits, presence, rechecks. Addresses count as places do (base/place.h).
 * Whoever proves rights after hub_enter hears of all that takes them away later.
 * SG_ERR_TOO_MANY_WAITERS, NO_MEMORY. */
enum sg_err hub_enter(struct hub *h, struct hub_waiter *w) SG_MUST_CHECK;
/* Whatever it was doing; afterwards it is never woken. A waiter that never entered is legal. */
void hub_leave(struct hub *h, struct hub_waiter *w);

struct hub_news {
    bool recheck; /* rights may have changed: prove them before anything is shown; nothing was
                     collected */
    bool behind;  /* the hub does not go back that far: read the store, then set w->after */
    size_t count;
    size_t note_count;
    bool more; /* limits were reached before everything was shown */
};
/* What has happened since w->after and is wanted, but no notes about w's own user; references into
 * events[max] (json bytes in all at most `bytes`, one event at least), copies into
 * notes[max_notes]. Moves w->after and w->after_note. The waiter need not be entered. */
void hub_collect(struct hub *h, struct hub_waiter *w, size_t max, size_t bytes,
                 struct event **events, size_t max_notes, struct hub_note *notes,
                 struct hub_news *ret);
/* Waits for news. False when there already are some, or a recheck is due, or it lacked memory to
 * follow another view: collect again. An entered waiter that does not wait only. After a wake it
 * no longer waits. A wake is no promise: there may be nothing when it collects. */
bool hub_wait(struct hub *h, struct hub_waiter *w) SG_MUST_CHECK;

/* Whoever this concerns is woken and finds `recheck`. Call after the commit of what takes rights
 * away and before it is answered; also when a user gets to see more. */
void hub_recheck_user(struct hub *h, int64_t user_id);
void hub_recheck_space(struct hub *h, int64_t space_id); /* those who listen to it or to all */
void hub_recheck_all(struct hub *h);

/* Who listens in a space, the first `max` by name; who left within the grace still does. */
struct hub_present {
    char user[SG_USER_NAME_SIZE];
    int64_t since_ns;
};
size_t hub_presence(struct hub *h, int64_t space_id, struct hub_present *ret, size_t max);
/* Joins, leaves and typing are announced in spaces where no more than this many users listen;
 * joins and leaves at most twice a second. */
#define SG_PRESENCE_ANNOUNCED 100
/* Announces that a user types; at most once in two seconds for each space. */
void hub_typing(struct hub *h, int64_t space_id, int64_t user_id, const char *user);

/* Entered waiters. */
unsigned hub_count(struct hub *h);

#endif
