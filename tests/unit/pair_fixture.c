/* SPDX-License-Identifier: Apache-2.0 */
/* Makes certificates for tests; it checks nothing itself. */
#include "pair_fixture.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY 86400
#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

/* One that was just made does not know its own names. */
static void read_again(struct pair *p)
{
    gnutls_datum_t der;

    MUST(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_DER, &der) == 0);
    gnutls_x509_crt_deinit(p->crt);
    MUST(gnutls_x509_crt_init(&p->crt) == 0);
    MUST(gnutls_x509_crt_import(p->crt, &der, GNUTLS_X509_FMT_DER) == 0);
    gnutls_free(der.data);
}

struct pair pair_make(const char *name, const struct pair_shape *shape, const struct pair *issuer)
{
    static unsigned char serial[8] = {1};
    time_t now = time(NULL);
    struct pair p;
    uint8_t id[20];
    size_t id_len = sizeof id;

    serial[7]++;
    MUST(gnutls_x509_privkey_init(&p.key) == 0);
    if (shape->rsa_bits > 0)
        MUST(gnutls_x509_privkey_generate(p.key, GNUTLS_PK_RSA, (unsigned)shape->rsa_bits, 0) == 0);
    else
        MUST(gnutls_x509_privkey_generate(
                 p.key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0);
    MUST(gnutls_x509_crt_init(&p.crt) == 0);
    MUST(gnutls_x509_crt_set_version(p.crt, 3) == 0);
    MUST(gnutls_x509_crt_set_serial(p.crt, serial, sizeof serial) == 0);
    MUST(gnutls_x509_crt_set_activation_time(p.crt, now + shape->from_days * DAY) == 0);
    MUST(gnutls_x509_crt_set_expiration_time(p.crt, now + shape->until_days * DAY) == 0);
    MUST(gnutls_x509_crt_set_dn_by_oid(p.crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                       (unsigned)strlen(name)) == 0);
    MUST(gnutls_x509_crt_set_basic_constraints(p.crt, shape->ca, -1) == 0);
    if (shape->ca)
        MUST(gnutls_x509_crt_set_key_usage(p.crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN |
                                                      GNUTLS_KEY_DIGITAL_SIGNATURE) == 0);
    if (shape->purpose != NULL)
        MUST(gnutls_x509_crt_set_key_purpose_oid(p.crt, shape->purpose, 0) == 0);
    MUST(gnutls_x509_crt_set_key(p.crt, p.key) == 0);
    MUST(gnutls_x509_crt_get_key_id(p.crt, 0, id, &id_len) == 0);
    MUST(gnutls_x509_crt_set_subject_key_id(p.crt, id, id_len) == 0);
    MUST(gnutls_x509_crt_sign2(p.crt, issuer != NULL ? issuer->crt : p.crt,
                               issuer != NULL ? issuer->key : p.key,
                               shape->digest != 0 ? shape->digest : GNUTLS_DIG_SHA256, 0) == 0);
    read_again(&p);
    return p;
}

void pair_drop(struct pair *p)
{
    gnutls_x509_crt_deinit(p->crt);
    gnutls_x509_privkey_deinit(p->key);
}
