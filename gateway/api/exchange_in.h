/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the body of a data exchange. Most are a few dozen bytes, and come as often as anything: the
 * plain form of them is read in one pass, without a tree; what is not plain goes the common way. */
#ifndef SG_API_EXCHANGE_IN_H
#define SG_API_EXCHANGE_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of members, as they came; texts are borrowed and end with no NUL. */
struct exchange_in {
    bool has_sequence, has_epoch;
    int64_t sequence, epoch;
    const char *nonce; /* NULL: none */
    size_t nonce_len;
    const char *data; /* NULL: none */
    size_t data_len;
};

/* False for all that is not an object of these members, each at most once, with integers that have
 * at most 15 digits and strings without escapes: it may be valid nonetheless. Pure. */
bool exchange_in_plain(const char *text, size_t len, struct exchange_in *ret);

#endif
