/* SPDX-License-Identifier: Apache-2.0 */
/* secctl verify: holds files and directories against the signatures beside them. */
#include "base/buf.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/hasher.h"
#include "cli/json.h"
#include "cli/logkey.h"
#include "cli/report.h"
#include "cli/sidecar.h"
#include "cli/sigcheck.h"
#include "cli/signlist.h"
#include "cli/term.h"
#include "sigfmt/manifest.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "minisign, record" of what holds. */
static void put_formats(struct buf *line, struct json_object *report)
{
    struct json_object *signatures = json_array(report, "signatures");

    for (size_t i = 0; signatures && i < json_object_array_length(signatures); i++)
        buf_printf(line, "%s%s", i ? ", " : "",
                   json_text(json_object_array_get_idx(signatures, i), "format", "?"));
}

static void print_report(struct json_object *report, bool quiet)
{
    SG_BUF_CLEANUP struct buf line = {0};
    struct json_object *reasons = json_array(report, "reasons"), *log = json_member(report, "log");
    const char *file = json_text(report, "file", "?"), *key = json_text(report, "key", NULL);
    const char *when = json_text(report, "timestamp", NULL);

    if (!json_truth(report, "valid", false)) {
        term_line("%s: NOT VALID", file);
        for (size_t i = 0; reasons && i < json_object_array_length(reasons); i++) {
            struct json_object *reason = json_object_array_get_idx(reasons, i);

            term_line("  %s (%s)", json_text(reason, "detail", "?"),
                      json_text(reason, "code", "?"));
        }
        return;
    }
    if (quiet)
        return;
    buf_init(&line, 65536);
    put_formats(&line, report);
    if (key)
        buf_printf(&line, "; key %s, version %lld", key,
                   (long long)json_int(report, "key_version", 0));
    if (when)
        buf_printf(&line, "; signed %s", when);
    if (log)
        buf_printf(&line, "; entry %lld of the log", (long long)json_int(log, "index", 0));
    term_line("%s: valid: %s", file, buf_str(&line));
}

/* Adds a fault of the directory to the report of its manifest. */
static void add_fault(struct json_object *report, const char *code, const char *name,
                      const char *detail)
{
    struct json_object *reason = json_object_new_object();
    SG_BUF_CLEANUP struct buf text = {0};

    buf_init(&text, 16384);
    buf_printf(&text, "%s: %s", name, detail);
    (void)json_put_bool(report, "valid", false);
    if (json_put_text(reason, "code", code) && json_put_text(reason, "detail", buf_str(&text)))
        (void)json_object_array_add(json_array(report, "reasons"), reason);
    else
        json_cleanup(&reason);
}

/* Lines of the manifest that no file stands for. */
static void find_missing(const struct sig_manifest *m, const bool *met, struct json_object *report)
{
    size_t len, position = 0;
    const char *lines = sig_manifest_lines(m, &len), *end = lines + len;

    for (const char *at = lines; at < end; position++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t width = stop ? (size_t)(stop - at) : (size_t)(end - at);

        if (!met[position]) {
            /* "SHA256 (NAME) = HEX" */
            char *name = width > 8 + 4 + 64 ? strndup(at + 8, width - 8 - 4 - 64) : NULL;

            add_fault(report, "file-missing", name ? name : "?",
                      "it is in the manifest, but not here");
            free(name);
        }
        at += width + 1;
    }
}

static enum cli_status hold_files(const struct sig_manifest *m, const struct signlist *list,
                                  struct json_object *report)
{
    struct hasher_file *files = calloc(list->count ? list->count : 1, sizeof(*files));
    bool *met = calloc(sig_manifest_count(m), sizeof(*met));
    struct hasher *hasher = NULL;
    enum cli_status status = files && met ? SG_CLI_OK : report_no_memory();

