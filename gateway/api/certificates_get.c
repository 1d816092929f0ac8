/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/certificates/{id}: one client certificate with its text. */
#include "api/answer.h"
#include "api/api.h"
#include "api/certificate_json.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    uint8_t id[SG_CERTIFICATE_ID_SIZE];
    struct certificate_record record;
    SG_BUF_CLEANUP struct buf der;
    struct json_out o;
    enum sg_err err = certificate_json_id(r, id);

    buf_init(&der, SG_CERTIFICATE_DER_MAX);
    if (err == SG_OK)
        err = certificates_get(api->certificates, request_principal(r), id, &record, &der);
    if (err != SG_OK)
        return answer_error(r, err, 0);
    json_out_init(&o, SG_CERTIFICATE_JSON_MAX + 2 * SG_CERTIFICATE_PEM_MAX);
    json_out_object(&o, NULL);
    certificate_json_members(&o, r, &record, true);
    certificate_json_pem(&o, &der);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

const struct operation certificates_get_operation = {.run = run};
