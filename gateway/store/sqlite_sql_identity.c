/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of what identity is made of besides users and sessions: tokens, certificates,
 * second factors, OAuth, the audit log. */
#include "store/sqlite_internal.h"

static const char *const texts[SG_SQL_COUNT] = {
    [SG_SQL_AUDIT_LAST] = "SELECT seq, chain FROM audit ORDER BY seq DESC LIMIT 1",
};

const char *sqlite_sql_identity_text(enum sqlite_sql id)
{
    return texts[id];
}
