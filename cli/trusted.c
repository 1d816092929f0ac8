/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned public keys. It never asks a gateway. */
#include "cli/trusted.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/digest.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SG_TRUSTED_FILE_MAX ((size_t)4 << 20)

struct trusted {
    struct profile *profile;
    char *path;
    struct json_object *all;
};

static const char *const role_names[] = {[SG_TRUSTED_LOG] = "log_key",
                                         [SG_TRUSTED_TIME] = "time_key",
                                         [SG_TRUSTED_IDENTITY] = "identity_key"};

static enum cli_status load(struct trusted *t)
{
    SG_BUF_CLEANUP struct buf text = {0};

    if (access(t->path, F_OK) != 0) {
        t->all = json_object_new_object();
        return t->all ? SG_CLI_OK : report_no_memory();
    }
    buf_init(&text, SG_TRUSTED_FILE_MAX);
    if (file_read(t->path, &text) == SG_OK)
        t->all = json_parse(buf_str(&text), text.len);
    if (json_object_is_type(t->all, json_type_object))
        return SG_CLI_OK;
    return report_error(SG_CLI_USAGE, "remove it to forget all keys that were seen",
                        "%s is damaged", t->path);
}

enum cli_status trusted_open(struct profile *profile, struct trusted **ret)
{
    struct trusted *t = calloc(1, sizeof(*t));
    enum cli_status status;

    if (!t)
        return report_no_memory();
    t->profile = profile;
    t->path = profile_path(profile, "trusted.json");
    status = t->path ? load(t) : report_no_memory();
    if (status == SG_CLI_OK)
        *ret = t;
    else
        trusted_close(t);
    return status;
}

void trusted_close(struct trusted *t)
{
    if (!t)
        return;
    json_cleanup(&t->all);
    free(t->path);
    free(t);
}

static enum cli_status save(struct trusted *t)
{
    SG_BUF_CLEANUP struct buf text = {0};

    buf_init(&text, SG_TRUSTED_FILE_MAX);
    json_append(&text, t->all);
    buf_putc(&text, '\n');
    return text.failed ? report_no_memory()
                       : profile_write(t->profile, t->path, buf_str(&text), text.len);
}

const char *trusted_verifier(struct trusted *t, enum trusted_role role)
{
    return json_text(t->all, role_names[role], NULL);
}

/* Reads what is there now into *ret, under a lock: what others have pinned meanwhile stays. */
static enum cli_status begin(const struct trusted *t, struct trusted *ret, int *ret_fd)
{
    char *path = profile_path(t->profile, "trusted.lock");
    enum cli_status status = path ? profile_lock(t->profile, path, ret_fd) : report_no_memory();

    free(path);
    *ret = (struct trusted){.profile = t->profile, .path = t->path};
    return status == SG_CLI_OK ? load(ret) : status;
}

static enum cli_status report_changed(void)
{
    return report_error(SG_CLI_USAGE, "try again",
                        "another process has changed the keys that are trusted");
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

enum cli_status trusted_set_verifier(struct trusted *t, enum trusted_role role, const char *vkey)
{
    SG_FD_CLEANUP int fd = -1;
    struct trusted now = {.all = NULL};
    enum cli_status status = begin(t, &now, &fd);

    /* What was decided was decided about another key. */
    const char *there = status == SG_CLI_OK ? trusted_verifier(&now, role) : NULL;
    if (status == SG_CLI_OK && !same_text(there, vkey) &&
        !same_text(there, trusted_verifier(t, role)))
        status = report_changed();
    if (status == SG_CLI_OK)
        status = json_put_text(t->all, role_names[role], vkey) &&
                         json_put_text(now.all, role_names[role], vkey)
                     ? save(&now)
                     : report_no_memory();
    json_cleanup(&now.all);
    return status;
}

bool trusted_key(struct trusted *t, const char *name, int64_t version, struct sig_public *ret)
{
    struct json_object *versions = json_member(json_member(t->all, "keys"), name);
    uint8_t spki[SG_PUBLIC_SPKI_MAX];
    char number[24];
    size_t len = 0;

    snprintf(number, sizeof(number), "%lld", (long long)version);
    const char *text = json_text(json_member(versions, number), "spki", "");
    return *text && encode_unbase64(text, strlen(text), spki, sizeof(spki), &len) == SG_OK &&
           sig_public_load(spki, len, ret) == SG_OK;
}

/* Member `name`, made when it is not there. */
static struct json_object *member_of(struct json_object *object, const char *name)
{
    struct json_object *member = json_member(object, name);

    if (!member && object) {
        member = json_object_new_object();
        if (!json_put(object, name, member))
            member = NULL;
    }
    return member;
}

static bool put_key(struct json_object *all, const char *name, int64_t version,
                    const struct sig_public *key)
{
    struct json_object *versions = member_of(member_of(all, "keys"), name);
    char number[24], keyid[SG_HEX_SIZE(32)], spki[SG_BASE64_SIZE(SG_PUBLIC_SPKI_MAX)];

    snprintf(number, sizeof(number), "%lld", (long long)version);
    struct json_object *entry = member_of(versions, number);
    encode_hex(key->keyid, sizeof(key->keyid), keyid);
    encode_base64(key->spki, key->spki_len, spki);
    return json_put_text(entry, "keyid", keyid) && json_put_text(entry, "spki", spki);
}

enum cli_status trusted_set_key(struct trusted *t, const char *name, int64_t version,
                                const struct sig_public *key)
{
    SG_FD_CLEANUP int fd = -1;
    struct trusted now = {.all = NULL};
    struct sig_public there;
    enum cli_status status = begin(t, &now, &fd);

    if (status == SG_CLI_OK && trusted_key(&now, name, version, &there) &&
        (there.spki_len != key->spki_len || memcmp(there.spki, key->spki, key->spki_len) != 0))
        status = report_changed();
    if (status == SG_CLI_OK)
        status = put_key(t->all, name, version, key) && put_key(now.all, name, version, key)
                     ? save(&now)
                     : report_no_memory();
    json_cleanup(&now.all);
    return status;
}

bool trusted_hint_matches(const char *keyid, const uint8_t *hint, size_t len)
{
    char hex[SG_HEX_SIZE(32)];
    uint8_t digest[SG_DIGEST_BYTES];
    struct digest d = {0};

    if (len == 8 || len == 32) {
        encode_hex(hint, len, hex);
        return strncmp(keyid, hex, 2 * len) == 0;
    }
    if (len == 0 || !digest_start(&d))
        return false;
    digest_update(&d, hint, len);
    digest_finish(&d, digest);
    encode_hex(digest, sizeof(digest), hex);
    return strcmp(keyid, hex) == 0;
}

bool trusted_find(struct trusted *t, const uint8_t *hint, size_t len, const char **ret_name,
                  int64_t *ret_version)
{
    struct json_object *keys = json_member(t->all, "keys");

    if (!keys)
        return false;
    json_object_object_foreach(keys, name, versions)
    {
        if (!json_object_is_type(versions, json_type_object))
            continue;
        json_object_object_foreach(versions, number, entry)
        {
            if (!trusted_hint_matches(json_text(entry, "keyid", ""), hint, len))
                continue;
            *ret_name = name;
            *ret_version = strtoll(number, NULL, 10);
            return true;
        }
    }
    return false;
}
