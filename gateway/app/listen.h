/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets, opened once by the parent and kept over restarts of the worker. */
#ifndef SG_APP_LISTEN_H
#define SG_APP_LISTEN_H

#include <stddef.h>

#include "app/config.h"
#include "base/err.h"

#define SG_LISTEN_MAX 32

struct listener {
    size_t count;
    int fd[SG_LISTEN_MAX];
    size_t urls;                       /* one per `listen` item */
    char url[SG_CONFIG_LIST_MAX][300]; /* "https://HOST:PORT" with the real port */
    unsigned port;                     /* of the first */
};

/* Opens a socket for every address that each item resolves to (all with the same port). On an error
 * says which and why in `errors`, and nothing stays open. */
enum sg_err listen_open(const struct config_list *items, struct listener *ret,
                        struct buf *errors) SG_MUST_CHECK;
void listen_close(struct listener *l);

#endif
