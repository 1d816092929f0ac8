/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate it is, and what ends one. What is revoked is never forgotten before it has
 * expired; what is not known is refused. */
#include "core/certificates_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/thread.h"
#include "core/identity_internal.h"
#include "ipc/identity.h"

#define BATCH     256
#define KEEP_S    INT64_C(86400)        /* an expired one stays in memory */
#define KEEP_DB_S (INT64_C(30) * 86400) /* and in lists */

/* -- what there is ------------------------------------------------------------------------------
 */

static struct certificate_entry entry_of(const struct certificate_record *r)
{
    struct certificate_entry e = {.user_id = r->user_id,
                                  .revoked = r->revoked_ns != 0,
                                  .disabled = r->user_disabled,
                                  .revoked_s = r->revoked_ns / SG_NS_PER_S,
                                  .expires_s = r->not_after_ns / SG_NS_PER_S};

    memcpy(e.sha256, r->sha256, sizeof e.sha256);
    memcpy(e.id, r->id, sizeof e.id);
    return e;
}

/* A user was removed, and that was not seen to the end. */
static enum sg_err load_orphan(struct certificates *c, struct certificate_record *r)
{
    const struct certificates_store *store = c->options.store;

    if (r->revoked_ns != 0)
        return SG_OK;
    r->revoked_ns = clock_now_ns();
    return store->vt->revoke(store->self, r->id, r->revoked_ns);
}

static enum sg_err load(struct certificates *c)
{
    const struct certificates_store *store = c->options.store;
    struct certificate_record *batch = calloc(BATCH, sizeof *batch);
    uint8_t after[SG_CERTIFICATE_ID_SIZE] = {0};
    size_t count = BATCH;
    enum sg_err err = batch != NULL ? SG_OK : SG_ERR_NO_MEMORY;

    while (err == SG_OK && count == BATCH) {
        err = store->vt->live(store->self, clock_now_ns(), after, BATCH, batch, &count);
        for (size_t i = 0; err == SG_OK && i < count; i++) {
            struct certificate_entry e;

            if (batch[i].user_id == 0)
                err = load_orphan(c, &batch[i]);
            e = entry_of(&batch[i]);
            if (err == SG_OK)
                err = certificates_table_put(&c->table, &e);
        }
        if (err == SG_OK && count > 0)
            memcpy(after, batch[count - 1].id, sizeof after);
    }
    free(batch);
    return err;
}

enum sg_err certificates_new(const struct certificates_options *options, struct certificates **ret)
{
    struct certificates *c = calloc(1, sizeof *c);
    enum sg_err err;

    if (c == NULL)
        return SG_ERR_NO_MEMORY;
    c->options = *options;
    c->store = *options->store;
    c->users = *options->users;
    c->sessions = *options->sessions;
    c->options.store = &c->store;
    c->options.users = &c->users;
    c->options.sessions = &c->sessions;
    thread_rwlock_init(&c->lock);
    err = certificates_foreign_new(options->users, &c->foreign);
    if (err == SG_OK)
        err = load(c);
    if (err != SG_OK) {
        certificates_free(c);
        return err;
    }
    /* The keyring may have been restored from a copy that is older. */
    if (certificates_publish(c) != SG_OK)
        log_write(SG_LOG_WARN, "certificates.list_incomplete");
    *ret = c;
    return SG_OK;
}

void certificates_free(struct certificates *c)
{
    if (c == NULL)
        return;
    certificates_foreign_free(c->foreign);
    certificates_table_fini(&c->table);
    (void)pthread_rwlock_destroy(&c->lock);
    free(c);
}

void certificates_trust_use(struct certificates *c, struct certificates_trust **trust)
{
    certificates_foreign_use(c->foreign, trust);
}

/* -- whose --------------------------------------------------------------------------------------
 */

