/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQL of the engine, every statement of it, with nothing put together at run time.
 * Never runs anything.
 *
 * Lists: a page is one range of one index, so its cost depends on the limit and not on the number
 * of entries. The bounds ?lo (inclusive) and ?hi (exclusive) of `path` hold the prefix and, by
 * name, the cursor; INDEXED BY makes a statement fail at prepare instead of becoming slow. Byte
 * order is the BINARY collation. Two combinations filter while they walk: a prefix together with an
 * order by size or time, and an order by size or time of everything below a directory that is not
 * the root.
 */
#include "store/sqlite_internal.h"

/* One page of signatures; all of these take the same: before, low, since, until, limit, digest,
 * package, key. */
#define SG_SIGNATURE_COLUMNS                                                                       \
    "SELECT s.idx, s.created_ns, s.key, s.sha256, s.package, s.record, s.signature"
#define SG_SIGNATURE_RANGE                                                                         \
    " s.idx < ?1 AND s.idx >= ?2 AND s.created_ns >= ?3 AND s.created_ns < ?4"
#define SG_SIGNATURE_KEY " AND (?8 IS NULL OR s.key = ?8)"

#define SG_USER_COLUMNS "SELECT id, name, role, disabled, password_hash, created_ns FROM users "
#define SG_SESSION_COLUMNS                                                                         \
    "SELECT id, user_id, address, device_name, device_mac, created_ns, last_used_ns, expires_ns,"  \
    " family_key, current_sha256, previous_sha256, salt, sequence, method, scopes,"                \
    " bound_address, certificate_sha256, dpop_sha256, client_id FROM sessions "
/* A space as its record; `name` as the user ?1 gives it, with the marks of the same user. */
#define SG_SPACE_RECORD(name, role)                                                                \
    "SELECT s.id AS id, s.kind, " name " AS shown, coalesce(s.owner_id, 0),"                       \
    " coalesce(s.peer_low, 0), coalesce(s.peer_high, 0), " role
#define SG_SPACE_MORE                                                                              \
    ", s.description, s.created_ns, s.retention_s, s.retention_count, coalesce(r.seq, 0),"         \
    " coalesce(l.head_seq, 0), coalesce(l.pruned_seq, 0)"
#define SG_SPACE_MARKS                                                                             \
    " LEFT JOIN reads r ON r.user_id = ?1 AND r.space_id = s.id"                                   \
    " LEFT JOIN logs l ON l.space_id = s.id"
#define SG_SPACE_SHOWN                                                                             \
    "CASE s.kind WHEN 3 THEN (SELECT '@' || u.name FROM users u WHERE u.id ="                      \
    " iif(s.peer_low = ?1, s.peer_high, s.peer_low)) ELSE s.name END"
#define SG_SPACE_ONE(more, marks)                                                                  \
    SG_SPACE_RECORD(SG_SPACE_SHOWN, "coalesce(m.role, 0)")                                         \
    more " FROM spaces s LEFT JOIN members m ON m.space_id = s.id AND m.user_id = ?1" marks        \
         " WHERE s.id = ?2"
/* All that a user sees: the five ways to see a space exclude each other. */
#define SG_SPACE_ALL(more, marks, beyond)                                                          \
    SG_SPACE_RECORD("s.name", "0")                                                                 \
    more " FROM spaces s" marks " WHERE s.name = 'common'" beyond                                  \
         " UNION ALL " SG_SPACE_RECORD("s.name", "0") more                                         \
        " FROM spaces s" marks " WHERE s.owner_id = ?1" beyond                                     \
        " UNION ALL " SG_SPACE_RECORD("s.name", "m.role") more                                     \
        " FROM members m CROSS JOIN spaces s ON s.id = m.space_id" marks                           \
        " WHERE m.user_id = ?1" beyond " UNION ALL " SG_SPACE_RECORD("'@' || u.name", "0") more    \
        " FROM spaces s CROSS JOIN users u ON u.id = s.peer_high" marks                            \
        " WHERE s.peer_low = ?1" beyond " UNION ALL " SG_SPACE_RECORD("'@' || u.name", "0") more   \
        " FROM spaces s CROSS JOIN users u ON u.id = s.peer_low" marks                             \
        " WHERE s.peer_high = ?1" beyond
