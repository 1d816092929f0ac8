/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of events, the same for every engine: the canonical form (RFC 8785) over which a space's
 * chain is made, and the form that is shown. docs/events.md describes both for independent clients.
 *
 *   chain(n) = SHA-256(chain(n-1) | canonical(n)), 32 zero bytes before a space's first event.
 *
 * The canonical form has all members but space, text, text_salt, chain and revision; `text_digest`
 * = SHA-256(salt | text) stands for a text, so that a text can be removed without breaking the
 * chain, and cannot be guessed from what is left.
 */
#ifndef SG_STORE_EVENTTEXT_H
#define SG_STORE_EVENTTEXT_H

#include "base/buf.h"
#include "store/events.h"

/* A file as events name it. */
struct event_file {
    const char *path; /* in the space */
    uint64_t version;
    uint64_t size;
    uint8_t sha256[SG_DIGEST_SIZE];
    const char *media_type;
};

/* Signatures as events name them. */
struct event_signed {
    const char *path; /* of the file or directory in the space; "": all of it */
    const char *key;
    uint32_t key_version;
    uint64_t index; /* of the first in the log of signatures */
    uint64_t count;
};

/* Everything that any type may have; unused members are zero and left out. */
struct event_draft {
    enum event_type type;
    uint64_t seq;
    const char *epoch; /* id = "epoch.seq" */
    const char *sender;
    int64_t sent_ns;
    const char *text; /* MESSAGE, MESSAGE_UPDATED */
    size_t text_len;
    const uint8_t *salt;
    uint64_t reply_to;
    uint64_t target; /* MESSAGE_UPDATED, _DELETED */
    const struct event_file
        *files; /* MESSAGE: links; FILE_*: one, whose members stand at top level */
    size_t file_count;
    const char *from_path;                 /* FILE_MOVED within a space */
    bool directory;                        /* FILE_MOVED, _DELETED: of a directory */
    const char *member;                    /* MEMBER_* */
    int64_t member_id;                     /* likewise; in no text */
    const char *role;                      /* MEMBER_ADDED, _UPDATED: "reader", "writer", "owner" */
    const struct event_signed *signatures; /* SIGNATURE_CREATED */
};

/* Appends the canonical form. */
void eventtext_canonical(struct buf *out, const struct event_draft *draft);

void eventtext_digest(const uint8_t salt[SG_EVENT_SALT_SIZE], const char *text, size_t len,
                      uint8_t ret[SG_DIGEST_SIZE]);
void eventtext_chain(const uint8_t previous[SG_DIGEST_SIZE], const char *canonical, size_t len,
                     uint8_t ret[SG_DIGEST_SIZE]);

/* What became of a message; zero when nothing. */
struct event_revised {
    uint64_t seq; /* of the latest change */
    int64_t at_ns;
    const char *by;
    bool deleted;
    const char *text; /* the current one */
    size_t text_len;
};

/* Makes the shown form from what an engine stored; `text` NULL when there is none or it was
 * removed. NULL without memory. The caller has the one reference. */
struct event *eventtext_event(uint64_t seq, int64_t space_id, enum event_type type, uint64_t target,
                              int64_t sender_id, int64_t sent_ns,
                              const uint8_t chain[SG_DIGEST_SIZE], const char *canonical,
                              size_t canonical_len, const char *text, size_t text_len,
                              const uint8_t *salt, const struct event_revised *revised);

#endif
