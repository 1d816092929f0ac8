/* SPDX-License-Identifier: Apache-2.0 */
/* Following the gateway's log. What was seen is kept only when all of it holds. */
#include "cli/logcheck.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/api.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/logfollow.h"
#include "cli/logkey.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SG_LOGCHECK_STATE_MAX ((size_t)1 << 20)
/* 256 entries of 64 KiB are the largest bundle. */
#define SG_LOGCHECK_TILE_MAX ((size_t)17 << 20)

struct logcheck {
    struct cli *cli;
    char *path;                /* of log.json */
    struct json_object *state; /* NULL: nothing was seen yet */
    struct logfollow follow;
    uint64_t before; /* size that was seen */
    merkle_hash before_root;
    struct note_key key;
    struct buf note; /* the checkpoint of now */
    struct checkpoint now;
};

static enum cli_status get(struct cli *cli, const char *target, struct buf *ret, long *ret_status)
{
    struct http_call call = {0};
    struct http_request request = {.method = "GET", .target = target};
    enum cli_status status = api_perform(cli, SG_API_PUBLIC, &request, &call);

    buf_init(ret, SG_LOGCHECK_TILE_MAX);
    if (status == SG_CLI_OK && http_call_ok(&call))
        buf_append(ret, call.body.data, call.body.len);
    else if (status == SG_CLI_OK && (!ret_status || call.status != 404))
        status = report_call(cli, &call, target);
    if (ret_status)
        *ret_status = call.status;
    http_call_fini(&call);
    return status == SG_CLI_OK && ret->failed ? report_no_memory() : status;
}

enum cli_status logcheck_fetch(struct cli *cli, const struct tile *tile, struct buf *ret)
{
    SG_BUF_CLEANUP struct buf target = {0};

    buf_init(&target, 1024);
    buf_puts(&target, "/log/");
    tile_put(&target, tile);
    return get(cli, buf_str(&target), ret, NULL);
}

/* -- what was seen before -----------------------------------------------------------------------
 */

static enum cli_status load_state(struct logcheck *c)
{
    SG_BUF_CLEANUP struct buf text = {0};

    if (access(c->path, F_OK) != 0)
        return SG_CLI_OK;
    buf_init(&text, SG_LOGCHECK_STATE_MAX);
    if (file_read(c->path, &text) == SG_OK)
        c->state = json_parse(buf_str(&text), text.len);
    if (!logfollow_load(c->state, &c->follow))
        return report_error(SG_CLI_USAGE, "secctl log check --forget begins anew", "%s is damaged",
                            c->path);
    c->before = c->follow.frontier.size;
    logfollow_root(&c->follow, c->before_root);
    return SG_CLI_OK;
}

static enum cli_status save_state(struct logcheck *c)
{
    SG_JSON_CLEANUP struct json_object *json = json_object_new_object();
    SG_BUF_CLEANUP struct buf text = {0};

    buf_init(&text, SG_LOGCHECK_STATE_MAX);
    if (!logfollow_store(&c->follow, json) ||
        !json_put_text(json, "checkpoint", buf_str(&c->note)) ||
        !json_put_int(json, "at", clock_now_s()))
        return report_no_memory();
    json_append(&text, json);
    buf_putc(&text, '\n');
    return text.failed ? report_no_memory()
                       : profile_write(c->cli->profile, c->path, buf_str(&text), text.len);
}

static enum cli_status forget(struct logcheck *c, struct trusted *trusted)
{
    enum cli_status status = profile_remove(c->path);

    for (int role = SG_TRUSTED_LOG; status == SG_CLI_OK && role <= SG_TRUSTED_TIME; role++)
        status = trusted_set_verifier(trusted, (enum trusted_role)role, NULL);
    return status;
}

/* -- shouting -----------------------------------------------------------------------------------
 */

