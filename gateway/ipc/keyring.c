/* SPDX-License-Identifier: Apache-2.0 */
/* Layout of the keyring's messages; a decoder never accepts more or less than one whole body. */
#include "ipc/keyring.h"

#include <string.h>

bool keyring_is_allowed(uint8_t type, enum keyring_peer peer)
{
    switch (type) {
#define X(name, number, peers)                                                                     \
    case number:                                                                                   \
        return ((unsigned)(peers) & (unsigned)peer) != 0;
        SG_KEYRING_TABLE(X)
#undef X
    default:
        return false;
    }
}

const char *keyring_message_name(uint8_t type)
{
    switch (type) {
#define X(name, number, peers)                                                                     \
    case number:                                                                                   \
        return #name;
        SG_KEYRING_TABLE(X)
#undef X
    default:
        return "?";
    }
}

/* Bytes of an exact or bounded length into an array. */
static size_t get_bytes(struct decoder *d, uint8_t *ret, size_t min, size_t max)
{
    size_t len;
    const uint8_t *at = codec_bytes(d, max, &len);

    if (len < min)
        d->failed = true;
    memcpy(ret, at, len);
    return len;
}

void keyring_put_sign_tls(struct buf *b, const struct keyring_sign_tls *m)
{
    codec_put_bytes(b, m->spki_sha256, sizeof m->spki_sha256);
    codec_put_u32(b, m->sign_algorithm);
    codec_put_bytes(b, m->digest, m->digest_len);
}

enum sg_err keyring_get_sign_tls(struct decoder *d, struct keyring_sign_tls *ret)
{
    struct keyring_sign_tls m = {0};
    enum sg_err err;

    (void)get_bytes(d, m.spki_sha256, sizeof m.spki_sha256, sizeof m.spki_sha256);
    m.sign_algorithm = codec_u32(d);
    m.digest_len = get_bytes(d, m.digest, 1, sizeof m.digest);
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}

void keyring_put_claims(struct buf *b, const struct keyring_claims *m)
{
    codec_put_string(b, m->sub);
    codec_put_string(b, m->sid);
    codec_put_string(b, m->jti);
    codec_put_string(b, m->scope);
    codec_put_string(b, m->role);
    codec_put_string(b, m->aud);
    codec_put_string(b, m->client_id);
    codec_put_u32(b, (uint32_t)m->actor_count);
    for (size_t i = 0; i < m->actor_count; i++)
        codec_put_string(b, m->actor[i]);
    codec_put_u8(b, (uint8_t)m->confirmation);
    if (m->confirmation != SG_CONFIRM_NOTHING)
        codec_put_bytes(b, m->confirmation_sha256, sizeof m->confirmation_sha256);
    codec_put_u32(b, m->lifetime_s);
}

enum sg_err keyring_get_claims(struct decoder *d, struct keyring_claims *ret)
{
    struct keyring_claims m = {0};
    uint8_t confirmation;
    enum sg_err err;

    codec_string(d, m.sub, sizeof m.sub);
    codec_string(d, m.sid, sizeof m.sid);
    codec_string(d, m.jti, sizeof m.jti);
    codec_string(d, m.scope, sizeof m.scope);
    codec_string(d, m.role, sizeof m.role);
    codec_string(d, m.aud, sizeof m.aud);
    codec_string(d, m.client_id, sizeof m.client_id);
    m.actor_count = codec_u32(d);
    if (m.actor_count > SG_ACTORS_MAX)
        return SG_ERR_PROTOCOL;
    for (size_t i = 0; i < m.actor_count; i++)
        codec_string(d, m.actor[i], sizeof m.actor[i]);
    confirmation = codec_u8(d);
    if (confirmation > SG_CONFIRM_DPOP)
        return SG_ERR_PROTOCOL;
    m.confirmation = (enum confirmation)confirmation;
    if (m.confirmation != SG_CONFIRM_NOTHING)
        (void)get_bytes(d, m.confirmation_sha256, sizeof m.confirmation_sha256,
                        sizeof m.confirmation_sha256);
    m.lifetime_s = codec_u32(d);
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}

void keyring_put_names(struct buf *b, const struct keyring_names *m)
{
    codec_put_u32(b, (uint32_t)m->count);
    for (size_t i = 0; i < m->count; i++)
        codec_put_string(b, m->name[i]);
}

enum sg_err keyring_get_names(struct decoder *d, struct keyring_names *ret)
{
    struct keyring_names m = {0};
    enum sg_err err;

    m.count = codec_u32(d);
    if (m.count > SG_KEYRING_NAMES_MAX)
        return SG_ERR_PROTOCOL;
    for (size_t i = 0; i < m.count; i++)
        codec_string(d, m.name[i], sizeof m.name[i]);
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}

void keyring_put_token_keys(struct buf *b, const struct token_key *keys, size_t count)
{
    codec_put_u32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        codec_put_string(b, keys[i].kid);
        codec_put_bytes(b, keys[i].n, keys[i].n_len);
        codec_put_bytes(b, keys[i].e, keys[i].e_len);
    }
}

enum sg_err keyring_get_token_keys(struct decoder *d, struct token_key ret[SG_TOKEN_KEYS_MAX],
                                   size_t *ret_count)
{
    struct token_key keys[SG_TOKEN_KEYS_MAX] = {0};
    size_t count = codec_u32(d);
    enum sg_err err;

    if (count > SG_TOKEN_KEYS_MAX)
        return SG_ERR_PROTOCOL;
    for (size_t i = 0; i < count; i++) {
        codec_string(d, keys[i].kid, sizeof keys[i].kid);
        keys[i].n_len = get_bytes(d, keys[i].n, 1, sizeof keys[i].n);
        keys[i].e_len = get_bytes(d, keys[i].e, 1, sizeof keys[i].e);
    }
    err = codec_end(d);
    if (err == SG_OK) {
        memcpy(ret, keys, sizeof keys);
        *ret_count = count;
    }
    return err;
}
