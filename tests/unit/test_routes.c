/* SPDX-License-Identifier: Apache-2.0 */
/* The route table: the same as the contract, whole in itself, and finding what it should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "api/api.h"
#include "base/metrics.h"
#include "core/identity.h"

static const struct route *row(const char *id)
{
    for (size_t i = 0; i < api_route_count; i++)
        if (strcmp(api_routes[i].operation_id, id) == 0)
            return &api_routes[i];
    return NULL;
}

/* The operations of the document, in its order. */
static void contract(void **state)
{
    FILE *f = fopen("openapi/openapi.yaml", "re");
    char line[4096], id[64];
    size_t count = 0;

    (void)state;
    if (f == NULL)
        skip();
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, " operationId: %63[a-z_]", id) == 1) {
            assert_true(count < api_route_count);
            assert_string_equal(api_routes[count].operation_id, id);
            count++;
        }
    (void)fclose(f);
    assert_int_equal(count, api_route_count);
}

static void rows(void **state)
{
    (void)state;
    assert_true(api_route_count <= SG_METRICS_OPS);
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        bool buffered = r->body != SG_BODY_NONE && r->body != SG_BODY_STREAM;

        assert_true(r->pattern[0] == '/');
        assert_non_null(r->operation);
        assert_non_null(r->operation->run);
        assert_true(buffered == (r->body_max > 0));
        assert_true((r->body == SG_BODY_STREAM) == (r->operation->body != NULL));
        /* What writes to the store blocks; these do not. */
        assert_true(r->body == SG_BODY_NONE || r->blocks || r == row("data_exchange"));
        assert_true(r->method == SG_METHOD_GET || r->blocks || r == row("typing_create") ||
                    r == row("events_cookie") || r == row("data_exchange"));
        assert_true(r->open == (r == row("data_exchange") || r == row("events_cookie")));
        assert_true(!r->cookie || r == row("events_list"));
        if (r->access == SG_ACCESS_ADMIN)
            assert_true((r->scopes & SG_SCOPE_ADMIN) != 0);
        if (r->access == SG_ACCESS_PUBLIC)
            assert_int_equal(r->scopes, 0);
        assert_ptr_equal(row(r->operation_id), r);
    }
}

/* Whoever adds a public row has to say so here. */
static void who_may(void **state)
{
    static const char *const open[] = {"web_index",
                                       "web_asset",
                                       "openapi_get",
                                       "health_get",
                                       "ready_get",
                                       "jwks_get",
                                       "daytime_get",
                                       "tls_get",
                                       "ca_get",
                                       "ca_crl_get",
                                       "users_create",
                                       "sessions_create",
                                       "oauth_token",
                                       "keys_public",
                                       "log_get",
                                       "log_consistency",
                                       "log_checkpoint",
                                       "log_tile",
                                       "identity_get",
                                       "oauth_metadata",
                                       "oauth_introspect",
                                       "oauth_revoke",
                                       "oauth_device_authorize",
                                       "passkeys_challenge"};
    /* What makes or changes ways to log in is for nobody with less than a login. */
    static const char *const login[] = {
        "users_update_me",    "totp_create",     "totp_confirm",     "totp_disable",
        "recovery_create",    "tokens_create",   "tokens_delete",    "certificates_create",
        "passkeys_create",    "passkeys_delete", "passkeys_options", "certificates_delete",
        "oauth_device_decide"};
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < api_route_count; i++)
        count += api_routes[i].access == SG_ACCESS_PUBLIC;
    assert_int_equal(count, sizeof open / sizeof open[0]);
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        assert_int_equal(row(open[i])->access, SG_ACCESS_PUBLIC);
    for (size_t i = 0; i < sizeof login / sizeof login[0]; i++)
        assert_int_equal(row(login[i])->access, SG_ACCESS_LOGIN);
    assert_int_equal(row("audit_list")->access, SG_ACCESS_ADMIN);
    assert_int_equal(row("oauth_clients_create")->access, SG_ACCESS_ADMIN);
    assert_int_equal(row("oauth_audiences_create")->access, SG_ACCESS_ADMIN);
    assert_int_equal(row("metrics_get")->access, SG_ACCESS_LOCAL);
    assert_int_equal(row("users_list")->access, SG_ACCESS_ADMIN);
    assert_int_equal(row("users_update")->access, SG_ACCESS_ADMIN);
    assert_int_equal(row("users_delete")->access, SG_ACCESS_ADMIN);
    assert_int_equal(row("invites_create")->access, SG_ACCESS_ADMIN);
    assert_int_equal(row("files_list")->scopes, SG_SCOPE_FILES_READ);
    assert_int_equal(row("files_get")->scopes, SG_SCOPE_FILES_READ);
    assert_int_equal(row("files_put")->scopes, SG_SCOPE_FILES_WRITE);
    assert_int_equal(row("files_delete")->scopes, SG_SCOPE_FILES_WRITE);
}

