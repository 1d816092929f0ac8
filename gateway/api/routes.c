/* SPDX-License-Identifier: Apache-2.0 */
/* The route table: the whole API, one row per operation, in the order of openapi/openapi.yaml. It
 * holds no code. */
#include "api/api.h"
#include "api/operations.h"
#include "core/identity.h"

#define JSON_MAX (16 * 1024) /* bytes of a JSON body */
#define FORM_MAX (16 * 1024) /* bytes of a form */
#define MESSAGE_MAX                                                                                \
    (128 * 1024) /* bytes of a message; JSON may escape each of its text's with six */

#define BATCH_MAX (16 * 1024 * 1024) /* bytes of what is to be signed: 10,000 items */
#define SEALED_MAX                                                                                 \
    (6 * 1024 * 1024)           /* bytes of a sealed message; channel.data-bytes is the limit */
#define PROOF_MAX (1024 * 1024) /* bytes of a signature to verify */

#define PUBLIC SG_ACCESS_PUBLIC, 0
#define USER   SG_ACCESS_USER, 0
#define LOGIN  SG_ACCESS_LOGIN, 0
#define READ   SG_ACCESS_USER, SG_SCOPE_FILES_READ
#define WRITE  SG_ACCESS_USER, SG_SCOPE_FILES_WRITE
#define HEAR   SG_ACCESS_USER, SG_SCOPE_CHAT_READ
#define SAY    SG_ACCESS_USER, SG_SCOPE_CHAT_WRITE
#define SIGN   SG_ACCESS_USER, SG_SCOPE_SIGN
#define VERIFY SG_ACCESS_USER, SG_SCOPE_VERIFY
#define ADMIN  SG_ACCESS_ADMIN, SG_SCOPE_ADMIN
#define LOCAL  SG_ACCESS_LOCAL, SG_SCOPE_ADMIN

#define NO_BODY SG_BODY_NONE, 0
#define JSON    SG_BODY_JSON, JSON_MAX
#define FORM    SG_BODY_FORM, FORM_MAX
#define STREAM  SG_BODY_STREAM, 0
#define MESSAGE SG_BODY_ANY, MESSAGE_MAX
#define CHANGE  SG_BODY_JSON, MESSAGE_MAX
#define BATCH   SG_BODY_JSON, BATCH_MAX
#define PROOF   SG_BODY_JSON, PROOF_MAX
#define SEALED  SG_BODY_JSON, SEALED_MAX

#define QUICK  .blocks = false
#define BLOCKS .blocks = true
#define SLOW   .blocks = true, .slow = true /* hashes a password */
#define LASTS  .blocks = true, .lasts = true
#define EVENTS .blocks = true, .cookie = true

