/* SPDX-License-Identifier: Apache-2.0 */
/* Issuing, showing and revoking certificates, and who may. */
#include "core/certificates_internal.h"

#include <stdio.h>
#include <string.h>

#include <gnutls/x509.h>

#include "base/clock.h"
#include "base/secret.h"
#include "core/csr.h"
#include "core/sha256.h"
#include "ipc/identity.h"

#define DAY_S        INT64_C(86400)
#define DEFAULT_NAME "certificate"

static bool is_admin(const struct principal *who)
{
    return who->role == SG_ROLE_ADMIN && (who->scopes & SG_SCOPE_ADMIN) != 0;
}

/* The user that it is about: the asker, or for admins whoever is named. */
static enum sg_err find_user(struct certificates *c, const struct principal *who, const char *name,
                             int64_t *ret_id, char ret_name[SG_USER_NAME_SIZE])
{
    const struct users_store *users = c->options.users;
    struct user_record user;
    enum sg_err err;

    if (name == NULL || strcmp(name, who->user) == 0) {
        *ret_id = who->user_id;
        memcpy(ret_name, who->user, SG_USER_NAME_SIZE);
        return SG_OK;
    }
    if (!is_admin(who))
        return SG_ERR_FORBIDDEN;
    if (!identity_user_name_ok(name))
        return SG_ERR_NOT_FOUND;
    err = users->vt->get_by_name(users->self, name, &user);
    if (err != SG_OK)
        return err;
    secret_wipe(user.password_hash, sizeof user.password_hash);
    *ret_id = user.id;
    memcpy(ret_name, user.name, SG_USER_NAME_SIZE);
    return user.disabled ? SG_ERR_USER_DISABLED : SG_OK;
}

/* -- issuing ------------------------------------------------------------------------------------
 */

/* What our own CA has made, as the record tells it. */
static enum sg_err describe(const uint8_t *der, size_t len, struct certificate_record *r)
{
    gnutls_datum_t datum = {.size = (unsigned)len};
    gnutls_x509_crt_t cert;
    uint8_t serial[64];
    size_t size = sizeof serial;
    enum sg_err err = SG_ERR_INTERNAL;

    memcpy(&datum.data, &der, sizeof datum.data); /* only read */
    if (gnutls_x509_crt_init(&cert) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_DER) >= 0 &&
        gnutls_x509_crt_get_serial(cert, serial, &size) >= 0 && size == sizeof r->id) {
        memcpy(r->id, serial, sizeof r->id);
        r->not_before_ns = (int64_t)gnutls_x509_crt_get_activation_time(cert) * SG_NS_PER_S;
        r->not_after_ns = (int64_t)gnutls_x509_crt_get_expiration_time(cert) * SG_NS_PER_S;
        sha256_digest(der, len, r->sha256);
        err = SG_OK;
    }
    gnutls_x509_crt_deinit(cert);
    return err;
}

/* Puts it where it counts; a certificate that is not known counts nowhere, and is revoked too. */
static enum sg_err enter(struct certificates *c, const struct certificate_record *r,
                         const uint8_t *der, size_t len)
{
    const struct certificates_store *store = c->options.store;
    struct certificate_entry e = {.user_id = r->user_id,
                                  .expires_s = r->not_after_ns / SG_NS_PER_S};
    struct keyring_revocation m = {.serial_len = sizeof r->id,
                                   .revoked_s = r->created_ns / SG_NS_PER_S,
                                   .expires_s = e.expires_s};
    enum sg_err err = store->vt->add(store->self, r, der, len, SG_CERTIFICATES_PER_USER);

    memcpy(e.sha256, r->sha256, sizeof e.sha256);
    memcpy(e.id, r->id, sizeof e.id);
    if (err == SG_OK) {
        (void)pthread_rwlock_wrlock(&c->lock);
        err = certificates_table_put(&c->table, &e);
        (void)pthread_rwlock_unlock(&c->lock);
        if (err != SG_OK)
            (void)!store->vt->revoke(store->self, r->id, r->created_ns);
    }
    /* Nobody gets one for which there is no room: it would only take room on the list. */
    if (err != SG_OK && err != SG_ERR_LIMIT) {
        memcpy(m.serial, r->id, sizeof r->id);
        (void)!keyring_client_revoke(c->options.keyring, &m);
    }
    if (err != SG_OK)
        return err;
    certificates_user_changed(c, r->user_id); /* who may have been disabled meanwhile */
    return SG_OK;
}

