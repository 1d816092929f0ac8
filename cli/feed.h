/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows the events of one space or of all by polls that wait, from a cursor on: what has been
 * handed out is never handed out again, and nothing is left out without saying so. It connects
 * again by itself. One thread.
 */
#ifndef SG_CLI_FEED_H
#define SG_CLI_FEED_H

#include "cli/cli.h"
#include "cli/http.h"
#include "cli/report.h"

#define SG_FEED_CURSOR_SIZE 64
#define SG_FEED_WAIT_S      55

struct json_object;

/* The log could not be gone on with; what follows is new. */
struct feed_gap {
    const char *code; /* "cursor-pruned", ... */
    const char *from; /* the cursor that was of no use */
    const char *to;   /* where it went on */
};

/* Who is told. Members but `event` may be NULL. */
struct feed_sink {
    void *context;
    /* In order, each once; borrowed. False ends the feed. */
    bool (*event)(void *context, struct json_object *event);
    /* After the events of one answer. False ends the feed. */
    bool (*page)(void *context);
    /* False ends the feed. NULL: a gap is an error. */
    bool (*gap)(void *context, const struct feed_gap *gap);
    /* The connection does not come back at once; and when it has. */
    void (*lost)(void *context, const char *why);
    void (*back)(void *context);
};

struct feed {
    struct cli *cli;
    const struct feed_sink *sink;
    const char *space; /* borrowed; NULL: all */
    const char *types; /* borrowed; NULL: all */
    char cursor[SG_FEED_CURSOR_SIZE];
    bool over; /* the sink has had enough */
    /* private */
    char gap_from[SG_FEED_CURSOR_SIZE], gap_code[SG_FEED_CURSOR_SIZE];
    struct http_call call;
    char *token;
    bool rejected; /* the token has just been refused */
    bool running;
    bool told;         /* that the connection is lost */
    unsigned failures; /* in a row */
    unsigned refusals; /* of tokens, in a row */
    int64_t started_ns;
    int64_t next_ns; /* not before */
    struct report_capture errors;
};

/* A gap's code in words. */
const char *feed_explain(const char *code);

/* Begins after `cursor` (NULL: now). SG_CLI_USAGE, reported, when it is too long for one. */
enum cli_status feed_init(struct feed *f, struct cli *cli, const struct feed_sink *sink,
                          const char *space, const char *types,
                          const char *cursor) SG_CLI_MUST_CHECK;
void feed_fini(struct feed *f);

/* Makes the next request if it is time. An error ends the feed; it is in f->errors. */
enum cli_status feed_turn(struct feed *f) SG_CLI_MUST_CHECK;
/* Milliseconds until feed_turn has something to do; `most` while it only waits for an answer. */
int feed_delay_ms(const struct feed *f, int most);
/* Deals with the feed's call, which has come back from http_next_within with `f` as its owner. */
enum cli_status feed_settle(struct feed *f) SG_CLI_MUST_CHECK;

/* Follows until the sink has had enough, an error (which is printed) or a signal. */
enum cli_status feed_run(struct feed *f) SG_CLI_MUST_CHECK;

#endif
