/* SPDX-License-Identifier: Apache-2.0 */
/* Reads names of spaces and members, and answers with them; it decides nothing. */
#include "api/space_request.h"

#include <string.h>

#include "api/api.h"
#include "api/records.h"
#include "core/chat.h"
#include "http/request.h"

enum sg_err space_request_member(struct request *r, const char **ret_space, const char **ret_user)
{
    const struct principal *who = request_principal(r);
    enum sg_err err = request_param(r, "space", ret_space);

    if (err == SG_OK)
        err = request_param(r, "user", ret_user);
    if (err == SG_OK && strcmp(*ret_user, "me") == 0)
        *ret_user = who->user;
    return err;
}

enum sg_err space_request_reply(struct request *r, unsigned status, const struct space_info *info,
                                enum space_role role)
{
    const struct api *api = request_app(r);
    struct event_range range = {.head_seq = 0};
    struct json_out o;
    enum sg_err err = SG_OK;

    if (info->space.id != 0)
        err = chat_range(api->chat, info->space.id, &range);
    if (err != SG_OK)
        return err;
    json_out_init(&o, 2 * SG_RECORD_MAX + 6 * SG_SPACE_DESCRIPTION_SIZE);
    records_space(&o, NULL, chat_epoch(api->chat), info, role, &range);
    return json_out_reply(r, status, &o);
}

enum sg_err space_request_reply_member(struct request *r, unsigned status,
                                       const struct member_record *member)
{
    struct json_out o;

    json_out_init(&o, SG_RECORD_MAX);
    records_member(&o, NULL, member);
    return json_out_reply(r, status, &o);
}
