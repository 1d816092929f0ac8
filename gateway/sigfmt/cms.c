/* SPDX-License-Identifier: Apache-2.0 */
/* CMS SignedData (RFC 5652), detached, one signer with signed attributes, certificate inside. */
#include <string.h>
#include <time.h>

#include "sigfmt/internal.h"

#define CMS_MAX 16384

/* Whole AlgorithmIdentifiers and OBJECT IDENTIFIERs in DER. */
struct der {
    uint8_t len;
    uint8_t bytes[24];
};
#define OID_PKCS7 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07
#define OID_PKCS9 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09
static const struct der oid_data = {11, {OID_PKCS7, 0x01}};
static const struct der oid_signed_data = {11, {OID_PKCS7, 0x02}};
static const struct der oid_content_type = {11, {OID_PKCS9, 0x03}};
static const struct der oid_message_digest = {11, {OID_PKCS9, 0x04}};
static const struct der oid_signing_time = {11, {OID_PKCS9, 0x05}};
#define OID_SHA2 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02
static const struct der alg_sha256 = {13, {0x30, 0x0b, OID_SHA2, 0x01}};
static const struct der alg_sha512 = {13, {0x30, 0x0b, OID_SHA2, 0x03}};
static const struct der alg_sha256_null = {15, {0x30, 0x0d, OID_SHA2, 0x01, 0x05, 0x00}};
static const struct der alg_sha512_null = {15, {0x30, 0x0d, OID_SHA2, 0x03, 0x05, 0x00}};
static const struct der alg_ed25519 = {7, {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70}};
#define OID_ECDSA 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03
static const struct der alg_ecdsa_sha256 = {12, {0x30, 0x0a, OID_ECDSA, 0x02}};
static const struct der alg_ecdsa_sha512 = {12, {0x30, 0x0a, OID_ECDSA, 0x04}};
#define OID_PKCS1 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01
static const struct der alg_rsa = {15, {0x30, 0x0d, OID_PKCS1, 0x01, 0x05, 0x00}};
static const struct der alg_rsa_sha256 = {15, {0x30, 0x0d, OID_PKCS1, 0x0b, 0x05, 0x00}};
static const struct der alg_rsa_sha512 = {15, {0x30, 0x0d, OID_PKCS1, 0x0d, 0x05, 0x00}};

static void put(struct buf *out, const struct der *d)
{
    buf_append(out, d->bytes, d->len);
}

static bool is(const struct sigfmt_der *whole, const struct der *d)
{
    return whole->left == d->len && memcmp(whole->at, d->bytes, d->len) == 0;
}

/* SEQUENCE { OID, SET { value } } */
static void put_attribute(struct buf *out, const struct der *oid, const struct buf *value)
{
    struct buf inner;

    buf_init(&inner, 256);
    put(&inner, oid);
    sigfmt_der_put(&inner, 0x31, value->data, value->len);
    if (inner.failed)
        out->failed = true;
    else
        sigfmt_der_put(out, 0x30, inner.data, inner.len);
    buf_fini(&inner);
}

/* UTCTime until 2049, GeneralizedTime after (RFC 5652, 11.3). */
static void put_time(struct buf *out, int64_t ns)
{
    time_t s = (time_t)(ns / 1000000000);
    char text[20];
    struct tm tm;
    bool general;

    (void)gmtime_r(&s, &tm);
    general = tm.tm_year >= 150;
    (void)strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm);
    sigfmt_der_put(out, general ? 0x18 : 0x17, text + (general ? 0 : 2),
                   strlen(text) - (general ? 0 : 2));
}

/* Attributes in the order of DER: the shorter one first. */
static void put_attributes(struct buf *out, const struct sig_record *r, const uint8_t *digest,
                           size_t digest_len)
{
    struct buf value;

    buf_init(&value, 128);
    put(&value, &oid_data);
    put_attribute(out, &oid_content_type, &value);
    buf_clear(&value);
    put_time(&value, r->timestamp_ns);
    put_attribute(out, &oid_signing_time, &value);
    buf_clear(&value);
    sigfmt_der_put(&value, 0x04, digest, digest_len);
    put_attribute(out, &oid_message_digest, &value);
    buf_fini(&value);
}

/* Issuer and serial number, and the key, of a certificate. */
struct certificate {
    struct sigfmt_der serial, issuer, spki; /* whole elements */
};

