/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libcurl handle of one exchange: what is asked of libcurl, what it hands over, and what became
 * of it. When a handle runs, and what follows its end, is http.c's.
 */
#ifndef SG_CLI_HTTPCALL_H
#define SG_CLI_HTTPCALL_H

#include "cli/http.h"

#include <curl/curl.h>

/* What the exchanges with one gateway have in common; see http_open and http_set_certificate. */
struct httpcall_gateway {
    CURLSH *share;
    const char *url;
    const char *ca_file;
    const char *certificate;
};

/* Makes the handle that asks for `request`; call->stream and call->body are there. False without
 * memory, and then there is none. */
bool httpcall_open(struct http_call *call, const struct httpcall_gateway *gateway,
                   const struct http_request *request) SG_CLI_MUST_CHECK;

/* Makes the handle, which does not run, ready to send the same once more, or with `body` (NULL: the
 * same) in the place of the former one. */
bool httpcall_reopen(struct http_call *call, const struct buf *body) SG_CLI_MUST_CHECK;

/* The handle has come to its end: fills in all that the call says about the answer. */
void httpcall_settle(struct http_call *call, CURLcode code);

/* Frees the handle, which does not run any more. NULL is legal. */
void httpcall_close(struct http_call *call);

#endif