static enum sg_err identify_own(struct certificates *c, const struct shown_certificate *shown,
                                int64_t *ret_user_id)
{
    const struct certificate_entry *e;
    enum sg_err err = SG_OK;
    int64_t user_id = 0;

    (void)pthread_rwlock_rdlock(&c->lock);
    e = certificates_table_find(&c->table, shown->sha256);
    if (e == NULL)
        err = SG_ERR_CERT_UNKNOWN;
    else if (e->revoked)
        err = SG_ERR_CERT_REVOKED;
    else if (e->disabled)
        err = SG_ERR_USER_DISABLED;
    else
        user_id = e->user_id;
    (void)pthread_rwlock_unlock(&c->lock);
    if (err == SG_OK && ret_user_id != NULL)
        *ret_user_id = user_id;
    return err;
}

enum sg_err certificates_identify(struct certificates *c, const struct shown_certificate *shown,
                                  int64_t now_s, int64_t *ret_user_id)
{
    if (shown->der == NULL || !shown->verified)
        return SG_ERR_CERT_UNKNOWN;
    if (now_s < shown->not_before_s || now_s >= shown->expires_s)
        return SG_ERR_CERT_EXPIRED;
    return shown->ca == 0 ? identify_own(c, shown, ret_user_id)
                          : certificates_foreign_identify(c->foreign, shown, ret_user_id);
}

/* -- the end of one -----------------------------------------------------------------------------
 */

/* Those that are to be put on the list. Free with free(). */
static size_t collect_unlisted(struct certificates *c, struct certificate_entry **ret)
{
    struct certificate_entry *list = NULL;
    size_t count = 0;

    (void)pthread_rwlock_rdlock(&c->lock);
    for (size_t i = 0; i < c->table.size; i++)
        count += c->table.place[i].revoked && !c->table.place[i].listed ? 1 : 0;
    if (count > 0)
        list = calloc(count, sizeof *list);
    count = 0;
    for (size_t i = 0; list != NULL && i < c->table.size; i++)
        if (c->table.place[i].revoked && !c->table.place[i].listed)
            list[count++] = c->table.place[i];
    (void)pthread_rwlock_unlock(&c->lock);
    *ret = list;
    return count;
}

static enum sg_err publish_one(struct certificates *c, const struct certificate_entry *e)
{
    struct keyring_revocation m = {
        .serial_len = sizeof e->id, .revoked_s = e->revoked_s, .expires_s = e->expires_s};
    struct certificate_entry *place;
    enum sg_err err;

    _Static_assert(sizeof m.serial == sizeof e->id, "serial numbers are ids");
    memcpy(m.serial, e->id, sizeof e->id);
    err = keyring_client_revoke(c->options.keyring, &m);
    if (err != SG_OK)
        return err;
    (void)pthread_rwlock_wrlock(&c->lock);
    place = certificates_table_find(&c->table, e->sha256);
    if (place != NULL)
        place->listed = true;
    (void)pthread_rwlock_unlock(&c->lock);
    return SG_OK;
}

enum sg_err certificates_publish(struct certificates *c)
{
    struct certificate_entry *list;
    size_t count = collect_unlisted(c, &list);
    enum sg_err err = SG_OK;

    /* One that is refused, such as by a clock that went back, does not keep the others away. */
    for (size_t i = 0; i < count && (err == SG_OK || err == SG_ERR_BAD_FIELD); i++) {
        enum sg_err one = publish_one(c, &list[i]);

        err = one != SG_OK ? one : err;
    }
    free(list);
    return err;
}

