/* SPDX-License-Identifier: Apache-2.0 */
/* What tail and watch do with a feed. It never leaves a line in a buffer. */
#include "cli/watch.h"

#include "cli/json.h"
#include "cli/retry.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <stdio.h>

bool watch_event(void *context, struct json_object *event)
{
    (void)context;
    json_print(event);
    return fflush(stdout) == 0;
}

bool watch_gap(void *context, const struct feed_gap *gap)
{
    SG_JSON_CLEANUP struct json_object *line = json_object_new_object();

    if (!json_put_text(line, "type", "gap") || !json_put_text(line, "reason", gap->code) ||
        !json_put_text(line, "from", gap->from) || !json_put_text(line, "to", gap->to))
        return false;
    term_note("secctl: %s", feed_explain(gap->code));
    return watch_event(context, line);
}

static void on_lost(void *context, const char *why)
{
    (void)context;
    retry_say_lost(why);
}

static void on_back(void *context)
{
    (void)context;
    retry_say_back();
}

void watch_connection(struct feed_sink *sink)
{
    sink->lost = on_lost;
    sink->back = on_back;
}
