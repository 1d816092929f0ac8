/* SPDX-License-Identifier: Apache-2.0 */
/* Signing by digest, batch after batch, while the files of later ones are hashed. It never sends
 * content. */
#include "cli/sign.h"

#include "base/buf.h"
#include "base/encode.h"
#include "cli/api.h"
#include "cli/connect.h"
#include "cli/hasher.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/signlist.h"
#include "cli/signwrite.h"
#include "cli/term.h"
#include "package/package.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define SG_SIGN_BODY_MAX   ((size_t)16 << 20) /* the gateway's limit */
#define SG_SIGN_ANSWER_MAX ((size_t)96 << 20)
/* Bytes of an answer for an item: record and proof, one text format, CMS with its certificate. */
#define SG_SIGN_RECORD_ROOM 5120
#define SG_SIGN_FORMAT_ROOM 2048
#define SG_SIGN_CMS_ROOM    4096
/* Ten thousand RSA signatures take half a minute on one processor. */
#define SG_SIGN_STALL_S 300L

struct sign {
    struct cli *cli;
    const struct signlist *list;
    const struct sign_options *options;
    struct hasher_file *files; /* one for each item */
    struct hasher *hasher;
    struct progress progress;
    struct signwrite out;
};

size_t sign_batch_size(unsigned formats)
{
    size_t room = SG_SIGN_RECORD_ROOM;

    for (unsigned bit = 1; bit <= SG_FORMATS_ALL; bit <<= 1)
        room += formats & bit ? SG_SIGN_FORMAT_ROOM : 0;
    room += formats & SG_FORMAT_CMS ? SG_SIGN_CMS_ROOM : 0;
    size_t most = SG_SIGN_ANSWER_MAX / room;
    return most < SG_SIGNLIST_BATCH ? most : SG_SIGNLIST_BATCH;
}

static bool put_digest(struct json_object *digests, const char *name, const uint8_t *digest,
                       size_t len)
{
    char hex[SG_HEX_SIZE(64)];

    encode_hex(digest, len, hex);
    return json_put_text(digests, name, hex);
}

static bool put_package(struct json_object *json, const struct package_info *p)
{
    return !p || ((!*p->package || json_put_text(json, "package", p->package)) &&
                  json_put_text(json, "fileset", p->fileset) &&
                  json_put_text(json, "vrmf", p->vrmf) && json_put_text(json, "ftype", p->ftype));
}

struct json_object *sign_local_item(const struct signlist_item *item, const char *directory,
                                    const struct hasher_file *file)
{
    struct json_object *json = json_object_new_object(), *digests = json_object_new_object();
    const struct sig_digests *d = &file->digests;
    bool ok = digests && put_digest(digests, "sha256", d->sha256, sizeof(d->sha256));

    if (d->has_sha512)
        ok = ok && put_digest(digests, "sha512", d->sha512, sizeof(d->sha512));
    if (d->has_blake2b)
        ok = ok && put_digest(digests, "blake2b-512", d->blake2b, sizeof(d->blake2b));
    ok = json_put(json, "digests", digests) && ok && json_put_text(json, "name", item->name) &&
         json_put_int(json, "size", file->size) && put_package(json, file->package) &&
         (!directory || json_put_text(json, "directory", directory));
    if (!ok)
        json_cleanup(&json);
    return json;
}

static struct json_object *make_item(const struct sign *s, const struct signlist_group *group,
                                     size_t i)
{
    struct json_object *json;

    if (group->kind == SG_SIGNLIST_FILES || group->kind == SG_SIGNLIST_DIRECTORY)
        return sign_local_item(&s->list->items[i], group->directory, &s->files[i]);
    json = json_object_new_object();
    if (!json_put_text(json, group->kind == SG_SIGNLIST_PREFIX ? "prefix" : "path",
                       s->list->items[i].path))
        json_cleanup(&json);
    return json;
}

static struct json_object *make_body(const struct sign *s, const struct signlist_group *group,
                                     size_t first, size_t count)
{
    struct json_object *body = json_object_new_object(), *items = json_object_new_array();
    struct json_object *formats = json_object_new_array();
    bool ok = body && items && formats && json_put_text(body, "key", s->options->key);

    for (size_t i = first; ok && i < first + count; i++) {
        struct json_object *item = make_item(s, group, i);

        ok = item && json_object_array_add(items, item) == 0;
    }
    for (unsigned bit = 1; ok && bit <= SG_FORMATS_ALL; bit <<= 1) {
        if (s->options->choice.formats & bit)
            ok = json_object_array_add(
                     formats, json_object_new_string(sig_format_name((enum sig_format)bit))) == 0;
    }
    ok = json_put(body, "items", items) && ok;
    ok = json_put(body, "formats", formats) && ok;
    if (!ok)
        json_cleanup(&body);
    return body;
}

