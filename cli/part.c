/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is being downloaded. Its final name never shows anything but whole content whose
 * digest was checked by the caller.
 */
#include "cli/part.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "cli/digest.h"
#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SG_PART_SUFFIX      ".secctl-part"
#define SG_PART_ETAG_SUFFIX ".secctl-part-etag"
/* Longest name that has room for the suffixes. */
#define SG_PART_PLAIN_MAX (SG_PART_NAME_SIZE - (int)sizeof(SG_PART_ETAG_SUFFIX))

int part_open_dir(int root, const char *path, size_t len)
{
    int dir = fcntl(root, F_DUPFD_CLOEXEC, 0);

    for (size_t at = 0; dir >= 0 && at < len;) {
        char segment[SG_PART_NAME_SIZE];
        size_t n = 0;

        while (at + n < len && path[at + n] != '/')
            n++;
        if (n == 0 || n >= sizeof(segment)) {
            (void)close(dir);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(segment, path + at, n);
        segment[n] = 0;
        int next = -1;
        if (mkdirat(dir, segment, 0777) == 0 || errno == EEXIST)
            next = openat(dir, segment, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int code = errno;
        (void)close(dir);
        errno = code;
        dir = next;
        at += n + 1;
    }
    return dir;
}

/* Names of the part; a name too long for a suffix is replaced by its hash. */
static bool make_names(struct part *p, const char *name)
{
    char hex[SG_DIGEST_HEX_SIZE];
    uint8_t hash[SG_DIGEST_BYTES];
    struct digest d = {NULL};

    if (strlen(name) <= SG_PART_PLAIN_MAX) {
        snprintf(p->data_name, sizeof(p->data_name), "%.*s" SG_PART_SUFFIX, SG_PART_PLAIN_MAX,
                 name);
        snprintf(p->etag_name, sizeof(p->etag_name), "%.*s" SG_PART_ETAG_SUFFIX, SG_PART_PLAIN_MAX,
                 name);
    } else {
        if (!digest_start(&d))
            return false;
        digest_update(&d, name, strlen(name));
        digest_finish(&d, hash);
        encode_hex(hash, sizeof(hash), hex);
        snprintf(p->data_name, sizeof(p->data_name), "%s" SG_PART_SUFFIX, hex);
        snprintf(p->etag_name, sizeof(p->etag_name), "%s" SG_PART_ETAG_SUFFIX, hex);
    }
    snprintf(p->name, sizeof(p->name), "%s", name);
    return true;
}

static void read_etag(struct part *p)
{
    SG_FD_CLEANUP int fd = openat(p->dir, p->etag_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, p->etag, sizeof(p->etag) - 1);

    p->etag[got > 0 ? got : 0] = 0;
    p->etag[strcspn(p->etag, "\r\n")] = 0;
}

static enum cli_status open_files(struct part *p, const char *label)
{
    struct stat st;

    if (fstatat(p->dir, p->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return report_error(SG_CLI_USAGE, "choose another name with -o", "%s is a directory",
                            label);
    p->fd = openat(p->dir, p->data_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (p->fd < 0)
        return report_errno("write", label);
    if (flock(p->fd, LOCK_EX | LOCK_NB) != 0)
        return report_error(SG_CLI_USAGE, "wait for it, or choose another name with -o",
                            "%s is being downloaded by another process", label);
    if (fstat(p->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return report_errno("write", label);
    }
    p->size = st.st_size;
    read_etag(p);
    /* Bytes of unknown origin are worth nothing. */
    if (p->size == 0 || !p->etag[0]) {
        p->size = 0;
        p->etag[0] = 0;
    }
    return SG_CLI_OK;
}

enum cli_status part_open(struct part *p, int dir, const char *name, const char *label)
{
    memset(p, 0, sizeof(*p));
    p->dir = dir;
    p->fd = -1;
    if (strlen(name) >= SG_PART_NAME_SIZE) {
        part_close(p);
        return report_error(SG_CLI_USAGE, "choose another name with -o", "%s: name too long",
                            label);
    }
    enum cli_status status = make_names(p, name) ? open_files(p, label) : report_no_memory();
    if (status != SG_CLI_OK) {
        /* Not ours to remove. */
        file_close(&p->fd);
        part_close(p);
    }
    return status;
}

bool part_restart(struct part *p, const char *etag)
{
    SG_FD_CLEANUP int fd = -1;
    char line[sizeof(p->etag) + 2];

    if (ftruncate(p->fd, 0) != 0)
        return false;
    p->size = 0;
    snprintf(p->etag, sizeof(p->etag), "%s", etag);
    snprintf(line, sizeof(line), "%s\n", p->etag);
    fd = openat(p->dir, p->etag_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    return fd >= 0 && file_write_all(fd, line, strlen(line)) == SG_OK;
}

bool part_write(struct part *p, const void *data, size_t len)
{
    const uint8_t *from = data;

    while (len > 0) {
        ssize_t done = pwrite(p->fd, from, len, p->size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        from += done;
        len -= (size_t)done;
        p->size += done;
    }
    return true;
}

ssize_t part_read(const struct part *p, void *data, size_t len, int64_t offset)
{
    return pread(p->fd, data, len, offset);
}

/* Whether the part's name still means the file that was written and checked. */
static bool is_ours(const struct part *p)
{
    struct stat named, written;

    return fstat(p->fd, &written) == 0 &&
           fstatat(p->dir, p->data_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_dev == written.st_dev && named.st_ino == written.st_ino;
}

bool part_publish(struct part *p)
{
    if (!is_ours(p)) {
        errno = ESTALE;
        return false;
    }
    if (renameat(p->dir, p->data_name, p->dir, p->name) != 0)
        return false;
    (void)unlinkat(p->dir, p->etag_name, 0);
    file_close(&p->fd);
    return true;
}

void part_discard(struct part *p)
{
    (void)unlinkat(p->dir, p->data_name, 0);
    (void)unlinkat(p->dir, p->etag_name, 0);
    file_close(&p->fd);
}

void part_close(struct part *p)
{
    if (p->fd >= 0 && p->size == 0)
        part_discard(p);
    file_close(&p->fd);
    file_close(&p->dir);
}