static const struct {
    enum http_method method;
    const char *path;
    const char *id; /* NULL: none */
} found[] = {
    {SG_METHOD_GET, "/", "web_index"},
    {SG_METHOD_HEAD, "/", "web_index"},
    {SG_METHOD_GET, "/web/app.js", "web_asset"},
    {SG_METHOD_GET, "/web/a/b.js", "web_asset"},
    {SG_METHOD_GET, "/web/", NULL},
    {SG_METHOD_GET, "/web", NULL},
    {SG_METHOD_GET, "/openapi.yaml", "openapi_get"},
    {SG_METHOD_GET, "/healthz", "health_get"},
    {SG_METHOD_GET, "/healthz/", NULL},
    {SG_METHOD_GET, "/readyz", "ready_get"},
    {SG_METHOD_GET, "/metrics", "metrics_get"},
    {SG_METHOD_GET, "/.well-known/jwks.json", "jwks_get"},
    {SG_METHOD_GET, "/v1/daytime", "daytime_get"},
    {SG_METHOD_HEAD, "/v1/daytime", "daytime_get"},
    {SG_METHOD_POST, "/v1/daytime", NULL},
    {SG_METHOD_GET, "/v1/tls", "tls_get"},
    {SG_METHOD_GET, "/v1/ca", "ca_get"},
    {SG_METHOD_GET, "/v1/ca/", NULL},
    {SG_METHOD_GET, "/v1/ca/crl", "ca_crl_get"},
    {SG_METHOD_HEAD, "/v1/ca/crl", "ca_crl_get"},
    {SG_METHOD_POST, "/v1/ca/crl", NULL},
    {SG_METHOD_GET, "/v1/users", "users_list"},
    {SG_METHOD_POST, "/v1/users", "users_create"},
    {SG_METHOD_GET, "/v1/users/me", "users_me"},
    {SG_METHOD_PATCH, "/v1/users/me", "users_update_me"},
    {SG_METHOD_PATCH, "/v1/users/ann", "users_update"},
    {SG_METHOD_DELETE, "/v1/users/ann", "users_delete"},
    {SG_METHOD_GET, "/v1/users/ann", NULL},
    {SG_METHOD_PATCH, "/v1/users/ann/x", NULL},
    {SG_METHOD_POST, "/v1/invites", "invites_create"},
    {SG_METHOD_POST, "/v1/sessions", "sessions_create"},
    {SG_METHOD_GET, "/v1/sessions", "sessions_list"},
    {SG_METHOD_GET, "/v1/sessions/current", "sessions_get"},
    {SG_METHOD_DELETE, "/v1/sessions/current", "sessions_delete"},
    {SG_METHOD_POST, "/v1/oauth/token", "oauth_token"},
    {SG_METHOD_POST, "/v1/sessions/current/data", "data_exchange"},
    {SG_METHOD_GET, "/v1/users/me/totp", "totp_get"},
    {SG_METHOD_POST, "/v1/users/me/totp/confirm", "totp_confirm"},
    {SG_METHOD_GET, "/v1/passkeys/options", NULL},
    {SG_METHOD_POST, "/v1/passkeys/options", "passkeys_options"},
    {SG_METHOD_DELETE, "/v1/passkeys/options", "passkeys_delete"},
    {SG_METHOD_DELETE, "/v1/oauth/audiences/https://a.example/b", "oauth_audiences_delete"},
    {SG_METHOD_GET, "/v1/audit", "audit_list"},
    {SG_METHOD_GET, "/v1/spaces", "spaces_list"},
    {SG_METHOD_GET, "/v1/files/common/", "files_list"},
    {SG_METHOD_HEAD, "/v1/files/common/", "files_list"},
    {SG_METHOD_GET, "/v1/files/common/a/b/", "files_list"},
    {SG_METHOD_GET, "/v1/files/common", "files_get"},
    {SG_METHOD_GET, "/v1/files/common/a/b", "files_get"},
    {SG_METHOD_PUT, "/v1/files/common/a/b", "files_put"},
    {SG_METHOD_PUT, "/v1/files/common/a/b/", "files_put"},
    {SG_METHOD_DELETE, "/v1/files/common/a/b", "files_delete"},
    {SG_METHOD_DELETE, "/v1/files/common/a/b/", "files_delete"},
    {SG_METHOD_GET, "/v1/keys", "keys_list"},
    {SG_METHOD_POST, "/v1/keys", "keys_create"},
    {SG_METHOD_GET, "/v1/keys/a", "keys_get"},
    {SG_METHOD_PATCH, "/v1/keys/a", "keys_update"},
    {SG_METHOD_POST, "/v1/keys/a/rotate", "keys_rotate"},
    {SG_METHOD_GET, "/v1/keys/a/rotate", NULL},
    {SG_METHOD_GET, "/v1/keys/a/public", "keys_public"},
    {SG_METHOD_GET, "/v1/keys/public", "keys_get"},
    {SG_METHOD_GET, "/v1/files/", NULL},
    {SG_METHOD_GET, "/v1/files", NULL},
    {SG_METHOD_GET, "/v1", NULL},
    {SG_METHOD_GET, "/V1/daytime", NULL},
    {SG_METHOD_GET, "//v1/daytime", NULL},
    {SG_METHOD_OTHER, "/v1/daytime", NULL},
};

