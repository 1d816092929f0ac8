/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/chat/{space}/presence: who is listening, and since when. */
#include <stdlib.h>

#include "api/api.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "core/hub.h"
#include "core/spaces.h"
#include "http/request.h"

#define PRESENT_MAX 10000 /* shown at most */
#define ITEM_MAX    128   /* bytes of one */

static enum sg_err reply(struct request *r, const struct hub_present *present, size_t count)
{
    struct json_out o;

    json_out_init(&o, (count + 1) * ITEM_MAX);
    json_out_object(&o, NULL);
    json_out_array(&o, "present");
    for (size_t i = 0; i < count; i++) {
        json_out_object(&o, NULL);
        json_out_string(&o, "username", present[i].user);
        json_out_time(&o, "since", present[i].since_ns);
        json_out_close(&o, '}');
    }
    json_out_close(&o, ']');
    json_out_integer(&o, "count", (int64_t)count);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct hub_present *present;
    struct space_record space;
    enum space_role role;
    const char *name;
    size_t count = 0;
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = spaces_authorize(api->spaces, request_principal(r), name, SG_SPACE_READER, &space,
                               &role);
    if (err != SG_OK)
        return err;
    present = calloc(PRESENT_MAX, sizeof *present);
    if (present == NULL)
        return SG_ERR_NO_MEMORY;
    if (space.id != 0)
        count = hub_presence(api->hub, space.id, present, PRESENT_MAX);
    err = reply(r, present, count);
    free(present);
    return err;
}

const struct operation presence_list_operation = {.run = run};
