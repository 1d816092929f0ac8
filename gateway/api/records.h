/* SPDX-License-Identifier: Apache-2.0 */
/* Users, sessions and entries as JSON: the shapes that several operations share. */
#ifndef SG_API_RECORDS_H
#define SG_API_RECORDS_H

#include "api/json_out.h"
#include "core/identity.h"
#include "store/events.h"
#include "store/files.h"

/* Bytes that one of each takes at most, besides its path. */
#define SG_RECORD_MAX 4096

void records_user(struct json_out *o, const char *name, const struct user_record *user);
/* `current`: the id of the session that asks. */
void records_session(struct json_out *o, const char *name, const struct session_record *session,
                     const uint8_t *current);
/* `base` bytes of the path stand before the entry's name. */
void records_entry(struct json_out *o, const char *name, const struct entry_record *entry,
                   size_t base);

/* A space and its role for the asking user; `range` NULL leaves out where its events begin and end.
 */
void records_space(struct json_out *o, const char *name, const char *epoch,
                   const struct space_info *info, enum space_role role,
                   const struct event_range *range);
void records_member(struct json_out *o, const char *name, const struct member_record *member);

#endif
