/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock by raw system calls, since libc has no wrappers. It never widens what was allowed
 * before. */
#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER true
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER false
#endif

#define READ_FILE  LANDLOCK_ACCESS_FS_READ_FILE
#define READ_TREE  (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_FILE LANDLOCK_ACCESS_FS_WRITE_FILE
#define WRITE_TREE                                                                                 \
    (WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |                      \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER)

/* All rights of the second version of the interface: what no place grants is denied. The first
 * version denies every rename between directories, which the blob store needs. */
#define HANDLED       ((LANDLOCK_ACCESS_FS_REFER << 1) - 1)
#define LEAST_VERSION 2

bool landlock_under_sanitizer(void)
{
    return UNDER_SANITIZER;
}

static enum sg_err grant(int ruleset, const char *path, bool write)
{
    SG_FD_CLEANUP int fd = open(path, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {.parent_fd = fd};
    struct stat st;

    if (fd == -1)
        return errno == ENOENT ? SG_OK : err_from_errno(errno);
    if (fstat(fd, &st) != 0)
        return err_from_errno(errno);
    if (S_ISDIR(st.st_mode))
        rule.allowed_access = READ_TREE | (write ? WRITE_TREE : 0);
    else
        rule.allowed_access = READ_FILE | (write ? WRITE_FILE : 0);
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return err_from_errno(errno);
    return SG_OK;
}

/* NULL is an absent place. */
static enum sg_err grant_directory_of(int ruleset, const char *path, bool write)
{
    char *dir = path == NULL ? NULL : file_directory_of(path);
    enum sg_err err = SG_OK;

    if (dir != NULL)
        err = grant(ruleset, dir, write);
    else if (path != NULL)
        err = SG_ERR_NO_MEMORY;
    free(dir);
    return err;
}

static enum sg_err grant_place(int ruleset, const struct landlock_place *place)
{
    enum sg_err err;
    char *real;

    if (place->path == NULL || *place->path == '\0')
        return SG_OK;
    if (!place->replaced)
        return grant(ruleset, place->path, place->write);
    real = realpath(place->path, NULL);
    err = grant_directory_of(ruleset, place->path, place->write);
    if (err == SG_OK)
        err = grant_directory_of(ruleset, real, place->write);
    free(real);
    return err;
}

enum sg_err landlock_confine(const struct landlock_place *places, size_t count)
{
    const struct landlock_ruleset_attr attr = {.handled_access_fs = HANDLED};
    int ruleset;
    enum sg_err err = SG_OK;
    long version;

    if (UNDER_SANITIZER)
        return SG_OK;
    version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < LEAST_VERSION)
        return SG_ERR_UNAVAILABLE;
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (ruleset == -1)
        return SG_ERR_UNAVAILABLE;
    for (size_t i = 0; i < count && err == SG_OK; i++)
        err = grant_place(ruleset, &places[i]);
    if (err == SG_OK && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                         syscall(SYS_landlock_restrict_self, ruleset, 0) != 0))
        err = err_from_errno(errno);
    close(ruleset);
    return err;
}
