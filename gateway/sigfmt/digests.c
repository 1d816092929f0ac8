/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds the same bytes to up to three hash functions; it keeps none of them. */
#include "sigfmt/digests.h"

#include <stdlib.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <sodium.h>

struct digesting {
    gnutls_hash_hd_t sha256;
    gnutls_hash_hd_t sha512;              /* NULL: not made */
    crypto_generichash_blake2b_state *b2; /* NULL: not made; must be aligned to 64 */
};

static void release(struct digesting *d)
{
    if (d->sha256 != NULL)
        gnutls_hash_deinit(d->sha256, NULL);
    if (d->sha512 != NULL)
        gnutls_hash_deinit(d->sha512, NULL);
    free(d->b2);
    free(d);
}

enum sg_err digesting_new(bool sha512, bool blake2b, struct digesting **ret)
{
    struct digesting *d = calloc(1, sizeof *d);

    if (d == NULL)
        return SG_ERR_NO_MEMORY;
    if (gnutls_hash_init(&d->sha256, GNUTLS_DIG_SHA256) != 0)
        goto fail;
    if (sha512 && gnutls_hash_init(&d->sha512, GNUTLS_DIG_SHA512) != 0)
        goto fail;
    if (blake2b) {
        size_t size = (sizeof *d->b2 + 63) / 64 * 64;

        /* Chooses the implementation for this processor; any number of calls is fine. */
        if (sodium_init() < 0 || (d->b2 = aligned_alloc(64, size)) == NULL)
            goto fail;
        (void)crypto_generichash_blake2b_init(d->b2, NULL, 0, 64);
    }
    *ret = d;
    return SG_OK;
fail:
    release(d);
    return SG_ERR_NO_MEMORY;
}

void digesting_add(struct digesting *d, const void *data, size_t len)
{
    (void)gnutls_hash(d->sha256, data, len);
    if (d->sha512 != NULL)
        (void)gnutls_hash(d->sha512, data, len);
    if (d->b2 != NULL)
        (void)crypto_generichash_blake2b_update(d->b2, data, len);
}

void digesting_end(struct digesting **d, struct sig_digests *ret)
{
    struct digesting *of = *d;

    *d = NULL;
    if (of == NULL)
        return;
    if (ret != NULL) {
        *ret =
            (struct sig_digests){.has_sha512 = of->sha512 != NULL, .has_blake2b = of->b2 != NULL};
        gnutls_hash_output(of->sha256, ret->sha256);
        if (of->sha512 != NULL)
            gnutls_hash_output(of->sha512, ret->sha512);
        if (of->b2 != NULL)
            (void)crypto_generichash_blake2b_final(of->b2, ret->blake2b, 64);
    }
    release(of);
}

enum sg_err digesting_memory(const void *data, size_t len, struct sig_digests *ret)
{
    struct digesting *d;
    enum sg_err err = digesting_new(true, true, &d);

    if (err != SG_OK)
        return err;
    digesting_add(d, data, len);
    digesting_end(&d, ret);
    return SG_OK;
}
