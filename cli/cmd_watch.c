/* SPDX-License-Identifier: Apache-2.0 */
/* secctl watch: all events as lines of JSON, to drive scripts. */
#include "base/buf.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/feed.h"
#include "cli/message.h"
#include "cli/remote.h"
#include "cli/watch.h"

enum cli_status cmd_watch(struct cli *cli, const struct args *args)
{
    SG_BUF_CLEANUP struct buf space = {0};
    struct feed_sink sink = {.event = watch_event, .gap = watch_gap};
    struct feed feed;
    enum cli_status status = args_expect(args, 0, 0, NULL);

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    buf_init(&space, SG_REMOTE_PATH_MAX);
    if (args_has(args, SG_ARG_SPACE))
        message_space(&space, args_get(args, SG_ARG_SPACE));
    watch_connection(&sink);
    status = feed_init(&feed, cli, &sink, space.len ? buf_str(&space) : NULL,
                       args_get(args, SG_ARG_TYPES), args_get(args, SG_ARG_AFTER));
    if (status == SG_CLI_OK)
        status = feed_run(&feed);
    feed_fini(&feed);
    return status;
}
