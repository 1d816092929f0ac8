/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client certificates: issuing for users, revoking, and whose certificate a connection shows.
 * What is known of certificates is held in memory, so that looking never blocks; a revocation
 * counts when certificates_revoke returns, on open connections and resumed TLS sessions too.
 */
#ifndef SG_CORE_CERTIFICATES_H
#define SG_CORE_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/identity.h"

struct certificates;

/* A certificate that a TLS connection proved to hold the key of, and whether it verifies. */
struct shown_certificate {
    const uint8_t *der;
    size_t len;
    uint8_t sha256[32];
    bool verified; /* up to a CA that we trust for clients, for this purpose, at the handshake */
};

/* Who it is: *ret_user_id (0 if it is good but belongs to no user). SG_ERR_CERT_UNKNOWN (a
 * stranger's, or unverified), CERT_EXPIRED, CERT_REVOKED. Does not block. Judges anew at each
 * call: time and revocations go on while connections last. */
enum sg_err certificates_identify(struct certificates *c, const struct shown_certificate *shown,
                                  int64_t now_s, int64_t *ret_user_id) SG_MUST_CHECK;

#endif
