/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and messages of the sealed channel (docs/channel.md); it never keeps anything. */
#include "channel/channel.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <nettle/curve25519.h>
#include <string.h>

#include "base/encode.h"
#include "base/rng.h"
#include "base/secret.h"

#define SIGNED_LABEL "secgate channel v1"
#define START_LABEL  "secgate channel v1 start"
#define NEXT_LABEL   "secgate channel v1 next"
#define AAD_SIZE     (SG_CHANNEL_ID_SIZE + 1 + 3 * 8 + SG_CHANNEL_TAG_SIZE)

static const char *const key_label[2] = {"secgate channel v1 request key",
                                         "secgate channel v1 response key"};
static const char *const iv_label[2] = {"secgate channel v1 request iv",
                                        "secgate channel v1 response iv"};

static uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    encode_be64(value, at);
    return at + 8;
}

static bool all_zero(const uint8_t *data, size_t len)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum |= data[i];
    return sum == 0;
}

void channel_key_pair(uint8_t ret_secret[SG_CHANNEL_KEY_SIZE],
                      uint8_t ret_public[SG_CHANNEL_KEY_SIZE])
{
    rng_bytes(ret_secret, SG_CHANNEL_KEY_SIZE);
    curve25519_mul_g(ret_public, ret_secret);
}

enum sg_err channel_agree(const uint8_t secret[SG_CHANNEL_KEY_SIZE],
                          const uint8_t public_key[SG_CHANNEL_KEY_SIZE],
                          uint8_t ret[SG_CHANNEL_KEY_SIZE])
{
    uint8_t shared[SG_CHANNEL_KEY_SIZE];
    bool weak;

    curve25519_mul(shared, secret, public_key);
    weak = all_zero(shared, sizeof shared);
    if (!weak)
        memcpy(ret, shared, sizeof shared);
    secret_wipe(shared, sizeof shared);
    return weak ? SG_ERR_BAD_FIELD : SG_OK;
}

void channel_signed_text(const struct channel_terms *terms, struct buf *out)
{
    bool given = all_zero(terms->client_public, sizeof terms->client_public) &&
                 all_zero(terms->server_public, sizeof terms->server_public);
    const char *suite = given ? SG_CHANNEL_SUITE_GIVEN : SG_CHANNEL_SUITE_X25519;
    uint8_t times[16];

    buf_append(out, SIGNED_LABEL, sizeof SIGNED_LABEL); /* with its NUL */
    buf_append(out, suite, strlen(suite) + 1);
    buf_append(out, terms->session_id, sizeof terms->session_id);
    buf_append(out, terms->client_public, sizeof terms->client_public);
    buf_append(out, terms->server_public, sizeof terms->server_public);
    buf_append(out, terms->salt, sizeof terms->salt);
    put_u64(put_u64(times, (uint64_t)terms->created_s), (uint64_t)terms->expires_s);
    buf_append(out, times, sizeof times);
}

static enum sg_err expand(const uint8_t secret[SG_CHANNEL_KEY_SIZE], const void *info, size_t len,
                          uint8_t *ret, size_t ret_len)
{
    uint8_t key_copy[SG_CHANNEL_KEY_SIZE];
    uint8_t info_copy[128];
    gnutls_datum_t key = {key_copy, sizeof key_copy};
    gnutls_datum_t text = {info_copy, (unsigned)len};
    int rc;

    assert(len <= sizeof info_copy);
    memcpy(key_copy, secret, sizeof key_copy);
    memcpy(info_copy, info, len);
    rc = gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &key, &text, ret, ret_len);
    secret_wipe(key_copy, sizeof key_copy);
    return rc < 0 ? SG_ERR_INTERNAL : SG_OK;
}

/* What messages are sealed with, from the secret. */
static enum sg_err derive(struct channel_epoch *e)
{
    enum sg_err err = SG_OK;

    for (unsigned d = 0; err == SG_OK && d < 2; d++) {
        err = expand(e->secret, key_label[d], strlen(key_label[d]), e->key[d], sizeof e->key[d]);
        if (err == SG_OK)
            err = expand(e->secret, iv_label[d], strlen(iv_label[d]), e->iv[d], sizeof e->iv[d]);
    }
    return err;
}

static enum sg_err start(const struct channel_terms *terms,
                         const uint8_t shared[SG_CHANNEL_KEY_SIZE], struct channel_epoch *e)
{
    uint8_t prk[32], ikm_copy[SG_CHANNEL_KEY_SIZE], salt_copy[SG_CHANNEL_SALT_SIZE];
    uint8_t info[sizeof START_LABEL - 1 + 32];
    gnutls_datum_t ikm = {ikm_copy, sizeof ikm_copy}, salt = {salt_copy, sizeof salt_copy};
    SG_BUF_CLEANUP struct buf text;
    enum sg_err err;
    int rc;

    buf_init(&text, SG_CHANNEL_SIGNED_SIZE);
    channel_signed_text(terms, &text);
    err = buf_status(&text);
    if (err != SG_OK)
        return err;
    memcpy(info, START_LABEL, sizeof START_LABEL - 1);
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text.data, text.len, info + sizeof START_LABEL - 1) < 0)
        return SG_ERR_INTERNAL;
    memcpy(ikm_copy, shared, sizeof ikm_copy);
    memcpy(salt_copy, terms->salt, sizeof salt_copy);
    rc = gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &ikm, &salt, prk);
    err = rc < 0 ? SG_ERR_INTERNAL : expand(prk, info, sizeof info, e->secret, sizeof e->secret);
    secret_wipe(ikm_copy, sizeof ikm_copy);
    secret_wipe(prk, sizeof prk);
    return err;
}

