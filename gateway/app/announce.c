/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the first lines that an operator sees. The setup code goes to the terminal, never to the
 * log. */
#include "app/announce.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/secret.h"
#include "certs/pki.h"

/* "AB:CD:..." as openssl prints it; "" when there is no CA (a certificate of the operator's own).
 */
static void ca_fingerprint(const char *path, char ret[SG_PKI_SHA256_SIZE * 3 + 1])
{
    struct pki_chain chain = {0};
    uint8_t digest[SG_PKI_SHA256_SIZE];
    size_t n = 0;

    ret[0] = '\0';
    if (pki_chain_load(path, &chain) != SG_OK)
        return;
    if (pki_cert_sha256(chain.cert[0], digest) == SG_OK) {
        for (size_t i = 0; i < sizeof digest; i++)
            n += (size_t)snprintf(ret + n, 4, "%s%02X", i ? ":" : "", digest[i]);
    }
    pki_chain_fini(&chain);
}

static void print_setup(const struct layout *l, const char *url)
{
    struct buf code;
    const char *secctl = l->secctl != NULL ? l->secctl : "secctl";

    buf_init(&code, 256);
    if (file_read(l->setup_code, &code) == SG_OK) {
        int len = (int)strcspn(buf_str(&code), "\r\n");

        printf("  setup code      %.*s\n\nMake the first account, which becomes the admin:\n\n"
               "  %s signup %s --code %.*s\n",
               len, buf_str(&code), secctl, url, len, buf_str(&code));
    } else {
        printf("\nLog in:\n\n  %s login %s\n", secctl, url);
    }
    buf_wipe(&code);
}

void announce_print(const struct config *c, const struct layout *l, const struct listener *listener)
{
    char fingerprint[SG_PKI_SHA256_SIZE * 3 + 1];

    for (size_t i = 0; i < listener->urls; i++)
        printf("listening on %s\n", listener->url[i]);
    ca_fingerprint(l->ca, fingerprint);
    printf("\nsecgate " SG_VERSION " is ready\n\n  address         %s\n", listener->url[0]);
    if (*c->tls_certificate == '\0' && *fingerprint != '\0')
        printf("  CA certificate  %s\n  CA SHA-256      %s\n", l->ca, fingerprint);
    print_setup(l, listener->url[0]);
    printf("\n");
    fflush(stdout);
}
