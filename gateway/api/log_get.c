/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/log: the transparency log, the keys that verify it and signed time, its checkpoint. */
#include <string.h>

#include "api/api.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "core/logread.h"
#include "http/request.h"

#define ANSWER_MAX (16 * 1024) /* bytes */

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct keyring_log_state state;
    struct logread_head head;
    struct json_out o;
    enum sg_err err = logread_state(api->log, &state);

    if (err == SG_OK)
        err = logread_head(api->log, &head);
    if (err == SG_ERR_NOT_FOUND) { /* the log has just been made */
        head.of.size = 0;
        merkle_empty(head.of.root);
        head.note[0] = '\0';
        err = SG_OK;
    }
    if (err != SG_OK)
        return err;
    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_text(&o, "origin", state.vkey, strcspn(state.vkey, "+"));
    json_out_string(&o, "key", state.vkey);
    json_out_string(&o, "time_key", state.time_vkey);
    json_out_integer(&o, "size", (int64_t)head.of.size);
    json_out_base64(&o, "root", head.of.root, sizeof head.of.root);
    json_out_string(&o, "checkpoint", head.note);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

const struct operation log_get_operation = {.run = run};
