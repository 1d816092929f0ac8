/* SPDX-License-Identifier: Apache-2.0 */
/* Reads messages; it asks neither store nor authority. */
#include "api/message_request.h"

#include <string.h>

#include "api/json_in.h"
#include "base/encode.h"
#include "core/path.h"
#include "http/fields.h"
#include "http/request.h"

#define TEXT_CHARACTERS ((int64_t)128 * 1024) /* the limit is one of bytes, checked after it */
#define SEQ_MAX         ((INT64_C(1) << 53) - 1)

static enum sg_err check_text(struct request *r, const char *text, size_t len)
{
    const char *reason = "";
    enum sg_err err;

    if (len > SG_EVENT_TEXT_MAX)
        return request_fail(r, SG_ERR_TOO_LARGE, "A text may have %d bytes at most.",
                            SG_EVENT_TEXT_MAX);
    err = chat_text_ok(text, len, &reason);
    return err == SG_ERR_BAD_FIELD ? request_fail(r, err, "%s", reason) : err;
}

static enum sg_err read_json(struct request *r, struct chat_message *ret)
{
    struct json_strings files = {.count = 0};
    int64_t reply_to = 0;
    char *text = NULL;
    const struct json_field fields[] = {
        {NULL, "text", SG_JSON_STRING, true, 1, TEXT_CHARACTERS, {.string = &text}, NULL},
        {NULL, "reply_to", SG_JSON_INTEGER, false, 1, SEQ_MAX, {.integer = &reply_to}, NULL},
        {NULL, "files", SG_JSON_STRINGS, false, 0, SG_EVENT_FILES_MAX, {.strings = &files}, NULL},
    };
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err != SG_OK)
        return err;
    ret->text = text != NULL ? text : ""; /* required: it is there */
    ret->text_len = strlen(ret->text);
    ret->reply_to = (uint64_t)reply_to;
    ret->files = (const char *const *)files.items;
    ret->file_count = files.count;
    return SG_OK;
}

static bool says_json(const char *type)
{
    size_t len = strlen(type);

    return strcmp(type, "application/json") == 0 ||
           (len > 5 && strcmp(type + len - 5, "+json") == 0);
}

static enum sg_err read_key(struct request *r, struct chat_message *ret)
{
    const char *value = request_header(r, "Idempotency-Key");
    char key[SG_IDEMPOTENCY_KEY_SIZE];

    if (value == NULL)
        return SG_OK;
    if (request_header_repeated(r, "Idempotency-Key") || chat_key_ok(value, key) != SG_OK)
        return request_fail(r, SG_ERR_BAD_FIELD,
                            "Idempotency-Key: must be 1 to 255 visible ASCII characters, once");
    ret->idempotency_key = arena_strdup(request_arena(r), key);
    return ret->idempotency_key != NULL ? SG_OK : SG_ERR_NO_MEMORY;
}

enum sg_err message_request_read(struct request *r, struct chat_message *ret)
{
    const char *type = request_content_type(r);
    size_t len;
    const uint8_t *body = request_body(r, &len);
    enum sg_err err = read_key(r, ret);

    if (err != SG_OK)
        return err;
    /* `curl -d` says that everything is a form: what is not JSON is the text itself. */
    if (says_json(type) ||
        (strcmp(type, "text/plain") != 0 && body != NULL && json_in_has(body, len, "text"))) {
        err = read_json(r, ret);
    } else {
        ret->text = body != NULL ? (const char *)body : "";
        ret->text_len = len;
    }
    return err == SG_OK ? check_text(r, ret->text, ret->text_len) : err;
}

/* `given`: in the space, or with the name of the space in front. */
static enum sg_err normalize(struct request *r, const struct space_record *space, const char *given,
                             const char **ret)
{
    SG_BUF_CLEANUP struct buf b;
    size_t name = strlen(space->name);
    bool whole = strncmp(given, space->name, name) == 0 && given[name] == '/';
    const char *reason = "";
    struct path path;
    enum sg_err err;

    buf_init(&b, 4 * SG_PATH_SIZE);
    if (!whole) {
        encode_percent(&b, space->name, name, false);
        buf_putc(&b, '/');
    }
    encode_percent(&b, given, strlen(given), true);
    if (buf_status(&b) != SG_OK)
        return request_fail(r, SG_ERR_BAD_PATH, "files: a path is too long");
    err = path_parse(buf_str(&b), b.len, request_arena(r), &path, &reason);
    if (err == SG_ERR_BAD_PATH)
        return request_fail(r, err, "files: %s", reason);
    if (err == SG_OK && (path.directory || path.rest[0] == 0))
        return request_fail(r, SG_ERR_NO_FILE, "files: %s is not a file", given);
    *ret = path.rest;
    return err;
}

enum sg_err message_request_files(struct request *r, const struct space_record *space,
                                  struct chat_message *message)
{
    const char **paths;
    enum sg_err err = SG_OK;

    if (message->file_count == 0)
        return SG_OK;
    paths = arena_alloc(request_arena(r), message->file_count * sizeof *paths);
    if (paths == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; err == SG_OK && i < message->file_count; i++)
        err = normalize(r, space, message->files[i], &paths[i]);
    message->files = paths;
    return err;
}

enum sg_err message_request_text(struct request *r, char **ret, size_t *ret_len)
{
    const struct json_field fields[] = {
        {NULL, "text", SG_JSON_STRING, true, 1, TEXT_CHARACTERS, {.string = ret}, NULL},
    };
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err != SG_OK)
        return err;
    *ret_len = strlen(*ret);
    return check_text(r, *ret, *ret_len);
}

enum sg_err message_request_seq(struct request *r, uint64_t *ret)
{
    const char *text;
    int64_t seq;
    enum sg_err err = request_param(r, "seq", &text);

    if (err != SG_OK)
        return err;
    if (!fields_number(text, &seq) || seq < 1 || seq > SEQ_MAX || text[0] == '0')
        return SG_ERR_NOT_FOUND;
    *ret = (uint64_t)seq;
    return SG_OK;
}