static enum sg_err finish(struct channel_epoch *e, enum sg_err err, struct channel_epoch *ret)
{
    if (err == SG_OK)
        err = derive(e);
    if (err == SG_OK)
        *ret = *e;
    secret_wipe(e, sizeof *e);
    return err;
}

enum sg_err channel_start(const struct channel_terms *terms,
                          const uint8_t shared[SG_CHANNEL_KEY_SIZE], struct channel_epoch *ret)
{
    struct channel_epoch e = {.number = 0};

    return finish(&e, start(terms, shared, &e), ret);
}

enum sg_err channel_next(struct channel_epoch *epoch)
{
    struct channel_epoch e = {.number = epoch->number + 1};
    uint8_t info[sizeof NEXT_LABEL - 1 + 8];

    memcpy(info, NEXT_LABEL, sizeof NEXT_LABEL - 1);
    put_u64(info + sizeof NEXT_LABEL - 1, e.number);
    return finish(&e, expand(epoch->secret, info, sizeof info, e.secret, sizeof e.secret), epoch);
}

enum sg_err channel_resume(uint64_t number, const uint8_t secret[SG_CHANNEL_KEY_SIZE],
                           struct channel_epoch *ret)
{
    struct channel_epoch e = {.number = number};

    memcpy(e.secret, secret, sizeof e.secret);
    return finish(&e, SG_OK, ret);
}

void channel_nonce(const struct channel_epoch *epoch, enum channel_direction direction,
                   uint64_t sequence, uint8_t ret[SG_CHANNEL_NONCE_SIZE])
{
    memset(ret, 0, SG_CHANNEL_NONCE_SIZE - 8);
    put_u64(ret + SG_CHANNEL_NONCE_SIZE - 8, sequence);
    for (size_t i = 0; i < SG_CHANNEL_NONCE_SIZE; i++)
        ret[i] ^= epoch->iv[direction][i];
}

static void make_aad(const struct channel_epoch *epoch, const struct channel_message *m,
                     uint8_t aad[AAD_SIZE])
{
    uint8_t *at = aad;

    memcpy(at, m->session_id, SG_CHANNEL_ID_SIZE);
    at += SG_CHANNEL_ID_SIZE;
    *at++ = (uint8_t)m->direction;
    at = put_u64(at, epoch->number);
    at = put_u64(at, m->sequence);
    at = put_u64(at, m->next_epoch);
    memcpy(at, m->request_tag, SG_CHANNEL_TAG_SIZE);
}

static enum sg_err cipher_of(const struct channel_epoch *epoch, enum channel_direction direction,
                             gnutls_aead_cipher_hd_t *ret)
{
    uint8_t copy[SG_CHANNEL_KEY_SIZE];
    gnutls_datum_t key = {copy, sizeof copy};
    int rc;

    memcpy(copy, epoch->key[direction], sizeof copy);
    rc = gnutls_aead_cipher_init(ret, GNUTLS_CIPHER_AES_256_GCM, &key);
    secret_wipe(copy, sizeof copy);
    return rc < 0 ? SG_ERR_NO_MEMORY : SG_OK;
}

enum sg_err channel_seal(const struct channel_epoch *epoch, const struct channel_message *message,
                         const uint8_t *nonce, const void *data, size_t len, struct buf *out)
{
    uint8_t aad[AAD_SIZE], own[SG_CHANNEL_NONCE_SIZE];
    size_t sealed_len = len + SG_CHANNEL_TAG_SIZE;
    gnutls_aead_cipher_hd_t cipher;
    uint8_t *to = buf_reserve(out, sealed_len);
    enum sg_err err;
    int rc;

    if (to == NULL)
        return buf_status(out);
    err = cipher_of(epoch, message->direction, &cipher);
    if (err != SG_OK)
        return err;
    if (nonce == NULL)
        channel_nonce(epoch, message->direction, message->sequence, own);
    make_aad(epoch, message, aad);
    rc = gnutls_aead_cipher_encrypt(cipher, nonce != NULL ? nonce : own, SG_CHANNEL_NONCE_SIZE, aad,
                                    sizeof aad, SG_CHANNEL_TAG_SIZE, data, len, to, &sealed_len);
    gnutls_aead_cipher_deinit(cipher);
    if (rc < 0)
        return SG_ERR_INTERNAL;
    buf_commit(out, sealed_len);
    return SG_OK;
}

enum sg_err channel_open(const struct channel_epoch *epoch, const struct channel_message *message,
                         const uint8_t *nonce, const void *data, size_t len, struct buf *out)
{
    uint8_t aad[AAD_SIZE], own[SG_CHANNEL_NONCE_SIZE];
    gnutls_aead_cipher_hd_t cipher;
    size_t plain_len = len;
    enum sg_err err;
    uint8_t *to;
    int rc;

    if (len < SG_CHANNEL_TAG_SIZE)
        return SG_ERR_BAD_SEALED;
    to = buf_reserve(out, len);
    if (to == NULL)
        return buf_status(out);
    err = cipher_of(epoch, message->direction, &cipher);
    if (err != SG_OK)
        return err;
    if (nonce == NULL)
        channel_nonce(epoch, message->direction, message->sequence, own);
    make_aad(epoch, message, aad);
    rc = gnutls_aead_cipher_decrypt(cipher, nonce != NULL ? nonce : own, SG_CHANNEL_NONCE_SIZE, aad,
                                    sizeof aad, SG_CHANNEL_TAG_SIZE, data, len, to, &plain_len);
    gnutls_aead_cipher_deinit(cipher);
    if (rc < 0) {
        secret_wipe(to, len); /* what was deciphered before the tag was found wrong */
        return SG_ERR_BAD_SEALED;
    }
    buf_commit(out, plain_len);
    return SG_OK;
}
