/* SPDX-License-Identifier: Apache-2.0 */
/* Verifier keys. A key that is pinned is replaced only when it was asked for. */
#include "cli/logkey.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/api.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/term.h"

#include <string.h>
#include <unistd.h>

enum cli_status logkey_parse(const char *text, struct note_key *ret)
{
    SG_BUF_CLEANUP struct buf file = {0};

    if (note_key_parse(text, ret) == SG_OK)
        return SG_CLI_OK;
    buf_init(&file, 4096);
    if (access(text, R_OK) == 0 && file_read(text, &file) == SG_OK && file.len > 0) {
        file.data[strcspn(buf_str(&file), "\r\n")] = 0;
        if (note_key_parse(buf_str(&file), ret) == SG_OK)
            return SG_CLI_OK;
    }
    return report_error(SG_CLI_USAGE, "NAME+ID+KEY, as GET /v1/log shows it",
                        "\"%s\" is no verifier key", text);
}

static enum cli_status other_key(enum trusted_role role, const char *known, const char *shown)
{
    const char *what = role == SG_TRUSTED_LOG ? "log" : "signed time";

    term_warn("secctl: THE KEY OF THE %s IS NOT THE ONE THAT WAS SEEN BEFORE",
              role == SG_TRUSTED_LOG ? "LOG" : "SIGNED TIME");
    term_warn("  seen before: %s\n  shown now:   %s", known, shown);
    return report_error(SG_CLI_HISTORY,
                        "ask the operator; only if it was replaced on purpose: secctl log check "
                        "--forget",
                        "the key of the %s has changed", what);
}

enum cli_status logkey_get(struct cli *cli, struct trusted *trusted, enum trusted_role role,
                           const char *given, bool offline, struct note_key *ret, bool *ret_found,
                           struct json_object **ret_log)
{
    SG_JSON_CLEANUP struct json_object *log = NULL;
    const char *pinned = trusted_verifier(trusted, role);
    enum cli_status status = SG_CLI_OK;

    *ret_found = given || pinned || !offline;
    if (given)
        status = logkey_parse(given, ret);
    else if (pinned)
        status = logkey_parse(pinned, ret);
    if (status != SG_CLI_OK || offline)
        return status;
    status = api_call(cli, SG_API_PUBLIC, "GET", "/v1/log", NULL, "log", &log);
    if (status != SG_CLI_OK)
        return status;
    const char *shown = json_text(log, role == SG_TRUSTED_LOG ? "key" : "time_key", "");
    struct note_key key;
    if (note_key_parse(shown, &key) != SG_OK)
        return report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                            "the gateway's log has no key");
    if (!given && pinned && strcmp(pinned, shown) != 0)
        return other_key(role, pinned, shown);
    if (!given)
        *ret = key;
    if (!given && !pinned) {
        term_note("secctl: the key of the %s is %s; it is kept from now on",
                  role == SG_TRUSTED_LOG ? "log" : "signed time", shown);
        status = trusted_set_verifier(trusted, role, shown);
    }
    if (ret_log) {
        *ret_log = log;
        log = NULL;
    }
    return status;
}
