/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a role of the gateway as a process of its own: fork and exec, nothing inherited but what
 * is named. */
#ifndef SG_APP_CHILD_H
#define SG_APP_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define SG_CHILD_FDS_MAX 40

struct child {
    const char *role;               /* for the log; static */
    pid_t pid;                      /* 0: not running */
    int control;                    /* our end of its control channel; -1 */
    int64_t started_ns, restart_ns; /* monotonic; restart_ns 0: not due */
    unsigned failures;              /* starts in a row that never became ready */
};

/*
 * Runs `program` with `argv`. In the child, descriptor 3 is its end of a fresh control channel and
 * 4, 5, ... are `fds` in order; 0 is /dev/null, 1 and 2 are ours, all others are closed. Terminal
 * and service signals are ignored in it: it ends when told so over the channel, or when the channel
 * closes. Fills pid, control, started_ns.
 */
enum sg_err child_start(struct child *c, const char *program, const char *const *argv,
                        const int *fds, size_t nfds) SG_MUST_CHECK;

/* Notes that it ended: closes the channel and sets when to start it again: at once if it had been
 * ready, later and later (up to 5 s) if it never was. */
void child_ended(struct child *c, int was_ready);

#endif
