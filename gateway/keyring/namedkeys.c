/* SPDX-License-Identifier: Apache-2.0 */
/* The table of named keys: lending, counting, looking. No key is lent against its own lists, and no
 * signature is made that was not counted before. */
#include "keyring/namedkeys.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "keyring/audit.h"
#include "keyring/keyfile.h"
#include "keyring/namedkeys_internal.h"

#define AHEAD 4096 /* uses that the file says beyond those that were */

/* -- snapshots --------------------------------------------------------------------------------- */

struct usage *usage_new(void)
{
    struct usage *u = calloc(1, sizeof *u);

    if (u != NULL)
        (void)pthread_mutex_init(&u->lock, NULL);
    return u;
}

void usage_free(struct usage *u)
{
    if (u == NULL)
        return;
    (void)pthread_mutex_destroy(&u->lock);
    free(u);
}

struct named *named_new(struct usage *usage)
{
    struct named *k = calloc(1, sizeof *k);

    if (k != NULL) {
        atomic_init(&k->refs, 1);
        k->usage = usage;
    }
    return k;
}

struct named *named_copy(const struct named *from)
{
    struct named *k = named_new(from->usage);

    if (k == NULL)
        return NULL;
    k->key = from->key;
    for (size_t i = 0; i < k->key.version_count; i++)
        k->version[i] = material_ref(from->version[i]);
    return k;
}

void named_unref(struct named *k)
{
    if (k == NULL || atomic_fetch_sub(&k->refs, 1) > 1)
        return;
    for (size_t i = 0; i < k->key.version_count; i++)
        material_unref(k->version[i]);
    free(k);
}

void named_describe(const struct named *k, struct keyring_key *ret)
{
    *ret = k->key;
    (void)pthread_mutex_lock(&k->usage->lock);
    for (size_t i = 0; i < ret->version_count; i++)
        ret->versions[i].uses = k->usage->used[i];
    (void)pthread_mutex_unlock(&k->usage->lock);
}

/* -- the table --------------------------------------------------------------------------------- */

/* Under the lock: where the name is, or would be. */
static size_t place_of(const struct namedkeys *n, const char *name, bool *ret_found)
{
    size_t low = 0;
    size_t high = n->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(n->key[middle]->key.name, name);

        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

struct named *namedkeys_find(struct namedkeys *n, const char *name)
{
    struct named *k = NULL;
    bool found;
    size_t at;

    (void)pthread_rwlock_rdlock(&n->lock);
    at = place_of(n, name, &found);
    if (found) {
        k = n->key[at];
        atomic_fetch_add(&k->refs, 1);
    }
    (void)pthread_rwlock_unlock(&n->lock);
    return k;
}

enum sg_err namedkeys_put(struct namedkeys *n, struct named *k)
{
    struct named *unused = NULL;
    enum sg_err err = SG_OK;
    bool found;
    size_t at;

    (void)pthread_rwlock_wrlock(&n->lock);
    at = place_of(n, k->key.name, &found);
    if (found) {
        unused = n->key[at];
        n->key[at] = k;
    } else if (n->count < SG_KEYS_MAX) {
        memmove(&n->key[at + 1], &n->key[at], (n->count - at) * sizeof n->key[0]);
        n->key[at] = k;
        n->count++;
    } else {
        unused = k;
        err = SG_ERR_LIMIT;
    }
    (void)pthread_rwlock_unlock(&n->lock);
    named_unref(unused);
    return err;
}

enum sg_err namedkeys_open(const struct namedkeys_options *options, struct namedkeys **ret)
{
    struct namedkeys *n = calloc(1, sizeof *n);
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (n == NULL)
        return err;
    thread_rwlock_init(&n->lock);
    (void)pthread_mutex_init(&n->change, NULL);
    n->options = *options;
    n->dir = file_join(options->dir, "keys");
    if (n->dir != NULL)
        err = keyfile_check_dir(n->dir);
    if (err == SG_OK)
        err = file_remove_temporaries(n->dir, NULL);
    if (err == SG_OK)
        err = named_load_all(n);
    if (err != SG_OK) {
        namedkeys_close(n);
        return err;
    }
    log_write(SG_LOG_INFO, "keyring.named_keys", SG_INT("count", n->count));
    *ret = n;
    return SG_OK;
}

void namedkeys_close(struct namedkeys *n)
{
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->count; i++) {
        struct usage *u = n->key[i]->usage;

        if (memcmp(u->used, u->on_disk, u->version_count * sizeof u->used[0]) != 0 &&
            usage_save(n, n->key[i]->key.name, u->used, u->version_count) != SG_OK)
            log_write(SG_LOG_WARN, "keyring.key_uses_too_high", SG_STR("key", n->key[i]->key.name));
        named_unref(n->key[i]);
        usage_free(u);
    }
    free(n->dir);
    (void)pthread_mutex_destroy(&n->change);
    (void)pthread_rwlock_destroy(&n->lock);
    free(n);
}

