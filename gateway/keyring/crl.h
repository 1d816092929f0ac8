/* SPDX-License-Identifier: Apache-2.0 */
/* The CA's revocation list in the data directory: DATA/tls/ca.crl (DER). */
#ifndef SG_KEYRING_CRL_H
#define SG_KEYRING_CRL_H

#include <stdint.h>

#include "base/err.h"
#include "certs/pki.h"

/* Writes DATA/tls/ca.crl (0644) unless the list that is there is this CA's, has exactly these
 * certificates and at least half of its life left; `now_ns` is the time since 1970. Numbers rise,
 * also over a lost file and a clock that was set back while the file is there. Not from two threads
 * at once. */
enum sg_err crl_ensure(const char *data, const struct pki_issuer *issuer,
                       const struct pki_revoked *revoked, size_t count,
                       int64_t now_ns) SG_MUST_CHECK;

/* The address of the list on a gateway whose public address is `issuer`: "ISSUER/v1/ca/crl". NULL
 * in *ret when the issuer is no http or https address. Free with free(). */
enum sg_err crl_uri(const char *issuer, char **ret) SG_MUST_CHECK;

#endif
