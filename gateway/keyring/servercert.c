/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the public certificate files as they should be; it never touches one that still serves. */
#include "keyring/servercert.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

static enum sg_err publish(const char *data, const char *name, gnutls_x509_crt_t ca)
{
    char *path = file_join(data, name);
    struct pki_chain chain = {.count = 0};
    enum sg_err err = path != NULL ? pki_chain_load(path, &chain) : SG_ERR_NO_MEMORY;

    if (path != NULL &&
        (err != SG_OK || chain.count != 1 || gnutls_x509_crt_equals(chain.cert[0], ca) == 0)) {
        err = pki_chain_save(path, &ca, 1, 0644);
        log_write(err == SG_OK ? SG_LOG_INFO : SG_LOG_ERROR, "keyring.ca_written",
                  SG_STR("path", path), SG_STR("result", err_code(err)));
    }
    pki_chain_fini(&chain);
    free(path);
    return err;
}

enum sg_err servercert_publish_ca(const char *data, gnutls_x509_crt_t ca)
{
    char *dir = file_join(data, "tls");
    enum sg_err err = dir != NULL ? file_mkdirs(dir, 0755) : SG_ERR_NO_MEMORY;

    free(dir);
    if (err == SG_OK)
        err = publish(data, "ca.pem", ca);
    if (err == SG_OK)
        err = publish(data, "tls/ca.pem", ca);
    return err;
}

/* Why the certificate no longer serves; NULL when it does. */
static const char *find_fault(const struct servercert_request *r, const struct pki_chain *chain)
{
    uint8_t of_key[SG_PKI_SHA256_SIZE];
    uint8_t of_cert[SG_PKI_SHA256_SIZE];
    gnutls_x509_crt_t leaf = chain->cert[0];

    if (chain->count != 2 || gnutls_x509_crt_equals(chain->cert[1], r->issuer.cert) == 0 ||
        !pki_is_issued_by(leaf, r->issuer.cert))
        return "issuer";
    if (pki_key_spki_sha256(r->key, of_key) != SG_OK ||
        pki_cert_spki_sha256(leaf, of_cert) != SG_OK || memcmp(of_key, of_cert, sizeof of_key) != 0)
        return "key";
    for (size_t i = 0; i < r->names->count; i++)
        if (!pki_covers(leaf, r->names->name[i]))
            return "name";
    if (!pki_has_crl_uri(leaf, r->crl_uri))
        return "revocation list";
    if (pki_seconds_left(leaf, r->now_s) < pki_lifetime_s(leaf) / 3)
        return "age";
    return NULL;
}

static enum sg_err issue(const struct servercert_request *r, const char *path)
{
    const char *names[SG_KEYRING_NAMES_MAX];
    struct pki_request request = {
        .purpose = SG_PKI_SERVER,
        .names = names,
        .name_count = r->names->count,
        .crl_uri = r->crl_uri,
        .now_s = r->now_s,
    };
    gnutls_x509_crt_t certs[2] = {NULL, r->issuer.cert};
    enum sg_err err = SG_ERR_INTERNAL;

    for (size_t i = 0; i < r->names->count; i++)
        names[i] = r->names->name[i];
    if (gnutls_pubkey_init(&request.public_key) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_pubkey_import_privkey(request.public_key, r->key, 0, 0) >= 0)
        err = pki_issue(&r->issuer, &request, &certs[0]);
    gnutls_pubkey_deinit(request.public_key);
    if (err != SG_OK)
        return err;
    err = pki_chain_save(path, certs, 2, 0644);
    gnutls_x509_crt_deinit(certs[0]);
    return err;
}

static enum sg_err ensure_file(const struct servercert_request *r, const char *path,
                               bool *ret_changed)
{
    struct pki_chain chain = {.count = 0};
    enum sg_err err = pki_chain_load(path, &chain);
    const char *fault = err == SG_OK ? find_fault(r, &chain) : err_code(err);

    pki_chain_fini(&chain);
    if (fault == NULL) {
        *ret_changed = false;
        return SG_OK;
    }
    err = issue(r, path);
    log_write(err == SG_OK ? SG_LOG_INFO : SG_LOG_ERROR, "keyring.server_certificate",
              SG_STR("path", path), SG_STR("reason", fault), SG_STR("result", err_code(err)));
    if (err == SG_OK)
        *ret_changed = true;
    return err;
}

enum sg_err servercert_ensure(const struct servercert_request *r, bool *ret_changed)
{
    char *dir;
    char *path = NULL;
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (r->names->count == 0)
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < r->names->count; i++)
        if (!pki_name_is_valid(r->names->name[i]))
            return SG_ERR_BAD_FIELD;
    dir = file_join(r->data, "tls");
    if (dir != NULL)
        path = file_join(dir, "server.pem");
    if (path != NULL)
        err = file_mkdirs(dir, 0755);
    if (err == SG_OK)
        err = ensure_file(r, path, ret_changed);
    free(path);
    free(dir);
    return err;
}
