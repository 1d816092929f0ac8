/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of the gateway. It never holds more than one page of a directory. */
#include "cli/list.h"

#include "base/buf.h"
#include "base/encode.h"
#include "cli/api.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <string.h>

#define SG_LIST_TARGET_MAX (size_t)32768
#define SG_LIST_ITEMS_MAX  1000000

static void make_target(const struct list_request *request, const char *cursor, struct buf *b)
{
    remote_target(b, request->path);
    remote_query(b, "limit", "1000");
    if (request->sort)
        remote_query(b, "sort", request->sort);
    if (request->prefix)
        remote_query(b, "prefix", request->prefix);
    if (request->recursive)
        remote_query(b, "recursive", "true");
    if (cursor)
        remote_query(b, "cursor", cursor);
}

static enum cli_status fetch_page(struct cli *cli, const struct list_request *request,
                                  const char *cursor, bool *ret_not_directory,
                                  struct json_object **ret)
{
    SG_BUF_CLEANUP struct buf target = {0};
    struct http_call call = {0};

    buf_init(&target, SG_LIST_TARGET_MAX);
    make_target(request, cursor, &target);
    struct http_request http = {.method = "GET", .target = buf_str(&target)};
    enum cli_status status =
        target.failed ? report_no_memory() : api_perform(cli, SG_API_USER, &http, &call);
    if (status == SG_CLI_OK && http_call_ok(&call)) {
        *ret = json_parse(buf_str(&call.body), call.body.len);
        if (!json_array(*ret, "entries"))
            status = report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                                  "%s: the gateway's list cannot be understood", request->path);
    } else if (status == SG_CLI_OK && request->may_be_file && !cursor &&
               (call.status == 404 || call.status == 409)) {
        *ret_not_directory = true;
    } else if (status == SG_CLI_OK) {
        status = report_call(cli, &call, request->path);
    }
    http_call_fini(&call);
    return status;
}

static enum cli_status handle_page(const struct list_request *request, struct json_object *page)
{
    struct json_object *entries = json_array(page, "entries");
    enum cli_status status = SG_CLI_OK;

    for (size_t i = 0; status == SG_CLI_OK && i < json_object_array_length(entries); i++)
        status = request->entry(request->context, json_object_array_get_idx(entries, i));
    if (status == SG_CLI_OK && request->page)
        request->page(request->context, page);
    return status;
}

enum cli_status list_files(struct cli *cli, const struct list_request *request,
                           bool *ret_not_directory)
{
    SG_JSON_CLEANUP struct json_object *page = NULL;
    const char *cursor = NULL;
    bool not_directory = false;
    enum cli_status status;

    do {
        struct json_object *next = NULL;

        status = fetch_page(cli, request, cursor, &not_directory, &next);
        json_cleanup(&page);
        page = next;
        if (status != SG_CLI_OK || not_directory)
            break;
        status = handle_page(request, page);
        cursor = json_text(page, "next_cursor", NULL);
    } while (status == SG_CLI_OK && cursor && !term_interrupted());
    if (ret_not_directory)
        *ret_not_directory = not_directory;
    return term_interrupted() ? SG_CLI_INTERRUPTED : status;
}

enum cli_status list_pages(struct cli *cli, const char *path, const char *key, const char *subject,
                           struct json_object **ret)
{
    struct json_object *all = json_object_new_object(), *items = json_object_new_array();
    SG_JSON_CLEANUP struct json_object *page = NULL;
    enum cli_status status = SG_CLI_OK;
    const char *cursor = NULL;

    if (!json_put(all, key, items) || !json_put(all, "next_cursor", NULL))
        status = report_no_memory();
    while (status == SG_CLI_OK && (!page || cursor)) {
        SG_BUF_CLEANUP struct buf target = {0};

        buf_init(&target, SG_LIST_TARGET_MAX);
        buf_puts(&target, path);
        remote_query(&target, "limit", "1000");
        if (cursor)
            remote_query(&target, "cursor", cursor);
        json_cleanup(&page);
        status = api_call(cli, SG_API_USER, "GET", buf_str(&target), NULL, subject, &page);
        struct json_object *part = json_array(page, key);
        for (size_t i = 0; part && i < json_object_array_length(part); i++)
            (void)json_object_array_add(items, json_object_get(json_object_array_get_idx(part, i)));
        cursor = json_object_array_length(items) < SG_LIST_ITEMS_MAX
                     ? json_text(page, "next_cursor", NULL)
                     : NULL;
        if (!page)
            break;
    }
    if (status == SG_CLI_OK)
        *ret = all;
    else
        (void)json_object_put(all);
    return status;
}

static void print_rows(const struct list_view *view, struct json_object *items)
{
    struct table table;
    size_t columns = 0;

    while (columns < SG_TABLE_COLUMNS && view->titles[columns])
        columns++;
    table_init(&table, columns, view->right ? view->right : "");
    table_row(&table, view->titles, NULL);
    for (size_t i = 0; items && i < json_object_array_length(items); i++)
        view->row(&table, json_object_array_get_idx(items, i));
    table_print(&table);
    table_fini(&table);
}

enum cli_status list_show(struct cli *cli, const char *target, const char *subject,
                          const struct list_view *view)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    enum cli_status status;

    if (!subject)
        subject = view->key;
    if (view->paged)
        status = list_pages(cli, target, view->key, subject, &answer);
    else
        status = api_call(cli, SG_API_USER, "GET", target, NULL, subject, &answer);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json)
        json_print(answer);
    else
        print_rows(view, json_array(answer, view->key));
    return SG_CLI_OK;
}

enum cli_status list_delete(struct cli *cli, const char *prefix, const char *id)
{
    SG_BUF_CLEANUP struct buf target = {0};

    buf_init(&target, 4096);
    buf_puts(&target, prefix);
    encode_percent(&target, id, strlen(id), 0);
    if (target.failed || !*id)
        return report_error(SG_CLI_USAGE, NULL, "that is no id");
    enum cli_status status = api_call(cli, SG_API_USER, "DELETE", buf_str(&target), NULL, id, NULL);
    if (status == SG_CLI_OK && cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_text(json, "id", id) && json_put_bool(json, "deleted", true))
            json_print(json);
    }
    return status;
}

void list_time(struct json_object *object, const char *key, char ret[SG_TEXT_SIZE])
{
    int64_t when;

    memcpy(ret, "-", 2);
    if (text_parse_time(json_text(object, key, ""), &when))
        text_datetime(when, ret);
}
