/* SPDX-License-Identifier: Apache-2.0 */
/* Loads public keys, shows them in every form. The SubjectPublicKeyInfo is always written anew, so
 * that a key has one keyid however it came. */
#include "sigfmt/public.h"

#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "base/encode.h"
#include "sigfmt/internal.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096

void sig_public_fini(struct sig_public *p)
{
    if (p->handle != NULL)
        gnutls_pubkey_deinit(p->handle);
    p->handle = NULL;
}

static bool find_type(gnutls_pubkey_t key, enum sig_key_type *ret)
{
    unsigned bits = 0;
    int kind = gnutls_pubkey_get_pk_algorithm(key, &bits);
    gnutls_ecc_curve_t curve;

    if (kind == GNUTLS_PK_EDDSA_ED25519) {
        *ret = SG_KEY_ED25519;
        return true;
    }
    if (kind == GNUTLS_PK_RSA) {
        *ret = SG_KEY_RSA_3072;
        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
    }
    *ret = SG_KEY_ECDSA_P256;
    return kind == GNUTLS_PK_ECDSA &&
           gnutls_pubkey_export_ecc_raw2(key, &curve, NULL, NULL, 0) == 0 &&
           curve == GNUTLS_ECC_CURVE_SECP256R1;
}

/* Takes the handle, also when it fails. */
static enum sg_err settle(gnutls_pubkey_t handle, struct sig_public *ret)
{
    struct sig_public p = {.handle = handle};
    size_t size = sizeof p.spki;

    if (!find_type(handle, &p.type) ||
        gnutls_pubkey_export(handle, GNUTLS_X509_FMT_DER, p.spki, &size) != 0)
        goto fail;
    p.spki_len = size;
    sigfmt_sha256(p.spki, p.spki_len, p.keyid);
    memcpy(p.number, p.keyid, sizeof p.number);
    if (p.type == SG_KEY_ED25519) {
        gnutls_ecc_curve_t curve;
        gnutls_datum_t x;

        if (gnutls_pubkey_export_ecc_raw2(handle, &curve, &x, NULL, 0) != 0)
            goto fail;
        if (x.size == sizeof p.ed25519)
            memcpy(p.ed25519, x.data, sizeof p.ed25519);
        gnutls_free(x.data);
    }
    *ret = p;
    return SG_OK;
fail:
    gnutls_pubkey_deinit(handle);
    return SG_ERR_BAD_FIELD;
}

static gnutls_datum_t datum(const uint8_t *data, size_t len)
{
    gnutls_datum_t d = {.size = (unsigned)len};

    /* GnuTLS only reads; its type has no const. */
    memcpy(&d.data, &data, sizeof data);
    return d;
}

enum sg_err sig_public_load(const void *spki, size_t len, struct sig_public *ret)
{
    gnutls_datum_t in = datum(spki, len);
    gnutls_pubkey_t key;

    if (len == 0 || len > SG_PUBLIC_TEXT_MAX)
        return SG_ERR_BAD_FIELD;
    if (gnutls_pubkey_init(&key) != 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_pubkey_import(key, &in, GNUTLS_X509_FMT_DER) != 0) {
        gnutls_pubkey_deinit(key);
        return SG_ERR_BAD_FIELD;
    }
    return settle(key, ret);
}

enum sg_err sigfmt_public_from_certificate(const void *data, size_t len, bool pem,
                                           struct sig_public *ret)
{
    gnutls_datum_t in = datum(data, len);
    gnutls_x509_crt_t crt;
    gnutls_pubkey_t key;
    int rc;

    if (gnutls_x509_crt_init(&crt) != 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_pubkey_init(&key) != 0) {
        gnutls_x509_crt_deinit(crt);
        return SG_ERR_NO_MEMORY;
    }
    rc = gnutls_x509_crt_import(crt, &in, pem ? GNUTLS_X509_FMT_PEM : GNUTLS_X509_FMT_DER);
    if (rc == 0)
        rc = gnutls_pubkey_import_x509(key, crt, 0);
    gnutls_x509_crt_deinit(crt);
    if (rc != 0) {
        gnutls_pubkey_deinit(key);
        return SG_ERR_BAD_FIELD;
    }
    return settle(key, ret);
}

