/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditional requests (RFC 9110, 13): decides, from the header values and the state of what is
 * there, what the answer is. Pure.
 */
#ifndef SG_HTTP_CONDITIONAL_H
#define SG_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

/* Header values as sent, NULL when absent. */
struct conditional {
    const char *if_match;
    const char *if_none_match;
    const char *if_modified_since;
    const char *if_unmodified_since;
    const char *if_range;
};

/* What is there now. */
struct conditional_state {
    const char *etag;   /* strong, with quotes; NULL when there is nothing */
    int64_t modified_s; /* seconds since 1970 */
};

enum conditional_result {
    SG_CONDITION_PROCEED,
    SG_CONDITION_NOT_MODIFIED, /* 304, only when `safe` */
    SG_CONDITION_FAILED,       /* 412 */
    SG_CONDITION_MALFORMED     /* 400 */
};

/* Evaluates in the order of section 13.2.2. `safe`: the method is GET or HEAD. */
enum conditional_result conditional_check(const struct conditional *c,
                                          const struct conditional_state *state, bool safe);

/* Whether a Range may be served as ranges (If-Range, 13.1.5): absent, or it holds by strong
 * comparison. */
bool conditional_range_holds(const struct conditional *c, const struct conditional_state *state);

#endif
