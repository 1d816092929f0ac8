/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of other people's CAs: the rule that names a user, and their revocation lists. What
 * a certificate says is read once and remembered until users or lists change. */
#include "core/certificates_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <gnutls/x509.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/thread.h"
#include "certs/pki.h"
#include "core/certrule.h"

#define CRL_MAX   (16 * 1024 * 1024) /* bytes of a file */
#define KNOWN_MAX 1024               /* certificates remembered */

/* What of a file tells that it is another one. */
struct stamp {
    int64_t mtime_ns;
    uint64_t inode, size;
};

struct ca {
    struct certrule rule;
    struct pki_chain chain;
    char *crl_file;        /* NULL: none */
    gnutls_x509_crl_t crl; /* under lock */
    struct stamp stamp;    /* of the file that it is from; the reloading thread's */
};

/* A certificate that was looked at. */
struct known {
    uint8_t sha256[SG_DIGEST_SIZE];
    int64_t user_id; /* 0: free */
};

struct foreign {
    struct users_store users;
    pthread_rwlock_t lock; /* guards the lists of the CAs, `known` and `generation` */
    size_t count;          /* set before requests, as the CAs but for their lists */
    struct ca ca[SG_CERTIFICATES_CAS];
    uint64_t generation; /* counts what made the known ones forgotten */
    struct known known[KNOWN_MAX];
};

enum sg_err certificates_foreign_new(const struct users_store *users, struct foreign **ret)
{
    struct foreign *f = calloc(1, sizeof *f);

    if (f == NULL)
        return SG_ERR_NO_MEMORY;
    if (users != NULL)
        f->users = *users;
    thread_rwlock_init(&f->lock);
    *ret = f;
    return SG_OK;
}

static void ca_fini(struct ca *ca)
{
    pki_chain_fini(&ca->chain);
    if (ca->crl != NULL)
        gnutls_x509_crl_deinit(ca->crl);
    free(ca->crl_file);
}

void certificates_foreign_free(struct foreign *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->count; i++)
        ca_fini(&f->ca[i]);
    (void)pthread_rwlock_destroy(&f->lock);
    free(f);
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
static bool is_theirs(const struct ca *ca, gnutls_x509_crl_t crl)
{
    for (size_t i = 0; i < ca->chain.count; i++)
        if (pki_crl_is_issued_by(crl, ca->chain.cert[i]))
            return true;
    return false;
}

/* PEM or DER. */
static enum sg_err read_crl(const struct ca *ca, gnutls_x509_crl_t *ret)
{
    SG_BUF_CLEANUP struct buf b;
    gnutls_x509_crl_t crl;
    gnutls_datum_t datum;
    enum sg_err err;

    buf_init(&b, CRL_MAX);
    err = file_read(ca->crl_file, &b);
    if (err != SG_OK)
        return err;
    if (b.len == 0)
        return SG_ERR_CORRUPT;
    datum = (gnutls_datum_t){.data = b.data, .size = (unsigned)b.len};
    if (gnutls_x509_crl_init(&crl) < 0)
        return SG_ERR_NO_MEMORY;
    if ((gnutls_x509_crl_import(crl, &datum, GNUTLS_X509_FMT_PEM) < 0 &&
         gnutls_x509_crl_import(crl, &datum, GNUTLS_X509_FMT_DER) < 0) ||
        !is_theirs(ca, crl)) {
        gnutls_x509_crl_deinit(crl);
        return SG_ERR_CORRUPT;
    }
    *ret = crl;
    return SG_OK;
}

static void forget_locked(struct foreign *f)
{
    memset(f->known, 0, sizeof f->known);
    f->generation++;
}

void certificates_foreign_forget(struct foreign *f)
{
    if (f->count == 0)
        return;
    (void)pthread_rwlock_wrlock(&f->lock);
    forget_locked(f);
    (void)pthread_rwlock_unlock(&f->lock);
}

/* The former list goes on counting when the new one cannot be used. */
static void reload(struct foreign *f, struct ca *ca)
{
    gnutls_x509_crl_t crl = NULL;
    struct stamp stamp;
    enum sg_err err = stamp_of(ca->crl_file, &stamp);

    if (err == SG_OK && memcmp(&stamp, &ca->stamp, sizeof stamp) == 0)
        return;
    if (err == SG_OK)
        err = read_crl(ca, &crl);
    if (err == SG_OK) {
        gnutls_x509_crl_t former;

        (void)pthread_rwlock_wrlock(&f->lock);
        former = ca->crl;
        ca->crl = crl;
        forget_locked(f);
        (void)pthread_rwlock_unlock(&f->lock);
        gnutls_x509_crl_deinit(former);
        ca->stamp = stamp;
    }
    log_write(err == SG_OK ? SG_LOG_INFO : SG_LOG_ERROR, "client_ca.revocation_list",
              SG_STR("file", ca->crl_file), SG_STR("result", err_code(err)));
}