/* The sessions, among them those that wait for something on an open connection. */
void certificates_end_sessions(struct certificates *c, int64_t user_id,
                               const uint8_t sha256[SG_DIGEST_SIZE])
{
    const struct sessions_store *store = c->options.sessions;
    struct session_record *list = calloc(SG_SESSIONS_PER_USER, sizeof *list);
    size_t count = 0;

    if (list != NULL && c->options.identity != NULL &&
        store->vt->list(store->self, user_id, SG_SESSIONS_PER_USER, list, &count) == SG_OK) {
        for (size_t i = 0; i < count; i++)
            if (list[i].has_certificate &&
                memcmp(list[i].certificate_sha256, sha256, SG_DIGEST_SIZE) == 0)
                (void)!identity_end_session(c->options.identity, list[i].id, user_id);
    }
    if (list != NULL)
        secret_wipe(list, SG_SESSIONS_PER_USER * sizeof *list);
    free(list);
    /* What waits with another token on a connection that showed it looks at it again. */
    if (c->options.identity != NULL)
        identity_rights_changed(c->options.identity, user_id);
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Whether a user has a certificate that counts. */
static bool has_any(struct certificates *c, int64_t user_id)
{
    bool found = false;

    (void)pthread_rwlock_rdlock(&c->lock);
    for (size_t i = 0; i < c->table.size && !found; i++)
        found = c->table.place[i].user_id == user_id && !c->table.place[i].revoked;
    (void)pthread_rwlock_unlock(&c->lock);
    return found;
}

/* All users of the table, in order, some more than once. Free with free(). */
static size_t collect_users(struct certificates *c, int64_t **ret)
{
    int64_t *ids = NULL;
    size_t count = 0;

    (void)pthread_rwlock_rdlock(&c->lock);
    if (c->table.count > 0)
        ids = calloc(c->table.count, sizeof *ids);
    for (size_t i = 0; ids != NULL && i < c->table.size; i++) {
        const struct certificate_entry *e = &c->table.place[i];

        if (e->user_id != 0 && !e->revoked)
            ids[count++] = e->user_id;
    }
    (void)pthread_rwlock_unlock(&c->lock);
    if (count > 1)
        qsort(ids, count, sizeof *ids, compare_ids);
    *ret = ids;
    return count;
}

static void apply_user(struct certificates *c, int64_t user_id, bool gone, bool disabled)
{
    int64_t now_s = clock_now_s();

    (void)pthread_rwlock_wrlock(&c->lock);
    for (size_t i = 0; i < c->table.size; i++) {
        struct certificate_entry *e = &c->table.place[i];

        if (!certificates_table_used(e) || e->user_id != user_id)
            continue;
        e->disabled = disabled;
        if (gone && !e->revoked) {
            e->revoked = true;
            e->revoked_s = now_s;
        }
    }
    (void)pthread_rwlock_unlock(&c->lock);
}

/* Brings the table up to date; whether the user is gone. */
static bool look_at_user(struct certificates *c, int64_t user_id)
{
    const struct users_store *users = c->options.users;
    struct user_record user;
    enum sg_err err = users->vt->get_by_id(users->self, user_id, &user);

    /* When it cannot be told, nobody is let in until it can. */
    apply_user(c, user_id, err == SG_ERR_NOT_FOUND, err != SG_OK || user.disabled);
    if (err != SG_OK && err != SG_ERR_NOT_FOUND)
        atomic_store(&c->unsure, true);
    secret_wipe(&user, sizeof user);
    return err == SG_ERR_NOT_FOUND;
}

void certificates_user_changed(struct certificates *c, int64_t user_id)
{
    bool any_gone = false;
    int64_t *ids = NULL;
    size_t count = 0;

    certificates_foreign_forget(c->foreign);
    if (user_id == 0)
        count = collect_users(c, &ids);
    else if (has_any(c, user_id))
        any_gone = look_at_user(c, user_id);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || ids[i] != ids[i - 1])
            any_gone = look_at_user(c, ids[i]) || any_gone;
    free(ids);
    if (any_gone && certificates_publish(c) != SG_OK)
        log_write(SG_LOG_WARN, "certificates.list_incomplete");
}

void certificates_prune(struct certificates *c)
{
    const struct certificates_store *store = c->options.store;
    int64_t now_s = clock_now_s();

    (void)pthread_rwlock_wrlock(&c->lock);
    certificates_table_prune(&c->table, now_s - KEEP_S);
    (void)pthread_rwlock_unlock(&c->lock);
    if (atomic_exchange(&c->unsure, false))
        certificates_user_changed(c, 0);
    if (certificates_publish(c) != SG_OK)
        log_write(SG_LOG_WARN, "certificates.list_incomplete");
    if (store->vt->prune(store->self, (now_s - KEEP_DB_S) * SG_NS_PER_S) != SG_OK)
        log_write(SG_LOG_WARN, "certificates.not_pruned");
    certificates_foreign_reload(c->foreign);
}