static bool read_certificate(const uint8_t *der, size_t len, struct certificate *ret)
{
    struct sigfmt_der all = {.at = der, .left = len};
    struct sigfmt_der body;
    struct sigfmt_der tbs;
    struct sigfmt_der skip;

    return sigfmt_der_take(&all, 0x30, &body, NULL) && all.left == 0 &&
           sigfmt_der_take(&body, 0x30, &tbs, NULL) && sigfmt_der_take(&tbs, 0xa0, &skip, NULL) &&
           sigfmt_der_take(&tbs, 0x02, &skip, &ret->serial) &&
           sigfmt_der_take(&tbs, 0x30, &skip, NULL) &&
           sigfmt_der_take(&tbs, 0x30, &skip, &ret->issuer) &&
           sigfmt_der_take(&tbs, 0x30, &skip, NULL) && sigfmt_der_take(&tbs, 0x30, &skip, NULL) &&
           sigfmt_der_take(&tbs, 0x30, &skip, &ret->spki);
}

static const struct der *signature_algorithm(enum sig_key_type type)
{
    if (type == SG_KEY_ED25519)
        return &alg_ed25519;
    return type == SG_KEY_RSA_3072 ? &alg_rsa : &alg_ecdsa_sha256;
}

/* Version 1: the signer is named by issuer and serial number. */
static void put_signer(struct buf *out, const struct certificate *c, const struct der *hash,
                       const struct der *algorithm, const struct buf *attributes,
                       const uint8_t *signature, size_t len)
{
    struct buf info;
    struct buf name;

    buf_init(&info, CMS_MAX);
    buf_init(&name, CMS_MAX);
    sigfmt_der_put(&info, 0x02, "\x01", 1);
    buf_append(&name, c->issuer.at, c->issuer.left);
    buf_append(&name, c->serial.at, c->serial.left);
    sigfmt_der_put(&info, 0x30, name.data, name.len);
    put(&info, hash);
    sigfmt_der_put(&info, 0xa0, attributes->data, attributes->len);
    put(&info, algorithm);
    sigfmt_der_put(&info, 0x04, signature, len);
    buf_clear(&name);
    sigfmt_der_put(&name, 0x30, info.data, info.len);
    sigfmt_der_put(out, 0x31, name.data, name.len);
    if (info.failed || name.failed)
        out->failed = true;
    buf_fini(&info);
    buf_fini(&name);
}

static void put_content_info(struct buf *out, const struct buf *signed_data)
{
    struct buf a;
    struct buf b;

    buf_init(&a, CMS_MAX);
    buf_init(&b, CMS_MAX);
    sigfmt_der_put(&a, 0x30, signed_data->data, signed_data->len);
    put(&b, &oid_signed_data);
    sigfmt_der_put(&b, 0xa0, a.data, a.len);
    if (a.failed || b.failed)
        out->failed = true;
    else
        sigfmt_der_put(out, 0x30, b.data, b.len);
    buf_fini(&a);
    buf_fini(&b);
}

enum sg_err sigfmt_compose_cms(struct buf *out, const struct sig_signer *s,
                               const struct sig_record *record, struct buf *scratch)
{
    /* RFC 8419, 3.1: with Ed25519 the digest is SHA-512. */
    bool ed25519 = s->public->type == SG_KEY_ED25519;
    const struct der *hash = ed25519 ? &alg_sha512 : &alg_sha256;
    SG_BUF_CLEANUP struct buf attributes;
    SG_BUF_CLEANUP struct buf data;
    uint8_t signature[SG_SIGNATURE_MAX];
    struct certificate c;
    size_t len;
    enum sg_err err;

    buf_init(&attributes, 1024);
    buf_init(&data, CMS_MAX);
    if (s->certificate == NULL || !read_certificate(s->certificate, s->certificate_len, &c))
        return SG_ERR_UNAVAILABLE;
    put_attributes(&attributes, record, ed25519 ? record->digests.sha512 : record->digests.sha256,
                   ed25519 ? 64 : 32);
    buf_clear(scratch);
    sigfmt_der_put(scratch, 0x31, attributes.data, attributes.len);
    if (attributes.failed || scratch->failed)
        return SG_ERR_NO_MEMORY;
    err = s->sign(s->ctx, SG_OVER_SHA256, scratch->data, scratch->len, signature, &len);
    if (err != SG_OK)
        return err;
    sigfmt_der_put(&data, 0x02, "\x01", 1);
    sigfmt_der_put(&data, 0x31, hash->bytes, hash->len);
    sigfmt_der_put(&data, 0x30, oid_data.bytes, oid_data.len);
    sigfmt_der_put(&data, 0xa0, s->certificate, s->certificate_len);
    put_signer(&data, &c, hash, signature_algorithm(s->public->type), &attributes, signature, len);
    if (buf_status(&data) != SG_OK)
        return buf_status(&data);
    put_content_info(out, &data);
    return SG_OK;
}

