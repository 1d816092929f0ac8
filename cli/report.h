/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as the user sees them: one message, what to do next, and with --json one object
 * {"error":{"exit","message","next","problem"}} per error on standard error.
 */
#ifndef SG_CLI_REPORT_H
#define SG_CLI_REPORT_H

#include "base/buf.h"
#include "cli/cli.h"

struct http_call;

/* What would have been printed on standard error, and the messages alone. */
struct report_capture {
    struct buf printed;
    struct buf message;           /* of the last error */
    struct report_capture *outer; /* where errors went before */
};

/* From now on, errors of this thread go to `capture`, which is emptied; until report_release, after
 * which they go where they went before. */
void report_capture(struct report_capture *capture);
void report_release(void);
/* Prints what was captured; or hands it on, where errors are captured again. */
void report_replay(const struct report_capture *capture);
void report_capture_fini(struct report_capture *capture);

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

/* Whether the gateway's answer is a problem with this code. */
bool report_code_is(const struct http_call *call, const char *code);

#endif
