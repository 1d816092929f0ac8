/* SPDX-License-Identifier: Apache-2.0 */
/* secctl ls: lists directories page by page, files, and spaces. */
#include "base/buf.h"
#include "base/clock.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SG_LS_BLUE "\033[1;34m"

struct ls {
    struct cli *cli;
    struct table table;
    const char *sort;
    bool long_form;
    bool human;
    bool recursive;
    bool colour;
    bool titles;
    bool slash;        /* the path ends in one: it has to be a directory */
    bool json_begun;   /* "{"path":...,"entries":[" is out */
    size_t count;      /* entries of the JSON list so far */
    size_t lists;      /* with a title so far */
    const char *title; /* to be shown before the first entry, or NULL */
    const char *only;  /* the one name that is wanted, or NULL */
    bool found;
};

static void add_row(struct ls *ls, struct json_object *entry)
{
    const char *name = json_text(entry, "name", "?");
    bool directory = strcmp(json_text(entry, "type", ""), "directory") == 0;
    char size[SG_TEXT_SIZE], date[SG_TEXT_SIZE] = "?";
    SG_BUF_CLEANUP struct buf shown = {0};
    int64_t when;

    buf_init(&shown, 65536);
    buf_printf(&shown, "%s%s", name, directory ? "/" : "");
    text_size(json_int(entry, "size", 0), ls->human, size);
    if (text_parse_time(json_text(entry, "modified", ""), &when))
        text_date(when, clock_now_s(), date);
    const char *cells[] = {directory ? "d" : "-", json_text(entry, "owner", "-"),
                           directory ? "-" : size, date, buf_str(&shown)};
    table_row(&ls->table, ls->long_form ? cells : cells + 4,
              directory && ls->colour ? SG_LS_BLUE : NULL);
}

static void add_json(struct ls *ls, struct json_object *entry)
{
    SG_BUF_CLEANUP struct buf text = {0};

    buf_init(&text, 1 << 20);
    if (ls->count > 0)
        buf_putc(&text, ',');
    json_append(&text, entry);
    term_write(buf_str(&text), text.len);
}

static void begin_json(struct ls *ls, const char *path)
{
    SG_JSON_CLEANUP struct json_object *head = json_object_new_object();
    SG_BUF_CLEANUP struct buf text = {0};

    ls->json_begun = true;
    buf_init(&text, 65536);
    if (!json_put_text(head, "path", path))
        return;
    json_append(&text, head);
    /* The object stays open for its entries, which come page by page. */
    term_write(buf_str(&text), text.len - 1);
    term_write(",\"entries\":[", 12);
}

static enum cli_status on_entry(void *context, struct json_object *entry)
{
    struct ls *ls = context;

    if (ls->only && (ls->found || strcmp(json_text(entry, "name", ""), ls->only) != 0))
        return SG_CLI_OK;
    ls->found = true;
    if (ls->cli->options.json && ls->only)
        json_print(entry);
    else if (!ls->cli->options.json)
        add_row(ls, entry);
    return SG_CLI_OK;
}

static void print_entries(struct ls *ls, struct json_object *page)
{
    struct json_object *entries = json_array(page, "entries");

    for (size_t i = 0; i < json_object_array_length(entries); i++) {
        add_json(ls, json_object_array_get_idx(entries, i));
        ls->count++;
    }
}

/* "common/docs/:" before the list of each of several directories. */
static void show_title(struct ls *ls)
{
    if (!ls->title || ls->cli->options.json)
        return;
    if (ls->lists++ > 0)
        term_write("\n", 1);
    term_line("%s:", ls->title);
    ls->title = NULL;
}

static void flush_rows(struct ls *ls)
{
    if (!ls->long_form && term_stdout_is_tty() && !ls->recursive)
        table_print_names(&ls->table, term_columns(STDOUT_FILENO));
    else
        table_print(&ls->table);
}

static void on_page(void *context, struct json_object *page)
{
    struct ls *ls = context;

    if (ls->only)
        return;
    show_title(ls);
    if (ls->cli->options.json && !ls->json_begun)
        begin_json(ls, json_text(page, "path", ""));
    if (ls->cli->options.json)
        print_entries(ls, page);
    if (!ls->cli->options.json && (ls->long_form || !term_stdout_is_tty()))
        flush_rows(ls);
}

/* A path that is no directory: found in the list of its parent. */
static enum cli_status list_file(struct ls *ls, const char *path)
{
    SG_BUF_CLEANUP struct buf parent = {0}, name = {0};
    const char *base;
    size_t len;
    bool missing = false;

