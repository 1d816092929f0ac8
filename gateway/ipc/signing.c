/* SPDX-License-Identifier: Apache-2.0 */
/* Layout of the messages about named keys; a decoder never accepts more or less than one whole
 * body, nor two spellings of one. */
#include "ipc/signing.h"

#include <string.h>

static void put_bool(struct buf *b, bool v)
{
    codec_put_u8(b, v ? 1 : 0);
}

static bool get_bool(struct decoder *d)
{
    uint8_t v = codec_u8(d);

    if (v > 1)
        d->failed = true;
    return v == 1;
}

static enum sig_key_type get_type(struct decoder *d)
{
    uint8_t v = codec_u8(d);

    switch (v) {
#define X(name, number, text, algorithm) case number:
        SG_KEY_TYPES(X)
#undef X
        break;
    default:
        d->failed = true;
    }
    return (enum sig_key_type)v;
}

/* How many follow; 0 and the decoder has failed when these are more than `max`. */
static size_t get_count(struct decoder *d, size_t max)
{
    size_t count = codec_u32(d);

    if (count > max)
        d->failed = true;
    return count > max ? 0 : count;
}

static size_t get_bytes(struct decoder *d, uint8_t *ret, size_t min, size_t max)
{
    size_t len;
    const uint8_t *at = codec_bytes(d, max, &len);

    if (len < min) {
        d->failed = true;
        return 0;
    }
    if (len > 0)
        memcpy(ret, at, len);
    return len;
}

static void put_actor(struct buf *b, const struct keyring_actor *m)
{
    codec_put_i64(b, m->user_id);
    codec_put_string(b, m->user);
    put_bool(b, m->admin);
}

static void get_actor(struct decoder *d, struct keyring_actor *ret)
{
    ret->user_id = codec_i64(d);
    codec_string(d, ret->user, sizeof ret->user);
    ret->admin = get_bool(d);
}

void signing_put_create(struct buf *b, const struct keyring_key_create *m)
{
    put_actor(b, &m->actor);
    codec_put_string(b, m->name);
    codec_put_u8(b, (uint8_t)m->type);
    codec_put_string(b, m->uri);
    codec_put_i64(b, m->lifetime_s);
}

enum sg_err signing_get_create(struct decoder *d, struct keyring_key_create *ret)
{
    struct keyring_key_create m = {.lifetime_s = 0};
    enum sg_err err;

    get_actor(d, &m.actor);
    codec_string(d, m.name, sizeof m.name);
    m.type = get_type(d);
    codec_string(d, m.uri, sizeof m.uri);
    m.lifetime_s = codec_i64(d);
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}

void signing_put_rotate(struct buf *b, const struct keyring_key_rotate *m)
{
    put_actor(b, &m->actor);
    codec_put_string(b, m->name);
    codec_put_string(b, m->uri);
    codec_put_i64(b, m->lifetime_s);
}

enum sg_err signing_get_rotate(struct decoder *d, struct keyring_key_rotate *ret)
{
    struct keyring_key_rotate m = {.lifetime_s = 0};
    enum sg_err err;

    get_actor(d, &m.actor);
    codec_string(d, m.name, sizeof m.name);
    codec_string(d, m.uri, sizeof m.uri);
    m.lifetime_s = codec_i64(d);
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}

static void put_ids(struct buf *b, const int64_t *ids, size_t count)
{
    codec_put_u32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        codec_put_i64(b, ids[i]);
}

static size_t get_ids(struct decoder *d, int64_t ret[SG_KEY_USERS_MAX])
{
    size_t count = get_count(d, SG_KEY_USERS_MAX);

    for (size_t i = 0; i < count; i++)
        ret[i] = codec_i64(d);
    return count;
}

