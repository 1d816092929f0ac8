/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of files. It changes nothing but the pins of keys that are met for the first time.
 */
#include "cli/sigcheck.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/canon.h"
#include "cli/hasher.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/sidecar.h"
#include "sigfmt/verify.h"
#include "tlog/checkpoint.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SG_SIGCHECK_FILES 16 /* signatures of one content */
#define SG_SIGCHECK_PATH  ((size_t)8192)

/* One signature file. */
struct candidate {
    char path[SG_SIGCHECK_PATH];
    struct buf data;
    enum sig_kind kind;
    enum sig_format format;
    bool known; /* kind and format are */
};

/* One content that is being verified. */
struct check {
    struct sigcheck *of;
    const char *path;
    char *real;
    bool manifest;
    struct hasher_file file;
    struct candidate candidates[SG_SIGCHECK_FILES];
    size_t count;
    struct buf proof_text;
    bool has_proof;
    struct tlog_proof proof;
    struct sig_record_read *leaf; /* the record in the proof; NULL: none */
    const struct sigkey *key;
    char timestamp[SG_RFC3339_SIZE];
    struct json_object *report, *signatures, *reasons;
    size_t faults;
};

bool sigcheck_name_matches(const char *real, const char *name)
{
    size_t r = strlen(real), n = strlen(name);

    return n > 0 && name[0] != '/' && r > n && real[r - n - 1] == '/' &&
           strcmp(real + r - n, name) == 0;
}

static void fault(struct check *c, const char *code, const char *detail)
{
    struct json_object *reason = json_object_new_object();

    c->faults++;
    if (json_put_text(reason, "code", code) && json_put_text(reason, "detail", detail))
        (void)json_object_array_add(c->reasons, reason);
    else
        json_cleanup(&reason);
}

/* Notes a signature; `code` NULL: it holds. */
static void note_signature(struct check *c, const struct candidate *s, const char *format,
                           const char *code, const char *detail)
{
    struct json_object *entry = json_object_new_object();
    SG_BUF_CLEANUP struct buf text = {0};

    if (json_put_text(entry, "file", s->path) && json_put_text(entry, "format", format) &&
        json_put_bool(entry, "valid", code == NULL) &&
        (!code || json_put_text(entry, "reason", code)))
        (void)json_object_array_add(c->signatures, entry);
    else
        json_cleanup(&entry);
    if (!code)
        return;
    buf_init(&text, 2 * SG_SIGCHECK_PATH);
    buf_printf(&text, "%s: %s", s->path, detail);
    fault(c, code, buf_str(&text));
}

/* -- finding ------------------------------------------------------------------------------------
 */

static void add_candidate(struct check *c, const char *path)
{
    struct candidate *s = &c->candidates[c->count];

    if (c->count == SG_SIGCHECK_FILES || access(path, F_OK) != 0)
        return;
    snprintf(s->path, sizeof(s->path), "%s", path);
    size_t len = strlen(path);
    if (sidecar_read(path, &s->data))
        s->known = sig_detect(buf_str(&s->data), s->data.len, &s->kind, &s->format) == SG_OK;
    if (len > 8 && strcmp(path + len - 8, ".raw.sig") == 0) {
        s->kind = SG_SIG_KIND_FORMAT;
        s->format = SG_FORMAT_RAW;
        s->known = true;
    }
    c->count++;
}

static void find_candidates(struct check *c)
{
    char path[SG_SIGCHECK_PATH];

    if (c->of->signature) {
        add_candidate(c, c->of->signature);
        return;
    }
    for (size_t i = 0; sidecar_extensions[i]; i++) {
        int len = snprintf(path, sizeof(path), "%s%s", c->path, sidecar_extensions[i]);

        if (len > 0 && (size_t)len < sizeof(path))
            add_candidate(c, path);
    }
}

