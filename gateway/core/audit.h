/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: every act on identity with who, what, from where, in one durable order with a
 * chain of digests like that of events (docs/audit.md). An entry is durable when audit_note
 * returns, and is written after the act and before the act is answered.
 */
#ifndef SG_CORE_AUDIT_H
#define SG_CORE_AUDIT_H

#include "base/err.h"
#include "store/audit.h"

#define SG_AUDIT_DETAILS         6    /* of one entry */
#define SG_AUDIT_FAILURES_SECOND 50   /* entries of strangers' failures that are kept */
#define SG_AUDIT_FAILURES_HOUR   2000 /* so that nobody can push out what others did */

/* One member of an entry's `details`: text, or a number (of at most 53 bits) when text is NULL.
 * Never a secret. */
struct audit_detail {
    const char *name; /* [a-z_]+ */
    const char *text;
    int64_t number;
};

/* All borrowed for the call. */
struct audit_act {
    enum audit_type type;
    const char *actor;   /* user name; "": nobody known */
    const char *subject; /* whom or what it concerns: user, key, serial, token's name; NULL: none */
    const char *address; /* "": none, the gateway itself */
    const uint8_t *session; /* NULL: none */
    const char *request_id; /* NULL: none */
    enum sg_err result;     /* SG_OK: done; else why not */
    struct audit_detail detail[SG_AUDIT_DETAILS];
    size_t detail_count;
};

struct audit;

/* What is kept; 0: all. Nobody who does much can push out what is younger than `young_seconds`. */
struct audit_retention {
    uint64_t seconds;
    uint64_t entries;
    uint64_t young_seconds;
};

enum sg_err audit_new(const struct audit_store *store, const struct audit_retention *retention,
                      struct audit **ret) SG_MUST_CHECK;
void audit_free(struct audit *a);
/* Blocks until it is durable. What fails is logged: an act that happened is not undone by it. NULL
 * `a` is legal (tests): nothing is noted. */
void audit_note(struct audit *a, const struct audit_act *act);
/* The same for what a user failed to do: as many as strangers' failures are kept, counted apart
 * from those. */
void audit_note_attempt(struct audit *a, const struct audit_act *act);
/* The same for many failures that strangers cause: does not block, at most SG_AUDIT_FAILURES_SECOND
 * and _HOUR are kept, what is left out is counted in the next entry (detail `omitted`). Also for
 * acts that happen on an event loop, which must not block. */
void audit_note_failure(struct audit *a, const struct audit_act *act);
/* A page of entries in order of number, texts in the arena. */
enum sg_err audit_list(struct audit *a, const struct audit_query *query, struct arena *arena,
                       struct audit_row *ret, size_t *ret_count,
                       struct audit_range *ret_range) SG_MUST_CHECK;
/* Removes what is too old; from a pool thread, now and then. */
void audit_prune(struct audit *a);

#endif
