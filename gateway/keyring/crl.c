/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the CA's revocation list fresh; it never replaces one that still serves. */
#include "keyring/crl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define CRL_PATH "/v1/ca/crl"

/* What the list is to say, and when. */
struct wanted {
    const struct pki_issuer *issuer;
    const struct pki_revoked *revoked;
    size_t count;
    int64_t now_ns;
};

/* Why the list no longer serves; NULL when it does. */
static const char *find_fault(gnutls_x509_crl_t crl, const struct wanted *w)
{
    int64_t now_s = w->now_ns / SG_NS_PER_S;
    int64_t left = pki_crl_seconds_left(crl, now_s);

    if (!pki_crl_is_issued_by(crl, w->issuer->cert))
        return "issuer";
    if (!pki_crl_lists(crl, w->revoked, w->count))
        return "revocation";
    if (left > SG_PKI_CRL_LIFE_S) /* made by a clock that was ahead */
        return "clock";
    return left < SG_PKI_CRL_LIFE_S / 2 ? "age" : NULL;
}

static enum sg_err issue(const char *path, const struct wanted *w, uint64_t former)
{
    /* The time in milliseconds, so that numbers rise over a file that was lost. */
    uint64_t now_ms = (uint64_t)(w->now_ns / SG_NS_PER_MS);
    uint64_t number = former >= now_ms ? former + 1 : now_ms;
    gnutls_x509_crl_t crl;
    enum sg_err err =
        pki_make_crl(w->issuer, number, w->now_ns / SG_NS_PER_S, w->revoked, w->count, &crl);

    if (err != SG_OK)
        return err;
    err = pki_crl_save(path, crl, 0644);
    gnutls_x509_crl_deinit(crl);
    return err;
}

static enum sg_err ensure_file(const char *path, const struct wanted *w)
{
    gnutls_x509_crl_t crl = NULL;
    uint64_t former = 0;
    enum sg_err err = pki_crl_load(path, &crl);
    const char *fault = err == SG_OK ? find_fault(crl, w) : err_code(err);

    if (err == SG_OK) {
        former = pki_crl_number(crl);
        gnutls_x509_crl_deinit(crl);
    }
    if (fault == NULL)
        return SG_OK;
    err = issue(path, w, former);
    log_write(err == SG_OK ? SG_LOG_INFO : SG_LOG_ERROR, "keyring.revocation_list",
              SG_STR("path", path), SG_STR("reason", fault), SG_STR("result", err_code(err)));
    return err;
}

enum sg_err crl_ensure(const char *data, const struct pki_issuer *issuer,
                       const struct pki_revoked *revoked, size_t count, int64_t now_ns)
{
    const struct wanted wanted = {
        .issuer = issuer, .revoked = revoked, .count = count, .now_ns = now_ns};
    char *dir = file_join(data, "tls");
    char *path = dir != NULL ? file_join(dir, "ca.crl") : NULL;
    enum sg_err err = path != NULL ? file_mkdirs(dir, 0755) : SG_ERR_NO_MEMORY;

    if (err == SG_OK)
        err = ensure_file(path, &wanted);
    free(path);
    free(dir);
    return err;
}

enum sg_err crl_uri(const char *issuer, char **ret)
{
    size_t len = strlen(issuer);
    size_t size;
    char *uri;

    if (strncmp(issuer, "https://", 8) != 0 && strncmp(issuer, "http://", 7) != 0) {
        *ret = NULL;
        return SG_OK;
    }
    while (issuer[len - 1] == '/')
        len--;
    size = len + sizeof CRL_PATH;
    uri = malloc(size);
    if (uri == NULL)
        return SG_ERR_NO_MEMORY;
    (void)snprintf(uri, size, "%.*s%s", (int)len, issuer, CRL_PATH);
    *ret = uri;
    return SG_OK;
}