#define SG_MEMBER_COLUMNS "SELECT u.id, u.name, m.role, m.added_ns "
#define SG_ENTRY_COLUMNS                                                                           \
    "SELECT path, type, size, sha256, modified_ns, version, owner, media_type FROM entries "

/* A message, its latest change, and who made that. */
#define SG_EVENT_COLUMNS                                                                           \
    "SELECT e.seq, e.space_id, e.type, e.target, e.sender_id, e.sent_ns, e.chain, e.canonical,"    \
    " e.text, e.salt, e.revised_seq, r.type, r.sent_ns, json_extract(r.canonical, '$.sender'),"    \
    " r.text FROM events e LEFT JOIN events r ON r.seq = nullif(e.revised_seq, 0) "
#define SG_EVENT_KEYS(index, and_type, order)                                                      \
    "SELECT seq FROM events INDEXED BY " index                                                     \
    " WHERE space_id = ?1 AND seq > ?2 AND seq < ?3" and_type " ORDER BY seq " order " LIMIT ?4"

#define SG_LIST(index, key, op, order)                                                             \
    SG_ENTRY_COLUMNS "INDEXED BY " index " WHERE space_id = ?1 AND dir = ?2"                       \
                     " AND path >= ?3 AND path < ?4 AND (" key ", path) " op " (?6, ?7)"           \
                     " ORDER BY " key " " order ", path " order " LIMIT ?5"
#define SG_TREE(index, key, op, order)                                                             \
    SG_ENTRY_COLUMNS "INDEXED BY " index " WHERE space_id = ?1"                                    \
                     " AND path >= ?3 AND path < ?4 AND (" key ", path) " op " (?6, ?7)"           \
                     " ORDER BY " key " " order ", path " order " LIMIT ?5"

