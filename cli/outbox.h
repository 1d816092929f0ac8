/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a conversation sends: one request after the other. A message goes under an Idempotency-Key,
 * and again under the same one until there is an answer. One thread.
 */
#ifndef SG_CLI_OUTBOX_H
#define SG_CLI_OUTBOX_H

#include "cli/http.h"
#include "cli/message.h"
#include "cli/report.h"
#include "cli/talk.h"

struct outbox_request {
    enum talk_ask what;
    char *text;
    size_t len;
    int64_t seq;
    char key[SG_MESSAGE_KEY_SIZE];
    struct outbox_request *next;
};

/* The end of a request: `refused` says why it was not done, NULL: it was. Borrowed. */
typedef void outbox_result(void *context, const struct outbox_request *request, const char *refused,
                           struct json_object *answer);

struct outbox {
    struct cli *cli;
    const char *space;
    outbox_result *result;
    void *context;
    struct outbox_request *first, *last; /* the first is under way or next */
    struct http_call call;
    char *token;
    bool rejected;
    bool running;
    unsigned failures;
    unsigned refusals;
    int64_t next_ns;
    struct report_capture errors;
};

/* `space` is borrowed. */
void outbox_init(struct outbox *o, struct cli *cli, const char *space, outbox_result *result,
                 void *context);
void outbox_fini(struct outbox *o);

/* A request with a fresh key; NULL without memory. */
struct outbox_request *outbox_new(enum talk_ask what, const char *text, size_t len, int64_t seq);
/* Frees a request and those behind it; NULL is legal. */
void outbox_free(struct outbox_request *request);

/* Takes over requests that hang together by `next`; NULL is legal. */
void outbox_add(struct outbox *o, struct outbox_request *requests);

/* Makes the next request if it is time. An error is final; it is in o->errors. */
enum cli_status outbox_turn(struct outbox *o) SG_CLI_MUST_CHECK;
/* Milliseconds until outbox_turn has something to do, `most` at most. */
int outbox_delay_ms(const struct outbox *o, int most);
/* Deals with the call, which has come back with `o` as its owner. */
void outbox_settle(struct outbox *o);

#endif
