/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates in memory, by their digests. */
#include "core/certificates_internal.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64

void certificates_table_fini(struct certificate_table *t)
{
    free(t->place);
    *t = (struct certificate_table){.size = 0};
}

bool certificates_table_used(const struct certificate_entry *place)
{
    return place->user_id != 0 || place->revoked;
}

/* The place of a digest, or the free one where it would stand; there is a free one. */
static struct certificate_entry *seek(const struct certificate_table *t,
                                      const uint8_t sha256[SG_DIGEST_SIZE])
{
    uint64_t hash;
    size_t i;

    memcpy(&hash, sha256, sizeof hash); /* digests are spread well enough */
    for (i = (size_t)hash & (t->size - 1); certificates_table_used(&t->place[i]) &&
                                           memcmp(t->place[i].sha256, sha256, SG_DIGEST_SIZE) != 0;)
        i = (i + 1) & (t->size - 1);
    return &t->place[i];
}

struct certificate_entry *certificates_table_find(const struct certificate_table *t,
                                                  const uint8_t sha256[SG_DIGEST_SIZE])
{
    struct certificate_entry *place = t->size > 0 ? seek(t, sha256) : NULL;

    return place != NULL && certificates_table_used(place) ? place : NULL;
}

/* Into a table of another size, those that expire at `from_s` or later. */
static enum sg_err rebuild(struct certificate_table *t, size_t size, int64_t from_s)
{
    struct certificate_table other = {.place = calloc(size, sizeof *other.place), .size = size};

    if (other.place == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < t->size; i++) {
        if (!certificates_table_used(&t->place[i]) || t->place[i].expires_s < from_s)
            continue;
        *seek(&other, t->place[i].sha256) = t->place[i];
        other.count++;
    }
    free(t->place);
    *t = other;
    return SG_OK;
}

enum sg_err certificates_table_put(struct certificate_table *t,
                                   const struct certificate_entry *entry)
{
    struct certificate_entry *place;

    if (2 * (t->count + 1) > t->size) {
        enum sg_err err = rebuild(t, t->size > 0 ? 2 * t->size : FIRST_SIZE, INT64_MIN);

        if (err != SG_OK)
            return err;
    }
    place = seek(t, entry->sha256);
    t->count += certificates_table_used(place) ? 0 : 1;
    *place = *entry;
    return SG_OK;
}

void certificates_table_prune(struct certificate_table *t, int64_t before_s)
{
    bool any = false;

    for (size_t i = 0; i < t->size && !any; i++)
        any = certificates_table_used(&t->place[i]) && t->place[i].expires_s < before_s;
    if (any)
        (void)!rebuild(t, t->size, before_s);
}
