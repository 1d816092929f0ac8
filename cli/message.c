/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about spaces and their messages. It never sends one twice by itself. */
#include "cli/message.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/rng.h"
#include "cli/api.h"
#include "cli/json.h"
#include "cli/remote.h"
#include "cli/report.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_MESSAGE_PAGE   500
#define SG_MESSAGE_NEWEST "message"

void message_space(struct buf *ret, const char *typed)
{
    size_t len;

    typed += strspn(typed, "/");
    len = strlen(typed);
    while (len > 0 && typed[len - 1] == '/')
        len--;
    if (len == 0 || (len == 1 && typed[0] == '~') || (len == 2 && strncmp(typed, "me", 2) == 0))
        buf_puts(ret, "~me");
    else
        buf_append(ret, typed, len);
}

void message_target(struct buf *target, const char *prefix, const char *space, const char *rest)
{
    buf_puts(target, prefix);
    encode_percent(target, space, strlen(space), 0);
    buf_puts(target, rest);
}

void message_body(struct buf *body, const char *text, size_t len, int64_t reply_to,
                  const char *const *files, size_t file_count)
{
    SG_JSON_CLEANUP struct json_object *json = json_object_new_object();
    struct json_object *list = file_count ? json_object_new_array() : NULL;
    bool ok = json_put(json, "text", json_object_new_string_len(text, (int)len));

    ok = ok && (reply_to == 0 || json_put_int(json, "reply_to", reply_to));
    for (size_t i = 0; ok && i < file_count; i++)
        ok = json_object_array_add(list, json_object_new_string(files[i])) == 0;
    if (list)
        ok = json_put(json, "files", list) && ok;
    if (ok)
        json_append(body, json);
    else
        body->failed = true;
}

void message_key(char ret[SG_MESSAGE_KEY_SIZE])
{
    uint8_t random[16];

    rng_bytes(random, sizeof(random));
    encode_hex(random, sizeof(random), ret);
}

bool message_number(const char *text, int64_t *ret)
{
    char *end = NULL;
    long long value = strtoll(text, &end, 10);

    if (end == text || *end || value < 1 || value >= INT64_C(1) << 53)
        return false;
    *ret = value;
    return true;
}

enum cli_status message_page(struct cli *cli, const char *space, const char *types,
                             const char *before, size_t limit, struct json_object **ret)
{
    SG_BUF_CLEANUP struct buf target = {0};
    struct json_object *page = NULL;
    char number[24];

    buf_init(&target, 4 * SG_REMOTE_PATH_MAX);
    message_target(&target, "/v1/chat/", space, "/messages");
    snprintf(number, sizeof(number), "%zu", limit);
    remote_query(&target, "limit", number);
    if (types)
        remote_query(&target, "types", types);
    if (before)
        remote_query(&target, "before", before);
    if (target.failed)
        return report_error(SG_CLI_USAGE, NULL, "that is no space");
    enum cli_status status =
        api_call(cli, SG_API_USER, "GET", buf_str(&target), NULL, space, &page);
    if (status == SG_CLI_OK && (!json_array(page, "events") || !json_text(page, "next", NULL)))
        status = report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                              "%s: the gateway's events cannot be understood", space);
    if (status == SG_CLI_OK)
        *ret = page;
    else
        (void)json_object_put(page);
    return status;
}

/* Adds the page's messages to `all`, newest first, up to `count`. */
static void collect(struct json_object *events, struct json_object *all, size_t count)
{
    for (size_t i = json_object_array_length(events); i > 0; i--) {
        struct json_object *event = json_object_array_get_idx(events, i - 1);

        if (strcmp(json_text(event, "type", ""), "message") == 0 &&
            json_object_array_length(all) < count)
            (void)json_object_array_add(all, json_object_get(event));
    }
}

static void reverse(struct json_object *array)
{
    size_t len = json_object_array_length(array);

    for (size_t i = 0; i < len / 2; i++) {
        struct json_object *a = json_object_get(json_object_array_get_idx(array, i));
        struct json_object *b = json_object_get(json_object_array_get_idx(array, len - 1 - i));

        (void)json_object_array_put_idx(array, i, b);
        (void)json_object_array_put_idx(array, len - 1 - i, a);
    }
}

/* Where the page before `page` ends, "" when there is none. Ids keep the epoch that they were made
 * in; a cursor has that of today. */
static void set_before(char *before, size_t size, struct json_object *page)
{
    struct json_object *first = json_object_array_get_idx(json_array(page, "events"), 0);
    int64_t seq = json_int(first, "seq", 0);

    *before = 0;
    if (seq > 1)
        snprintf(before, size, "%s.%lld", json_text(page, "epoch", ""), (long long)seq);
}

enum cli_status message_newest(struct cli *cli, const char *space, size_t count,
                               struct json_object **ret, char *cursor, size_t size)
{
    struct json_object *all = json_object_new_array();
    enum cli_status status = all ? SG_CLI_OK : report_no_memory();
    char before[128] = "";
    bool first = true;

    while (status == SG_CLI_OK && (first || (*before && json_object_array_length(all) < count))) {
        size_t missing = count - json_object_array_length(all);
        size_t limit = missing < SG_MESSAGE_PAGE ? missing : SG_MESSAGE_PAGE;
        struct json_object *next = NULL;

        status = message_page(cli, space, SG_MESSAGE_NEWEST, *before ? before : NULL,
                              limit ? limit : 1, &next);
        if (status != SG_CLI_OK)
            break;
        if (first)
            snprintf(cursor, size, "%s", json_text(next, "next", ""));
        first = false;
        struct json_object *events = json_array(next, "events");
        collect(events, all, count);
        set_before(before, sizeof(before), next);
        (void)json_object_put(next);
    }
    reverse(all);
    if (status == SG_CLI_OK)
        *ret = all;
    else
        (void)json_object_put(all);
    return status;
}
