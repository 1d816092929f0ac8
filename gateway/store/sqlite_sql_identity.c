/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of what identity is made of besides users and sessions: tokens, certificates,
 * second factors, OAuth, the audit log. */
#include "store/sqlite_internal.h"

/* One page of audit entries; all of these take the same: after, before, since, until, limit, type,
 * actor. */
#define SG_AUDIT_PAGE(from, filter, order)                                                         \
    "SELECT seq, chain, canonical FROM audit " from " WHERE seq > ?1 AND seq < ?2"                 \
    " AND at_ns >= ?3 AND at_ns < ?4" filter " ORDER BY seq " order " LIMIT ?5"
#define SG_AUDIT_ANY     " AND ?6 IS NULL AND ?7 IS NULL"
#define SG_AUDIT_OF_TYPE " AND type = ?6 AND ?7 IS NULL"
#define SG_AUDIT_BY      " AND actor = ?7 AND (?6 IS NULL OR type = ?6)"

static const char *const texts[SG_SQL_COUNT] = {
    [SG_SQL_AUDIT_LAST] = "SELECT seq, chain FROM audit ORDER BY seq DESC LIMIT 1",
    [SG_SQL_AUDIT_PRUNED] = "SELECT seq, chain FROM audit_pruned",
    [SG_SQL_AUDIT_INSERT] = "INSERT INTO audit(seq, at_ns, type, actor, canonical, chain)"
                            " VALUES(?, ?, ?, ?, ?, ?)",
    [SG_SQL_AUDIT_ALL] = SG_AUDIT_PAGE("", SG_AUDIT_ANY, "ASC"),
    [SG_SQL_AUDIT_ALL_DESC] = SG_AUDIT_PAGE("", SG_AUDIT_ANY, "DESC"),
    [SG_SQL_AUDIT_ACTOR] = SG_AUDIT_PAGE("INDEXED BY audit_actor", SG_AUDIT_BY, "ASC"),
    [SG_SQL_AUDIT_ACTOR_DESC] = SG_AUDIT_PAGE("INDEXED BY audit_actor", SG_AUDIT_BY, "DESC"),
    [SG_SQL_AUDIT_TYPE] = SG_AUDIT_PAGE("INDEXED BY audit_type", SG_AUDIT_OF_TYPE, "ASC"),
    [SG_SQL_AUDIT_TYPE_DESC] = SG_AUDIT_PAGE("INDEXED BY audit_type", SG_AUDIT_OF_TYPE, "DESC"),
    [SG_SQL_AUDIT_YOUNG] = "SELECT seq FROM audit WHERE at_ns >= ? ORDER BY seq LIMIT 1",
    [SG_SQL_AUDIT_PRUNED_SET] = "UPDATE audit_pruned SET (seq, chain) ="
                                " (SELECT seq, chain FROM audit WHERE seq = ?1)"
                                " WHERE EXISTS (SELECT 1 FROM audit WHERE seq = ?1)",
    [SG_SQL_AUDIT_PRUNE] = "DELETE FROM audit WHERE seq <= ?",
};

const char *sqlite_sql_identity_text(enum sqlite_sql id)
{
    return texts[id];
}
