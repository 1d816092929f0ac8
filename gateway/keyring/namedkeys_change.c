/* SPDX-License-Identifier: Apache-2.0 */
/* Named keys made, rotated and changed: durable on disk before anybody sees it. */
#include <string.h>

#include "base/clock.h"
#include "keyring/audit.h"
#include "keyring/namedkeys_internal.h"
#include "tlog/note.h"

#define LIFE_MAX_S (INT64_C(100) * 366 * 86400)

static bool is_life(int64_t lifetime_s)
{
    return lifetime_s >= 0 && lifetime_s <= LIFE_MAX_S;
}

/* Writes the audit line of a change that was asked for, done or refused. What was done stays done
 * when the line cannot be written: the log has it. */
static enum sg_err audited(struct namedkeys *n, const char *what, const char *key, uint32_t version,
                           const char *detail, const struct keyring_actor *actor, enum sg_err err)
{
    const struct audit_event e = {.what = what,
                                  .key = key,
                                  .version = version,
                                  .detail = detail,
                                  .actor = actor,
                                  .result = err};

    if (audit_write(n->options.audit, &e) != SG_OK)
        return err;
    return err;
}

/* A version of `m` at the end of the key; takes a reference of it. */
static enum sg_err add_version(struct named *k, struct material *m, int64_t lifetime_s)
{
    const int64_t now_ns = clock_now_ns();
    const size_t at = k->key.version_count;
    struct keyring_key_version v = {
        .number = (uint32_t)at + 1,
        .created_ns = now_ns,
        .expires_ns = lifetime_s == 0 ? 0 : now_ns + lifetime_s * SG_NS_PER_S,
    };
    enum sg_err err = material_keyid(m, v.keyid);

    if (err != SG_OK)
        return err;
    for (size_t i = 0; i < at; i++)
        if (memcmp(k->key.versions[i].keyid, v.keyid, sizeof v.keyid) == 0)
            return SG_ERR_CONFLICT;
    k->key.versions[at] = v;
    k->version[at] = material_ref(m);
    k->key.version_count++;
    memcpy(k->key.uri, m->uri, sizeof k->key.uri);
    return SG_OK;
}

static void set_policy(struct keyring_key *key, const struct keyring_key_create *m)
{
    memcpy(key->name, m->name, sizeof key->name);
    key->type = m->type;
    key->created_ns = clock_now_ns();
    key->oldest = 1;
    key->formats = sig_key_type_formats(m->type);
    key->signers[0] = m->actor.user_id;
    key->signer_count = 1;
    key->managers[0] = m->actor.user_id;
    key->manager_count = 1;
}

/* Under `change`. */
static enum sg_err create(struct namedkeys *n, const struct keyring_key_create *m,
                          struct keyring_key *ret)
{
    const uint64_t none = 0;
    struct named *former = namedkeys_find(n, m->name);
    struct material *material = NULL;
    struct usage *usage;
    struct named *k;
    enum sg_err err;

    named_unref(former);
    if (former != NULL)
        return SG_ERR_NAME_TAKEN;
    if (n->count >= SG_KEYS_MAX) /* changed under `change` only */
        return SG_ERR_LIMIT;
    usage = usage_new();
    k = usage != NULL ? named_new(usage) : NULL;
    err = k != NULL ? material_make(&n->options, m->name, m->type, m->uri, &material)
                    : SG_ERR_NO_MEMORY;
    if (err == SG_OK) {
        set_policy(&k->key, m);
        err = add_version(k, material, m->lifetime_s);
        usage->version_count = 1;
    }
    material_unref(material);
    if (err == SG_OK)
        err = usage_save(n, m->name, &none, 1);
    if (err == SG_OK)
        err = named_save(n, k);
    if (err != SG_OK) {
        named_unref(k);
        usage_free(usage);
        return err;
    }
    named_describe(k, ret);
    return namedkeys_put(n, k);
}

enum sg_err namedkeys_create(struct namedkeys *n, const struct keyring_key_create *m,
                             struct keyring_key *ret)
{
    enum sg_err err;

