/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges by way of the sealed channel of a session (docs/channel.md): each request is enclosed
 * in one that only the gateway's worker can open, and so is its answer. What was answered without
 * the answer having arrived is asked for again under the same number, and runs once.
 */
#ifndef SG_CLI_SEALED_H
#define SG_CLI_SEALED_H

#include "cli/cli.h"

#include <stddef.h>
#include <stdint.h>

struct chanstate;
struct json_object;
struct retry;
struct sealed;

/* Content of a request that is sent sealed; the gateway's own limit may be lower. */
#define SG_SEALED_CONTENT_MAX ((size_t)4 << 20)

/* Whether the profile has a channel whose time is not over. */
bool sealed_is_open(const struct cli *cli);

/* Lets all exchanges of cli->http go by way of the profile's channel. SG_CLI_REFUSED, reported,
 * when there is none or its time is over. */
enum cli_status sealed_open(struct cli *cli, struct sealed **ret) SG_CLI_MUST_CHECK;
/* NULL is legal. */
void sealed_close(struct sealed *s);

/* One exchange without a request inside: the gateway's text and time, with the sequence number and
 * epoch of the answer. With `retry` it is made again until there is an answer, under the same
 * number while no other process has used the channel; NULL: once. */
enum cli_status sealed_ask(struct cli *cli, struct retry *retry,
                           struct json_object **ret) SG_CLI_MUST_CHECK;

/* Adds the member `channel` to what is asked of sessions_create; *ret is for sealed_accept. */
struct sealed_offer;
enum cli_status sealed_offer(struct json_object *body, struct sealed_offer **ret) SG_CLI_MUST_CHECK;
/* Verifies the answer: its signature, and that the identity key is the one that was pinned at first
 * contact (`forget`: pin the one that is there now). SG_CLI_NETWORK, reported loudly. */
enum cli_status sealed_accept(struct cli *cli, struct sealed_offer *offer,
                              struct json_object *created, bool forget,
                              struct chanstate *ret) SG_CLI_MUST_CHECK;
/* NULL is legal. */
void sealed_offer_free(struct sealed_offer *offer);

#endif
