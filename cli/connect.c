/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens what a command needs to talk to a gateway. A session never survives a change of address or
 * CA, so that its tokens cannot reach another gateway.
 */
#include "cli/connect.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/certificate.h"
#include "cli/http.h"
#include "cli/login.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/sealed.h"
#include "cli/session.h"
#include "cli/term.h"
#include "cli/trust.h"
#include "cli/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_CONNECT_PEM_MAX (size_t)65536

static enum cli_status read_ca(const char *path, struct trust_ca *ret)
{
    SG_BUF_CLEANUP struct buf pem = {0};

    buf_init(&pem, SG_CONNECT_PEM_MAX);
    if (file_read(path, &pem) == SG_OK && trust_read_pem(buf_str(&pem), pem.len, ret))
        return SG_CLI_OK;
    return report_error(SG_CLI_USAGE, "it must hold the gateway's ca.pem",
                        "%s holds no PEM certificate", path);
}

/* Whether the CA that the profile has is the one that --ca and --fingerprint ask for. */
static enum cli_status compare_ca(const struct cli *cli, bool *ret_same)
{
    struct trust_ca known, file;
    char wanted[SG_DIGEST_HEX_SIZE];
    enum cli_status status = read_ca(cli->profile->ca_path, &known);

    if (status != SG_CLI_OK)
        return status;
    *ret_same = true;
    if (cli->options.fingerprint) {
        if (!trust_parse_fingerprint(cli->options.fingerprint, wanted))
            return report_error(SG_CLI_USAGE, "it is the CA's SHA-256 as 64 hex digits",
                                "\"%s\" is not a fingerprint", cli->options.fingerprint);
        *ret_same = strcmp(wanted, known.fingerprint) == 0;
    }
    if (cli->options.ca_file && *ret_same) {
        status = read_ca(cli->options.ca_file, &file);
        *ret_same = status == SG_CLI_OK && strcmp(file.fingerprint, known.fingerprint) == 0;
    }
    return status;
}

/* Whether the profile trusts the CA `pem` already: then it is the same gateway elsewhere. */
static bool belongs_to(const struct profile *p, const char *pem, size_t len)
{
    SG_BUF_CLEANUP struct buf known = {0};
    struct trust_ca before, now;

    buf_init(&known, SG_CONNECT_PEM_MAX);
    return p->has_ca && file_read(p->ca_path, &known) == SG_OK &&
           trust_read_pem(buf_str(&known), known.len, &before) && trust_read_pem(pem, len, &now) &&
           strcmp(before.fingerprint, now.fingerprint) == 0;
}

/* Asks whether to trust the gateway at `url`, and makes it the profile's. */
static enum cli_status adopt(struct cli *cli, const char *url)
{
    SG_BUF_CLEANUP struct buf pem = {0};
    struct profile *p = cli->profile;
    enum cli_status status;

    buf_init(&pem, SG_CONNECT_PEM_MAX);
    status = trust_decide(url, &cli->options, &pem);
    if (status != SG_CLI_OK)
        return status;
    /* In this order: a break in between leaves a profile that asks again, never a token too many.
     */
    status = profile_forget_gateway(p, belongs_to(p, buf_str(&pem), pem.len));
    if (status == SG_CLI_OK)
        status = profile_save_ca(p, buf_str(&pem), pem.len);
    if (status == SG_CLI_OK)
        status = profile_set_url(p, url);
    if (status == SG_CLI_OK)
        status = profile_save(p);
    if (status == SG_CLI_OK)
        term_note("secctl: profile \"%s\" trusts %s from now on", p->name, url);
    return status;
}

static enum cli_status settle_trust(struct cli *cli, const char *url, bool renew)
{
    struct profile *p = cli->profile;
    bool same = true;
    enum cli_status status;
    char next[256];

