/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations on spaces share: the names in the path, the description, the answer. */
#ifndef SG_API_SPACE_REQUEST_H
#define SG_API_SPACE_REQUEST_H

#include "core/spaces.h"

struct request;

#define SG_DESCRIPTION_MAX 256 /* characters */

/* `{space}` and `{user}` of the path, where `me` is the asking user. */
enum sg_err space_request_member(struct request *r, const char **ret_space,
                                 const char **ret_user) SG_MUST_CHECK;
/* The space with everything that is known of it. */
enum sg_err space_request_reply(struct request *r, unsigned status, const struct space_info *info,
                                enum space_role role) SG_MUST_CHECK;
enum sg_err space_request_reply_member(struct request *r, unsigned status,
                                       const struct member_record *member) SG_MUST_CHECK;

#endif
