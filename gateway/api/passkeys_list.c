/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/passkeys: my passkeys, oldest first. */
#include <stdlib.h>

#include "api/api.h"
#include "api/operations.h"
#include "api/passkeys_request.h"
#include "api/records.h"
#include "core/identity.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct passkey_record *keys = calloc(SG_PASSKEYS_PER_USER, sizeof *keys);
    struct json_out o;
    size_t count = 0;
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (keys != NULL)
        err = passkeys_list(api->passkeys, who->user_id, keys, &count);
    if (err == SG_OK) {
        json_out_init(&o, SG_RECORD_MAX * (count + 1));
        json_out_object(&o, NULL);
        json_out_array(&o, "passkeys");
        for (size_t i = 0; i < count; i++)
            passkeys_request_put(&o, NULL, &keys[i]);
        json_out_close(&o, ']');
        json_out_close(&o, '}');
        err = json_out_reply(r, 200, &o);
    }
    free(keys);
    return err;
}

const struct operation passkeys_list_operation = {.run = run};