static void finding(void **state)
{
    struct route_index *routes = route_index_new(api_routes, api_route_count);

    (void)state;
    assert_non_null(routes);
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        struct route_match m;

        route_find(routes, found[i].method, found[i].path, &m);
        if ((m.route != NULL) != (found[i].id != NULL) ||
            (m.route != NULL && strcmp(m.route->operation_id, found[i].id) != 0))
            fail_msg("%s %s: %s", http_method_name(found[i].method), found[i].path,
                     m.route != NULL ? m.route->operation_id : "none");
    }
    route_index_free(routes);
}

static void allowed(void **state)
{
    struct route_index *routes = route_index_new(api_routes, api_route_count);
    struct route_match m;

    (void)state;
    assert_non_null(routes);
    route_find(routes, SG_METHOD_POST, "/v1/users/ann", &m);
    assert_int_equal(m.allow &
                         (1U << SG_METHOD_PATCH | 1U << SG_METHOD_DELETE | 1U << SG_METHOD_GET),
                     1U << SG_METHOD_PATCH | 1U << SG_METHOD_DELETE);
    route_find(routes, SG_METHOD_POST, "/v1/nothing", &m);
    assert_int_equal(m.allow, 0);
    route_index_free(routes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract), cmocka_unit_test(rows),    cmocka_unit_test(who_may),
        cmocka_unit_test(finding),  cmocka_unit_test(allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
