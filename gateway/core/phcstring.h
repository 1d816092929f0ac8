/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encoded form of a password's hash (PHC string format, as by the reference implementation of
 * argon2): $argon2id$v=19$m=19456,t=2,p=1$SALT$TAG, base64 without padding. One hash has one form:
 * what is accepted is exactly what would be written.
 */
#ifndef SG_CORE_PHCSTRING_H
#define SG_CORE_PHCSTRING_H

#include <stdint.h>

#include "base/err.h"

#define SG_PHC_SIZE      160 /* bytes with NUL */
#define SG_PHC_SALT_SIZE 16
#define SG_PHC_TAG_SIZE  32

/* More than this no configuration allows, so no hash can have it (RFC 9106, 3.1, has far more). */
#define SG_PHC_MEMORY_KIB_MAX 4194304
#define SG_PHC_PASSES_MAX     100
#define SG_PHC_LANES_MAX      64

struct phcstring {
    unsigned memory_kib; /* 8 for each lane, or more */
    unsigned passes, lanes;
    uint8_t salt[SG_PHC_SALT_SIZE];
    uint8_t tag[SG_PHC_TAG_SIZE];
};

/* Whether argon2 takes these costs and a configuration allows them: SG_OK or SG_ERR_BAD_FIELD. */
enum sg_err phcstring_check(const struct phcstring *p) SG_MUST_CHECK;

/* SG_ERR_CORRUPT for every other text: another algorithm or version, costs that phcstring_check
 * refuses, a salt or tag of another length, anything left over. */
enum sg_err phcstring_read(const char *text, struct phcstring *ret) SG_MUST_CHECK;

/* `p` must be one that phcstring_check accepts. */
void phcstring_write(const struct phcstring *p, char ret[SG_PHC_SIZE]);

#endif
