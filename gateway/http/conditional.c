/* SPDX-License-Identifier: Apache-2.0 */
/* Preconditions of RFC 9110 section 13, in its order; it reads no clock and no file. */
#include "http/conditional.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "http/fields.h"

static enum conditional_result check_match(const struct conditional *c,
                                           const struct conditional_state *state)
{
    int64_t limit_s;

    if (c->if_match != NULL) {
        switch (fields_etags(c->if_match, state->etag, true)) {
        case SG_ETAGS_MALFORMED:
            return SG_CONDITION_MALFORMED;
        case SG_ETAGS_NO_MATCH:
            return SG_CONDITION_FAILED;
        case SG_ETAGS_ANY:
            return state->etag != NULL ? SG_CONDITION_PROCEED : SG_CONDITION_FAILED;
        case SG_ETAGS_MATCH:
            break;
        }
        return SG_CONDITION_PROCEED;
    }
    /* An invalid date is ignored (13.1.4). */
    if (c->if_unmodified_since != NULL && state->etag != NULL &&
        clock_parse_http(c->if_unmodified_since, &limit_s) == SG_OK && state->modified_s > limit_s)
        return SG_CONDITION_FAILED;
    return SG_CONDITION_PROCEED;
}

static enum conditional_result check_none_match(const struct conditional *c,
                                                const struct conditional_state *state, bool safe)
{
    enum conditional_result matched = safe ? SG_CONDITION_NOT_MODIFIED : SG_CONDITION_FAILED;
    int64_t limit_s;

    if (c->if_none_match != NULL) {
        switch (fields_etags(c->if_none_match, state->etag, false)) {
        case SG_ETAGS_MALFORMED:
            return SG_CONDITION_MALFORMED;
        case SG_ETAGS_MATCH:
            return matched;
        case SG_ETAGS_ANY:
            return state->etag != NULL ? matched : SG_CONDITION_PROCEED;
        case SG_ETAGS_NO_MATCH:
            break;
        }
        return SG_CONDITION_PROCEED;
    }
    if (safe && c->if_modified_since != NULL && state->etag != NULL &&
        clock_parse_http(c->if_modified_since, &limit_s) == SG_OK && state->modified_s <= limit_s)
        return SG_CONDITION_NOT_MODIFIED;
    return SG_CONDITION_PROCEED;
}

enum conditional_result conditional_check(const struct conditional *c,
                                          const struct conditional_state *state, bool safe)
{
    enum conditional_result result = check_match(c, state);

    return result != SG_CONDITION_PROCEED ? result : check_none_match(c, state, safe);
}

bool conditional_range_holds(const struct conditional *c, const struct conditional_state *state)
{
    const char *value = c->if_range;
    int64_t date_s;

    if (value == NULL)
        return true;
    if (value[0] == '"' || strncmp(value, "W/", 2) == 0)
        return state->etag != NULL && strcmp(value, state->etag) == 0;
    return clock_parse_http(value, &date_s) == SG_OK && state->modified_s == date_s;
}
