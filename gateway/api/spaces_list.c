/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/spaces: the spaces that the user may read, with the role in each and what is unread. */
#include <stdlib.h>

#include "api/api.h"
#include "api/operations.h"
#include "api/records.h"
#include "core/chat.h"
#include "core/spaces.h"
#include "http/request.h"

#define SPACES_MAX 2000 /* shown at most */
#define ITEM_MAX   (SG_RECORD_MAX + 6 * (size_t)SG_SPACE_DESCRIPTION_SIZE)

static enum sg_err reply(struct request *r, const struct space_info *spaces,
                         const enum space_role *roles, size_t count)
{
    const struct api *api = request_app(r);
    struct json_out o;

    json_out_init(&o, (count + 1) * ITEM_MAX);
    json_out_object(&o, NULL);
    json_out_array(&o, "spaces");
    for (size_t i = 0; i < count; i++)
        records_space(&o, NULL, chat_epoch(api->chat), &spaces[i], roles[i], NULL);
    json_out_close(&o, ']');
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct space_info *spaces = calloc(SPACES_MAX, sizeof *spaces);
    enum space_role *roles = calloc(SPACES_MAX, sizeof *roles);
    size_t count;
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (spaces != NULL && roles != NULL)
        err = spaces_list(api->spaces, request_principal(r), SPACES_MAX, spaces, roles, &count);
    if (err == SG_OK)
        err = reply(r, spaces, roles, count);
    free(spaces);
    free(roles);
    return err;
}

const struct operation spaces_list_operation = {.run = run};