/* -- lending ----------------------------------------------------------------------------------- */

static bool holds(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static enum sg_err may_sign(const struct keyring_key *k, const struct keyring_actor *actor,
                            unsigned formats)
{
    int64_t expires_ns = k->versions[k->version_count - 1].expires_ns;

    if (!holds(k->signers, k->signer_count, actor->user_id))
        return SG_ERR_FORBIDDEN;
    if (k->disabled)
        return SG_ERR_KEY_DISABLED;
    if (expires_ns != 0 && clock_now_ns() >= expires_ns)
        return SG_ERR_KEY_EXPIRED;
    return (formats & ~k->formats) == 0 ? SG_OK : SG_ERR_BAD_FIELD;
}

static enum sg_err lend(struct namedkeys *n, struct named *k, struct namedkeys_loan *ret)
{
    const size_t last = k->key.version_count - 1;
    struct material *m = k->version[last];
    struct namedkeys_loan loan = {
        .type = k->key.type,
        .version = k->key.versions[last].number,
        .spki = m->spki,
        .spki_len = m->spki_len,
        .certificate = m->certificate,
        .certificate_len = m->certificate_len,
        .formats = k->key.formats,
        .quorum = k->key.quorum,
        .witness_count = k->key.witness_count,
        .witnesses = k->key.witnesses,
        .held = k,
    };
    enum sg_err err = material_key(m, n->options.pkcs11, &loan.key);

    if (err != SG_OK)
        return err;
    memcpy(loan.name, k->key.name, sizeof loan.name);
    memcpy(loan.keyid, k->key.versions[last].keyid, sizeof loan.keyid);
    *ret = loan;
    return SG_OK;
}

/* Writes the audit line of a refusal. That it could not be written changes nothing about that. */
static void refused(struct namedkeys *n, const struct keyring_actor *actor, const char *name,
                    uint32_t version, enum sg_err err)
{
    const struct audit_event e = {
        .what = "sign", .key = name, .version = version, .actor = actor, .result = err};

    if (audit_write(n->options.audit, &e) != SG_OK)
        return; /* it has said so itself */
}

enum sg_err namedkeys_borrow(struct namedkeys *n, const struct keyring_actor *actor,
                             const char *name, unsigned formats, struct namedkeys_loan *ret)
{
    struct named *k = namedkeys_find(n, name);
    enum sg_err err;

    if (k == NULL)
        return SG_ERR_NOT_FOUND;
    err = may_sign(&k->key, actor, formats);
    if (err == SG_OK)
        err = lend(n, k, ret);
    if (err != SG_OK) {
        refused(n, actor, k->key.name, 0, err);
        named_unref(k);
    }
    return err;
}

void namedkeys_return(struct namedkeys *n, struct namedkeys_loan *loan)
{
    union {
        const void *held;
        struct named *named;
    } k = {.held = loan->held};

    (void)n;
    named_unref(k.named);
    *loan = (struct namedkeys_loan){.held = NULL};
}

/* Under the usage's lock: lets the file run ahead of what is about to be counted. */
static enum sg_err reserve(const struct namedkeys *n, const char *name, struct usage *u, size_t at,
                           uint64_t upto)
{
    uint64_t ahead[SG_KEY_VERSIONS_MAX];
    enum sg_err err;

    if (upto <= u->on_disk[at])
        return SG_OK;
    memcpy(ahead, u->on_disk, sizeof ahead);
    ahead[at] = upto + AHEAD;
    err = usage_save(n, name, ahead, u->version_count);
    if (err == SG_OK)
        u->on_disk[at] = ahead[at];
    return err;
}

/* A batch may take long, and one that waits for witnesses a minute: what was taken from the key or
 * its user meanwhile counts. That the version has expired since does not: the records say when. */
static enum sg_err still_lent(struct namedkeys *n, const struct keyring_actor *actor,
                              const struct namedkeys_loan *loan)
{
    struct named *now = namedkeys_find(n, loan->name);
    enum sg_err err = SG_OK;

    if (now == NULL)
        return SG_ERR_NOT_FOUND;
    if (!holds(now->key.signers, now->key.signer_count, actor->user_id))
        err = SG_ERR_FORBIDDEN;
    else if (now->key.disabled)
        err = SG_ERR_KEY_DISABLED;
    else if (loan->version < now->key.oldest)
        err = SG_ERR_KEY_EXPIRED;
    named_unref(now);
    return err;
}

enum sg_err namedkeys_count(struct namedkeys *n, const struct keyring_actor *actor,
                            const struct namedkeys_loan *loan, uint64_t count)
{
    const struct named *k = loan->held;
    const struct audit_event used = {.what = "sign",
                                     .key = loan->name,
                                     .version = loan->version,
                                     .count = count,
                                     .actor = actor,
                                     .result = SG_OK};
    struct usage *u = k->usage;
    const size_t at = loan->version - 1;
    enum sg_err err = still_lent(n, actor, loan);

    if (err != SG_OK) {
        refused(n, actor, loan->name, loan->version, err);
        return err;
    }
    (void)pthread_mutex_lock(&u->lock);
    err = reserve(n, loan->name, u, at, u->used[at] + count);
    if (err == SG_OK)
        u->used[at] += count;
    (void)pthread_mutex_unlock(&u->lock);
    return err == SG_OK ? audit_write(n->options.audit, &used) : err;
}

/* -- looking ----------------------------------------------------------------------------------- */

size_t namedkeys_names(struct namedkeys *n, char ret[SG_KEYS_MAX][SG_KEY_NAME_SIZE])
{
    size_t count;

    (void)pthread_rwlock_rdlock(&n->lock);
    count = n->count;
    for (size_t i = 0; i < count; i++)
        memcpy(ret[i], n->key[i]->key.name, SG_KEY_NAME_SIZE);
    (void)pthread_rwlock_unlock(&n->lock);
    return count;
}

enum sg_err namedkeys_get(struct namedkeys *n, const char *name, struct keyring_key *ret)
{
    struct named *k = namedkeys_find(n, name);

    if (k == NULL)
        return SG_ERR_NOT_FOUND;
    named_describe(k, ret);
    named_unref(k);
    return SG_OK;
}

enum sg_err namedkeys_public(struct namedkeys *n, const char *name, uint32_t version,
                             struct keyring_public *ret)
{
    struct named *k = namedkeys_find(n, name);
    const struct material *m;
    uint32_t number;

    if (k == NULL)
        return SG_ERR_NOT_FOUND;
    number = version != 0 ? version : k->key.versions[k->key.version_count - 1].number;
    if (number < 1 || number > k->key.version_count) {
        named_unref(k);
        return SG_ERR_NOT_FOUND;
    }
    m = k->version[number - 1];
    memset(ret, 0, sizeof *ret);
    ret->version = number;
    ret->type = k->key.type;
    ret->spki_len = m->spki_len;
    memcpy(ret->spki, m->spki, m->spki_len);
    ret->certificate_len = m->certificate_len;
    memcpy(ret->certificate, m->certificate, m->certificate_len);
    named_unref(k);
    return SG_OK;
}
