/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several transfers at once: a queue of jobs, of which a few are under way on one curl multi
 * handle. What a job does is its own (upload.c, download.c); this is only the order of things.
 */
#ifndef SG_CLI_TRANSFER_H
#define SG_CLI_TRANSFER_H

#include "cli/cli.h"
#include "cli/http.h"
#include "cli/progress.h"

#define SG_TRANSFER_PARALLEL 4
/* Bytes that a job hashes at once before others get their turn. */
#define SG_TRANSFER_SLICE ((size_t)4 << 20)

struct transfer_job;

enum transfer_step {
    SG_TRANSFER_MORE,  /* call prepare again */
    SG_TRANSFER_READY, /* the request can be made */
    SG_TRANSFER_FAILED /* reported; job->status says what */
};

/* What a kind of job does. */
struct transfer_kind {
    /* Opens files and hashes, at most a slice at a time. Begins anew after a job was put back. */
    enum transfer_step (*prepare)(struct transfer_job *job);
    /* Describes the request; the token is added. What it points to lives as long as the job. */
    void (*request)(struct transfer_job *job, struct http_request *ret);
    /* The exchange is over, see job->call: checks and reports. *ret_again: put it back. */
    enum cli_status (*finish)(struct transfer_job *job, bool *ret_again);
    /* Whether a request that was refused for its token can be made again. */
    bool (*can_repeat)(const struct transfer_job *job);
    void (*free)(struct transfer_job *job);
};

struct transfer {
    struct cli *cli;
    struct progress progress;
    struct transfer_job *first, *last;
};

struct transfer_job {
    const struct transfer_kind *kind;
    struct transfer *transfer;
    struct transfer_job *next;
    struct http_call call;
    const char *name; /* for the progress bar */
    enum cli_status status;
    char *token; /* that the request was made with */
    bool token_renewed;
    bool running;
};

void transfer_init(struct transfer *t, struct cli *cli);

/* Adds a job, which it takes over, and counts `bytes` (0: not known yet) as expected. */
void transfer_add(struct transfer *t, struct transfer_job *job, int64_t bytes);

/* Runs all jobs, `parallel` (1 to SG_HTTP_PARALLEL_MAX) at once, and frees them. */
enum cli_status transfer_run(struct transfer *t, unsigned parallel) SG_CLI_MUST_CHECK;

/* Frees jobs that were not run. */
void transfer_fini(struct transfer *t);

/* Reads the value of -j; SG_CLI_USAGE, reported, if it is no number in range. NULL: the default. */
enum cli_status transfer_parse_parallel(const char *text, unsigned *ret) SG_CLI_MUST_CHECK;

#endif
