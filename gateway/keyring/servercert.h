/* SPDX-License-Identifier: Apache-2.0 */
/* The public certificate files of the data directory: ca.pem and its copy tls/ca.pem, which the
 * worker may read, and tls/server.pem (leaf, then CA). */
#ifndef SG_KEYRING_SERVERCERT_H
#define SG_KEYRING_SERVERCERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "certs/pki.h"
#include "ipc/keyring.h"

struct servercert_request {
    const char *data; /* the data directory */
    struct pki_issuer issuer;
    gnutls_privkey_t key; /* the server's */
    const struct keyring_names *names;
    const char *crl_uri; /* where the CA's revocation list is; NULL: not said */
    int64_t now_s;
};

/* Writes DATA/ca.pem and DATA/tls/ca.pem (0644), unless they hold exactly this certificate already.
 */
enum sg_err servercert_publish_ca(const char *data, gnutls_x509_crt_t ca) SG_MUST_CHECK;

/* Issues DATA/tls/server.pem (0644) unless the one that is there still serves. SG_ERR_BAD_FIELD for
 * names. */
enum sg_err servercert_ensure(const struct servercert_request *request,
                              bool *ret_changed) SG_MUST_CHECK;

#endif
