/* SPDX-License-Identifier: Apache-2.0 */
/* Events, notes and pages of them as JSON: the shapes that several operations share. */
#ifndef SG_API_EVENTJSON_H
#define SG_API_EVENTJSON_H

#include "base/buf.h"
#include "core/chat.h"

struct request;

/* Bytes that the answer with a page takes at most. */
#define SG_EVENT_PAGE_MAX ((size_t)4 * 1024 * 1024)

/* Where the names of spaces come from: what the listener may see, or the one space's name. */
struct eventjson_names {
    const struct chat_listener *listener; /* NULL: */
    const char *space;
};
/* NULL for what may not be shown. */
const char *eventjson_name(const struct eventjson_names *names, int64_t space_id);

void eventjson_event(struct buf *b, const char *space, const struct event *e);
void eventjson_note(struct buf *b, const char *space, const struct hub_note *note);

/* 200 with a page. `notes`: its `next` tells the place among the notes, too. */
enum sg_err eventjson_reply_page(struct request *r, const char *epoch,
                                 const struct eventjson_names *names, const struct chat_page *page,
                                 bool notes) SG_MUST_CHECK;
/* An answer with one event; its headers besides Cache-Control are the caller's. */
enum sg_err eventjson_reply_event(struct request *r, unsigned status, const char *space,
                                  const struct event *e) SG_MUST_CHECK;

/* What a cursor's error needs (`oldest` and `newest`; for all others nothing), and the headers of
 * answer_error. Returns the error. */
enum sg_err eventjson_fail(struct request *r, enum sg_err err, const char *epoch,
                           const struct chat_bounds *bounds);

#endif
