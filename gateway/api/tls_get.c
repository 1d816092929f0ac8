/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/tls: how the connection that carries the request is protected; it never blocks. */
#include "api/json_out.h"
#include "api/operations.h"
#include "base/clock.h"
#include "http/certinfo.h"
#include "http/request.h"

#define TLS_STATE_MAX (64 * 1024) /* bytes */

static void put_server(struct json_out *o, const struct certinfo *cert)
{
    json_out_object(o, "server_certificate");
    json_out_string(o, "subject", cert->subject);
    json_out_array(o, "names");
    for (size_t i = 0; i < cert->name_count; i++)
        json_out_string(o, NULL, cert->names[i]);
    json_out_close(o, ']');
    json_out_time(o, "not_before", cert->not_before_s * SG_NS_PER_S);
    json_out_time(o, "not_after", cert->not_after_s * SG_NS_PER_S);
    json_out_hex(o, "sha256", cert->sha256, sizeof cert->sha256);
    json_out_close(o, '}');
}

static void put_client(struct json_out *o, const struct certinfo *cert)
{
    json_out_object(o, "client_certificate");
    json_out_string(o, "subject", cert->subject);
    json_out_hex(o, "sha256", cert->sha256, sizeof cert->sha256);
    json_out_time(o, "not_after", cert->not_after_s * SG_NS_PER_S);
    json_out_close(o, '}');
}

static enum sg_err run(struct request *r)
{
    struct request_tls tls;
    struct certinfo cert;
    struct json_out o;
    enum sg_err err;

    request_tls(r, &tls);
    err = certinfo_read(tls.server_cert, tls.server_cert_len, &cert);
    if (err != SG_OK)
        return err;
    json_out_init(&o, TLS_STATE_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "version", tls.version);
    json_out_string(&o, "cipher", tls.cipher);
    json_out_string(&o, "group", tls.group != NULL ? tls.group : "");
    json_out_boolean(&o, "resumed", tls.resumed);
    put_server(&o, &cert);
    if (tls.client_cert != NULL &&
        certinfo_read(tls.client_cert, tls.client_cert_len, &cert) == SG_OK)
        put_client(&o, &cert);
    else
        json_out_null(&o, "client_certificate");
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

const struct operation tls_get_operation = {.run = run};
