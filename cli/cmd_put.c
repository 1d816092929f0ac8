/* SPDX-License-Identifier: Apache-2.0 */
/* secctl put: stores files and, with -r, directory trees. */
#include "base/buf.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/transfer.h"
#include "cli/upload.h"

#include <errno.h>
#include <fts.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

struct put {
    struct transfer transfer;
    struct upload_options options;
    bool recursive;
    const char *target; /* resolved */
    bool into;          /* `target` is a directory to put into */
};

/* Where the local path goes to: the target, or target/NAME. Nothing is added for "." and "..". */
static void destination(const struct put *put, const char *local, struct buf *ret)
{
    const char *name;
    size_t len;

    buf_puts(ret, put->target);
    remote_basename(local, &name, &len);
    bool nameless =
        len == 0 || (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.');
    if (put->into && !nameless) {
        if (!remote_is_directory_name(put->target))
            buf_putc(ret, '/');
        buf_append(ret, name, len);
    }
}

static bool is_empty_directory(FTS *tree)
{
    errno = 0;
    return fts_children(tree, FTS_NAMEONLY) == NULL && errno == 0;
}

static enum cli_status add_node(struct put *put, FTS *tree, FTSENT *node, size_t root_len,
                                const char *base)
{
    SG_BUF_CLEANUP struct buf remote = {0};

    buf_init(&remote, SG_REMOTE_PATH_MAX);
    buf_puts(&remote, base);
    const char *below = node->fts_path + root_len;
    below += strspn(below, "/");
    if (*below && remote.len > 0 && !remote_is_directory_name(buf_str(&remote)))
        buf_putc(&remote, '/');
    buf_puts(&remote, below);
    if (remote.failed)
        return report_error(SG_CLI_USAGE, NULL, "%s: the path is too long", node->fts_path);
    switch (node->fts_info) {
    case FTS_F:
        return upload_add(&put->transfer, node->fts_accpath, buf_str(&remote),
                          node->fts_statp->st_size, &put->options);
    case FTS_D:
        if (!is_empty_directory(tree))
            return SG_CLI_OK;
        if (!remote_is_directory_name(buf_str(&remote)))
            buf_putc(&remote, '/');
        return upload_add_directory(&put->transfer, buf_str(&remote));
    case FTS_DP:
        return SG_CLI_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        errno = node->fts_errno;
        return report_errno("read", node->fts_path);
    default:
        term_note("secctl: %s is no regular file; left out", node->fts_path);
        return SG_CLI_OK;
    }
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum cli_status add_tree(struct put *put, char *local)
{
    SG_BUF_CLEANUP struct buf base = {0};
    char *roots[] = {local, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    enum cli_status status = SG_CLI_OK;
    FTSENT *node;

    if (!tree)
        return report_errno("read", local);
    buf_init(&base, SG_REMOTE_PATH_MAX);
    destination(put, local, &base);
    while (!term_interrupted() && (node = fts_read(tree)) != NULL)
        status = cli_worse(status, add_node(put, tree, node, strlen(local), buf_str(&base)));
    (void)fts_close(tree);
    return status;
}

static enum cli_status add_source(struct put *put, char *local)
{
    SG_BUF_CLEANUP struct buf remote = {0};
    struct stat st = {0};
    bool standard = strcmp(local, "-") == 0;

    if (!standard && stat(local, &st) != 0)
        return report_errno("read", local);
    if (S_ISDIR(st.st_mode))
        return put->recursive ? add_tree(put, local)
                              : report_error(SG_CLI_USAGE, "to store it with all that is in it: -r",
                                             "%s is a directory", local);
    buf_init(&remote, SG_REMOTE_PATH_MAX);
    if (standard)
        buf_puts(&remote, put->target);
    else
        destination(put, local, &remote);
    if (standard && (put->into || remote_is_directory_name(buf_str(&remote))))
        return report_error(SG_CLI_USAGE, "secctl put - SPACE/NAME",
                            "standard input needs a target with a name");
    if (remote.failed)
        return report_error(SG_CLI_USAGE, NULL, "%s: the path is too long", local);
    return upload_add(&put->transfer, local, buf_str(&remote), st.st_size, &put->options);
}

enum cli_status cmd_put(struct cli *cli, const struct args *args)
{
    SG_BUF_CLEANUP struct buf target = {0};
    struct put put = {.recursive = args_has(args, 'r'),
                      .options = {.if_match = args_get(args, SG_ARG_IF_MATCH),
                                  .create_only = args_has(args, SG_ARG_CREATE_ONLY)}};
    size_t sources = args->n_operands > 1 ? args->n_operands - 1 : 1;
    unsigned parallel = 1;
    enum cli_status status = args_expect(args, 1, SIZE_MAX, "FILE"), added = SG_CLI_OK;

    buf_init(&target, SG_REMOTE_PATH_MAX);
    if (status == SG_CLI_OK && put.options.if_match && put.options.create_only)
        status =
            report_error(SG_CLI_USAGE, NULL, "--if-match and --create-only exclude each other");
    if (status == SG_CLI_OK)
        status = transfer_parse_parallel(args_get(args, 'j'), &parallel);
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    remote_resolve(&target, args->n_operands > 1 ? args->operands[sources] : "");
    put.target = buf_str(&target);
    put.into = sources > 1 || remote_is_directory_name(put.target);
    transfer_init(&put.transfer, cli);
    for (size_t i = 0; i < sources && !term_interrupted(); i++)
        added = cli_worse(added, add_source(&put, args->operands[i]));
    status = transfer_run(&put.transfer, parallel);
    return cli_worse(status, added);
}
