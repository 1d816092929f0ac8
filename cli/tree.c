/* SPDX-License-Identifier: Apache-2.0 */
/* Walks through a directory tree of this machine. It never follows a symbolic link inside it. */
#include "cli/tree.h"

#include "cli/report.h"
#include "cli/term.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_empty_directory(FTS *tree)
{
    errno = 0;
    return fts_children(tree, FTS_NAMEONLY) == NULL && errno == 0;
}

static enum cli_status visit(FTS *tree, const FTSENT *entry, size_t root_len,
                             const struct tree_visitor *visitor)
{
    struct tree_node node = {.path = entry->fts_path, .below = entry->fts_path + root_len};

    node.below += strspn(node.below, "/");
    switch (entry->fts_info) {
    case FTS_F:
        node.size = entry->fts_statp->st_size;
        return visitor->visit(visitor->context, &node);
    case FTS_D:
        node.directory = true;
        return visitor->directories && is_empty_directory(tree)
                   ? visitor->visit(visitor->context, &node)
                   : SG_CLI_OK;
    case FTS_DP:
        return SG_CLI_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        errno = entry->fts_errno;
        return report_errno("read", entry->fts_path);
    default:
        term_note("secctl: %s is no regular file; left out", entry->fts_path);
        return SG_CLI_OK;
    }
}

enum cli_status tree_walk(const char *root, const struct tree_visitor *visitor)
{
    char *copy = strdup(root), *roots[] = {copy, NULL};
    FTS *tree = copy ? fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name) : NULL;
    enum cli_status status = tree ? SG_CLI_OK : report_errno("read", root);

    while (tree && !term_interrupted() && (status == SG_CLI_OK || visitor->goes_on)) {
        errno = 0;
        const FTSENT *entry = fts_read(tree);

        if (!entry && errno != 0)
            status = cli_worse(status, report_errno("read", root));
        if (!entry)
            break;
        status = cli_worse(status, visit(tree, entry, strlen(root), visitor));
    }
    if (tree)
        (void)fts_close(tree);
    free(copy);
    return status;
}