enum sg_err sigfmt_public_from_ecc(enum sig_key_type type, const uint8_t *x, const uint8_t *y,
                                   struct sig_public *ret)
{
    gnutls_datum_t dx = datum(x, 32);
    gnutls_datum_t dy = datum(y, 32);
    gnutls_pubkey_t key;
    int rc;

    if (gnutls_pubkey_init(&key) != 0)
        return SG_ERR_NO_MEMORY;
    rc = type == SG_KEY_ED25519
             ? gnutls_pubkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_ED25519, &dx, NULL)
             : gnutls_pubkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_SECP256R1, &dx, &dy);
    if (rc != 0) {
        gnutls_pubkey_deinit(key);
        return SG_ERR_BAD_FIELD;
    }
    return settle(key, ret);
}

enum sg_err sigfmt_public_from_rsa(const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len,
                                   struct sig_public *ret)
{
    gnutls_datum_t dn = datum(n, n_len);
    gnutls_datum_t de = datum(e, e_len);
    gnutls_pubkey_t key;

    if (n_len == 0 || n_len > 513 || e_len == 0 || e_len > 8)
        return SG_ERR_BAD_FIELD;
    if (gnutls_pubkey_init(&key) != 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_pubkey_import_rsa_raw(key, &dn, &de) != 0) {
        gnutls_pubkey_deinit(key);
        return SG_ERR_BAD_FIELD;
    }
    return settle(key, ret);
}

/* The two numbers of a key: x and y (left-padded to 32 bytes), or n and e without leading zeros. */
struct parts {
    uint8_t bytes[2][520];
    size_t len[2];
};

static bool get_parts(const struct sig_public *p, struct parts *ret)
{
    gnutls_ecc_curve_t curve;
    gnutls_datum_t d[2] = {{0}, {0}};
    bool fits = true;
    int rc = p->type == SG_KEY_RSA_3072
                 ? gnutls_pubkey_export_rsa_raw2(p->handle, &d[0], &d[1], GNUTLS_EXPORT_FLAG_NO_LZ)
                 : gnutls_pubkey_export_ecc_raw2(p->handle, &curve, &d[0], &d[1],
                                                 GNUTLS_EXPORT_FLAG_NO_LZ);

    if (rc != 0)
        return false;
    for (size_t i = 0; i < 2; i++) {
        size_t size = d[i].size;
        size_t pad = p->type == SG_KEY_ECDSA_P256 && size < 32 ? 32 - size : 0;

        fits = fits && size <= 512;
        memset(ret->bytes[i], 0, 32);
        if (fits && size > 0)
            memcpy(ret->bytes[i] + pad, d[i].data, size);
        ret->len[i] = size + pad;
        gnutls_free(d[i].data);
    }
    return fits;
}

enum sg_err sig_public_put_ssh(struct buf *out, const struct sig_public *p)
{
    struct parts parts;
    uint8_t point[65] = {0x04};

    if (p->type == SG_KEY_ED25519) {
        sigfmt_put_string(out, "ssh-ed25519", 11);
        sigfmt_put_string(out, p->ed25519, 32);
        return buf_status(out);
    }
    if (!get_parts(p, &parts))
        return SG_ERR_INTERNAL;
    if (p->type == SG_KEY_RSA_3072) {
        sigfmt_put_string(out, "ssh-rsa", 7);
        sigfmt_put_mpint(out, parts.bytes[1], parts.len[1]);
        sigfmt_put_mpint(out, parts.bytes[0], parts.len[0]);
        return buf_status(out);
    }
    memcpy(point + 1, parts.bytes[0], 32);
    memcpy(point + 33, parts.bytes[1], 32);
    sigfmt_put_string(out, "ecdsa-sha2-nistp256", 19);
    sigfmt_put_string(out, "nistp256", 8);
    sigfmt_put_string(out, point, sizeof point);
    return buf_status(out);
}

static void put_pem(struct buf *out, const char *what, const void *data, size_t len)
{
    buf_printf(out, "-----BEGIN %s-----\n", what);
    sigfmt_put_base64(out, data, len, 64);
    buf_printf(out, "-----END %s-----\n", what);
}