    remote_basename(path, &base, &len);
    buf_init(&parent, SG_REMOTE_PATH_MAX + 2);
    buf_init(&name, SG_REMOTE_PATH_MAX);
    buf_append(&parent, path, (size_t)(base - path));
    buf_append(&name, base, len);
    struct list_request request = {.path = buf_str(&parent),
                                   .prefix = buf_str(&name),
                                   .may_be_file = true,
                                   .context = ls,
                                   .entry = on_entry,
                                   .page = on_page};
    ls->only = buf_str(&name);
    ls->found = false;
    enum cli_status status = parent.len == 0 ? SG_CLI_OK : list_files(ls->cli, &request, &missing);
    if (status == SG_CLI_OK && !ls->found)
        status = report_error(SG_CLI_REFUSED, "see what is there with: secctl ls -l",
                              "%s: not found", path);
    ls->only = NULL;
    if (!ls->cli->options.json)
        flush_rows(ls);
    return status;
}

static enum cli_status list_directory(struct ls *ls, const char *path, bool *ret_missing)
{
    struct list_request request = {.path = path,
                                   .sort = ls->sort,
                                   .recursive = ls->recursive,
                                   .may_be_file = !ls->slash,
                                   .context = ls,
                                   .entry = on_entry,
                                   .page = on_page};

    ls->count = 0;
    ls->json_begun = false;
    ls->title = ls->titles ? path : NULL;
    enum cli_status status = list_files(ls->cli, &request, ret_missing);
    if (ls->cli->options.json && ls->json_begun)
        term_write("],\"next_cursor\":null}\n", 22);
    else if (!ls->cli->options.json)
        flush_rows(ls);
    return status;
}

static enum cli_status list_spaces(struct ls *ls)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    enum cli_status status =
        api_call(ls->cli, SG_API_USER, "GET", "/v1/spaces", NULL, "spaces", &answer);
    struct json_object *spaces = json_array(answer, "spaces");
    struct table table;

    if (status != SG_CLI_OK)
        return status;
    if (ls->cli->options.json) {
        json_print(answer);
        return SG_CLI_OK;
    }
    table_init(&table, ls->long_form ? 2 : 1, "");
    for (size_t i = 0; spaces && i < json_object_array_length(spaces); i++) {
        struct json_object *space = json_object_array_get_idx(spaces, i);
        char name[300];

        snprintf(name, sizeof(name), "%s/", json_text(space, "name", "?"));
        const char *cells[] = {json_text(space, "role", "?"), name};
        table_row(&table, ls->long_form ? cells : cells + 1, ls->colour ? SG_LS_BLUE : NULL);
    }
    if (!ls->long_form && term_stdout_is_tty())
        table_print_names(&table, term_columns(STDOUT_FILENO));
    else
        table_print(&table);
    table_fini(&table);
    return SG_CLI_OK;
}

static enum cli_status list_one(struct ls *ls, const char *typed)
{
    SG_BUF_CLEANUP struct buf path = {0}, directory = {0};
    bool missing = false;

    buf_init(&path, SG_REMOTE_PATH_MAX);
    buf_init(&directory, SG_REMOTE_PATH_MAX + 2);
    remote_resolve(&path, typed);
    if (path.failed)
        return report_error(SG_CLI_USAGE, NULL, "the path is too long");
    if (path.len == 0)
        return list_spaces(ls);
    buf_puts(&directory, buf_str(&path));
    ls->slash = remote_is_directory_name(buf_str(&path));
    if (!ls->slash)
        buf_putc(&directory, '/');
    enum cli_status status = list_directory(ls, buf_str(&directory), &missing);
    if (status == SG_CLI_OK && missing)
        status = list_file(ls, buf_str(&path));
    return status;
}

static bool is_sort_key(const char *key)
{
    key += *key == '-';
    return !strcmp(key, "name") || !strcmp(key, "size") || !strcmp(key, "modified");
}

enum cli_status cmd_ls(struct cli *cli, const struct args *args)
{
    struct ls ls = {.cli = cli,
                    .sort = args_get(args, SG_ARG_SORT),
                    .long_form = args_has(args, 'l'),
                    .human = args_has(args, 'h'),
                    .recursive = args_has(args, 'R'),
                    .colour = term_stdout_is_tty(),
                    .titles = args->n_operands > 1};
    enum cli_status status;

    if (ls.sort && !is_sort_key(ls.sort))
        return report_error(SG_CLI_USAGE, "use name, size or modified, with - before it to reverse",
                            "\"%s\" is no order", ls.sort);
    status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    table_init(&ls.table, ls.long_form ? 5 : 1, ls.long_form ? "2" : "");
    if (args->n_operands == 0)
        status = list_one(&ls, "");
    for (size_t i = 0; i < args->n_operands && !term_interrupted(); i++)
        status = cli_worse(status, list_one(&ls, args->operands[i]));
    if (ls.table.failed)
        status = report_no_memory();
    table_fini(&ls.table);
    return status;
}
