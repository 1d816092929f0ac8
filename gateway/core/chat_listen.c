/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening: where it begins, what has happened since, and the proof of rights before anything is
 * shown. It never sleeps; whoever called it does.
 */
#include "core/chat_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define ROUNDS 64 /* looks in one call; more only while rights change all the time */

/* -- rights -------------------------------------------------------------------------------------
 */

static bool is_expired(const struct principal *who)
{
    return who->token_expires_s <= clock_now_s();
}

static enum sg_err find_space(struct chat_listener *l)
{
    struct space_record found;
    enum space_role role;
    enum sg_err err =
        spaces_authorize(l->chat->spaces, l->who, l->space, SG_SPACE_READER, &found, &role);
    if (!err && l->record.id != 0 && found.id != l->record.id) /* another one of the same name */
        err = SG_ERR_NOT_FOUND;
    if (!err)
        l->record = found;
    return err;
}

static enum sg_err find_view(struct chat_listener *l)
{
    struct hub_view *view;
    enum sg_err err = spaces_view(l->chat->spaces, l->who, &view);
    if (err)
        return err;
    hub_view_unref(l->waiter.view);
    l->waiter.view = view;
    return SG_OK;
}

/* Token, session, user, scope and space. Not while it waits in the hub. */
static enum sg_err prove(struct chat_listener *l)
{
    /* Before all else, so that a change meanwhile is found by comparing. */
    uint64_t generation = spaces_generation(l->chat->spaces);
    bool changed;
    if (is_expired(l->who))
        return SG_ERR_TOKEN_EXPIRED;
    enum sg_err err = identity_confirm(l->chat->identity, l->who, &changed);
    if (err == SG_ERR_SESSION_ENDED)
        err = identity_why_ended(l->chat->identity, l->who);
    if (!err && !(l->who->scopes & SG_SCOPE_CHAT_READ))
        err = SG_ERR_FORBIDDEN;
    if (!err)
        err = l->space[0] ? find_space(l) : find_view(l);
    if (err)
        return err;
    l->waiter.types = chat_visible_types(l->waiter.types, l->who);
    l->generation = generation;
    return SG_OK;
}

/* -- where it begins ----------------------------------------------------------------------------
 */

/* Up to where something that the listener could have seen has been pruned. */
static enum sg_err find_oldest(const struct chat_listener *l, uint64_t *ret)
{
    const struct hub_view *view = l->waiter.view;
    uint64_t oldest = 0, seq = 0;
    enum sg_err err = SG_OK;
    if (l->space[0])
        err = chat_retention_pruned(l->chat, l->record.id, &oldest);
    for (size_t i = 0; !l->space[0] && !err && i < view->count; i++) {
        err = chat_retention_pruned(l->chat, view->space[i].id, &seq);
        oldest = seq > oldest ? seq : oldest;
    }
    if (!err)
        *ret = oldest;
    return err;
}

static enum sg_err begin(struct chat_listener *l, const char *text, struct chat_bounds *ret_bounds)
{
    struct chat *c = l->chat;
    uint64_t oldest = 0, head = hub_position(c->hub), note = hub_note_position(c->hub);
    struct eventcursor after = {.seq = head};
    enum sg_err err = find_oldest(l, &oldest);
    if (err)
        return err;
    *ret_bounds = (struct chat_bounds){{.seq = oldest}, {.seq = head}};
    if (text)
        err = eventcursor_parse(text, c->epoch, &after);
    if (!err && after.seq > head) /* the hub may be about to hear of it */
        err = c->events.vt->head(c->events.self, &head);
    if (!err && after.seq > head)
        err = SG_ERR_CURSOR_FUTURE;
    if (!err && after.seq < oldest)
        err = SG_ERR_CURSOR_PRUNED;
    if (err)
        return err;
    l->waiter.after = after.seq;
    /* Notes begin anew with the process: a number from before means nothing. */
    l->waiter.after_note = after.has_note && after.note < note ? after.note : note;
    return SG_OK;
}

