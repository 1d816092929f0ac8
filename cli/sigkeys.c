/* SPDX-License-Identifier: Apache-2.0 */
/* Keys to verify with. A key that was pinned is never fetched again. */
#include "cli/sigkeys.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/api.h"
#include "cli/connect.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/trusted.h"
#include "sigfmt/record.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A new key with room for it in the list, which keep_key puts it into. */
static struct sigkey *add_key(struct sigkeys *k, const char *name, int64_t version)
{
    void *grown = reallocarray(k->keys, k->count + 1, sizeof(struct sigkey *));

    if (grown)
        k->keys = grown;
    struct sigkey *key = grown ? calloc(1, sizeof(*key)) : NULL;
    if (!key) {
        (void)report_no_memory();
        return NULL;
    }
    snprintf(key->name, sizeof(key->name), "%s", name);
    key->version = version;
    return key;
}

static void keep_key(struct sigkeys *k, struct sigkey *key)
{
    k->keys[k->count++] = key;
}

static enum cli_status read_key_file(struct sigkeys *k, const char *path)
{
    SG_BUF_CLEANUP struct buf text = {0};
    struct sigkey *key;

    buf_init(&text, SG_PUBLIC_TEXT_MAX);
    if (file_read(path, &text) != SG_OK)
        return report_error(SG_CLI_USAGE, NULL, "cannot read the key %s", path);
    key = add_key(k, "", 0);
    if (!key)
        return SG_CLI_USAGE;
    if (sig_public_parse(buf_str(&text), text.len, &key->public) != SG_OK) {
        free(key);
        return report_error(SG_CLI_USAGE, "PEM, OpenSSH, minisign, signify, JWK or a certificate",
                            "%s holds no public key", path);
    }
    keep_key(k, key);
    k->fixed = true;
    return SG_CLI_OK;
}

enum cli_status sigkeys_open(struct sigkeys *k, struct cli *cli, bool offline, const char *key)
{
    enum cli_status status = SG_CLI_OK;

    *k = (struct sigkeys){.cli = cli, .offline = offline};
    if (key && access(key, F_OK) != 0 && sig_key_name_valid(key))
        snprintf(k->wanted, sizeof(k->wanted), "%s", key);
    else if (key)
        status = read_key_file(k, key);
    if (status == SG_CLI_OK)
        status = offline ? profile_open(cli->options.profile, &cli->profile)
                         : connect_open(cli, NULL, false);
    return status == SG_CLI_OK ? trusted_open(cli->profile, &k->trusted) : status;
}

void sigkeys_close(struct sigkeys *k)
{
    for (size_t i = 0; i < k->count; i++) {
        sig_public_fini(&k->keys[i]->public);
        free(k->keys[i]);
    }
    free(k->keys);
    json_cleanup(&k->list);
    trusted_close(k->trusted);
}

/* Fetches the key and pins it. */
static enum cli_status fetch(struct sigkeys *k, struct sigkey *key, const char **why)
{
    SG_BUF_CLEANUP struct buf target = {0};
    struct http_call call = {0};
    char number[24];

    snprintf(number, sizeof(number), "%lld", (long long)key->version);
    buf_init(&target, 4096);
    buf_printf(&target, "/v1/keys/%s/public", key->name);
    remote_query(&target, "version", number);
    struct http_request request = {.method = "GET", .target = buf_str(&target)};
    enum cli_status status = api_perform(k->cli, SG_API_PUBLIC, &request, &call);
    if (status == SG_CLI_OK && call.failure == SG_HTTP_DONE && call.status == 404) {
        *why = "the gateway has no such key";
    } else if (status == SG_CLI_OK && !http_call_ok(&call)) {
        status = report_call(k->cli, &call, key->name);
    } else if (status == SG_CLI_OK) {
        if (sig_public_parse(buf_str(&call.body), call.body.len, &key->public) == SG_OK)
            status = trusted_set_key(k->trusted, key->name, key->version, &key->public);
        else
            *why = "the gateway's key cannot be understood";
    }
    http_call_fini(&call);
    return status;
}

