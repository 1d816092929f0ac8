/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed channel of a profile, on disk. It never prints a secret. */
#include "cli/chanstate.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/secret.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SG_CHANSTATE_FILE_MAX ((size_t)16384)
/* Of the file that is written, in bytes: room for the largest numbers. */
#define SG_CHANSTATE_SIZE 512

bool chanstate_bytes(struct json_object *json, const char *key, uint8_t *ret, size_t size)
{
    const char *text = json_text(json, key, "");
    size_t len = 0;

    return encode_unbase64(text, strlen(text), ret, size, &len) == SG_OK && len == size;
}

static bool put_bytes(struct json_object *json, const char *key, const uint8_t *data, size_t size)
{
    char text[SG_BASE64_SIZE(SG_CHANNEL_KEY_SIZE)];
    bool ok;

    encode_base64(data, size, text);
    ok = json_put_text(json, key, text);
    secret_wipe(text, sizeof(text));
    return ok;
}

static bool parse(struct json_object *json, struct chanstate *ret)
{
    uint8_t secret[SG_CHANNEL_KEY_SIZE];
    const char *id = json_text(json, "session_id", "");
    int64_t epoch = json_int(json, "epoch", -1), sequence = json_int(json, "sequence", -1);

    if (strlen(id) != sizeof(ret->id) - 1 ||
        encode_unhex(id, strlen(id), ret->session_id, sizeof(ret->session_id)) != SG_OK)
        return false;
    memcpy(ret->id, id, sizeof(ret->id));
    ret->expires_s = json_int(json, "expires_at", 0);
    ret->sequence = (uint64_t)sequence;
    bool ok = epoch >= 0 && sequence >= 0 &&
              chanstate_bytes(json, "secret", secret, sizeof(secret)) &&
              channel_resume((uint64_t)epoch, secret, &ret->epoch) == SG_OK;
    secret_wipe(secret, sizeof(secret));
    return ok;
}

enum cli_status chanstate_load(struct profile *profile, struct chanstate *ret, bool *ret_found)
{
    char *path = profile_path(profile, "channel.json");
    enum cli_status status = SG_CLI_OK;
    struct buf text;

    if (!path)
        return report_no_memory();
    buf_init(&text, SG_CHANSTATE_FILE_MAX);
    enum sg_err err = file_read(path, &text);
    *ret_found = err != SG_ERR_NOT_FOUND;
    if (*ret_found) {
        SG_JSON_CLEANUP struct json_object *json =
            err == SG_OK ? json_parse(buf_str(&text), text.len) : NULL;

        if (!json || !parse(json, ret))
            status = report_error(SG_CLI_USAGE, "open a new channel: secctl session open",
                                  "%s is damaged", path);
    }
    buf_wipe(&text);
    free(path);
    return status;
}

enum cli_status chanstate_read(struct profile *profile, struct chanstate *ret, bool *ret_found)
{
    SG_FD_CLEANUP int fd = -1;
    enum cli_status status = chanstate_lock(profile, &fd);

    return status == SG_CLI_OK ? chanstate_load(profile, ret, ret_found) : status;
}

/* The file's content, always of the same size, so that it can be written over; wipe it. */
static bool compose(const struct chanstate *s, struct buf *ret)
{
    SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

    buf_init(ret, SG_CHANSTATE_FILE_MAX);
    if (!json_put_text(json, "session_id", s->id) ||
        !json_put_int(json, "expires_at", s->expires_s) ||
        !json_put_int(json, "epoch", (int64_t)s->epoch.number) ||
        !put_bytes(json, "secret", s->epoch.secret, sizeof(s->epoch.secret)) ||
        !json_put_int(json, "sequence", (int64_t)s->sequence))
        return false;
    json_append(ret, json);
    buf_printf(ret, "%*s", (int)(SG_CHANSTATE_SIZE - 1 - ret->len), "");
    buf_putc(ret, '\n');
    return !ret->failed && ret->len == SG_CHANSTATE_SIZE;
}

enum cli_status chanstate_create(struct profile *profile, const struct chanstate *s)
{
    char *path = profile_path(profile, "channel.json");
    enum cli_status status = SG_CLI_USAGE;
    struct buf text = {0};

    if (path && compose(s, &text))
        status = profile_write(profile, path, buf_str(&text), text.len);
    else
        status = report_no_memory();
    buf_wipe(&text);
    free(path);
    return status;
}

/*
 * Over the former one, in place: file systems take care that a file that is renamed over another
 * one is on the disk first, and that costs more than the exchange. One write of less than a page is
 * there or not when the process is killed; readers hold the lock. What a crash of the machine takes
 * back does no harm: the gateway takes no number twice, and nonces are drawn.
 */
enum cli_status chanstate_save(struct profile *profile, const struct chanstate *s)
{
    char *path = profile_path(profile, "channel.json");
    SG_FD_CLEANUP int fd = -1;
    enum cli_status status = SG_CLI_OK;
    struct buf text = {0};

    if (!path || !compose(s, &text)) {
        status = report_no_memory();
    } else {
        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || file_write_all(fd, text.data, text.len) != SG_OK)
            status = report_errno("write", path);
    }
    buf_wipe(&text);
    free(path);
    return status;
}

enum cli_status chanstate_forget(struct profile *profile)
{
    SG_FD_CLEANUP int fd = -1;
    char *path = profile_path(profile, "channel.json");
    /* One that takes a number at this moment would write it again. */
    enum cli_status status = path ? chanstate_lock(profile, &fd) : report_no_memory();

    if (status == SG_CLI_OK)
        status = profile_remove(path);
    free(path);
    return status;
}

enum cli_status chanstate_lock(struct profile *profile, int *ret)
{
    char *path = profile_path(profile, "channel.lock");
    enum cli_status status = path ? profile_lock(profile, path, ret) : report_no_memory();

    free(path);
    return status;
}
