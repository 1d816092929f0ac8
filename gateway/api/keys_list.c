/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/keys: all keys, by name. */
#include <stdlib.h>

#include "api/api.h"
#include "api/key_request.h"
#include "api/operations.h"
#include "http/request.h"

struct list {
    char names[SG_KEYS_MAX][SG_KEY_NAME_SIZE];
    size_t count;
    struct key_info info;
};

static enum sg_err put_all(struct keys *keys, const struct principal *who, struct list *l,
                           struct json_out *o)
{
    json_out_object(o, NULL);
    json_out_array(o, "keys");
    for (size_t i = 0; i < l->count; i++) {
        enum sg_err err = keys_get(keys, who, l->names[i], &l->info);

        if (err == SG_ERR_NOT_FOUND)
            continue;
        if (err != SG_OK)
            return err;
        key_request_put(o, NULL, &l->info);
    }
    json_out_close(o, ']');
    json_out_close(o, '}');
    return SG_OK;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct list *l = calloc(1, sizeof *l);
    struct json_out o;
    enum sg_err err;

    if (l == NULL)
        return SG_ERR_NO_MEMORY;
    json_out_init(&o, (size_t)SG_KEY_RECORD_MAX * (SG_KEYS_MAX + 1));
    err = keys_names(api->keys, request_principal(r), l->names, &l->count);
    if (err == SG_OK)
        err = put_all(api->keys, request_principal(r), l, &o);
    free(l);
    if (err == SG_OK)
        return json_out_reply(r, 200, &o);
    json_out_fini(&o);
    return err;
}

const struct operation keys_list_operation = {.run = run};
