/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies the audit log. It never takes a value from the gateway for true. */
#include "cli/auditcheck.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/api.h"
#include "cli/canon.h"
#include "cli/chain.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SG_AUDITCHECK_ENTRY_MAX ((size_t)1 << 20)
#define SG_AUDITCHECK_FILE_MAX  ((size_t)4096)

static const char *const left_out[] = {"chain", NULL};

struct run {
    struct cli *cli;
    char *path;
    struct auditcheck now;
    bool known; /* a former check has left `before` */
    struct auditcheck before;
    bool met;       /* `before` was compared */
    int64_t pruned; /* number of the last entry that is kept no more */
    int64_t count;
    struct auditcheck head;
};

static bool read_mark(struct json_object *mark, struct auditcheck *ret)
{
    ret->seq = json_int(mark, "seq", -1);
    return ret->seq >= 0 && chain_parse(json_text(mark, "chain", ""), ret->chain);
}

const char *auditcheck_follow(struct auditcheck *c, struct json_object *entry)
{
    uint8_t shown[SG_DIGEST_BYTES];
    struct digest d = {NULL};
    struct buf text;

    if (!chain_parse(json_text(entry, "chain", ""), shown))
        return "is no entry";
    if (json_int(entry, "seq", -1) != c->seq + 1)
        return "is not the one that follows: something was removed or added";
    buf_init(&text, SG_AUDITCHECK_ENTRY_MAX);
    bool ok = canon_append(&text, entry, left_out) && digest_start(&d);
    if (ok) {
        digest_update(&d, c->chain, sizeof(c->chain));
        digest_update(&d, text.data, text.len);
        digest_finish(&d, c->chain);
        c->seq++;
    }
    buf_fini(&text);
    if (!ok)
        return "is no entry";
    return memcmp(c->chain, shown, sizeof(shown)) == 0 ? NULL
                                                       : "was altered, or something before it was";
}

static enum cli_status load(struct run *r)
{
    SG_BUF_CLEANUP struct buf text = {0};

    r->path = profile_path(r->cli->profile, "audit.json");
    if (!r->path)
        return report_no_memory();
    if (access(r->path, F_OK) != 0)
        return SG_CLI_OK;
    buf_init(&text, SG_AUDITCHECK_FILE_MAX);
    SG_JSON_CLEANUP struct json_object *mark =
        file_read(r->path, &text) == SG_OK ? json_parse(buf_str(&text), text.len) : NULL;
    r->known = read_mark(mark, &r->before);
    return r->known ? SG_CLI_OK
                    : report_error(SG_CLI_USAGE, "secctl audit verify --forget", "%s is damaged",
                                   r->path);
}

static enum cli_status save(const struct run *r)
{
    SG_JSON_CLEANUP struct json_object *mark = json_object_new_object();
    SG_BUF_CLEANUP struct buf text = {0};
    char hex[SG_DIGEST_HEX_SIZE];

    encode_hex(r->now.chain, sizeof(r->now.chain), hex);
    buf_init(&text, SG_AUDITCHECK_FILE_MAX);
    if (!json_put_int(mark, "seq", r->now.seq) || !json_put_text(mark, "chain", hex))
        return report_no_memory();
    json_append(&text, mark);
    buf_putc(&text, '\n');
    return profile_write(r->cli->profile, r->path, buf_str(&text), text.len);
}

static enum cli_status broken(const struct run *r, int64_t seq, const char *what)
{
    term_warn("secctl: THE AUDIT LOG DOES NOT HOLD");
    if (r->cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_bool(json, "holds", false) && json_put_int(json, "seq", seq) &&
            json_put_text(json, "fault", what))
            json_print(json);
    }
    return report_error(SG_CLI_INTEGRITY,
                        "ask the operator; after a backup was put back on purpose: secctl audit "
                        "verify --forget",
                        "entry %lld %s", (long long)seq, what);
}

