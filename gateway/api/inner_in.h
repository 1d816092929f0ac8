/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers that are enclosed in others, as JSON text (docs/channel.md). */
#ifndef SG_API_INNER_IN_H
#define SG_API_INNER_IN_H

#include "base/buf.h"
#include "http/enclose.h"

#define SG_INNER_TARGET_MAX  8192 /* bytes of a path with its query */
#define SG_INNER_HEADER_MAX  8192 /* bytes of a header's value */
#define SG_INNER_DETAIL_SIZE 160

struct inner_request {
    struct enclosed_request request; /* borrows the text below */
    void *json;
};

/*
 * Reads `{method, path, headers?: {..}, body?, body_base64?}`; the text is followed by a NUL.
 * SG_ERR_BAD_JSON, SG_ERR_BAD_FIELD; the detail is fit for the client. Headers that belong to the
 * connection, or say who asks, may not be given. *ret is empty after an error.
 */
enum sg_err inner_in_read(const uint8_t *text, size_t len, struct inner_request *ret,
                          char ret_detail[SG_INNER_DETAIL_SIZE]) SG_MUST_CHECK;
/* Wipes and frees. */
void inner_in_fini(struct inner_request *in);

/* Appends `{"status":..,"headers":{..},"body":".."}`, with body_base64 where the content is not
 * text or would be shorter so; `out` may take 4/3 of the content and what the headers need. */
enum sg_err inner_out_write(const struct enclosed_answer *answer, struct buf *out) SG_MUST_CHECK;

#endif
