/* SPDX-License-Identifier: Apache-2.0 */
/* The last notes: presence and typing. Who is too slow for them misses some; nobody sees his own.
 */
#include "core/hub_internal.h"

#include <stdio.h>

static struct hub_said *said_at(struct hub *h, uint64_t number)
{
    return &h->notes[number % SG_HUB_NOTES];
}

void hub_notes_add(struct hub *h, enum hub_note_type type, struct hub_space *s, int64_t user_id,
                   const char *user)
{
    struct hub_said *said = said_at(h, ++h->note_head);

    *said = (struct hub_said){
        .note = {.number = h->note_head,
                 .type = type,
                 .space_id = (int64_t)s->node.a,
                 .user_id = user_id,
                 .at_ns = clock_now_ns()},
        .monotonic_ns = clock_monotonic_ns(),
    };
    (void)snprintf(said->note.user, sizeof said->note.user, "%s", user);
    s->last_note = h->note_head;
    hub_wake_dirty(h, s);
}

static uint64_t oldest(const struct hub *h)
{
    return h->note_head > SG_HUB_NOTES ? h->note_head - SG_HUB_NOTES + 1 : 1;
}

static bool wanted(const struct hub_waiter *w, const struct hub_note *n)
{
    if ((w->types & SG_HUB_NOTE_BIT(n->type)) == 0 || n->user_id == w->user_id)
        return false;
    return w->space_id != 0 ? n->space_id == w->space_id
                            : hub_view_name(w->view, n->space_id) != NULL;
}

bool hub_notes_news(const struct hub *h, const struct hub_waiter *w, const struct hub_space *s)
{
    if ((w->types & SG_HUB_NOTE_BITS) == 0 || (s != NULL && s->last_note <= w->after_note))
        return false;
    for (uint64_t n = h->note_head; n > w->after_note && n >= oldest(h); n--) {
        const struct hub_note *note = &h->notes[n % SG_HUB_NOTES].note;

        if ((s == NULL || note->space_id == (int64_t)s->node.a) && wanted(w, note))
            return true;
    }
    return false;
}

void hub_notes_collect(struct hub *h, struct hub_waiter *w, size_t max, struct hub_note *notes,
                       struct hub_news *ret)
{
    uint64_t n = w->after_note + 1;

    if (n < oldest(h))
        n = oldest(h);
    for (; (w->types & SG_HUB_NOTE_BITS) != 0 && n <= h->note_head; n++) {
        const struct hub_note *note = &said_at(h, n)->note;

        if (wanted(w, note)) {
            if (ret->note_count == max) {
                ret->more = true;
                return;
            }
            notes[ret->note_count++] = *note;
        }
        w->after_note = n;
    }
    w->after_note = h->note_head;
}

bool hub_notes_typed(const struct hub *h, const struct hub_space *s, int64_t user_id)
{
    int64_t since = clock_monotonic_ns() - SG_HUB_TYPING_NS;

    for (uint64_t n = h->note_head; n >= oldest(h); n--) {
        const struct hub_said *said = &h->notes[n % SG_HUB_NOTES];

        if (said->monotonic_ns <= since)
            return false;
        if (said->note.type == SG_NOTE_TYPING && said->note.user_id == user_id &&
            said->note.space_id == (int64_t)s->node.a)
            return true;
    }
    return false;
}
