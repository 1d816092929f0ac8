/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that users' TLS clients show (RFC 5280), by the gateway's CA. */
#ifndef SG_KEYRING_CLIENTCERT_H
#define SG_KEYRING_CLIENTCERT_H

#include "base/buf.h"
#include "base/err.h"
#include "certs/pki.h"
#include "ipc/identity.h"

/* Appends the certificate (DER). SG_ERR_BAD_FIELD for a user's name, a key or a life that is not of
 * its form; SG_ERR_CONFLICT when the CA's certificate is not valid now. */
enum sg_err clientcert_issue(const struct pki_issuer *issuer, const char *crl_uri,
                             const struct keyring_client_cert *m, int64_t now_s,
                             struct buf *out) SG_MUST_CHECK;

#endif
