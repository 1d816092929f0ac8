/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as clients write them (RFC 3339, section 5.6). */
#ifndef SG_API_RFC3339_IN_H
#define SG_API_RFC3339_IN_H

#include <stdint.h>

#include "base/err.h"

struct request;

/* A whole point in time, with `Z` or an offset; digits beyond nanoseconds are dropped. Leap seconds
 * count as the second before them. SG_ERR_BAD_FIELD, also for years before 1970 and after 2261. */
enum sg_err rfc3339_in_parse(const char *text, int64_t *ret_unix_ns) SG_MUST_CHECK;

/* A parameter of the query; `absent` when it is not given. SG_ERR_BAD_FIELD with detail. */
enum sg_err rfc3339_in_query(struct request *r, const char *name, int64_t absent,
                             int64_t *ret_unix_ns) SG_MUST_CHECK;

#endif
