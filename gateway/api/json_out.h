/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON answers straight into a buffer, commas and escapes done. Members are given with their
 * names, elements of arrays with NULL.
 */
#ifndef SG_API_JSON_OUT_H
#define SG_API_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct request;

struct json_out {
    struct buf buf;
    bool comma; /* one is due before the next value */
};

/* An answer of at most `max` bytes. Every json_out ends in json_out_reply or json_out_fini. */
void json_out_init(struct json_out *o, size_t max);
/* Wipes and frees; legal after json_out_reply. */
void json_out_fini(struct json_out *o);

/* Object or array; `close` is '}' or ']'. */
void json_out_object(struct json_out *o, const char *name);
void json_out_array(struct json_out *o, const char *name);
void json_out_close(struct json_out *o, char close);

/* An object whose first members stand in JSON text already; others may follow. */
void json_out_object_from(struct json_out *o, const char *name, const char *json, size_t len);

/* Text: what is not UTF-8 becomes U+FFFD. NULL becomes null. */
void json_out_string(struct json_out *o, const char *name, const char *text);
/* The same of `len` bytes, which no NUL need follow. */
void json_out_text(struct json_out *o, const char *name, const char *text, size_t len);
/* JSON text as it stands. */
void json_out_raw(struct json_out *o, const char *name, const char *json, size_t len);
void json_out_integer(struct json_out *o, const char *name, int64_t value);
void json_out_boolean(struct json_out *o, const char *name, bool value);
void json_out_null(struct json_out *o, const char *name);
/* Lower-case hexadecimal, base64url without padding. At most 512 bytes. */
void json_out_hex(struct json_out *o, const char *name, const void *data, size_t len);
void json_out_base64url(struct json_out *o, const char *name, const void *data, size_t len);
/* Base64 with padding, of any length. */
void json_out_base64(struct json_out *o, const char *name, const void *data, size_t len);
/* RFC 3339 in UTC with milliseconds. */
void json_out_time(struct json_out *o, const char *name, int64_t unix_ns);

/* Answers with what was written, as application/json with `Cache-Control: no-store`, and takes it;
 * the memory is wiped once it has been sent. An error when the writing failed: nothing is answered
 * then. */
enum sg_err json_out_reply(struct request *r, unsigned status, struct json_out *o) SG_MUST_CHECK;
/* The same for a large answer without anything secret in it: not wiped, which would hold up the
 * event loop. */
enum sg_err json_out_reply_large(struct request *r, unsigned status,
                                 struct json_out *o) SG_MUST_CHECK;
/* The same as json_out_reply for an answer that may be kept. */
enum sg_err json_out_reply_cached(struct request *r, unsigned status, struct json_out *o,
                                  const char *cache_control) SG_MUST_CHECK;

#endif