enum sg_err chat_listen(struct chat *c, struct principal *who, const char *space, const char *after,
                        unsigned types, const char *address, bool at_once,
                        struct chat_listener *ret, struct chat_bounds *ret_bounds, bool *ret_done)
{
    struct chat_listener l = {.chat = c, .who = who, .waiter = {.types = types}};
    if (space && (!*space || strlen(space) >= sizeof(l.space)))
        return SG_ERR_NOT_FOUND;
    (void)snprintf(l.space, sizeof(l.space), "%s", space ? space : "");
    enum sg_err err = prove(&l);
    if (!err && space && l.record.id == 0) {
        *ret_done = false;
        if (at_once)
            return SG_OK;
        err = spaces_make(c->spaces, who, &l.record);
        if (!err)
            err = prove(&l);
    }
    if (!err)
        err = begin(&l, after, ret_bounds);
    if (err) {
        hub_view_unref(l.waiter.view);
        return err;
    }
    l.waiter.user_id = who->user_id;
    l.waiter.user = who->user;
    l.waiter.address = address;
    l.waiter.space_id = l.record.id;
    *ret = l;
    *ret_done = true;
    return SG_OK;
}

void chat_listen_end(struct chat_listener *l)
{
    if (l->chat)
        hub_leave(l->chat->hub, &l->waiter);
    hub_view_unref(l->waiter.view);
    l->waiter.view = NULL;
}

const char *chat_space_name(const struct chat_listener *l, int64_t space_id)
{
    if (l->space[0])
        return l->record.id == space_id ? l->record.name : NULL;
    return hub_view_name(l->waiter.view, space_id);
}

/* -- what has happened --------------------------------------------------------------------------
 */

/* Where it was, should what was collected not be shown. */
struct place {
    uint64_t after, note;
};

static void go_back(struct chat_listener *l, const struct place *place, struct chat_page *page)
{
    chat_page_fini(page);
    l->waiter.after = place->after;
    l->waiter.after_note = place->note;
}

/* What the hub no longer has. */
static enum sg_err read_store(struct chat_listener *l, size_t limit, struct chat_page *page)
{
    struct chat *c = l->chat;
    const struct hub_view *view = l->waiter.view;
    size_t spaces = l->space[0] ? 1 : view->count;
    int64_t *ids = calloc(spaces ? spaces : 1, sizeof(*ids));
    uint64_t seq = 0, oldest = 0;
    if (!ids)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < spaces; i++)
        ids[i] = l->space[0] ? l->record.id : view->space[i].id;
    const struct event_query query = {.space_ids = ids,
                                      .space_count = spaces,
                                      .after = l->waiter.after,
                                      .types = l->waiter.types & SG_CHAT_EVENT_TYPES,
                                      .limit = limit,
                                      .bytes = SG_CHAT_ANSWER_MAX};
    enum sg_err err = c->events.vt->list(c->events.self, &query, page->events, &page->count, &seq);
    free(ids);
    /* After the reading: what was pruned before it is known by now. */
    if (!err)
        err = find_oldest(l, &oldest);
    if (!err && l->waiter.after < oldest) {
        page->bounds = (struct chat_bounds){{.seq = oldest}, {.seq = hub_position(c->hub)}};
        err = SG_ERR_CURSOR_PRUNED;
    }
    if (!err)
        l->waiter.after = seq > l->waiter.after ? seq : l->waiter.after;
    return err;
}

/* One look. *ret_again: something changed meanwhile, nothing was taken. */
static enum sg_err look(struct chat_listener *l, bool at_once, size_t limit, struct chat_page *page,
                        enum chat_state *ret, bool *ret_again)
{
    struct chat *c = l->chat;
    uint64_t generation = spaces_generation(c->spaces);
    const struct place place = {l->waiter.after, l->waiter.after_note};
    /* Who has entered hears from the hub what concerns him; others compare. */
    bool sure = l->waiter.entered || generation == l->generation;
    struct hub_news news;
    enum sg_err err = SG_OK;
    hub_collect(c->hub, &l->waiter, limit, SG_CHAT_ANSWER_MAX, page->events,
                sizeof(page->notes) / sizeof(page->notes[0]), page->notes, &news);
    page->count = news.count;
    page->note_count = news.note_count;
    *ret_again = true;
    if (news.recheck || !sure || is_expired(l->who)) {
        go_back(l, &place, page);
        return prove(l);
    }
    *ret = SG_CHAT_NOTHING;
    if (news.behind && at_once)
        *ret = SG_CHAT_BLOCKS;
    else if (news.behind)
        err = read_store(l, limit, page);
    if (!err && (news.behind || !l->waiter.entered) && spaces_generation(c->spaces) != generation) {
        go_back(l, &place, page);
        return SG_OK;
    }
    if (page->count + page->note_count > 0)
        *ret = SG_CHAT_NEWS;
    /* With nothing of the store's wanted, the hub may go on from there. */
    *ret_again = !err && news.behind && *ret == SG_CHAT_NOTHING;
    return err;
}

