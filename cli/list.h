/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of the gateway, page after page. */
#ifndef SG_CLI_LIST_H
#define SG_CLI_LIST_H

#include "cli/cli.h"
#include "cli/table.h"
#include "cli/text.h"

struct json_object;

struct list_request {
    const char *path;   /* directory, ends in "/" */
    const char *sort;   /* NULL: by name */
    const char *prefix; /* NULL: all */
    bool recursive;
    bool may_be_file; /* do not report that it is no directory or does not exist */
    void *context;
    enum cli_status (*entry)(void *context, struct json_object *entry);
    void (*page)(void *context, struct json_object *page); /* after its entries; may be NULL */
};

/*
 * Calls `entry` for each entry; its first failure ends the list. With `may_be_file`,
 * *ret_not_directory (else NULL) tells that there was none, and SG_CLI_OK is returned.
 */
enum cli_status list_files(struct cli *cli, const struct list_request *request,
                           bool *ret_not_directory) SG_CLI_MUST_CHECK;

/*
 * Fetches the list at `path` (without a query) to the end as one document
 * {"KEY":[...],"next_cursor":null}.
 */
enum cli_status list_pages(struct cli *cli, const char *path, const char *key, const char *subject,
                           struct json_object **ret) SG_CLI_MUST_CHECK;

/* How a list is shown to people. */
struct list_view {
    const char *key;                          /* of the items in the answer; in plural */
    bool paged;                               /* the gateway answers page by page */
    const char *titles[SG_TABLE_COLUMNS + 1]; /* of the columns; NULL ends them */
    const char *right;                        /* as in table_init; NULL: none */
    void (*row)(struct table *table, struct json_object *item);
};

/* Fetches the list at `target` and prints it: a row for each item, or with --json the answer.
 * Errors are reported with `subject` (NULL: the view's key). */
enum cli_status list_show(struct cli *cli, const char *target, const char *subject,
                          const struct list_view *view) SG_CLI_MUST_CHECK;

/* Deletes `prefix` + `id`; with --json {"id","deleted"}. */
enum cli_status list_delete(struct cli *cli, const char *prefix, const char *id) SG_CLI_MUST_CHECK;

/* The time in `key` as it is shown in lists; "-" when there is none. */
void list_time(struct json_object *object, const char *key, char ret[SG_TEXT_SIZE]);

#endif