/* Holds what was reached against what the last check has left. */
static enum cli_status compare(struct run *r)
{
    if (!r->known || r->now.seq != r->before.seq)
        return SG_CLI_OK;
    r->met = true;
    return memcmp(r->now.chain, r->before.chain, sizeof(r->now.chain)) == 0
               ? SG_CLI_OK
               : broken(r, r->now.seq, "is not the one that was seen before");
}

static enum cli_status fetch(struct run *r, struct json_object **ret)
{
    char target[96];

    snprintf(target, sizeof(target), "/v1/audit?limit=1000&after=%lld", (long long)r->now.seq);
    return api_call(r->cli, SG_API_USER, "GET", target, NULL, "audit", ret);
}

static enum cli_status not_understood(void)
{
    return report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                        "the gateway's audit log cannot be understood");
}

/* The first page says with which value the check begins. */
static enum cli_status begin(struct run *r, struct json_object *page)
{
    if (!read_mark(json_member(page, "pruned"), &r->now))
        return not_understood();
    r->pruned = r->now.seq;
    return compare(r);
}

static enum cli_status follow_page(struct run *r, struct json_object *page)
{
    struct json_object *entries = json_array(page, "entries");
    enum cli_status status = SG_CLI_OK;

    if (!entries || !read_mark(json_member(page, "head"), &r->head))
        return not_understood();
    for (size_t i = 0; status == SG_CLI_OK && i < json_object_array_length(entries); i++) {
        const char *fault = auditcheck_follow(&r->now, json_object_array_get_idx(entries, i));

        r->count++;
        status = fault ? broken(r, r->pruned + r->count, fault) : compare(r);
    }
    return status;
}

static enum cli_status follow_all(struct run *r)
{
    enum cli_status status = SG_CLI_OK;
    bool first = true;

    for (;;) {
        SG_JSON_CLEANUP struct json_object *page = NULL;
        int64_t from = r->now.seq;

        status = fetch(r, &page);
        if (status == SG_CLI_OK && first)
            status = begin(r, page);
        first = false;
        if (status == SG_CLI_OK)
            status = follow_page(r, page);
        if (status != SG_CLI_OK || term_interrupted())
            return term_interrupted() ? SG_CLI_INTERRUPTED : status;
        if (r->now.seq >= r->head.seq)
            break;
        if (r->now.seq == from)
            return broken(r, r->now.seq + 1, "is missing");
    }
    if (r->now.seq == r->head.seq && memcmp(r->now.chain, r->head.chain, sizeof(r->now.chain)) != 0)
        return broken(r, r->now.seq, "is not what the head of the log says");
    if (!r->known || r->met)
        return SG_CLI_OK;
    if (r->before.seq > r->now.seq)
        return broken(r, r->now.seq + 1, "is missing, and was seen before");
    term_note("secctl: entries up to %lld have been removed by retention, that of the last check "
              "too",
              (long long)r->pruned);
    return SG_CLI_OK;
}

static void say(const struct run *r)
{
    char hex[SG_DIGEST_HEX_SIZE];

    encode_hex(r->now.chain, sizeof(r->now.chain), hex);
    if (r->cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_bool(json, "holds", true) && json_put_int(json, "entries", r->count) &&
            json_put_int(json, "seq", r->now.seq) && json_put_text(json, "chain", hex))
            json_print(json);
    } else if (!r->cli->options.quiet) {
        term_line("%lld entries hold, up to %lld: %s", (long long)r->count, (long long)r->now.seq,
                  hex);
        if (r->known && r->met)
            term_line("It continues what was seen before (%lld).", (long long)r->before.seq);
    }
}

enum cli_status auditcheck_run(struct cli *cli, bool forget)
{
    struct run r = {.cli = cli};
    enum cli_status status = SG_CLI_OK;

    if (forget) {
        r.path = profile_path(cli->profile, "audit.json");
        status = r.path ? profile_remove(r.path) : report_no_memory();
    } else {
        status = load(&r);
    }
    if (status == SG_CLI_OK)
        status = follow_all(&r);
    if (status == SG_CLI_OK)
        status = save(&r);
    if (status == SG_CLI_OK)
        say(&r);
    free(r.path);
    return status;
}
