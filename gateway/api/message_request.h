/* SPDX-License-Identifier: Apache-2.0 */
/* What the message operations read from a request: a message in one of its forms, its number. Every
 * error has its detail set. */
#ifndef SG_API_MESSAGE_REQUEST_H
#define SG_API_MESSAGE_REQUEST_H

#include <stdint.h>

#include "core/chat.h"

struct request;

/* The body, as JSON or as plain text, and the idempotency key; all in the arena or the request.
 * Paths of files are left as they are. */
enum sg_err message_request_read(struct request *r, struct chat_message *ret) SG_MUST_CHECK;
/* Brings the paths of files to the form of the store: in the space, normalized. */
enum sg_err message_request_files(struct request *r, const struct space_record *space,
                                  struct chat_message *message) SG_MUST_CHECK;
/* Only a text: `{"text": TEXT}`. */
enum sg_err message_request_text(struct request *r, char **ret, size_t *ret_len) SG_MUST_CHECK;
/* `{seq}` of the path. SG_ERR_NOT_FOUND for what is no number of an event. */
enum sg_err message_request_seq(struct request *r, uint64_t *ret) SG_MUST_CHECK;

#endif
