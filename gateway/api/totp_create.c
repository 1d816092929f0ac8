/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/users/me/totp: a secret for an authenticator, shown this once; it counts after
 * totp_confirm. */
#include "api/api.h"
#include "api/operations.h"
#include "api/records.h"
#include "api/totp_request.h"
#include "core/identity.h"
#include "base/secret.h"
#include "http/request.h"

#define ANSWER_MAX (SG_RECORD_MAX + SG_QR_SIDE_MAX * (SG_QR_SIDE_MAX + 4))

static enum sg_err put_qr(struct request *r, const char *text, struct json_out *o)
{
    struct qr_matrix *qr = arena_alloc(request_arena(r), sizeof *qr);
    char row[SG_QR_SIDE_MAX + 1];
    enum sg_err err = qr != NULL ? secondfactor_qr(text, qr) : SG_ERR_NO_MEMORY;

    if (err != SG_OK)
        return err;
    json_out_array(o, "qr");
    for (size_t y = 0; y < qr->side; y++) {
        for (size_t x = 0; x < qr->side; x++)
            row[x] = qr->module[y * qr->side + x] ? '1' : '0';
        json_out_text(o, NULL, row, qr->side);
    }
    json_out_close(o, ']');
    secret_wipe(qr, sizeof *qr);
    secret_wipe(row, sizeof row);
    return SG_OK;
}

static enum sg_err reply(struct request *r, const struct totp_enrolment *made)
{
    struct json_out o;
    enum sg_err err;

    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "secret", made->secret);
    json_out_string(&o, "uri", made->uri);
    err = put_qr(r, made->uri, &o);
    if (err != SG_OK) {
        json_out_fini(&o);
        return err;
    }
    json_out_close(&o, '}');
    return json_out_reply(r, 201, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct totp_enrolment made;
    enum sg_err err = totp_request_confirm(r, SG_TOTP_CODE_NONE, SG_AUDIT_TOTP_ENABLED);

    if (err != SG_OK)
        return err;
    err = secondfactor_begin(api->factors, who->user_id, who->user, &made);
    if (err == SG_ERR_CONFLICT)
        return request_fail(r, err, "Codes are asked for already: turn that off first.");
    if (err == SG_OK)
        err = reply(r, &made);
    secret_wipe(&made, sizeof made);
    return err == SG_ERR_NOT_FOUND ? SG_ERR_SESSION_ENDED : err;
}

const struct operation totp_create_operation = {.run = run};
