/* SPDX-License-Identifier: Apache-2.0 */
/* Hardening by prctl(2), rlimits and Landlock; it never fails the start, it says what is missing.
 */
#include "keyring/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/landlock.h"
#include "base/log.h"

static void warn(const char *what)
{
    log_write(SG_LOG_WARN, "keyring.hardening_missing", SG_STR("feature", what),
              SG_INT("errno", errno));
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

void sandbox_process(void)
{
    const struct rlimit none = {0, 0};

    (void)umask(077);
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        warn("no core files");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        warn("no new privileges");
    if (landlock_under_sanitizer()) /* which attaches to its own process and maps terabytes */
        return;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        warn("not dumpable");
    lock_memory();
}

void sandbox_end_with_parent(void)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        warn("death signal");
}

void sandbox_files(const char *data, const char *tls_key, const char *const *more, size_t count)
{
    struct landlock_place places[2 + SG_SANDBOX_MORE_MAX] = {
        {.path = data, .write = true},
        {.path = tls_key, .replaced = true},
    };

    for (size_t i = 0; i < count && i < SG_SANDBOX_MORE_MAX; i++)
        places[2 + i] = (struct landlock_place){.path = more[i], .write = true};
    if (landlock_confine(places, sizeof places / sizeof places[0]) != SG_OK)
        warn("landlock");
}
