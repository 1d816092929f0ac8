/* SPDX-License-Identifier: Apache-2.0 */
/* A small table of answers, each in the one place that its key has; it never waits for anything but
 * its lock, under which nothing is encoded. */
#include "api/pagecache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 64

struct pagecache_body {
    atomic_int refs;
    char *data;
    size_t len;
    char space[SG_SPACE_NAME_SIZE];
    bool notes;
    struct eventcursor next;
    uint64_t oldest;
    size_t count;
    struct event *events[SG_PAGECACHE_EVENTS]; /* references, so that none is mistaken */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pagecache_body *places[PLACES]; /* under lock */

bool pagecache_wants(const struct pagecache_key *key)
{
    const struct chat_page *page = key->page;

    if (key->space == NULL || strlen(key->space) >= SG_SPACE_NAME_SIZE || page->count == 0 ||
        page->count > SG_PAGECACHE_EVENTS || page->note_count > 0)
        return false;
    for (size_t i = 1; i < page->count; i++)
        if (page->events[i]->space_id != page->events[0]->space_id)
            return false;
    return true;
}

static size_t place_of(const struct pagecache_key *key)
{
    uint64_t hash = key->page->next.seq * 31 + key->page->count;

    for (const char *p = key->space; *p != 0; p++)
        hash = hash * 31 + (uint8_t)*p;
    return (size_t)((hash ^ hash >> 32) % PLACES);
}

static bool fits(const struct pagecache_body *body, const struct pagecache_key *key)
{
    const struct chat_page *page = key->page;

    return body != NULL && body->notes == key->notes && body->count == page->count &&
           body->next.seq == page->next.seq && body->next.has_note == page->next.has_note &&
           body->next.note == page->next.note && body->oldest == page->bounds.oldest.seq &&
           strcmp(body->space, key->space) == 0 &&
           memcmp(body->events, page->events, page->count * sizeof(struct event *)) == 0;
}

struct pagecache_body *pagecache_get(const struct pagecache_key *key)
{
    struct pagecache_body *body;

    (void)pthread_mutex_lock(&lock);
    body = places[place_of(key)];
    if (fits(body, key))
        atomic_fetch_add_explicit(&body->refs, 1, memory_order_relaxed);
    else
        body = NULL;
    (void)pthread_mutex_unlock(&lock);
    return body;
}

struct pagecache_body *pagecache_put(const struct pagecache_key *key, struct buf *text)
{
    struct pagecache_body *body = calloc(1, sizeof *body), *old, **place;

    if (body == NULL)
        return NULL;
    body->data = buf_take(text, &body->len);
    if (body->data == NULL) {
        free(body);
        return NULL;
    }
    atomic_init(&body->refs, 2);
    memcpy(body->space, key->space, strlen(key->space) + 1);
    body->notes = key->notes;
    body->next = key->page->next;
    body->oldest = key->page->bounds.oldest.seq;
    body->count = key->page->count;
    for (size_t i = 0; i < body->count; i++) {
        body->events[i] = key->page->events[i];
        event_ref(body->events[i]);
    }
    place = &places[place_of(key)];
    (void)pthread_mutex_lock(&lock);
    old = *place;
    *place = body;
    (void)pthread_mutex_unlock(&lock);
    pagecache_unref(old);
    return body;
}

void pagecache_unref(void *arg)
{
    struct pagecache_body *body = arg;

    if (body == NULL || atomic_fetch_sub_explicit(&body->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < body->count; i++)
        event_unref(body->events[i]);
    free(body->data);
    free(body);
}

const void *pagecache_data(const struct pagecache_body *body)
{
    return body->data;
}

size_t pagecache_len(const struct pagecache_body *body)
{
    return body->len;
}