    if (!m->actor.admin)
        return audited(n, "create", m->name, 0, NULL, &m->actor, SG_ERR_FORBIDDEN);
    if (!sig_key_name_valid(m->name) || m->actor.user_id <= 0 || !is_life(m->lifetime_s))
        return SG_ERR_BAD_FIELD;
    (void)pthread_mutex_lock(&n->change);
    err = create(n, m, ret);
    (void)pthread_mutex_unlock(&n->change);
    return audited(n, "create", m->name, 1, sig_key_type_name(m->type), &m->actor, err);
}

static bool may_manage(const struct keyring_key *k, const struct keyring_actor *actor)
{
    for (size_t i = 0; i < k->manager_count; i++)
        if (k->managers[i] == actor->user_id)
            return true;
    return actor->admin;
}

/* Under `change`: makes what was changed durable and visible; takes `k`. */
static enum sg_err publish(struct namedkeys *n, struct named *k, struct keyring_key *ret)
{
    enum sg_err err = named_save(n, k);

    if (err != SG_OK) {
        named_unref(k);
        return err;
    }
    (void)pthread_mutex_lock(&k->usage->lock);
    k->usage->version_count = k->key.version_count;
    (void)pthread_mutex_unlock(&k->usage->lock);
    named_describe(k, ret);
    return namedkeys_put(n, k);
}

/* Under `change`. */
static enum sg_err rotate(struct namedkeys *n, const struct named *former,
                          const struct keyring_key_rotate *m, struct keyring_key *ret)
{
    const bool in_token = former->key.uri[0] != '\0';
    struct material *material = NULL;
    struct named *k;
    enum sg_err err;

    if (!may_manage(&former->key, &m->actor))
        return SG_ERR_FORBIDDEN;
    /* A key stays where it is: what people know about it would be wrong else. */
    if (!is_life(m->lifetime_s) || in_token != (m->uri[0] != '\0'))
        return SG_ERR_BAD_FIELD;
    if (former->key.version_count >= SG_KEY_VERSIONS_MAX)
        return SG_ERR_LIMIT;
    k = named_copy(former);
    err = k != NULL ? material_make(&n->options, m->name, former->key.type, m->uri, &material)
                    : SG_ERR_NO_MEMORY;
    if (err == SG_OK)
        err = add_version(k, material, m->lifetime_s);
    material_unref(material);
    if (err != SG_OK) {
        named_unref(k);
        return err;
    }
    return publish(n, k, ret);
}

enum sg_err namedkeys_rotate(struct namedkeys *n, const struct keyring_key_rotate *m,
                             struct keyring_key *ret)
{
    struct named *former;
    enum sg_err err;
    uint32_t version = 0;

    (void)pthread_mutex_lock(&n->change);
    former = namedkeys_find(n, m->name);
    err = former != NULL ? rotate(n, former, m, ret) : SG_ERR_NOT_FOUND;
    if (err == SG_OK)
        version = (uint32_t)former->key.version_count + 1;
    named_unref(former);
    (void)pthread_mutex_unlock(&n->change);
    if (err == SG_ERR_NOT_FOUND)
        return err;
    return audited(n, "rotate", m->name, version, NULL, &m->actor, err);
}

static bool are_ids(const int64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] <= 0)
            return false;
        for (size_t j = 0; j < i; j++)
            if (ids[j] == ids[i])
                return false;
    }
    return true;
}

static bool is_url(const char *text)
{
    if (strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0)
        return false;
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"\\<>^`{|}?#", *text) != NULL)
            return false;
    return true;
}

/* One witness that is listed twice would count twice. */
static bool are_witnesses(const struct keyring_key *to)
{
    struct note_key parsed;
    struct note_key other;

    if (to->quorum > to->witness_count)
        return false;
    for (size_t i = 0; i < to->witness_count; i++) {
        if (!is_url(to->witnesses[i].url) ||
            note_key_parse(to->witnesses[i].vkey, &parsed) != SG_OK ||
            parsed.type != SG_NOTE_COSIGNATURE)
            return false;
        for (size_t j = 0; j < i; j++)
            if (note_key_parse(to->witnesses[j].vkey, &other) != SG_OK ||
                memcmp(other.public_key, parsed.public_key, sizeof parsed.public_key) == 0)
                return false;
    }
    return true;
}

