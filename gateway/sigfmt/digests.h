/* SPDX-License-Identifier: Apache-2.0 */
/* The digests of a content, in one pass over its bytes: SHA-256, SHA-512, BLAKE2b-512. */
#ifndef SG_SIGFMT_DIGESTS_H
#define SG_SIGFMT_DIGESTS_H

#include "sigfmt/record.h"

struct digesting;

/* Begins. `sha512` and `blake2b` say which are made besides SHA-256. SG_ERR_NO_MEMORY. */
enum sg_err digesting_new(bool sha512, bool blake2b, struct digesting **ret) SG_MUST_CHECK;
/* The next bytes. */
void digesting_add(struct digesting *d, const void *data, size_t len);
/* The digests of all bytes; ends it and frees. `ret` may be NULL: nothing is wanted any more. */
void digesting_end(struct digesting **d, struct sig_digests *ret);

/* All three of something in memory. */
enum sg_err digesting_memory(const void *data, size_t len, struct sig_digests *ret) SG_MUST_CHECK;

#endif