static const char *const texts[SG_SQL_COUNT] = {
    [SG_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SG_SQL_READ_BEGIN] = "BEGIN",
    [SG_SQL_COMMIT] = "COMMIT",
    [SG_SQL_ROLLBACK] = "ROLLBACK",
    [SG_SQL_SAVEPOINT] = "SAVEPOINT job",
    [SG_SQL_SAVEPOINT_UNDO] = "ROLLBACK TO job",
    [SG_SQL_SAVEPOINT_RELEASE] = "RELEASE job",
    [SG_SQL_PROBE] = "UPDATE meta SET value = value + 1 WHERE key = 'probe'",

    [SG_SQL_USER_BY_NAME] = SG_USER_COLUMNS "WHERE name = ?",
    [SG_SQL_USER_BY_ID] = SG_USER_COLUMNS "WHERE id = ?",
    [SG_SQL_USER_LIST] = SG_USER_COLUMNS "WHERE name > ? ORDER BY name LIMIT ?",
    [SG_SQL_USER_INSERT] = "INSERT INTO users(name, role, disabled, password_hash, created_ns)"
                           " VALUES(?, ?, ?, ?, ?)",
    [SG_SQL_USER_UPDATE] = "UPDATE users SET role = ?, disabled = ? WHERE id = ?",
    [SG_SQL_USER_PASSWORD] = "UPDATE users SET password_hash = ? WHERE id = ?",
    [SG_SQL_USER_DELETE] = "DELETE FROM users WHERE id = ?",
    [SG_SQL_USER_COUNTS] = "SELECT count(*), (SELECT count(*) FROM users WHERE role = 2"
                           " AND disabled = 0) FROM users",
    [SG_SQL_ADMIN_COUNT] = "SELECT count(*) FROM users WHERE role = 2 AND disabled = 0",

    [SG_SQL_INVITE_GET] = "SELECT role, expires_ns, created_by FROM invites WHERE code_sha256 = ?",
    [SG_SQL_INVITE_INSERT] = "INSERT OR REPLACE INTO invites(code_sha256, role, created_by,"
                             " expires_ns) VALUES(?, ?, ?, ?)",
    [SG_SQL_INVITE_DELETE] = "DELETE FROM invites WHERE code_sha256 = ?",
    [SG_SQL_INVITE_DELETE_BY] = "DELETE FROM invites WHERE created_by = ?",
    [SG_SQL_INVITE_PRUNE] = "DELETE FROM invites WHERE expires_ns <= ?",

    [SG_SQL_SESSION_INSERT] =
        "INSERT INTO sessions(id, user_id, address, device_name, device_mac, created_ns,"
        " last_used_ns, expires_ns, family_key, current_sha256, previous_sha256, salt, sequence,"
        " method, scopes, bound_address, certificate_sha256, dpop_sha256, client_id, passkey)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SG_SQL_SESSION_GET] = SG_SESSION_COLUMNS "WHERE id = ?",
    [SG_SQL_SESSION_LIST] =
        SG_SESSION_COLUMNS "WHERE user_id = ? ORDER BY created_ns DESC, id DESC LIMIT ?",
    [SG_SQL_SESSION_BEYOND] = "SELECT id FROM sessions WHERE user_id = ?"
                              " ORDER BY created_ns DESC, id DESC LIMIT ? OFFSET ?",
    [SG_SQL_SESSION_ROTATE] =
        "UPDATE sessions SET previous_sha256 = ?, current_sha256 = ?, salt = ?, address = ?,"
        " last_used_ns = max(last_used_ns, ?) WHERE id = ? AND current_sha256 = ?",
    [SG_SQL_SESSION_DELETE] = "DELETE FROM sessions WHERE id = ?1 AND (?2 = 0 OR user_id = ?2)",
    [SG_SQL_SESSION_DELETE_OTHERS] = "DELETE FROM sessions WHERE user_id = ? AND id IS NOT ?",
    [SG_SQL_SESSION_TOUCH] =
        "UPDATE sessions SET last_used_ns = ?1 WHERE id = ?2 AND last_used_ns < ?1",
    [SG_SQL_SESSION_PRUNE] = "DELETE FROM sessions WHERE expires_ns < ?",
    [SG_SQL_ADDRESS_NOTE] =
        "INSERT INTO addresses(user_id, address, last_ns) VALUES(?, ?, ?)"
        " ON CONFLICT(user_id, address) DO UPDATE SET last_ns = max(last_ns, excluded.last_ns)",
    [SG_SQL_ADDRESS_TRIM] =
        "DELETE FROM addresses WHERE user_id = ?1 AND address IN (SELECT address FROM addresses"
        " WHERE user_id = ?1 ORDER BY last_ns DESC, address DESC LIMIT -1 OFFSET ?2)",
    [SG_SQL_ADDRESS_KNOWN] = "SELECT 1 FROM addresses WHERE user_id ="
                             " (SELECT id FROM users WHERE name = ?) AND address = ?",

    [SG_SQL_SPACE_BY_NAME] =
        SG_SPACE_RECORD("s.name", "coalesce(m.role, 0)") " FROM spaces s LEFT JOIN members m"
                                                         " ON m.space_id = s.id AND m.user_id = ?1"
                                                         " WHERE s.name = ?2",
    [SG_SQL_SPACE_BY_ID] = SG_SPACE_ONE("", ""),
    [SG_SQL_SPACE_INFO] = SG_SPACE_ONE(SG_SPACE_MORE, SG_SPACE_MARKS),
    [SG_SQL_SPACE_KIND] = "SELECT kind FROM spaces WHERE id = ?",
    [SG_SQL_SPACE_DIRECT] =
        "SELECT u.id, coalesce(s.id, 0) FROM users u LEFT JOIN spaces s"
        " ON s.peer_low = min(u.id, ?1) AND s.peer_high = max(u.id, ?1) WHERE u.name = ?2",
    [SG_SQL_SPACE_LIST] =
        SG_SPACE_ALL(SG_SPACE_MORE, SG_SPACE_MARKS, "") " ORDER BY shown LIMIT ?2",
    [SG_SQL_SPACE_VISIBLE] = SG_SPACE_ALL("", "", " AND s.id > ?2") " ORDER BY id LIMIT ?3",
    [SG_SQL_SPACE_RETENTIONS] =
        "SELECT s.id, s.retention_s, s.retention_count, coalesce(l.pruned_seq, 0) FROM spaces s"
        " LEFT JOIN logs l ON l.space_id = s.id WHERE s.id > ? ORDER BY s.id LIMIT ?",
    [SG_SQL_SPACE_UNREAD] =
        "SELECT count(*) FROM (SELECT 1 FROM events INDEXED BY events_type WHERE space_id = ?1"
        " AND type = 0 AND seq > ?2 AND sender_id <> ?3 LIMIT ?4)",
    [SG_SQL_SPACE_READ] =
        "INSERT INTO reads(user_id, space_id, seq) SELECT u.id, s.id, ?3 FROM users u CROSS JOIN"
        " spaces s WHERE u.id = ?1 AND s.id = ?2"
        " ON CONFLICT(user_id, space_id) DO UPDATE SET seq = max(seq, excluded.seq)",
    [SG_SQL_SPACE_OF_USER] = "SELECT id FROM spaces WHERE owner_id = ?1 OR peer_low = ?1"
                             " OR peer_high = ?1 LIMIT 1",
    [SG_SQL_SPACE_INSERT] =
        "INSERT INTO spaces(name, owner_id, kind, peer_low, peer_high, description, created_ns)"
        " VALUES(?, nullif(?, 0), ?, nullif(?, 0), nullif(?, 0), ?, ?)",
    [SG_SQL_SPACE_UPDATE] = "UPDATE spaces SET description = ?, retention_s = ?,"
                            " retention_count = ? WHERE id = ?",
    [SG_SQL_SPACE_DELETE] = "DELETE FROM spaces WHERE id = ?",
    [SG_SQL_SPACE_DROPPED] = "SELECT space_id FROM dropped LIMIT 1",
    [SG_SQL_SPACE_DROP] = "INSERT INTO dropped(space_id) SELECT space_id FROM events"
                          " INDEXED BY events_space WHERE space_id = ? LIMIT 1",
    [SG_SQL_SPACE_DROP_END] = "DELETE FROM dropped WHERE space_id = ?",
    [SG_SQL_SPACE_DROP_LINKS] = "DELETE FROM links WHERE seq IN (SELECT seq FROM events"
                                " INDEXED BY events_space WHERE space_id = ? LIMIT ?)",
    [SG_SQL_SPACE_DROP_EVENTS] = "DELETE FROM events WHERE seq IN (SELECT seq FROM events"
                                 " INDEXED BY events_space WHERE space_id = ? LIMIT ?)",
    [SG_SQL_SPACE_CLEAR_ENTRIES] = "DELETE FROM entries WHERE space_id = ?",
    [SG_SQL_SPACE_CLEAR_MEMBERS] = "DELETE FROM members WHERE space_id = ?",

    [SG_SQL_MEMBER_GET] = SG_MEMBER_COLUMNS "FROM users u CROSS JOIN members m"
                                            " ON m.space_id = ?1 AND m.user_id = u.id"
                                            " WHERE u.name = ?2",
    [SG_SQL_MEMBER_LIST] = SG_MEMBER_COLUMNS "FROM members m CROSS JOIN users u ON u.id = m.user_id"
                                             " WHERE m.space_id = ? AND u.name > ?"
                                             " ORDER BY u.name LIMIT ?",
    [SG_SQL_MEMBER_COUNT] = "SELECT count(*) FROM members WHERE space_id = ?",
    [SG_SQL_MEMBER_SPACES] = "SELECT count(*) FROM members WHERE user_id = ?",
    [SG_SQL_MEMBER_INSERT] =
        "INSERT INTO members(space_id, user_id, role, added_ns) VALUES(?, ?, ?, ?)",
    [SG_SQL_MEMBER_UPDATE] = "UPDATE members SET role = ? WHERE space_id = ? AND user_id = ?",
    [SG_SQL_MEMBER_DELETE] = "DELETE FROM members WHERE space_id = ? AND user_id = ?",
    [SG_SQL_MEMBER_OTHER_OWNER] =
        "SELECT 1 FROM members WHERE space_id = ? AND role = 3 AND user_id <> ? LIMIT 1",
    [SG_SQL_MEMBER_HEIR] = SG_MEMBER_COLUMNS
    "FROM members m CROSS JOIN users u ON u.id = m.user_id WHERE m.space_id = ?"
    " ORDER BY m.role DESC, m.added_ns, m.user_id LIMIT 1",
    [SG_SQL_MEMBER_FIRST_SPACE] =
        "SELECT space_id FROM members WHERE user_id = ? ORDER BY space_id LIMIT 1",

    [SG_SQL_ENTRY_GET] = SG_ENTRY_COLUMNS "WHERE space_id = ? AND path = ?",
    [SG_SQL_ENTRY_INSERT] = "INSERT INTO entries(space_id, path, dir, type, size, sha256,"
                            " modified_ns, version, owner, media_type)"
                            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SG_SQL_ENTRY_UPDATE] = "UPDATE entries SET size = ?, sha256 = ?, modified_ns = ?, version = ?,"
                            " owner = ?, media_type = ? WHERE space_id = ? AND path = ?",
    [SG_SQL_ENTRY_DELETE] = "DELETE FROM entries WHERE space_id = ? AND path = ?",
    [SG_SQL_ENTRY_DELETE_BELOW] =
        "DELETE FROM entries WHERE space_id = ? AND path >= ? AND path < ?",
    [SG_SQL_ENTRY_HAS_CHILD] = "SELECT 1 FROM entries INDEXED BY entries_name"
                               " WHERE space_id = ? AND dir = ? LIMIT 1",
    [SG_SQL_BLOB_USED] = "SELECT 1 FROM entries INDEXED BY entries_blob WHERE sha256 = ?1"
                         " UNION ALL SELECT 1 FROM links INDEXED BY links_blob WHERE sha256 = ?1"
                         " LIMIT 1",
    [SG_SQL_LINK_VERSION] = "SELECT coalesce(max(version), 0) FROM links INDEXED BY links_version"
                            " WHERE space_id = ? AND path = ?",
    [SG_SQL_ENTRY_BELOW_SIZE] =
        "SELECT coalesce(max(length(CAST(path AS BLOB))), 0),"
        " coalesce(max(length(path) - length(replace(path, '/', ''))), 0) FROM entries"
        " WHERE space_id = ? AND path >= ? AND path < ?",
    [SG_SQL_ENTRY_MOVE] = "UPDATE entries SET space_id = ?, path = ?, dir = ?, version = ?"
                          " WHERE space_id = ? AND path = ?",
    /* ?4 and ?5: paths of the directory, old and new. */
    [SG_SQL_ENTRY_MOVE_BELOW] =
        "UPDATE entries SET space_id = ?6, path = ?5 || substr(path, length(?4) + 1),"
        " dir = ?5 || substr(dir, length(?4) + 1),"
        " version = iif(type = 1, 0, max(version, 1 + coalesce((SELECT max(l.version) FROM links l"
        " INDEXED BY links_version WHERE l.space_id = ?6"
        " AND l.path = ?5 || substr(entries.path, length(?4) + 1)), 0)))"
        " WHERE space_id = ?1 AND path >= ?2 AND path < ?3",

    [SG_SQL_LIST_NAME] = SG_ENTRY_COLUMNS
    "INDEXED BY entries_name WHERE space_id = ?1 AND dir = ?2 AND path >= ?3 AND path < ?4"
    " ORDER BY path LIMIT ?5",
    [SG_SQL_LIST_NAME_DESC] = SG_ENTRY_COLUMNS
    "INDEXED BY entries_name WHERE space_id = ?1 AND dir = ?2 AND path >= ?3 AND path < ?4"
    " ORDER BY path DESC LIMIT ?5",
    [SG_SQL_LIST_SIZE] = SG_LIST("entries_size", "size", ">", "ASC"),
    [SG_SQL_LIST_SIZE_DESC] = SG_LIST("entries_size", "size", "<", "DESC"),
    [SG_SQL_LIST_MODIFIED] = SG_LIST("entries_modified", "modified_ns", ">", "ASC"),
    [SG_SQL_LIST_MODIFIED_DESC] = SG_LIST("entries_modified", "modified_ns", "<", "DESC"),
    [SG_SQL_TREE_NAME] =
        SG_ENTRY_COLUMNS "WHERE space_id = ?1 AND path >= ?3 AND path < ?4 ORDER BY path LIMIT ?5",
    [SG_SQL_TREE_NAME_DESC] = SG_ENTRY_COLUMNS
    "WHERE space_id = ?1 AND path >= ?3 AND path < ?4 ORDER BY path DESC LIMIT ?5",
    [SG_SQL_TREE_SIZE] = SG_TREE("entries_tree_size", "size", ">", "ASC"),
    [SG_SQL_TREE_SIZE_DESC] = SG_TREE("entries_tree_size", "size", "<", "DESC"),
    [SG_SQL_TREE_MODIFIED] = SG_TREE("entries_tree_modified", "modified_ns", ">", "ASC"),
    [SG_SQL_TREE_MODIFIED_DESC] = SG_TREE("entries_tree_modified", "modified_ns", "<", "DESC"),

    [SG_SQL_LOG_META] = "SELECT e.value, h.value FROM meta e, meta h"
                        " WHERE e.key = 'epoch' AND h.key = 'head'",
    [SG_SQL_LOG_HEAD_SET] = "UPDATE meta SET value = ? WHERE key = 'head'",
    [SG_SQL_LOG_EPOCH_NEW] =
        "UPDATE meta SET value = abs(random() % 281474976710656) WHERE key = 'epoch'",
    [SG_SQL_LOG_CHAIN] = "SELECT l.head_chain FROM spaces s LEFT JOIN logs l ON l.space_id = s.id"
                         " WHERE s.id = ?",
    [SG_SQL_LOG_APPEND] =
        "INSERT INTO logs(space_id, head_seq, head_chain, pruned_seq, pruned_chain, events)"
        " VALUES(?, ?, ?, 0, zeroblob(32), 1) ON CONFLICT(space_id) DO UPDATE SET"
        " head_seq = excluded.head_seq, head_chain = excluded.head_chain, events = events + 1",
    [SG_SQL_LOG_RANGE] = "SELECT head_seq, head_chain, pruned_seq, pruned_chain, events FROM logs"
                         " WHERE space_id = ?",
    [SG_SQL_LOG_COUNT] = "SELECT events FROM logs WHERE space_id = ?",
    [SG_SQL_LOG_PRUNED] = "UPDATE logs SET pruned_seq = ?, pruned_chain = ?, events = events - ?"
                          " WHERE space_id = ?",
    [SG_SQL_EVENT_INSERT] =
        "INSERT INTO events(seq, space_id, type, target, sender_id, sent_ns, chain, canonical,"
        " text, salt, revised_seq) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
    [SG_SQL_EVENT_ROW] = SG_EVENT_COLUMNS "WHERE e.seq = ?",
    [SG_SQL_EVENT_KEYS] = SG_EVENT_KEYS("events_space", "", "ASC"),
    [SG_SQL_EVENT_KEYS_DESC] = SG_EVENT_KEYS("events_space", "", "DESC"),
    [SG_SQL_TYPE_KEYS] = SG_EVENT_KEYS("events_type", " AND type = ?5", "ASC"),
    [SG_SQL_TYPE_KEYS_DESC] = SG_EVENT_KEYS("events_type", " AND type = ?5", "DESC"),
    [SG_SQL_EVENT_OLDEST] = "SELECT seq, sent_ns, chain FROM events INDEXED BY events_space"
                            " WHERE space_id = ? ORDER BY seq LIMIT ?",
    [SG_SQL_EVENT_PRUNE] =
        "DELETE FROM events INDEXED BY events_space WHERE space_id = ? AND seq <= ?",
    [SG_SQL_EVENT_WIPE] = "UPDATE events SET text = NULL, salt = NULL WHERE seq = ?",
    [SG_SQL_MESSAGE_GET] = "SELECT e.sender_id, e.revised_seq, r.type FROM events e LEFT JOIN"
                           " events r ON r.seq = nullif(e.revised_seq, 0)"
                           " WHERE e.seq = ? AND e.space_id = ? AND e.type = 0",
    [SG_SQL_MESSAGE_REVISE] =
        "UPDATE events SET text = NULL, salt = NULL, revised_seq = ? WHERE seq = ?",
    [SG_SQL_LINK_INSERT] = "INSERT INTO links(seq, space_id, path, version, size, sha256,"
                           " modified_ns, owner, media_type) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SG_SQL_LINK_CLEAR] = "DELETE FROM links WHERE seq = ?",
    [SG_SQL_LINK_PRUNE] =
        "DELETE FROM links WHERE seq IN (SELECT seq FROM events INDEXED BY events_space"
        " WHERE space_id = ? AND seq <= ?)",
    [SG_SQL_LINK_GET] =
        "SELECT path, 0, size, sha256, modified_ns, version, owner, media_type FROM links"
        " INDEXED BY links_version WHERE space_id = ? AND path = ? AND version = ? LIMIT 1",
    [SG_SQL_KEY_GET] =
        "SELECT k.fingerprint, k.seq, k.created_ns, e.space_id, e.salt FROM idempotency k"
        " LEFT JOIN events e ON e.seq = k.seq WHERE k.user_id = ? AND k.key = ?",
    [SG_SQL_KEY_SET] =
        "INSERT INTO idempotency(user_id, key, fingerprint, seq, created_ns) VALUES(?, ?, ?, ?, ?)"
        " ON CONFLICT(user_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,"
        " seq = excluded.seq, created_ns = excluded.created_ns",
    [SG_SQL_KEY_PRUNE] = "DELETE FROM idempotency WHERE created_ns < ?",
    [SG_SQL_SIGNATURE_INSERT] =
        "INSERT INTO signatures(idx, created_ns, key, sha256, package, record, signature, formats,"
        " place) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SG_SQL_SIGNATURE_BATCH] =
        "INSERT INTO signature_batches(first, count, key, created_ns, tree_size, note)"
        " VALUES(?, ?, ?, ?, ?, ?)",
    [SG_SQL_SIGNATURE_GET] = SG_SIGNATURE_COLUMNS ", s.formats, s.place, b.tree_size, b.note"
                                                  " FROM signatures s LEFT JOIN signature_batches b"
                                                  " ON b.first = (SELECT max(first) FROM"
                                                  " signature_batches WHERE first <= ?1)"
                                                  " WHERE s.idx = ?1",
    [SG_SQL_SIGNATURE_ANY] = SG_SIGNATURE_COLUMNS " FROM signatures s WHERE" SG_SIGNATURE_RANGE
                                                  " ORDER BY s.idx DESC LIMIT ?5",
    [SG_SQL_SIGNATURE_BY_DIGEST] = SG_SIGNATURE_COLUMNS
    " FROM signatures s WHERE s.idx >> 15 = ?9 AND s.sha256 = ?6 AND" SG_SIGNATURE_RANGE
    " AND (?7 IS NULL OR s.package = ?7)" SG_SIGNATURE_KEY " ORDER BY s.idx DESC LIMIT ?5",
    [SG_SQL_SIGNATURE_BY_PACKAGE] = SG_SIGNATURE_COLUMNS
    " FROM signatures s WHERE s.idx >> 15 = ?9 AND s.package = ?7 AND" SG_SIGNATURE_RANGE
        SG_SIGNATURE_KEY " ORDER BY s.idx DESC LIMIT ?5",
    /* Batches are of one key each: whole runs of rows, and no index of the rows by key. `low` is
     * where a batch begins. */
    [SG_SQL_SIGNATURE_BY_KEY] = SG_SIGNATURE_COLUMNS
    " FROM signature_batches b CROSS JOIN signatures s"
    " WHERE b.key = ?8 AND b.first >= ?2 AND b.first < ?1 AND s.idx >= b.first"
    " AND s.idx < b.first + b.count AND" SG_SIGNATURE_RANGE
    " ORDER BY b.first DESC, s.idx DESC LIMIT ?5",
    [SG_SQL_SIGNATURE_LAST] = "SELECT coalesce(max(idx), 0) FROM signatures",
    [SG_SQL_SIGNATURE_TIME_LOW] = "SELECT first FROM signature_batches WHERE created_ns < ?"
                                  " ORDER BY created_ns DESC LIMIT 1",
    [SG_SQL_SIGNATURE_TIME_HIGH] = "SELECT first FROM signature_batches WHERE created_ns >= ?"
                                   " ORDER BY created_ns LIMIT 1",
    [SG_SQL_SIGNATURE_CUT] = "DELETE FROM signatures WHERE idx >= ?",
    [SG_SQL_SIGNATURE_CUT_BATCHES] = "DELETE FROM signature_batches WHERE first >= ?",
    [SG_SQL_SIGNATURE_CUT_LAST] = "UPDATE signature_batches SET count = ?1 - first WHERE first ="
                                  " (SELECT max(first) FROM signature_batches)"
                                  " AND first + count > ?1",
    [SG_SQL_SIGNATURE_RUNS] = "SELECT first, count FROM signature_batches WHERE first >="
                              " coalesce((SELECT max(first) FROM signature_batches"
                              " WHERE first <= ?), 0) ORDER BY first",
};

const char *sqlite_sql_text(enum sqlite_sql id)
{
    return texts[id] != NULL ? texts[id] : sqlite_sql_identity_text(id);
}
