/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be signed. It reads directories, no contents but those of signatures. */
#include "cli/signlist.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/sidecar.h"
#include "cli/tree.h"
#include "sigfmt/record.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void item_free(struct signlist_item *item)
{
    free(item->path);
    free(item->name);
    free(item->target);
}

void signlist_free(struct signlist *l)
{
    for (size_t i = 0; i < l->count; i++)
        item_free(&l->items[i]);
    for (size_t i = 0; i < l->n_groups; i++) {
        free(l->groups[i].shown);
        free(l->groups[i].directory);
        free(l->groups[i].manifest);
    }
    free(l->items);
    free(l->groups);
    memset(l, 0, sizeof(*l));
}

/* The group to add to: the last one if it is of that kind, has room and the same place. */
static struct signlist_group *group_for(struct signlist *l, enum signlist_kind kind,
                                        const char *shown)
{
    struct signlist_group *last = l->n_groups ? &l->groups[l->n_groups - 1] : NULL;

    if (last && last->kind == kind && last->count < SG_SIGNLIST_BATCH &&
        (kind == SG_SIGNLIST_FILES || kind == SG_SIGNLIST_STORED) &&
        strcmp(last->shown, shown) == 0)
        return last;
    void *grown = reallocarray(l->groups, l->n_groups + 1, sizeof(struct signlist_group));
    if (!grown)
        return NULL;
    l->groups = grown;
    last = &l->groups[l->n_groups];
    *last = (struct signlist_group){.kind = kind, .first = l->count, .shown = strdup(shown)};
    if (!last->shown)
        return NULL;
    l->n_groups++;
    return last;
}

/* Takes over the strings of `item`. */
static enum cli_status put_item(struct signlist *l, struct signlist_group *group,
                                struct signlist_item *item)
{
    bool complete = group && item->path && item->name && item->target;

    if (complete && l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        void *grown = reallocarray(l->items, room, sizeof(struct signlist_item));

        complete = grown != NULL;
        if (grown) {
            l->items = grown;
            l->room = room;
        }
    }
    if (!complete) {
        item_free(item);
        return report_no_memory();
    }
    l->items[l->count++] = *item;
    group->count++;
    return SG_CLI_OK;
}

static enum cli_status check_name(const char *path, const char *name)
{
    if (sig_record_name_valid(name))
        return SG_CLI_OK;
    return report_error(SG_CLI_USAGE, "rename it: UTF-8 without control characters",
                        "%s has a name that cannot be signed", path);
}

/* One local file that is signed for itself. */
static enum cli_status add_file(struct signlist *l, const char *path, int64_t size, const char *out,
                                const char *shown)
{
    const char *name;
    size_t len;

    remote_basename(path, &name, &len);
    struct signlist_item item = {
        .path = strdup(path), .name = strndup(name, len), .size = size, .target = NULL};
    item.target = !item.name ? NULL : out ? file_join(out, item.name) : strdup(path);
    enum cli_status status = item.name ? check_name(path, item.name) : SG_CLI_OK;
    if (status != SG_CLI_OK) {
        item_free(&item);
        return status;
    }
    return put_item(l, group_for(l, SG_SIGNLIST_FILES, shown), &item);
}

/* Whether the path is the manifest that an earlier call has left in the directory. */
static bool is_manifest(const char *path, const char *below)
{
    SG_BUF_CLEANUP struct buf proof = {0};

    buf_init(&proof, SG_REMOTE_PATH_MAX + 64);
    buf_printf(&proof, "%s%s", path, SG_SIDECAR_PROOF_EXTENSION);
    return strcmp(below, SG_SIDECAR_MANIFEST) == 0 && access(buf_str(&proof), F_OK) == 0;
}

/* A directory that is added, and where its signatures go to. */
struct signlist_tree {
    struct signlist *list;
    struct signlist_group *group;
    const char *root, *target;
};

static enum cli_status add_node(void *context, const struct tree_node *node)
{
    struct signlist_tree *tree = context;

    if (sidecar_is_one(node->path) || is_manifest(node->path, node->below)) {
        tree->list->left_out++;
        return SG_CLI_OK;
    }
    if (tree->group->count == SG_SIGNLIST_BATCH)
        return report_error(SG_CLI_USAGE, "sign its subdirectories one by one",
                            "%s has more than %d files", tree->root, SG_SIGNLIST_BATCH);
    enum cli_status status = check_name(node->path, node->below);
    if (status != SG_CLI_OK)
        return status;
    struct signlist_item item = {.path = strdup(node->path),
                                 .name = strdup(node->below),
                                 .size = node->size,
                                 .target = file_join(tree->target, node->below)};
    return put_item(tree->list, tree->group, &item);
}

/* Name of a directory as it goes into records; fresh memory. */
static char *directory_name(const char *path)
{
    char *real = realpath(path, NULL);
    const char *name = "";
    size_t len = 0;

    if (real)
        remote_basename(real, &name, &len);
    char *copy = real ? strndup(name, len) : NULL;
    free(real);
    return copy;
}

static enum cli_status add_tree(struct signlist *l, const char *path, const char *target,
                                const char *directory)
{
    struct signlist_group *group = group_for(l, SG_SIGNLIST_DIRECTORY, path);
    struct signlist_tree tree = {.list = l, .group = group, .root = path, .target = target};

    if (!group)
        return report_no_memory();
    group->directory = strdup(directory);
    group->manifest = file_join(target, SG_SIDECAR_MANIFEST);
    if (!group->directory || !group->manifest)
        return report_no_memory();
    enum cli_status status =
        tree_walk(path, &(struct tree_visitor){.context = &tree, .visit = add_node});
    if (status == SG_CLI_OK && group->count == 0)
        status = report_error(SG_CLI_USAGE, NULL, "there is nothing to sign in %s", path);
    return status;
}

