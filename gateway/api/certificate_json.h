/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as JSON, and what their operations read of a request. */
#ifndef SG_API_CERTIFICATE_JSON_H
#define SG_API_CERTIFICATE_JSON_H

#include "api/json_out.h"
#include "core/certificates.h"

struct request;

#define SG_CERTIFICATE_JSON_MAX 4096  /* bytes of one without its texts in PEM */
#define SG_CERTIFICATE_PEM_MAX  16384 /* bytes of one such text */

/* The members of a certificate, in an object that is open. `with_current`: whether this request
 * came over a connection that showed it. */
void certificate_json_members(struct json_out *o, struct request *r,
                              const struct certificate_record *certificate, bool with_current);
/* `certificate`: the text of RFC 7468. */
void certificate_json_pem(struct json_out *o, const struct buf *der);

/* The parameter `id`; SG_ERR_NOT_FOUND for what is none. */
enum sg_err certificate_json_id(struct request *r,
                                uint8_t ret[SG_CERTIFICATE_ID_SIZE]) SG_MUST_CHECK;

#endif
