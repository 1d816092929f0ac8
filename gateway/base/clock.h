/* SPDX-License-Identifier: Apache-2.0 */
/* Wall and monotonic time, the kernel's clock state, RFC 3339 text. All can be injected in tests.
 */
#ifndef SG_BASE_CLOCK_H
#define SG_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define SG_NS_PER_S  INT64_C(1000000000)
#define SG_NS_PER_MS INT64_C(1000000)

struct clock_state {
    bool synchronized;
    int64_t max_error_us; /* adjtimex(2) maxerror; -1 when the kernel does not say */
};

/* Nanoseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME). */
int64_t clock_now_ns(void);
/* Whole seconds of clock_now_ns. */
int64_t clock_now_s(void);
/* Nanoseconds of CLOCK_MONOTONIC, for deadlines and durations. */
int64_t clock_monotonic_ns(void);
/* The kernel's own clock state, by adjtimex(2) without privilege. */
struct clock_state clock_get_state(void);

/* For tests: replace a source; NULL restores the kernel's. Not thread safe. */
struct clock_source {
    int64_t (*now_ns)(void);
    int64_t (*monotonic_ns)(void);
    struct clock_state (*state)(void);
};
void clock_set_source(const struct clock_source *source);

#define SG_RFC3339_SIZE 40
/* "2026-11-20T16:02:14.123Z": UTC, milliseconds. Years 1 to 9999. */
void clock_format_rfc3339(int64_t unix_ns, char ret[SG_RFC3339_SIZE]);
#define SG_HTTP_DATE_SIZE 32
/* IMF-fixdate of RFC 9110 section 5.6.7: "Fri, 20 Nov 2026 16:02:14 GMT". */
void clock_format_http(int64_t unix_s, char ret[SG_HTTP_DATE_SIZE]);
/* Parses the three date forms of RFC 9110 into seconds. SG_ERR_BAD_FIELD otherwise. */
enum sg_err clock_parse_http(const char *text, int64_t *ret_unix_s) SG_MUST_CHECK;

#endif
