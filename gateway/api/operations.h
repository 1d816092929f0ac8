/* SPDX-License-Identifier: Apache-2.0 */
/* The operations, each in the file of its name. */
#ifndef SG_API_OPERATIONS_H
#define SG_API_OPERATIONS_H

#include "http/route.h"

extern const struct operation web_index_operation;
extern const struct operation web_asset_operation;
extern const struct operation openapi_get_operation;
extern const struct operation health_get_operation;
extern const struct operation ready_get_operation;
extern const struct operation metrics_get_operation;
extern const struct operation jwks_get_operation;
extern const struct operation daytime_get_operation;
extern const struct operation tls_get_operation;
extern const struct operation ca_get_operation;
extern const struct operation ca_crl_get_operation;
extern const struct operation users_list_operation;
extern const struct operation users_create_operation;
extern const struct operation users_me_operation;
extern const struct operation users_update_me_operation;
extern const struct operation totp_get_operation;
extern const struct operation totp_create_operation;
extern const struct operation totp_confirm_operation;
extern const struct operation totp_disable_operation;
extern const struct operation recovery_create_operation;
extern const struct operation users_update_operation;
extern const struct operation users_delete_operation;
extern const struct operation certificates_create_operation;
extern const struct operation certificates_delete_operation;
extern const struct operation certificates_get_operation;
extern const struct operation certificates_list_operation;
extern const struct operation invites_create_operation;
extern const struct operation audit_list_operation;
extern const struct operation passkeys_list_operation;
extern const struct operation passkeys_create_operation;
extern const struct operation passkeys_options_operation;
extern const struct operation passkeys_challenge_operation;
extern const struct operation passkeys_delete_operation;
extern const struct operation sessions_create_operation;
extern const struct operation sessions_list_operation;
extern const struct operation sessions_get_operation;
extern const struct operation sessions_delete_operation;
extern const struct operation data_exchange_operation;
extern const struct operation identity_get_operation;
extern const struct operation oauth_token_operation;
extern const struct operation spaces_list_operation;
extern const struct operation spaces_create_operation;
extern const struct operation spaces_get_operation;
extern const struct operation spaces_update_operation;
extern const struct operation spaces_delete_operation;
extern const struct operation members_list_operation;
extern const struct operation members_get_operation;
extern const struct operation members_set_operation;
extern const struct operation members_delete_operation;
extern const struct operation messages_list_operation;
extern const struct operation messages_create_operation;
extern const struct operation messages_get_operation;
extern const struct operation messages_update_operation;
extern const struct operation messages_delete_operation;
extern const struct operation presence_list_operation;
extern const struct operation typing_create_operation;
extern const struct operation read_set_operation;
extern const struct operation events_list_operation;
extern const struct operation events_cookie_operation;
extern const struct operation files_list_operation;
extern const struct operation files_get_operation;
extern const struct operation files_put_operation;
extern const struct operation files_move_operation;
extern const struct operation files_delete_operation;
extern const struct operation keys_list_operation;
extern const struct operation keys_create_operation;
extern const struct operation keys_get_operation;
extern const struct operation keys_update_operation;
extern const struct operation keys_rotate_operation;
extern const struct operation keys_public_operation;
extern const struct operation signatures_list_operation;
extern const struct operation signatures_create_operation;
extern const struct operation signatures_get_operation;
extern const struct operation signatures_verify_operation;
extern const struct operation log_get_operation;
extern const struct operation log_consistency_operation;
extern const struct operation log_checkpoint_operation;
extern const struct operation log_tile_operation;

#endif
