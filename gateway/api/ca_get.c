/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/ca: the certificate of the gateway's CA, also where the server's own is the operator's.
 */
#include "api/api.h"
#include "api/operations.h"
#include "api/public_file.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);

    return public_file_reply(r, api->ca_file, "application/pem-certificate-chain",
                             "public, max-age=300");
}

const struct operation ca_get_operation = {.run = run};
