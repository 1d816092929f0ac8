/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes certificate requests, as text and as DER inside of a text. A key that is taken is one that
 * reads back as the very same bytes. */
#include "core/csr.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>

#include "base/encode.h"

#define DER_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const uint8_t *spki, size_t len)
{
    gnutls_datum_t der = {(unsigned char *)(uintptr_t)spki, (unsigned)len};
    gnutls_datum_t again = {NULL, 0};
    gnutls_pubkey_t key;

    must(gnutls_pubkey_init(&key) == 0);
    must(gnutls_pubkey_import(key, &der, GNUTLS_X509_FMT_DER) == 0);
    must(gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &again) == 0);
    must(again.size == len && memcmp(again.data, spki, len) == 0);
    gnutls_free(again.data);
    gnutls_pubkey_deinit(key);
}

static void read_text(const char *text, size_t len)
{
    uint8_t spki[SG_CSR_SPKI_MAX];
    size_t spki_len = 0;
    const char *reason = NULL;
    enum sg_err err = csr_read(text, len, spki, &spki_len, &reason);

    must(err == SG_OK || (err == SG_ERR_BAD_CSR && reason != NULL));
    if (err == SG_OK)
        check(spki, spki_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + (size == 0 ? 1 : 0)); /* no byte more than there is */
    char base64[SG_BASE64_SIZE(DER_MAX)];
    char text[SG_BASE64_SIZE(DER_MAX) + 128];

    memcpy(copy, data, size);
    read_text(copy, size);
    free(copy);
    if (size > DER_MAX)
        return 0;
    encode_base64(data, size, base64);
    (void)snprintf(text, sizeof text,
                   "-----BEGIN CERTIFICATE REQUEST-----\n%s\n-----END CERTIFICATE REQUEST-----\n",
                   base64);
    read_text(text, strlen(text));
    return 0;
}
