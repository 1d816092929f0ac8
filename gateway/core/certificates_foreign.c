/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of other people's CAs: whose they are by the rule of their CA, and whether they are
 * revoked. What a certificate says is read once and remembered until lists or CAs change, whose it
 * is until users do. */
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
    uint64_t read;                /* in which generation of what is trusted it was; 0: never */
    uint64_t found;               /* in which generation of users its user was */
    enum sg_err err;              /* SG_OK, CERT_REVOKED, USER_DISABLED */
    int64_t user_id;              /* 0: nobody's */
    char name[SG_USER_NAME_SIZE]; /* that it says; "": none */
};

struct foreign {
    struct users_store users;
    pthread_rwlock_t lock; /* guards all below */
    struct certificates_trust *trust;
    uint64_t trust_changes; /* counts those of CAs and lists; never 0 */
    uint64_t user_changes;  /* those of users */
    struct known known[KNOWN_MAX];
};

enum sg_err certificates_foreign_new(const struct users_store *users, struct foreign **ret)
{
    struct foreign *f = calloc(1, sizeof *f);

    if (f == NULL)
        return SG_ERR_NO_MEMORY;
    if (users != NULL)
        f->users = *users;
    f->trust_changes = 1;
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
    f->user_changes++;
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
    f->trust_changes++;
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
        f->trust_changes++;
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

/* What is remembered, and whether that is all (*ret_known); else with what the certificate says, in
 * these generations. To read one takes long where a list has many entries: changes of users alone
 * leave that as it was. */
static enum sg_err look_up(struct foreign *f, const struct shown_certificate *shown,
                           struct known *ret, bool *ret_known)
{
    const struct known *place = place_of(f, shown->chain_sha256);
    const struct trusted_ca *ca;
    enum sg_err err = SG_OK;
    bool read;

    (void)pthread_rwlock_rdlock(&f->lock);
    ca = certificates_trust_find(f->trust, shown->ca_sha256);
    read = ca != NULL && place->read == f->trust_changes &&
           memcmp(place->sha256, shown->chain_sha256, SG_DIGEST_SIZE) == 0 &&
           memcmp(place->ca, shown->ca_sha256, SG_DIGEST_SIZE) == 0;
    *ret_known = read && (place->found == f->user_changes || place->err == SG_ERR_CERT_REVOKED);
    *ret = read ? *place : (struct known){.read = f->trust_changes};
    ret->found = f->user_changes;
    if (!read)
        err = ca != NULL ? read_name(ca, shown, ret->name) : SG_ERR_CERT_UNKNOWN;
    (void)pthread_rwlock_unlock(&f->lock);
    return err;
}

static void remember(struct foreign *f, const struct shown_certificate *shown,
                     const struct known *found)
{
    struct known *place = place_of(f, shown->chain_sha256);

    (void)pthread_rwlock_wrlock(&f->lock);
    *place = *found; /* of former generations, should they have changed meanwhile */
    memcpy(place->sha256, shown->chain_sha256, SG_DIGEST_SIZE);
    memcpy(place->ca, shown->ca_sha256, SG_DIGEST_SIZE);
    (void)pthread_rwlock_unlock(&f->lock);
}

enum sg_err certificates_foreign_identify(struct foreign *f, const struct shown_certificate *shown,
                                          int64_t *ret_user_id)
{
    struct known found;
    bool known;
    enum sg_err err = look_up(f, shown, &found, &known);

    if (!known) {
        if (err == SG_OK)
            err = find_user(f, found.name, &found.user_id);
        found.err = err;
        if (is_lasting(err))
            remember(f, shown, &found);
    }
    if (found.err == SG_OK && ret_user_id != NULL)
        *ret_user_id = found.user_id;
    return found.err;
}