/* Keeps what proves it: two notes that one key has signed and that contradict each other. */
static void keep_evidence(struct logcheck *c)
{
    SG_BUF_CLEANUP struct buf text = {0};
    char *path = profile_path(c->cli->profile, "log-evidence.txt");

    buf_init(&text, SG_LOGCHECK_STATE_MAX);
    buf_printf(&text, "seen before:\n\n%s\nshown now:\n\n%s",
               json_text(c->state, "checkpoint", "(nothing)\n"), buf_str(&c->note));
    if (path && !text.failed &&
        profile_write(c->cli->profile, path, buf_str(&text), text.len) == SG_CLI_OK)
        term_warn("  both checkpoints are kept in %s", path);
    free(path);
}

static enum cli_status shout(struct logcheck *c, const char *what)
{
    char when[SG_TEXT_SIZE];

    term_clear_status();
    term_warn("secctl: THE HISTORY OF THE LOG WAS CHANGED");
    if (c->state) {
        text_datetime(json_int(c->state, "at", 0), when);
        term_warn("  seen before: %" PRIu64 " entries, %s", c->before, when);
    }
    term_warn("  shown now:   %" PRIu64 " entries", c->now.size);
    keep_evidence(c);
    if (c->cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_bool(json, "holds", false) && json_put_text(json, "fault", what) &&
            json_put_int(json, "before", (int64_t)c->before) &&
            json_put_int(json, "size", (int64_t)c->now.size))
            json_print(json);
    }
    return report_error(SG_CLI_HISTORY,
                        "believe no signature of it until the operator has explained that; after "
                        "it: secctl log check --forget",
                        "%s", what);
}

/* -- the check ----------------------------------------------------------------------------------
 */

/* Reads the signed checkpoint of now; the empty log when there is none yet. */
static enum cli_status read_checkpoint(struct logcheck *c)
{
    long answer = 0;
    struct note note;
    enum cli_status status = get(c->cli, "/log/checkpoint", &c->note, &answer);

    if (status != SG_CLI_OK)
        return status;
    if (answer == 404) {
        snprintf(c->now.origin, sizeof(c->now.origin), "%s", c->key.name);
        merkle_empty(c->now.root);
        return SG_CLI_OK;
    }
    if (note_parse(buf_str(&c->note), c->note.len, &note) != SG_OK)
        return shout(c, "the checkpoint is malformed");
    enum sg_err err = note_verify(&note, &c->key, NULL);
    if (err == SG_OK)
        err = checkpoint_parse(note.body, note.body_len, &c->now);
    note_fini(&note);
    if (err != SG_OK)
        return shout(c, "the checkpoint is not signed with the key of the log");
    if (strcmp(c->now.origin, c->key.name) != 0)
        return shout(c, logfollow_text(SG_LOGFOLLOW_OTHER_LOG));
    return SG_CLI_OK;
}

static void show_progress(const struct logcheck *c)
{
    char line[128];

    snprintf(line, sizeof(line), "log: %" PRIu64 " of %" PRIu64 " entries", c->follow.frontier.size,
             c->now.size);
    if (term_has_status())
        term_status(line);
}

/* Fetches and hashes all that is new. */
static enum cli_status follow_entries(struct logcheck *c)
{
    struct tile bundle;
    enum cli_status status = SG_CLI_OK;

    while (status == SG_CLI_OK && logfollow_next(&c->follow, c->now.size, &bundle)) {
        SG_BUF_CLEANUP struct buf entries = {0}, hashes = {0};
        struct tile tile = {.level = 0, .index = bundle.index, .width = bundle.width};

        if (term_interrupted())
            return SG_CLI_INTERRUPTED;
        status = logcheck_fetch(c->cli, &bundle, &entries);
        if (status == SG_CLI_OK)
            status = logcheck_fetch(c->cli, &tile, &hashes);
        if (status != SG_CLI_OK)
            break;
        enum logfollow_fault found =
            logfollow_take(&c->follow, &bundle, entries.data, entries.len, hashes.data, hashes.len);
        if (found != SG_LOGFOLLOW_HOLDS)
            return shout(c, logfollow_text(found));
        show_progress(c);
    }
    return status;
}