/* X(method, pattern, operation, access and scopes, body, whether it blocks) */
#define ROUTES(X)                                                                                  \
    X(GET, "/", web_index, PUBLIC, NO_BODY, QUICK)                                                 \
    X(GET, "/web/{file...}", web_asset, PUBLIC, NO_BODY, QUICK)                                    \
    X(GET, "/openapi.yaml", openapi_get, PUBLIC, NO_BODY, QUICK)                                   \
    X(GET, "/healthz", health_get, PUBLIC, NO_BODY, QUICK)                                         \
    X(GET, "/readyz", ready_get, PUBLIC, NO_BODY, BLOCKS)                                          \
    X(GET, "/metrics", metrics_get, LOCAL, NO_BODY, QUICK)                                         \
    X(GET, "/.well-known/jwks.json", jwks_get, PUBLIC, NO_BODY, QUICK)                             \
    X(GET, "/.well-known/oauth-authorization-server", oauth_metadata, PUBLIC, NO_BODY, QUICK)      \
    X(GET, "/v1/daytime", daytime_get, PUBLIC, NO_BODY, BLOCKS)                                    \
    X(GET, "/v1/tls", tls_get, PUBLIC, NO_BODY, QUICK)                                             \
    X(GET, "/v1/ca", ca_get, PUBLIC, NO_BODY, BLOCKS)                                              \
    X(GET, "/v1/ca/crl", ca_crl_get, PUBLIC, NO_BODY, BLOCKS)                                      \
    X(GET, "/v1/users", users_list, ADMIN, NO_BODY, BLOCKS)                                        \
    X(POST, "/v1/users", users_create, PUBLIC, JSON, SLOW)                                         \
    X(GET, "/v1/users/me", users_me, USER, NO_BODY, QUICK)                                         \
    X(PATCH, "/v1/users/me", users_update_me, LOGIN, JSON, SLOW)                                   \
    X(GET, "/v1/users/me/totp", totp_get, LOGIN, NO_BODY, BLOCKS)                                  \
    X(POST, "/v1/users/me/totp", totp_create, LOGIN, JSON, SLOW)                                   \
    X(POST, "/v1/users/me/totp/confirm", totp_confirm, LOGIN, JSON, BLOCKS)                        \
    X(POST, "/v1/users/me/totp/disable", totp_disable, LOGIN, JSON, SLOW)                          \
    X(POST, "/v1/users/me/totp/recovery", recovery_create, LOGIN, JSON, SLOW)                      \
    X(PATCH, "/v1/users/{name}", users_update, ADMIN, JSON, BLOCKS)                                \
    X(DELETE, "/v1/users/{name}", users_delete, ADMIN, NO_BODY, BLOCKS)                            \
    X(POST, "/v1/invites", invites_create, ADMIN, JSON, BLOCKS)                                    \
    X(POST, "/v1/certificates", certificates_create, LOGIN, JSON, BLOCKS)                          \
    X(GET, "/v1/certificates", certificates_list, LOGIN, NO_BODY, BLOCKS)                          \
    X(GET, "/v1/certificates/{id}", certificates_get, LOGIN, NO_BODY, BLOCKS)                      \
    X(DELETE, "/v1/certificates/{id}", certificates_delete, LOGIN, NO_BODY, BLOCKS)                \
    X(GET, "/v1/audit", audit_list, ADMIN, NO_BODY, BLOCKS)                                        \
    X(GET, "/v1/tokens", tokens_list, LOGIN, NO_BODY, BLOCKS)                                      \
    X(POST, "/v1/tokens", tokens_create, LOGIN, JSON, BLOCKS)                                      \
    X(DELETE, "/v1/tokens/{id}", tokens_delete, LOGIN, NO_BODY, BLOCKS)                            \
    X(GET, "/v1/passkeys", passkeys_list, LOGIN, NO_BODY, BLOCKS)                                  \
    X(POST, "/v1/passkeys", passkeys_create, LOGIN, JSON, BLOCKS)                                  \
    X(POST, "/v1/passkeys/options", passkeys_options, LOGIN, JSON, SLOW)                           \
    X(POST, "/v1/passkeys/challenge", passkeys_challenge, PUBLIC, JSON, BLOCKS)                    \
    X(DELETE, "/v1/passkeys/{id}", passkeys_delete, LOGIN, NO_BODY, BLOCKS)                        \
    X(POST, "/v1/sessions", sessions_create, PUBLIC, JSON, SLOW)                                   \
    X(GET, "/v1/sessions", sessions_list, LOGIN, NO_BODY, BLOCKS)                                  \
    X(GET, "/v1/sessions/{id}", sessions_get, USER, NO_BODY, QUICK)                                \
    X(DELETE, "/v1/sessions/{id}", sessions_delete, USER, NO_BODY, BLOCKS)                         \
    X(POST, "/v1/sessions/{id}/data", data_exchange, USER, SEALED, BLOCKS, .open = true)           \
    X(GET, "/v1/identity", identity_get, PUBLIC, NO_BODY, QUICK)                                   \
    X(POST, "/v1/oauth/token", oauth_token, PUBLIC, FORM, BLOCKS)                                  \
    X(POST, "/v1/oauth/introspect", oauth_introspect, PUBLIC, FORM, BLOCKS)                        \
    X(POST, "/v1/oauth/revoke", oauth_revoke, PUBLIC, FORM, BLOCKS)                                \
    X(POST, "/v1/oauth/device_authorization", oauth_device_authorize, PUBLIC, FORM, BLOCKS)        \
    X(GET, "/v1/oauth/device", oauth_device_get, LOGIN, NO_BODY, BLOCKS)                           \
    X(POST, "/v1/oauth/device", oauth_device_decide, LOGIN, JSON, BLOCKS)                          \
    X(GET, "/v1/oauth/clients", oauth_clients_list, ADMIN, NO_BODY, BLOCKS)                        \
    X(POST, "/v1/oauth/clients", oauth_clients_create, ADMIN, JSON, BLOCKS)                        \
    X(DELETE, "/v1/oauth/clients/{id}", oauth_clients_delete, ADMIN, NO_BODY, BLOCKS)              \
    X(GET, "/v1/oauth/audiences", oauth_audiences_list, ADMIN, NO_BODY, BLOCKS)                    \
    X(POST, "/v1/oauth/audiences", oauth_audiences_create, ADMIN, JSON, BLOCKS)                    \
    X(DELETE, "/v1/oauth/audiences/{audience...}", oauth_audiences_delete, ADMIN, NO_BODY, BLOCKS) \
    X(GET, "/v1/spaces", spaces_list, USER, NO_BODY, BLOCKS)                                       \
    X(POST, "/v1/spaces", spaces_create, SAY, JSON, BLOCKS)                                        \
    X(GET, "/v1/spaces/{space}", spaces_get, HEAR, NO_BODY, BLOCKS)                                \
    X(PATCH, "/v1/spaces/{space}", spaces_update, SAY, JSON, BLOCKS)                               \
    X(DELETE, "/v1/spaces/{space}", spaces_delete, SAY, NO_BODY, BLOCKS)                           \
    X(GET, "/v1/spaces/{space}/members", members_list, HEAR, NO_BODY, BLOCKS)                      \
    X(GET, "/v1/spaces/{space}/members/{user}", members_get, HEAR, NO_BODY, BLOCKS)                \
    X(PUT, "/v1/spaces/{space}/members/{user}", members_set, SAY, JSON, BLOCKS)                    \
    X(DELETE, "/v1/spaces/{space}/members/{user}", members_delete, SAY, NO_BODY, BLOCKS)           \
    X(GET, "/v1/chat/{space}/messages", messages_list, HEAR, NO_BODY, BLOCKS)                      \
    X(POST, "/v1/chat/{space}/messages", messages_create, SAY, MESSAGE, BLOCKS)                    \
    X(GET, "/v1/chat/{space}/messages/{seq}", messages_get, HEAR, NO_BODY, BLOCKS)                 \
    X(PATCH, "/v1/chat/{space}/messages/{seq}", messages_update, SAY, CHANGE, BLOCKS)              \
    X(DELETE, "/v1/chat/{space}/messages/{seq}", messages_delete, SAY, NO_BODY, BLOCKS)            \
    X(GET, "/v1/chat/{space}/presence", presence_list, HEAR, NO_BODY, BLOCKS)                      \
    X(POST, "/v1/chat/{space}/typing", typing_create, SAY, NO_BODY, QUICK)                         \
    X(PUT, "/v1/chat/{space}/read", read_set, HEAR, JSON, BLOCKS)                                  \
    X(GET, "/v1/events", events_list, HEAR, NO_BODY, EVENTS)                                       \
    X(POST, "/v1/events/cookie", events_cookie, HEAR, NO_BODY, QUICK, .open = true)                \
    X(GET, "/v1/files/{dir...}/", files_list, READ, NO_BODY, BLOCKS)                               \
    X(GET, "/v1/files/{path...}", files_get, READ, NO_BODY, QUICK)                                 \
    X(PUT, "/v1/files/{path...}", files_put, WRITE, STREAM, BLOCKS)                                \
    X(PATCH, "/v1/files/{path...}", files_move, WRITE, JSON, BLOCKS)                               \
    X(DELETE, "/v1/files/{path...}", files_delete, WRITE, NO_BODY, BLOCKS)                         \
    X(GET, "/v1/keys", keys_list, VERIFY, NO_BODY, BLOCKS)                                         \
    X(POST, "/v1/keys", keys_create, ADMIN, JSON, BLOCKS)                                          \
    X(GET, "/v1/keys/{name}", keys_get, VERIFY, NO_BODY, BLOCKS)                                   \
    X(PATCH, "/v1/keys/{name}", keys_update, SIGN, JSON, BLOCKS)                                   \
    X(POST, "/v1/keys/{name}/rotate", keys_rotate, SIGN, JSON, BLOCKS)                             \
    X(GET, "/v1/keys/{name}/public", keys_public, PUBLIC, NO_BODY, BLOCKS)                         \
    X(GET, "/v1/signatures", signatures_list, VERIFY, NO_BODY, BLOCKS)                             \
    X(POST, "/v1/signatures", signatures_create, SIGN, BATCH, LASTS)                               \
    X(GET, "/v1/signatures/{index}", signatures_get, VERIFY, NO_BODY, BLOCKS)                      \
    X(POST, "/v1/signatures/verify", signatures_verify, VERIFY, PROOF, LASTS)                      \
    X(GET, "/v1/log", log_get, PUBLIC, NO_BODY, BLOCKS)                                            \
    X(GET, "/v1/log/consistency", log_consistency, PUBLIC, NO_BODY, BLOCKS)                        \
    X(GET, "/log/checkpoint", log_checkpoint, PUBLIC, NO_BODY, BLOCKS)                             \
    X(GET, "/log/tile/{tile...}", log_tile, PUBLIC, NO_BODY, BLOCKS)

/* clang-format off */
#define X(verb, path, name, ...)                                                                   \
    {.method = SG_METHOD_##verb, .pattern = (path), .operation_id = #name,                         \
     .operation = &name##_operation, ROW_REST(__VA_ARGS__)},
#define ROW_REST(...) ROW_FIELDS(__VA_ARGS__)
#define ROW_FIELDS(a, s, b, m, ...)                                                                \
    .access = (a), .scopes = (s), .body = (b), .body_max = (m), __VA_ARGS__
const struct route api_routes[] = {ROUTES(X)};
/* clang-format on */
const size_t api_route_count = sizeof api_routes / sizeof api_routes[0];
