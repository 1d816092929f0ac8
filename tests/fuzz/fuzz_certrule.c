/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes certificates of other CAs (DER) under all rules, and rules themselves. What comes out is a
 * user's name. */
#include "core/certrule.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void apply(const char *text, gnutls_x509_crt_t cert)
{
    struct certrule rule;
    char name[SG_USER_NAME_SIZE];

    must(certrule_parse(text, &rule) == SG_OK);
    if (certrule_apply(&rule, cert, name) == SG_OK)
        must(identity_user_name_ok(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gnutls_datum_t der = {(unsigned char *)(uintptr_t)data, (unsigned)size};
    char *text = malloc(size + 1);
    struct certrule rule;
    gnutls_x509_crt_t cert;

    memcpy(text, data, size);
    text[size] = '\0';
    (void)!certrule_parse(text, &rule);
    free(text);
    must(gnutls_x509_crt_init(&cert) == 0);
    if (gnutls_x509_crt_import(cert, &der, GNUTLS_X509_FMT_DER) == 0) {
        apply("cn", cert);
        apply("email", cert);
        apply("email@example.test", cert);
        apply("uri", cert);
        apply("dns", cert);
    }
    gnutls_x509_crt_deinit(cert);
    return 0;
}
