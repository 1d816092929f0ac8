/* SPDX-License-Identifier: Apache-2.0 */
/* When an exchange that failed is worth another try, and how long to wait for it. */
#ifndef SG_CLI_RETRY_H
#define SG_CLI_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct http_call;

#define SG_RETRY_FIRST_MS 100
#define SG_RETRY_MOST_MS  30000
/* The longest Retry-After that is obeyed, in seconds. */
#define SG_RETRY_AFTER_MAX 60

/* Whether the same request may succeed later: no connection, it broke, or a passing state of the
 * gateway. Not after a certificate that is not trusted. */
bool retry_is_worth(const struct http_call *call);

/* Milliseconds to wait before try number `failures` + 1: doubled each time, up to a bound, less a
 * random part of up to a quarter; `retry_after` (seconds, 0: none) is the least. */
int64_t retry_delay_ms(unsigned failures, long retry_after);

#endif