static enum sg_err check_update(const struct keyring_key *key, const struct keyring_key_update *m)
{
    const struct keyring_key *to = &m->to;

    if ((m->set & SG_KEY_SET_OLDEST) != 0 && (to->oldest < 1 || to->oldest > key->version_count))
        return SG_ERR_BAD_FIELD;
    if ((m->set & SG_KEY_SET_FORMATS) != 0 && (to->formats & ~sig_key_type_formats(key->type)) != 0)
        return SG_ERR_BAD_FIELD;
    if ((m->set & SG_KEY_SET_SIGNERS) != 0 && !are_ids(to->signers, to->signer_count))
        return SG_ERR_BAD_FIELD;
    if ((m->set & SG_KEY_SET_MANAGERS) != 0 && !are_ids(to->managers, to->manager_count))
        return SG_ERR_BAD_FIELD;
    if ((m->set & SG_KEY_SET_WITNESSES) != 0 && !are_witnesses(to))
        return SG_ERR_BAD_FIELD;
    return SG_OK;
}

static void apply(struct keyring_key *key, const struct keyring_key_update *m)
{
    const struct keyring_key *to = &m->to;

    if ((m->set & SG_KEY_SET_DISABLED) != 0)
        key->disabled = to->disabled;
    if ((m->set & SG_KEY_SET_OLDEST) != 0)
        key->oldest = to->oldest;
    if ((m->set & SG_KEY_SET_FORMATS) != 0)
        key->formats = to->formats;
    if ((m->set & SG_KEY_SET_SIGNERS) != 0) {
        key->signer_count = to->signer_count;
        memcpy(key->signers, to->signers, sizeof key->signers);
    }
    if ((m->set & SG_KEY_SET_MANAGERS) != 0) {
        key->manager_count = to->manager_count;
        memcpy(key->managers, to->managers, sizeof key->managers);
    }
    if ((m->set & SG_KEY_SET_WITNESSES) != 0) {
        key->quorum = to->quorum;
        key->witness_count = to->witness_count;
        memcpy(key->witnesses, to->witnesses, sizeof key->witnesses);
    }
}

/* Under `change`. */
static enum sg_err update(struct namedkeys *n, const struct named *former,
                          const struct keyring_key_update *m, struct keyring_key *ret)
{
    struct named *k;
    enum sg_err err;

    if (!may_manage(&former->key, &m->actor))
        return SG_ERR_FORBIDDEN;
    /* Whom the gateway connects to, and that it must, is for those who run it to say. */
    if ((m->set & SG_KEY_SET_WITNESSES) != 0 && !m->actor.admin)
        return SG_ERR_FORBIDDEN;
    err = check_update(&former->key, m);
    if (err != SG_OK)
        return err;
    k = named_copy(former);
    if (k == NULL)
        return SG_ERR_NO_MEMORY;
    apply(&k->key, m);
    return publish(n, k, ret);
}

/* What was changed, for the audit line. */
static void describe_set(unsigned set, struct buf *out)
{
    static const char *const names[] = {"disabled", "oldest",   "formats",
                                        "signers",  "managers", "witnesses"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if ((set & 1U << i) != 0)
            buf_printf(out, "%s%s", out->len > 0 ? "," : "", names[i]);
}

enum sg_err namedkeys_update(struct namedkeys *n, const struct keyring_key_update *m,
                             struct keyring_key *ret)
{
    SG_BUF_CLEANUP struct buf what;
    struct named *former;
    enum sg_err err;

    buf_init(&what, 128);
    (void)pthread_mutex_lock(&n->change);
    former = namedkeys_find(n, m->to.name);
    err = former != NULL ? update(n, former, m, ret) : SG_ERR_NOT_FOUND;
    named_unref(former);
    (void)pthread_mutex_unlock(&n->change);
    if (err == SG_ERR_NOT_FOUND)
        return err;
    describe_set(m->set, &what);
    if ((m->set & SG_KEY_SET_DISABLED) != 0 && err == SG_OK)
        buf_puts(&what, ret->disabled ? ":off" : ":on");
    return audited(n, "update", m->to.name, 0, buf_str(&what), &m->actor, err);
}
