/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold signatures. It never judges whether a signature is valid. */
#include "cli/sidecar.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/report.h"
#include "sigfmt/manifest.h"
#include "sigfmt/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SG_SIDECAR_PATH_MAX ((size_t)8192)

const char *const sidecar_extensions[] = {
    ".sshsig.sig",   ".signify.sig", SG_SIDECAR_RECORD_EXTENSION,
    ".intoto.jsonl", ".minisig",     ".raw.sig",
    ".p7s",          ".sig",         NULL};

#define SG_SIDECAR_DOT_SIG ((unsigned)(SG_FORMAT_RAW | SG_FORMAT_SIGNIFY | SG_FORMAT_SSHSIG))

static enum cli_status unknown_format(const char *name)
{
    return report_error(SG_CLI_USAGE, "raw, minisign, signify, sshsig, cms, dsse, record",
                        "there is no format \"%s\"", name);
}

enum cli_status sidecar_choose(const char *list, struct sidecar_choice *ret)
{
    struct sidecar_choice choice = {0};
    char name[32];

    for (const char *at = list; at; at = strchr(at, ',')) {
        enum sig_format format;
        unsigned bit = SG_SIDECAR_RECORD;

        at += at != list;
        snprintf(name, sizeof(name), "%.*s", (int)(strcspn(at, ",") & 0xff), at);
        if (strcmp(name, "record") != 0) {
            if (sig_format_parse(name, &format) != SG_OK)
                return unknown_format(name);
            bit = (unsigned)format;
        }
        choice.formats |= bit;
        if ((bit & SG_SIDECAR_DOT_SIG) && !choice.plain)
            choice.plain = bit;
    }
    if (!list)
        choice.formats = SG_SIDECAR_RECORD;
    *ret = choice;
    return SG_CLI_OK;
}

const char *sidecar_extension(const struct sidecar_choice *choice, unsigned format)
{
    if (format == SG_SIDECAR_RECORD)
        return SG_SIDECAR_RECORD_EXTENSION;
    if ((format & SG_SIDECAR_DOT_SIG) && format != choice->plain)
        return format == SG_FORMAT_RAW       ? ".raw.sig"
               : format == SG_FORMAT_SIGNIFY ? ".signify.sig"
                                             : ".sshsig.sig";
    return sig_format_extension((enum sig_format)format);
}

static size_t stem_of(const char *path, const char *extension)
{
    size_t len = strlen(path), tail = strlen(extension);

    return len > tail && path[len - tail - 1] != '/' && strcmp(path + len - tail, extension) == 0
               ? len - tail
               : 0;
}

size_t sidecar_stem(const char *path)
{
    size_t stem = stem_of(path, SG_SIDECAR_PROOF_EXTENSION);

    for (size_t i = 0; !stem && sidecar_extensions[i]; i++)
        stem = stem_of(path, sidecar_extensions[i]);
    return stem;
}

bool sidecar_read(const char *path, struct buf *ret)
{
    struct stat st;

    /* Before it is opened: a pipe would wait for somebody. */
    if (stat(path, &st) != 0)
        return false;
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > SG_SIDECAR_MAX) {
        errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
        return false;
    }
    buf_init(ret, SG_SIDECAR_MAX);
    errno = EIO;
    return file_read(path, ret) == SG_OK;
}

/* Whether what is there is a signature, a proof, or the lines of a manifest. */
static bool is_signature(const char *path)
{
    SG_BUF_CLEANUP struct buf content = {0};
    struct sig_manifest *lines;
    enum sig_format format;
    enum sig_kind kind;

    if (!sidecar_read(path, &content))
        return false;
    if (sig_detect(buf_str(&content), content.len, &kind, &format) == SG_OK)
        return true;
    if (sig_manifest_parse(buf_str(&content), content.len, &lines) != SG_OK)
        return false;
    sig_manifest_free(lines);
    return true;
}

bool sidecar_is_one(const char *path)
{
    size_t stem = sidecar_stem(path);
    char *of = stem ? strndup(path, stem) : NULL;
    struct stat st;
    bool found = of && lstat(of, &st) == 0 && is_signature(path);

    free(of);
    return found;
}

enum cli_status sidecar_may_write(const char *path, bool force)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? SG_CLI_OK : report_errno("write", path);
    if (S_ISDIR(st.st_mode))
        return report_error(SG_CLI_USAGE, NULL, "%s is a directory", path);
    if (force || is_signature(path))
        return SG_CLI_OK;
    return report_error(SG_CLI_USAGE, "move it away, choose another place with --out, or --force",
                        "%s is there and is no signature; nothing was signed", path);
}

/* A file of a name that nobody has, beside `path`. */
static int open_temporary(const char *path, struct buf *ret)
{
    const char *slash = strrchr(path, '/');

    buf_printf(ret, "%.*s.%s.XXXXXX", (int)(slash ? slash - path + 1 : 0), path,
               slash ? slash + 1 : path);
    if (ret->failed) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return mkostemp((char *)ret->data, O_CLOEXEC);
}

static bool make_parent(const char *path)
{
    char *parent = file_directory_of(path);
    bool made = parent && file_mkdirs(parent, 0777) == SG_OK;

    free(parent);
    return made;
}

enum cli_status sidecar_write(const char *path, const void *data, size_t len)
{
    SG_BUF_CLEANUP struct buf name = {0};
    mode_t mask = umask(0);

    (void)umask(mask);
    buf_init(&name, SG_SIDECAR_PATH_MAX);
    int fd = open_temporary(path, &name);
    if (fd < 0 && errno == ENOENT && make_parent(path)) {
        buf_clear(&name);
        fd = open_temporary(path, &name);
    }
    if (fd < 0)
        return report_errno("write", path);
    bool written = file_write_all(fd, data, len) == SG_OK && fchmod(fd, 0666 & ~mask) == 0;
    written = close(fd) == 0 && written && rename(buf_str(&name), path) == 0;
    if (written)
        return SG_CLI_OK;
    enum cli_status status = report_errno("write", path);
    (void)unlink(buf_str(&name));
    return status;
}
