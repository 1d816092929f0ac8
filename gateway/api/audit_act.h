/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of acts on identity for the audit log, with what the request tells of who and from where.
 */
#ifndef SG_API_AUDIT_ACT_H
#define SG_API_AUDIT_ACT_H

#include "core/audit.h"

struct request;

/*
 * Notes what was done to `subject` (NULL: nobody but the actor), after the act and before it is
 * answered. Blocks until it is durable, for routes that block; what a stranger failed to do,
 * without a principal, is noted without waiting. Actor, session, address and request id are the
 * request's.
 */
void audit_act(struct request *r, enum audit_type type, const char *subject, enum sg_err result);

/* The same with one detail, of which `text` may be NULL: none then. */
void audit_act_detail(struct request *r, enum audit_type type, const char *subject,
                      enum sg_err result, const char *name, const char *text);

/* For acts that need more: fills in what the request tells, with one or two details for tokens that
 * are not of a login. The caller sets the rest (of a login: actor and session) and calls
 * audit_act_note. All is borrowed from the request. */
void audit_act_fill(struct request *r, enum audit_type type, const char *subject,
                    enum sg_err result, struct audit_act *ret);
/* Adds a detail; beyond SG_AUDIT_DETAILS they are left out. */
void audit_act_text(struct audit_act *act, const char *name, const char *text);
void audit_act_number(struct audit_act *act, const char *name, int64_t number);
void audit_act_note(struct request *r, const struct audit_act *act);

/* A role in a space that somebody has from now on; "none". */
void audit_act_member(struct request *r, const char *space, const char *user, const char *role);

#endif
