/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of other people's CAs with their rules and revocation lists. A list that cannot be read
 * never takes the place of one that could. */
#include "core/certificates_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "certs/pki.h"
#include "core/sha256.h"

#define CRL_MAX   (16 * 1024 * 1024) /* bytes of a file */
#define LISTS_MAX 64                 /* in a file */

/* What of a file tells that it is another one. */
struct stamp {
    int64_t mtime_ns;
    uint64_t inode, size;
};

/* What a file of revocation lists held; shared by the sets that trust the same CA. */
struct certificates_revoked {
    unsigned refs;
    struct stamp stamp;
    gnutls_x509_crl_t *list;
    unsigned count;
};

enum sg_err certificates_trust_new(struct certificates_trust **ret)
{
    struct certificates_trust *t = calloc(1, sizeof *t);

    if (t == NULL)
        return SG_ERR_NO_MEMORY;
    *ret = t;
    return SG_OK;
}

static void revoked_unref(struct certificates_revoked *r)
{
    if (r == NULL || --r->refs > 0)
        return;
    for (unsigned i = 0; i < r->count; i++)
        gnutls_x509_crl_deinit(r->list[i]);
    gnutls_free(r->list);
    free(r);
}

static void ca_fini(struct trusted_ca *ca)
{
    for (unsigned i = 0; i < ca->count; i++)
        gnutls_x509_crt_deinit(ca->cert[i]);
    gnutls_free(ca->cert);
    revoked_unref(ca->revoked);
    free(ca->crl_file);
}

void certificates_trust_free(struct certificates_trust *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++)
        ca_fini(&t->ca[i]);
    free(t);
}

const struct trusted_ca *certificates_trust_find(const struct certificates_trust *t,
                                                 const uint8_t sha256[SG_DIGEST_SIZE])
{
    for (size_t i = 0; t != NULL && i < t->count; i++)
        if (memcmp(t->ca[i].sha256, sha256, SG_DIGEST_SIZE) == 0)
            return &t->ca[i];
    return NULL;
}

/* -- revocation lists ---------------------------------------------------------------------------
 */

static enum sg_err stamp_of(const char *path, struct stamp *ret)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return SG_ERR_NOT_FOUND;
    *ret = (struct stamp){.mtime_ns = st.st_mtim.tv_sec * SG_NS_PER_S + st.st_mtim.tv_nsec,
                          .inode = st.st_ino,
                          .size = (uint64_t)st.st_size};
    return SG_OK;
}

/* Whether one of the CA's certificates has signed the list. */
static bool is_theirs(const struct trusted_ca *ca, gnutls_x509_crl_t crl)
{
    for (unsigned i = 0; i < ca->count; i++)
        if (pki_crl_is_issued_by(crl, ca->cert[i]))
            return true;
    return false;
}

/* PEM, several one after the other, or one in DER. */
static enum sg_err parse_lists(struct buf *b, struct certificates_revoked *r)
{
    gnutls_datum_t datum = {.data = b->data, .size = (unsigned)b->len};

    if (b->len == 0)
        return SG_ERR_CORRUPT;
    if (gnutls_x509_crl_list_import2(&r->list, &r->count, &datum, GNUTLS_X509_FMT_PEM, 0) >= 0)
        return r->count > 0 && r->count <= LISTS_MAX ? SG_OK : SG_ERR_CORRUPT;
    r->count = 0;
    r->list = gnutls_malloc(sizeof *r->list);
    if (r->list == NULL || gnutls_x509_crl_init(&r->list[0]) < 0)
        return SG_ERR_NO_MEMORY;
    r->count = 1;
    return gnutls_x509_crl_import(r->list[0], &datum, GNUTLS_X509_FMT_DER) < 0 ? SG_ERR_CORRUPT
                                                                               : SG_OK;
}

static enum sg_err read_lists(const struct trusted_ca *ca, struct certificates_revoked **ret)
{
    struct certificates_revoked *r = calloc(1, sizeof *r);
    SG_BUF_CLEANUP struct buf b;
    enum sg_err err;

    buf_init(&b, CRL_MAX);
    if (r == NULL)
        return SG_ERR_NO_MEMORY;
    r->refs = 1;
    /* What is written in between is read again, for its stamp is another. */
    err = stamp_of(ca->crl_file, &r->stamp);
    if (err == SG_OK)
        err = file_read(ca->crl_file, &b);
    if (err == SG_OK)
        err = parse_lists(&b, r);
    for (unsigned i = 0; err == SG_OK && i < r->count; i++)
        err = is_theirs(ca, r->list[i]) ? SG_OK : SG_ERR_CORRUPT;
    if (err == SG_OK)
        *ret = r;
    else
        revoked_unref(r);
    return err;
}

