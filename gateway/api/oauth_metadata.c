/* SPDX-License-Identifier: Apache-2.0 */
/* GET /.well-known/oauth-authorization-server: all that another service has to know (RFC 8414). */
#include "api/oauth_request.h"
#include "api/operations.h"
#include "http/request.h"

#define ANSWER_MAX 8192
#define URI_MAX    1024

static void put_uri(struct json_out *o, const char *name, const struct oauth *oauth,
                    const char *path)
{
    char uri[URI_MAX];

    oauth_uri(oauth, path, uri, sizeof uri);
    json_out_string(o, name, uri);
}

static void put_words(struct json_out *o, const char *name, const char *const *words)
{
    json_out_array(o, name);
    for (; *words != NULL; words++)
        json_out_string(o, NULL, *words);
    json_out_close(o, ']');
}

static void put_methods(struct json_out *o)
{
    static const char *const all[] = {"none", "client_secret_basic", "client_secret_post", NULL};

    put_words(o, "token_endpoint_auth_methods_supported", all);
    put_words(o, "introspection_endpoint_auth_methods_supported", all + 1);
    put_words(o, "revocation_endpoint_auth_methods_supported", all);
}

static enum sg_err run(struct request *r)
{
    static const char *const algorithms[] = {"ES256", "EdDSA", "RS256", NULL};
    static const char *const none[] = {NULL};
    const struct api *api = request_app(r);
    struct json_out o;

    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "issuer", oauth_issuer(api->oauth));
    put_uri(&o, "token_endpoint", api->oauth, "/v1/oauth/token");
    put_uri(&o, "jwks_uri", api->oauth, "/.well-known/jwks.json");
    put_uri(&o, "introspection_endpoint", api->oauth, "/v1/oauth/introspect");
    put_uri(&o, "revocation_endpoint", api->oauth, "/v1/oauth/revoke");
    put_uri(&o, "device_authorization_endpoint", api->oauth, "/v1/oauth/device_authorization");
    oauth_put_scopes(&o, "scopes_supported", ~0U);
    /* Required by RFC 8414, and there is no authorization endpoint. */
    put_words(&o, "response_types_supported", none);
    json_out_array(&o, "grant_types_supported");
    for (unsigned bit = 1; bit <= SG_GRANTS_ALL; bit <<= 1)
        json_out_string(&o, NULL, oauth_grant_name(bit));
    json_out_close(&o, ']');
    put_methods(&o);
    put_words(&o, "dpop_signing_alg_values_supported", algorithms);
    json_out_boolean(&o, "tls_client_certificate_bound_access_tokens", api->certificates_asked);
    put_uri(&o, "service_documentation", api->oauth, "/openapi.yaml");
    json_out_close(&o, '}');
    return json_out_reply_cached(r, 200, &o, "public, max-age=300");
}

const struct operation oauth_metadata_operation = {.run = run};
