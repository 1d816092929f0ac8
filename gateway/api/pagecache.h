/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last answers that many requests share: when a room of thousands hears of a message, its page
 * is encoded once and its memory is shared by all answers. An answer is found by the very events
 * that it shows, so that a text that was changed since is never shown. Thread safe.
 */
#ifndef SG_API_PAGECACHE_H
#define SG_API_PAGECACHE_H

#include "base/buf.h"
#include "core/chat.h"

#define SG_PAGECACHE_EVENTS 16 /* of a page that is kept at most */

struct pagecache_body;

/* What an answer is made of, besides the epoch of the log. */
struct pagecache_key {
    const char *space; /* name of the one space */
    const struct chat_page *page;
    bool notes; /* `next` shows the place among the notes */
};

/* Whether it is worth keeping: a few events of one space and no notes. */
bool pagecache_wants(const struct pagecache_key *key);
/* A reference, NULL when it is not there. */
struct pagecache_body *pagecache_get(const struct pagecache_key *key);
/* Takes the text and keeps it in the place of an older one; a reference. NULL without memory. */
struct pagecache_body *pagecache_put(const struct pagecache_key *key, struct buf *text);
/* Fits reply_take. */
void pagecache_unref(void *body);
const void *pagecache_data(const struct pagecache_body *body);
size_t pagecache_len(const struct pagecache_body *body);

#endif
