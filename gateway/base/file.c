/* SPDX-License-Identifier: Apache-2.0 */
/* Whole-file helpers; a write never leaves a half-written file under the final name. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/rng.h"

#define READ_SIZE   16384
#define RANDOM_SIZE 8 /* random bytes in a temporary name */

void file_close(int *fd)
{
    if (*fd != -1)
        (void)close(*fd);
    *fd = -1;
}

char *file_join(const char *dir, const char *name)
{
    size_t dir_len = strlen(dir);
    size_t name_size = strlen(name) + 1;
    size_t slash = dir_len > 0 && dir[dir_len - 1] != '/' ? 1 : 0;
    char *path = malloc(dir_len + slash + name_size);

    if (path == NULL)
        return NULL;
    memcpy(path, dir, dir_len);
    if (slash)
        path[dir_len] = '/';
    memcpy(path + dir_len + slash, name, name_size);
    return path;
}

enum sg_err file_read(const char *path, struct buf *b)
{
    SG_FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return err_from_errno(errno);
    for (;;) {
        size_t room = b->max - b->len;
        uint8_t probe;
        uint8_t *to = &probe;
        ssize_t n;

        /* At the cap one more byte tells a file that just fits from one that is too long. */
        if (room > 0) {
            room = room < READ_SIZE ? room : READ_SIZE;
            to = buf_reserve(b, room);
            if (to == NULL)
                return buf_status(b);
        }
        n = read(fd, to, room > 0 ? room : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        if (n == 0)
            return buf_status(b);
        if (room == 0)
            return SG_ERR_TOO_LARGE;
        buf_commit(b, (size_t)n);
    }
}

enum sg_err file_write_all(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        at += n;
        len -= (size_t)n;
    }
    return SG_OK;
}

enum sg_err file_sync_dir(const char *path)
{
    SG_FD_CLEANUP int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0)
        return err_from_errno(errno);
    return SG_OK;
}

char *file_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* A name beside `path` that nobody else uses: ".NAME.RANDOM.tmp". */
static char *temporary_for(const char *dir, const char *path)
{
    const char *slash = strrchr(path, '/');
    uint8_t random[RANDOM_SIZE];
    char hex[SG_HEX_SIZE(sizeof random)];
    char *temporary;

    rng_bytes(random, sizeof random);
    encode_hex(random, sizeof random, hex);
    if (asprintf(&temporary, "%s/.%s.%s.tmp", dir, slash != NULL ? slash + 1 : path, hex) < 0)
        return NULL;
    return temporary;
}

/* Whether `entry` is a temporary name for `name` (NULL: for any). */
static bool is_temporary(const char *entry, const char *name)
{
    static const char suffix[] = ".tmp";
    const size_t tail = 1 + 2 * RANDOM_SIZE + sizeof suffix - 1;
    size_t len = strlen(entry);
    uint8_t random[RANDOM_SIZE];

    if (len < tail + 2 || entry[0] != '.' || entry[len - tail] != '.' ||
        strcmp(entry + len - (sizeof suffix - 1), suffix) != 0 ||
        encode_unhex(entry + len - tail + 1, sizeof random * 2, random, sizeof random) != SG_OK)
        return false;
    return name == NULL ||
           (len - tail - 1 == strlen(name) && memcmp(entry + 1, name, strlen(name)) == 0);
}

enum sg_err file_remove_temporaries(const char *dir, const char *name)
{
    DIR *d = opendir(dir);
    enum sg_err err = SG_OK;

    if (d == NULL)
        return err_from_errno(errno);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (is_temporary(e->d_name, name) && unlinkat(dirfd(d), e->d_name, 0) != 0)
            err = err_from_errno(errno);
    (void)closedir(d);
    return err;
}

/* Creates `path` with the exact mode, whatever the umask, and makes its content durable. */
static enum sg_err write_new(const char *path, const void *data, size_t len, mode_t mode)
{
    SG_FD_CLEANUP int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum sg_err err;

    if (fd < 0)
        return err_from_errno(errno);
    err = file_write_all(fd, data, len);
    if (err == SG_OK && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
        err = err_from_errno(errno);
    /* The name is ours only when the creation succeeded, so it is removed here. */
    if (err != SG_OK)
        (void)unlink(path);
    return err;
}

enum sg_err file_write_atomic(const char *path, const void *data, size_t len, mode_t mode)
{
    char *dir = file_directory_of(path);
    char *temporary = dir != NULL ? temporary_for(dir, path) : NULL;
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (temporary != NULL)
        err = write_new(temporary, data, len, mode);
    if (err == SG_OK) {
        if (rename(temporary, path) == 0) {
            err = file_sync_dir(dir);
        } else {
            err = err_from_errno(errno);
            (void)unlink(temporary);
        }
    }
    free(temporary);
    free(dir);
    return err;
}

static enum sg_err make_directory(const char *path, mode_t mode)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return SG_OK;
    if (errno != EEXIST)
        return err_from_errno(errno);
    if (stat(path, &st) != 0)
        return err_from_errno(errno);
    return S_ISDIR(st.st_mode) ? SG_OK : SG_ERR_NOT_DIRECTORY;
}

enum sg_err file_mkdirs(const char *path, mode_t mode)
{
    char *copy = strdup(path);
    enum sg_err err = SG_OK;

    if (copy == NULL)
        return SG_ERR_NO_MEMORY;
    for (char *at = copy; *at != '\0' && err == SG_OK; at++) {
        if (*at != '/' || at == copy || at[-1] == '/')
            continue;
        *at = '\0';
        err = make_directory(copy, mode);
        *at = '/';
    }
    if (err == SG_OK)
        err = make_directory(copy, mode);
    free(copy);
    return err;
}
