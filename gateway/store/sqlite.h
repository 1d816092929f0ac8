/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite engine of the users, sessions, files, spaces, events and signatures stores: WAL,
 * synchronous=FULL, one writer thread that takes the whole queue, commits once and then answers
 * everyone; readers have a connection per thread.
 */
#ifndef SG_STORE_SQLITE_H
#define SG_STORE_SQLITE_H

#include "store/audit.h"
#include "store/certificates.h"
#include "store/events.h"
#include "store/factors.h"
#include "store/files.h"
#include "store/oauth.h"
#include "store/sessions.h"
#include "store/signatures.h"
#include "store/spaces.h"
#include "store/tokens.h"
#include "store/users.h"

struct sqlite_store;

/* Opens or creates DIR/secgate.db, migrates it (PRAGMA user_version), makes the space "common",
 * starts the writer. SG_ERR_CORRUPT when it is not ours or from a newer release. */
enum sg_err sqlite_store_open(const char *dir, struct sqlite_store **ret) SG_MUST_CHECK;
/* Ends the writer after what is queued; NULL is legal. */
void sqlite_store_close(struct sqlite_store *s);

struct users_store sqlite_store_users(struct sqlite_store *s);
struct sessions_store sqlite_store_sessions(struct sqlite_store *s);
struct tokens_store sqlite_store_tokens(struct sqlite_store *s);
struct factors_store sqlite_store_factors(struct sqlite_store *s);
struct certificates_store sqlite_store_certificates(struct sqlite_store *s);
struct files_store sqlite_store_files(struct sqlite_store *s);
struct spaces_store sqlite_store_spaces(struct sqlite_store *s);
struct events_store sqlite_store_events(struct sqlite_store *s);
struct oauth_store sqlite_store_oauth(struct sqlite_store *s);
struct signatures_store sqlite_store_signatures(struct sqlite_store *s);
struct audit_store sqlite_store_audit(struct sqlite_store *s);

/* SG_OK when the writer lives and the last commit did not fail: for readiness. */
enum sg_err sqlite_store_status(struct sqlite_store *s) SG_MUST_CHECK;

#endif
