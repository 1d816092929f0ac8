/* SPDX-License-Identifier: Apache-2.0 */
/* When an exchange that failed is worth another try, how long to wait for it, and what to say. */
#ifndef SG_CLI_RETRY_H
#define SG_CLI_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct http_call;

#define SG_RETRY_FIRST_MS 100
#define SG_RETRY_MOST_MS  30000
/* The longest Retry-After that is obeyed, in seconds. */
#define SG_RETRY_AFTER_MAX 60

/* One thing that is tried until it is done. Zero it. */
struct retry {
    int64_t until_ns;  /* by clock_monotonic_ns(), no try after that; 0: until it is done */
    unsigned failures; /* in a row */
    bool told;         /* that it fails */
};

/* Whether the same request may succeed later: no connection, it broke, or a passing state of the
 * gateway. Not after a certificate that is not trusted. */
bool retry_is_worth(const struct http_call *call);

/* Milliseconds to wait before try number `failures` + 1: doubled each time, up to a bound, less a
 * random part of up to a quarter; `retry_after` (seconds, 0: none) is the least. */
int64_t retry_delay_ms(unsigned failures, long retry_after);

/* A try has failed because of `why`, and there will be another one; says so once, when the second
 * in a row has failed. */
void retry_failed(struct retry *r, const char *why);
/* As retry_failed, and waits for the next try. False when there is to be none: the time is over, or
 * the user has interrupted. */
bool retry_again(struct retry *r, long retry_after, const char *why);
/* It has worked; says so if the failures were told of. */
void retry_done(struct retry *r);

/* The words for both, as notes on standard error. */
void retry_say_lost(const char *why);
void retry_say_back(void);

#endif
