/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a login, and whom what it shows belongs to. */
#ifndef SG_API_LOGIN_IN_H
#define SG_API_LOGIN_IN_H

#include "api/client_request.h"
#include "core/identity.h"

struct request;

/* Strings are in the request's arena; password and code are the caller's to wipe. */
struct login_in {
    enum session_method method;
    char *username, *password, *code;
    bool has_device;
    char *device, *mac;
    bool has_passkey;
    struct {
        char *id, *client_data, *authenticator_data, *signature, *user_handle; /* base64url */
    } passkey;
    bool has_channel, has_public_key, has_bind, bind_address;
    uint8_t public_key[32];
    uint8_t dpop_sha256[SG_DIGEST_SIZE];
    struct session_proof proof; /* which passkey it was, in the arena */
};

/* Sets the detail of the answer. */
enum sg_err login_in_read(struct request *r, struct login_in *ret) SG_MUST_CHECK;

/*
 * Fills *ret, which borrows `in` and `client`: whoever it is by certificate or passkey; a password
 * is checked later. SG_ERR_CERT_NEEDED and its like; SG_ERR_BAD_CREDENTIALS for a certificate of
 * nobody or of another user than was named; SG_ERR_BAD_FACTOR, SG_ERR_BAD_PROOF. Blocks.
 */
enum sg_err login_in_who(struct request *r, struct login_in *in, struct client_request *client,
                         struct login *ret) SG_MUST_CHECK;

#endif
