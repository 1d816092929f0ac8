/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of the engine, one step per release that changed it. Never runs anything. */
#include "store/sqlite_internal.h"

static const char schema_1[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES('probe', 0);"
    /* AUTOINCREMENT: an id is never used again, whatever was removed. */
    "CREATE TABLE users("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " role INTEGER NOT NULL,"
    " disabled INTEGER NOT NULL,"
    " password_hash TEXT NOT NULL,"
    " created_ns INTEGER NOT NULL) STRICT;"
    "CREATE INDEX users_admins ON users(role, disabled);"
    "CREATE TABLE invites("
    " code_sha256 BLOB PRIMARY KEY,"
    " role INTEGER NOT NULL,"
    " created_by TEXT NOT NULL,"
    " expires_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX invites_by ON invites(created_by);"
    "CREATE INDEX invites_expiry ON invites(expires_ns);"
    "CREATE TABLE sessions("
    " id BLOB PRIMARY KEY,"
    " user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " address TEXT NOT NULL,"
    " device_name TEXT NOT NULL,"
    " device_mac TEXT NOT NULL,"
    " created_ns INTEGER NOT NULL,"
    " last_used_ns INTEGER NOT NULL,"
    " expires_ns INTEGER NOT NULL,"
    " family_key BLOB NOT NULL,"
    " current_sha256 BLOB NOT NULL,"
    " previous_sha256 BLOB NOT NULL,"
    " salt BLOB NOT NULL,"
    " sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX sessions_user ON sessions(user_id, created_ns, id);"
    "CREATE INDEX sessions_expiry ON sessions(expires_ns);"
    "CREATE TABLE addresses("
    " user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " address TEXT NOT NULL,"
    " last_ns INTEGER NOT NULL,"
    " PRIMARY KEY(user_id, address)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX addresses_age ON addresses(user_id, last_ns, address);"
    "CREATE TABLE spaces("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " owner_id INTEGER REFERENCES users(id)) STRICT;"
    "CREATE INDEX spaces_owner ON spaces(owner_id);"
    "INSERT INTO spaces(name, owner_id) VALUES('common', NULL);"
    /* dir is the path of the directory that holds the entry; the root has no row. */
    "CREATE TABLE entries("
    " space_id INTEGER NOT NULL REFERENCES spaces(id),"
    " path TEXT NOT NULL,"
    " dir TEXT NOT NULL,"
    " type INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " sha256 BLOB,"
    " modified_ns INTEGER NOT NULL,"
    " version INTEGER NOT NULL,"
    " owner TEXT NOT NULL,"
    " media_type TEXT NOT NULL,"
    " PRIMARY KEY(space_id, path)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX entries_name ON entries(space_id, dir, path);"
    "CREATE INDEX entries_size ON entries(space_id, dir, size, path);"
    "CREATE INDEX entries_modified ON entries(space_id, dir, modified_ns, path);"
    "CREATE INDEX entries_tree_size ON entries(space_id, size, path);"
    "CREATE INDEX entries_tree_modified ON entries(space_id, modified_ns, path);"
    "CREATE INDEX entries_blob ON entries(sha256) WHERE sha256 IS NOT NULL;";

/* Spaces with members, direct ones (peers: ids, the lower one first; the name is made of them), and
 * the event log. `logs` is apart from `spaces` because it changes with every event. */
static const char schema_2[] =
    "ALTER TABLE spaces ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE spaces ADD COLUMN peer_low INTEGER REFERENCES users(id);"
    "ALTER TABLE spaces ADD COLUMN peer_high INTEGER REFERENCES users(id);"
    "ALTER TABLE spaces ADD COLUMN description TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE spaces ADD COLUMN created_ns INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE spaces ADD COLUMN retention_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE spaces ADD COLUMN retention_count INTEGER NOT NULL DEFAULT 0;"
    "UPDATE spaces SET kind = 1 WHERE owner_id IS NOT NULL;"
    "UPDATE spaces SET created_ns = coalesce((SELECT created_ns FROM users WHERE id = owner_id),"
    " unixepoch() * 1000000000);"
    "CREATE UNIQUE INDEX spaces_direct ON spaces(peer_low, peer_high) WHERE peer_low IS NOT NULL;"
    "CREATE INDEX spaces_peer ON spaces(peer_high) WHERE peer_high IS NOT NULL;"
    "CREATE TABLE members("
    " space_id INTEGER NOT NULL REFERENCES spaces(id),"
    " user_id INTEGER NOT NULL REFERENCES users(id),"
    " role INTEGER NOT NULL,"
    " added_ns INTEGER NOT NULL,"
    " PRIMARY KEY(space_id, user_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX members_user ON members(user_id, space_id);"
    "CREATE TABLE reads("
    " user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " space_id INTEGER NOT NULL REFERENCES spaces(id) ON DELETE CASCADE,"
    " seq INTEGER NOT NULL,"
    " PRIMARY KEY(user_id, space_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX reads_space ON reads(space_id);"
    "INSERT INTO meta VALUES('epoch', abs(random() % 281474976710656));"
    "INSERT INTO meta VALUES('head', 0);" /* seq of the last event: survives its removal */
    /* Spaces that are gone but whose events are still being removed, some at a time. */
    "CREATE TABLE dropped(space_id INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE logs("
    " space_id INTEGER PRIMARY KEY REFERENCES spaces(id) ON DELETE CASCADE,"
    " head_seq INTEGER NOT NULL,"
    " head_chain BLOB NOT NULL,"
    " pruned_seq INTEGER NOT NULL,"
    " pruned_chain BLOB NOT NULL,"
    " events INTEGER NOT NULL) STRICT;" /* how many are left */
    "CREATE TABLE events("
    " seq INTEGER PRIMARY KEY,"
    " space_id INTEGER NOT NULL,"
    " type INTEGER NOT NULL,"
    " target INTEGER NOT NULL,"
    " sender_id INTEGER NOT NULL,"
    " sent_ns INTEGER NOT NULL,"
    " revised_seq INTEGER NOT NULL," /* of a message: its latest change; 0: none */
    " chain BLOB NOT NULL,"
    " canonical TEXT NOT NULL,"
    " text TEXT,"
    " salt BLOB) STRICT;"
    "CREATE INDEX events_space ON events(space_id);" /* and seq, which is the row's number */
    "CREATE INDEX events_type ON events(space_id, type, seq, sender_id);"
    "CREATE TABLE idempotency("
    " user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " key TEXT NOT NULL,"
    " fingerprint BLOB NOT NULL,"
    " seq INTEGER NOT NULL,"
    " created_ns INTEGER NOT NULL,"
    " PRIMARY KEY(user_id, key)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX idempotency_age ON idempotency(created_ns);"
    /* Versions of files that messages link: their content stays as long as the message. */
    "CREATE TABLE links("
    " seq INTEGER NOT NULL REFERENCES events(seq),"
    " space_id INTEGER NOT NULL,"
    " path TEXT NOT NULL,"
    " version INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " sha256 BLOB NOT NULL,"
    " modified_ns INTEGER NOT NULL,"
    " owner TEXT NOT NULL,"
    " media_type TEXT NOT NULL,"
    " PRIMARY KEY(seq, path)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX links_version ON links(space_id, path, version);"
    "CREATE INDEX links_blob ON links(sha256);";

/* The leaves of the log of signatures; `idx` is the leaf's number. Digests and names come in any
 * order: an index of all of them would touch as many pages as a batch has rows. So these indexes
 * are of segments of 32,768 leaves: what is written stays near the end, and who searches looks into
 * one segment after another. */
static const char schema_3[] =
    "CREATE TABLE signature_batches("
    " first INTEGER PRIMARY KEY,"
    " count INTEGER NOT NULL,"
    " key TEXT NOT NULL,"
    " created_ns INTEGER NOT NULL,"
    " tree_size INTEGER NOT NULL,"
    " note TEXT) STRICT;" /* the cosigned checkpoint */
    "CREATE INDEX signature_batches_key ON signature_batches(key, first);"
    "CREATE INDEX signature_batches_time ON signature_batches(created_ns);"
    "CREATE TABLE signatures("
    " idx INTEGER PRIMARY KEY,"
    " created_ns INTEGER NOT NULL,"
    " key TEXT NOT NULL,"
    " sha256 BLOB NOT NULL,"
    " package TEXT NOT NULL,"
    " record TEXT NOT NULL,"
    " signature BLOB," /* this and the next two: lost where only the log is left */
    " formats BLOB,"
    " place BLOB) STRICT;"
    "CREATE INDEX signatures_digest ON signatures(idx >> 15, sha256, idx);"
    "CREATE INDEX signatures_package ON signatures(idx >> 15, package, idx);";

/* What identity is made of besides users and sessions. `scopes` are bits of enum scope. */
static const char schema_4[] =
    /* Sessions: how they were made, what they are bound to (empty: to nothing). */
    "ALTER TABLE sessions ADD COLUMN method INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN scopes INTEGER NOT NULL DEFAULT 2147483647;"
    "ALTER TABLE sessions ADD COLUMN bound_address TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE sessions ADD COLUMN certificate_sha256 BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE sessions ADD COLUMN dpop_sha256 BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE sessions ADD COLUMN client_id TEXT NOT NULL DEFAULT '';"
    /* Tokens for scripts. */
    "CREATE TABLE tokens("
    " id BLOB PRIMARY KEY,"
    " user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL,"
    " sha256 BLOB NOT NULL UNIQUE,"
    " scopes INTEGER NOT NULL,"
    " spaces BLOB," /* ids, big-endian 64 bits each; NULL: all */
    " keys TEXT,"   /* names, one a line; NULL: all */
    " created_ns INTEGER NOT NULL,"
    " expires_ns INTEGER NOT NULL,"
    " last_used_ns INTEGER NOT NULL,"
    " last_address TEXT NOT NULL,"
    " UNIQUE(user_id, name)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX tokens_expiry ON tokens(expires_ns);"
    /* Client certificates of our own CA. */
    "CREATE TABLE certificates("
    " serial BLOB PRIMARY KEY,"
    " user_id INTEGER REFERENCES users(id) ON DELETE SET NULL," /* NULL: to be revoked */
    " name TEXT NOT NULL,"
    " sha256 BLOB NOT NULL UNIQUE,"
    " der BLOB NOT NULL,"
    " not_before_ns INTEGER NOT NULL,"
    " not_after_ns INTEGER NOT NULL,"
    " created_ns INTEGER NOT NULL,"
    " revoked_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;" /* 0: valid */
    "CREATE INDEX certificates_user ON certificates(user_id, created_ns);"
    "CREATE INDEX certificates_created ON certificates(created_ns);"
    "CREATE INDEX certificates_expiry ON certificates(not_after_ns);"
    /* The second factor: the secret is sealed; `last_step` is the last time step used. */
    "CREATE TABLE totp("
    " user_id INTEGER PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,"
    " sealed BLOB NOT NULL,"
    " confirmed_ns INTEGER NOT NULL," /* 0: not yet */
    " last_step INTEGER NOT NULL,"
    " created_ns INTEGER NOT NULL) STRICT;"
    "CREATE TABLE recovery_codes("
    " user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " sha256 BLOB NOT NULL,"
    " PRIMARY KEY(user_id, sha256)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE passkeys("
    " id BLOB PRIMARY KEY,"
    " user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL,"
    " algorithm INTEGER NOT NULL,"
    " public_key BLOB NOT NULL,"
    " sign_count INTEGER NOT NULL,"
    " created_ns INTEGER NOT NULL,"
    " last_used_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX passkeys_user ON passkeys(user_id, created_ns);"
    /* OAuth: who else may ask, what tokens may be for, devices that wait to be let in, tokens that
     * were revoked before their time. */
    "CREATE TABLE oauth_clients("
    " id TEXT PRIMARY KEY,"
    " name TEXT NOT NULL,"
    " secret_sha256 BLOB NOT NULL," /* empty: a public client */
    " grants INTEGER NOT NULL,"
    " created_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE oauth_audiences("
    " audience TEXT PRIMARY KEY,"
    " name TEXT NOT NULL,"
    " scopes INTEGER NOT NULL,"
    " created_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE device_grants("
    " device_sha256 BLOB PRIMARY KEY,"
    " user_sha256 BLOB NOT NULL UNIQUE,"
    " client_id TEXT NOT NULL,"
    " scopes INTEGER NOT NULL," /* 0: all that the user may */
    " address TEXT NOT NULL,"
    " place TEXT NOT NULL," /* of the address */
    " state INTEGER NOT NULL,"
    " user_id INTEGER REFERENCES users(id) ON DELETE CASCADE,"
    " created_ns INTEGER NOT NULL,"
    " expires_ns INTEGER NOT NULL,"
    " polled_ns INTEGER NOT NULL,"
    " interval_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX device_grants_expiry ON device_grants(expires_ns);"
    "CREATE INDEX sessions_client ON sessions(client_id) WHERE client_id <> '';"
    "CREATE TABLE revoked_tokens("
    " jti TEXT PRIMARY KEY,"
    " expires_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX revoked_tokens_expiry ON revoked_tokens(expires_ns);"
    /* Acts on identity, a chain of digests like that of the events. */
    "CREATE TABLE audit("
    " seq INTEGER PRIMARY KEY,"
    " at_ns INTEGER NOT NULL,"
    " type INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " canonical TEXT NOT NULL,"
    " chain BLOB NOT NULL) STRICT;"
    "CREATE INDEX audit_actor ON audit(actor, seq);"
    "CREATE INDEX audit_type ON audit(type, seq);"
    "CREATE TABLE audit_pruned("
    " id INTEGER PRIMARY KEY,"
    " seq INTEGER NOT NULL,"
    " chain BLOB NOT NULL) STRICT;"
    "INSERT INTO audit_pruned VALUES(1, 0, zeroblob(32));";

/* A session ends with the passkey that it was opened with. */
static const char schema_5[] =
    "ALTER TABLE sessions ADD COLUMN passkey BLOB REFERENCES passkeys(id) ON DELETE CASCADE;"
    "CREATE INDEX sessions_passkey ON sessions(passkey) WHERE passkey IS NOT NULL;"
    /* The client that is the service of an audience. */
    "ALTER TABLE oauth_audiences ADD COLUMN client_id TEXT"
    " REFERENCES oauth_clients(id) ON DELETE SET NULL;"
    "CREATE INDEX oauth_audiences_client ON oauth_audiences(client_id)"
    " WHERE client_id IS NOT NULL;";

/* Times of audit entries, in segments of 1024 entries: a clock may be set back, so that times do
 * not follow from numbers, but whether a segment has one of a range is found at once. */
static const char schema_6[] = "CREATE INDEX audit_time ON audit(seq >> 10, at_ns);";

const char *sqlite_sql_migration(unsigned index)
{
    static const char *const steps[] = {schema_1, schema_2, schema_3, schema_4, schema_5, schema_6};
    return index < sizeof(steps) / sizeof(steps[0]) ? steps[index] : NULL;
}
