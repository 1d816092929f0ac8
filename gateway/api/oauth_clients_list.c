/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/oauth/clients: all that are registered; of secrets nothing is known. */
#include <stdlib.h>

#include "api/oauth_request.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct oauth_client *list = calloc(SG_OAUTH_CLIENTS, sizeof *list);
    size_t count = 0;
    struct json_out o;
    enum sg_err err = list == NULL ? SG_ERR_NO_MEMORY : SG_OK;

    if (err == SG_OK)
        err = oauth_clients(api->oauth, SG_OAUTH_CLIENTS, list, &count);
    if (err != SG_OK) {
        free(list);
        return err;
    }
    json_out_init(&o, (count + 1) * SG_OAUTH_RECORD_MAX);
    json_out_object(&o, NULL);
    json_out_array(&o, "clients");
    for (size_t i = 0; i < count; i++)
        oauth_put_client(&o, NULL, &list[i], NULL);
    free(list);
    json_out_close(&o, ']');
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

const struct operation oauth_clients_list_operation = {.run = run};
