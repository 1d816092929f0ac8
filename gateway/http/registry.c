/* SPDX-License-Identifier: Apache-2.0 */
/* The table of open connections; it never closes a descriptor, only shuts it down. */
#include "http/registry.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/metrics.h"
#include "http/peer.h"

#define ADDRESS_BUCKETS 1024

/* Open connections of one address. */
struct address_count {
    struct address_count *next;
    uint8_t key[16];
    unsigned count;
};

struct registry {
    pthread_mutex_t lock;
    pthread_cond_t empty; /* on CLOCK_MONOTONIC */
    struct conn *list;    /* under lock, as all below */
    struct conn **by_fd;
    size_t by_fd_size;
    uint32_t generation;
    unsigned count;
    unsigned max;
    unsigned max_per_address;
    struct address_count *addresses[ADDRESS_BUCKETS];
    /* Not under lock: no connection is due before it. */
    atomic_int_fast64_t earliest_ns;
};

enum sg_err registry_new(unsigned max, unsigned max_per_address, struct registry **ret)
{
    pthread_condattr_t attr;
    struct registry *r = calloc(1, sizeof *r);

    if (r == NULL)
        return SG_ERR_NO_MEMORY;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->empty, &attr);
    pthread_condattr_destroy(&attr);
    atomic_init(&r->earliest_ns, SG_NO_DEADLINE);
    r->max = max;
    r->max_per_address = max_per_address;
    *ret = r;
    return SG_OK;
}

void registry_free(struct registry *r)
{
    if (r == NULL)
        return;
    while (r->list != NULL) /* accepted but never announced */
        registry_remove(r, r->list);
    pthread_cond_destroy(&r->empty);
    pthread_mutex_destroy(&r->lock);
    free(r->by_fd);
    free(r);
}

/* Key of the per-address count: IPv4 mapped into IPv6, IPv6 cut to its /64. */
static void address_read(const struct sockaddr *sa, struct conn *c, uint8_t key[16])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct in_addr mapped;

    memset(key, 0, 16);
    if (sa->sa_family == AF_INET6) {
        memcpy(&v6, sa, sizeof v6);
        if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
            memcpy(key, &v6.sin6_addr, 8);
            c->loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
            (void)inet_ntop(AF_INET6, &v6.sin6_addr, c->address, sizeof c->address);
            return;
        }
        memcpy(&mapped, &v6.sin6_addr.s6_addr[12], 4);
    } else if (sa->sa_family == AF_INET) {
        memcpy(&v4, sa, sizeof v4);
        mapped = v4.sin_addr;
    } else {
        memcpy(c->address, "local", 6);
        c->loopback = true;
        return;
    }
    key[10] = 0xFF;
    key[11] = 0xFF;
    memcpy(key + 12, &mapped, 4);
    c->loopback = key[12] == 127;
    (void)inet_ntop(AF_INET, &mapped, c->address, sizeof c->address);
}

static struct address_count **address_slot(struct registry *r, const uint8_t key[16])
{
    uint32_t hash = 2166136261u;
    struct address_count **slot;

    for (size_t i = 0; i < 16; i++)
        hash = (hash ^ key[i]) * 16777619u;
    slot = &r->addresses[hash % ADDRESS_BUCKETS];
    while (*slot != NULL && memcmp((*slot)->key, key, 16) != 0)
        slot = &(*slot)->next;
    return slot;
}

static void address_drop(struct registry *r, struct address_count *a)
{
    struct address_count **slot;

    if (--a->count > 0)
        return;
    slot = address_slot(r, a->key);
    *slot = a->next;
    free(a);
}

static enum sg_err grow(struct registry *r, int fd)
{
    size_t size = r->by_fd_size < 1024 ? 1024 : r->by_fd_size;
    struct conn **grown;

    if (fd < 0)
        return SG_ERR_INTERNAL;
    while (size <= (size_t)fd)
        size *= 2;
    if (size == r->by_fd_size)
        return SG_OK;
    grown = realloc(r->by_fd, size * sizeof(struct conn *));
    if (grown == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = r->by_fd_size; i < size; i++)
        grown[i] = NULL;
    r->by_fd = grown;
    r->by_fd_size = size;
    return SG_OK;
}

/* Under the lock. */
static void unlink_conn(struct registry *r, struct conn *c)
{
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        r->list = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    if (r->by_fd[c->fd] == c)
        r->by_fd[c->fd] = NULL;
    address_drop(r, c->count);
    r->count--;
    metrics_add(SG_METRIC_CONNECTIONS, -1);
    if (r->count == 0)
        pthread_cond_broadcast(&r->empty);
}

static enum sg_err add_locked(struct registry *r, struct conn *c, const uint8_t key[16])
{
    struct address_count **slot;
    enum sg_err err = grow(r, c->fd);

    if (err != SG_OK)
        return err;
    if (r->by_fd[c->fd] != NULL) { /* libmicrohttpd closed it without announcing it */
        struct conn *stale = r->by_fd[c->fd];

        unlink_conn(r, stale);
        conn_unref(stale);
    }
    if (r->count >= r->max)
        return SG_ERR_OVERLOADED;
    slot = address_slot(r, key);
    if (*slot == NULL) {
        *slot = calloc(1, sizeof **slot);
        if (*slot == NULL)
            return SG_ERR_NO_MEMORY;
        memcpy((*slot)->key, key, 16);
    }
    if (r->max_per_address > 0 && (*slot)->count >= r->max_per_address)
        return SG_ERR_OVERLOADED;
    c->generation = ++r->generation;
    (*slot)->count++;
    c->count = *slot;
    c->next = r->list;
    if (r->list != NULL)
        r->list->prev = c;
    r->list = c;
    r->by_fd[c->fd] = c;
    r->count++;
    metrics_add(SG_METRIC_CONNECTIONS, 1);
    metrics_add(SG_METRIC_CONNECTIONS_TOTAL, 1);
    return SG_OK;
}

