/* SPDX-License-Identifier: Apache-2.0 */
/* Hardening by prctl(2), rlimits and Landlock; it never fails the start, it says what is missing.
 */
#include "keyring/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

/* Sanitizers inspect their own process through ptrace and /proc, and map terabytes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                               \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR)
/* All rights of the first Landlock version: what is not granted below is denied. */
#define HANDLED_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static void warn(const char *what)
{
    log_write(SG_LOG_WARN, "keyring.hardening_missing", SG_STR("feature", what),
              SG_INT("errno", errno));
}

static bool grant(int ruleset, const char *path, uint64_t rights)
{
    SG_FD_CLEANUP int fd = open(path, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};

    return fd >= 0 &&
           syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

/* The directory of a file, since a renewed key is a new file; in fresh memory. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static bool grant_all(int ruleset, const char *data, const char *tls_key)
{
    char *dir = NULL;
    bool ok = grant(ruleset, data, READ_RIGHTS | WRITE_RIGHTS);

    if (ok && tls_key != NULL) {
        char *real = realpath(tls_key, NULL); /* what a link points to must be readable as well */

        dir = directory_of(tls_key);
        ok = dir != NULL && grant(ruleset, dir, READ_RIGHTS);
        free(dir);
        dir = real != NULL ? directory_of(real) : NULL;
        if (ok && dir != NULL)
            ok = grant(ruleset, dir, READ_RIGHTS);
        free(dir);
        free(real);
    }
    return ok;
}

static void confine(const char *data, const char *tls_key)
{
    const struct landlock_ruleset_attr attr = {.handled_access_fs = HANDLED_RIGHTS};
    SG_FD_CLEANUP int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);

    if (ruleset < 0 || !grant_all(ruleset, data, tls_key) ||
        syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        warn("landlock");
}

/* Only with no limit on locked memory: under a limit, a later allocation would fail instead. */
static void lock_memory(void)
{
    const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    struct rlimit now;

    if (getrlimit(RLIMIT_MEMLOCK, &now) != 0 ||
        (now.rlim_cur != RLIM_INFINITY && setrlimit(RLIMIT_MEMLOCK, &unlimited) != 0)) {
        log_write(SG_LOG_DEBUG, "keyring.memory_not_locked");
        return;
    }
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
        log_write(SG_LOG_DEBUG, "keyring.memory_not_locked", SG_INT("errno", errno));
}

void sandbox_keyring(const char *data, const char *tls_key)
{
    const struct rlimit none = {0, 0};

    (void)umask(077);
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        warn("no core files");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        warn("no new privileges");
    if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0)
        warn("death signal");
    if (UNDER_SANITIZER)
        return;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        warn("not dumpable");
    lock_memory();
    confine(data, tls_key);
}
