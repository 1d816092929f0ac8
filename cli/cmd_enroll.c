/* SPDX-License-Identifier: Apache-2.0 */
/* secctl enroll: a client certificate for this profile, or for somebody else's key. */
#include "base/buf.h"
#include "base/file.h"
#include "cli/certificate.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SG_ENROLL_CSR_MAX ((size_t)65536)

/* What was issued, without the key. */
static void say(struct cli *cli, struct json_object *answer)
{
    if (cli->options.json)
        json_print(answer);
    else if (!cli->options.quiet)
        term_line("Certificate %s for %s, until %.10s.", json_text(answer, "id", "?"),
                  json_text(answer, "user", "?"), json_text(answer, "expires_at", "?"));
}

/* Before a certificate is issued that nobody would get. */
static enum cli_status may_write(const char *path)
{
    char *copy = strdup(path);
    struct stat st;
    enum cli_status status = SG_CLI_OK;

    if (!copy)
        return report_no_memory();
    if (access(dirname(copy), W_OK | X_OK) != 0)
        status = report_errno("write", path);
    else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        status = report_error(SG_CLI_USAGE, "name a file", "%s is a directory", path);
    free(copy);
    return status;
}

static enum cli_status for_csr(struct cli *cli, const struct args *args, int64_t days)
{
    const char *file = args_get(args, SG_ARG_CSR), *out = args_get(args, SG_ARG_OUT);
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    SG_BUF_CLEANUP struct buf csr = {0};
    enum cli_status status;

    buf_init(&csr, SG_ENROLL_CSR_MAX);
    if (file_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file, &csr) != SG_OK)
        return report_error(SG_CLI_USAGE, "a PKCS#10 request, PEM, of at most 64 KiB",
                            "cannot read %s", file);
    status = out ? may_write(out) : SG_CLI_OK;
    if (status == SG_CLI_OK)
        status = certificate_ask(cli, buf_str(&csr), args_get(args, SG_ARG_USER),
                                 args_get(args, SG_ARG_NAME), days, &answer);
    if (status != SG_CLI_OK)
        return status;
    const char *pem = json_text(answer, "certificate", "");
    if (out && file_write_atomic(out, pem, strlen(pem), 0644) != SG_OK)
        return report_error(SG_CLI_USAGE, NULL, "cannot write %s", out);
    if (out || cli->options.json)
        say(cli, answer);
    else
        term_write(pem, strlen(pem));
    return SG_CLI_OK;
}

static enum cli_status for_profile(struct cli *cli, const struct args *args, int64_t days)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    enum cli_status status = certificate_enroll(cli, args_get(args, SG_ARG_NAME), days, &answer);

    if (status != SG_CLI_OK)
        return status;
    say(cli, answer);
    if (!cli->options.json)
        term_note("secctl: it is shown from now on; log in by it with: secctl login");
    return SG_CLI_OK;
}

static enum cli_status forget(struct cli *cli)
{
    enum cli_status status = profile_open(cli->options.profile, &cli->profile);

    bool there = status == SG_CLI_OK && cli->profile->has_certificate;
    if (status == SG_CLI_OK)
        status = certificate_forget(cli);
    if (status != SG_CLI_OK)
        return status;
    if (there)
        term_note("secctl: a session that was made by it ends with it; begin another one with: "
                  "secctl login");
    if (cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_bool(json, "forgotten", true))
            json_print(json);
    } else if (!cli->options.quiet) {
        term_line("The profile %s shows no certificate any more.", cli->profile->name);
    }
    return status;
}

enum cli_status cmd_enroll(struct cli *cli, const struct args *args)
{
    const char *text = args_get(args, SG_ARG_DAYS);
    bool csr = args_has(args, SG_ARG_CSR);
    int64_t days = 0;
    enum cli_status status = args_expect(args, 0, 0, NULL);

    if (status == SG_CLI_OK && args_has(args, SG_ARG_FORGET)) {
        if (!csr && !text && !args_has(args, SG_ARG_NAME) && !args_has(args, SG_ARG_USER) &&
            !args_has(args, SG_ARG_OUT))
            return forget(cli);
        return report_error(SG_CLI_USAGE, "secctl enroll --forget",
                            "--forget goes without other options");
    }
    if (status == SG_CLI_OK && !csr && (args_has(args, SG_ARG_USER) || args_has(args, SG_ARG_OUT)))
        status = report_error(SG_CLI_USAGE, "secctl enroll --csr FILE --user NAME --out CERT",
                              "--user and --out belong to --csr");
    if (status == SG_CLI_OK && text && !message_number(text, &days))
        status = report_error(SG_CLI_USAGE, NULL, "--days takes a number from 1");
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status == SG_CLI_OK && !csr)
        status = session_expect(cli->session, "enroll");
    if (status != SG_CLI_OK)
        return status;
    return csr ? for_csr(cli, args, days) : for_profile(cli, args, days);
}
