/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's end of TLS: the chain that it shows, signed for by the keyring, and the CAs whose
 * certificates of clients count. It sees no private key. */
#include "app/worker_internal.h"

#include <stdlib.h>
#include <string.h>

#include "app/clientca.h"
#include "base/file.h"
#include "base/log.h"
#include "certs/pki.h"
#include "http/tls.h"
#include "ipc/keyring_client.h"

#define CA_FILE_MAX (1024 * 1024) /* bytes */

static enum sg_err signer_has_key(void *ctx, const uint8_t spki_sha256[32], uint32_t *ret_algorithm,
                                  uint32_t *ret_bits)
{
    return keyring_client_has_tls_key(ctx, spki_sha256, ret_algorithm, ret_bits);
}

static enum sg_err signer_sign(void *ctx, const uint8_t spki_sha256[32], uint32_t sign_algorithm,
                               const uint8_t *digest, size_t digest_len, uint8_t *ret_signature,
                               size_t cap, size_t *ret_len)
{
    struct keyring_sign_tls m = {.sign_algorithm = sign_algorithm, .digest_len = digest_len};

    if (digest_len > sizeof m.digest)
        return SG_ERR_BAD_FIELD;
    memcpy(m.spki_sha256, spki_sha256, sizeof m.spki_sha256);
    memcpy(m.digest, digest, digest_len);
    return keyring_client_sign_tls(ctx, &m, ret_signature, cap, ret_len);
}

static enum sg_err fail(const char *event, const char *file, enum sg_err err)
{
    log_write(SG_LOG_ERROR, event, SG_STR("file", file), SG_STR("error", err_code(err)));
    return err;
}

static enum sg_err trust_file(struct tls_bundle *bundle, const char *file)
{
    SG_BUF_CLEANUP struct buf pem;
    enum sg_err err;

    buf_init(&pem, CA_FILE_MAX);
    err = file_read(file, &pem);
    if (err == SG_OK)
        err = tls_bundle_trust(bundle, (const char *)pem.data, pem.len);
    return err == SG_OK ? SG_OK : fail("client_ca.load", file, err);
}

/* The gateway's own CA comes first, then those of the configuration in their order:
 * request_certificate tells them apart by these numbers. */
static enum sg_err trust_clients(const struct worker *w, struct tls_bundle *bundle)
{
    enum sg_err err = trust_file(bundle, w->layout.tls_ca);

    for (size_t i = 0; i < w->config.client_ca.count && err == SG_OK; i++) {
        char *file = clientca_word(w->config.client_ca.item[i], SG_CLIENTCA_FILE);

        err = file != NULL ? trust_file(bundle, file) : SG_ERR_NO_MEMORY;
        free(file);
    }
    return err;
}

enum sg_err worker_load_tls(struct worker *w, struct tls_bundle **ret)
{
    const struct tls_signer signer = {w->keyring, signer_has_key, signer_sign};
    struct tls_bundle *bundle = NULL;
    SG_BUF_CLEANUP struct buf pem;
    enum sg_err err;

    buf_init(&pem, SG_PKI_PEM_MAX);
    err = file_read(w->layout.certificate, &pem);
    if (err == SG_OK)
        err = tls_bundle_load((const char *)pem.data, pem.len, &signer, &bundle);
    if (err != SG_OK)
        return fail("certificate.load", w->layout.certificate, err);
    if (w->config.client_certificates != SG_CERTIFICATES_OFF)
        err = trust_clients(w, bundle);
    if (err != SG_OK) {
        tls_bundle_unref(bundle);
        return err;
    }
    *ret = bundle;
    return SG_OK;
}
