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

#define SG_CERTIFICATE_COLUMNS                                                                     \
    "c.serial, coalesce(c.user_id, 0), coalesce(u.name, ''), coalesce(u.disabled, 0), c.name,"     \
    " c.sha256, c.not_before_ns, c.not_after_ns, c.created_ns, c.revoked_ns"

#define SG_TOKEN_COLUMNS                                                                           \
    "SELECT id, user_id, name, sha256, scopes, spaces, keys, created_ns, expires_ns,"              \
    " last_used_ns, last_address FROM tokens "

static const char *const texts[SG_SQL_COUNT] = {
    [SG_SQL_TOKEN_INSERT] = "INSERT INTO tokens(id, user_id, name, sha256, scopes, spaces, keys,"
                            " created_ns, expires_ns, last_used_ns, last_address)"
                            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SG_SQL_TOKEN_ROOM] = "SELECT count(*), coalesce(sum(name = ?2), 0) FROM tokens"
                          " WHERE user_id = ?1",
    [SG_SQL_TOKEN_EXPIRED] = "DELETE FROM tokens WHERE user_id = ? AND expires_ns <= ?",
    [SG_SQL_TOKEN_FIND] = SG_TOKEN_COLUMNS "WHERE sha256 = ?",
    [SG_SQL_TOKEN_GET] = SG_TOKEN_COLUMNS "WHERE id = ?",
    [SG_SQL_TOKEN_LIST] = SG_TOKEN_COLUMNS "WHERE user_id = ? ORDER BY name LIMIT ?",
    [SG_SQL_TOKEN_DELETE] = "DELETE FROM tokens WHERE id = ? AND user_id = ?",
    [SG_SQL_TOKEN_TOUCH] = "UPDATE tokens SET last_used_ns = ?2, last_address = ?3"
                           " WHERE id = ?1 AND last_used_ns <= ?2",
    [SG_SQL_TOKEN_PRUNE] = "DELETE FROM tokens WHERE expires_ns < ?",
    [SG_SQL_CERTIFICATE_INSERT] =
        "INSERT INTO certificates(serial, user_id, name, sha256, der, not_before_ns, not_after_ns,"
        " created_ns, revoked_ns) VALUES(?, ?, ?, ?, ?, ?, ?, ?, 0)",
    [SG_SQL_CERTIFICATE_COUNT] =
        "SELECT count(*) FILTER (WHERE revoked_ns = 0), count(*) FROM certificates"
        " WHERE user_id = ? AND not_after_ns > ?",
    [SG_SQL_CERTIFICATE_GET] = "SELECT " SG_CERTIFICATE_COLUMNS ", c.der FROM certificates c"
                               " JOIN users u ON u.id = c.user_id WHERE c.serial = ?",
    [SG_SQL_CERTIFICATE_LIST] =
        "SELECT " SG_CERTIFICATE_COLUMNS " FROM certificates c JOIN users u ON u.id = c.user_id"
        " WHERE c.user_id = ? ORDER BY c.created_ns DESC LIMIT ?",
    [SG_SQL_CERTIFICATE_LIST_ALL] =
        "SELECT " SG_CERTIFICATE_COLUMNS " FROM certificates c JOIN users u ON u.id = c.user_id"
        " WHERE c.created_ns >= 0 ORDER BY c.created_ns DESC LIMIT ?",
    [SG_SQL_CERTIFICATE_LIVE] =
        "SELECT " SG_CERTIFICATE_COLUMNS
        " FROM certificates c LEFT JOIN users u ON u.id = c.user_id"
        " WHERE c.serial > ? AND c.not_after_ns > ? ORDER BY c.serial LIMIT ?",
    [SG_SQL_CERTIFICATE_REVOKE] =
        "UPDATE certificates SET revoked_ns = CASE revoked_ns WHEN 0 THEN ?2 ELSE revoked_ns END"
        " WHERE serial = ?1",
    [SG_SQL_CERTIFICATE_PRUNE] = "DELETE FROM certificates WHERE not_after_ns < ?",
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
    [SG_SQL_PASSKEY_SESSIONS] = "DELETE FROM sessions WHERE user_id = ?1 AND method = ?2"
                                " AND passkey IS NULL",
    [SG_SQL_AUDIT_LAST] = "SELECT seq, chain FROM audit WHERE seq > 0 ORDER BY seq DESC LIMIT 1",
    [SG_SQL_AUDIT_PRUNED] = "SELECT seq, chain FROM audit_pruned WHERE id = 1",
    [SG_SQL_AUDIT_INSERT] = "INSERT INTO audit(seq, at_ns, type, actor, canonical, chain)"
                            " VALUES(?, ?, ?, ?, ?, ?)",
    [SG_SQL_AUDIT_ALL] = SG_AUDIT_PAGE("", SG_AUDIT_ANY, "ASC"),
    [SG_SQL_AUDIT_ALL_DESC] = SG_AUDIT_PAGE("", SG_AUDIT_ANY, "DESC"),
    [SG_SQL_AUDIT_ACTOR] = SG_AUDIT_PAGE("INDEXED BY audit_actor", SG_AUDIT_BY, "ASC"),
    [SG_SQL_AUDIT_ACTOR_DESC] = SG_AUDIT_PAGE("INDEXED BY audit_actor", SG_AUDIT_BY, "DESC"),
    [SG_SQL_AUDIT_TYPE] = SG_AUDIT_PAGE("INDEXED BY audit_type", SG_AUDIT_OF_TYPE, "ASC"),
    [SG_SQL_AUDIT_TYPE_DESC] = SG_AUDIT_PAGE("INDEXED BY audit_type", SG_AUDIT_OF_TYPE, "DESC"),
    [SG_SQL_AUDIT_SEGMENT] = "SELECT 1 FROM audit INDEXED BY audit_time WHERE seq >> 10 = ?"
                             " AND at_ns >= ? AND at_ns < ? LIMIT 1",
    [SG_SQL_AUDIT_YOUNG] = "SELECT seq FROM audit WHERE seq > ? AND seq <= ? AND at_ns >= ?"
                           " ORDER BY seq LIMIT 1",
    [SG_SQL_AUDIT_PRUNED_SET] = "UPDATE audit_pruned SET (seq, chain) ="
                                " (SELECT seq, chain FROM audit WHERE seq = ?1)"
                                " WHERE id = 1 AND EXISTS (SELECT 1 FROM audit WHERE seq = ?1)",
    [SG_SQL_AUDIT_PRUNE] = "DELETE FROM audit WHERE seq <= ?",
    /* -- OAuth -- */
    [SG_SQL_CLIENT_INSERT] =
        "INSERT INTO oauth_clients(id, name, secret_sha256, grants, created_ns)"
        " VALUES(?,?,?,?,?)",
    [SG_SQL_CLIENT_GET] = "SELECT id, name, secret_sha256, grants, created_ns FROM oauth_clients"
                          " WHERE id = ?",
    [SG_SQL_CLIENT_LIST] = "SELECT id, name, secret_sha256, grants, created_ns FROM oauth_clients"
                           " WHERE id > '' ORDER BY id LIMIT ?",
    [SG_SQL_CLIENT_COUNT] = "SELECT count(*) FROM oauth_clients",
    [SG_SQL_CLIENT_REMOVE] = "DELETE FROM oauth_clients WHERE id = ?",
    [SG_SQL_CLIENT_DEVICES] = "DELETE FROM device_grants WHERE client_id = ?",
    [SG_SQL_CLIENT_SESSIONS] = "DELETE FROM sessions WHERE client_id = ?1 AND client_id <> ''",
    [SG_SQL_AUDIENCE_INSERT] = "INSERT INTO oauth_audiences(audience, name, scopes, created_ns,"
                               " client_id) VALUES(?,?,?,?,?)",
    [SG_SQL_AUDIENCE_GET] = "SELECT audience, name, scopes, created_ns, ifnull(client_id, '')"
                            " FROM oauth_audiences"
                            " WHERE audience = ?",
    [SG_SQL_AUDIENCE_LIST] = "SELECT audience, name, scopes, created_ns, ifnull(client_id, '')"
                             " FROM oauth_audiences"
                             " WHERE audience > '' ORDER BY audience LIMIT ?",
    [SG_SQL_AUDIENCE_COUNT] = "SELECT count(*) FROM oauth_audiences",
    [SG_SQL_AUDIENCE_REMOVE] = "DELETE FROM oauth_audiences WHERE audience = ?",
    [SG_SQL_AUDIENCE_OF_CLIENT] = "DELETE FROM oauth_audiences WHERE client_id = ?",
    [SG_SQL_DEVICE_INSERT] = "INSERT INTO device_grants(device_sha256, user_sha256, client_id,"
                             " scopes, address, place, state, user_id, created_ns, expires_ns,"
                             " polled_ns, interval_s) VALUES(?,?,?,?,?,?,?,NULL,?,?,?,?)",
    [SG_SQL_DEVICE_COUNT] = "SELECT count(*), ifnull(sum(place = ?1), 0) FROM device_grants",
    [SG_SQL_DEVICE_GET] = "SELECT device_sha256, user_sha256, client_id, scopes, address, state,"
                          " ifnull(user_id, 0), created_ns, expires_ns, polled_ns, interval_s"
                          " FROM device_grants WHERE user_sha256 = ?1 AND state = 0"
                          " AND expires_ns > ?2",
    [SG_SQL_DEVICE_DECIDE] = "UPDATE device_grants SET state = ?3, user_id = ?4, scopes = ?5"
                             " WHERE user_sha256 = ?1 AND state = 0 AND expires_ns > ?2",
    [SG_SQL_DEVICE_POLL] = "SELECT device_sha256, user_sha256, client_id, scopes, address, state,"
                           " ifnull(user_id, 0), created_ns, expires_ns, polled_ns, interval_s"
                           " FROM device_grants WHERE device_sha256 = ?1 AND client_id = ?2",
    [SG_SQL_DEVICE_POLLED] = "UPDATE device_grants SET polled_ns = ?2, interval_s = ?3"
                             " WHERE device_sha256 = ?1",
    [SG_SQL_DEVICE_REMOVE] = "DELETE FROM device_grants WHERE device_sha256 = ?",
    [SG_SQL_DEVICE_REDEEM] = "DELETE FROM device_grants WHERE device_sha256 = ? AND user_id = ?"
                             " AND state = 1 AND expires_ns > ?",
    [SG_SQL_DEVICE_OF_USER] = "DELETE FROM device_grants WHERE user_id = ?",
    [SG_SQL_DEVICE_PRUNE] = "DELETE FROM device_grants WHERE expires_ns < ?",
    [SG_SQL_REVOKED_INSERT] = "INSERT OR IGNORE INTO revoked_tokens(jti, expires_ns) VALUES(?,?)",
    [SG_SQL_REVOKED_LIST] = "SELECT jti, expires_ns FROM revoked_tokens WHERE expires_ns > ?"
                            " ORDER BY expires_ns DESC LIMIT ?",
    [SG_SQL_REVOKED_PRUNE] = "DELETE FROM revoked_tokens WHERE expires_ns < ?",
};

const char *sqlite_sql_identity_text(enum sqlite_sql id)
{
    return texts[id];
}