static enum cli_status add_directory(struct signlist *l, const char *path, const char *out)
{
    char *name = directory_name(path), *target = NULL;
    enum cli_status status = name ? SG_CLI_OK : report_errno("read", path);

    if (status == SG_CLI_OK)
        status = check_name(path, name);
    if (status == SG_CLI_OK) {
        target = out ? file_join(out, name) : strdup(path);
        status = target ? add_tree(l, path, target, name) : report_no_memory();
    }
    free(name);
    free(target);
    return status;
}

enum cli_status signlist_add(struct signlist *l, const char *path, const char *out)
{
    SG_BUF_CLEANUP struct buf shown = {0};
    struct stat st;

    if (stat(path, &st) != 0)
        return report_errno("read", path);
    if (S_ISDIR(st.st_mode))
        return add_directory(l, path, out);
    if (!S_ISREG(st.st_mode))
        return report_error(SG_CLI_USAGE, NULL, "%s is no regular file", path);
    const char *slash = strrchr(path, '/');
    buf_init(&shown, PATH_MAX);
    buf_append(&shown, slash ? path : ".", !slash || slash == path ? 1 : (size_t)(slash - path));
    return add_file(l, path, st.st_size, out, buf_str(&shown));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A name in the current directory: signed if it is a file that is neither hidden nor a signature.
 */
static enum cli_status add_found(struct signlist *l, const char *name, const char *out,
                                 const char *here)
{
    struct stat st;

    if (name[0] == '.' || lstat(name, &st) != 0 || !S_ISREG(st.st_mode))
        return SG_CLI_OK;
    if (!sidecar_is_one(name) && !is_manifest(name, name))
        return add_file(l, name, st.st_size, out, here);
    l->left_out++;
    return SG_CLI_OK;
}

enum cli_status signlist_add_current(struct signlist *l, const char *out)
{
    char here[PATH_MAX];
    struct dirent **names = NULL;
    int count = getcwd(here, sizeof(here)) ? scandir(".", &names, NULL, by_name) : -1;
    enum cli_status status = count < 0 ? report_errno("read", "the current directory") : SG_CLI_OK;

    for (int i = 0; i < count; i++) {
        if (status == SG_CLI_OK)
            status = add_found(l, names[i]->d_name, out, here);
        free(names[i]);
    }
    free(names);
    if (status == SG_CLI_OK && l->count == 0)
        status = report_error(SG_CLI_USAGE, "name files: secctl sign FILE...",
                              "there is nothing to sign in %s", here);
    return status;
}

enum cli_status signlist_add_stored(struct signlist *l, const char *typed, const char *out)
{
    SG_BUF_CLEANUP struct buf path = {0}, shown = {0};
    const char *name;
    size_t len;

    buf_init(&path, SG_REMOTE_PATH_MAX);
    buf_init(&shown, SG_REMOTE_PATH_MAX);
    remote_resolve(&path, typed);
    remote_basename(buf_str(&path), &name, &len);
    bool prefix = path.len > 0 && remote_is_directory_name(buf_str(&path));
    if (path.failed || len == 0)
        return report_error(SG_CLI_USAGE, "SPACE/NAME..., or SPACE/DIRECTORY/",
                            "\"%s\" cannot be signed", typed);
    buf_append(&shown, path.data, prefix ? path.len - 1 : (size_t)(name - buf_str(&path)));
    while (!prefix && shown.len > 1 && shown.data[shown.len - 1] == '/')
        shown.data[--shown.len] = 0;
    struct signlist_item item = {
        .path = strndup(buf_str(&path), prefix ? path.len - 1 : path.len),
        .name = strndup(name, len),
        .size = 0,
    };
    item.target = item.name ? file_join(out ? out : ".", item.name) : NULL;
    if (item.name && !remote_is_safe_relative(item.name)) {
        item_free(&item);
        return report_error(SG_CLI_USAGE, NULL, "\"%s\" cannot be signed", typed);
    }
    struct signlist_group *group =
        group_for(l, prefix ? SG_SIGNLIST_PREFIX : SG_SIGNLIST_STORED, buf_str(&shown));
    if (prefix && group && item.target)
        group->manifest = file_join(item.target, SG_SIDECAR_MANIFEST);
    return put_item(l, group, &item);
}

static int by_target(const void *a, const void *b)
{
    return strcmp((*(const struct signlist_item *const *)a)->target,
                  (*(const struct signlist_item *const *)b)->target);
}

enum cli_status signlist_check(const struct signlist *l)
{
    const struct signlist_item **sorted =
        calloc(l->count ? l->count : 1, sizeof(const struct signlist_item *));
    enum cli_status status = SG_CLI_OK;

    if (!sorted)
        return report_no_memory();
    for (size_t i = 0; i < l->count; i++)
        sorted[i] = &l->items[i];
    qsort(sorted, l->count, sizeof(sorted[0]), by_target);
    for (size_t i = 1; i < l->count && status == SG_CLI_OK; i++) {
        if (strcmp(sorted[i - 1]->target, sorted[i]->target) == 0)
            status = report_error(SG_CLI_USAGE, "sign them in calls of their own",
                                  "the signatures of %s and %s would have the same name",
                                  sorted[i - 1]->path, sorted[i]->path);
    }
    free(sorted);
    return status;
}

char *signlist_below(const struct signlist_item *prefix, const char *name)
{
    char *path = NULL;

    if (!remote_is_safe_relative(name)) {
        (void)report_error(SG_CLI_INTEGRITY, "tell the operator; nothing was written there",
                           "the gateway names a file \"%s\", which could be outside of the target",
                           name);
        return NULL;
    }
    path = file_join(prefix->target, name);
    if (!path)
        (void)report_no_memory();
    return path;
}
