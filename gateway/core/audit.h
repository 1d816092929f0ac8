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

/* One member of an entry's `details`: text, or a number when text is NULL. */
struct audit_detail {
    const char *name;
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
    struct audit_detail detail[4];
    size_t detail_count;
};

struct audit;

/* `retention_s`, `entries`: what is kept; 0: all. */
enum sg_err audit_new(const struct audit_store *store, uint64_t retention_s, uint64_t entries,
                      struct audit **ret) SG_MUST_CHECK;
void audit_free(struct audit *a);
/* Blocks until it is durable. What fails is logged: an act that happened is not undone by it. NULL
 * `a` is legal (tests): nothing is noted. */
void audit_note(struct audit *a, const struct audit_act *act);
/* The same for many failures that strangers cause: does not block, at most 50 a second are kept,
 * what is left out is counted in the next entry (detail `omitted`). */
void audit_note_failure(struct audit *a, const struct audit_act *act);
/* Removes what is too old; from a pool thread, now and then. */
void audit_prune(struct audit *a);

#endif
