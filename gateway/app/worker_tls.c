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
#include "core/certificates.h"
#include "http/server.h"
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

static enum sg_err trust_own(const struct worker *w, struct tls_bundle *bundle)
{
    SG_BUF_CLEANUP struct buf pem;
    enum sg_err err;

    buf_init(&pem, CA_FILE_MAX);
    err = file_read(w->layout.tls_ca, &pem);
    if (err == SG_OK)
        err = tls_bundle_trust(bundle, (const char *)pem.data, pem.len);
    return err == SG_OK ? SG_OK : fail("client_ca.load", w->layout.tls_ca, err);
}

/* One text for both, so that they mean the same CA. */
static enum sg_err trust_text(const struct worker *w, const struct certificates_ca *ca,
                              struct worker_trust *ret, const char **ret_reason)
{
    enum sg_err err;

    *ret_reason = "these are no certificates of CAs";
    err = tls_bundle_trust(ret->bundle, ca->pem, ca->pem_len);
    return err == SG_OK ? certificates_trust_add(ret->clients, ca, w->certificates, ret_reason)
                        : err;
}

static enum sg_err trust_entry(const struct worker *w, const char *entry, struct worker_trust *ret)
{
    char *file = clientca_word(entry, SG_CLIENTCA_FILE);
    char *rule = clientca_word(entry, SG_CLIENTCA_RULE);
    char *crl = clientca_word(entry, SG_CLIENTCA_CRL);
    const char *reason = "it is not FILE RULE [CRL]";
    enum sg_err err = file != NULL && rule != NULL ? SG_OK : SG_ERR_BAD_FIELD;
    SG_BUF_CLEANUP struct buf pem;

    buf_init(&pem, CA_FILE_MAX);
    if (err == SG_OK) {
        reason = "its file cannot be read; one that was in no known directory at the start needs a "
                 "restart";
        err = file_read(file, &pem);
    }
    if (err == SG_OK)
        err =
            trust_text(w,
                       &(struct certificates_ca){
                           .pem = buf_str(&pem), .pem_len = pem.len, .rule = rule, .crl_file = crl},
                       ret, &reason);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "client_ca.load", SG_STR("file", file != NULL ? file : ""),
                  SG_STR("entry", entry), SG_STR("reason", reason), SG_STR("error", err_code(err)));
    free(crl);
    free(rule);
    free(file);
    return err;
}

static enum sg_err load_chain(struct worker *w, struct tls_bundle **ret)
{
    const struct tls_signer signer = {w->keyring, signer_has_key, signer_sign};
    SG_BUF_CLEANUP struct buf pem;
    enum sg_err err;

    buf_init(&pem, SG_PKI_PEM_MAX);
    err = file_read(w->layout.certificate, &pem);
    if (err == SG_OK)
        err = tls_bundle_load((const char *)pem.data, pem.len, &signer, ret);
    return err == SG_OK ? SG_OK : fail("certificate.load", w->layout.certificate, err);
}

enum sg_err worker_load_tls(struct worker *w, unsigned mode, const struct config_list *client_ca,
                            struct worker_trust *ret)
{
    struct worker_trust made = {.bundle = NULL};
    enum sg_err err = load_chain(w, &made.bundle);

    if (err == SG_OK)
        err = certificates_trust_new(&made.clients);
    if (err == SG_OK && mode != SG_CERTIFICATES_OFF) {
        /* The gateway's own CA comes first. */
        err = trust_own(w, made.bundle);
        for (size_t i = 0; i < client_ca->count && err == SG_OK; i++)
            err = trust_entry(w, client_ca->item[i], &made);
    }
    if (err == SG_OK)
        *ret = made;
    else
        worker_trust_fini(&made);
    return err;
}

void worker_trust_fini(struct worker_trust *t)
{
    certificates_trust_free(t->clients);
    t->clients = NULL;
    tls_bundle_unref(t->bundle);
    t->bundle = NULL;
}

void worker_set_mode(struct worker *w, unsigned mode)
{
    atomic_store(&w->api.certificates_asked, mode != SG_CERTIFICATES_OFF);
    atomic_store(&w->api.certificates_required, mode == SG_CERTIFICATES_REQUIRED);
}

/* What is not trusted any more is refused before connections are looked at anew, and what is new
 * counts before they are. */
static void use(struct worker *w, unsigned mode, struct worker_trust *trust)
{
    if (mode == SG_CERTIFICATES_OFF)
        worker_set_mode(w, mode);
    certificates_trust_use(w->certificates, &trust->clients);
    server_set_tls(w->server, trust->bundle);
    worker_set_mode(w, mode);
}

enum sg_err worker_reload_tls(struct worker *w, unsigned mode, const struct config_list *client_ca)
{
    struct worker_trust trust;
    enum sg_err err = worker_load_tls(w, mode, client_ca, &trust);

    if (err != SG_OK)
        return err;
    use(w, mode, &trust);
    worker_trust_fini(&trust);
    return SG_OK;
}