/* Says which items the gateway does not sign, and why. */
static void report_items(const struct sign *s, size_t first, size_t count,
                         const struct http_call *call)
{
    SG_JSON_CLEANUP struct json_object *problem = json_parse(buf_str(&call->body), call->body.len);
    struct json_object *items = json_array(problem, "items");

    for (size_t i = 0; !s->cli->options.json && items && i < json_object_array_length(items); i++) {
        struct json_object *bad = json_object_array_get_idx(items, i);
        int64_t index = json_int(bad, "index", -1);

        if (index >= 0 && (size_t)index < count)
            term_warn("secctl: %s: %s (%s)", s->list->items[first + (size_t)index].path,
                      json_text(bad, "detail", "it cannot be signed"), json_text(bad, "code", "?"));
    }
}

static enum cli_status exchange(struct sign *s, struct json_object *body, size_t first,
                                size_t count, struct json_object **ret)
{
    SG_BUF_CLEANUP struct buf text = {0};
    struct http_call call = {0};
    const char *subject = count == 1 ? s->list->items[first].path : s->options->key;

    buf_init(&text, SG_SIGN_BODY_MAX);
    json_append(&text, body);
    if (text.failed)
        return report_error(SG_CLI_USAGE, "sign fewer files at once",
                            "the request would be too large");
    struct http_request request = {.method = "POST",
                                   .target = "/v1/signatures",
                                   .content_type = "application/json",
                                   .body = buf_str(&text),
                                   .body_len = text.len,
                                   .stall_s = SG_SIGN_STALL_S};
    enum cli_status status = api_perform(s->cli, SG_API_USER, &request, &call);
    if (status == SG_CLI_OK && !http_call_ok(&call)) {
        report_items(s, first, count, &call);
        status = report_call(s->cli, &call, subject);
    } else if (status == SG_CLI_OK) {
        *ret = json_parse(buf_str(&call.body), call.body.len);
        if (!json_array(*ret, "signatures"))
            status = report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                                  "%s: the gateway's answer cannot be understood", subject);
    }
    http_call_fini(&call);
    return status;
}

/* Whether the signature is of what was asked for. */
static enum cli_status check_answer(const struct sign *s, const struct signlist_group *group,
                                    size_t i, struct json_object *signature)
{
    const struct signlist_item *item = &s->list->items[i];
    const char *sha256 = json_text(json_member(signature, "digest"), "sha256", "");
    char hex[SG_HEX_SIZE(32)];
    bool local = group->kind == SG_SIGNLIST_FILES || group->kind == SG_SIGNLIST_DIRECTORY;

    if (local)
        encode_hex(s->files[i].digests.sha256, 32, hex);
    if ((!local || strcmp(sha256, hex) == 0) &&
        strcmp(json_text(signature, "name", ""), item->name) == 0)
        return SG_CLI_OK;
    return report_error(SG_CLI_INTEGRITY, "tell the operator; nothing was written for it",
                        "%s: the gateway has signed something else", item->path);
}

static enum cli_status take_prefix(struct sign *s, const struct signlist_item *item,
                                   struct json_object *signatures)
{
    enum cli_status status = SG_CLI_OK;

    for (size_t i = 0; i < json_object_array_length(signatures) && status == SG_CLI_OK; i++) {
        struct json_object *signature = json_object_array_get_idx(signatures, i);
        const char *name = json_text(signature, "name", "");
        char *target = signlist_below(item, name);

        status = target ? signwrite_may(&s->out, target) : SG_CLI_INTEGRITY;
        if (status == SG_CLI_OK)
            status = signwrite_signature(&s->out, signature, name, target);
        free(target);
    }
    return status;
}

