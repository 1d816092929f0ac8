/* SPDX-License-Identifier: Apache-2.0 */
/* Puts events together from the texts that the store made of them; it never looks into those. */
#include "api/eventjson.h"

#include <stdlib.h>
#include <string.h>

#include "api/answer.h"
#include "api/pagecache.h"
#include "base/clock.h"
#include "http/request.h"

/* Bytes around the events of a page, and around one event or note. */
#define PAGE_FRAME 256
#define ITEM_FRAME 192

const char *eventjson_name(const struct eventjson_names *names, int64_t space_id)
{
    return names->listener != NULL ? chat_space_name(names->listener, space_id) : names->space;
}

/* Names of spaces and users hold nothing that JSON escapes. */
void eventjson_event(struct buf *b, const char *space, const struct event *e)
{
    buf_puts(b, "{\"space\":\"");
    buf_puts(b, space);
    buf_puts(b, "\",");
    buf_append(b, e->json, e->len);
    buf_putc(b, '}');
}

void eventjson_note(struct buf *b, const char *space, const struct hub_note *note)
{
    char at[SG_RFC3339_SIZE];

    clock_format_rfc3339(note->at_ns, at);
    buf_printf(b, "{\"type\":\"%s\",\"space\":\"%s\",\"sender\":\"%s\",\"sent_at\":\"%s\"}",
               chat_note_name(note->type), space, note->user, at);
}

static void put_cursor(struct buf *b, const char *name, const char *epoch,
                       const struct eventcursor *cursor, bool notes)
{
    struct eventcursor shown = *cursor;
    char text[SG_EVENTCURSOR_SIZE];

    shown.has_note = notes && cursor->has_note;
    eventcursor_format(epoch, &shown, text);
    buf_printf(b, ",\"%s\":\"%s\"", name, text);
}

static size_t page_size(const struct chat_page *page)
{
    size_t size = PAGE_FRAME + (page->count + page->note_count) * ITEM_FRAME;

    for (size_t i = 0; i < page->count; i++)
        size += page->events[i]->len;
    return size;
}

static void put_page(struct buf *b, const char *epoch, const struct eventjson_names *names,
                     const struct chat_page *page, bool notes)
{
    const char *space;
    bool comma = false;

    (void)buf_reserve(b, page_size(page));
    buf_printf(b, "{\"epoch\":\"%s\",\"events\":[", epoch);
    for (size_t i = 0; i < page->count; i++) {
        space = eventjson_name(names, page->events[i]->space_id);
        if (space == NULL)
            continue;
        if (comma)
            buf_putc(b, ',');
        eventjson_event(b, space, page->events[i]);
        comma = true;
    }
    for (size_t i = 0; notes && i < page->note_count; i++) {
        space = eventjson_name(names, page->notes[i].space_id);
        if (space == NULL)
            continue;
        if (comma)
            buf_putc(b, ',');
        eventjson_note(b, space, &page->notes[i]);
        comma = true;
    }
    buf_putc(b, ']');
    put_cursor(b, "next", epoch, &page->next, notes);
    put_cursor(b, "oldest", epoch, &page->bounds.oldest, false);
    buf_putc(b, '}');
}

static enum sg_err reply_buf(struct request *r, unsigned status, struct buf *b)
{
    enum sg_err err = buf_status(b);
    size_t len;
    char *text;

    if (err != SG_OK)
        return err;
    text = buf_take(b, &len);
    if (text == NULL)
        return SG_ERR_NO_MEMORY;
    reply_header(r, "Cache-Control", "no-store");
    reply_take(r, status, "application/json", text, len, free, text);
    return SG_OK;
}

enum sg_err eventjson_reply_page(struct request *r, const char *epoch,
                                 const struct eventjson_names *names, const struct chat_page *page,
                                 bool notes)
{
    SG_BUF_CLEANUP struct buf b;
    struct pagecache_key key = {.page = page, .notes = notes};
    struct pagecache_body *body;

    buf_init(&b, SG_EVENT_PAGE_MAX);
    if (page->count > 0)
        key.space = eventjson_name(names, page->events[0]->space_id);
    if (!pagecache_wants(&key)) {
        put_page(&b, epoch, names, page, notes);
        return reply_buf(r, 200, &b);
    }
    body = pagecache_get(&key);
    if (body == NULL) {
        put_page(&b, epoch, names, page, notes);
        if (buf_status(&b) == SG_OK)
            body = pagecache_put(&key, &b);
    }
    if (body == NULL)
        return SG_ERR_NO_MEMORY;
    reply_header(r, "Cache-Control", "no-store");
    reply_take(r, 200, "application/json", pagecache_data(body), pagecache_len(body),
               pagecache_unref, body);
    return SG_OK;
}

enum sg_err eventjson_reply_event(struct request *r, unsigned status, const char *space,
                                  const struct event *e)
{
    SG_BUF_CLEANUP struct buf b;

    buf_init(&b, SG_EVENT_PAGE_MAX);
    (void)buf_reserve(&b, e->len + ITEM_FRAME);
    eventjson_event(&b, space, e);
    return reply_buf(r, status, &b);
}

enum sg_err eventjson_fail(struct request *r, enum sg_err err, const char *epoch,
                           const struct chat_bounds *bounds)
{
    char oldest[SG_EVENTCURSOR_SIZE], newest[SG_EVENTCURSOR_SIZE];
    char *members;

    if (err == SG_ERR_CURSOR_EPOCH || err == SG_ERR_CURSOR_FUTURE || err == SG_ERR_CURSOR_PRUNED) {
        eventcursor_format(epoch, &bounds->oldest, oldest);
        eventcursor_format(epoch, &bounds->newest, newest);
        members =
            arena_printf(request_arena(r), "\"oldest\":\"%s\",\"newest\":\"%s\"", oldest, newest);
        if (members != NULL)
            request_problem(r, members);
    }
    return answer_error(r, err, 0);
}
