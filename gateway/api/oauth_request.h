/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operations of OAuth share: their forms, who the client is (RFC 6749, section 2.3), and
 * answers in the words of the RFCs. What the client did wrong is SG_ERR_BAD_REQUEST with a refusal,
 * until oauth_answer makes the answer of it.
 */
#ifndef SG_API_OAUTH_REQUEST_H
#define SG_API_OAUTH_REQUEST_H

#include "api/api.h"
#include "api/client_request.h"
#include "api/form_in.h"
#include "api/json_out.h"
#include "core/oauth.h"

struct request;

/* Reads and wipes the body. */
enum sg_err oauth_form(struct request *r, struct form_field *fields, size_t count,
                       struct oauth_refusal *refusal) SG_MUST_CHECK;
/* Wipes the values. */
void oauth_form_wipe(struct form_field *fields, size_t count);

/* The client by `Authorization: Basic`, or by these parameters (either may be NULL). *ret_given
 * false: none is named. Refuses (invalid_client) one that is unknown or not who it says. */
enum sg_err oauth_client_of(struct request *r, const char *client_id, const char *client_secret,
                            struct oauth_client *ret, bool *ret_given,
                            struct oauth_refusal *refusal) SG_MUST_CHECK;

/* What a token that is asked for may be bound to. */
struct oauth_presented {
    struct client_request client;
    uint8_t dpop_sha256[SG_DIGEST_SIZE];
};
/* Points into *ret, which must stay where it is. A bad proof is refused (invalid_dpop_proof). */
enum sg_err oauth_presented(struct request *r, struct oauth_presented *ret,
                            struct oauth_refusal *refusal) SG_MUST_CHECK;

/* Ends a request: a refusal is answered, 401 for invalid_client and 400 else; other errors pass.
 * `refusal` must be zeroed at first. */
enum sg_err oauth_answer(struct request *r, enum sg_err err, const struct oauth_refusal *refusal);

/* An audience and a client as JSON. */
#define SG_OAUTH_RECORD_MAX 4096 /* bytes of one */
void oauth_put_client(struct json_out *o, const char *name, const struct oauth_client *client,
                      const char *secret);
void oauth_put_audience(struct json_out *o, const char *name,
                        const struct oauth_audience *audience);
/* Scopes as an array of words. */
void oauth_put_scopes(struct json_out *o, const char *name, unsigned scopes);

#endif