/* What is looked at when it is verified. */
struct parsed {
    struct sigfmt_der certificate;           /* the signer's, whole; left 0: none is inside */
    struct sigfmt_der signer;                /* content: issuer and serial number; left 0: other */
    struct sigfmt_der hash, algorithm;       /* whole */
    struct sigfmt_der attributes, signature; /* contents */
};

static bool take_version(struct sigfmt_der *d)
{
    struct sigfmt_der v;

    return sigfmt_der_take(d, 0x02, &v, NULL) && v.left == 1 && (v.at[0] == 1 || v.at[0] == 3);
}

static bool parse_signer(struct sigfmt_der *infos, struct parsed *ret)
{
    struct sigfmt_der info;
    struct sigfmt_der skip;

    if (!sigfmt_der_take(infos, 0x30, &info, NULL) || infos->left != 0 || !take_version(&info))
        return false;
    if (!sigfmt_der_take(&info, 0x30, &ret->signer, NULL) &&
        !sigfmt_der_take(&info, 0x80, &skip, NULL))
        return false;
    if (!sigfmt_der_take(&info, 0x30, &skip, &ret->hash) ||
        !sigfmt_der_take(&info, 0xa0, &ret->attributes, NULL) ||
        !sigfmt_der_take(&info, 0x30, &skip, &ret->algorithm) ||
        !sigfmt_der_take(&info, 0x04, &ret->signature, NULL))
        return false;
    /* Unsigned attributes may follow. */
    return info.left == 0 || (sigfmt_der_take(&info, 0xa1, &skip, NULL) && info.left == 0);
}

/* The digest of the signer is among those that the whole announces. */
static bool is_announced(struct sigfmt_der digests, const struct sigfmt_der *hash)
{
    struct sigfmt_der skip;
    struct sigfmt_der one;

    while (sigfmt_der_take(&digests, 0x30, &skip, &one))
        if (one.left == hash->left && memcmp(one.at, hash->at, one.left) == 0)
            return true;
    return false;
}

/* Chooses the certificate that the signer is named by. False: there are some, and it is not there.
 */
static bool find_certificate(struct sigfmt_der certificates, struct parsed *ret)
{
    struct sigfmt_der skip;
    struct sigfmt_der one;
    struct certificate c;

    if (certificates.left == 0)
        return true;
    while (sigfmt_der_take(&certificates, 0x30, &skip, &one)) {
        if (!read_certificate(one.at, one.left, &c))
            continue;
        if (ret->signer.left == 0 ||
            (ret->signer.left == c.issuer.left + c.serial.left &&
             memcmp(ret->signer.at, c.issuer.at, c.issuer.left) == 0 &&
             memcmp(ret->signer.at + c.issuer.left, c.serial.at, c.serial.left) == 0)) {
            ret->certificate = one;
            return true;
        }
    }
    return false;
}

/* Down to the content of SignedData. */
static bool open_signed_data(const uint8_t *der, size_t len, struct sigfmt_der *ret)
{
    struct sigfmt_der all = {.at = der, .left = len};
    struct sigfmt_der info;
    struct sigfmt_der outer;
    struct sigfmt_der part;
    struct sigfmt_der whole;

    return len <= CMS_MAX && sigfmt_der_take(&all, 0x30, &info, NULL) && all.left == 0 &&
           sigfmt_der_take(&info, 0x06, &part, &whole) && is(&whole, &oid_signed_data) &&
           sigfmt_der_take(&info, 0xa0, &outer, NULL) && info.left == 0 &&
           sigfmt_der_take(&outer, 0x30, ret, NULL) && outer.left == 0;
}

static bool parse(const uint8_t *der, size_t len, struct parsed *ret)
{
    struct sigfmt_der certificates = {0};
    struct sigfmt_der digests;
    struct sigfmt_der data;
    struct sigfmt_der part;

    memset(ret, 0, sizeof *ret);
    if (!open_signed_data(der, len, &data) || !take_version(&data) ||
        !sigfmt_der_take(&data, 0x31, &digests, NULL) || !sigfmt_der_take(&data, 0x30, &part, NULL))
        return false;
    /* Detached: the type alone. */
    if (!is(&part, &oid_data))
        return false;
    if (sigfmt_der_is(&data, 0xa0) && !sigfmt_der_take(&data, 0xa0, &certificates, NULL))
        return false;
    /* Revocation lists (0xa1) are not taken: one byte makes one of a certificate. */
    return sigfmt_der_take(&data, 0x31, &part, NULL) && data.left == 0 &&
           parse_signer(&part, ret) && is_announced(digests, &ret->hash) &&
           find_certificate(certificates, ret);
}

