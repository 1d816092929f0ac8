/* SPDX-License-Identifier: Apache-2.0 */
/* Starts child processes by fork and exec. It never waits for them. */
#include "app/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ipc/channel.h"

#define FIRST_FD      3
#define ABOVE_ALL     512 /* sources are moved here first, so that no target overwrites one */
#define LIVED_SHORTLY (1 * SG_NS_PER_S)
#define RETRY_MIN     (50 * SG_NS_PER_MS)
#define RETRY_MAX     (5 * SG_NS_PER_S)

/* In the child, between fork and exec: only async-signal-safe calls. */
static void become(const char *program, const char *const *argv, const int *sources, size_t count)
{
    int moved[SG_CHILD_FDS_MAX + 1];
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);

    if (null == -1 || dup2(null, STDIN_FILENO) == -1)
        _exit(126);
    for (size_t i = 0; i < count; i++) {
        moved[i] = fcntl(sources[i], F_DUPFD, ABOVE_ALL);
        if (moved[i] == -1)
            _exit(126);
    }
    for (size_t i = 0; i < count; i++) {
        if (dup2(moved[i], FIRST_FD + (int)i) == -1)
            _exit(126);
    }
    if (close_range((unsigned)(FIRST_FD + count), ~0U, 0) != 0)
        _exit(126);
    sigaction(SIGINT, &ignore, NULL);
    sigaction(SIGTERM, &ignore, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    /* The closed channel tells a role that the parent is gone; this is for one that hangs, which
     * would keep the listening sockets from the next gateway. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* execv takes it unchanged; its type is older than const */
    execv(program, (char *const *)(uintptr_t)argv);
    _exit(127);
}

enum sg_err child_start(struct child *c, const char *program, const char *const *argv,
                        const int *fds, size_t nfds)
{
    int sources[SG_CHILD_FDS_MAX + 1];
    int pair[2];
    enum sg_err err;
    pid_t pid;

    if (nfds > SG_CHILD_FDS_MAX)
        return SG_ERR_OVERLOADED;
    err = channel_pair(pair);
    if (err != SG_OK)
        return err;
    sources[0] = pair[1];
    for (size_t i = 0; i < nfds; i++)
        sources[i + 1] = fds[i];
    pid = fork();
    if (pid == 0)
        become(program, argv, sources, nfds + 1);
    err = pid == -1 ? err_from_errno(errno) : SG_OK;
    file_close(&pair[1]);
    if (err != SG_OK) {
        file_close(&pair[0]);
        return err;
    }
    /* A role that does not read must not stop us: sending to it fails when its buffer is full. */
    (void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
    c->pid = pid;
    c->control = pair[0];
    c->started_ns = clock_monotonic_ns();
    c->restart_ns = 0;
    return SG_OK;
}

void child_ended(struct child *c, int was_ready)
{
    int64_t now = clock_monotonic_ns();
    int64_t wait = 0;

    file_close(&c->control);
    c->pid = 0;
    if (was_ready) {
        c->failures = 0;
        if (now - c->started_ns < LIVED_SHORTLY)
            wait = 2 * RETRY_MIN;
    } else {
        wait = c->failures < 7 ? RETRY_MIN << c->failures : RETRY_MAX;
        c->failures++;
    }
    c->restart_ns = now + wait;
}
