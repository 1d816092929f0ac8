/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/certificates: a client certificate for the key of a PKCS#10 request. Its subject is the
 * user, whatever the request says. */
#include <string.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/audit_act.h"
#include "api/certificate_json.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "base/encode.h"
#include "base/file.h"
#include "http/request.h"

#define CSR_CHARS (12 * 1024)
#define DAYS_MAX  90

struct input {
    char *csr;
    char *name;
    char *user;
    int64_t days;
};

static enum sg_err read_input(struct request *r, struct input *in)
{
    const struct json_field fields[] = {
        {NULL, "csr", SG_JSON_STRING, true, 1, CSR_CHARS, {.string = &in->csr}, NULL},
        {NULL, "name", SG_JSON_STRING, false, 1, 64, {.string = &in->name}, NULL},
        {NULL, "days", SG_JSON_INTEGER, false, 1, DAYS_MAX, {.integer = &in->days}, NULL},
        {NULL, "user", SG_JSON_STRING, false, 1, 64, {.string = &in->user}, NULL},
    };

    return json_in_read(r, fields, sizeof fields / sizeof fields[0]);
}

static enum sg_err reply(struct request *r, const struct certificate_record *record,
                         const struct buf *der)
{
    const struct api *api = request_app(r);
    SG_BUF_CLEANUP struct buf ca;
    struct json_out o;
    enum sg_err err;

    buf_init(&ca, SG_CERTIFICATE_PEM_MAX);
    err = file_read(api->ca_file, &ca);
    if (err != SG_OK)
        return err;
    json_out_init(&o, SG_CERTIFICATE_JSON_MAX + 3 * SG_CERTIFICATE_PEM_MAX);
    json_out_object(&o, NULL);
    certificate_json_members(&o, r, record, false);
    certificate_json_pem(&o, der);
    json_out_text(&o, "ca", (const char *)ca.data, ca.len);
    json_out_close(&o, '}');
    return json_out_reply(r, 201, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct input in = {.csr = NULL};
    struct certificate_order order;
    struct certificate_record record;
    SG_BUF_CLEANUP struct buf der;
    char id[SG_HEX_SIZE(SG_CERTIFICATE_ID_SIZE)];
    const char *reason = NULL;
    enum sg_err err = read_input(r, &in);

    buf_init(&der, SG_CERTIFICATE_DER_MAX);
    if (err != SG_OK)
        return err;
    order = (struct certificate_order){.user = in.user,
                                       .csr = in.csr,
                                       .csr_len = strlen(in.csr),
                                       .name = in.name != NULL ? in.name : "",
                                       .days = (unsigned)in.days};
    err =
        certificates_issue(api->certificates, request_principal(r), &order, &record, &der, &reason);
    if (err != SG_OK && reason != NULL)
        return request_fail(r, err, "%s", reason);
    if (err == SG_ERR_LIMIT)
        return request_fail(r, err,
                            "a user may have 50 certificates, and 200 with those revoked that "
                            "have not expired");
    if (err != SG_OK)
        return answer_error(r, err, 0);
    encode_hex(record.id, sizeof record.id, id);
    audit_act_detail(r, SG_AUDIT_CERTIFICATE_ISSUED, record.user, SG_OK, "id", id);
    return reply(r, &record, &der);
}

const struct operation certificates_create_operation = {.run = run};
