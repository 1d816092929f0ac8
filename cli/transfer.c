/* SPDX-License-Identifier: Apache-2.0 */
/* Several transfers at once. It never lets one job's failure stop the others. */
#include "cli/transfer.h"

#include "base/clock.h"
#include "base/secret.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slots {
    struct transfer_job *job[SG_HTTP_PARALLEL_MAX];
    unsigned count; /* slots that may be used */
    unsigned filled;
    unsigned running; /* whose exchange is under way */
};

void transfer_init(struct transfer *t, struct cli *cli)
{
    memset(t, 0, sizeof(*t));
    t->cli = cli;
    progress_init(&t->progress);
}

void transfer_add(struct transfer *t, struct transfer_job *job, int64_t bytes)
{
    job->transfer = t;
    job->next = NULL;
    if (t->last)
        t->last->next = job;
    else
        t->first = job;
    t->last = job;
    t->progress.files++;
    t->progress.expected += bytes;
}

static void free_job(struct transfer_job *job)
{
    http_call_fini(&job->call);
    secret_free_string(job->token);
    job->kind->free(job);
}

void transfer_fini(struct transfer *t)
{
    while (t->first) {
        struct transfer_job *job = t->first;

        t->first = job->next;
        free_job(job);
    }
    t->last = NULL;
}

static void tick(void *context)
{
    struct transfer *t = context;

    progress_draw(&t->progress, 0);
}

/* Makes the job's request with a valid token. */
static enum cli_status launch(struct transfer_job *job)
{
    struct cli *cli = job->transfer->cli;
    struct http_request request = {.method = NULL};
    const char *token = NULL;
    enum cli_status status = session_token(cli, job->token, &token);

    if (status != SG_CLI_OK)
        return status;
    secret_free_string(job->token);
    job->token = strdup(token);
    if (!job->token)
        return report_no_memory();
    job->kind->request(job, &request);
    request.token = job->token;
    job->call.owner = job;
    status = http_start(cli->http, &job->call, &request);
    job->running = status == SG_CLI_OK;
    return status;
}

static void remove_job(struct slots *slots, struct transfer_job *job)
{
    for (unsigned i = 0; i < slots->filled; i++) {
        if (slots->job[i] == job) {
            slots->job[i] = slots->job[--slots->filled];
            break;
        }
    }
    free_job(job);
}

static void fill(struct transfer *t, struct slots *slots)
{
    while (t->first && slots->filled < slots->count) {
        struct transfer_job *job = t->first;

        t->first = job->next;
        if (!t->first)
            t->last = NULL;
        slots->job[slots->filled++] = job;
        snprintf(t->progress.name, sizeof(t->progress.name), "%s", job->name);
    }
}

/* Moves on the jobs whose request is not made yet. */
static enum cli_status prepare(struct slots *slots)
{
    enum cli_status worst = SG_CLI_OK;

    for (unsigned i = 0; i < slots->filled;) {
        struct transfer_job *job = slots->job[i];
        enum transfer_step step = SG_TRANSFER_MORE;

        if (!job->running)
            step = job->kind->prepare(job);
        if (step == SG_TRANSFER_READY)
            job->status = launch(job);
        if (step == SG_TRANSFER_READY && job->running)
            slots->running++;
        if (step == SG_TRANSFER_MORE || job->running) {
            i++;
            continue;
        }
        /* The last one takes its slot. */
        worst = cli_worse(worst, job->status);
        remove_job(slots, job);
    }
    return worst;
}

/* Deals with a finished exchange. A job that goes again stays in its slot. */
static enum cli_status settle(struct slots *slots, struct transfer_job *job)
{
    struct transfer *t = job->transfer;
    bool again = false;

    job->running = false;
    slots->running--;
    if (job->call.failure == SG_HTTP_DONE && job->call.status == 401 && !job->token_renewed &&
        job->kind->can_repeat(job)) {
        job->token_renewed = true;
        http_call_fini(&job->call);
        return SG_CLI_OK;
    }
    enum cli_status status = job->kind->finish(job, &again);
    if (again) {
        secret_free_string(job->token);
        job->token = NULL;
        http_call_fini(&job->call);
        return SG_CLI_OK;
    }
    t->progress.files_done++;
    remove_job(slots, job);
    return status;
}

enum cli_status transfer_run(struct transfer *t, unsigned parallel)
{
    struct slots slots = {.count = parallel};
    enum cli_status worst = SG_CLI_OK;

    http_set_tick(t->cli->http, tick, t);
    t->progress.started_ns = clock_monotonic_ns();
    while ((t->first || slots.filled) && !term_interrupted()) {
        fill(t, &slots);
        worst = cli_worse(worst, prepare(&slots));
        struct http_call *call = http_next(t->cli->http, slots.running == slots.filled);
        if (call)
            worst = cli_worse(worst, settle(&slots, call->owner));
        progress_draw(&t->progress, 0);
    }
    progress_draw(&t->progress, 1);
    http_set_tick(t->cli->http, NULL, NULL);
    while (slots.filled)
        remove_job(&slots, slots.job[0]);
    transfer_fini(t);
    term_clear_status();
    return term_interrupted() ? SG_CLI_INTERRUPTED : worst;
}

enum cli_status transfer_parse_parallel(const char *text, unsigned *ret)
{
    char *end = NULL;
    long value = text ? strtol(text, &end, 10) : SG_TRANSFER_PARALLEL;

    if (text && (end == text || *end || value < 1 || value > SG_HTTP_PARALLEL_MAX))
        return report_error(SG_CLI_USAGE, "4 is a good number for most networks",
                            "-j takes a number from 1 to %d", SG_HTTP_PARALLEL_MAX);
    *ret = (unsigned)value;
    return SG_CLI_OK;
}
