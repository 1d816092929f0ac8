/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing; nothing that does not authenticate is ever handed on. */
#include "keyring/sealed.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"
#include "keyring/kek.h"
#include "keyring/keyfile.h"

#define MAGIC      "SGSEAL1\n"
#define MAGIC_SIZE (sizeof MAGIC - 1)
#define SALT_SIZE  32
#define NONCE_SIZE 12
#define TAG_SIZE   16
#define HEAD_SIZE  (MAGIC_SIZE + SALT_SIZE + NONCE_SIZE)
#define LABEL      "secgate sealed file v1"

_Static_assert(HEAD_SIZE + TAG_SIZE == SG_SEALED_OVERHEAD, "as the header says");

/* GnuTLS only reads what its datums name, though their type does not say so. */
static gnutls_datum_t datum(const void *data, size_t len)
{
    gnutls_datum_t d = {.size = (unsigned)len};

    memcpy(&d.data, &data, sizeof data);
    return d;
}

/* The cipher with the key of the file that has this salt. */
static enum sg_err open_cipher(const struct kek *kek, const uint8_t salt[SALT_SIZE],
                               gnutls_aead_cipher_hd_t *ret)
{
    const gnutls_datum_t secret = datum(kek->key, sizeof kek->key);
    const gnutls_datum_t salted = datum(salt, SALT_SIZE);
    const gnutls_datum_t label = datum(LABEL, sizeof LABEL - 1);
    uint8_t prk[32];
    uint8_t key[32];
    const gnutls_datum_t extracted = datum(prk, sizeof prk);
    const gnutls_datum_t of_file = datum(key, sizeof key);
    bool ok = gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &secret, &salted, prk) >= 0 &&
              gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &extracted, &label, key, sizeof key) >= 0 &&
              gnutls_aead_cipher_init(ret, GNUTLS_CIPHER_AES_256_GCM, &of_file) >= 0;

    secret_wipe(prk, sizeof prk);
    secret_wipe(key, sizeof key);
    return ok ? SG_OK : SG_ERR_INTERNAL;
}

/* What the file is, and the head that it begins with. */
static enum sg_err put_associated(struct buf *b, const char *kind, const char *name,
                                  const uint8_t *head)
{
    buf_append(b, head, HEAD_SIZE);
    buf_append(b, kind, strlen(kind) + 1);
    buf_puts(b, name);
    return buf_status(b);
}

enum sg_err sealed_seal(const struct kek *kek, const char *kind, const char *name, const void *data,
                        size_t len, struct buf *out)
{
    SG_BUF_CLEANUP struct buf associated;
    uint8_t head[HEAD_SIZE];
    gnutls_aead_cipher_hd_t cipher;
    size_t size = len + TAG_SIZE;
    uint8_t *to = NULL;
    enum sg_err err;

    buf_init(&associated, 4096);
    memcpy(head, MAGIC, MAGIC_SIZE);
    rng_bytes(head + MAGIC_SIZE, SALT_SIZE + NONCE_SIZE);
    err = put_associated(&associated, kind, name, head);
    if (err != SG_OK)
        return err;
    buf_append(out, head, sizeof head);
    to = buf_reserve(out, size);
    if (to == NULL)
        return buf_status(out);
    err = open_cipher(kek, head + MAGIC_SIZE, &cipher);
    if (err != SG_OK)
        return err;
    if (gnutls_aead_cipher_encrypt(cipher, head + MAGIC_SIZE + SALT_SIZE, NONCE_SIZE,
                                   associated.data, associated.len, TAG_SIZE, data, len, to,
                                   &size) < 0 ||
        size != len + TAG_SIZE)
        err = SG_ERR_INTERNAL;
    gnutls_aead_cipher_deinit(cipher);
    if (err == SG_OK)
        buf_commit(out, size);
    return err;
}

bool sealed_is(const void *data, size_t len)
{
    return len >= MAGIC_SIZE && memcmp(data, MAGIC, MAGIC_SIZE) == 0;
}

enum sg_err sealed_open(const struct kek *kek, const char *kind, const char *name, const void *data,
                        size_t len, struct buf *out)
{
    SG_BUF_CLEANUP struct buf associated;
    const uint8_t *head = data;
    gnutls_aead_cipher_hd_t cipher;
    size_t size;
    uint8_t *to;
    enum sg_err err;

    buf_init(&associated, 4096);
    if (len < SG_SEALED_OVERHEAD || !sealed_is(data, len))
        return SG_ERR_CORRUPT;
    err = put_associated(&associated, kind, name, head);
    if (err != SG_OK)
        return err;
    size = len - SG_SEALED_OVERHEAD;
    to = buf_reserve(out, size > 0 ? size : 1);
    if (to == NULL)
        return buf_status(out);
    err = open_cipher(kek, head + MAGIC_SIZE, &cipher);
    if (err != SG_OK)
        return err;
    if (gnutls_aead_cipher_decrypt(cipher, head + MAGIC_SIZE + SALT_SIZE, NONCE_SIZE,
                                   associated.data, associated.len, TAG_SIZE, head + HEAD_SIZE,
                                   len - HEAD_SIZE, to, &size) < 0)
        err = SG_ERR_CORRUPT;
    gnutls_aead_cipher_deinit(cipher);
    if (err == SG_OK)
        buf_commit(out, size);
    else
        secret_wipe(to, len - SG_SEALED_OVERHEAD);
    return err;
}

enum sg_err sealed_save(const struct kek *kek, const char *path, const char *kind, const char *name,
                        const void *data, size_t len)
{
    SG_BUF_CLEANUP struct buf b;
    enum sg_err err;

    buf_init(&b, SG_SEALED_MAX);
    err = sealed_seal(kek, kind, name, data, len, &b);
    if (err == SG_OK)
        err = file_write_atomic(path, b.data, b.len, 0600);
    return err;
}

enum sg_err sealed_load(const struct kek *kek, const char *path, const char *kind, const char *name,
                        struct buf *out)
{
    SG_BUF_CLEANUP struct buf b;
    enum sg_err err;

    buf_init(&b, SG_SEALED_MAX);
    err = keyfile_read(path, SG_KEYFILE_OWN, &b);
    if (err != SG_OK)
        return err;
    err = sealed_open(kek, kind, name, b.data, b.len, out);
    if (err == SG_ERR_CORRUPT)
        log_write(SG_LOG_ERROR, "keyring.file_not_authentic", SG_STR("path", path),
                  SG_STR("hint", "it was altered, or belongs to another data directory"));
    return err;
}
