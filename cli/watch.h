/* SPDX-License-Identifier: Apache-2.0 */
/* What tail and watch do with a feed: events as lines of JSON, notes about the connection. */
#ifndef SG_CLI_WATCH_H
#define SG_CLI_WATCH_H

#include "cli/feed.h"

/* Prints an event as one line of JSON, at once. */
bool watch_event(void *context, struct json_object *event);

/* Prints {"type":"gap","reason","from","to"}. */
bool watch_gap(void *context, const struct feed_gap *gap);

/* Lets `sink` tell on standard error when the connection is lost and when it is back. */
void watch_connection(struct feed_sink *sink);

#endif
