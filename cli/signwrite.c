/* SPDX-License-Identifier: Apache-2.0 */
/* Output of sign. It writes what the gateway has answered and judges nothing. */
#include "cli/signwrite.h"

#include "base/buf.h"
#include "base/encode.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/signlist.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_SIGNWRITE_PATH_MAX ((size_t)8192)

void signwrite_init(struct signwrite *w, const struct sidecar_choice *choice, bool force, bool json,
                    bool quiet)
{
    *w = (struct signwrite){.choice = choice, .force = force, .json = json, .quiet = quiet};
}

static void begin_json(struct signwrite *w)
{
    if (!w->begun)
        term_write("{\"signatures\":[", 15);
    else
        term_write(",", 1);
    w->begun = true;
}

static void write_json(struct json_object *json)
{
    SG_BUF_CLEANUP struct buf text = {0};

    buf_init(&text, (size_t)256 << 20);
    json_append(&text, json);
    term_write(buf_str(&text), text.len);
}

void signwrite_end(struct signwrite *w)
{
    if (w->json && w->begun) {
        term_write("],\"manifests\":", 14);
        if (w->manifests)
            write_json(w->manifests);
        else
            term_write("[]", 2);
        term_write("}\n", 2);
    }
    json_cleanup(&w->manifests);
}

void signwrite_list(struct signwrite *w, const struct signlist *l,
                    const struct signlist_group *group)
{
    if (w->json || w->quiet)
        return;
    term_line("List of files in %s:", group->shown);
    for (size_t i = group->first;
         group->kind != SG_SIGNLIST_PREFIX && i < group->first + group->count; i++)
        term_line("%s", l->items[i].name);
}

/* The path TARGET + EXTENSION; NULL: reported. */
static char *path_of(const char *target, const char *extension)
{
    SG_BUF_CLEANUP struct buf path = {0};

    buf_init(&path, SG_SIGNWRITE_PATH_MAX);
    buf_puts(&path, target);
    buf_puts(&path, extension);
    char *taken = buf_take(&path, NULL);
    if (!taken)
        (void)report_error(SG_CLI_USAGE, NULL, "%s: the path is too long", target);
    return taken;
}

static enum cli_status may(const struct signwrite *w, const char *target, const char *extension)
{
    char *path = path_of(target, extension);
    enum cli_status status = path ? sidecar_may_write(path, w->force) : SG_CLI_USAGE;

    free(path);
    return status;
}

enum cli_status signwrite_may(const struct signwrite *w, const char *target)
{
    enum cli_status status = may(w, target, SG_SIDECAR_PROOF_EXTENSION);

    for (unsigned bit = 1; bit <= SG_SIDECAR_RECORD; bit <<= 1) {
        if (w->choice->formats & bit)
            status = cli_worse(status, may(w, target, sidecar_extension(w->choice, bit)));
    }
    return status;
}

/* SHA256.sig is the list whatever else is asked for. */
static const char *manifest_extension(const struct signwrite *w, unsigned bit)
{
    struct sidecar_choice choice = *w->choice;

    if (choice.formats & SG_FORMAT_SIGNIFY)
        choice.plain = SG_FORMAT_SIGNIFY;
    return sidecar_extension(&choice, bit);
}

enum cli_status signwrite_may_manifest(const struct signwrite *w, const char *lines)
{
    enum cli_status status =
        cli_worse(may(w, lines, ""), may(w, lines, SG_SIDECAR_PROOF_EXTENSION));

    for (unsigned bit = 1; bit <= SG_SIDECAR_RECORD; bit <<= 1) {
        if (w->choice->formats & bit)
            status = cli_worse(status, may(w, lines, manifest_extension(w, bit)));
    }
    return status;
}

static enum cli_status write_one(const char *target, const char *extension, const void *data,
                                 size_t len)
{
    char *path = path_of(target, extension);
    enum cli_status status = path ? sidecar_write(path, data, len) : SG_CLI_USAGE;

    free(path);
    return status;
}

static enum cli_status not_understood(const char *target)
{
    return report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                        "%s: the gateway's answer cannot be understood", target);
}

