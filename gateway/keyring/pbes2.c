/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EncryptedPrivateKeyInfo (RFC 5958) with PBES2 (RFC 8018). Composed here, because GnuTLS takes
 * 5120 rounds of HMAC-SHA-1, which is too little today. The key is derived once for a whole backup:
 * each block names the same salt and has an IV of its own.
 */
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "base/rng.h"
#include "base/secret.h"
#include "certs/pki.h"
#include "keyring/backup.h"

#define ROUNDS 600000 /* 0x0927c0 in the template */
#define SALT   16
#define BLOCK  16

struct pbes2 {
    uint8_t salt[SALT];
    uint8_t key[32];
};

/* AlgorithmIdentifier { pbes2, { { pbkdf2, { salt, ROUNDS, hmacWithSHA256 } }, { aes256-CBC, iv } }
 * } */
static const uint8_t head[] = {
    0x30, 0x60, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d, 0x30, 0x53, 0x30,
    0x32, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c, 0x30, 0x25, 0x04, SALT,
};
static const uint8_t middle[] = {
    0x02, 0x03, 0x09, 0x27, 0xc0, 0x30, 0x0c, 0x06, 0x08, 0x2a,  0x86, 0x48,
    0x86, 0xf7, 0x0d, 0x02, 0x09, 0x05, 0x00, 0x30, 0x1d, 0x06,  0x09, 0x60,
    0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a, 0x04, BLOCK,
};

enum sg_err pbes2_new(const char *passphrase, struct pbes2 **ret)
{
    struct pbes2 *p = calloc(1, sizeof *p);
    gnutls_datum_t secret = {.size = (unsigned)strlen(passphrase)};
    gnutls_datum_t salt = {.size = SALT};

    if (p == NULL)
        return SG_ERR_NO_MEMORY;
    rng_bytes(p->salt, sizeof p->salt);
    /* GnuTLS only reads it, though its type does not say so. */
    memcpy(&secret.data, &passphrase, sizeof passphrase);
    salt.data = p->salt;
    if (gnutls_pbkdf2(GNUTLS_MAC_SHA256, &secret, &salt, ROUNDS, p->key, sizeof p->key) < 0) {
        pbes2_free(p);
        return SG_ERR_INTERNAL;
    }
    *ret = p;
    return SG_OK;
}

void pbes2_free(struct pbes2 *p)
{
    if (p == NULL)
        return;
    secret_wipe(p, sizeof *p);
    free(p);
}

/* Pads (PKCS #7) and encrypts in place. */
static enum sg_err encrypt(const struct pbes2 *p, uint8_t iv[BLOCK], struct buf *content)
{
    const size_t padding = BLOCK - content->len % BLOCK;
    uint8_t copy[32];
    gnutls_datum_t key = {.data = copy, .size = sizeof copy};
    gnutls_datum_t vector = {.data = iv, .size = BLOCK};
    gnutls_cipher_hd_t cipher;
    enum sg_err err = SG_OK;

    for (size_t i = 0; i < padding; i++)
        buf_putc(content, (char)padding);
    if (buf_status(content) != SG_OK)
        return buf_status(content);
    memcpy(copy, p->key, sizeof copy);
    if (gnutls_cipher_init(&cipher, GNUTLS_CIPHER_AES_256_CBC, &key, &vector) < 0)
        err = SG_ERR_INTERNAL;
    secret_wipe(copy, sizeof copy);
    if (err != SG_OK)
        return err;
    if (gnutls_cipher_encrypt(cipher, content->data, content->len) < 0)
        err = SG_ERR_INTERNAL;
    gnutls_cipher_deinit(cipher);
    return err;
}

static void put_length(struct buf *b, size_t len)
{
    if (len >= 0x100)
        buf_putc(b, (char)0x82);
    else if (len >= 0x80)
        buf_putc(b, (char)0x81);
    if (len >= 0x100)
        buf_putc(b, (char)(len >> 8));
    buf_putc(b, (char)(len & 0xff));
}

static size_t length_size(size_t len)
{
    return len >= 0x100 ? 3 : len >= 0x80 ? 2 : 1;
}

/* Appends the DER of the whole: the algorithm with salt and IV, the encrypted key. */
static void put_der(const struct pbes2 *p, const uint8_t iv[BLOCK], const struct buf *content,
                    struct buf *out)
{
    const size_t algorithm = sizeof head + SALT + sizeof middle + BLOCK;

    buf_putc(out, 0x30);
    put_length(out, algorithm + 1 + length_size(content->len) + content->len);
    buf_append(out, head, sizeof head);
    buf_append(out, p->salt, SALT);
    buf_append(out, middle, sizeof middle);
    buf_append(out, iv, BLOCK);
    buf_putc(out, 0x04);
    put_length(out, content->len);
    buf_append(out, content->data, content->len);
}

static enum sg_err put_pem(const struct buf *der, struct buf *out)
{
    const gnutls_datum_t in = {.data = der->data, .size = (unsigned)der->len};
    gnutls_datum_t text;

    if (buf_status(der) != SG_OK)
        return buf_status(der);
    if (gnutls_pem_base64_encode2("ENCRYPTED PRIVATE KEY", &in, &text) < 0)
        return SG_ERR_INTERNAL;
    buf_append(out, text.data, text.size);
    gnutls_free(text.data);
    return buf_status(out);
}

enum sg_err pbes2_put(const struct pbes2 *p, const void *pem, size_t len, struct buf *out)
{
    SG_BUF_CLEANUP struct buf der;
    struct buf content;
    gnutls_datum_t in = {.size = (unsigned)len};
    gnutls_datum_t plain = {0};
    uint8_t iv[BLOCK];
    enum sg_err err;

    memcpy(&in.data, &pem, sizeof pem);
    buf_init(&der, SG_PKI_PEM_MAX);
    if (gnutls_pem_base64_decode2("PRIVATE KEY", &in, &plain) < 0)
        return SG_ERR_CORRUPT;
    buf_init(&content, SG_PKI_PEM_MAX);
    buf_append(&content, plain.data, plain.size);
    gnutls_memset(plain.data, 0, plain.size);
    gnutls_free(plain.data);
    rng_bytes(iv, sizeof iv);
    err = encrypt(p, iv, &content);
    if (err == SG_OK) {
        put_der(p, iv, &content, &der);
        err = put_pem(&der, out);
    }
    buf_wipe(&content);
    return err;
}
