/* SPDX-License-Identifier: Apache-2.0 */
/* The last point of each space's log that was verified. It never judges. */
#include "cli/verified.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/chain.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <unistd.h>

#define SG_VERIFIED_FILE_MAX ((size_t)4 << 20)

/* The whole file, an empty object when there is none. */
static enum cli_status load(const char *path, struct json_object **ret)
{
    SG_BUF_CLEANUP struct buf text = {0};

    if (access(path, F_OK) != 0) {
        *ret = json_object_new_object();
        return *ret ? SG_CLI_OK : report_no_memory();
    }
    buf_init(&text, SG_VERIFIED_FILE_MAX);
    if (file_read(path, &text) == SG_OK)
        *ret = json_parse(buf_str(&text), text.len);
    if (json_object_is_type(*ret, json_type_object))
        return SG_CLI_OK;
    json_cleanup(ret);
    return report_error(SG_CLI_USAGE, "remove it to forget what was verified", "%s is damaged",
                        path);
}

enum cli_status verified_get(struct profile *profile, const char *space, struct verified *ret)
{
    SG_JSON_CLEANUP struct json_object *all = NULL;
    char *path = profile_path(profile, "verified.json");
    enum cli_status status = path ? load(path, &all) : report_no_memory();
    struct json_object *known = json_member(all, space);

    ret->seq = 0;
    if (known && chain_parse(json_text(known, "chain", ""), ret->chain)) {
        ret->seq = json_int(known, "seq", 0);
        ret->at = json_int(known, "at", 0);
    }
    free(path);
    return status;
}

enum cli_status verified_set(struct profile *profile, const char *space, const struct verified *v)
{
    SG_JSON_CLEANUP struct json_object *all = NULL;
    SG_BUF_CLEANUP struct buf text = {0};
    struct json_object *known = v ? json_object_new_object() : NULL;
    char *path = profile_path(profile, "verified.json"), hex[SG_DIGEST_HEX_SIZE];
    enum cli_status status = path ? load(path, &all) : report_no_memory();

    buf_init(&text, SG_VERIFIED_FILE_MAX);
    if (status == SG_CLI_OK)
        json_object_object_del(all, space);
    if (status == SG_CLI_OK && v) {
        encode_hex(v->chain, SG_DIGEST_BYTES, hex);
        if (!json_put_int(known, "seq", v->seq) || !json_put_int(known, "at", v->at) ||
            !json_put_text(known, "chain", hex) || !json_put(all, space, json_object_get(known)))
            status = report_no_memory();
    }
    if (status == SG_CLI_OK) {
        json_append(&text, all);
        buf_putc(&text, '\n');
        status = text.failed ? report_no_memory()
                             : profile_write(profile, path, buf_str(&text), text.len);
    }
    json_cleanup(&known);
    free(path);
    return status;
}
