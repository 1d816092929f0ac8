/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/oauth/audiences: all that are registered; of secrets nothing is known. */
#include <stdlib.h>

#include "api/oauth_request.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct oauth_audience *list = calloc(SG_OAUTH_CLIENTS, sizeof *list);
    size_t count = 0;
    struct json_out o;
    enum sg_err err = list == NULL ? SG_ERR_NO_MEMORY : SG_OK;

    if (err == SG_OK)
        err = oauth_audiences(api->oauth, SG_OAUTH_CLIENTS, list, &count);
    if (err != SG_OK) {
        free(list);
        return err;
    }
    json_out_init(&o, (count + 1) * SG_OAUTH_RECORD_MAX);
    json_out_object(&o, NULL);
    json_out_array(&o, "audiences");
    for (size_t i = 0; i < count; i++)
        oauth_put_audience(&o, NULL, &list[i]);
    free(list);
    json_out_close(&o, ']');
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

const struct operation oauth_audiences_list_operation = {.run = run};
