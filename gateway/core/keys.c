/* SPDX-License-Identifier: Apache-2.0 */
/* Names and ids of a key's users, and its requests to the keyring; it decides nothing that the
 * keyring would not decide itself. */
#include "core/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/witness.h"
#include "ipc/signing_keys.h"

struct keys {
    struct users_store users;
    struct keyring_client *keyring;
};

struct keys *keys_new(const struct users_store *users, struct keyring_client *keyring)
{
    struct keys *k = calloc(1, sizeof *k);

    if (k == NULL)
        return NULL;
    k->users = *users;
    k->keyring = keyring;
    return k;
}

void keys_free(struct keys *k)
{
    free(k);
}

void keys_actor(const struct principal *who, struct keyring_actor *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->user_id = who->user_id;
    (void)snprintf(ret->user, sizeof ret->user, "%s", who->user);
    ret->admin = who->role == SG_ROLE_ADMIN && (who->scopes & SG_SCOPE_ADMIN) != 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Who is gone is left out: ids are never given again. */
static enum sg_err name_users(struct keys *k, const int64_t *ids, size_t count,
                              struct key_users *ret)
{
    struct user_record user;

    ret->count = 0;
    for (size_t i = 0; i < count; i++) {
        enum sg_err err = k->users.vt->get_by_id(k->users.self, ids[i], &user);

        if (err == SG_ERR_NOT_FOUND)
            continue;
        if (err != SG_OK)
            return err;
        memcpy(ret->name[ret->count++], user.name, sizeof user.name);
    }
    qsort(ret->name, ret->count, sizeof ret->name[0], by_name);
    return SG_OK;
}

static enum sg_err name_all(struct keys *k, struct key_info *info)
{
    enum sg_err err = name_users(k, info->key.signers, info->key.signer_count, &info->signers);

    if (err == SG_OK)
        err = name_users(k, info->key.managers, info->key.manager_count, &info->managers);
    return err;
}

static enum sg_err find_users(struct keys *k, const char *const *names, size_t count, int64_t *ids,
                              size_t *ret_count)
{
    struct user_record user;

    if (count > SG_KEY_USERS_MAX)
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < count; i++) {
        enum sg_err err = identity_user_name_ok(names[i])
                              ? k->users.vt->get_by_name(k->users.self, names[i], &user)
                              : SG_ERR_NOT_FOUND;

        if (err != SG_OK)
            return err == SG_ERR_NOT_FOUND ? SG_ERR_BAD_FIELD : err;
        for (size_t n = 0; n < i; n++)
            if (ids[n] == user.id)
                return SG_ERR_BAD_FIELD;
        ids[i] = user.id;
    }
    *ret_count = count;
    return SG_OK;
}

enum sg_err keys_names(struct keys *k, const struct principal *who,
                       char ret[SG_KEYS_MAX][SG_KEY_NAME_SIZE], size_t *ret_count)
{
    size_t count = 0, kept = 0;
    enum sg_err err = keyring_client_key_names(k->keyring, ret, &count);

    for (size_t i = 0; err == SG_OK && i < count; i++) {
        if (!principal_may_key(who, ret[i]))
            continue;
        if (kept != i)
            memcpy(ret[kept], ret[i], SG_KEY_NAME_SIZE);
        kept++;
    }
    if (err == SG_OK)
        *ret_count = kept;
    return err;
}

enum sg_err keys_find(struct keys *k, const struct principal *who, const char *name,
                      struct keyring_key *ret)
{
    return sig_key_name_valid(name) && principal_may_key(who, name)
               ? keyring_client_key_get(k->keyring, name, ret)
               : SG_ERR_NOT_FOUND;
}

enum sg_err keys_get(struct keys *k, const struct principal *who, const char *name,
                     struct key_info *ret)
{
    enum sg_err err = keys_find(k, who, name, &ret->key);

    return err == SG_OK ? name_all(k, ret) : err;
}

enum sg_err keys_create(struct keys *k, const struct principal *who, const char *name,
                        enum sig_key_type type, const char *uri, int64_t lifetime_s,
                        struct key_info *ret, const char **ret_reason)
{
    struct keyring_key_create m = {.type = type, .lifetime_s = lifetime_s};
    enum sg_err err;

    *ret_reason = "uri: no key of this type is there, or the gateway uses no PKCS#11 tokens";
    if (!sig_key_name_valid(name)) {
        *ret_reason = "name: must be 1 to 64 of a-z, 0-9, '.', '_' and '-', and begin with a "
                      "letter or digit";
        return SG_ERR_BAD_FIELD;
    }
    if (strlen(uri) >= sizeof m.uri)
        return SG_ERR_BAD_FIELD;
    if (!principal_may_key(who, name))
        return SG_ERR_FORBIDDEN;
    keys_actor(who, &m.actor);
    memcpy(m.name, name, strlen(name) + 1);
    memcpy(m.uri, uri, strlen(uri) + 1);
    err = keyring_client_key_create(k->keyring, &m, &ret->key);
    return err == SG_OK ? name_all(k, ret) : err;
}