enum sg_err chat_listen_enter(struct chat_listener *l)
{
    enum sg_err err = SG_OK;
    if (!l->waiter.entered) {
        err = hub_enter(l->chat->hub, &l->waiter);
        /* What was taken away before it entered, it has not heard of. */
        if (!err && spaces_generation(l->chat->spaces) != l->generation)
            err = prove(l);
    }
    return err;
}

/* Waits in the hub, unless something happened meanwhile. */
static enum sg_err wait_for_news(struct chat_listener *l, bool *ret_waits)
{
    enum sg_err err = chat_listen_enter(l);
    if (!err)
        *ret_waits = hub_wait(l->chat->hub, &l->waiter);
    return err;
}

static enum sg_err step(struct chat_listener *l, bool wait, bool at_once, size_t limit,
                        struct chat_page *page, enum chat_state *ret, bool *ret_again)
{
    enum sg_err err = look(l, at_once, limit, page, ret, ret_again);
    if (err || *ret_again || *ret != SG_CHAT_NOTHING || !wait)
        return err;
    bool waits = false;
    err = wait_for_news(l, &waits);
    *ret = SG_CHAT_WAITS;
    *ret_again = !waits;
    return err;
}

enum sg_err chat_next(struct chat_listener *l, bool wait, bool at_once, size_t limit,
                      struct chat_page *page, enum chat_state *ret)
{
    bool again = true;
    enum sg_err err = SG_OK;
    enum chat_state state = SG_CHAT_NOTHING;
    uint64_t oldest = 0;
    page->count = page->note_count = 0;
    page->bounds = (struct chat_bounds){.oldest = {.seq = 0}};
    if (limit < 1 || limit > SG_CHAT_LIMIT_MAX)
        limit = SG_CHAT_LIMIT_MAX;
    for (unsigned i = 0; i < ROUNDS && again && !err; i++)
        err = step(l, wait, at_once, limit, page, &state, &again);
    if (!err && again)
        err = SG_ERR_OVERLOADED;
    if (!err && state != SG_CHAT_WAITS) { /* nobody is told while it waits */
        err = find_oldest(l, &oldest);
        page->bounds.oldest.seq = oldest;
    }
    if (err) {
        chat_page_fini(page);
        return err;
    }
    *ret = state;
    page->next = (struct eventcursor){
        .seq = l->waiter.after, .has_note = (l->waiter.types & ~SG_HUB_NOTES_EVENT_BITS) != 0};
    page->next.note = page->next.has_note ? l->waiter.after_note : 0;
    page->bounds.newest.seq = l->waiter.after;
    return SG_OK;
}

/* -- types --------------------------------------------------------------------------------------
 */

static const char *const note_names[] = {
    [SG_NOTE_PRESENCE_JOINED] = "presence.joined",
    [SG_NOTE_PRESENCE_LEFT] = "presence.left",
    [SG_NOTE_TYPING] = "typing",
};
#define NOTES (sizeof(note_names) / sizeof(note_names[0]))

const char *chat_note_name(enum hub_note_type type)
{
    return (size_t)type < NOTES ? note_names[type] : "unknown";
}

/* "file" means all that begin with "file."; "message" only itself. */
static bool is_meant(const char *word, size_t len, const char *name)
{
    if (strncmp(word, name, len) != 0)
        return false;
    return name[len] == '\0' || (name[len] == '.' && strncmp(name, "message", len) != 0);
}

static unsigned types_of(const char *word, size_t len)
{
    unsigned types = 0;
    for (int i = 0; i < SG_EVENT_TYPE_COUNT; i++)
        if (is_meant(word, len, event_type_name((enum event_type)i)))
            types |= 1u << i;
    for (size_t i = 0; i < NOTES; i++)
        if (is_meant(word, len, note_names[i]))
            types |= SG_HUB_NOTE_BIT(i);
    return types;
}

enum sg_err chat_types_parse(const char *list, unsigned *ret)
{
    unsigned types = 0;
    for (;;) {
        size_t len = strcspn(list, ",");
        unsigned some = len > 0 ? types_of(list, len) : 0;
        if (some == 0)
            return SG_ERR_BAD_FIELD;
        types |= some;
        if (list[len] == '\0')
            break;
        list += len + 1;
    }
    *ret = types;
    return SG_OK;
}
