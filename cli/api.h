/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON exchange with the session's authority. */
#ifndef SG_CLI_API_H
#define SG_CLI_API_H

#include "cli/cli.h"

struct json_object;
struct http_call;
struct http_request;
struct retry;

enum api_authority {
    SG_API_PUBLIC, /* no token is sent */
    SG_API_USER    /* needs a login */
};

/*
 * Makes an exchange; a token that is refused is renewed once. What the gateway answers, errors too,
 * is in `call`, which the caller ends with http_call_fini in any case. Only what kept the exchange
 * from being made is reported.
 */
enum cli_status api_perform(struct cli *cli, enum api_authority authority,
                            struct http_request *request, struct http_call *call) SG_CLI_MUST_CHECK;

/*
 * Sends `body` (borrowed, NULL: none) as JSON. A 2xx answer's document goes to *ret (NULL when it
 * has none; `ret` may be NULL). Errors are reported with `subject`.
 */
enum cli_status api_call(struct cli *cli, enum api_authority authority, const char *method,
                         const char *target, struct json_object *body, const char *subject,
                         struct json_object **ret) SG_CLI_MUST_CHECK;

/*
 * As api_call for a request that may be made more than once, which stays the same. While there is
 * no connection, or the gateway is in a state that passes, it is made again; `retry` says for how
 * long. What ends it is reported, tries before are not. SG_CLI_INTERRUPTED on Ctrl-C.
 */
enum cli_status api_persist(struct cli *cli, struct retry *retry,
                            const struct http_request *request, const char *subject,
                            struct json_object **ret) SG_CLI_MUST_CHECK;

#endif