void certificates_foreign_reload(struct foreign *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->ca[i].crl_file != NULL)
            reload(f, &f->ca[i]);
}

enum sg_err certificates_foreign_trust(struct foreign *f, const char *ca_file, const char *rule,
                                       const char *crl_file, const char **ret_reason)
{
    struct ca ca = {.crl = NULL};
    enum sg_err err;

    *ret_reason = "there are too many CAs";
    if (f->count == SG_CERTIFICATES_CAS)
        return SG_ERR_LIMIT;
    *ret_reason = "the rule is none of cn, email, email@DOMAIN, uri, dns";
    err = certrule_parse(rule, &ca.rule);
    if (err == SG_OK) {
        *ret_reason = "the CA's certificates cannot be read";
        err = pki_chain_load(ca_file, &ca.chain);
    }
    if (err == SG_OK && crl_file != NULL) {
        *ret_reason = "the revocation list cannot be read, or is not by this CA";
        ca.crl_file = strdup(crl_file);
        err = ca.crl_file != NULL ? stamp_of(crl_file, &ca.stamp) : SG_ERR_NO_MEMORY;
        if (err == SG_OK)
            err = read_crl(&ca, &ca.crl);
    }
    if (err != SG_OK) {
        ca_fini(&ca);
        return err;
    }
    f->ca[f->count++] = ca;
    return SG_OK;
}

/* -- whose --------------------------------------------------------------------------------------
 */

static struct known *place_of(struct foreign *f, const uint8_t sha256[SG_DIGEST_SIZE])
{
    uint32_t hash;

    memcpy(&hash, sha256, sizeof hash);
    return &f->known[hash % KNOWN_MAX];
}

/* Reads the certificate: SG_ERR_CERT_REVOKED; the user's name, "" for nobody's. */
static enum sg_err read_name(struct foreign *f, const struct ca *ca,
                             const struct shown_certificate *shown, char ret[SG_USER_NAME_SIZE])
{
    gnutls_datum_t datum = {.size = (unsigned)shown->len};
    gnutls_x509_crt_t cert;
    enum sg_err err = SG_OK;

    memcpy(&datum.data, &shown->der, sizeof datum.data); /* only read */
    if (gnutls_x509_crt_init(&cert) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_DER) < 0)
        err = SG_ERR_CERT_UNKNOWN;
    (void)pthread_rwlock_rdlock(&f->lock);
    if (err == SG_OK && ca->crl != NULL && gnutls_x509_crt_check_revocation(cert, &ca->crl, 1) != 0)
        err = SG_ERR_CERT_REVOKED;
    (void)pthread_rwlock_unlock(&f->lock);
    if (err == SG_OK && certrule_apply(&ca->rule, cert, ret) != SG_OK)
        ret[0] = '\0';
    gnutls_x509_crt_deinit(cert);
    return err;
}

static enum sg_err find_user(struct foreign *f, const char *name, int64_t *ret_id)
{
    struct user_record user;
    enum sg_err err;

    *ret_id = 0;
    if (name[0] == '\0')
        return SG_OK;
    err = f->users.vt->get_by_name(f->users.self, name, &user);
    if (err == SG_ERR_NOT_FOUND)
        return SG_OK;
    if (err != SG_OK)
        return err;
    secret_wipe(user.password_hash, sizeof user.password_hash);
    *ret_id = user.id;
    return user.disabled ? SG_ERR_USER_DISABLED : SG_OK;
}

enum sg_err certificates_foreign_identify(struct foreign *f, const struct shown_certificate *shown,
                                          int64_t *ret_user_id)
{
    char name[SG_USER_NAME_SIZE] = "";
    struct known *place = place_of(f, shown->sha256);
    uint64_t generation;
    int64_t user_id = 0;
    enum sg_err err;

    if (shown->ca > f->count)
        return SG_ERR_CERT_UNKNOWN;
    (void)pthread_rwlock_rdlock(&f->lock);
    generation = f->generation;
    if (memcmp(place->sha256, shown->sha256, SG_DIGEST_SIZE) == 0)
        user_id = place->user_id;
    (void)pthread_rwlock_unlock(&f->lock);
    if (user_id == 0) {
        err = read_name(f, &f->ca[shown->ca - 1], shown, name);
        if (err == SG_OK)
            err = find_user(f, name, &user_id);
        if (err != SG_OK)
            return err;
        (void)pthread_rwlock_wrlock(&f->lock);
        if (user_id != 0 && f->generation == generation) {
            memcpy(place->sha256, shown->sha256, SG_DIGEST_SIZE);
            place->user_id = user_id;
        }
        (void)pthread_rwlock_unlock(&f->lock);
    }
    if (ret_user_id != NULL)
        *ret_user_id = user_id;
    return SG_OK;
}
