/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations on tokens for scripts share: ids, scopes, the answer. */
#ifndef SG_API_TOKEN_REQUEST_H
#define SG_API_TOKEN_REQUEST_H

#include "api/json_out.h"
#include "core/hub.h"
#include "core/scripttokens.h"

struct request;

/* Bytes of one token in an answer, at most. */
#define SG_TOKEN_JSON_MAX 8192

/* `{id}` of the path: 16 lower-case hex digits. SG_ERR_NOT_FOUND for anything else. */
enum sg_err token_request_id(struct request *r, uint8_t ret[SG_TOKEN_ID_SIZE]) SG_MUST_CHECK;
/* Writes the members; `text` NULL: what is told later. Of the spaces those that are in `view`,
 * which is what its user may read now. */
void token_request_put(struct json_out *o, const struct token_record *token,
                       const struct hub_view *view, const char *text);

#endif