static void find_proof(struct check *c)
{
    char path[SG_SIGCHECK_PATH];
    int len = snprintf(path, sizeof(path), "%s%s", c->path, SG_SIDECAR_PROOF_EXTENSION);

    if (len < 0 || (size_t)len >= sizeof(path) || access(path, F_OK) != 0)
        return;
    if (!sidecar_read(path, &c->proof_text) ||
        tlog_proof_parse(buf_str(&c->proof_text), c->proof_text.len, &c->proof) != SG_OK) {
        fault(c, "proof-invalid", "the proof of the log cannot be read");
        return;
    }
    c->has_proof = true;
    c->leaf = calloc(1, sizeof(*c->leaf));
    if (c->leaf && c->proof.extra &&
        sig_record_parse((const char *)c->proof.extra, c->proof.extra_len, c->leaf) == SG_OK) {
        clock_format_rfc3339(c->leaf->record.timestamp_ns, c->timestamp);
        return;
    }
    free(c->leaf);
    c->leaf = NULL;
    fault(c, "proof-invalid", "the proof holds no record");
}

/* -- keys ---------------------------------------------------------------------------------------
 */

/* The key of a signature: what the record says, else what the signature says itself. */
static enum cli_status key_of(struct check *c, const struct candidate *s, const char **why)
{
    struct sigkeys *keys = c->of->keys;
    uint8_t hint[SG_PUBLIC_SPKI_MAX];
    size_t len = 0;

    if (c->leaf)
        return sigkeys_get(keys, c->leaf->record.key, c->leaf->record.key_version, &c->key, why);
    if (s->kind == SG_SIG_KIND_FORMAT &&
        sig_hint(s->format, s->data.data, s->data.len, hint, &len) != SG_OK)
        len = 0;
    return sigkeys_find(keys, hint, len, &c->key, why);
}

/* -- one signature ------------------------------------------------------------------------------
 */

/* Verifies against the content under each name that the path may stand for. */
static enum sig_reason verify_named(const struct check *c, const struct candidate *s)
{
    struct sig_content content = {.digests = c->file.digests};
    enum sig_reason reason = SG_SIG_NAME;
    const char *at = c->manifest ? NULL : strrchr(c->real, '/');

    if (!at)
        return sig_verify(s->format, s->data.data, s->data.len, &c->key->public, &content);
    for (;; at--) {
        if (*at != '/')
            continue;
        content.name = at + 1;
        reason = *content.name
                     ? sig_verify(s->format, s->data.data, s->data.len, &c->key->public, &content)
                     : reason;
        if (reason != SG_SIG_NAME || at == c->real)
            return reason;
    }
}

/* A SHA256.sig: the signed list has to be the file of lines. */
static enum sig_reason verify_list(const struct check *c, const struct candidate *s)
{
    SG_BUF_CLEANUP struct buf lines = {0};
    const char *signed_lines = NULL;
    size_t len = 0;

    enum sig_reason reason =
        sig_verify_list(buf_str(&s->data), s->data.len, &c->key->public, &signed_lines, &len);
    if (reason != SG_SIG_VALID)
        return reason;
    if (!sidecar_read(c->path, &lines))
        return SG_SIG_DIGEST;
    return lines.len == len && memcmp(lines.data, signed_lines, len) == 0 ? SG_SIG_VALID
                                                                          : SG_SIG_DIGEST;
}

static void check_format(struct check *c, const struct candidate *s)
{
    bool list = c->manifest && s->format == SG_FORMAT_SIGNIFY;
    enum sig_reason reason = list ? verify_list(c, s) : verify_named(c, s);

    note_signature(c, s, sig_format_name(s->format),
                   reason == SG_SIG_VALID ? NULL : sig_reason_code(reason),
                   sig_reason_text(reason));
}

/* The record's canonical text from its JSON: without what is not part of it. */
static bool record_text(struct json_object *json, struct buf *ret)
{
    static const char *const without[] = {"signature", "formats", "log",   "manifest", "directory",
                                          "files",     "root",    "lines", NULL};

    buf_init(ret, SG_RECORD_TEXT_MAX);
    return canon_append(ret, json, without);
}

static enum sig_reason verify_record(struct check *c, struct json_object *json, struct buf *text)
{
    const char *signature = json_text(json, "signature", "");
    const char *name = json_text(json, "name", "");
    struct sig_content content = {.digests = c->file.digests};
    uint8_t bytes[1024];
    size_t len = 0;

