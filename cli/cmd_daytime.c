/* SPDX-License-Identifier: Apache-2.0 */
/* secctl daytime: shows the gateway's time; signed, with the key that was pinned. */
#include "base/buf.h"
#include "base/encode.h"
#include "base/rng.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/logkey.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/timestatement.h"

#include <stdio.h>

#define SG_DAYTIME_NONCE 32

/* Verifies the statement that came with the time and shows it. */
static enum cli_status take_statement(struct cli *cli, struct json_object *time, const char *nonce)
{
    struct json_object *statement = json_member(time, "statement");
    const char *note = json_text(statement, "note", "");
    struct timestatement s;
    struct trusted *trusted = NULL;
    struct note_key key;
    const char *why = NULL;
    bool found;

    enum cli_status status = trusted_open(cli->profile, &trusted);
    if (status == SG_CLI_OK)
        status = logkey_get(cli, trusted, SG_TRUSTED_TIME, NULL, false, &key, &found, NULL);
    trusted_close(trusted);
    if (status != SG_CLI_OK)
        return status;
    if (!timestatement_verify(note, &key, nonce, &s, &why))
        return report_error(SG_CLI_INTEGRITY, "tell the operator",
                            "the signed time does not hold: %s", why);
    if (cli->options.json)
        json_print(time);
    else
        term_line("%s (within %lld us%s), signed by %s", s.time, (long long)s.error_us,
                  s.synchronized ? "" : ", the clock is not synchronised", key.name);
    return SG_CLI_OK;
}

enum cli_status cmd_daytime(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *time = NULL;
    SG_BUF_CLEANUP struct buf target = {0};
    const char *zone = args_get(args, SG_ARG_TZ), *nonce = args_get(args, SG_ARG_NONCE);
    uint8_t random[SG_DAYTIME_NONCE];
    char fresh[SG_BASE64_SIZE(SG_DAYTIME_NONCE)];
    enum cli_status status = args_expect(args, 0, 0, NULL);

    if (!nonce && args_has(args, SG_ARG_SIGNED)) {
        rng_bytes(random, sizeof(random));
        encode_base64url(random, sizeof(random), fresh);
        nonce = fresh;
    }
    buf_init(&target, 4096);
    buf_puts(&target, "/v1/daytime");
    if (zone)
        remote_query(&target, "tz", zone);
    if (nonce)
        remote_query(&target, "nonce", nonce);
    if (status == SG_CLI_OK && target.failed)
        status = report_error(SG_CLI_USAGE, NULL, "that is no time zone or nonce");
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_PUBLIC, "GET", buf_str(&target), NULL, "daytime", &time);
    if (status == SG_CLI_OK && nonce)
        return take_statement(cli, time, nonce);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json)
        json_print(time);
    else
        term_line("%s", json_text(time, "daytime", "?"));
    return SG_CLI_OK;
}
