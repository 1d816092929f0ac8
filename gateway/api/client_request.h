/* SPDX-License-Identifier: Apache-2.0 */
/* What the client of a request shows beside tokens: its address and its certificate. */
#ifndef SG_API_CLIENT_REQUEST_H
#define SG_API_CLIENT_REQUEST_H

#include "core/identity.h"

struct request;

struct client_request {
    struct presented with; /* points to what follows; dpop_sha256 is the caller's to set */
    uint8_t certificate_sha256[SG_DIGEST_SIZE];
};

/* Fills *ret, which must stay where it is. SG_ERR_CERT_NEEDED where one is demanded and none was
 * shown; SG_ERR_CERT_UNKNOWN, CERT_EXPIRED, CERT_REVOKED, USER_DISABLED for one that does not
 * count. Does not block. */
enum sg_err client_request(struct request *r, struct client_request *ret) SG_MUST_CHECK;

/* The same, and whose certificate it is: 0 when it is nobody's. SG_ERR_CERT_NEEDED without one. */
enum sg_err client_request_user(struct request *r, struct client_request *ret,
                                int64_t *ret_user_id) SG_MUST_CHECK;

/* Whether the client's certificate still counts, for what lasts: the errors of client_request.
 * Notes nothing, does not block. */
enum sg_err client_request_again(struct request *r) SG_MUST_CHECK;

#endif