static enum cli_status take_answer(struct sign *s, const struct signlist_group *group, size_t first,
                                   size_t count, struct json_object *answer)
{
    struct json_object *signatures = json_array(answer, "signatures");
    struct json_object *manifests = json_array(answer, "manifests");
    enum cli_status status = SG_CLI_OK;

    if (group->kind == SG_SIGNLIST_PREFIX) {
        status = take_prefix(s, &s->list->items[first], signatures);
    } else if (json_object_array_length(signatures) != count) {
        status = report_error(SG_CLI_REFUSED, NULL, "the gateway has signed %zu of %zu files",
                              json_object_array_length(signatures), count);
    } else {
        for (size_t i = 0; i < count && status == SG_CLI_OK; i++) {
            struct json_object *signature = json_object_array_get_idx(signatures, i);
            const struct signlist_item *item = &s->list->items[first + i];

            status = check_answer(s, group, first + i, signature);
            if (status == SG_CLI_OK)
                status = signwrite_signature(&s->out, signature, item->name, item->target);
        }
    }
    if (status == SG_CLI_OK && group->manifest && manifests &&
        json_object_array_length(manifests) == 1)
        status =
            signwrite_manifest(&s->out, json_object_array_get_idx(manifests, 0), group->manifest);
    return status;
}

/* Signs `count` items of one kind; those of a directory all at once. */
static enum cli_status sign_batch(struct sign *s, const struct signlist_group *group, size_t first,
                                  size_t count)
{
    SG_JSON_CLEANUP struct json_object *body = NULL, *answer = NULL;
    enum cli_status status = SG_CLI_OK;

    if (s->hasher)
        status = hasher_wait(s->hasher, first, count, &s->progress);
    if (status != SG_CLI_OK)
        return status;
    body = make_body(s, group, first, count);
    if (!body)
        return report_no_memory();
    status = exchange(s, body, first, count, &answer);
    term_clear_status();
    return status == SG_CLI_OK ? take_answer(s, group, first, count, answer) : status;
}

static enum cli_status sign_group(struct sign *s, const struct signlist_group *group)
{
    bool whole = group->kind == SG_SIGNLIST_DIRECTORY || group->kind == SG_SIGNLIST_PREFIX;
    size_t most = whole ? group->count : sign_batch_size(s->options->choice.formats);
    enum cli_status status = SG_CLI_OK;

    signwrite_list(&s->out, s->list, group);
    for (size_t at = 0; at < group->count && status == SG_CLI_OK; at += most) {
        size_t left = group->count - at;

        status = sign_batch(s, group, group->first + at, left < most ? left : most);
    }
    return status;
}

/* Begins to hash all local files. */
static enum cli_status start_hashing(struct sign *s)
{
    const struct signlist *l = s->list;
    unsigned formats = s->options->choice.formats;

    if (l->groups[0].kind == SG_SIGNLIST_STORED || l->groups[0].kind == SG_SIGNLIST_PREFIX)
        return SG_CLI_OK;
    for (size_t i = 0; i < l->count; i++) {
        s->files[i] = (struct hasher_file){
            .path = l->items[i].path, .name = l->items[i].name, .size = l->items[i].size};
        s->progress.expected += l->items[i].size;
    }
    s->progress.files = l->count;
    /* CMS by an Ed25519 key is over SHA-512 (RFC 8419). */
    s->hasher = hasher_start(s->files, l->count, s->options->sha512 || (formats & SG_FORMAT_CMS),
                             formats & SG_FORMAT_MINISIGN);
    return s->hasher ? SG_CLI_OK : SG_CLI_USAGE;
}

/* Before anything is signed: nothing that matters is in the way. */
static enum cli_status check_targets(struct sign *s)
{
    enum cli_status status = SG_CLI_OK;

    for (size_t i = 0; i < s->list->n_groups; i++) {
        const struct signlist_group *group = &s->list->groups[i];

        if (group->manifest)
            status = cli_worse(status, signwrite_may_manifest(&s->out, group->manifest));
        for (size_t k = group->first;
             group->kind != SG_SIGNLIST_PREFIX && k < group->first + group->count; k++)
            status = cli_worse(status, signwrite_may(&s->out, s->list->items[k].target));
    }
    return status;
}

enum cli_status sign_run(struct cli *cli, const struct signlist *list,
                         const struct sign_options *options)
{
    struct sign s = {.cli = cli, .list = list, .options = options};

    signwrite_init(&s.out, &options->choice, options->force, cli->options.json, cli->options.quiet);
    s.files = calloc(list->count, sizeof(*s.files));
    if (!s.files)
        return report_no_memory();
    progress_init(&s.progress);
    enum cli_status status = check_targets(&s);
    if (status == SG_CLI_OK)
        status = start_hashing(&s);
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    for (size_t i = 0; i < list->n_groups && status == SG_CLI_OK; i++)
        status = sign_group(&s, &list->groups[i]);
    term_clear_status();
    signwrite_end(&s.out);
    hasher_stop(s.hasher);
    free(s.files);
    return status;
}
