/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of every shape, with their keys, for tests. */
#ifndef SG_TESTS_PAIR_FIXTURE_H
#define SG_TESTS_PAIR_FIXTURE_H

#include <gnutls/x509.h>
#include <stdbool.h>

struct pair {
    gnutls_x509_crt_t crt;
    gnutls_x509_privkey_t key;
};

/* What a certificate says of itself, besides its name; days are from now. */
struct pair_shape {
    bool ca;
    const char *purpose; /* NULL: none */
    int from_days, until_days;
    gnutls_digest_algorithm_t digest; /* 0: SHA-256 */
    int rsa_bits;                     /* 0: P-256 */
};

/* `issuer` NULL: signed by itself. Aborts when it cannot be made. */
struct pair pair_make(const char *name, const struct pair_shape *shape, const struct pair *issuer);
void pair_drop(struct pair *p);

#endif