    if (encode_unbase64(signature, strlen(signature), bytes, sizeof(bytes), &len) != SG_OK)
        return SG_SIG_MALFORMED;
    enum sig_reason reason =
        sig_verify_record(buf_str(text), text->len, bytes, len, &c->key->public, &content);
    if (reason == SG_SIG_VALID && !c->manifest && !sigcheck_name_matches(c->real, name))
        return SG_SIG_NAME;
    return reason;
}

static enum cli_status check_record(struct check *c, const struct candidate *s)
{
    SG_JSON_CLEANUP struct json_object *json = json_parse(buf_str(&s->data), s->data.len);
    SG_BUF_CLEANUP struct buf text = {0};
    const char *why = NULL;
    enum cli_status status = SG_CLI_OK;

    if (!json || !record_text(json, &text)) {
        note_signature(c, s, "record", sig_reason_code(SG_SIG_MALFORMED),
                       sig_reason_text(SG_SIG_MALFORMED));
        return SG_CLI_OK;
    }
    if (!c->leaf)
        status = sigkeys_get(c->of->keys, json_text(json, "key", ""),
                             json_int(json, "key_version", 0), &c->key, &why);
    if (status != SG_CLI_OK)
        return status;
    if (!c->key) {
        note_signature(c, s, "record", "key-unknown", why ? why : "its key is not known");
        return SG_CLI_OK;
    }
    if (!*c->timestamp)
        snprintf(c->timestamp, sizeof(c->timestamp), "%s", json_text(json, "timestamp", ""));
    enum sig_reason reason = verify_record(c, json, &text);
    if (reason == SG_SIG_VALID && c->leaf &&
        (c->proof.extra_len != text.len || memcmp(c->proof.extra, text.data, text.len) != 0))
        note_signature(c, s, "record", "not-in-log", "the proof of the log is for another record");
    else
        note_signature(c, s, "record", reason == SG_SIG_VALID ? NULL : sig_reason_code(reason),
                       sig_reason_text(reason));
    return SG_CLI_OK;
}

static enum cli_status check_candidate(struct check *c, const struct candidate *s)
{
    const char *why = NULL;
    enum cli_status status;

    if (!s->known || s->kind == SG_SIG_KIND_PROOF) {
        note_signature(c, s, "unknown", sig_reason_code(SG_SIG_MALFORMED),
                       sig_reason_text(SG_SIG_MALFORMED));
        return SG_CLI_OK;
    }
    if (s->kind == SG_SIG_KIND_RECORD && !c->leaf)
        return check_record(c, s);
    status = key_of(c, s, &why);
    if (status != SG_CLI_OK)
        return status;
    if (!c->key)
        note_signature(c, s, s->kind == SG_SIG_KIND_RECORD ? "record" : sig_format_name(s->format),
                       "key-unknown", why);
    else if (s->kind == SG_SIG_KIND_RECORD)
        return check_record(c, s);
    else
        check_format(c, s);
    return SG_CLI_OK;
}

/* -- the proof ----------------------------------------------------------------------------------
 */

static void check_proof(struct check *c)
{
    struct json_object *log = json_object_new_object();
    const struct sig_record *r = &c->leaf->record;
    struct checkpoint point;

    if (memcmp(r->digests.sha256, c->file.digests.sha256, 32) != 0)
        fault(c, "digest-mismatch", "the record in the log is for another content");
    else if (!c->manifest && !sigcheck_name_matches(c->real, r->name))
        fault(c, "name-mismatch", "the record in the log is for a file of another name");
    if (c->key && memcmp(r->keyid, c->key->public.keyid, sizeof(r->keyid)) != 0)
        fault(c, "key-mismatch", "the record in the log is by another key");
    if (!c->of->has_log_key) {
        fault(c, "log-key-unknown", "the log's key was never fetched here: give --log-key");
    } else {
        enum sg_err err = tlog_proof_verify(&c->proof, c->proof.extra, c->proof.extra_len,
                                            &c->of->log_key, &point);

        if (err == SG_ERR_NOT_FOUND)
            fault(c, "proof-invalid",
                  "the checkpoint of the proof is not signed with the log's key");
        else if (err != SG_OK)
            fault(c, "proof-invalid", "the proof of the log does not hold");
        else if (json_put_int(log, "index", (int64_t)c->proof.index) &&
                 json_put_int(log, "size", (int64_t)point.size))
            (void)json_put(c->report, "log", json_object_get(log));
    }
    json_cleanup(&log);
}