bool sigfmt_cms_key(const uint8_t *der, size_t len, struct sig_public *ret)
{
    struct certificate c;
    struct parsed p;

    return parse(der, len, &p) && p.certificate.left > 0 &&
           read_certificate(p.certificate.at, p.certificate.left, &c) &&
           sig_public_load(c.spki.at, c.spki.left, ret) == SG_OK;
}

/* Finds the attributes that must be there, each once. */
static bool read_attributes(struct sigfmt_der attributes, struct sigfmt_der *ret_type,
                            struct sigfmt_der *ret_digest)
{
    unsigned types = 0;
    unsigned digests = 0;

    while (attributes.left > 0) {
        struct sigfmt_der attribute;
        struct sigfmt_der part;
        struct sigfmt_der oid;
        struct sigfmt_der set;

        if (!sigfmt_der_take(&attributes, 0x30, &attribute, NULL) ||
            !sigfmt_der_take(&attribute, 0x06, &part, &oid) ||
            !sigfmt_der_take(&attribute, 0x31, &set, NULL) || attribute.left != 0)
            return false;
        if (is(&oid, &oid_content_type)) {
            types++;
            if (!sigfmt_der_take(&set, 0x06, &part, ret_type) || set.left != 0)
                return false;
        } else if (is(&oid, &oid_message_digest)) {
            digests++;
            if (!sigfmt_der_take(&set, 0x04, ret_digest, NULL) || set.left != 0)
                return false;
        }
    }
    return types == 1 && digests == 1;
}

static bool is_algorithm(const struct sigfmt_der *a, enum sig_key_type type, bool sha512)
{
    if (type == SG_KEY_ED25519)
        return is(a, &alg_ed25519);
    if (type == SG_KEY_RSA_3072)
        return is(a, &alg_rsa) || is(a, sha512 ? &alg_rsa_sha512 : &alg_rsa_sha256);
    return is(a, sha512 ? &alg_ecdsa_sha512 : &alg_ecdsa_sha256);
}

/* A certificate of another key is the likely reason for a signature that does not hold. */
static enum sig_reason explain(const struct parsed *p, const struct sig_public *key)
{
    enum sig_reason reason = SG_SIG_INVALID;
    struct sig_public inside;
    struct certificate c;

    if (p->certificate.left > 0 && read_certificate(p->certificate.at, p->certificate.left, &c) &&
        sig_public_load(c.spki.at, c.spki.left, &inside) == SG_OK) {
        if (memcmp(inside.keyid, key->keyid, 32) != 0)
            reason = SG_SIG_KEY;
        sig_public_fini(&inside);
    }
    return reason;
}

enum sig_reason sigfmt_verify_cms(const uint8_t *der, size_t len, const struct sig_public *key,
                                  const struct sig_content *c)
{
    SG_BUF_CLEANUP struct buf data;
    struct sigfmt_der type;
    struct sigfmt_der digest;
    struct parsed p;
    bool sha512;

    buf_init(&data, CMS_MAX);
    if (!parse(der, len, &p) || !read_attributes(p.attributes, &type, &digest) ||
        !is(&type, &oid_data))
        return SG_SIG_MALFORMED;
    sha512 = is(&p.hash, &alg_sha512) || is(&p.hash, &alg_sha512_null);
    if (!sha512 && !is(&p.hash, &alg_sha256) && !is(&p.hash, &alg_sha256_null))
        return SG_SIG_UNSUPPORTED;
    if (!is_algorithm(&p.algorithm, key->type, sha512))
        return explain(&p, key) == SG_SIG_KEY ? SG_SIG_KEY : SG_SIG_UNSUPPORTED;
    if (sha512 && !c->digests.has_sha512)
        return SG_SIG_NO_DIGEST;
    sigfmt_der_put(&data, 0x31, p.attributes.at, p.attributes.left);
    /* Ed25519 signs the attributes themselves. */
    if (buf_status(&data) != SG_OK ||
        sigfmt_check(key, sha512 ? SG_OVER_SHA512 : SG_OVER_SHA256, data.data, data.len,
                     p.signature.at, p.signature.left) != SG_SIG_VALID)
        return explain(&p, key);
    if (p.certificate.left > 0 && explain(&p, key) == SG_SIG_KEY)
        return SG_SIG_KEY;
    if (digest.left != (sha512 ? 64U : 32U) ||
        memcmp(digest.at, sha512 ? c->digests.sha512 : c->digests.sha256, digest.left) != 0)
        return SG_SIG_DIGEST;
    return SG_SIG_VALID;
}
