/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of a foreign CA's certificate names the user. Pure. */
#ifndef SG_CORE_CERTRULE_H
#define SG_CORE_CERTRULE_H

#include <gnutls/x509.h>

#include "base/err.h"
#include "store/store.h"

enum certrule_kind {
    SG_CERTRULE_CN,    /* `cn`: the common name of the subject */
    SG_CERTRULE_EMAIL, /* `email`, `email@DOMAIN`: what stands before the @ of an address among the
                          alternative names, of that domain only */
    SG_CERTRULE_URI,   /* `uri`: urn:secgate:user:NAME among them */
    SG_CERTRULE_DNS    /* `dns`: a DNS name among them */
};

struct certrule {
    enum certrule_kind kind;
    char domain[256]; /* "": any */
};

/* SG_ERR_BAD_FIELD. */
enum sg_err certrule_parse(const char *text, struct certrule *ret) SG_MUST_CHECK;

/* The user's name, exactly as it stands there. SG_ERR_NOT_FOUND when there is none that could be a
 * user's, or two different ones. */
enum sg_err certrule_apply(const struct certrule *rule, gnutls_x509_crt_t cert,
                           char ret[SG_USER_NAME_SIZE]) SG_MUST_CHECK;

#endif