/* Reads the hashes of a proof; false when it is malformed. */
static bool read_proof(struct json_object *answer, merkle_hash ret[SG_MERKLE_PROOF],
                       size_t *ret_count)
{
    struct json_object *proof = json_array(answer, "proof");
    size_t count = proof ? json_object_array_length(proof) : SG_MERKLE_PROOF + 1, len = 0;

    if (count > SG_MERKLE_PROOF)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(proof, i));

        if (!text || encode_unbase64(text, strlen(text), ret[i], SG_MERKLE_SIZE, &len) != SG_OK ||
            len != SG_MERKLE_SIZE)
            return false;
    }
    *ret_count = count;
    return true;
}

/* The gateway's own proof that the tree of before is the beginning of that of now. */
static enum cli_status check_consistency(struct logcheck *c)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    merkle_hash proof[SG_MERKLE_PROOF];
    char target[128];
    size_t count = 0;

    if (c->before == 0 || c->before == c->now.size)
        return SG_CLI_OK;
    snprintf(target, sizeof(target), "/v1/log/consistency?from=%" PRIu64 "&to=%" PRIu64, c->before,
             c->now.size);
    enum cli_status status = api_call(c->cli, SG_API_PUBLIC, "GET", target, NULL, "log", &answer);
    if (status != SG_CLI_OK)
        return status;
    if (!read_proof(answer, proof, &count) ||
        merkle_verify_consistency(c->before, c->now.size, proof, count, c->before_root,
                                  c->now.root) != SG_OK)
        return shout(c, logfollow_text(SG_LOGFOLLOW_CONSISTENCY));
    return SG_CLI_OK;
}

static void print_result(const struct logcheck *c)
{
    char root[SG_BASE64_SIZE(SG_MERKLE_SIZE)];

    term_clear_status();
    encode_base64(c->now.root, SG_MERKLE_SIZE, root);
    if (c->cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_bool(json, "holds", true) && json_put_text(json, "origin", c->now.origin) &&
            json_put_int(json, "before", (int64_t)c->before) &&
            json_put_int(json, "size", (int64_t)c->now.size) && json_put_text(json, "root", root))
            json_print(json);
    } else if (!c->cli->options.quiet) {
        term_line("%s holds: %" PRIu64 " entries, %" PRIu64 " of them new, root %s", c->now.origin,
                  c->now.size, c->now.size - c->before, root);
    }
}

static enum cli_status check(struct logcheck *c)
{
    enum cli_status status = read_checkpoint(c);

    if (status != SG_CLI_OK)
        return status;
    enum logfollow_fault found = logfollow_begin(&c->follow, &c->now);
    if (found != SG_LOGFOLLOW_HOLDS)
        return shout(c, logfollow_text(found));
    status = follow_entries(c);
    if (status == SG_CLI_OK) {
        found = logfollow_end(&c->follow, &c->now);
        if (found != SG_LOGFOLLOW_HOLDS)
            return shout(c, logfollow_text(found));
        status = check_consistency(c);
    }
    if (status != SG_CLI_OK)
        return status;
    snprintf(c->follow.origin, sizeof(c->follow.origin), "%s", c->now.origin);
    print_result(c);
    return save_state(c);
}

enum cli_status logcheck_run(struct cli *cli, const char *given, bool forget_all)
{
    struct logcheck *c = calloc(1, sizeof(*c));
    struct trusted *trusted = NULL;
    bool found;

    if (!c)
        return report_no_memory();
    c->cli = cli;
    c->path = profile_path(cli->profile, "log.json");
    enum cli_status status = c->path ? trusted_open(cli->profile, &trusted) : report_no_memory();
    if (status == SG_CLI_OK && forget_all)
        status = forget(c, trusted);
    if (status == SG_CLI_OK)
        status = load_state(c);
    if (status == SG_CLI_OK)
        status = logkey_get(cli, trusted, SG_TRUSTED_LOG, given, false, &c->key, &found, NULL);
    if (status == SG_CLI_OK)
        status = check(c);
    trusted_close(trusted);
    json_cleanup(&c->state);
    buf_fini(&c->note);
    free(c->path);
    free(c);
    return status;
}