enum sg_err registry_add(struct registry *r, int fd, const struct sockaddr *address,
                         struct loop *loop, int64_t deadline_ns, struct conn **ret)
{
    uint8_t key[16];
    enum sg_err err;
    struct conn *c = calloc(1, sizeof *c);

    if (c == NULL)
        return SG_ERR_NO_MEMORY;
    atomic_init(&c->refs, 1);
    atomic_init(&c->deadline_ns, SG_NO_DEADLINE);
    atomic_init(&c->busy, false);
    atomic_init(&c->cut, false);
    atomic_init(&c->gone, false);
    c->registry = r;
    c->fd = fd;
    c->loop = loop;
    address_read(address, c, key);
    pthread_mutex_lock(&r->lock);
    err = add_locked(r, c, key);
    pthread_mutex_unlock(&r->lock);
    if (err != SG_OK) {
        free(c);
        return err;
    }
    conn_deadline(c, deadline_ns);
    *ret = c;
    return SG_OK;
}

struct conn *registry_start(struct registry *r, int fd)
{
    struct conn *c = NULL;

    pthread_mutex_lock(&r->lock);
    if (fd >= 0 && (size_t)fd < r->by_fd_size)
        c = r->by_fd[fd];
    if (c != NULL)
        c->started = true;
    pthread_mutex_unlock(&r->lock);
    return c;
}

struct conn *registry_find(struct registry *r, int fd, uint32_t generation)
{
    struct conn *c = NULL;

    pthread_mutex_lock(&r->lock);
    if (fd >= 0 && (size_t)fd < r->by_fd_size)
        c = r->by_fd[fd];
    if (c != NULL && c->generation != generation)
        c = NULL;
    if (c != NULL)
        conn_ref(c);
    pthread_mutex_unlock(&r->lock);
    return c;
}

/* Lowers the time before which nothing is due. */
static void due_by(struct registry *r, int64_t deadline_ns)
{
    int_fast64_t earliest_ns = atomic_load(&r->earliest_ns);

    while (deadline_ns < earliest_ns &&
           !atomic_compare_exchange_weak(&r->earliest_ns, &earliest_ns, deadline_ns))
        ;
}

/* The order of the two matters, here and in registry_reap: one of them sees what the other did. */
void conn_deadline(struct conn *c, int64_t deadline_ns)
{
    atomic_store(&c->deadline_ns, deadline_ns);
    due_by(c->registry, deadline_ns);
}

void registry_remove(struct registry *r, struct conn *c)
{
    pthread_mutex_lock(&r->lock);
    unlink_conn(r, c);
    pthread_mutex_unlock(&r->lock);
    conn_unref(c);
}

void conn_ref(struct conn *c)
{
    atomic_fetch_add(&c->refs, 1);
}

void conn_unref(struct conn *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    peer_free(c->peer);
    free(c);
}

unsigned registry_count(struct registry *r)
{
    unsigned count;

    pthread_mutex_lock(&r->lock);
    count = r->count;
    pthread_mutex_unlock(&r->lock);
    return count;
}

unsigned registry_reap(struct registry *r, int64_t now_ns)
{
    int64_t earliest_ns = SG_NO_DEADLINE;
    unsigned reaped = 0;

    if (atomic_load(&r->earliest_ns) > now_ns)
        return 0;
    pthread_mutex_lock(&r->lock);
    atomic_store(&r->earliest_ns, SG_NO_DEADLINE);
    for (struct conn *c = r->list; c != NULL; c = c->next) {
        int64_t deadline_ns = atomic_load(&c->deadline_ns);

        if (c->cut)
            continue;
        if (deadline_ns > now_ns) {
            earliest_ns = deadline_ns < earliest_ns ? deadline_ns : earliest_ns;
            continue;
        }
        c->cut = true;
        (void)shutdown(c->fd, SHUT_RDWR);
        reaped++;
    }
    pthread_mutex_unlock(&r->lock);
    due_by(r, earliest_ns);
    return reaped;
}

void registry_shut_idle(struct registry *r)
{
    pthread_mutex_lock(&r->lock);
    for (struct conn *c = r->list; c != NULL; c = c->next)
        if (!atomic_load(&c->busy))
            (void)shutdown(c->fd, SHUT_RD);
    pthread_mutex_unlock(&r->lock);
}

unsigned registry_shut_all(struct registry *r)
{
    unsigned cut = 0;

    pthread_mutex_lock(&r->lock);
    for (struct conn *c = r->list; c != NULL; c = c->next) {
        cut += !atomic_exchange(&c->cut, true);
        (void)shutdown(c->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&r->lock);
    return cut;
}

void registry_drop_unannounced(struct registry *r)
{
    struct conn *next;

    pthread_mutex_lock(&r->lock);
    for (struct conn *c = r->list; c != NULL; c = next) {
        next = c->next;
        if (c->started)
            continue;
        unlink_conn(r, c);
        conn_unref(c);
    }
    pthread_mutex_unlock(&r->lock);
}

bool registry_wait_empty(struct registry *r, int timeout_ms)
{
    struct timespec until;
    bool empty;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&r->lock);
    while (r->count > 0 && rc == 0)
        rc = pthread_cond_timedwait(&r->empty, &r->lock, &until);
    empty = r->count == 0;
    pthread_mutex_unlock(&r->lock);
    return empty;
}