enum sg_err keys_rotate(struct keys *k, const struct principal *who, const char *name,
                        const char *uri, int64_t lifetime_s, struct key_info *ret,
                        const char **ret_reason)
{
    struct keyring_key_rotate m = {.lifetime_s = lifetime_s};
    enum sg_err err;

    *ret_reason = uri[0] != 0 ? "uri: there is no such key in a token, or this key is none in one"
                              : "uri: is needed for a key in a token";
    if (!sig_key_name_valid(name) || !principal_may_key(who, name))
        return SG_ERR_NOT_FOUND;
    if (strlen(uri) >= sizeof m.uri)
        return SG_ERR_BAD_FIELD;
    keys_actor(who, &m.actor);
    memcpy(m.name, name, strlen(name) + 1);
    memcpy(m.uri, uri, strlen(uri) + 1);
    err = keyring_client_key_rotate(k->keyring, &m, &ret->key);
    return err == SG_OK ? name_all(k, ret) : err;
}

/* The users of a change, as ids. */
static enum sg_err set_users(struct keys *k, const struct key_change *change,
                             struct keyring_key_update *m, const char **ret_reason)
{
    enum sg_err err = SG_OK;

    if (change->signers != NULL) {
        *ret_reason = "signers: must be names of users, each once, 64 at most";
        m->set |= SG_KEY_SET_SIGNERS;
        err = find_users(k, change->signers, change->signer_count, m->to.signers,
                         &m->to.signer_count);
    }
    if (err == SG_OK && change->managers != NULL) {
        *ret_reason = "managers: must be names of users, each once, 64 at most";
        m->set |= SG_KEY_SET_MANAGERS;
        err = find_users(k, change->managers, change->manager_count, m->to.managers,
                         &m->to.manager_count);
    }
    return err;
}

/* Quorum and witnesses are one: what is not given of them stays. */
static enum sg_err set_witnesses(const struct key_change *change, const struct keyring_key *now,
                                 struct keyring_key_update *m, const char **ret_reason)
{
    if (change->quorum == NULL && change->witnesses == NULL)
        return SG_OK;
    m->set |= SG_KEY_SET_WITNESSES;
    m->to.quorum = change->quorum != NULL ? *change->quorum : now->quorum;
    m->to.witness_count = now->witness_count;
    memcpy(m->to.witnesses, now->witnesses, sizeof m->to.witnesses);
    if (change->witnesses != NULL) {
        *ret_reason = "witnesses: 16 at most";
        if (change->witness_count > SG_KEY_WITNESSES_MAX)
            return SG_ERR_BAD_FIELD;
        m->to.witness_count = change->witness_count;
        memcpy(m->to.witnesses, change->witnesses,
               change->witness_count * sizeof *change->witnesses);
    }
    for (size_t i = 0; change->witnesses != NULL && i < change->witness_count; i++) {
        *ret_reason = witness_obstacle(&change->witnesses[i]);
        if (*ret_reason != NULL)
            return SG_ERR_BAD_FIELD;
    }
    *ret_reason = "quorum: must not be more than there are witnesses";
    return m->to.quorum <= m->to.witness_count ? SG_OK : SG_ERR_BAD_FIELD;
}

static enum sg_err compose_update(struct keys *k, const struct key_change *change,
                                  const struct keyring_key *now, struct keyring_key_update *m,
                                  const char **ret_reason)
{
    enum sg_err err;

    if (change->disabled != NULL) {
        m->set |= SG_KEY_SET_DISABLED;
        m->to.disabled = *change->disabled;
    }
    if (change->oldest != NULL) {
        *ret_reason = "oldest_version: there is no such version";
        if (*change->oldest < 1 || *change->oldest > now->version_count)
            return SG_ERR_BAD_FIELD;
        m->set |= SG_KEY_SET_OLDEST;
        m->to.oldest = *change->oldest;
    }
    if (change->formats != NULL) {
        *ret_reason = "formats: minisign and signify are for ed25519 keys only";
        if ((*change->formats & ~sig_key_type_formats(now->type)) != 0)
            return SG_ERR_BAD_FIELD;
        m->set |= SG_KEY_SET_FORMATS;
        m->to.formats = *change->formats;
    }
    err = set_users(k, change, m, ret_reason);
    if (err == SG_OK)
        err = set_witnesses(change, now, m, ret_reason);
    if (err == SG_OK)
        *ret_reason = "witnesses: must be cosignature/v1 verifier keys with an http(s) address, "
                      "each once";
    return err;
}

/* Nobody learns from a refusal what only they may know who may change the key. */
static bool may_change(const struct keyring_actor *actor, const struct keyring_key *key)
{
    for (size_t i = 0; i < key->manager_count; i++)
        if (key->managers[i] == actor->user_id)
            return true;
    return actor->admin;
}

enum sg_err keys_update(struct keys *k, const struct principal *who, const char *name,
                        const struct key_change *change, struct key_info *ret,
                        const char **ret_reason)
{
    struct keyring_key_update *m = calloc(1, sizeof *m);
    enum sg_err err;

    if (m == NULL)
        return SG_ERR_NO_MEMORY;
    err = keys_find(k, who, name, &ret->key);
    if (err == SG_OK) {
        keys_actor(who, &m->actor);
        memcpy(m->to.name, ret->key.name, sizeof m->to.name);
        m->to.type = ret->key.type;
        m->to.oldest = 1;
        err = may_change(&m->actor, &ret->key) ? compose_update(k, change, &ret->key, m, ret_reason)
                                               : SG_ERR_FORBIDDEN;
    }
    if (err == SG_OK)
        err = keyring_client_key_update(k->keyring, m, &ret->key);
    free(m);
    return err == SG_OK ? name_all(k, ret) : err;
}

enum sg_err keys_public(struct keys *k, const char *name, uint32_t version,
                        struct keyring_public *ret)
{
    return sig_key_name_valid(name) ? keyring_client_key_public(k->keyring, name, version, ret)
                                    : SG_ERR_NOT_FOUND;
}
