/* SPDX-License-Identifier: Apache-2.0 */
/* A set-associative table of counted references; it never opens a file and never writes. */
#include "core/smallblobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETS 128
#define WAYS 4

struct smallblob {
    atomic_int refs;
    uint8_t sha256[SG_DIGEST_SIZE];
    size_t size;
    uint8_t data[];
};

struct set {
    pthread_mutex_t lock; /* of all below */
    uint64_t uses;
    struct {
        struct smallblob *blob;
        uint64_t used; /* the set's count of uses at the last one */
    } way[WAYS];
};

struct smallblobs {
    struct set set[SETS];
};

struct smallblobs *smallblobs_new(void)
{
    struct smallblobs *all = calloc(1, sizeof *all);

    for (size_t i = 0; all != NULL && i < SETS; i++)
        pthread_mutex_init(&all->set[i].lock, NULL);
    return all;
}

void smallblobs_free(struct smallblobs *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < SETS; i++) {
        for (size_t way = 0; way < WAYS; way++)
            smallblob_unref(all->set[i].way[way].blob);
        pthread_mutex_destroy(&all->set[i].lock);
    }
    free(all);
}

/* Digests are uniform, so their first byte places them. */
static struct set *set_of(struct smallblobs *all, const uint8_t *sha256)
{
    return &all->set[sha256[0] % SETS];
}

struct smallblob *smallblobs_get(struct smallblobs *all, const uint8_t sha256[SG_DIGEST_SIZE],
                                 uint64_t size)
{
    struct set *set = set_of(all, sha256);
    struct smallblob *found = NULL;

    pthread_mutex_lock(&set->lock);
    for (size_t i = 0; i < WAYS && found == NULL; i++) {
        struct smallblob *blob = set->way[i].blob;

        if (blob == NULL || blob->size != size || memcmp(blob->sha256, sha256, SG_DIGEST_SIZE) != 0)
            continue;
        set->way[i].used = ++set->uses;
        atomic_fetch_add(&blob->refs, 1);
        found = blob;
    }
    pthread_mutex_unlock(&set->lock);
    return found;
}

/* In place of the one used longest ago. Two threads may add the same one: that does no harm. */
static void add(struct smallblobs *all, struct smallblob *blob)
{
    struct set *set = set_of(all, blob->sha256);
    struct smallblob *old;
    size_t place = 0;

    pthread_mutex_lock(&set->lock);
    for (size_t i = 1; i < WAYS; i++)
        if (set->way[i].used < set->way[place].used)
            place = i;
    old = set->way[place].blob;
    set->way[place].blob = blob;
    set->way[place].used = ++set->uses;
    atomic_fetch_add(&blob->refs, 1);
    pthread_mutex_unlock(&set->lock);
    smallblob_unref(old);
}

enum sg_err smallblobs_read(struct smallblobs *all, const uint8_t sha256[SG_DIGEST_SIZE],
                            uint64_t size, int fd, struct smallblob **ret)
{
    struct smallblob *blob;
    size_t done = 0;

    if (size == 0 || size > SG_SMALLBLOB_MAX)
        return SG_ERR_BAD_FIELD;
    blob = malloc(sizeof *blob + (size_t)size);
    if (blob == NULL)
        return SG_ERR_NO_MEMORY;
    atomic_init(&blob->refs, 1);
    memcpy(blob->sha256, sha256, SG_DIGEST_SIZE);
    blob->size = (size_t)size;
    while (done < blob->size) {
        ssize_t n = pread(fd, blob->data + done, blob->size - done, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            enum sg_err err = n < 0 ? err_from_errno(errno) : SG_ERR_CORRUPT;

            free(blob);
            return err;
        }
        done += (size_t)n;
    }
    add(all, blob);
    *ret = blob;
    return SG_OK;
}

const void *smallblob_data(const struct smallblob *blob)
{
    return blob->data;
}

void smallblob_unref(void *blob)
{
    struct smallblob *b = blob;

    if (b != NULL && atomic_fetch_sub(&b->refs, 1) == 1)
        free(b);
}
