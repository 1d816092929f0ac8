/* SPDX-License-Identifier: Apache-2.0 */
/* What people want to know of a certificate. Pure; any thread. */
#ifndef SG_HTTP_CERTINFO_H
#define SG_HTTP_CERTINFO_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_CERT_NAMES_MAX 32
#define SG_CERT_TEXT_SIZE 256

struct certinfo {
    char subject[SG_CERT_TEXT_SIZE];                  /* RFC 4514 */
    char names[SG_CERT_NAMES_MAX][SG_CERT_TEXT_SIZE]; /* DNS names and IP addresses it is for */
    size_t name_count;
    int64_t not_before_s, not_after_s;
    uint8_t sha256[32]; /* of the DER */
};

/* Reads a DER certificate. SG_ERR_BAD_FIELD when it is none. Names that do not fit are left out. */
enum sg_err certinfo_read(const uint8_t *der, size_t len, struct certinfo *ret) SG_MUST_CHECK;

#endif
