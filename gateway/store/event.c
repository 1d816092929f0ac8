/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds an event, the last one frees it; names of types. It never looks into one. */
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

const char *event_type_name(enum event_type type)
{
    static const char *const names[] = {
#define X(name, text) [SG_EVENT_##name] = text,
        SG_EVENT_TYPES(X)
#undef X
    };
    return type < SG_EVENT_TYPE_COUNT ? names[type] : "";
}
