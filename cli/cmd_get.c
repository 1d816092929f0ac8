/* SPDX-License-Identifier: Apache-2.0 */
/* secctl get: fetches files and, with -r, directory trees. It writes below its target only. */
#include "base/buf.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/download.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/part.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/transfer.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct get {
    struct transfer transfer;
    bool recursive;
    int root;          /* directory that everything goes below; -1 with `stream` */
    int stream;        /* descriptor that content goes to, -1: none */
    const char *name;  /* what the only PATH is to be called; NULL: as on the gateway */
    struct buf prefix; /* how the root is called in messages, with a slash, or "" */
    /* of the directory that is being listed */
    const char *remote;
    const char *local; /* below the root; "" for the root itself */
};

static enum cli_status open_root(struct get *get, const char *path)
{
    get->root = open(*path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return get->root >= 0 ? SG_CLI_OK : report_errno("open the directory", path);
}

/* -o OUT that names the file itself. */
static enum cli_status aim_at_file(struct get *get, const char *out)
{
    const char *slash = strrchr(out, '/');

    get->name = slash ? slash + 1 : out;
    buf_append(&get->prefix, out, slash ? (size_t)(slash - out) + 1 : 0);
    return open_root(get, buf_str(&get->prefix));
}

static enum cli_status aim_at_directory(struct get *get, const char *out)
{
    buf_puts(&get->prefix, out);
    if (*out && !remote_is_directory_name(out))
        buf_putc(&get->prefix, '/');
    if (*out && file_mkdirs(out, 0777) != SG_OK)
        return report_errno("make the directory", out);
    return open_root(get, out);
}

/* Decides where things go: a stream, a file that is named, or a directory. */
static enum cli_status aim(struct get *get, const char *out, size_t sources)
{
    struct stat st;
    bool exists = out && stat(out, &st) == 0;

    if (out && strcmp(out, "-") == 0) {
        get->stream = STDOUT_FILENO;
    } else if (exists && !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
        get->stream = open(out, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (get->stream < 0)
            return report_errno("write", out);
    } else if (out && *out && sources == 1 && !remote_is_directory_name(out) &&
               !(exists && S_ISDIR(st.st_mode))) {
        return aim_at_file(get, out);
    } else {
        return aim_at_directory(get, out ? out : "");
    }
    if (get->recursive)
        return report_error(SG_CLI_USAGE, "name a directory with -o",
                            "-r needs a directory to write to");
    return SG_CLI_OK;
}

static enum cli_status unsafe_name(const char *name)
{
    return report_error(SG_CLI_INTEGRITY, "tell the operator; nothing was written there",
                        "the gateway names a file \"%s\", which could be outside of the target",
                        name);
}

static enum cli_status add_file(struct get *get, const char *remote, const char *local,
                                int64_t size)
{
    SG_BUF_CLEANUP struct buf label = {0};

    if (!remote_is_safe_relative(local))
        return unsafe_name(local);
    buf_init(&label, 2 * SG_REMOTE_PATH_MAX);
    buf_printf(&label, "%s%s", buf_str(&get->prefix), local);
    return download_add(&get->transfer, remote, get->root, local, buf_str(&label), size);
}

static enum cli_status on_entry(void *context, struct json_object *entry)
{
    struct get *get = context;
    const char *name = json_text(entry, "name", "");
    SG_BUF_CLEANUP struct buf remote = {0}, local = {0};

    if (!remote_is_safe_relative(name))
        return unsafe_name(name);
    buf_init(&remote, 2 * SG_REMOTE_PATH_MAX);
    buf_init(&local, 2 * SG_REMOTE_PATH_MAX);
    buf_printf(&remote, "%s%s", get->remote, name);
    buf_printf(&local, "%s%s%s", get->local, *get->local ? "/" : "", name);
    if (strcmp(json_text(entry, "type", ""), "directory") == 0) {
        int dir = part_open_dir(get->root, buf_str(&local), local.len);

        if (dir < 0)
            return report_errno("make the directory", buf_str(&local));
        (void)close(dir);
        return SG_CLI_OK;
    }
    return add_file(get, buf_str(&remote), buf_str(&local), json_int(entry, "size", 0));
}

/* Adds all that is in a directory; *ret_missing when it is a file after all. */
static enum cli_status add_tree(struct get *get, const char *path, const char *local,
                                bool *ret_missing)
{
    SG_BUF_CLEANUP struct buf directory = {0};

    buf_init(&directory, SG_REMOTE_PATH_MAX + 2);
    buf_puts(&directory, path);
    if (!remote_is_directory_name(path))
        buf_putc(&directory, '/');
    get->remote = buf_str(&directory);
    get->local = local;
    struct list_request request = {.path = get->remote,
                                   .recursive = true,
                                   .may_be_file = !remote_is_directory_name(path),
                                   .context = get,
                                   .entry = on_entry};
    enum cli_status status = list_files(get->transfer.cli, &request, ret_missing);
    if (status == SG_CLI_OK && !*ret_missing && *local) {
        int dir = part_open_dir(get->root, local, strlen(local));

        if (dir < 0)
            return report_errno("make the directory", local);
        (void)close(dir);
    }
    return status;
}

static enum cli_status add_source(struct get *get, const char *typed)
{
    SG_BUF_CLEANUP struct buf path = {0}, local = {0};
    const char *name;
    size_t len;
    bool missing = false;

    buf_init(&path, SG_REMOTE_PATH_MAX);
    buf_init(&local, SG_REMOTE_PATH_MAX);
    remote_resolve(&path, typed);
    if (path.failed)
        return report_error(SG_CLI_USAGE, NULL, "the path is too long");
    if (path.len == 0)
        return report_error(SG_CLI_USAGE, "name one of them, see: secctl ls /",
                            "the spaces cannot be fetched all at once");
    if (get->stream >= 0)
        return download_add_stream(&get->transfer, buf_str(&path), get->stream);
    remote_basename(buf_str(&path), &name, &len);
    buf_append(&local, get->name ? get->name : name, get->name ? strlen(get->name) : len);
    if (!remote_is_safe_relative(buf_str(&local)))
        return report_error(SG_CLI_USAGE, "name a file or directory of a space",
                            "\"%s\" cannot be fetched", typed);
    if (get->recursive) {
        enum cli_status status = add_tree(get, buf_str(&path), buf_str(&local), &missing);

        if (status != SG_CLI_OK || !missing)
            return status;
    }
    return add_file(get, buf_str(&path), buf_str(&local), 0);
}

enum cli_status cmd_get(struct cli *cli, const struct args *args)
{
    struct get get = {.recursive = args_has(args, 'r'), .root = -1, .stream = -1};
    unsigned parallel = 1;
    enum cli_status status = args_expect(args, 1, SIZE_MAX, "PATH"), added = SG_CLI_OK;

    if (status == SG_CLI_OK)
        status = transfer_parse_parallel(args_get(args, 'j'), &parallel);
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    buf_init(&get.prefix, SG_REMOTE_PATH_MAX);
    transfer_init(&get.transfer, cli);
    status = aim(&get, args_get(args, 'o'), args->n_operands);
    if (status == SG_CLI_OK) {
        for (size_t i = 0; i < args->n_operands && !term_interrupted(); i++)
            added = cli_worse(added, add_source(&get, args->operands[i]));
        status = transfer_run(&get.transfer, get.stream >= 0 ? 1 : parallel);
    }
    transfer_fini(&get.transfer);
    file_close(&get.root);
    if (get.stream > STDERR_FILENO)
        file_close(&get.stream);
    buf_fini(&get.prefix);
    return cli_worse(status, added);
}
