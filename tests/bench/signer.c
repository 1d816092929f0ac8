/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare rate of GnuTLS: signs messages as long as a record, in one thread, for some seconds, and
 * prints how many it made in a second.
 *   signer ed25519|ecdsa-p256|rsa-3072 SECONDS
 */
#include <gnutls/abstract.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGE 560 /* bytes: a record of one digest with its DSSE encoding */

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int generate(const char *type, gnutls_privkey_t key, gnutls_sign_algorithm_t *ret)
{
    if (strcmp(type, "ed25519") == 0) {
        *ret = GNUTLS_SIGN_EDDSA_ED25519;
        return gnutls_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519,
                                       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519), 0);
    }
    if (strcmp(type, "ecdsa-p256") == 0) {
        *ret = GNUTLS_SIGN_ECDSA_SHA256;
        return gnutls_privkey_generate(key, GNUTLS_PK_ECDSA,
                                       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    }
    if (strcmp(type, "rsa-3072") == 0) {
        *ret = GNUTLS_SIGN_RSA_SHA256;
        return gnutls_privkey_generate(key, GNUTLS_PK_RSA, 3072, 0);
    }
    return GNUTLS_E_INVALID_REQUEST;
}

int main(int argc, char **argv)
{
    gnutls_sign_algorithm_t algorithm;
    gnutls_privkey_t key;
    unsigned char text[MESSAGE];
    const gnutls_datum_t message = {.data = text, .size = sizeof text};
    double seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
    unsigned long count = 0;
    double began;

    if (seconds <= 0 || gnutls_privkey_init(&key) < 0 || generate(argv[1], key, &algorithm) < 0) {
        (void)fprintf(stderr, "usage: signer ed25519|ecdsa-p256|rsa-3072 SECONDS\n");
        return 2;
    }
    memset(text, 'x', sizeof text);
    began = now_s();
    while (now_s() - began < seconds) {
        for (int i = 0; i < 16; i++) {
            gnutls_datum_t signature;

            memcpy(text, &count, sizeof count);
            if (gnutls_privkey_sign_data2(key, algorithm, 0, &message, &signature) < 0)
                return 1;
            gnutls_free(signature.data);
            count++;
        }
    }
    (void)printf("%.1f\n", (double)count / (now_s() - began));
    gnutls_privkey_deinit(key);
    return 0;
}
