/* SPDX-License-Identifier: Apache-2.0 */
/* Describes certificates; it never judges them. */
#include "http/certinfo.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define LAST_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z, also for "no defined end" */

static int64_t limit_time(time_t t)
{
    return t < 0 || t > LAST_S ? LAST_S : (int64_t)t;
}

static void read_subject(gnutls_x509_crt_t crt, struct certinfo *ret)
{
    size_t size = sizeof ret->subject;

    if (gnutls_x509_crt_get_dn(crt, ret->subject, &size) < 0)
        ret->subject[0] = 0;
}

/* Turns a subject alternative name in place into text; false when it is of no use. */
static int name_to_text(int type, char *name, size_t len)
{
    char text[INET6_ADDRSTRLEN];

    if (type == GNUTLS_SAN_DNSNAME)
        return len < SG_CERT_TEXT_SIZE && memchr(name, 0, len) == NULL;
    if (type != GNUTLS_SAN_IPADDRESS || (len != 4 && len != 16) ||
        inet_ntop(len == 4 ? AF_INET : AF_INET6, name, text, sizeof text) == NULL)
        return 0;
    memcpy(name, text, strlen(text) + 1);
    return 1;
}

static void read_names(gnutls_x509_crt_t crt, struct certinfo *ret)
{
    for (unsigned i = 0; ret->name_count < SG_CERT_NAMES_MAX; i++) {
        char *name = ret->names[ret->name_count];
        size_t size = SG_CERT_TEXT_SIZE - 1;
        int type;

        memset(name, 0, SG_CERT_TEXT_SIZE);
        type = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, NULL);
        if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
            continue;
        if (type < 0)
            break;
        ret->name_count += (size_t)name_to_text(type, name, size);
    }
}

enum sg_err certinfo_read(const uint8_t *der, size_t len, struct certinfo *ret)
{
    gnutls_datum_t data = {.data = (unsigned char *)(uintptr_t)der, .size = (unsigned)len};
    size_t size = sizeof ret->sha256;
    gnutls_x509_crt_t crt;
    enum sg_err err = SG_ERR_BAD_FIELD;

    if (der == NULL || len == 0 || len > INT_MAX)
        return SG_ERR_BAD_FIELD;
    if (gnutls_x509_crt_init(&crt) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_DER) == 0 &&
        gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, ret->sha256, &size) == 0) {
        ret->name_count = 0;
        read_subject(crt, ret);
        read_names(crt, ret);
        ret->not_before_s = limit_time(gnutls_x509_crt_get_activation_time(crt));
        ret->not_after_s = limit_time(gnutls_x509_crt_get_expiration_time(crt));
        err = SG_OK;
    }
    gnutls_x509_crt_deinit(crt);
    return err;
}
