/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as the user sees them: one message, what to do next, and with --json one object
 * {"error":{"exit","message","next","problem"}} per error on standard error.
 */
#ifndef SG_CLI_REPORT_H
#define SG_CLI_REPORT_H

#include "cli/cli.h"

struct http_call;

/* Chooses between text and JSON. */
void report_setup(bool json);

/*
 * Prints an error and returns `status`. `next` says what to do (NULL: nothing to say); the message
 * may hold text of strangers.
 */
enum cli_status report_error(enum cli_status status, const char *next, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* errno, with what was being done to which file; SG_CLI_USAGE. */
enum cli_status report_errno(const char *action, const char *path);

enum cli_status report_no_memory(void);

/*
 * Reports a finished exchange that failed (no answer, or status 400 and above). `subject` says what
 * it was about ("common/a.txt"). SG_CLI_REFUSED, or SG_CLI_NETWORK without an answer, or
 * SG_CLI_INTEGRITY for `digest-mismatch`.
 */
enum cli_status report_call(struct cli *cli, const struct http_call *call, const char *subject);

#endif
