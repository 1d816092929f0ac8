/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/chat/{space}/typing: tells those who listen that the user writes; stores nothing. */
#include "api/api.h"
#include "api/operations.h"
#include "core/hub.h"
#include "core/spaces.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct space_record space;
    enum space_role role;
    const char *name;
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = spaces_authorize(api->spaces, who, name, SG_SPACE_WRITER, &space, &role);
    if (err != SG_OK)
        return err;
    if (space.id != 0)
        hub_typing(api->hub, space.id, who->user_id, who->user);
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation typing_create_operation = {.run = run};