enum sg_err certificates_issue(struct certificates *c, const struct principal *who,
                               const struct certificate_order *order,
                               struct certificate_record *ret, struct buf *ret_der,
                               const char **ret_reason)
{
    struct keyring_client_cert m = {.spki_len = 0};
    struct certificate_record r = {.created_ns = clock_now_ns()};
    uint8_t der[SG_CLIENT_CERT_MAX];
    unsigned days = order->days != 0 ? order->days : c->options.days;
    size_t len;
    enum sg_err err;

    _Static_assert(SG_CSR_SPKI_MAX == sizeof m.spki, "a request's key fits");
    *ret_reason = NULL;
    err = find_user(c, who, order->user, &r.user_id, r.user);
    if (err != SG_OK)
        return err;
    if (days > c->options.days) {
        *ret_reason = "days: more than this gateway gives";
        return SG_ERR_BAD_FIELD;
    }
    err = csr_read(order->csr, order->csr_len, m.spki, &m.spki_len, ret_reason);
    if (err != SG_OK)
        return err;
    memcpy(m.user, r.user, sizeof r.user);
    m.lifetime_s = (uint32_t)(days * DAY_S);
    err = keyring_client_issue(c->options.keyring, &m, der, &len);
    if (err == SG_OK)
        err = describe(der, len, &r);
    if (err != SG_OK)
        return err;
    (void)snprintf(r.name, sizeof r.name, "%s",
                   order->name[0] != '\0' ? order->name : DEFAULT_NAME);
    err = enter(c, &r, der, len);
    if (err != SG_OK)
        return err;
    buf_append(ret_der, der, len);
    *ret = r;
    return buf_status(ret_der);
}

/* -- showing ------------------------------------------------------------------------------------
 */

enum sg_err certificates_list(struct certificates *c, const struct principal *who, const char *user,
                              bool all, struct certificate_record *ret, size_t *ret_count)
{
    const struct certificates_store *store = c->options.store;
    char name[SG_USER_NAME_SIZE];
    int64_t user_id = 0;
    enum sg_err err = SG_OK;

    if (!all)
        err = find_user(c, who, user, &user_id, name);
    else if (!is_admin(who))
        err = SG_ERR_FORBIDDEN;
    if (err != SG_OK && err != SG_ERR_USER_DISABLED) /* whose are shown all the same */
        return err;
    return store->vt->list(store->self, user_id, SG_CERTIFICATES_LISTED, ret, ret_count);
}

enum sg_err certificates_get(struct certificates *c, const struct principal *who,
                             const uint8_t id[SG_CERTIFICATE_ID_SIZE],
                             struct certificate_record *ret, struct buf *ret_der)
{
    const struct certificates_store *store = c->options.store;
    struct certificate_record r;
    enum sg_err err = store->vt->get(store->self, id, &r, ret_der);

    if (err == SG_OK && r.user_id != who->user_id && !is_admin(who))
        err = SG_ERR_NOT_FOUND;
    if (err == SG_OK)
        *ret = r;
    return err;
}

/* -- revoking -----------------------------------------------------------------------------------
 */

/* In memory; from here on it opens nothing. */
static void mark_revoked(struct certificates *c, const struct certificate_record *r)
{
    struct certificate_entry *e;

    (void)pthread_rwlock_wrlock(&c->lock);
    e = certificates_table_find(&c->table, r->sha256);
    if (e != NULL && !e->revoked) {
        e->revoked = true;
        e->revoked_s = r->revoked_ns / SG_NS_PER_S;
    }
    (void)pthread_rwlock_unlock(&c->lock);
}

enum sg_err certificates_revoke(struct certificates *c, const struct principal *who,
                                const uint8_t id[SG_CERTIFICATE_ID_SIZE],
                                struct certificate_record *ret)
{
    const struct certificates_store *store = c->options.store;
    struct certificate_record r;
    int64_t now_ns = clock_now_ns();
    enum sg_err err = certificates_get(c, who, id, &r, NULL);

    if (err == SG_OK)
        err = store->vt->revoke(store->self, id, now_ns);
    if (err != SG_OK)
        return err;
    if (r.revoked_ns == 0)
        r.revoked_ns = now_ns;
    mark_revoked(c, &r);
    certificates_end_sessions(c, r.user_id, r.sha256);
    *ret = r;
    return r.not_after_ns > now_ns ? certificates_publish(c) : SG_OK;
}