enum cli_status sigkeys_get(struct sigkeys *k, const char *name, int64_t version,
                            const struct sigkey **ret, const char **why)
{
    enum cli_status status = SG_CLI_OK;

    *ret = NULL;
    *why = NULL;
    if (k->fixed) {
        *ret = k->keys[0];
        return SG_CLI_OK;
    }
    if (!sig_key_name_valid(name) || version < 1)
        *why = "it names no key";
    else if (*k->wanted && strcmp(k->wanted, name) != 0)
        *why = "it was made with a key of another name";
    for (size_t i = 0; !*why && i < k->count; i++) {
        if (strcmp(k->keys[i]->name, name) == 0 && k->keys[i]->version == version) {
            *ret = k->keys[i];
            return SG_CLI_OK;
        }
    }
    if (*why)
        return SG_CLI_OK;
    struct sigkey *key = add_key(k, name, version);
    if (!key)
        return SG_CLI_USAGE;
    if (!trusted_key(k->trusted, name, version, &key->public)) {
        if (k->offline)
            *why = "its key was never fetched here: give --key FILE";
        else
            status = fetch(k, key, why);
    }
    if (status != SG_CLI_OK || *why) {
        free(key);
        return status;
    }
    keep_key(k, key);
    *ret = key;
    return SG_CLI_OK;
}

/* Asks once for all keys, if somebody is logged in. */
static enum cli_status ask_list(struct sigkeys *k)
{
    if (k->asked || k->offline)
        return SG_CLI_OK;
    k->asked = true;
    if (!session_exists(k->cli->session))
        return SG_CLI_OK;
    return api_call(k->cli, SG_API_USER, "GET", "/v1/keys", NULL, "keys", &k->list);
}

static struct json_object *listed(struct sigkeys *k, const char *name)
{
    struct json_object *keys = json_array(k->list, "keys");

    for (size_t i = 0; keys && i < json_object_array_length(keys); i++) {
        struct json_object *key = json_object_array_get_idx(keys, i);

        if (strcmp(json_text(key, "name", ""), name) == 0)
            return key;
    }
    return NULL;
}

/* The version whose keyid the hint means; without a hint the current one of the wanted key. */
static int64_t find_version(struct json_object *key, const uint8_t *hint, size_t len)
{
    struct json_object *versions = json_array(key, "versions");

    if (len == 0)
        return json_int(key, "current_version", 0);
    for (size_t i = 0; versions && i < json_object_array_length(versions); i++) {
        struct json_object *v = json_object_array_get_idx(versions, i);

        if (trusted_hint_matches(json_text(v, "keyid", ""), hint, len))
            return json_int(v, "version", 0);
    }
    return 0;
}

enum cli_status sigkeys_find(struct sigkeys *k, const uint8_t *hint, size_t len,
                             const struct sigkey **ret, const char **why)
{
    const char *name = NULL;
    int64_t version = 0;

    *ret = NULL;
    *why = NULL;
    if (k->fixed || trusted_find(k->trusted, hint, len, &name, &version))
        return sigkeys_get(k, name ? name : "", version, ret, why);
    enum cli_status status = ask_list(k);
    struct json_object *keys = json_array(k->list, "keys");
    for (size_t i = 0; keys && version == 0 && i < json_object_array_length(keys); i++) {
        struct json_object *key = json_object_array_get_idx(keys, i);

        name = json_text(key, "name", "");
        if (len > 0 || (*k->wanted && strcmp(name, k->wanted) == 0))
            version = find_version(key, hint, len);
    }
    if (status != SG_CLI_OK || version > 0)
        return status == SG_CLI_OK ? sigkeys_get(k, name, version, ret, why) : status;
    *why = keys ? "no key of the gateway has made it"
                : "its key is not known here: log in, or give --key FILE";
    return SG_CLI_OK;
}

const char *sigkeys_judge(struct json_object *key, int64_t version, const char *timestamp)
{
    struct json_object *versions = json_array(key, "versions");

    if (json_truth(key, "disabled", false))
        return "key-disabled";
    if (version < json_int(key, "oldest_version", 1))
        return "key-version-too-old";
    for (size_t i = 0; versions && i < json_object_array_length(versions); i++) {
        struct json_object *v = json_object_array_get_idx(versions, i);
        const char *end = json_text(v, "expires_at", NULL);

        if (json_int(v, "version", 0) != version)
            continue;
        /* All times are of one form, so that their texts are in their order. */
        return end && timestamp && strcmp(timestamp, end) >= 0 ? "key-expired" : NULL;
    }
    return "key-unknown";
}

enum cli_status sigkeys_objection(struct sigkeys *k, const struct sigkey *key,
                                  const char *timestamp, const char **ret, bool *ret_asked)
{
    *ret = NULL;
    *ret_asked = false;
    if (!*key->name || k->offline)
        return SG_CLI_OK;
    enum cli_status status = ask_list(k);
    if (status != SG_CLI_OK || !k->list)
        return status;
    struct json_object *found = listed(k, key->name);
    *ret_asked = true;
    *ret = found ? sigkeys_judge(found, key->version, timestamp) : "key-unknown";
    return SG_CLI_OK;
}
