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

#define SG_PASSKEY_COLUMNS                                                                         \
    "id, user_id, name, algorithm, public_key, sign_count, created_ns, last_used_ns"

static const char *const texts[SG_SQL_COUNT] = {
    [SG_SQL_FACTOR_SUMMARY] =
        "SELECT coalesce((SELECT confirmed_ns FROM totp WHERE user_id = ?1), 0),"
        " (SELECT count(*) FROM recovery_codes WHERE user_id = ?1),"
        " (SELECT count(*) FROM passkeys WHERE user_id = ?1)",
    [SG_SQL_TOTP_GET] =
        "SELECT sealed, confirmed_ns, last_step, created_ns FROM totp WHERE user_id = ?",
    [SG_SQL_TOTP_BEGIN] =
        "INSERT INTO totp(user_id, sealed, confirmed_ns, last_step, created_ns)"
        " VALUES(?1, ?2, 0, 0, ?3) ON CONFLICT(user_id) DO UPDATE"
        " SET sealed = excluded.sealed, created_ns = excluded.created_ns WHERE confirmed_ns = 0",
    [SG_SQL_TOTP_CONFIRM] = "UPDATE totp SET confirmed_ns = ?1, last_step = ?2"
                            " WHERE user_id = ?3 AND confirmed_ns = 0 AND sealed = ?4",
    [SG_SQL_TOTP_USE] = "UPDATE totp SET last_step = ?2"
                        " WHERE user_id = ?1 AND confirmed_ns <> 0 AND last_step < ?2",
    [SG_SQL_TOTP_REMOVE] = "DELETE FROM totp WHERE user_id = ? AND confirmed_ns <> 0",
    [SG_SQL_TOTP_RESET] = "DELETE FROM totp WHERE user_id = ?",
    [SG_SQL_RECOVERY_INSERT] = "INSERT INTO recovery_codes(user_id, sha256) VALUES(?, ?)",
    [SG_SQL_RECOVERY_USE] = "DELETE FROM recovery_codes WHERE user_id = ? AND sha256 = ?",
    [SG_SQL_RECOVERY_CLEAR] = "DELETE FROM recovery_codes WHERE user_id = ?",
    [SG_SQL_PASSKEY_INSERT] =
        "INSERT INTO passkeys(" SG_PASSKEY_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [SG_SQL_PASSKEY_GET] = "SELECT " SG_PASSKEY_COLUMNS " FROM passkeys WHERE id = ?",
    [SG_SQL_PASSKEY_LIST] =
        "SELECT " SG_PASSKEY_COLUMNS " FROM passkeys WHERE user_id = ? ORDER BY created_ns LIMIT ?",
    [SG_SQL_PASSKEY_ROOM] =
        "SELECT count(*), coalesce(sum(name = ?2), 0) FROM passkeys WHERE user_id = ?1",
    [SG_SQL_PASSKEY_USED] = "UPDATE passkeys SET sign_count = ?1, last_used_ns = ?2"
                            " WHERE id = ?3 AND (sign_count < ?1 OR (sign_count = 0 AND ?1 = 0))",
    [SG_SQL_PASSKEY_REMOVE] = "DELETE FROM passkeys WHERE user_id = ? AND id = ?",
    [SG_SQL_PASSKEY_CLEAR] = "DELETE FROM passkeys WHERE user_id = ?",
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
