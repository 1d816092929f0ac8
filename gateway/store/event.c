/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds an event: the last one frees it. It never looks into one. */
#include "store/events.h"

#include <stdlib.h>

void event_ref(struct event *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
}

void event_unref(struct event *e)
{
    if (e != NULL && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
        free(e);
}