bool certificates_trust_reread(struct certificates_trust *t, size_t i,
                               struct certificates_revoked **ret)
{
    struct trusted_ca *ca = &t->ca[i];
    struct stamp stamp;
    enum sg_err err;

    if (ca->crl_file == NULL)
        return false;
    err = stamp_of(ca->crl_file, &stamp);
    if (err == SG_OK && memcmp(&stamp, &ca->revoked->stamp, sizeof stamp) == 0)
        return false;
    if (err == SG_OK)
        err = read_lists(ca, ret);
    log_write(err == SG_OK ? SG_LOG_INFO : SG_LOG_ERROR, "client_ca.revocation_list",
              SG_STR("file", ca->crl_file), SG_STR("result", err_code(err)));
    return err == SG_OK;
}

void certificates_trust_renew(struct certificates_trust *t, size_t i,
                              struct certificates_revoked *revoked)
{
    revoked_unref(t->ca[i].revoked);
    t->ca[i].revoked = revoked;
}

bool certificates_trust_revokes(const struct trusted_ca *ca, gnutls_x509_crt_t cert)
{
    return ca->revoked != NULL &&
           gnutls_x509_crt_check_revocation(cert, ca->revoked->list, ca->revoked->count) != 0;
}

/* That of the CA's former set, when the file cannot be read at the moment. */
static struct certificates_revoked *former_lists(const struct certificates_trust *former,
                                                 const struct trusted_ca *ca)
{
    const struct trusted_ca *same = certificates_trust_find(former, ca->sha256);

    if (same == NULL || same->crl_file == NULL || strcmp(same->crl_file, ca->crl_file) != 0)
        return NULL;
    same->revoked->refs++;
    return same->revoked;
}

static enum sg_err take_lists(struct trusted_ca *ca, const char *crl_file,
                              const struct certificates_trust *former)
{
    enum sg_err err;

    ca->crl_file = strdup(crl_file);
    if (ca->crl_file == NULL)
        return SG_ERR_NO_MEMORY;
    err = read_lists(ca, &ca->revoked);
    if (err == SG_OK)
        return SG_OK;
    ca->revoked = former_lists(former, ca);
    if (ca->revoked == NULL)
        return err;
    log_write(SG_LOG_ERROR, "client_ca.revocation_list", SG_STR("file", crl_file),
              SG_STR("result", err_code(err)));
    return SG_OK;
}

/* -- CAs ----------------------------------------------------------------------------------------
 */

static enum sg_err read_certificates(struct trusted_ca *ca, const char *pem, size_t len)
{
    gnutls_datum_t datum = {.size = (unsigned)len};

    memcpy(&datum.data, &pem, sizeof datum.data); /* only read */
    return gnutls_x509_crt_list_import2(&ca->cert, &ca->count, &datum, GNUTLS_X509_FMT_PEM, 0) < 0
               ? SG_ERR_CORRUPT
               : SG_OK;
}

enum sg_err certificates_trust_add(struct certificates_trust *t, const struct certificates_ca *of,
                                   const struct certificates *former, const char **ret_reason)
{
    struct trusted_ca ca = {.count = 0};
    enum sg_err err;

    *ret_reason = "there are too many CAs";
    if (t->count == SG_CERTIFICATES_CAS)
        return SG_ERR_LIMIT;
    *ret_reason = "the rule is none of cn, email, email@DOMAIN, uri, dns";
    err = certrule_parse(of->rule, &ca.rule);
    if (err == SG_OK) {
        *ret_reason = "the CA's certificates cannot be read";
        sha256_digest(of->pem, of->pem_len, ca.sha256);
        err = read_certificates(&ca, of->pem, of->pem_len);
    }
    if (err == SG_OK && of->crl_file != NULL) {
        *ret_reason = "the revocation list cannot be read, or is not by this CA";
        err = take_lists(&ca, of->crl_file, certificates_foreign_trusted(former));
    }
    if (err != SG_OK) {
        ca_fini(&ca);
        return err;
    }
    t->ca[t->count++] = ca;
    return SG_OK;
}
