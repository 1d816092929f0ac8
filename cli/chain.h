/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recomputes the chain of a space's events (docs/events.md) from what the gateway shows, without
 * trusting it. No input or output.
 *
 *   chain(n) = SHA-256(chain(n-1) | canonical(n)), 32 zero bytes before a space's first event.
 */
#ifndef SG_CLI_CHAIN_H
#define SG_CLI_CHAIN_H

#include "cli/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

enum chain_fault {
    SG_CHAIN_HOLDS,
    SG_CHAIN_UNREADABLE, /* no event: members are missing or of the wrong type */
    SG_CHAIN_DOUBLED,    /* the event before once more */
    SG_CHAIN_DISORDER,   /* it comes after one with a higher number */
    SG_CHAIN_BROKEN,     /* altered, or something before it is missing */
    SG_CHAIN_TEXT,       /* the text shown is not the one that was sent */
    SG_CHAIN_REVISION,   /* what is said to have become of a message is not what the log says */
    SG_CHAIN_NO_MEMORY
};

/* Where a check stands. */
struct chain {
    int64_t seq;                    /* of the last event followed; 0: before the first */
    uint8_t value[SG_DIGEST_BYTES]; /* the chain's value there */
    uint64_t count;                 /* events followed */
    uint64_t texts;                 /* texts that were compared with their digests */
    void *revisions;                /* announced, the event itself not seen yet */
};

/* Starts after event `seq`, whose chain value is `value` (NULL: zero bytes, the beginning). */
void chain_start(struct chain *c, int64_t seq, const uint8_t *value);
void chain_end(struct chain *c);

/*
 * Follows one event. After a fault the check goes on from what the event says of itself, so that
 * the next fault is one of its own; `previous` (may be NULL) gets the number of the event before.
 */
enum chain_fault chain_follow(struct chain *c, struct json_object *event, int64_t *ret_previous);

/* A revision up to event `seq` that was announced by a message but is not in the log: the number of
 * the message; 0 when there is none. */
int64_t chain_missing_revision(const struct chain *c, int64_t seq);

/* Reads 64 hex digits. */
bool chain_parse(const char *hex, uint8_t ret[SG_DIGEST_BYTES]);

#endif
