/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation in one space: a thread that follows the space's events and sends what is said, so
 * that whoever types or reads never waits for the network. Lines are sent one after the other, each
 * under a key of its own, until the gateway has acknowledged or refused it.
 */
#ifndef SG_CLI_TALK_H
#define SG_CLI_TALK_H

#include "cli/cli.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;
struct talk;

enum talk_kind {
    SG_TALK_EVENT,   /* `json` */
    SG_TALK_NOTICE,  /* `text`, about the connection */
    SG_TALK_SAID,    /* a line is durable: `json`, its event */
    SG_TALK_ANSWER,  /* to SG_TALK_ASK_WHO: `json` */
    SG_TALK_REFUSED, /* `text`: why a line or a command was not taken */
    SG_TALK_END      /* nothing follows: `status`, `text` as it is to be printed */
};

/* What has happened; free with talk_item_free. */
struct talk_item {
    enum talk_kind kind;
    enum cli_status status;
    char *text;
    struct json_object *json;
    struct talk_item *next;
};

enum talk_ask {
    SG_TALK_ASK_SAY,    /* `text`, as an answer to message `seq` unless that is 0 */
    SG_TALK_ASK_CHANGE, /* message `seq` to `text` */
    SG_TALK_ASK_DELETE, /* message `seq` */
    SG_TALK_ASK_WHO,
    SG_TALK_ASK_READ /* up to event `seq`; nothing comes back */
};

/*
 * Starts in `space` after `cursor`. Until talk_close, nobody else may use the connection and the
 * session of `cli`. All functions but talk_close are for one thread.
 */
enum cli_status talk_open(struct cli *cli, const char *space, const char *cursor,
                          struct talk **ret) SG_CLI_MUST_CHECK;
/* Stops whatever is under way. NULL is legal. */
void talk_close(struct talk *t);

/* Readable while talk_take has something. */
int talk_fd(const struct talk *t);
/* The next item, the caller's; NULL when there is none. */
struct talk_item *talk_take(struct talk *t);
void talk_item_free(struct talk_item *item);

/* Asks for something; `text` may be NULL. SG_CLI_USAGE, reported, without memory. */
enum cli_status talk_ask(struct talk *t, enum talk_ask what, const char *text, size_t len,
                         int64_t seq) SG_CLI_MUST_CHECK;
/* How much has been asked for and neither been done nor refused, without SG_TALK_ASK_READ. */
size_t talk_pending(struct talk *t);
/* Whether events cannot be had at the moment; they are tried again. */
bool talk_is_behind(struct talk *t);
/* Whether nothing at all is under way. */
bool talk_is_idle(struct talk *t);

#endif