    for (size_t i = 0; status == SG_CLI_OK && i < list->count; i++)
        files[i] = (struct hasher_file){.path = list->items[i].path, .name = list->items[i].name};
    if (status == SG_CLI_OK) {
        hasher = hasher_start(files, list->count, false, false);
        status = hasher ? hasher_wait(hasher, 0, list->count, NULL) : SG_CLI_USAGE;
    }
    for (size_t i = 0; status == SG_CLI_OK && i < list->count; i++) {
        uint8_t sha256[32];
        size_t position;

        if (sig_manifest_find(m, files[i].name, &position, sha256) != SG_OK) {
            add_fault(report, "file-unknown", files[i].name, "it is not in the manifest");
            continue;
        }
        met[position] = true;
        if (memcmp(sha256, files[i].digests.sha256, sizeof(sha256)) != 0)
            add_fault(report, "digest-mismatch", files[i].name,
                      "its content is not the one that was signed");
    }
    if (status == SG_CLI_OK)
        find_missing(m, met, report);
    hasher_stop(hasher);
    free(files);
    free(met);
    return status;
}

static enum cli_status verify_directory(struct sigcheck *c, char *path, struct json_object **ret)
{
    SG_BUF_CLEANUP struct buf text = {0};
    struct sig_manifest *m = NULL;
    struct signlist list = {0};
    char *lines = file_join(path, SG_SIDECAR_MANIFEST);
    enum cli_status status = lines ? sigcheck_file(c, lines, true, ret) : report_no_memory();

    if (status == SG_CLI_OK &&
        (!sidecar_read(lines, &text) || sig_manifest_parse(buf_str(&text), text.len, &m) != SG_OK))
        add_fault(*ret, "manifest-malformed", lines, "it is no list of files");
    else if (status == SG_CLI_OK)
        status = signlist_add(&list, path, NULL);
    if (status == SG_CLI_OK && m)
        status = hold_files(m, &list, *ret);
    signlist_free(&list);
    sig_manifest_free(m);
    free(lines);
    return status;
}

static enum cli_status verify_all(struct cli *cli, struct sigcheck *c, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *all = json_object_new_object();
    struct json_object *files = json_object_new_array();
    enum cli_status status = json_put(all, "files", files) ? SG_CLI_OK : report_no_memory();
    bool unasked = false, valid = true;

    for (size_t i = 0; status != SG_CLI_INTERRUPTED && i < args->n_operands; i++) {
        SG_JSON_CLEANUP struct json_object *report = NULL;
        struct stat st;
        bool directory = stat(args->operands[i], &st) == 0 && S_ISDIR(st.st_mode);
        enum cli_status one = directory ? verify_directory(c, args->operands[i], &report)
                                        : sigcheck_file(c, args->operands[i], false, &report);

        status = term_interrupted() ? SG_CLI_INTERRUPTED : cli_worse(status, one);
        if (!report || one != SG_CLI_OK)
            continue;
        valid = valid && json_truth(report, "valid", false);
        unasked = unasked || !json_truth(report, "state_asked", false);
        if (cli->options.json)
            (void)json_object_array_add(files, json_object_get(report));
        else
            print_report(report, cli->options.quiet);
    }
    if (cli->options.json && json_put_bool(all, "valid", valid && status == SG_CLI_OK))
        json_print(all);
    if (unasked && !c->keys->offline && !c->keys->fixed)
        term_note("secctl: nobody is logged in, so it was not asked whether keys still count");
    return cli_worse(status, valid ? SG_CLI_OK : SG_CLI_USAGE);
}

enum cli_status cmd_verify(struct cli *cli, const struct args *args)
{
    struct sigcheck check = {.signature = args_get(args, SG_ARG_SIGNATURE)};
    struct sigkeys keys = {0};
    bool offline = args_has(args, SG_ARG_OFFLINE);
    enum cli_status status = args_expect(args, 1, SIZE_MAX, "FILE");

    if (status == SG_CLI_OK && check.signature && args->n_operands != 1)
        status = report_error(SG_CLI_USAGE, NULL, "--signature goes with one FILE");
    if (status != SG_CLI_OK)
        return status;
    status = sigkeys_open(&keys, cli, offline, args_get(args, SG_ARG_KEY));
    if (status == SG_CLI_OK)
        status = logkey_get(cli, keys.trusted, SG_TRUSTED_LOG, args_get(args, SG_ARG_LOG_KEY),
                            offline, &check.log_key, &check.has_log_key, NULL);
    check.keys = &keys;
    if (status == SG_CLI_OK)
        status = verify_all(cli, &check, args);
    sigkeys_close(&keys);
    return status;
}
