/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations on keys share: what is said about keys in requests, and keys as JSON. */
#ifndef SG_API_KEY_REQUEST_H
#define SG_API_KEY_REQUEST_H

#include "api/json_in.h"
#include "api/json_out.h"
#include "core/keys.h"

#define SG_KEY_LIFETIME_MAX INT64_C(3155760000) /* seconds: a hundred years */
#define SG_KEY_RECORD_MAX   (64 * 1024)         /* bytes that one takes at most */

/* A member `formats` as bits. SG_ERR_BAD_FIELD with detail: unknown, or there twice. */
enum sg_err key_request_formats(struct request *r, const struct json_strings *names,
                                unsigned *ret) SG_MUST_CHECK;
/* SG_ERR_BAD_FIELD with detail for what is no PKCS#11 URI; NULL passes. */
enum sg_err key_request_uri(struct request *r, const char *uri) SG_MUST_CHECK;

/* One key as an object. */
void key_request_put(struct json_out *o, const char *name, const struct key_info *info);
/* Answers with one. */
enum sg_err key_request_reply(struct request *r, unsigned status,
                              const struct key_info *info) SG_MUST_CHECK;
/* `err` of core, with its reason as detail where it has one. */
enum sg_err key_request_error(struct request *r, enum sg_err err, const char *reason) SG_MUST_CHECK;

#endif
