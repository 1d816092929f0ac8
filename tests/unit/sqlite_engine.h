/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite engine as the contract takes it. */
#ifndef SG_TESTS_SQLITE_ENGINE_H
#define SG_TESTS_SQLITE_ENGINE_H

#include "contract.h"

#include <sqlite3.h>

extern const struct contract_engine sqlite_engine;

/* The database of an engine that lies in `dir`, for sqlite3_close(). */
sqlite3 *sqlite_engine_raw(const char *dir);

/* Opens what a release with this version of the schema left behind: its tables, and what the
 * statements of `content` put in. */
void sqlite_engine_open_old(struct contract_store *ret, int version, const char *content);

#endif
