/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about spaces and their messages. */
#ifndef SG_CLI_MESSAGE_H
#define SG_CLI_MESSAGE_H

#include "cli/cli.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct json_object;

#define SG_MESSAGE_TEXT_MAX  16384
#define SG_MESSAGE_FILES_MAX 16
#define SG_MESSAGE_KEY_SIZE  33
#define SG_MESSAGE_BODY_MAX  ((size_t)256 << 10)

/* The name of a space as it was typed: without slashes around it, `~me` for "~" and "me". */
void message_space(struct buf *ret, const char *typed);

/* Appends `prefix`, the space's name percent-encoded, and `rest`. */
void message_target(struct buf *target, const char *prefix, const char *space, const char *rest);

/* Appends the JSON of a new message; `reply_to` 0: none. */
void message_body(struct buf *body, const char *text, size_t len, int64_t reply_to,
                  const char *const *files, size_t file_count);

/* A fresh Idempotency-Key. */
void message_key(char ret[SG_MESSAGE_KEY_SIZE]);

/* Reads the number of a message; false when it is none. */
bool message_number(const char *text, int64_t *ret);

/*
 * One page of a space: the newest `limit` events before `before` (NULL: of all), of `types` (NULL:
 * all), ascending.
 */
enum cli_status message_page(struct cli *cli, const char *space, const char *types,
                             const char *before, size_t limit,
                             struct json_object **ret) SG_CLI_MUST_CHECK;

/*
 * The newest `count` messages of a space as an array, ascending, and where to go on from in
 * `cursor` (of `size` bytes).
 */
enum cli_status message_newest(struct cli *cli, const char *space, size_t count,
                               struct json_object **ret, char *cursor,
                               size_t size) SG_CLI_MUST_CHECK;

#endif
