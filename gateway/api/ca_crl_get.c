/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/ca/crl: the CA's revocation list (RFC 5280), DER as RFC 2585 wants it. */
#include "api/api.h"
#include "api/operations.h"
#include "api/public_file.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);

    return public_file_reply(r, api->crl_file, "application/pkix-crl", "public, max-age=300");
}

const struct operation ca_crl_get_operation = {.run = run};