    if (p->url && strcmp(p->url, url) != 0) {
        if (renew)
            return adopt(cli, url);
        snprintf(next, sizeof(next), "name another profile with --profile, or: secctl login URL");
        return report_error(SG_CLI_USAGE, next, "the profile \"%s\" is for %s, not for %s", p->name,
                            p->url, url);
    }
    if (!p->url || !p->has_ca)
        return adopt(cli, url);
    if (!cli->options.ca_file && !cli->options.fingerprint)
        return SG_CLI_OK;
    status = compare_ca(cli, &same);
    if (status != SG_CLI_OK || same)
        return status;
    if (renew)
        return adopt(cli, url);
    return report_error(SG_CLI_NETWORK, "if the gateway has a new CA: secctl login",
                        "the profile \"%s\" trusts another CA than the one that is given", p->name);
}

/* Profile and trust. */
static enum cli_status open_profile(struct cli *cli, const char *url, bool renew)
{
    SG_BUF_CLEANUP struct buf canonical = {0};
    const char *wanted = url ? url : cli->options.url;
    enum cli_status status = profile_open(cli->options.profile, &cli->profile);

    if (status != SG_CLI_OK)
        return status;
    buf_init(&canonical, 4096);
    if (!wanted)
        wanted = cli->profile->url ? cli->profile->url : SG_CLI_DEFAULT_URL;
    status = url_normalise(wanted, &canonical);
    return status == SG_CLI_OK ? settle_trust(cli, buf_str(&canonical), renew) : status;
}

/* Session and connection. */
static enum cli_status open_connection(struct cli *cli)
{
    cli->session = session_open(cli->profile);
    if (!cli->session)
        return report_no_memory();
    cli->http = http_open(cli->profile->url, cli->profile->ca_path);
    return cli->http ? SG_CLI_OK : SG_CLI_USAGE;
}

enum cli_status connect_open(struct cli *cli, const char *url, bool renew)
{
    enum cli_status status;

    if (cli->options.sealed && renew)
        return report_error(SG_CLI_USAGE, "a channel is opened by: secctl session open",
                            "--sealed does not go with this command");
    if (cli->options.sealed)
        return connect_open_sealed(cli, true);
    status = open_profile(cli, url, renew);
    if (status == SG_CLI_OK)
        status = open_connection(cli);
    if (status == SG_CLI_OK && !renew)
        status = session_use_script_token(cli->session, cli->options.token_file);
    return status == SG_CLI_OK ? certificate_use(cli) : status;
}

/* With a certificate nobody needs to be asked for anything. Of many processes one does it. */
static enum cli_status open_by_certificate(struct cli *cli)
{
    static const struct login login = {.sealed = true};
    bool json = cli->options.json, quiet = cli->options.quiet;
    char *path = profile_path(cli->profile, "client.lock");
    SG_FD_CLEANUP int fd = -1;
    enum cli_status status = path ? profile_lock(cli->profile, path, &fd) : report_no_memory();

    free(path);
    if (status != SG_CLI_OK)
        return status;
    session_close(cli->session);
    cli->session = session_open(cli->profile);
    if (!cli->session)
        return report_no_memory();
    if (sealed_is_open(cli))
        return SG_CLI_OK;
    cli->options.json = false;
    cli->options.quiet = true;
    status = login_create(cli, &login);
    cli->options.json = json;
    cli->options.quiet = quiet;
    return status;
}

enum cli_status connect_open_sealed(struct cli *cli, bool channel)
{
    enum cli_status status = open_profile(cli, NULL, false);

    cli->options.sealed = true;
    if (status == SG_CLI_OK)
        status = profile_use_sealed(cli->profile);
    if (status == SG_CLI_OK)
        status = open_connection(cli);
    if (status == SG_CLI_OK)
        status = session_use_script_token(cli->session, cli->options.token_file);
    if (status == SG_CLI_OK)
        status = session_expect(cli->session, "a sealed channel");
    if (status == SG_CLI_OK)
        status = certificate_use(cli);
    if (status == SG_CLI_OK && channel && cli->profile->has_certificate && !sealed_is_open(cli))
        status = open_by_certificate(cli);
    return status == SG_CLI_OK && channel ? sealed_open(cli, &cli->sealed) : status;
}

void connect_close(struct cli *cli)
{
    sealed_close(cli->sealed);
    session_close(cli->session);
    http_close(cli->http);
    profile_close(cli->profile);
    cli->session = NULL;
    cli->sealed = NULL;
    cli->http = NULL;
    cli->profile = NULL;
}
