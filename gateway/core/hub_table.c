/* SPDX-License-Identifier: Apache-2.0 */
/* Hash tables of the hub, with chains; they grow with what is in them and never refuse it for want
 * of a larger array. */
#include "core/hub_internal.h"

#include <stdlib.h>

#include "base/rng.h"

#define SMALLEST 64

void hub_table_init(struct hub_table *t)
{
    *t = (struct hub_table){.buckets = NULL};
    rng_bytes(&t->seed, sizeof t->seed);
}

void hub_table_fini(struct hub_table *t)
{
    for (size_t i = 0; i < t->size; i++) {
        while (t->buckets[i] != NULL) {
            struct hub_node *node = t->buckets[i];

            t->buckets[i] = node->chain;
            free(node);
        }
    }
    free(t->buckets);
    *t = (struct hub_table){.buckets = NULL};
}

static size_t place(const struct hub_table *t, size_t size, uint64_t a, uint64_t b)
{
    uint64_t x = (a ^ t->seed) * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 32 ^ b) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ x >> 32 ^ t->seed) * UINT64_C(0xd6e8feb86659fd93);
    return (size_t)(x >> 32) & (size - 1);
}

struct hub_node *hub_table_find(const struct hub_table *t, uint64_t a, uint64_t b)
{
    struct hub_node *node = t->size > 0 ? t->buckets[place(t, t->size, a, b)] : NULL;

    while (node != NULL && (node->a != a || node->b != b))
        node = node->chain;
    return node;
}

static void resize(struct hub_table *t, size_t size)
{
    struct hub_node **buckets = calloc(size, sizeof *buckets);

    if (buckets == NULL)
        return;
    for (size_t i = 0; i < t->size; i++) {
        while (t->buckets[i] != NULL) {
            struct hub_node *node = t->buckets[i];
            size_t to = place(t, size, node->a, node->b);

            t->buckets[i] = node->chain;
            node->chain = buckets[to];
            buckets[to] = node;
        }
    }
    free(t->buckets);
    t->buckets = buckets;
    t->size = size;
}

void *hub_table_get(struct hub_table *t, uint64_t a, uint64_t b, size_t size, bool *ret_made)
{
    struct hub_node *node = hub_table_find(t, a, b);
    struct hub_node **bucket;

    if (ret_made != NULL)
        *ret_made = node == NULL;
    if (node != NULL)
        return node;
    if (t->count >= t->size)
        resize(t, t->size > 0 ? 2 * t->size : SMALLEST);
    node = t->size > 0 ? calloc(1, size) : NULL;
    if (node == NULL)
        return NULL;
    node->a = a;
    node->b = b;
    bucket = &t->buckets[place(t, t->size, a, b)];
    node->chain = *bucket;
    *bucket = node;
    t->count++;
    return node;
}

void hub_table_remove(struct hub_table *t, struct hub_node *node)
{
    struct hub_node **at = &t->buckets[place(t, t->size, node->a, node->b)];

    while (*at != node)
        at = &(*at)->chain;
    *at = node->chain;
    t->count--;
    free(node);
    if (t->size > SMALLEST && t->count < t->size / 8)
        resize(t, t->size / 2);
}