static enum cli_status write_format(unsigned bit, const char *text, const char *target,
                                    const char *extension)
{
    size_t len = strlen(text), size = 0;

    if (bit != SG_FORMAT_RAW && bit != SG_FORMAT_CMS)
        return write_one(target, extension, text, len);
    uint8_t *bytes = malloc(len + 1);
    if (!bytes)
        return report_no_memory();
    enum cli_status status = encode_unbase64(text, len, bytes, len, &size) == SG_OK
                                 ? write_one(target, extension, bytes, size)
                                 : not_understood(target);
    free(bytes);
    return status;
}

/* The record with its signature, place in the log and in the manifest: all but the formats. */
static enum cli_status write_record(struct json_object *signature, const char *target)
{
    SG_JSON_CLEANUP struct json_object *record = json_object_new_object();
    SG_BUF_CLEANUP struct buf text = {0};
    struct json_object_iterator it = json_object_iter_begin(signature),
                                end = json_object_iter_end(signature);
    bool ok = record != NULL;

    for (; ok && !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *name = json_object_iter_peek_name(&it);

        if (strcmp(name, "formats") != 0 && strcmp(name, "lines") != 0)
            ok = json_put(record, name, json_object_get(json_object_iter_peek_value(&it)));
    }
    buf_init(&text, SG_SIDECAR_MAX);
    json_append(&text, record);
    buf_putc(&text, '\n');
    if (!ok || text.failed)
        return report_no_memory();
    return write_one(target, SG_SIDECAR_RECORD_EXTENSION, text.data, text.len);
}

static enum cli_status write_files(const struct signwrite *w, struct json_object *signature,
                                   const char *target, bool manifest)
{
    struct json_object *formats = json_member(signature, "formats");
    const char *proof = json_text(json_member(signature, "log"), "proof", NULL);
    enum cli_status status = proof ? SG_CLI_OK : not_understood(target);

    for (unsigned bit = 1; bit <= SG_FORMATS_ALL && status == SG_CLI_OK; bit <<= 1) {
        const char *text = w->choice->formats & bit
                               ? json_text(formats, sig_format_name((enum sig_format)bit), NULL)
                               : NULL;

        if (text)
            status = write_format(bit, text, target,
                                  manifest ? manifest_extension(w, bit)
                                           : sidecar_extension(w->choice, bit));
        else if ((w->choice->formats & bit) && !manifest)
            status = not_understood(target);
    }
    if (status == SG_CLI_OK && (w->choice->formats & SG_SIDECAR_RECORD))
        status = write_record(signature, target);
    if (status == SG_CLI_OK)
        status = write_one(target, SG_SIDECAR_PROOF_EXTENSION, proof, strlen(proof));
    return status;
}

/* The origin's members, in its order. */
static void print_origin(struct json_object *signature, const char *name)
{
    static const char *const members[] = {"keyid", "package", "timestamp", "fileset",
                                          "ftype", "vrmf",    "signature"};
    SG_JSON_CLEANUP struct json_object *line = json_object_new_object();
    SG_BUF_CLEANUP struct buf text = {0};

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        (void)json_put_text(line, members[i], json_text(signature, members[i], ""));
    buf_init(&text, (size_t)1 << 20);
    json_append(&text, line);
    term_line("%s: %s", name, buf_str(&text));
}

enum cli_status signwrite_signature(struct signwrite *w, struct json_object *signature,
                                    const char *name, const char *target)
{
    enum cli_status status = write_files(w, signature, target, false);

    if (status == SG_CLI_OK && w->json) {
        begin_json(w);
        write_json(signature);
    } else if (status == SG_CLI_OK && !w->quiet) {
        print_origin(signature, name);
    }
    return status;
}

enum cli_status signwrite_manifest(struct signwrite *w, struct json_object *manifest,
                                   const char *lines)
{
    const char *text = json_text(manifest, "lines", NULL);
    enum cli_status status =
        text ? write_one(lines, "", text, strlen(text)) : not_understood(lines);

    if (status == SG_CLI_OK)
        status = write_files(w, manifest, lines, true);
    if (status == SG_CLI_OK && w->json) {
        if (!w->manifests)
            w->manifests = json_object_new_array();
        if (!w->manifests || json_object_array_add(w->manifests, json_object_get(manifest)) != 0)
            return report_no_memory();
    } else if (status == SG_CLI_OK && !w->quiet) {
        print_origin(manifest, json_text(manifest, "name", SG_SIDECAR_MANIFEST));
    }
    return status;
}