static void put_key(struct buf *b, const struct keyring_key *m)
{
    codec_put_string(b, m->name);
    codec_put_u8(b, (uint8_t)m->type);
    codec_put_i64(b, m->created_ns);
    put_bool(b, m->disabled);
    codec_put_u32(b, m->oldest);
    codec_put_u32(b, m->formats);
    codec_put_string(b, m->uri);
    put_ids(b, m->signers, m->signer_count);
    put_ids(b, m->managers, m->manager_count);
    codec_put_u32(b, m->quorum);
    codec_put_u32(b, (uint32_t)m->witness_count);
    for (size_t i = 0; i < m->witness_count; i++) {
        codec_put_string(b, m->witnesses[i].vkey);
        codec_put_string(b, m->witnesses[i].url);
    }
    codec_put_u32(b, (uint32_t)m->version_count);
    for (size_t i = 0; i < m->version_count; i++) {
        const struct keyring_key_version *v = &m->versions[i];

        codec_put_u32(b, v->number);
        codec_put_i64(b, v->created_ns);
        codec_put_i64(b, v->expires_ns);
        codec_put_bytes(b, v->keyid, sizeof v->keyid);
        codec_put_u64(b, v->uses);
    }
}

static void get_versions(struct decoder *d, struct keyring_key *ret)
{
    ret->version_count = get_count(d, SG_KEY_VERSIONS_MAX);
    for (size_t i = 0; i < ret->version_count; i++) {
        struct keyring_key_version *v = &ret->versions[i];

        v->number = codec_u32(d);
        v->created_ns = codec_i64(d);
        v->expires_ns = codec_i64(d);
        (void)get_bytes(d, v->keyid, sizeof v->keyid, sizeof v->keyid);
        v->uses = codec_u64(d);
    }
}

static void get_key(struct decoder *d, struct keyring_key *ret)
{
    memset(ret, 0, sizeof *ret);
    codec_string(d, ret->name, sizeof ret->name);
    ret->type = get_type(d);
    ret->created_ns = codec_i64(d);
    ret->disabled = get_bool(d);
    ret->oldest = codec_u32(d);
    ret->formats = codec_u32(d);
    if ((ret->formats & ~(unsigned)SG_FORMATS_ALL) != 0)
        d->failed = true;
    codec_string(d, ret->uri, sizeof ret->uri);
    ret->signer_count = get_ids(d, ret->signers);
    ret->manager_count = get_ids(d, ret->managers);
    ret->quorum = codec_u32(d);
    ret->witness_count = get_count(d, SG_KEY_WITNESSES_MAX);
    for (size_t i = 0; i < ret->witness_count; i++) {
        codec_string(d, ret->witnesses[i].vkey, sizeof ret->witnesses[i].vkey);
        codec_string(d, ret->witnesses[i].url, sizeof ret->witnesses[i].url);
    }
    get_versions(d, ret);
}

void signing_put_update(struct buf *b, const struct keyring_key_update *m)
{
    put_actor(b, &m->actor);
    codec_put_u32(b, m->set);
    put_key(b, &m->to);
}

enum sg_err signing_get_update(struct decoder *d, struct keyring_key_update *ret)
{
    const unsigned known = SG_KEY_SET_DISABLED | SG_KEY_SET_OLDEST | SG_KEY_SET_FORMATS |
                           SG_KEY_SET_SIGNERS | SG_KEY_SET_MANAGERS | SG_KEY_SET_WITNESSES;
    struct keyring_key_update m;
    enum sg_err err;

    get_actor(d, &m.actor);
    m.set = codec_u32(d);
    get_key(d, &m.to);
    if ((m.set & ~known) != 0 || m.to.version_count > 0)
        d->failed = true;
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}

void signing_put_key(struct buf *b, const struct keyring_key *m)
{
    put_key(b, m);
}

enum sg_err signing_get_key(struct decoder *d, struct keyring_key *ret)
{
    struct keyring_key m;
    enum sg_err err;

    get_key(d, &m);
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}

void signing_put_public(struct buf *b, const struct keyring_public *m)
{
    codec_put_u32(b, m->version);
    codec_put_u8(b, (uint8_t)m->type);
    codec_put_bytes(b, m->spki, m->spki_len);
    codec_put_bytes(b, m->certificate, m->certificate_len);
}

enum sg_err signing_get_public(struct decoder *d, struct keyring_public *ret)
{
    struct keyring_public m = {.version = codec_u32(d)};
    enum sg_err err;

    m.type = get_type(d);
    m.spki_len = get_bytes(d, m.spki, 1, sizeof m.spki);
    m.certificate_len = get_bytes(d, m.certificate, 0, sizeof m.certificate);
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}
