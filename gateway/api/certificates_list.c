/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/certificates: the asker's client certificates; for admins others', or all. */
#include <stdlib.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/certificate_json.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err reply(struct request *r, const struct certificate_record *list, size_t count)
{
    struct json_out o;

    json_out_init(&o, (count + 1) * SG_CERTIFICATE_JSON_MAX);
    json_out_object(&o, NULL);
    json_out_array(&o, "certificates");
    for (size_t i = 0; i < count; i++) {
        json_out_object(&o, NULL);
        certificate_json_members(&o, r, &list[i], true);
        json_out_close(&o, '}');
    }
    json_out_close(&o, ']');
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct certificate_record *list;
    const char *user;
    bool all = false;
    size_t count = 0;
    enum sg_err err = request_query(r, "user", &user);

    if (err == SG_OK)
        err = request_query_bool(r, "all", &all);
    if (err != SG_OK)
        return err;
    if (all && user != NULL)
        return request_fail(r, SG_ERR_BAD_FIELD, "all: not together with user");
    list = calloc(SG_CERTIFICATES_LISTED, sizeof *list);
    if (list == NULL)
        return SG_ERR_NO_MEMORY;
    err = certificates_list(api->certificates, request_principal(r), user, all, list, &count);
    err = err == SG_OK ? reply(r, list, count) : answer_error(r, err, 0);
    free(list);
    return err;
}

const struct operation certificates_list_operation = {.run = run};
