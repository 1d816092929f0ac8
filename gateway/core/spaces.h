/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of spaces and the one check of authority for all that is in them, files and chat alike.
 * A role that is taken away is gone when the function that takes it returns: polls that wait are
 * woken to prove theirs. No HTTP, no SQL.
 */
#ifndef SG_CORE_SPACES_H
#define SG_CORE_SPACES_H

#include "core/hub.h"
#include "core/identity.h"
#include "store/spaces.h"

struct spaces;

/* `identity` tells who is in spaces whose members follow from the gateway's roles. Without a hub
 * nobody is woken. */
struct spaces *spaces_new(const struct spaces_store *store, struct identity *identity,
                          struct hub *hub);
void spaces_free(struct spaces *s);

/*
 * The role of a user in a space, by the name that the user gives it: "common", "~me", "~NAME",
 * "@OTHER", a shared space's. Fills the space. SG_ERR_NOT_FOUND when there is none or the user has
 * no role in it, FORBIDDEN when the role is less than `least`. Only reads: may run on an event
 * loop. ret->id is 0 for a direct space that nobody has used yet.
 */
enum sg_err spaces_authorize(struct spaces *s, const struct principal *who, const char *name,
                             enum space_role least, struct space_record *ret,
                             enum space_role *ret_role) SG_MUST_CHECK;
/* Makes the direct space that a record with id 0 stands for; nothing to do for others. Blocks. */
enum sg_err spaces_make(struct spaces *s, const struct principal *who,
                        struct space_record *space) SG_MUST_CHECK;
/* Rises whenever somebody may have lost or won a role. What was true before is checked again. */
uint64_t spaces_generation(struct spaces *s);
/* Whether that may concern what this user may do in this space, if it was true in `generation`.
 * Never blocks. */
bool spaces_changed_since(struct spaces *s, int64_t user_id, int64_t space_id, uint64_t generation);
/*
 * A change by somebody who must still be allowed to make it when its turn comes:
 *
 *     struct spaces_act act = {.tries = 0};
 *     do {
 *         spaces_act_begin(&act, s, who);
 *         authorize; act.space_ids[] = ...; err = store's call with &act.actor;
 *     } while (spaces_act_again(&act, &err));
 *
 * `who` and the act must live as long as the call.
 */
struct spaces_act {
    struct spaces *spaces;
    uint64_t generation;
    int64_t space_ids[2]; /* where; 0: none */
    unsigned tries;
    struct space_actor actor;
};
void spaces_act_begin(struct spaces_act *act, struct spaces *s, const struct principal *who);
/* Whether rights have changed meanwhile, so that it is to be judged anew. When they do so all the
 * time, *err becomes SG_ERR_OVERLOADED. */
bool spaces_act_again(struct spaces_act *act, enum sg_err *err);
/* The sink of an events store: changes of members count before the hub shows them. So nobody is
 * shown what came after he had gone, and nobody misses what came since he is there. */
void spaces_publish(void *spaces, struct event *const *events, size_t count);
/* The spaces that a user may read. The caller's reference. Only reads. */
enum sg_err spaces_view(struct spaces *s, const struct principal *who,
                        struct hub_view **ret) SG_MUST_CHECK;
/* As space records, with roles; at most `limit`. */
enum sg_err spaces_list(struct spaces *s, const struct principal *who, size_t limit,
                        struct space_info *ret, enum space_role *ret_roles,
                        size_t *ret_count) SG_MUST_CHECK;
enum sg_err spaces_info(struct spaces *s, const struct principal *who, const char *name,
                        struct space_info *ret, enum space_role *ret_role) SG_MUST_CHECK;

/* [a-z0-9][a-z0-9._-]{0,31}, and none of "common", "me". */
bool spaces_name_ok(const char *name);
/* Guests may not: SG_ERR_FORBIDDEN. NAME_TAKEN, LIMIT, BAD_FIELD. */
enum sg_err spaces_create(struct spaces *s, const struct principal *who, const char *name,
                          const char *description, struct space_info *ret) SG_MUST_CHECK;
/* Owners only. */
enum sg_err spaces_update(struct spaces *s, const struct principal *who, const char *name,
                          const struct space_change *change, struct space_info *ret) SG_MUST_CHECK;
/* Owners of shared spaces only; FIXED_MEMBERS for all others. */
enum sg_err spaces_remove(struct spaces *s, const struct principal *who,
                          const char *name) SG_MUST_CHECK;
/* Members of a shared space for its members; of the others: who may be there by rule. */
enum sg_err spaces_members(struct spaces *s, const struct principal *who, const char *name,
                           const char *after, size_t limit, struct member_record *ret,
                           size_t *ret_count) SG_MUST_CHECK;
enum sg_err spaces_member(struct spaces *s, const struct principal *who, const char *name,
                          const char *user, struct member_record *ret) SG_MUST_CHECK;
/* Owners only. SG_ERR_FIXED_MEMBERS, LAST_OWNER, LIMIT, NOT_FOUND. */
enum sg_err spaces_member_set(struct spaces *s, const struct principal *who, const char *name,
                              const char *user, enum space_role role, struct member_record *ret,
                              bool *ret_created) SG_MUST_CHECK;
/* Owners, and everybody for himself ("me" or the own name: leave). */
enum sg_err spaces_member_remove(struct spaces *s, const struct principal *who, const char *name,
                                 const char *user) SG_MUST_CHECK;
enum sg_err spaces_read_set(struct spaces *s, const struct principal *who, const char *name,
                            uint64_t seq) SG_MUST_CHECK;

/* For retention: every space, whosever, with id > `after_id`, ordered by id. */
enum sg_err spaces_retentions(struct spaces *s, int64_t after_id, size_t limit,
                              struct space_retention *ret, size_t *ret_count) SG_MUST_CHECK;

/* Somebody's role in the gateway changed, or (0) he is gone (identity's watcher). The latter
 * blocks: it removes what his spaces have left. */
void spaces_rights_changed(struct spaces *s, int64_t user_id);

const char *spaces_role_name(enum space_role role);
enum sg_err spaces_role_parse(const char *text, enum space_role *ret) SG_MUST_CHECK;

#endif
