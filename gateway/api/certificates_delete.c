/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/certificates/{id}: revokes a client certificate, one's own or, for admins, anybody's.
 */
#include "api/answer.h"
#include "api/api.h"
#include "api/audit_act.h"
#include "api/certificate_json.h"
#include "api/operations.h"
#include "base/encode.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    uint8_t id[SG_CERTIFICATE_ID_SIZE];
    char text[SG_HEX_SIZE(SG_CERTIFICATE_ID_SIZE)];
    struct certificate_record record = {.user = ""};
    enum sg_err err = certificate_json_id(r, id);

    if (err == SG_OK)
        err = certificates_revoke(api->certificates, request_principal(r), id, &record);
    /* Also when it is not on the list yet: it opens nothing more. */
    if (record.revoked_ns != 0) {
        encode_hex(id, sizeof id, text);
        audit_act_detail(r, SG_AUDIT_CERTIFICATE_REVOKED, record.user, SG_OK, "id", text);
    }
    if (err != SG_OK)
        return answer_error(r, err, 0);
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation certificates_delete_operation = {.run = run};