static enum sg_err put_ssh_line(struct buf *out, const struct sig_public *p, const char *name)
{
    static const char *const kinds[] = {
        [SG_KEY_ED25519] = "ssh-ed25519",
        [SG_KEY_ECDSA_P256] = "ecdsa-sha2-nistp256",
        [SG_KEY_RSA_3072] = "ssh-rsa",
    };
    SG_BUF_CLEANUP struct buf blob;
    enum sg_err err;

    buf_init(&blob, 2048);
    err = sig_public_put_ssh(&blob, p);
    if (err != SG_OK)
        return err;
    buf_puts(out, kinds[p->type]);
    buf_putc(out, ' ');
    sigfmt_put_base64(out, blob.data, blob.len, 0);
    buf_printf(out, " %s\n", name);
    return buf_status(out);
}

/* minisign shows the number as a little-endian integer. */
static enum sg_err put_signify(struct buf *out, const struct sig_public *p, const char *name,
                               bool minisign)
{
    uint8_t blob[42] = {'E', 'd'};

    if (p->type != SG_KEY_ED25519)
        return SG_ERR_BAD_FIELD;
    memcpy(blob + 2, p->number, 8);
    memcpy(blob + 10, p->ed25519, 32);
    if (minisign) {
        buf_puts(out, "untrusted comment: minisign public key ");
        for (size_t i = 8; i-- > 0;)
            buf_printf(out, "%02X", p->number[i]);
        buf_putc(out, '\n');
    } else {
        buf_printf(out, "untrusted comment: %s public key\n", name);
    }
    sigfmt_put_base64(out, blob, sizeof blob, 0);
    buf_putc(out, '\n');
    return buf_status(out);
}

static void put_jwk_member(struct buf *out, const char *name, const uint8_t *data, size_t len)
{
    char text[SG_BASE64_SIZE(520)];

    encode_base64url(data, len, text);
    buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

static enum sg_err put_jwk(struct buf *out, const struct sig_public *p)
{
    char kid[SG_HEX_SIZE(32)];
    struct parts parts;

    if (p->type != SG_KEY_ED25519 && !get_parts(p, &parts))
        return SG_ERR_INTERNAL;
    encode_hex(p->keyid, 32, kid);
    if (p->type == SG_KEY_ED25519) {
        buf_printf(out, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"use\":\"sig\"", kid);
        put_jwk_member(out, "x", p->ed25519, 32);
    } else if (p->type == SG_KEY_ECDSA_P256) {
        buf_printf(out, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"use\":\"sig\"", kid);
        put_jwk_member(out, "x", parts.bytes[0], 32);
        put_jwk_member(out, "y", parts.bytes[1], 32);
    } else {
        buf_printf(out, "{\"kty\":\"RSA\",\"kid\":\"%s\",\"use\":\"sig\"", kid);
        put_jwk_member(out, "n", parts.bytes[0], parts.len[0]);
        put_jwk_member(out, "e", parts.bytes[1], parts.len[1]);
    }
    buf_puts(out, "}\n");
    return buf_status(out);
}

enum sg_err sig_public_put(struct buf *out, const struct sig_public *p,
                           enum sig_public_format format, const char *name,
                           const uint8_t *certificate, size_t certificate_len)
{
    switch (format) {
    case SG_PUBLIC_PEM:
        put_pem(out, "PUBLIC KEY", p->spki, p->spki_len);
        return buf_status(out);
    case SG_PUBLIC_SSH:
        return put_ssh_line(out, p, name);
    case SG_PUBLIC_MINISIGN:
    case SG_PUBLIC_SIGNIFY:
        return put_signify(out, p, name, format == SG_PUBLIC_MINISIGN);
    case SG_PUBLIC_JWK:
        return put_jwk(out, p);
    case SG_PUBLIC_X509:
        if (certificate == NULL || certificate_len == 0)
            return SG_ERR_NOT_FOUND;
        put_pem(out, "CERTIFICATE", certificate, certificate_len);
        return buf_status(out);
    case SG_PUBLIC_FORMAT_COUNT:
        break;
    }
    return SG_ERR_BAD_FIELD;
}