/* -- all together -------------------------------------------------------------------------------
 */

static enum cli_status ask_state(struct check *c)
{
    const char *objection = NULL;
    bool asked = false;
    enum cli_status status = SG_CLI_OK;

    if (c->key)
        status = sigkeys_objection(c->of->keys, c->key, *c->timestamp ? c->timestamp : NULL,
                                   &objection, &asked);
    if (status == SG_CLI_OK && objection)
        fault(c, objection,
              strcmp(objection, "key-disabled") == 0 ? "the key is disabled"
              : strcmp(objection, "key-version-too-old") == 0
                  ? "this version of the key counts no more"
              : strcmp(objection, "key-expired") == 0
                  ? "it was made when the key had expired"
                  : "the gateway does not know the key any more");
    (void)json_put_bool(c->report, "state_asked", asked);
    return status;
}

/* The absolute path of the content under the name that was given: a symlink keeps its own. */
static char *absolute(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = file_directory_of(path);
    char *real = parent ? realpath(parent, NULL) : NULL;
    char *joined = real ? file_join(real, slash ? slash + 1 : path) : NULL;

    free(parent);
    free(real);
    return joined;
}

static enum cli_status run(struct check *c)
{
    enum cli_status status = hasher_one(&c->file, true, true);

    if (status != SG_CLI_OK)
        return status;
    if (c->of->signature && access(c->of->signature, R_OK) != 0)
        return report_errno("read", c->of->signature);
    find_proof(c);
    find_candidates(c);
    for (size_t i = 0; i < c->count && status == SG_CLI_OK; i++)
        status = check_candidate(c, &c->candidates[i]);
    if (status != SG_CLI_OK)
        return status;
    if (c->count == 0)
        fault(c, "no-signature", "there is no signature beside it");
    if (c->leaf)
        check_proof(c);
    return ask_state(c);
}

static bool finish_report(struct check *c)
{
    bool ok = json_put_text(c->report, "file", c->path) &&
              json_put_bool(c->report, "valid", c->faults == 0);

    if (c->key && *c->key->name)
        ok = ok && json_put_text(c->report, "key", c->key->name) &&
             json_put_int(c->report, "key_version", c->key->version);
    if (*c->timestamp)
        ok = ok && json_put_text(c->report, "timestamp", c->timestamp);
    return json_put(c->report, "signatures", json_object_get(c->signatures)) && ok &&
           json_put(c->report, "reasons", json_object_get(c->reasons));
}

static void check_free(struct check *c)
{
    for (size_t i = 0; i < c->count; i++)
        buf_fini(&c->candidates[i].data);
    buf_fini(&c->proof_text);
    tlog_proof_fini(&c->proof);
    json_cleanup(&c->report);
    json_cleanup(&c->signatures);
    json_cleanup(&c->reasons);
    free(c->leaf);
    free(c->real);
    free(c);
}

enum cli_status sigcheck_file(struct sigcheck *of, const char *path, bool manifest,
                              struct json_object **ret)
{
    struct check *c = calloc(1, sizeof(*c));
    enum cli_status status = SG_CLI_OK;

    if (!c)
        return report_no_memory();
    c->of = of;
    c->path = path;
    c->manifest = manifest;
    c->real = absolute(path);
    c->file = (struct hasher_file){.path = path, .name = path};
    c->report = json_object_new_object();
    c->signatures = json_object_new_array();
    c->reasons = json_object_new_array();
    if (!c->real)
        status = report_errno("read", path);
    else if (!c->report || !c->signatures || !c->reasons)
        status = report_no_memory();
    if (status == SG_CLI_OK)
        status = run(c);
    if (status == SG_CLI_OK && !finish_report(c))
        status = report_no_memory();
    if (status == SG_CLI_OK)
        *ret = json_object_get(c->report);
    check_free(c);
    return status;
}
