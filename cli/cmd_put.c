/* SPDX-License-Identifier: Apache-2.0 */
/* secctl put: stores files and, with -r, directory trees. */
#include "base/buf.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/transfer.h"
#include "cli/tree.h"
#include "cli/upload.h"

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

/* A tree and where its root goes to. */
struct put_tree {
    struct put *put;
    const char *base;
};

static enum cli_status add_node(void *context, const struct tree_node *node)
{
    const struct put_tree *tree = context;
    SG_BUF_CLEANUP struct buf remote = {0};

    buf_init(&remote, SG_REMOTE_PATH_MAX);
    buf_puts(&remote, tree->base);
    if (*node->below && remote.len > 0 && !remote_is_directory_name(buf_str(&remote)))
        buf_putc(&remote, '/');
    buf_puts(&remote, node->below);
    if (node->directory && !remote_is_directory_name(buf_str(&remote)))
        buf_putc(&remote, '/');
    if (remote.failed)
        return report_error(SG_CLI_USAGE, NULL, "%s: the path is too long", node->path);
    if (node->directory)
        return upload_add_directory(&tree->put->transfer, buf_str(&remote));
    return upload_add(&tree->put->transfer, node->path, buf_str(&remote), node->size,
                      &tree->put->options);
}

static enum cli_status add_tree(struct put *put, const char *local)
{
    SG_BUF_CLEANUP struct buf base = {0};
    struct put_tree tree = {.put = put};

    buf_init(&base, SG_REMOTE_PATH_MAX);
    destination(put, local, &base);
    tree.base = buf_str(&base);
    return tree_walk(
        local, &(struct tree_visitor){
                   .context = &tree, .visit = add_node, .goes_on = true, .directories = true});
}

static enum cli_status add_source(struct put *put, const char *local)
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
