/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /v1/chat/{space}/read: up to where the user has read; it moves forward only. */
#include "api/api.h"
#include "api/json_in.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "core/spaces.h"
#include "http/request.h"

#define ANSWER_MAX 256 /* bytes */

static enum sg_err set(struct request *r, uint64_t seq, struct space_info *ret)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    enum space_role role;
    const char *name;
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = spaces_info(api->spaces, who, name, ret, &role);
    if (err != SG_OK)
        return err;
    if (seq > ret->head_seq)
        return request_fail(r, SG_ERR_BAD_FIELD, "seq: beyond the newest event");
    err = spaces_read_set(api->spaces, who, name, seq);
    return err == SG_OK ? spaces_info(api->spaces, who, name, ret, &role) : err;
}

static enum sg_err run(struct request *r)
{
    struct space_info info;
    struct json_out o;
    int64_t seq = 0;
    const struct json_field fields[] = {
        {NULL, "seq", SG_JSON_INTEGER, true, 0, (INT64_C(1) << 53) - 1, {.integer = &seq}, NULL},
    };
    enum sg_err err = json_in_read(r, fields, 1);

    if (err == SG_OK)
        err = set(r, (uint64_t)seq, &info);
    if (err != SG_OK)
        return err;
    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_integer(&o, "seq", (int64_t)info.last_read);
    json_out_integer(&o, "unread", info.unread);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

const struct operation read_set_operation = {.run = run};
