/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of other people's CAs: whose they are by the rule of their CA, and whether they are
 * revoked. What a certificate comes to is found once and remembered until users, lists or CAs
 * change. */
#include "core/certificates_internal.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/x509.h>

#include "base/secret.h"
#include "base/thread.h"

#define KNOWN_MAX 1024 /* certificates remembered */

/* A certificate that was looked at, with those above it. */
struct known {
    uint8_t sha256[SG_DIGEST_SIZE]; /* of all of them */
    uint8_t ca[SG_DIGEST_SIZE];
    uint64_t generation; /* in which it is true; 0: none */
    enum sg_err err;     /* SG_OK, CERT_REVOKED, USER_DISABLED */
    int64_t user_id;     /* 0: nobody's */
};

struct foreign {
    struct users_store users;
    pthread_rwlock_t lock; /* guards all below */
    struct certificates_trust *trust;
    uint64_t generation; /* counts what makes the known ones forgotten; never 0 */
    struct known known[KNOWN_MAX];
};

enum sg_err certificates_foreign_new(const struct users_store *users, struct foreign **ret)
{
    struct foreign *f = calloc(1, sizeof *f);

    if (f == NULL)
        return SG_ERR_NO_MEMORY;
    if (users != NULL)
        f->users = *users;
    f->generation = 1;
    thread_rwlock_init(&f->lock);
    *ret = f;
    return SG_OK;
}

void certificates_foreign_free(struct foreign *f)
{
    if (f == NULL)
        return;
    certificates_trust_free(f->trust);
    (void)pthread_rwlock_destroy(&f->lock);
    free(f);
}

/* -- what is trusted ----------------------------------------------------------------------------
 */

void certificates_foreign_forget(struct foreign *f)
{
    (void)pthread_rwlock_wrlock(&f->lock);
    f->generation++;
    (void)pthread_rwlock_unlock(&f->lock);
}

/* Only the thread that asks replaces it. */
const struct certificates_trust *certificates_foreign_trusted(const struct certificates *c)
{
    return c != NULL ? c->foreign->trust : NULL;
}

void certificates_foreign_use(struct foreign *f, struct certificates_trust **trust)
{
    struct certificates_trust *former;

    (void)pthread_rwlock_wrlock(&f->lock);
    former = f->trust;
    f->trust = *trust;
    f->generation++;
    (void)pthread_rwlock_unlock(&f->lock);
    *trust = NULL;
    certificates_trust_free(former);
}

void certificates_foreign_reload(struct foreign *f)
{
    struct certificates_revoked *revoked;

    for (size_t i = 0; f->trust != NULL && i < f->trust->count; i++) {
        if (!certificates_trust_reread(f->trust, i, &revoked))
            continue;
        (void)pthread_rwlock_wrlock(&f->lock);
        certificates_trust_renew(f->trust, i, revoked);
        f->generation++;
        (void)pthread_rwlock_unlock(&f->lock);
    }
}

/* -- whose --------------------------------------------------------------------------------------
 */

static struct known *place_of(struct foreign *f, const uint8_t sha256[SG_DIGEST_SIZE])
{
    uint32_t hash;

    memcpy(&hash, sha256, sizeof hash);
    return &f->known[hash % KNOWN_MAX];
}

static enum sg_err import(const struct bytes *der, gnutls_x509_crt_t *ret)
{
    gnutls_datum_t datum = {.size = (unsigned)der->len};

    memcpy(&datum.data, &der->data, sizeof datum.data); /* only read */
    if (gnutls_x509_crt_init(ret) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_x509_crt_import(*ret, &datum, GNUTLS_X509_FMT_DER) >= 0)
        return SG_OK;
    gnutls_x509_crt_deinit(*ret);
    return SG_ERR_CERT_UNKNOWN;
}

/* Those between it and its CA count no longer than it does itself. */
static enum sg_err check_above(const struct trusted_ca *ca, const struct shown_certificate *shown)
{
    enum sg_err err = SG_OK;

    for (size_t i = 0; i < shown->above_count && err == SG_OK; i++) {
        gnutls_x509_crt_t cert;

        err = import(&shown->above[i], &cert);
        if (err != SG_OK)
            break;
        if (certificates_trust_revokes(ca, cert))
            err = SG_ERR_CERT_REVOKED;
        gnutls_x509_crt_deinit(cert);
    }
    return err;
}

/* Reads the certificate: SG_ERR_CERT_REVOKED; the user's name, "" for nobody's. */
static enum sg_err read_name(const struct trusted_ca *ca, const struct shown_certificate *shown,
                             char ret[SG_USER_NAME_SIZE])
{
    const struct bytes der = {shown->der, shown->len};
    gnutls_x509_crt_t cert;
    enum sg_err err = import(&der, &cert);

    if (err != SG_OK)
        return err;
    err = certificates_trust_revokes(ca, cert) ? SG_ERR_CERT_REVOKED : check_above(ca, shown);
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

/* What could be told only now is told again the next time. */
static bool is_lasting(enum sg_err err)
{
    return err == SG_OK || err == SG_ERR_CERT_REVOKED || err == SG_ERR_USER_DISABLED;
}

/* What is remembered (*ret_known), else what the certificate says; in which generation. */
static enum sg_err look_up(struct foreign *f, const struct shown_certificate *shown,
                           struct known *ret, bool *ret_known, char ret_name[SG_USER_NAME_SIZE])
{
    const struct known *place = place_of(f, shown->chain_sha256);
    const struct trusted_ca *ca;
    enum sg_err err = SG_OK;

    (void)pthread_rwlock_rdlock(&f->lock);
    ca = certificates_trust_find(f->trust, shown->ca_sha256);
    *ret = (struct known){.generation = f->generation};
    *ret_known = ca != NULL && place->generation == f->generation &&
                 memcmp(place->sha256, shown->chain_sha256, SG_DIGEST_SIZE) == 0 &&
                 memcmp(place->ca, shown->ca_sha256, SG_DIGEST_SIZE) == 0;
    if (*ret_known)
        *ret = *place;
    else
        err = ca != NULL ? read_name(ca, shown, ret_name) : SG_ERR_CERT_UNKNOWN;
    (void)pthread_rwlock_unlock(&f->lock);
    return err;
}

static void remember(struct foreign *f, const struct shown_certificate *shown,
                     const struct known *found)
{
    struct known *place = place_of(f, shown->chain_sha256);

    (void)pthread_rwlock_wrlock(&f->lock);
    *place = *found; /* of a former generation, should it have changed meanwhile */
    memcpy(place->sha256, shown->chain_sha256, SG_DIGEST_SIZE);
    memcpy(place->ca, shown->ca_sha256, SG_DIGEST_SIZE);
    (void)pthread_rwlock_unlock(&f->lock);
}

enum sg_err certificates_foreign_identify(struct foreign *f, const struct shown_certificate *shown,
                                          int64_t *ret_user_id)
{
    char name[SG_USER_NAME_SIZE] = "";
    struct known found;
    bool known;
    enum sg_err err = look_up(f, shown, &found, &known, name);

    if (!known) {
        if (err == SG_OK)
            err = find_user(f, name, &found.user_id);
        found.err = err;
        if (is_lasting(err))
            remember(f, shown, &found);
    }
    if (found.err == SG_OK && ret_user_id != NULL)
        *ret_user_id = found.user_id;
    return found.err;
}
