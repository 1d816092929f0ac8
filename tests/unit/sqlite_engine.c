/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the SQLite engine in the contract. It tests nothing. */
#include "sqlite_engine.h"

#include "store/sqlite.h"

static enum sg_err engine_open(const char *dir, void **ret)
{
    struct sqlite_store *s = NULL;
    enum sg_err err = sqlite_store_open(dir, &s);
    if (!err)
        *ret = s;
    return err;
}

static void engine_close(void *handle)
{
    sqlite_store_close(handle);
}

static enum sg_err engine_status(void *handle)
{
    return sqlite_store_status(handle);
}

static struct users_store engine_users(void *handle)
{
    return sqlite_store_users(handle);
}

static struct sessions_store engine_sessions(void *handle)
{
    return sqlite_store_sessions(handle);
}

static struct files_store engine_files(void *handle)
{
    return sqlite_store_files(handle);
}

static struct events_store engine_events(void *handle)
{
    return sqlite_store_events(handle);
}

static struct signatures_store engine_signatures(void *handle)
{
    return sqlite_store_signatures(handle);
}

static struct factors_store engine_factors(void *handle)
{
    return sqlite_store_factors(handle);
}

static struct certificates_store engine_certificates(void *handle)
{
    return sqlite_store_certificates(handle);
}

static struct oauth_store engine_oauth(void *handle)
{
    return sqlite_store_oauth(handle);
}

static struct tokens_store engine_tokens(void *handle)
{
    return sqlite_store_tokens(handle);
}

static struct audit_store engine_audit(void *handle)
{
    return sqlite_store_audit(handle);
}

static struct spaces_store engine_spaces(void *handle)
{
    return sqlite_store_spaces(handle);
}

const struct contract_engine sqlite_engine = {.name = "SQLite",
                                              .open = engine_open,
                                              .close = engine_close,
                                              .status = engine_status,
                                              .users = engine_users,
                                              .sessions = engine_sessions,
                                              .files = engine_files,
                                              .spaces = engine_spaces,
                                              .events = engine_events,
                                              .signatures = engine_signatures,
                                              .factors = engine_factors,
                                              .tokens = engine_tokens,
                                              .oauth = engine_oauth,
                                              .certificates = engine_certificates,
                                              .audit = engine_audit};
